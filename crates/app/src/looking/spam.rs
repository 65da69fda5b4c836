//! Whether a message is spam: every sign with its points and evidence, and what would have changed it.

use std::fmt::Write;

use judge::spam::{SpamStatus, SpamVerdict, beyond, counts, deciding, decimal, holding, limits};
use mail::evidence::{Listed, ListedBy};
use mail::untrusted::escape;

use super::bench::Looked;

/// Most characters of a piece of evidence.
const MAX_TEXT: usize = 120;

/// The status in words.
pub(crate) fn words(status: SpamStatus) -> String {
    status.name().replace('_', " ")
}

/// What is told about spam, each line behind `indent`.
pub(crate) fn spam(looked: &Looked, indent: &str, out: &mut String) {
    for line in lines(looked) {
        let _ = writeln!(out, "{indent}{line}");
    }
}

fn lines(looked: &Looked) -> Vec<String> {
    let Some(verdict) = &looked.plan.spam else { return vec!["it was not examined for spam".to_owned()] };
    let status = words(verdict.status);
    if let Some(why) = verdict.why {
        let mut out = vec![format!("{status}: {}", why.name().replace('_', " "))];
        out.extend(lists(looked, verdict));
        return out;
    }
    let mut out = vec![format!("{status}: rating {} of 100 ({} points)", verdict.rating, decimal(verdict.points))];
    out.extend(lists(looked, verdict));
    let report = looked.decided_from();
    for sign in report.spam().signs() {
        let (points, evidence) = (decimal(sign.points.into()), sign.evidence.escaped(MAX_TEXT));
        let off = if counts(&looked.policy, &looked.arrival, sign) { "" } else { ", switched off" };
        out.push(format!("{points:>6}  {} ({}{off}): {evidence}", sign.id, sign.group.name()));
    }
    if report.spam().signs().is_empty() {
        out.push("no sign of it".to_owned());
    }
    for (group, points) in beyond(&looked.policy, &looked.arrival, report) {
        let (points, most) = (decimal(points), decimal(group.most()));
        out.push(format!("{points} points of {}: such signs count {most} at most", group.name()));
    }
    out.extend(changes(looked, verdict));
    out
}

/// What lists of senders and recipients say about it.
fn lists(looked: &Looked, verdict: &SpamVerdict) -> Vec<String> {
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
    let decided = deciding(&looked.policy, report, verdict).map(told);
    let unproven = report.standing().and_then(|standing| standing.unproven.as_ref());
    let unproven = unproven.map(|entry| format!("{}, but nothing proves the sender: it does not count", told(entry)));
    decided.into_iter().chain(unproven).collect()
}

/// What would have made another status of it.
fn changes(looked: &Looked, verdict: &SpamVerdict) -> Vec<String> {
    let mut out = Vec::new();
    let (policy, arrival, report) = (&looked.policy, &looked.arrival, looked.decided_from());
    let signs = holding(policy, arrival, report);
    if !signs.alone.is_empty() {
        out.push(format!("It would have another status without any one of: {}", signs.alone.join(", ")));
    } else if !signs.together.is_empty() {
        let several = signs.together.join(", ");
        out.push(format!("It would have another status without all of these together: {several}"));
    }
    let (probable, spam) = limits(policy);
    let more = |limit: i32| decimal(limit.saturating_sub(verdict.points).max(0));
    // A limit itself belongs to the status above it.
    let fewer = |limit: i32| decimal(verdict.points.saturating_sub(limit).saturating_add(1).max(0));
    // Lists whose weights reach their limit decide whatever the points are.
    let by_points = verdict.points >= if verdict.status == SpamStatus::Spam { spam } else { probable };
    match verdict.status {
        SpamStatus::Spam if by_points => out.push(format!(
            "{} points fewer would make it probable spam, {} fewer neither.",
            fewer(spam),
            fewer(probable)
        )),
        SpamStatus::Spam | SpamStatus::AddressBlacklisted | SpamStatus::Skipped => {}
        SpamStatus::ProbableSpam => out.push(format!(
            "{} points more would make it spam, {} fewer no probable spam.",
            more(spam),
            fewer(probable)
        )),
        _ => out.push(format!("{} points more would make it probable spam.", more(probable))),
    }
    out
}
