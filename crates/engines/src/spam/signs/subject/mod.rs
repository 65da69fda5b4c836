//! The subject: length, form, and what it promises.

mod address_in_subject;
mod advertisement_tag;
mod asking_subject;
mod emoji_in_subject;
mod exclaiming_subject;
mod false_answer;
mod half_loud_subject;
mod hr_04_long_subject;
mod hr_05_blanks_in_subject;
mod hr_06_stamp_in_subject;
mod link_in_subject;
mod loud_subject;
mod marks_in_subject;
mod money_in_subject;
mod much_exclaiming_subject;
mod number_first_in_subject;
mod one_word_subject;
mod percent_in_subject;
mod question_marks_for_letters;
mod reader_in_subject;
mod sales_subject;
mod sales_subject_2;
mod spaced_letters_in_subject;
mod subject_encoded_for_nothing;
mod subject_opens_text;
mod tail_in_subject;

use std::collections::BTreeSet;

use crate::spam::signs::{sells_unnamed, when};
use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    hr_04_long_subject::SIGN,
    hr_05_blanks_in_subject::SIGN,
    hr_06_stamp_in_subject::SIGN,
    loud_subject::SIGN,
    half_loud_subject::SIGN,
    exclaiming_subject::SIGN,
    much_exclaiming_subject::SIGN,
    asking_subject::SIGN,
    money_in_subject::SIGN,
    percent_in_subject::SIGN,
    emoji_in_subject::SIGN,
    false_answer::SIGN,
    subject_encoded_for_nothing::SIGN,
    address_in_subject::SIGN,
    link_in_subject::SIGN,
    number_first_in_subject::SIGN,
    advertisement_tag::SIGN,
    marks_in_subject::SIGN,
    one_word_subject::SIGN,
    spaced_letters_in_subject::SIGN,
    tail_in_subject::SIGN,
    question_marks_for_letters::SIGN,
    sales_subject::SIGN,
    sales_subject_2::SIGN,
    reader_in_subject::SIGN,
    subject_opens_text::SIGN,
];

/// What programs put in front of the subject of an answer or a forwarded message.
const ANSWERS: [&str; 13] =
    ["re:", "re :", "aw:", "fw:", "fwd:", "sv:", "wg:", "tr:", "rv:", "antw:", "odp:", "vs:", "ref:"];
/// Most of these that are taken off.
const MAX_ANSWERS: usize = 10;

/// Words that advertisements are made of, in folded form and sorted.
const SALES: &[&str] = &[
    "adult",
    "advertising",
    "amazing",
    "angebot",
    "angebote",
    "approved",
    "bigger",
    "bonus",
    "buy",
    "cable",
    "cartridges",
    "cash",
    "casino",
    "cheap",
    "cheaper",
    "cheapest",
    "cialis",
    "claim",
    "congratulations",
    "credit",
    "dating",
    "deal",
    "deals",
    "debt",
    "debts",
    "degree",
    "desconto",
    "descuento",
    "diploma",
    "discount",
    "discounts",
    "dollars",
    "drug",
    "drugs",
    "dvd",
    "earn",
    "earning",
    "enlarge",
    "enlargement",
    "free",
    "gift",
    "girls",
    "gratis",
    "gratuit",
    "guarantee",
    "guaranteed",
    "hot",
    "hurry",
    "income",
    "incredible",
    "ink",
    "insurance",
    "investment",
    "investor",
    "investors",
    "kostenlos",
    "leads",
    "limited",
    "loan",
    "loans",
    "loss",
    "low",
    "lower",
    "lowest",
    "marketing",
    "meds",
    "million",
    "millions",
    "money",
    "mortgage",
    "now",
    "oem",
    "oferta",
    "ofertas",
    "off",
    "offer",
    "offers",
    "offerta",
    "opportunity",
    "order",
    "penis",
    "pharmacy",
    "pill",
    "pills",
    "porn",
    "prescription",
    "prescriptions",
    "price",
    "priced",
    "prices",
    "prize",
    "profit",
    "profits",
    "promocao",
    "quote",
    "quotes",
    "rabatt",
    "rate",
    "rates",
    "refinance",
    "replica",
    "reward",
    "rewards",
    "rich",
    "rolex",
    "rx",
    "sale",
    "sales",
    "satellite",
    "save",
    "saving",
    "savings",
    "sconto",
    "secret",
    "sex",
    "sexy",
    "shop",
    "singles",
    "software",
    "soldes",
    "special",
    "stock",
    "stocks",
    "teen",
    "teens",
    "tickets",
    "today",
    "traffic",
    "travel",
    "vacation",
    "viagra",
    "warranty",
    "watches",
    "weight",
    "win",
    "winner",
    "won",
    "xxx",
];

/// The words of a folded text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Whether the message answers another: what its subject says, somebody else began.
fn answers(f: &Facts) -> bool {
    is_answer(f) && f.fields.iter().any(|field| matches!(field.lower.as_str(), "in-reply-to" | "references"))
}

/// The words of sale in the subject, if it has so many different ones and nothing shows who says so.
fn sales(f: &Facts, fewest: usize) -> Option<String> {
    let found: BTreeSet<&str> =
        words(&f.subject_folding.text).filter(|word| SALES.binary_search(word).is_ok()).collect();
    when(
        found.len() >= fewest && !answers(f) && sells_unnamed(f),
        found.into_iter().take(6).collect::<Vec<_>>().join(", "),
    )
}

/// The word by which the subject speaks to the reader, where nothing shows who does.
fn speaks_to_reader(f: &Facts) -> Option<String> {
    let word = words(&f.subject_folding.text).find(|word| matches!(*word, "you" | "your" | "yours" | "yourself"))?;
    when(!answers(f) && sells_unnamed(f), word)
}

/// Whether the subject is that of an answer or a forwarded message.
pub(super) fn is_answer(f: &Facts) -> bool {
    let lower = f.subject.trim_start().to_lowercase();
    ANSWERS.iter().chain(&["re[", "[fwd"]).any(|tag| lower.starts_with(tag))
}

/// A subject in lower case without what answers have in front.
fn without_answers(lower: &str) -> &str {
    let mut rest = lower.trim_start();
    for _ in 0..MAX_ANSWERS {
        let Some(less) = ANSWERS.iter().find_map(|tag| rest.strip_prefix(tag)) else { break };
        rest = less.trim_start();
    }
    rest
}

/// Five letters or more, each alone, with the same sign or blank between.
pub(super) fn spaced(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().take(2000).collect();
    let mut run = 0_usize;
    let mut between = '\0';
    let mut at = 0_usize;
    let mut word = String::new();
    while let (Some(letter), Some(mark)) = (letters.get(at), letters.get(at.saturating_add(1))) {
        let alone = letter.is_alphabetic() && matches!(mark, ' ' | '.' | '-' | '*' | '_' | '/' | '|' | '+');
        let lone_start = at == 0 || letters.get(at.saturating_sub(1)).is_none_or(|before| !before.is_alphanumeric());
        if alone && lone_start && (run == 0 || *mark == between) {
            between = *mark;
            run = run.saturating_add(1);
            word.push(*letter);
            at = at.saturating_add(2);
            if run >= 4 {
                return Some(word);
            }
        } else {
            run = 0;
            word.clear();
            at = at.saturating_add(1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_of_sale_are_sorted() {
        assert!(super::SALES.is_sorted());
    }
}
