//! The envelope's sender carries the recipient or a number, as sending services make it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "bulk_envelope",
    group: SignGroup::Bulk,
    points: Points::Fixed(100),
    about: "The envelope's sender carries the recipient or a number, as sending services make it.",
    check,
    #[cfg(test)]
    fires: &["Return-Path: <bounce-77@example.org>"],
    #[cfg(test)]
    quiet: &["Return-Path: <ann@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    let sender = f.envelope_sender()?.to_lowercase();
    let local = sender.rsplit_once('@')?.0.to_owned();
    when(
        ["bounce", "return", "verp", "errors", "mailer", "owner-"].iter().any(|w| sender.contains(w))
            || local.contains('=')
            || local.len() > 40,
        sender.clone(),
    )
}
