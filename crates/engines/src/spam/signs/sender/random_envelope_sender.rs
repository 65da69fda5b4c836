//! The sender of the envelope looks made by a program, of a domain that is not From's.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::when;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "random_envelope_sender",
    group: SignGroup::Sender,
    points: Points::Fitted(25),
    about: "The sender of the envelope looks made by a program, of a domain that is not From's.",
    check,
    #[cfg(test)]
    fires: &["Return-Path: <xkqjzvbwpt@example.com>\nFrom: a@example.org"],
    #[cfg(test)]
    quiet: &["Return-Path: <bounces@example.com>\nFrom: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let envelope = f.envelope_sender()?;
    let (local, domain) = envelope.rsplit_once('@')?;
    when(is_random(local) && registered(domain).to_lowercase() != f.from_domain(), envelope.clone())
}
