//! The envelope has no sender: a program wrote it that wants no answer.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "null_sender",
    group: SignGroup::Automatic,
    points: Points::Fixed(250),
    about: "The envelope has no sender: a program wrote it that wants no answer.",
    check,
    #[cfg(test)]
    fires: &["Return-Path: <>"],
    #[cfg(test)]
    quiet: &["Return-Path: <a@example.org>", "Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.envelope_sender().is_some_and(|s| s.is_empty() || s.eq_ignore_ascii_case("mailer-daemon")), "<>")
}
