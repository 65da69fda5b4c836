//! Which signs hold a message's status up: without them it would be another.

use std::cmp::Reverse;

use mail::arrival::Arrival;
use mail::evidence::{Listed, Report, Sign};

use super::{counts, listed, of_signs, verdict};
use crate::origin::lists::Set;
use crate::policy::Policy;

/// The signs without any one of which the status would be another, by name.
pub fn decisive<'a>(policy: &Policy, arrival: &Arrival, report: &'a Report) -> Vec<&'a str> {
    let counted: Vec<&Sign> = report.spam().signs().iter().filter(|sign| counts(policy, arrival, sign)).collect();
    let whole = verdict(policy, arrival, report);
    if whole.why.is_some() || listed(policy, report).is_some_and(Listed::denies) {
        return Vec::new();
    }
    // At most `MAX_SIGNS` of them, each a sum.
    let without = |id: &str| -> Vec<&Sign> { counted.iter().copied().filter(|sign| sign.id != id).collect() };
    let changes = |sign: &&&Sign| of_signs(policy, arrival, &without(&sign.id)).status != whole.status;
    counted.iter().filter(changes).map(|sign| sign.id.as_str()).collect()
}

/// Signs without all of which the status would be another, where no single one decides: those with the most
/// points, and none that is not needed for it. By name; empty where one decides, or none.
pub fn together<'a>(policy: &Policy, arrival: &Arrival, report: &'a Report) -> Vec<&'a str> {
    let whole = verdict(policy, arrival, report);
    let denied = listed(policy, report).is_some_and(Listed::denies);
    if whole.why.is_some() || denied || !decisive(policy, arrival, report).is_empty() {
        return Vec::new();
    }
    let counted: Vec<&Sign> = report.spam().signs().iter().filter(|sign| counts(policy, arrival, sign)).collect();
    let reached = |sign: &Sign| Set::of_sign(&sign.id).is_some_and(|(_, reached)| reached);
    let other = |taken: &[&Sign]| {
        let rest: Vec<&Sign> =
            counted.iter().copied().filter(|sign| !taken.iter().any(|one| one.id == sign.id)).collect();
        of_signs(policy, arrival, &rest).status != whole.status
    };
    let mut most: Vec<&Sign> = counted.iter().copied().filter(|sign| sign.points > 0 || reached(sign)).collect();
    most.sort_by_key(|sign| (!reached(sign), Reverse(sign.points)));
    // At most `MAX_SIGNS` of them, each a sum.
    let Some(enough) = (1..=most.len()).find(|count| other(most.get(..*count).unwrap_or_default())) else {
        return Vec::new();
    };
    most.truncate(enough);
    for at in (0..most.len()).rev() {
        let mut fewer = most.clone();
        fewer.remove(at);
        if other(&fewer) {
            most = fewer;
        }
    }
    most.into_iter().map(|sign| sign.id.as_str()).collect()
}
