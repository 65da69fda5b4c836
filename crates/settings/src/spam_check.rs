//! What is wrong, or likely not meant, in what a policy says about spam.

use judge::policy::{GroupId, Policy, SpamAction};
use judge::units::{Bytes, Time};

use crate::external_check;
use crate::policy_check::MAX_LABEL;
use crate::problem::Problem;
use crate::suggest::closest;

/// Smallest and largest limit of what is examined for spam (LM-03): 1 KB, and 2,096,128 KB.
const MIN_SPAM_SIZE: Bytes = Bytes(1000);
const MAX_SPAM_SIZE: Bytes = Bytes(2_096_128 * 1024);
/// Most unknown names that are told of one setting.
const MAX_TOLD: usize = 20;

/// What is switched off and is no sign. `known`: the name of every sign that there is.
pub fn check_signs(policy: &Policy, known: &[&str]) -> Vec<Problem> {
    let mut found = Vec::new();
    unknown(&policy.spam.signs.off, "spam.signs.off", known, &mut found);
    for at in 0..policy.group.len() {
        let own = &policy.spam_of(GroupId::Group(at)).signs.off;
        if *own != policy.spam.signs.off {
            unknown(own, &format!("group[{at}].spam.signs.off"), known, &mut found);
        }
    }
    found
}

fn unknown(off: &[String], key: &str, known: &[&str], found: &mut Vec<Problem>) {
    for name in off.iter().filter(|name| !known.contains(&name.as_str())).take(MAX_TOLD) {
        let problem = Problem::warning(key, format!("{key}: {name:?} is no sign, and switches nothing off"));
        found.push(match closest(name, known) {
            Some(meant) => problem.hint(format!("did you mean {meant:?}?")),
            None => problem.hint("`mailward explain` names the signs of a message"),
        });
    }
}

/// What was set and does nothing while spam is not looked for (AS-18, SE-01). Sensitivity is for outgoing mail, too.
fn check_switched_off(policy: &Policy, found: &mut Vec<Problem>) {
    let (spam, usual) = (&policy.spam, Policy::of(policy.profile).spam);
    if spam.enabled {
        return;
    }
    let idle = [
        ("spam.sensitivity", spam.sensitivity != usual.sensitivity && !spam.outgoing),
        ("spam.spam", spam.spam != usual.spam),
        ("spam.probable", spam.probable != usual.probable),
        ("spam.formal", spam.formal != usual.formal),
        ("spam.blacklisted", spam.blacklisted != usual.blacklisted),
        ("spam.mass", spam.mass != usual.mass),
    ];
    for (key, _) in idle.iter().filter(|(_, idle)| *idle) {
        let message = format!("{key} does nothing while spam.enabled is false");
        found.push(Problem::warning(key, message).hint("spam.enabled = true"));
    }
}

/// Spam: sizes (LM-03), labels, and what vanishes (D-5).
pub(crate) fn check_spam(policy: &Policy, found: &mut Vec<Problem>) {
    let spam = &policy.spam;
    if !(MIN_SPAM_SIZE..=MAX_SPAM_SIZE).contains(&spam.max_size) {
        let message = format!("spam.max_size must be {MIN_SPAM_SIZE} to {MAX_SPAM_SIZE} (LM-03)");
        found.push(Problem::error("spam.max_size", message));
    }
    if spam.max_time == Time(0) {
        found.push(Problem::error("spam.max_time", "spam.max_time is 0: nothing could be examined for spam"));
    }
    external_check::check(policy, found);
    check_switched_off(policy, found);
    let rows = [
        ("spam.spam", &spam.spam),
        ("spam.probable", &spam.probable),
        ("spam.formal", &spam.formal),
        ("spam.blacklisted", &spam.blacklisted),
        ("spam.mass", &spam.mass),
    ];
    for (key, row) in rows {
        let label = format!("{key}.label");
        if row.label.chars().any(char::is_control) {
            found.push(Problem::error(&label, format!("{label} must be one line without control characters")));
        }
        if row.label.len() > MAX_LABEL {
            found.push(Problem::error(&label, format!("{label} is longer than {MAX_LABEL} bytes")));
        }
        if spam.enabled && row.action == SpamAction::Delete && !row.keep_copy {
            let message = format!("{key}.keep_copy = false: deleted mail vanishes without trace (D-5)");
            found.push(Problem::warning(&format!("{key}.keep_copy"), message));
        }
    }
}
