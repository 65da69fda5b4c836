//! What is written down about a message: its row in the message log, its entry in Backup, its one
//! line in the log, and the figures.

use std::time::Duration;

use judge::draft::Case;
use judge::plan::{Action, Change, Plan};
use judge::policy::Policy;
use judge::site::Site;
use judge::spam::{Counts, SpamWhy, counted, listing};
use judge::status::Status;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{AuthResult, Authentication, Finding, FindingKind, Listed, PasswordSource, Report, Seen};
use mail::untrusted::{Untrusted, escape};
use store::{KeptSign, KeptSpam, LoggedAuth, LoggedEntry, NewEntry, SenderType};

use crate::flow::Decided;
use crate::metrics::{
    AuthLabels, EngineLabels, ListedLabels, MessageLabels, Metrics, OpenedLabels, RemovedLabels, SignLabels,
    SpamLabels, WatchedLabels, WouldLabels,
};

/// Most objects that an entry of Backup names.
const ENTRY_OBJECTS: usize = 100;
/// Longest address or subject in the log, in characters.
const LOG_TEXT: usize = 160;
/// Longest list of signs of spam in one log line, in characters.
const LOG_SIGNS: usize = 2_000;
/// Most recipients named in one log line.
const LOG_RECIPIENTS: usize = 10;

/// Whether somebody has taken a message: the next hop, or we ourselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// Somebody has it.
    Yes,
    /// Nobody has.
    No,
    /// The next hop was given all of it and did not answer; the sender was told to bring it again.
    Unknown,
}

/// How it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Whether somebody has taken the message.
    pub taken: Taken,
    /// The reply that the sender got: code and text of the last line.
    pub reply: String,
    /// From the end of the message to the reply.
    pub took: Duration,
}

/// How a message ended for those of its recipients for whom the same was decided.
#[derive(Debug)]
pub struct Ended {
    /// The message for these recipients.
    pub arrival: Arrival,
    /// What was decided.
    pub decided: Decided,
    /// How it ended.
    pub outcome: Outcome,
}

/// The entry in Backup for a message that is about to be acted on.
pub(crate) fn backup_entry(case: &Case<'_>, plan: &Plan) -> NewEntry {
    let facts = case.report.facts();
    let mail_from = case.arrival.envelope.mail_from.clone();
    NewEntry {
        id: case.arrival.id,
        surface: case.arrival.surface,
        direction: case.arrival.direction,
        mail_from,
        recipients: case.arrival.envelope.rcpt_to.clone(),
        header_from: facts.from.clone(),
        header_to: facts.to.clone(),
        header_cc: facts.cc.clone(),
        subject: facts.subject.clone(),
        date: facts.date.clone(),
        objects: object_names(case.report, plan),
        status: plan.status.name().to_owned(),
        reason: sentences(case.report, plan).join("\n"),
        malware: malware(case.report).into_iter().map(Untrusted::new).collect(),
        sender_type: sender_type(case.arrival, case.site),
        peer_ip: case.arrival.peer.ip,
        connection: case.arrival.connection,
        size: case.arrival.size,
        spam: plan.spam.map(|verdict| KeptSpam {
            status: verdict.status.name().to_owned(),
            rating: verdict.why.is_none().then_some(verdict.rating),
            why: verdict.why.map(|why| why.name().to_owned()),
            signs: kept_signs(case.policy, case.arrival, case.report),
        }),
        action: plan.action.name().to_owned(),
        received_ms: case.arrival.received_ms,
    }
}

/// Whether a message is one of our own (BK-10). Whatever address an infected machine of ours writes, its mail is
/// internal (OUT-03).
pub(crate) fn sender_type(arrival: &Arrival, site: &Site) -> SenderType {
    let ours = arrival.envelope.mail_from.as_ref().is_some_and(|address| site.is_internal(address));
    match arrival.direction {
        Direction::Outgoing | Direction::Internal => SenderType::Internal,
        Direction::Incoming if ours => SenderType::Internal,
        Direction::Incoming => SenderType::External,
    }
}

/// BK-09: the attachment's name, `<message body>` for a text without one, `<message>` for the whole.
fn object_names(report: &Report, plan: &Plan) -> Vec<Untrusted<String>> {
    let mut names: Vec<Untrusted<String>> = Vec::new();
    for reason in &plan.reasons {
        let name = match report.object(reason.object) {
            Some(object) if object.parent.is_some() => {
                object.name.clone().unwrap_or_else(|| Untrusted::new("<message body>".to_owned()))
            }
            _ => Untrusted::new("<message>".to_owned()),
        };
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() == ENTRY_OBJECTS {
            break;
        }
    }
    names
}

/// The names of all malware that was found, each once.
pub fn malware(report: &Report) -> Vec<String> {
    let mut names: Vec<String> = report
        .findings()
        .iter()
        .filter_map(|f| if let FindingKind::Malware { name, .. } = &f.kind { Some(name.clone()) } else { None })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Where the password came from that opened something encrypted: the message, rather than the
/// configured list.
pub fn opened(report: &Report) -> Option<PasswordSource> {
    let with = |finding: &Finding| if let FindingKind::Opened { with } = finding.kind { Some(with) } else { None };
    report.findings().iter().filter_map(with).max()
}

/// Who really sent it, a word a check.
pub(crate) fn auth(auth: &Authentication) -> LoggedAuth {
    LoggedAuth { spf: auth.spf.result, dkim: auth.dkim(), dmarc: auth.dmarc(), arc: auth.arc.result }
}

/// What was found where, what is done about it and why: a sentence a rule that applied.
pub fn sentences(report: &Report, plan: &Plan) -> Vec<String> {
    let mut out: Vec<String> = plan
        .reasons
        .iter()
        .map(|reason| {
            let node = report.node(reason.object);
            let done = if reason.monitored {
                format!("monitor mode, would be: {}", reason.done)
            } else {
                reason.done.to_owned()
            };
            format!("{node}: {} (found by {}; rule {}): {done}", reason.what, reason.engine.name(), reason.rule.name())
        })
        .collect();
    out.extend(plan.steps_down.iter().map(|step| format!("{}: {}", report.node(step.object), step.why)));
    out
}

/// Writes the one line of a message, and counts it.
pub(crate) fn log(
    arrival: &Arrival,
    site: &Site,
    plan: &Plan,
    report: Option<&Report>,
    outcome: &Outcome,
    redact: bool,
) {
    let hide = |text: &str| if redact { "-".to_owned() } else { escape(text, LOG_TEXT) };
    let from = arrival.envelope.mail_from.as_ref().map_or("<>", |a| a.as_str());
    let recipients = &arrival.envelope.rcpt_to;
    let mut to: Vec<String> = recipients.iter().take(LOG_RECIPIENTS).map(|a| hide(a.as_str())).collect();
    if recipients.len() > LOG_RECIPIENTS {
        to.push(format!("+{}", recipients.len() - LOG_RECIPIENTS));
    }
    let subject = report.and_then(|r| r.facts().subject.as_ref()).map_or_else(String::new, |s| hide(s.raw()));
    let found = report.map(malware).unwrap_or_default().join(",");
    let rules = rules(plan).join(",");
    let auth = report.and_then(Report::auth);
    let said = |of: fn(&Authentication) -> AuthResult| auth.map_or("-", |auth| of(auth).name());
    let helo = arrival.peer.helo.as_ref().map_or_else(String::new, |h| hide(h.raw()));
    tracing::info!(
        target: "message",
        id = %arrival.id,
        surface = arrival.surface.name(),
        direction = arrival.direction.name(),
        sender_type = sender_type(arrival, site).name(),
        peer = %arrival.peer.ip.map_or_else(|| "-".to_owned(), |ip| ip.to_string()),
        helo = %helo,
        tls = arrival.peer.tls.as_deref().unwrap_or("-"),
        certificate = %arrival.peer.certificate.as_ref().map_or_else(|| "-".to_owned(), |name| escape(name.raw(), LOG_TEXT)),
        from = %hide(from),
        to = %to.join(","),
        subject = %subject,
        size = arrival.size,
        status = plan.status.name(),
        action = plan.action.name(),
        would = plan.would.map_or("-", Action::name),
        malware = %found,
        opened = report.and_then(opened).map_or("-", PasswordSource::name),
        spam = plan.spam.map_or("-", |spam| spam.status.name()),
        rating = plan.spam.map_or(0, |spam| spam.rating),
        spam_why = why(plan).unwrap_or("-"),
        signs = %signs(report),
        list = %listed(plan, report, redact),
        rules = %rules,
        spf = said(|auth| auth.spf.result),
        dkim = said(Authentication::dkim),
        dmarc = said(Authentication::dmarc),
        arc = said(|auth| auth.arc.result),
        reply = %escape(&without_addresses(&outcome.reply, redact), LOG_TEXT),
        ms = u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
    );
}

/// What a next hop said, without the addresses in it where the log is to have none.
pub fn without_addresses(text: &str, redact: bool) -> String {
    let shown = |word| if redact && str::contains(word, '@') { "-" } else { word };
    text.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

/// The names of the signs of spam that were seen. Where a line has no room for all, it says how many are missing.
fn signs(report: Option<&Report>) -> String {
    let signs = report.map(|report| report.spam().signs()).unwrap_or_default();
    listing(&signs.iter().map(|sign| sign.id.clone()).collect::<Vec<_>>(), LOG_SIGNS)
}

/// Why a message was not examined for spam (D-19, LM-02), a word; only then.
pub(crate) fn why(plan: &Plan) -> Option<&'static str> {
    plan.spam.and_then(|spam| spam.why).map(SpamWhy::name)
}

/// The signs of spam that were seen, as message log and Backup have them (D-10).
pub(crate) fn kept_signs(policy: &Policy, arrival: &Arrival, report: &Report) -> Vec<KeptSign> {
    let counted = counted(policy, arrival, report).into_iter();
    let kept = counted.map(|(sign, counts)| KeptSign {
        id: sign.id.clone(),
        points: sign.points,
        counts: counts == Counts::Yes,
        evidence: sign.evidence.clone(),
    });
    kept.collect()
}

/// The entry of a list that decided: `deny *@example.org (mail_from) ID`.
fn listed(plan: &Plan, report: Option<&Report>, redact: bool) -> String {
    let Some(entry) = deciding(plan, report) else { return "-".to_owned() };
    let value = if redact { "-".to_owned() } else { escape(&entry.entry, LOG_TEXT) };
    format!("{} {value} ({}) {}", entry.list, entry.by.name(), entry.id)
}

/// The same as the message log has it.
pub(crate) fn listed_row(entry: &Listed) -> LoggedEntry {
    LoggedEntry {
        list: entry.list.clone(),
        id: entry.id.clone(),
        entry: entry.entry.clone(),
        owner: entry.owner.clone(),
        by: entry.by.name().to_owned(),
    }
}

/// The entry of a list of senders or recipients that decided about a message.
pub(crate) fn deciding<'a>(plan: &Plan, report: Option<&'a Report>) -> Option<&'a Listed> {
    let entry = report?.standing()?.listed.as_ref()?;
    plan.spam.filter(|spam| judge::spam::decided_by(entry, spam)).map(|_| entry)
}

/// The names of the rules that applied, each once.
pub fn rules(plan: &Plan) -> Vec<&'static str> {
    let mut rules: Vec<&'static str> = plan.reasons.iter().map(|r| r.rule.name()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// What a change takes out of a file, a word each.
fn removed(change: &Change) -> &[&'static str] {
    if let Change::Rebuilt { kinds, .. } = change { kinds } else { &[] }
}

/// Counts a message.
pub(crate) fn count(metrics: &Metrics, arrival: &Arrival, plan: &Plan, report: Option<&Report>, outcome: &Outcome) {
    let labels = MessageLabels {
        surface: arrival.surface.name(),
        direction: arrival.direction.name(),
        status: plan.status.name(),
        action: if outcome.taken == Taken::Yes || plan.action != Action::Delivered {
            plan.action.name()
        } else {
            "not_accepted"
        },
    };
    metrics.messages.get_or_create(&labels).inc();
    if let Some(would) = plan.would {
        metrics.would.get_or_create(&WouldLabels { action: would.name() }).inc();
    }
    let mut watched: Vec<&str> = plan.reasons.iter().filter(|r| r.monitored).map(|r| r.rule.name()).collect();
    watched.sort_unstable();
    watched.dedup();
    for rule in watched {
        metrics.watched.get_or_create(&WatchedLabels { surface: arrival.surface.name(), rule }).inc();
    }
    if let Some(with) = report.and_then(opened) {
        metrics.opened.get_or_create(&OpenedLabels { with: with.name() }).inc();
    }
    if outcome.taken == Taken::Yes {
        for what in plan.changes.iter().flat_map(removed) {
            metrics.removed.get_or_create(&RemovedLabels { what }).inc();
        }
    }
    metrics.reply.observe(outcome.took.as_secs_f64());
    if let Some(auth) = report.and_then(Report::auth) {
        let results =
            [("spf", auth.spf.result), ("dkim", auth.dkim()), ("dmarc", auth.dmarc()), ("arc", auth.arc.result)];
        for (method, result) in results {
            metrics.authentication.get_or_create(&AuthLabels { method, result: result.name() }).inc();
        }
    }
    if let Some((_, reverse)) = report.and_then(Report::reverse) {
        let labels = AuthLabels { method: "iprev", result: reverse.result.name() };
        metrics.authentication.get_or_create(&labels).inc();
    }
    if let Some(spam) = plan.spam {
        let labels = SpamLabels { status: spam.status.name(), why: why(plan).unwrap_or_default() };
        metrics.spam.get_or_create(&labels).inc();
    }
    if let Some(entry) = deciding(plan, report) {
        let list = if entry.denies() { "deny" } else { "allow" };
        let owner = if entry.owner.is_some() { "person" } else { "organisation" };
        let labels = ListedLabels { list, owner, by: entry.by.name() };
        metrics.listed.get_or_create(&labels).inc();
    }
    let seen = report.map(|report| report.spam().signs()).unwrap_or_default();
    // Only names of the catalogue: a worker may write any.
    for id in seen.iter().filter_map(|sign| crate::outside::sign_name(&sign.id)) {
        metrics.signs.get_or_create(&SignLabels { sign: id }).inc();
    }
    let Some(report) = report.filter(|_| plan.status != Status::Clean) else { return };
    let unable = &report.evidence().unable;
    let failed = report.objects().iter().flat_map(|o| &o.coverage).filter_map(|c| match c.seen {
        Seen::Unable(why) => Some((c.engine, why)),
        _ => None,
    });
    let mut all: Vec<_> = unable.iter().map(|u| (u.engine, u.why)).chain(failed).collect();
    all.sort_unstable();
    all.dedup();
    for (engine, why) in all {
        metrics.unable.get_or_create(&EngineLabels { engine: engine.name(), why: why.name() }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_addresses_has_none_in_replies() {
        let said = "550 5.1.1 <bob@example.com>: Recipient  address rejected: bob@example.com";
        assert_eq!(without_addresses(said, false), said);
        assert_eq!(without_addresses(said, true), "550 5.1.1 - Recipient  address rejected: -");
    }
}
