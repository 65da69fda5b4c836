//! Who the message says it is from, where answers go, and whether the two fit.

mod abused_sender_words;
mod blank_in_address;
mod borrowed_brand;
mod brand_in_local_part;
mod cheap_sender_domain;
mod damaged_sender;
mod deep_sender_domain;
mod digits_in_sender_domain;
mod dotless_local_words;
mod emoji_in_name;
mod empty_name_quoted;
mod envelope_of_other_domain;
mod free_mail_changes;
mod free_mail_sender;
mod hr_02_digits_in_sender;
mod hr_03_sender_without_domain;
mod long_name;
mod loud_name;
mod many_digits_in_sender;
mod name_encoded_for_nothing;
mod name_is_address;
mod name_is_other_address;
mod no_name;
mod odd_name;
mod random_domain;
mod random_envelope_sender;
mod random_local_part;
mod reply_to_free_mail;
mod reply_to_other_domain;
mod reply_to_unreadable;
mod role_and_free_mail;
mod sender_is_recipient;
mod several_senders;
mod signature_of_other_domain;
mod tenant_sender;

use crate::spam::facts::registered;
use crate::spam::signs::{some, when};
use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    hr_02_digits_in_sender::SIGN,
    hr_03_sender_without_domain::SIGN,
    damaged_sender::SIGN,
    many_digits_in_sender::SIGN,
    several_senders::SIGN,
    name_is_other_address::SIGN,
    name_is_address::SIGN,
    borrowed_brand::SIGN,
    brand_in_local_part::SIGN,
    empty_name_quoted::SIGN,
    no_name::SIGN,
    emoji_in_name::SIGN,
    loud_name::SIGN,
    long_name::SIGN,
    odd_name::SIGN,
    name_encoded_for_nothing::SIGN,
    random_local_part::SIGN,
    random_domain::SIGN,
    digits_in_sender_domain::SIGN,
    cheap_sender_domain::SIGN,
    deep_sender_domain::SIGN,
    free_mail_sender::SIGN,
    tenant_sender::SIGN,
    reply_to_other_domain::SIGN,
    reply_to_free_mail::SIGN,
    reply_to_unreadable::SIGN,
    free_mail_changes::SIGN,
    sender_is_recipient::SIGN,
    envelope_of_other_domain::SIGN,
    random_envelope_sender::SIGN,
    signature_of_other_domain::SIGN,
    blank_in_address::SIGN,
    dotless_local_words::SIGN,
    role_and_free_mail::SIGN,
    abused_sender_words::SIGN,
];

/// Names that are often borrowed, and a piece of the domains that may use them.
const BRANDS: &[(&str, &[&str])] = &[
    ("paypal", &["paypal"]),
    ("amazon", &["amazon"]),
    ("netflix", &["netflix"]),
    ("apple", &["apple", "icloud"]),
    ("icloud", &["apple", "icloud"]),
    ("microsoft", &["microsoft", "outlook", "live", "hotmail", "office"]),
    ("office 365", &["microsoft", "office"]),
    ("office365", &["microsoft", "office"]),
    ("outlook", &["microsoft", "outlook", "live", "office"]),
    ("docusign", &["docusign"]),
    ("dhl", &["dhl"]),
    ("fedex", &["fedex"]),
    ("usps", &["usps"]),
    ("facebook", &["facebook", "meta"]),
    ("instagram", &["instagram", "facebook"]),
    ("whatsapp", &["whatsapp"]),
    ("linkedin", &["linkedin"]),
    ("metamask", &["metamask"]),
    ("coinbase", &["coinbase"]),
    ("binance", &["binance"]),
    ("trust wallet", &["trustwallet"]),
    ("trustwallet", &["trustwallet"]),
    ("blockchain", &["blockchain"]),
    ("norton", &["norton", "lifelock", "gen"]),
    ("mcafee", &["mcafee"]),
    ("geek squad", &["bestbuy", "geeksquad"]),
    ("spotify", &["spotify"]),
    ("ebay", &["ebay"]),
    ("walmart", &["walmart"]),
    ("costco", &["costco"]),
    ("lowe's", &["lowes"]),
    ("home depot", &["homedepot"]),
    ("wells fargo", &["wellsfargo"]),
    ("bank of america", &["bankofamerica"]),
    ("citibank", &["citi"]),
    ("american express", &["americanexpress", "aexp"]),
    ("sparkasse", &["sparkasse"]),
    ("postbank", &["postbank"]),
    ("santander", &["santander"]),
    ("bradesco", &["bradesco"]),
    ("itau", &["itau"]),
    ("serasa", &["serasa"]),
    ("nubank", &["nubank"]),
    ("correios", &["correios"]),
    ("bbva", &["bbva"]),
    ("caixa", &["caixa"]),
    ("livelo", &["livelo"]),
    ("hsbc", &["hsbc"]),
    ("barclays", &["barclays"]),
    ("dropbox", &["dropbox"]),
    ("wetransfer", &["wetransfer"]),
    ("google", &["google", "youtube"]),
    ("cash app", &["cash", "square"]),
    ("venmo", &["venmo"]),
    ("zelle", &["zelle"]),
    ("western union", &["westernunion"]),
    ("shein", &["shein"]),
    ("temu", &["temu"]),
    ("tinder", &["tinder"]),
    ("irs", &["irs.gov"]),
    ("state farm", &["statefarm"]),
    ("t-mobile", &["t-mobile"]),
    ("verizon", &["verizon"]),
    ("xfinity", &["comcast", "xfinity"]),
    ("at&t", &["att"]),
    ("dewalt", &["dewalt"]),
    ("yeti", &["yeti"]),
    ("starbucks", &["starbucks"]),
    ("kohl's", &["kohls"]),
    ("cvs", &["cvs"]),
    ("walgreens", &["walgreens"]),
    ("ace hardware", &["acehardware"]),
    ("sam's club", &["samsclub"]),
    ("aliexpress", &["aliexpress", "alibaba"]),
    ("mercado livre", &["mercadoli"]),
];

/// Whether an encoded word holds nothing but ASCII that needs no encoding.
pub(super) fn encoded_for_nothing(value: &str) -> Option<String> {
    if !value.contains("=?") || !value.is_ascii() {
        return None;
    }
    let upper = value.to_ascii_uppercase();
    let decoded = mail::header::decode_words(value.as_bytes());
    let plain = decoded.is_ascii() && !upper.contains("ISO-2022");
    when(plain && decoded != value && !decoded.contains("=?"), decoded.clone())
}

fn other_reply(f: &Facts) -> Option<String> {
    let reply = registered(&f.reply_to.first()?.domain()).to_owned();
    let from = f.from_domain();
    some(&reply).filter(|reply| !from.is_empty() && *reply != from)
}
