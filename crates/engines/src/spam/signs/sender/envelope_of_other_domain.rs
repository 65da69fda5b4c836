//! The sender of the envelope is of another domain than From.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "envelope_of_other_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The sender of the envelope is of another domain than From.",
    check,
    #[cfg(test)]
    fires: &["Return-Path: <x@example.com>\nFrom: a@example.org"],
    #[cfg(test)]
    quiet: &[
        "Return-Path: <x@bounce.example.org>\nFrom: a@example.org",
        "From: a@example.org",
        "Return-Path: <>\nFrom: a@example.org",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let envelope = f.envelope_sender()?;
    let domain = registered(envelope.rsplit_once('@')?.1).to_lowercase();
    let from = f.from_domain();
    when(!domain.is_empty() && !from.is_empty() && domain != from, domain)
}
