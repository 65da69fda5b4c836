//! The message calls itself urgent.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "high_priority",
    group: SignGroup::Header,
    points: Points::Fitted(120),
    about: "The message calls itself urgent.",
    check,
    #[cfg(test)]
    fires: &["X-Priority: 1 (Highest)", "Importance: High"],
    #[cfg(test)]
    quiet: &["X-Priority: 3", "Importance: normal"],
};

fn check(f: &Facts) -> Option<String> {
    let first = |name: &str, words: &[&str]| {
        f.field(name).filter(|v| words.iter().any(|w| v.to_ascii_lowercase().starts_with(w))).map(str::to_owned)
    };
    first("x-priority", &["1", "2", "high"])
        .or_else(|| first("importance", &["high"]))
        .or_else(|| first("priority", &["urgent"]))
}
