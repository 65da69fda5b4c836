//! Whether a message is spam: every sign with its points and evidence, and what would have changed it.

use std::fmt::Write;

use judge::spam::{
    Counts, SpamStatus, SpamVerdict, SpamWhy, beyond, counted, deciding, decimal, holding, limits, reached,
    without_entry,
};
use judge::status::Status;
use mail::arrival::Direction;
use mail::evidence::{Listed, ListedBy};
use mail::untrusted::escape;

use super::bench::Looked;
use crate::terminal::{Colour, Paint, size};

/// Most characters of a piece of evidence.
const MAX_TEXT: usize = 120;

/// The status in words.
fn words(status: SpamStatus) -> String {
    status.name().replace('_', " ")
}

/// Why a message was not examined for spam, in words; `None` if it was, if nobody asked for it, or if the policy
/// wants it for no mail.
pub(crate) fn unexamined(verdict: &SpamVerdict) -> Option<String> {
    let why = verdict.why.filter(|why| !matches!(why, SpamWhy::Disabled | SpamWhy::NotAsked))?;
    Some(format!("not examined for spam: {}", why.name().replace('_', " ")))
}

/// What a message is: by malware, which `shown` says, and by spam. Spam without malware is all that is said, in the
/// words that `stressed` makes of its status.
pub(crate) fn headline(looked: &Looked, shown: String, paint: Paint, stressed: fn(&str) -> String) -> String {
    let Some(verdict) = looked.plan.spam else { return shown };
    if let Some(why) = unexamined(&verdict) {
        return format!("{shown}; {}", paint.paint(Colour::Yellow, &why));
    }
    if verdict.why.is_some() || verdict.status == SpamStatus::Clean {
        return shown;
    }
    let (what, rating) = (words(verdict.status), verdict.rating);
    match looked.status == Status::Clean && verdict.status.is_positive() {
        true => format!("{}, rating {rating}", paint.paint(Colour::Yellow, &stressed(&what))),
        false => format!("{shown}; {what}, rating {rating}"),
    }
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
    let mut out = match verdict.why {
        Some(why) => vec![format!("{status}: {}", why.name().replace('_', " "))],
        None => vec![format!("{status}: rating {} of 100 ({} points)", verdict.rating, decimal(verdict.points))],
    };
    out.extend(lists(looked, verdict));
    signs(looked, verdict, &mut out);
    out.extend(changes(looked, verdict));
    out
}

/// The signs that were seen, also where something else decides.
fn signs(looked: &Looked, verdict: &SpamVerdict, out: &mut Vec<String>) {
    let (policy, arrival, report) = (&looked.policy, &looked.arrival, looked.decided_from());
    let seen = counted(policy, arrival, report);
    if verdict.why.is_some() && !seen.is_empty() {
        out.push("signs that were seen, and count nothing here:".to_owned());
    }
    for (sign, counts) in &seen {
        let (points, evidence) = (decimal(sign.points.into()), sign.evidence.escaped(MAX_TEXT));
        let off = match counts {
            Counts::Yes => "",
            Counts::Off => ", switched off",
            Counts::Outgoing => ", not of outgoing mail",
            Counts::Notice => ", not of a program's notice",
            Counts::Refuted => ", refuted",
        };
        out.push(format!("{points:>6}  {} ({}{off}): {evidence}", sign.id, sign.group.name()));
    }
    if verdict.why.is_none() && seen.is_empty() {
        out.push("no sign of it".to_owned());
    }
    for (group, points) in beyond(policy, arrival, report) {
        let (points, most) = (decimal(points), decimal(group.most()));
        out.push(format!("{points} points of {}: such signs count {most} at most", group.name()));
    }
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
    let (policy, arrival, report) = (&looked.policy, &looked.arrival, looked.decided_from());
    let mut out = Vec::new();
    if let Some(other) = without_entry(policy, arrival, report) {
        let what = match other.why {
            Some(why) => why.name().replace('_', " "),
            None => format!("rating {}", other.rating),
        };
        out.push(format!("Without this entry, and without another that fits: {}, {what}.", words(other.status)));
    }
    if let Some(why) = verdict.why {
        out.extend(instead(looked, why));
        return out;
    }
    let signs = holding(policy, arrival, report);
    if !signs.alone.is_empty() {
        out.push(format!("It would have another status without any one of: {}", signs.alone.join(", ")));
    } else if !signs.together.is_empty() {
        let several = signs.together.join(", ");
        out.push(format!("It would have another status without all of these together: {several}"));
    }
    // An entry of a list decides whatever the points are; so do lists in the DNS that reach their limit.
    if deciding(policy, report, verdict).is_some_and(Listed::denies) {
        return out;
    }
    match reached(policy, arrival, report) {
        true => out.push("Lists in the DNS reached their limit: that decides, whatever its points are.".to_owned()),
        false => out.extend(points(looked, verdict)),
    }
    out
}

/// How many points would have changed it.
fn points(looked: &Looked, verdict: &SpamVerdict) -> Option<String> {
    let (probable, spam) = limits(&looked.policy);
    let more = |limit: i32| decimal(limit.saturating_sub(verdict.points).max(0));
    // A limit itself belongs to the status above it.
    let fewer = |limit: i32| decimal(verdict.points.saturating_sub(limit).saturating_add(1).max(0));
    match verdict.status {
        SpamStatus::Spam => Some(format!(
            "{} points fewer would make it probable spam, {} fewer neither.",
            fewer(spam),
            fewer(probable)
        )),
        SpamStatus::AddressBlacklisted | SpamStatus::Skipped | SpamStatus::NotScanned => None,
        SpamStatus::ProbableSpam => {
            Some(format!("{} points more would make it spam, {} fewer no probable spam.", more(spam), fewer(probable)))
        }
        SpamStatus::MassMail | SpamStatus::FormalNotification | SpamStatus::Clean => {
            Some(format!("{} points more would make it probable spam.", more(probable)))
        }
    }
}

/// What would have had it examined.
fn instead(looked: &Looked, why: SpamWhy) -> Option<String> {
    let (policy, arrival) = (&looked.policy.spam, &looked.arrival);
    let switch = match arrival.direction {
        Direction::Outgoing => "spam.outgoing",
        Direction::Incoming | Direction::Internal => "spam.enabled",
    };
    Some(match why {
        SpamWhy::Disabled => format!("It would be examined with {switch} = true in the policy."),
        SpamWhy::Internal if arrival.direction == Direction::Outgoing => {
            "Of outgoing mail what goes to recipients of your own is never examined for spam.".to_owned()
        }
        SpamWhy::Internal => "Mail between your own addresses is never examined for spam.".to_owned(),
        SpamWhy::Trusted => {
            "It would be examined with spam.trusted_connections = true, or over a connection that is not trusted."
                .to_owned()
        }
        SpamWhy::Postmaster => {
            "It would be examined with spam.skip_postmaster = false, and is for every other recipient.".to_owned()
        }
        SpamWhy::Size => {
            let (has, most) = (arrival.size, policy.max_size.0);
            let words = format!("{} ({has} bytes), and spam.max_size is {} ({most} bytes)", size(has), size(most));
            format!("It has {words}: it would be examined with a limit that is not below its size.")
        }
        SpamWhy::Time => {
            let (most, deadline) = (policy.max_time.0, looked.policy.limits.deadline.0);
            format!(
                "It took longer than spam.max_time ({} s) or limits.deadline ({} s) leaves.",
                most as f64 / 1000.0,
                deadline as f64 / 1000.0
            )
        }
        SpamWhy::Failed => "The examination failed in a worker; the log of the program says how.".to_owned(),
        // The entry was told above.
        SpamWhy::Allowlisted | SpamWhy::NotAsked => return None,
    })
}
