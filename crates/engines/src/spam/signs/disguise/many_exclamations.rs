//! The text exclaims all the time.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "many_exclamations",
    group: SignGroup::Disguise,
    points: Points::Fitted(74),
    about: "The text exclaims all the time.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbuy! now! here! all! free!\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nbuy!\n"],
};

fn check(f: &Facts) -> Option<String> {
    let count = f.folding.text.matches('!').count();
    when(count >= 5 && count.saturating_mul(400) > f.folding.text.len(), format!("{count} times"))
}
