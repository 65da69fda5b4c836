//! Who the message says it is from, where answers go, and whether the two fit.

use super::words::{digits, is_cheap, is_free_mail, is_loud, is_random};
use super::{sign, some, when};
use crate::spam::Facts;
use crate::spam::Points::{AtLeast, Fitted};
use crate::spam::Row;
use crate::spam::facts::{is_emoji, registered};

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

pub(crate) const SIGNS: &[Row] = &[
    sign!(AtLeast(10), "hr_02_digits_in_sender", Sender, "The sender's address has digits in front of the @ (HR-02).",
        |f| f.sender().filter(|from| digits(from.local()) > 0).map(|from| from.address.clone()),
        fires: ["From: ann77@example.org"],
        quiet: ["From: Ann 77 <ann@example.org>", "From: ann@example1.org"]),
    sign!(AtLeast(150), "hr_03_sender_without_domain", Sender, "The sender's address has no domain (HR-03).",
        |f| f.sender().filter(|from| from.domain().is_empty()).map(|from| if from.address.is_empty() { from.name.clone() } else { from.address.clone() }),
        fires: ["From: ann", "From: Ann <ann>", "From: Ann <>"],
        quiet: ["From: ann@example.org"]),
    sign!(Fitted, "many_digits_in_sender", Sender, "The sender's address has four digits or more.",
        |f| f.sender().filter(|from| digits(from.local()) >= 4).map(|from| from.address.clone()),
        fires: ["From: ann1977@example.org"],
        quiet: ["From: ann77@example.org"]),
    sign!(Fitted, "several_senders", Sender, "From names several people, and no Sender says who of them wrote.",
        |f| when(f.from.len() > 1 && !f.has("sender"), format!("{} mailboxes", f.from.len())),
        fires: ["From: a@example.org, b@example.org"],
        quiet: ["From: a@example.org", "From: a@example.org, b@example.org\nSender: a@example.org"]),
    sign!(Fitted, "name_is_other_address", Sender, "The display name shows an address of another domain.", name_is_address,
        fires: ["From: \"service@bank.example\" <x@evil.example>"],
        quiet: ["From: \"ann@example.org\" <ann@example.org>", "From: Ann <ann@example.org>"]),
    sign!(Fitted, "name_is_address", Sender, "The display name is the address itself.",
        |f| f.sender().filter(|from| from.name.trim().eq_ignore_ascii_case(&from.address) && !from.name.is_empty()).map(|from| from.name.clone()),
        fires: ["From: \"ann@example.org\" <ann@example.org>"],
        quiet: ["From: Ann <ann@example.org>", "From: ann@example.org"]),
    sign!(Fitted, "borrowed_brand", Sender, "The display name is that of a well-known company, the domain is not.", borrowed_brand,
        fires: ["From: PayPal Service <x@evil.example>", "From: \"Nеtflix\" <x@evil.example>"],
        quiet: ["From: PayPal <service@paypal.com>", "From: Pineapple Farm <a@example.org>", "From: Ann <ann@example.org>"]),
    sign!(Fitted, "brand_in_local_part", Sender, "A well-known company stands in front of the @, not behind it.",
        |f| {
            let from = f.sender()?;
            let (local, domain) = (from.local().to_lowercase(), from.domain());
            BRANDS.iter().find(|(name, own)| name.len() > 4 && local.contains(*name) && !own.iter().any(|o| domain.contains(o))).map(|(name, _)| format!("{name} in {}", from.address))
        },
        fires: ["From: paypal@evil.example"],
        quiet: ["From: service@paypal.com", "From: a@example.org"]),
    sign!(Fitted, "empty_name_quoted", Sender, "The display name is there, and empty.",
        |f| when(f.field("from").is_some_and(|v| v.starts_with("\"\"") || v.starts_with("\" \"")), "\"\""),
        fires: ["From: \"\" <a@example.org>"],
        quiet: ["From: <a@example.org>", "From: \"Ann\" <a@example.org>"]),
    sign!(Fitted, "no_name", Sender, "The sender has no display name.",
        |f| f.sender().filter(|from| from.name.trim().is_empty() && !from.address.is_empty()).map(|from| from.address.clone()),
        fires: ["From: ann@example.org"],
        quiet: ["From: Ann <ann@example.org>"]),
    sign!(Fitted, "emoji_in_name", Sender, "The display name has a pictogram.",
        |f| f.sender().filter(|from| from.name.chars().any(is_emoji)).map(|from| from.name.clone()),
        fires: ["From: =?utf-8?Q?=F0=9F=8E=81_Gift?= <a@example.org>"],
        quiet: ["From: Ann <a@example.org>"]),
    sign!(Fitted, "loud_name", Sender, "The display name is all capitals.",
        |f| f.sender().filter(|from| is_loud(&from.name, 6)).map(|from| from.name.clone()),
        fires: ["From: BIG WINNER <a@example.org>"],
        quiet: ["From: Ann Writer <a@example.org>", "From: IBM <a@example.org>"]),
    sign!(Fitted, "long_name", Sender, "The display name is longer than names are.",
        |f| f.sender().filter(|from| from.name.chars().count() > 50).map(|from| from.name.clone()),
        fires: ["From: Your account has been closed please act within a day or two <a@example.org>"],
        quiet: ["From: Ann Writer <a@example.org>"]),
    sign!(Fitted, "odd_name", Sender, "The display name has signs that names do not have.",
        |f| f.sender().filter(|from| from.name.contains(['!', '$', '%', '*', '=', '~', '#', '®', '™', '✔', '_', '<', '>', '{', '}'])).map(|from| from.name.clone()),
        fires: ["From: Win $$$ <a@example.org>", "From: Service#Team <a@example.org>"],
        quiet: ["From: \"O'Neil, Ann (Sales)\" <a@example.org>"]),
    sign!(Fitted, "name_encoded_for_nothing", Sender, "The display name is plain ASCII, but encoded.",
        |f| encoded_for_nothing(f.field("from").unwrap_or("")),
        fires: ["From: =?utf-8?B?QW5u?= <a@example.org>"],
        quiet: ["From: Ann <a@example.org>", "From: =?utf-8?Q?J=C3=BCrgen?= <a@example.org>"]),
    sign!(Fitted, "random_local_part", Sender, "The part in front of the sender's @ looks made by a program.",
        |f| f.sender().filter(|from| is_random(from.local())).map(|from| from.address.clone()),
        fires: ["From: xkqjzvbwpt@example.org"],
        quiet: ["From: christopher@example.org"]),
    sign!(Fitted, "random_domain", Sender, "The sender's domain looks made by a program.",
        |f| {
            let domain = f.from_domain();
            when(domain.split('.').next().is_some_and(is_random), domain)
        },
        fires: ["From: a@zwbixr8g26k3d.com"],
        quiet: ["From: a@example.org"]),
    sign!(Fitted, "digits_in_sender_domain", Sender, "The sender's domain has digits.",
        |f| {
            let domain = f.from_domain();
            when(digits(&domain) > 0 && !is_free_mail(&domain), domain)
        },
        fires: ["From: a@example24.org"],
        quiet: ["From: a@example.org", "From: a@163.com"]),
    sign!(Fitted, "cheap_sender_domain", Sender, "The sender's domain lies in a top domain that costs little and is abused much.",
        |f| {
            let domain = f.from_domain();
            when(is_cheap(&domain), domain)
        },
        fires: ["From: a@example.xyz"],
        quiet: ["From: a@example.org"]),
    sign!(Fitted, "deep_sender_domain", Sender, "The sender's domain has four labels or more.",
        |f| f.sender().map(|from| from.domain()).filter(|domain| domain.split('.').count() >= 4 && !domain.ends_with(".uk") && !domain.ends_with(".edu") && !domain.ends_with(".gov")),
        fires: ["From: a@x.y.example.org"],
        quiet: ["From: a@mail.example.org"]),
    sign!(Fitted, "free_mail_sender", Sender, "The sender's address is of a free mail provider.",
        |f| {
            let domain = f.sender()?.domain();
            when(is_free_mail(&domain), domain)
        },
        fires: ["From: a@gmail.com"],
        quiet: ["From: a@example.org"]),
    sign!(Fitted, "tenant_sender", Sender, "The sender uses the address that a service gives to every tenant.",
        |f| f.sender().map(|from| from.domain()).filter(|domain| domain.ends_with(".onmicrosoft.com") || domain.ends_with(".firebaseapp.com") || domain.ends_with(".appspotmail.com")),
        fires: ["From: a@example.onmicrosoft.com"],
        quiet: ["From: a@example.org"]),
    sign!(Fitted, "reply_to_other_domain", Sender, "Answers go to another domain than the sender's.",
        |f| other_reply(f),
        fires: ["From: a@example.org\nReply-To: b@example.com"],
        quiet: ["From: a@mail.example.org\nReply-To: b@example.org", "From: a@example.org"]),
    sign!(Fitted, "reply_to_free_mail", Sender, "Answers go to a free mail provider, the sender is somewhere else.",
        |f| other_reply(f).filter(|domain| is_free_mail(domain)),
        fires: ["From: a@example.org\nReply-To: b@gmail.com"],
        quiet: ["From: a@gmail.com\nReply-To: b@gmail.com", "From: a@example.org\nReply-To: b@example.com"]),
    sign!(AtLeast(100), "reply_to_unreadable", Sender, "Reply-To says something that is no address, so that nobody can answer (RFC 5322, 3.6.2).",
        |f| f.field("reply-to").filter(|value| !value.is_empty() && !f.reply_to.iter().any(|reply| reply.address.contains('@') && !reply.domain().is_empty())).map(str::to_owned),
        fires: ["From: a@example.org\nReply-To: nobody", "From: a@example.org\nReply-To: Ann <>"],
        quiet: ["From: a@example.org\nReply-To: Ann <b@example.com>", "From: a@example.org", "From: a@example.org\nReply-To:"]),
    sign!(Fitted, "free_mail_changes", Sender, "Sender and answers are at free mail providers, with different addresses.",
        |f| {
            let (from, reply) = (f.sender()?, f.reply_to.first()?);
            when(is_free_mail(&from.domain()) && is_free_mail(&reply.domain()) && !from.address.eq_ignore_ascii_case(&reply.address), reply.address.clone())
        },
        fires: ["From: a@gmail.com\nReply-To: b@yahoo.com"],
        quiet: ["From: a@gmail.com\nReply-To: a@gmail.com", "From: a@gmail.com"]),
    sign!(Fitted, "sender_is_recipient", Sender, "The message says that its recipient wrote it.",
        |f| {
            let from = f.sender().map(|from| from.address.to_lowercase()).filter(|from| from.contains('@'))?;
            let all: Vec<String> = f.recipients().take(3).map(str::to_lowercase).collect();
            when(all.len() == 1 && all.contains(&from), from)
        },
        fires: ["From: b@example.net\nTo: b@example.net"],
        quiet: ["From: a@example.org\nTo: b@example.net", "From: b@example.net\nTo: b@example.net, c@example.net"]),
    sign!(Fitted, "envelope_of_other_domain", Sender, "The sender of the envelope is of another domain than From.",
        |f| {
            let envelope = f.envelope_sender()?;
            let domain = registered(envelope.rsplit_once('@')?.1).to_lowercase();
            let from = f.from_domain();
            when(!domain.is_empty() && !from.is_empty() && domain != from, domain)
        },
        fires: ["Return-Path: <x@example.com>\nFrom: a@example.org"],
        quiet: ["Return-Path: <x@bounce.example.org>\nFrom: a@example.org", "From: a@example.org", "Return-Path: <>\nFrom: a@example.org"]),
    sign!(Fitted, "random_envelope_sender", Sender, "The sender of the envelope looks made by a program, of a domain that is not From's.",
        |f| {
            let envelope = f.envelope_sender()?;
            let (local, domain) = envelope.rsplit_once('@')?;
            when(is_random(local) && registered(domain).to_lowercase() != f.from_domain(), envelope.clone())
        },
        fires: ["Return-Path: <xkqjzvbwpt@example.com>\nFrom: a@example.org"],
        quiet: ["Return-Path: <bounces@example.com>\nFrom: a@example.org"]),
    sign!(Fitted, "signature_of_other_domain", Sender, "No DKIM signature is of the sender's domain.",
        |f| {
            let from = f.from_domain();
            let mut domains = f.fields.iter().filter(|field| field.lower == "dkim-signature").filter_map(|field| tag_d(&field.value)).peekable();
            domains.peek()?;
            let all: Vec<String> = domains.collect();
            when(!from.is_empty() && !all.iter().any(|d| registered(d) == from), all.join(", "))
        },
        fires: ["From: a@example.org\nDKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x"],
        quiet: ["From: a@example.org\nDKIM-Signature: v=1; d=mail.example.org; s=x", "From: a@example.org"]),
    sign!(Fitted, "blank_in_address", Sender, "The sender's address has a blank or a comma in it.",
        |f| f.sender().filter(|from| from.address.trim().contains([' ', ','])).map(|from| from.address.clone()),
        fires: ["From: A <a b@example.org>"],
        quiet: ["From: A <a@example.org>"]),
    sign!(Fitted, "dotless_local_words", Sender, "The part in front of the @ is a phrase: three words or more with marks between.",
        |f| f.sender().filter(|from| from.local().split(['-', '_', '.', '+']).filter(|w| w.len() > 1).count() >= 4).map(|from| from.address.clone()),
        fires: ["From: best-new-offer-today@example.org"],
        quiet: ["From: ann.b.writer@example.org"]),
    sign!(Fitted, "role_and_free_mail", Sender, "The display name is an office, the address is of a free mail provider.",
        |f| {
            let from = f.sender()?;
            let name = from.name.to_lowercase();
            let office = ["support", "service", "billing", "admin", "team", "bank", "department", "security", "office", "customer", "account", "mr.", "mrs.", "barrister", "dr.", "director", "manager"];
            when(is_free_mail(&from.domain()) && office.iter().any(|o| name.contains(o)), from.name.clone())
        },
        fires: ["From: Customer Support <a@gmail.com>"],
        quiet: ["From: Ann Writer <a@gmail.com>", "From: Customer Support <a@example.org>"]),
    sign!(Fitted, "abused_sender_words", Sender, "The sender's domain or local part is made of words that advertisers like.",
        |f| {
            let address = f.sender()?.address.to_lowercase();
            let words = ["offer", "deal", "promo", "prize", "reward", "bonus", "lucky", "winner", "gift", "save", "loan", "credit", "cash", "casino", "health", "diet", "secure", "alert", "verify", "update", "discount", "sale", "rx", "pill", "meds"];
            words.iter().find(|w| address.contains(*w)).map(|w| format!("{w} in {address}"))
        },
        fires: ["From: a@best-offers.example"],
        quiet: ["From: ann@example.org"]),
];

fn name_is_address(f: &Facts) -> Option<String> {
    let from = f.sender()?;
    let word = from.name.split_whitespace().find(|word| word.contains('@') && word.contains('.'))?;
    let shown = word.trim_matches(|c: char| !c.is_alphanumeric()).rsplit_once('@')?.1.to_lowercase();
    when(registered(&shown) != f.from_domain(), format!("{} <{}>", from.name, from.address))
}

fn borrowed_brand(f: &Facts) -> Option<String> {
    let from = f.sender()?;
    let name = crate::spam::facts::fold(&from.name).text;
    let domain = from.domain();
    let padded = format!(" {} ", name.replace(['.', ',', '-', '_', ':', '|', '"', '(', ')', '!'], " "));
    let (brand, _) = BRANDS.iter().find(|(brand, own)| {
        padded.contains(&format!(" {brand} ")) && !own.iter().any(|piece| domain.contains(piece))
    })?;
    Some(format!("{brand} at {domain}"))
}

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

/// The value of `d=` in a signature.
fn tag_d(value: &str) -> Option<String> {
    value.split(';').find_map(|tag| tag.trim().strip_prefix("d=")).map(|d| d.trim().to_lowercase())
}
