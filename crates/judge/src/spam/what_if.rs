//! What would have made another status of a message: without which signs, and without which entry of a list.

use std::cmp::Reverse;

use mail::arrival::Arrival;
use mail::evidence::{Listed, Report, Sign};

use super::{SpamVerdict, counting, deciding, listed, reaches, verdict, with_entry};
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
    let counted = counting(policy, arrival, report);
    let entry = listed(policy, report);
    let other = |taken: &[&Sign]| {
        let rest: Vec<&Sign> =
            counted.iter().copied().filter(|sign| !taken.iter().any(|one| one.id == sign.id)).collect();
        with_entry(policy, arrival, report, entry, &rest).status != whole.status
    };
    // At most `MAX_SIGNS` of them, each a sum.
    let alone: Vec<&Sign> = counted.iter().copied().filter(|sign| other(&[sign])).collect();
    let together = if alone.is_empty() { together(&counted, &other) } else { Vec::new() };
    let names = |signs: Vec<&'a Sign>| signs.into_iter().map(|sign| sign.id.as_str()).collect();
    Holding { alone: names(alone), together: names(together) }
}

/// What a message would be without the entry of a list that decided about it; `None` where none did. Another entry
/// may fit it too.
pub fn without_entry(policy: &Policy, arrival: &Arrival, report: &Report) -> Option<SpamVerdict> {
    deciding(policy, report, &verdict(policy, arrival, report))?;
    Some(with_entry(policy, arrival, report, None, &counting(policy, arrival, report)))
}

/// Whether lists in the DNS decide about a message, because their weights reached their limit: whatever its points are.
pub fn reached(policy: &Policy, arrival: &Arrival, report: &Report) -> bool {
    counting(policy, arrival, report).into_iter().any(reaches)
}

/// The signs with the most points without all of which the status is another; `other` says whether it is.
fn together<'a>(counted: &[&'a Sign], other: &dyn Fn(&[&Sign]) -> bool) -> Vec<&'a Sign> {
    let mut most: Vec<&Sign> = counted.iter().copied().filter(|sign| sign.points > 0 || reaches(sign)).collect();
    most.sort_by_key(|sign| (!reaches(sign), Reverse(sign.points)));
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
