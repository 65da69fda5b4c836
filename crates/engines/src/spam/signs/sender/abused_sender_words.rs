//! The sender's domain or local part is made of words that advertisers like.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "abused_sender_words",
    group: SignGroup::Sender,
    points: Points::Fitted(106),
    about: "The sender's domain or local part is made of words that advertisers like.",
    check,
    #[cfg(test)]
    fires: &["From: a@best-offers.example"],
    #[cfg(test)]
    quiet: &["From: ann@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let address = f.sender()?.address.to_lowercase();
    let words = [
        "offer", "deal", "promo", "prize", "reward", "bonus", "lucky", "winner", "gift", "save", "loan", "credit",
        "cash", "casino", "health", "diet", "secure", "alert", "verify", "update", "discount", "sale", "rx", "pill",
        "meds",
    ];
    words.iter().find(|w| address.contains(*w)).map(|w| format!("{w} in {address}"))
}
