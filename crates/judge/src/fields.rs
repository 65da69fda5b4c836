//! The fields that a gateway writes above a message's own, and which copies of them it removes (D-13).

use std::collections::BTreeMap;

use mail::arrival::Direction;
use mail::evidence::ObjectId;

use crate::draft::{Case, Draft, Hit};
use crate::plan::{Action, Change, Copy};
use crate::policy::Rule;
use crate::status::Status;

pub(crate) fn headers_wanted(policy: &crate::policy::Policy, direction: Direction) -> bool {
    direction != Direction::Outgoing || policy.headers.on_outgoing
}

/// Forged copies of our headers go when the peer is not trusted (SC-11, D-13).
pub(crate) fn strip(policy: &crate::policy::Policy, arrival: &mail::arrival::Arrival, changes: &mut Vec<Change>) {
    if policy.headers.strip_forged && !arrival.over_trusted_connection() {
        changes.push(Change::StripForged);
    }
}

pub(crate) fn add_headers(
    case: &Case<'_>,
    draft: &Draft,
    status: Status,
    action: Action,
    copy: Copy,
    changes: &mut Vec<Change>,
) {
    let id = case.arrival.id.to_string();
    if case.policy.headers.status {
        changes.push(status_header(status, action, &id));
    }
    if !case.policy.headers.details {
        return;
    }
    let about_form = |rule: Rule| {
        use Rule::{AmbiguousMessage, DisarmDocument, DmarcFailed, TooAmbiguousMessage};
        rule.is_about_spam() || matches!(rule, AmbiguousMessage | TooAmbiguousMessage | DisarmDocument | DmarcFailed)
    };
    if action == Action::Disarmed || action == Action::Disinfected {
        let taken = draft.hits.iter().filter(|hit| !hit.monitored && hit.rule == Rule::DisarmDocument);
        let taken: Vec<String> =
            taken.take(10).map(|hit| format!("{} in {}", hit.what, case.report.node(hit.object))).collect();
        if !taken.is_empty() {
            let value = ascii(&format!("removed {}", taken.join("; ")), 900);
            changes.push(Change::Prepend { name: "X-Mailward-Disarm", value });
        }
    }
    let active: Vec<&Hit> = draft.hits.iter().filter(|hit| !hit.monitored && !about_form(hit.rule)).collect();
    if !active.is_empty() {
        let found: Vec<String> =
            active.iter().take(10).map(|hit| format!("{} in {}", hit.what, case.report.node(hit.object))).collect();
        let value = ascii(&format!("{}; {}", status.name(), found.join("; ")), 900);
        changes.push(Change::Prepend { name: "X-Mailward-AntiVirus", value });
    }
    if copy == Copy::Keep {
        changes.push(Change::Prepend { name: "X-Mailward-Backup-Id", value: id });
    }
}

/// Most parts that get a field of their own.
const MAX_PARTS: usize = 100;
/// Most findings that the field of a part tells.
const MAX_TOLD: usize = 5;

/// What was found in which part, for the fields of the parts (SC-08); nothing where that is not wanted.
pub(crate) fn part_status(case: &Case<'_>, draft: &Draft) -> Vec<Change> {
    if !case.policy.headers.parts || !case.can.content {
        return Vec::new();
    }
    let mut parts: BTreeMap<ObjectId, Vec<String>> = BTreeMap::new();
    for hit in draft.hits.iter().filter(|hit| !hit.monitored) {
        let status = match hit.rule {
            Rule::MalwareInfected | Rule::MalwareOutgoing => "infected",
            Rule::MalwareProbable => "probably_infected",
            Rule::UnscannableEncrypted => "encrypted",
            Rule::UnscannableEngineFailed | Rule::UnscannableCrashing => "error",
            _ => continue,
        };
        let Some(part) = case.report.editable(hit.object) else { continue };
        if parts.len() == MAX_PARTS && !parts.contains_key(&part) {
            continue;
        }
        let told = parts.entry(part).or_default();
        let node = case.report.node(hit.object);
        let what = match hit.rule.is_about_malware() {
            true => format!("{status}; {} ({node})", hit.what),
            false => format!("{status} ({node})"),
        };
        if told.len() < MAX_TOLD && !told.contains(&what) {
            told.push(what);
        }
    }
    let field =
        |(object, told): (ObjectId, Vec<String>)| Change::PartStatus { object, value: ascii(&told.join(", "), 900) };
    parts.into_iter().map(field).collect()
}

fn status_header(status: Status, action: Action, id: &str) -> Change {
    Change::Prepend {
        name: "X-Mailward-Status",
        value: format!("{}; action={}; id={id}", status.name(), action.name()),
    }
}

/// Printable ASCII on one line, at most `max` characters: fit for a header or a reply.
pub(crate) fn ascii(text: &str, max: usize) -> String {
    let printable = |c: char| match c {
        '»' => '>',
        ' '..='~' => c,
        _ => '?',
    };
    text.chars().map(printable).take(max).collect()
}
