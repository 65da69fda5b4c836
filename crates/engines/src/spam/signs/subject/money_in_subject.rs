//! The subject names a sum of money.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "money_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(96),
    about: "The subject names a sum of money.",
    check,
    #[cfg(test)]
    fires: &["Subject: Earn $5000 a week", "Subject: =?utf-8?Q?500_=E2=82=AC?="],
    #[cfg(test)]
    quiet: &["Subject: the $PATH of it"],
};

fn check(f: &Facts) -> Option<String> {
    let money = |mark: char| {
        f.subject.match_indices(mark).any(|(at, m)| {
            let after = f.subject.get(at.saturating_add(m.len())..).unwrap_or("").trim_start();
            let before = f.subject.get(..at).unwrap_or("").trim_end();
            after.starts_with(|c: char| c.is_ascii_digit()) || before.ends_with(|c: char| c.is_ascii_digit())
        })
    };
    ['$', '€', '£', '¥'].into_iter().find(|mark| money(*mark)).map(String::from)
}
