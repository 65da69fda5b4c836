//! What the text says: families of phrases in several languages, three signs each: one phrase, two or three, four
//! and more.
//!
//! The phrases stand in `facts/phrases.txt`; how they are looked for, in `facts/phrases.rs`.

mod account;
mod account_2;
mod account_4;
mod adult;
mod adult_2;
mod adult_4;
mod click;
mod click_2;
mod click_4;
mod dear;
mod dear_2;
mod dear_4;
mod degree;
mod degree_2;
mod degree_4;
mod diet;
mod diet_2;
mod diet_4;
mod donor;
mod donor_2;
mod donor_4;
mod drugs;
mod drugs_2;
mod drugs_4;
mod excuse;
mod excuse_2;
mod excuse_4;
mod explicit;
mod explicit_2;
mod explicit_4;
mod extortion;
mod extortion_2;
mod extortion_4;
mod family;
mod family_2;
mod family_4;
mod finance;
mod finance_2;
mod finance_4;
mod fraud;
mod fraud_2;
mod fraud_4;
mod gamble;
mod gamble_2;
mod gamble_4;
mod getrich;
mod getrich_2;
mod getrich_4;
mod goods;
mod goods_2;
mod goods_4;
mod income;
mod income_2;
mod income_4;
mod insider;
mod insider_2;
mod insider_4;
mod invoice;
mod invoice_2;
mod invoice_4;
mod leave;
mod leave_2;
mod leave_4;
mod lender;
mod lender_2;
mod lender_4;
mod lottery;
mod lottery_2;
mod lottery_4;
mod mailing;
mod mailing_2;
mod mailing_4;
mod opener;
mod opener_2;
mod opener_4;
mod parcel;
mod parcel_2;
mod parcel_4;
mod payout;
mod payout_2;
mod payout_4;
mod pharma;
mod pharma_2;
mod pharma_4;
mod praise;
mod promise;
mod promise_2;
mod promise_4;
mod reader_addressed;
mod seller;
mod seller_2;
mod seller_4;
mod software;
mod software_2;
mod software_4;
mod stock;
mod stock_2;
mod stock_4;
mod stranger;
mod stranger_2;
mod stranger_4;
mod suitor;
mod suitor_2;
mod suitor_4;
mod trade;
mod trade_2;
mod trade_4;
mod urgency;
mod urgency_2;
mod urgency_4;
mod wallet;
mod wallet_2;
mod wallet_4;
mod wealth;
mod wealth_2;
mod wealth_4;

use crate::spam::signs::{sells_unnamed, when};
use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    fraud::SIGN,
    fraud_2::SIGN,
    fraud_4::SIGN,
    lottery::SIGN,
    lottery_2::SIGN,
    lottery_4::SIGN,
    account::SIGN,
    account_2::SIGN,
    account_4::SIGN,
    wallet::SIGN,
    wallet_2::SIGN,
    wallet_4::SIGN,
    extortion::SIGN,
    extortion_2::SIGN,
    extortion_4::SIGN,
    invoice::SIGN,
    invoice_2::SIGN,
    invoice_4::SIGN,
    parcel::SIGN,
    parcel_2::SIGN,
    parcel_4::SIGN,
    pharma::SIGN,
    pharma_2::SIGN,
    pharma_4::SIGN,
    diet::SIGN,
    diet_2::SIGN,
    diet_4::SIGN,
    adult::SIGN,
    adult_2::SIGN,
    adult_4::SIGN,
    finance::SIGN,
    finance_2::SIGN,
    finance_4::SIGN,
    income::SIGN,
    income_2::SIGN,
    income_4::SIGN,
    stock::SIGN,
    stock_2::SIGN,
    stock_4::SIGN,
    software::SIGN,
    software_2::SIGN,
    software_4::SIGN,
    goods::SIGN,
    goods_2::SIGN,
    goods_4::SIGN,
    urgency::SIGN,
    urgency_2::SIGN,
    urgency_4::SIGN,
    promise::SIGN,
    promise_2::SIGN,
    promise_4::SIGN,
    click::SIGN,
    click_2::SIGN,
    click_4::SIGN,
    leave::SIGN,
    leave_2::SIGN,
    leave_4::SIGN,
    mailing::SIGN,
    mailing_2::SIGN,
    mailing_4::SIGN,
    degree::SIGN,
    degree_2::SIGN,
    degree_4::SIGN,
    gamble::SIGN,
    gamble_2::SIGN,
    gamble_4::SIGN,
    trade::SIGN,
    trade_2::SIGN,
    trade_4::SIGN,
    dear::SIGN,
    dear_2::SIGN,
    dear_4::SIGN,
    family::SIGN,
    family_2::SIGN,
    family_4::SIGN,
    stranger::SIGN,
    stranger_2::SIGN,
    stranger_4::SIGN,
    wealth::SIGN,
    wealth_2::SIGN,
    wealth_4::SIGN,
    lender::SIGN,
    lender_2::SIGN,
    lender_4::SIGN,
    drugs::SIGN,
    drugs_2::SIGN,
    drugs_4::SIGN,
    explicit::SIGN,
    explicit_2::SIGN,
    explicit_4::SIGN,
    seller::SIGN,
    seller_2::SIGN,
    seller_4::SIGN,
    excuse::SIGN,
    excuse_2::SIGN,
    excuse_4::SIGN,
    getrich::SIGN,
    getrich_2::SIGN,
    getrich_4::SIGN,
    opener::SIGN,
    opener_2::SIGN,
    opener_4::SIGN,
    insider::SIGN,
    insider_2::SIGN,
    insider_4::SIGN,
    donor::SIGN,
    donor_2::SIGN,
    donor_4::SIGN,
    payout::SIGN,
    payout_2::SIGN,
    payout_4::SIGN,
    suitor::SIGN,
    suitor_2::SIGN,
    suitor_4::SIGN,
    reader_addressed::SIGN,
    praise::SIGN,
];

/// Words for the reader, sorted.
const READER: &[&str] = &["you", "your", "yours", "yourself"];

/// Words that praise and press, in folded form and sorted.
const PRAISE: &[&str] = &[
    "absolutely",
    "amazing",
    "best",
    "biggest",
    "cheap",
    "cheapest",
    "discover",
    "easily",
    "easy",
    "ever",
    "every",
    "exclusive",
    "fantastic",
    "fast",
    "free",
    "great",
    "greatest",
    "guarantee",
    "guaranteed",
    "huge",
    "hundreds",
    "imagine",
    "incredible",
    "instant",
    "instantly",
    "lowest",
    "millions",
    "never",
    "now",
    "only",
    "powerful",
    "professional",
    "proven",
    "quality",
    "save",
    "secret",
    "secrets",
    "special",
    "thousands",
    "today",
    "unbelievable",
    "unlimited",
];

/// Most bytes of a text whose words are counted.
const MAX_COUNTED: usize = 64 * 1024;
/// Fewest words of a text of which a share says something.
const FEWEST_WORDS: usize = 20;

/// How many of a hundred words of the text are among these, if so many are and nothing shows who says so.
fn often(f: &Facts, among: &[&str], percent: usize) -> Option<String> {
    if !sells_unnamed(f) {
        return None;
    }
    let text = f.folding.text.as_bytes();
    let text = text.get(..MAX_COUNTED).unwrap_or(text);
    let (mut all, mut hits) = (0_usize, 0_usize);
    // By bytes, for speed: a letter beyond ASCII is part of its word.
    for word in text.split(|byte| !byte.is_ascii_alphabetic() && byte.is_ascii()).filter(|word| !word.is_empty()) {
        all = all.saturating_add(1);
        let found = among.binary_search_by(|known| known.as_bytes().cmp(word)).is_ok();
        hits = hits.saturating_add(usize::from(found));
    }
    when(
        all >= FEWEST_WORDS && hits.saturating_mul(100) >= all.saturating_mul(percent),
        format!("{hits} of {all} words"),
    )
}

/// What a family has in a message, if it is so many phrases.
fn family(f: &Facts, name: &str, fewest: usize) -> Option<String> {
    // They are sorted by family.
    let first = f.phrases.partition_point(|(family, _)| *family < name);
    let own = f.phrases.iter().skip(first).take_while(|(family, _)| *family == name);
    let found: Vec<&str> = own.map(|(_, text)| *text).collect();
    when(found.len() >= fewest, found.iter().take(6).copied().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_that_are_counted_are_sorted() {
        assert!(super::READER.is_sorted() && super::PRAISE.is_sorted());
    }
}
