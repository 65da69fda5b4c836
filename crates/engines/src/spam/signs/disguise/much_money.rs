//! The text names sums of money again and again.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "much_money",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "The text names sums of money again and again.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\n$5 or $50 or $500\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\n$5\n"],
};

fn check(f: &Facts) -> Option<String> {
    let text = f.folding.text.as_str();
    let count = ['$', '€', '£']
        .iter()
        .map(|mark| {
            text.match_indices(*mark)
                .filter(|(at, m)| {
                    text.get(at.saturating_add(m.len())..)
                        .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
                })
                .count()
        })
        .fold(0, usize::saturating_add);
    when(count >= 3, format!("{count} sums"))
}
