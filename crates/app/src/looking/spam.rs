//! Whether a message is spam: every sign with its points and evidence, and what would have changed it.

use std::fmt::Write;

use judge::spam::{SpamStatus, SpamVerdict, beyond, counts, deciding, decimal, decisive, missing};
use mail::evidence::{Listed, ListedBy};
use mail::untrusted::escape;

use crate::looking::bench::{Bench, Looked};

/// Most characters of a piece of evidence.
const MAX_TEXT: usize = 120;

/// What is told about spam.
pub(super) fn spam(bench: &Bench, looked: &Looked, out: &mut String) {
    out.push_str("\nWhether it is spam\n");
    let Some(verdict) = &looked.plan.spam else {
        out.push_str("  it was not examined for spam\n");
        return;
    };
    if let Some(why) = verdict.why {
        let _ = writeln!(out, "  {}: {}", verdict.status.name().replace('_', " "), why.name().replace('_', " "));
        lists(bench, looked, verdict, out);
        return;
    }
    let _ = writeln!(
        out,
        "  {}: rating {} of 100 ({} points)",
        verdict.status.name().replace('_', " "),
        verdict.rating,
        decimal(verdict.points)
    );
    lists(bench, looked, verdict, out);
    let report = looked.decided_from();
    for sign in report.spam().signs() {
        let (points, evidence) = (decimal(sign.points.into()), sign.evidence.escaped(MAX_TEXT));
        let off = if counts(&bench.policy, &looked.arrival, sign) { "" } else { ", switched off" };
        let _ = writeln!(out, "  {points:>6}  {} ({}{off}): {evidence}", sign.id, sign.group.name());
    }
    if report.spam().signs().is_empty() {
        out.push_str("  no sign of it\n");
    }
    for (group, points) in beyond(&bench.policy, &looked.arrival, report) {
        let (points, most) = (decimal(points), decimal(group.most()));
        let _ = writeln!(out, "  {points} points of {}: such signs count {most} at most", group.name());
    }
    changes(bench, looked, verdict, out);
}

/// What lists of senders and recipients say about it.
fn lists(bench: &Bench, looked: &Looked, verdict: &SpamVerdict, out: &mut String) {
    let told = |entry: &Listed| {
        let owner = entry.owner.as_ref().map_or(String::new(), |owner| format!(" of {}", escape(owner, MAX_TEXT)));
        let by = match entry.by {
            ListedBy::MailFrom => "the envelope's sender",
            ListedBy::HeaderFrom => "From",
            ListedBy::Client => "the client",
            ListedBy::Recipient => "the recipient",
        };
        let (value, seen) = (escape(&entry.entry, MAX_TEXT), entry.seen.escaped(MAX_TEXT));
        format!("the {}list{owner} has {value} ({by} {seen}; entry {})", entry.list, entry.id)
    };
    let report = looked.decided_from();
    if let Some(entry) = deciding(&bench.policy, report, verdict) {
        let _ = writeln!(out, "  {}", told(entry));
    }
    if let Some(entry) = report.standing().and_then(|standing| standing.unproven.as_ref()) {
        let _ = writeln!(out, "  {}, but nothing proves the sender: it does not count", told(entry));
    }
}

/// What would have made another status of it.
fn changes(bench: &Bench, looked: &Looked, verdict: &SpamVerdict, out: &mut String) {
    let without = decisive(&bench.policy, &looked.arrival, looked.decided_from());
    if !without.is_empty() {
        let _ = writeln!(out, "  It would have another status without any one of: {}", without.join(", "));
    }
    let (probable, spam) = missing(&bench.policy, verdict);
    match verdict.status {
        SpamStatus::Spam | SpamStatus::AddressBlacklisted | SpamStatus::Skipped => {}
        SpamStatus::ProbableSpam => {
            let _ = writeln!(out, "  {} points more would make it spam.", decimal(spam));
        }
        _ => {
            let _ = writeln!(out, "  {} points more would make it probable spam.", decimal(probable));
        }
    }
}
