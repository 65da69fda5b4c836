//! Whole lines of the text are capitals.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_loud;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "loud_text",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "Whole lines of the text are capitals.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nTHIS IS YOUR CHANCE TO MAKE MONEY\nDO NOT MISS THIS OFFER EVER AGAIN\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nThis is not.\n"],
};

fn check(f: &Facts) -> Option<String> {
    let count = f
        .shown()
        .lines()
        .take(500)
        .filter(|line| line.len() > 25 && line.split_whitespace().count() > 3 && is_loud(line, 20))
        .count();
    when(count >= 2, format!("{count} lines"))
}
