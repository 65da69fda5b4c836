//! Which signs hold a message's status up: without them it would be another.

use std::cmp::Reverse;

use mail::arrival::Arrival;
use mail::evidence::{Listed, Report, Sign};

use super::{counts, listed, of_signs, verdict};
use crate::origin::lists::Set;
use crate::policy::Policy;

/// Signs that hold a status up, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Holding<'a> {
    /// Those without any one of which the status would be another.
    pub alone: Vec<&'a str>,
    /// Where no single one decides, those without all of which it would be: the ones with the most points, and none
    /// that is not needed for it.
    pub together: Vec<&'a str>,
}

/// Which signs hold a message's status up; none where something else decides.
pub fn holding<'a>(policy: &Policy, arrival: &Arrival, report: &'a Report) -> Holding<'a> {
    let whole = verdict(policy, arrival, report);
    if whole.why.is_some() || listed(policy, report).is_some_and(Listed::denies) {
        return Holding::default();
    }
    let counted: Vec<&Sign> = report.spam().signs().iter().filter(|sign| counts(policy, arrival, sign)).collect();
    let other = |taken: &[&Sign]| {
        let rest: Vec<&Sign> =
            counted.iter().copied().filter(|sign| !taken.iter().any(|one| one.id == sign.id)).collect();
        of_signs(policy, arrival, &rest).status != whole.status
    };
    // At most `MAX_SIGNS` of them, each a sum.
    let alone: Vec<&Sign> = counted.iter().copied().filter(|sign| other(&[sign])).collect();
    let together = if alone.is_empty() { together(&counted, &other) } else { Vec::new() };
    let names = |signs: Vec<&'a Sign>| signs.into_iter().map(|sign| sign.id.as_str()).collect();
    Holding { alone: names(alone), together: names(together) }
}

/// The signs with the most points without all of which the status is another; `other` says whether it is.
fn together<'a>(counted: &[&'a Sign], other: &dyn Fn(&[&Sign]) -> bool) -> Vec<&'a Sign> {
    let reached = |sign: &Sign| Set::of_sign(&sign.id).is_some_and(|(_, reached)| reached);
    let mut most: Vec<&Sign> = counted.iter().copied().filter(|sign| sign.points > 0 || reached(sign)).collect();
    most.sort_by_key(|sign| (!reached(sign), Reverse(sign.points)));
    // At most `MAX_SIGNS` times, each as many comparisons and a sum.
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
    most
}
