//! The text has two phrases or more about crypto currencies.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "wallet_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(74),
    about: "The text has two phrases or more about crypto currencies.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbitcoin, your wallet, seed phrase, metamask\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nmetamask\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "wallet", 2)
}
