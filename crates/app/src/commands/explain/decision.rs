//! What the policy does about a message, and why.

use std::fmt::Write;

use judge::draft::examines;
use judge::plan::{Change, Copy, Fate, Plan};
use mail::arrival::Arrival;
use mail::evidence::Report;
use mail::untrusted::escape;

use crate::looking::bench::{Bench, Looked};

/// Most reasons or changes that are shown.
const MAX_SHOWN: usize = 200;
/// Most characters of a value that is shown.
const MAX_TEXT: usize = 500;

/// The decision.
pub(super) fn decision(arrival: &Arrival, bench: &Bench, looked: &Looked, out: &mut String) {
    let plan = &looked.plan;
    let (direction, profile) = (arrival.direction.name(), bench.policy.profile.name());
    let _ = writeln!(out, "\nWhat the gateway does with such a message ({direction} mail, profile {profile})");
    let _ = writeln!(out, "  It is {}.", fate(plan));
    if !examines(&bench.policy, arrival) {
        out.push_str("  The policy does not want such mail examined; that was done here only.\n");
    }
    if let Some(would) = plan.would {
        let _ =
            writeln!(out, "  In monitor mode nothing else is done; without it: {}.", would.name().replace('_', " "));
    }
    match plan.copy {
        Copy::Keep => out.push_str("  The original is kept in Backup first.\n"),
        Copy::Waived => out.push_str("  The original is not kept in Backup: the policy says so.\n"),
        Copy::No => {}
    }
    for address in &plan.forward_to {
        let _ = writeln!(out, "  The original also goes to {}.", escape(address, MAX_TEXT));
    }
    reasons(looked.decided_from(), plan, out);
    changes(looked.decided_from(), plan, out);
}

fn fate(plan: &Plan) -> String {
    let action = plan.action.name().replace('_', " ");
    match &plan.fate {
        Fate::Deliver => format!("delivered (action: {action})"),
        Fate::Refuse(reply) => {
            format!("refused with \"{} {}\" (action: {action})", reply.code, escape(&reply.text, MAX_TEXT))
        }
        Fate::Discard => format!("accepted and not delivered (action: {action})"),
        Fate::Tempfail(reply) => {
            let text = escape(&reply.text, MAX_TEXT);
            format!("put off with \"{} {text}\", so that the sender tries again (action: {action})", reply.code)
        }
    }
}

fn reasons(report: &Report, plan: &Plan, out: &mut String) {
    out.push_str("\nWhy\n");
    let sentences = service::record::sentences(report, plan);
    for sentence in sentences.iter().take(MAX_SHOWN) {
        let _ = writeln!(out, "  {sentence}");
    }
    if sentences.is_empty() {
        out.push_str("  no rule of the policy applies\n");
    }
    if sentences.len() > MAX_SHOWN {
        let _ = writeln!(out, "  and {} more", sentences.len() - MAX_SHOWN);
    }
}

fn changes(report: &Report, plan: &Plan, out: &mut String) {
    if plan.changes.is_empty() {
        return;
    }
    out.push_str("\nHow the message changes on its way\n");
    for change in plan.changes.iter().take(MAX_SHOWN) {
        let text = match change {
            Change::StripForged => {
                "headers that only a gateway may write are removed if the sender wrote them".to_owned()
            }
            Change::Prepend { name, value } => format!("header {name}: {}", escape(value, MAX_TEXT)),
            Change::Label(label) => format!("the subject begins with \"{}\"", escape(label, MAX_TEXT)),
            Change::PartStatus { object, value } => {
                let value = escape(value, MAX_TEXT);
                format!("header of {}: X-Mailward-Part-Status: {value}", report.node(*object))
            }
            Change::Notice { object, part } => {
                let name = escape(&part.file_name, MAX_TEXT);
                format!("{} is replaced by a notice, {name}", report.node(*object))
            }
            Change::Beside { object, part } => {
                let name = escape(&part.file_name, MAX_TEXT);
                format!("a notice about {} is put behind it, {name}", report.node(*object))
            }
            Change::Normalised => "it is written anew in the one form that was scanned".to_owned(),
            Change::Rebuilt { object, .. } => {
                format!("{} is replaced by the same file without what was found in it", report.node(*object))
            }
        };
        let _ = writeln!(out, "  {text}");
    }
    if plan.changes.len() > MAX_SHOWN {
        let _ = writeln!(out, "  and {} more", plan.changes.len() - MAX_SHOWN);
    }
}
