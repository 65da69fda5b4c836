//! The second half of a decision: what will be done, within what the surface can.

use std::collections::BTreeMap;

use mail::evidence::{EngineId, ObjectId};
use serde::{Deserialize, Serialize};

use crate::decides::Decides;
use crate::draft::{Case, Draft, Hit};
use crate::fields::{add_headers, ascii, headers_wanted, part_status, strip};
use crate::notice::{NoticePart, beside, fill, names_of, notice, why_deleted};
use crate::policy::Rule;
use crate::spam::{self, SpamVerdict};
use crate::status::Status;
use crate::weigh::{End, Outcome, Weight, labels_wanted, weigh};

/// What came of a rebuild.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// The container that was rebuilt.
    pub object: ObjectId,
    /// Whether its new form was examined and is clean.
    pub clean: bool,
    /// What was taken out, one line of printable text each.
    pub removed: Vec<String>,
    /// What kind of thing each of them is: `member`, or the word for a kind of active content.
    pub kinds: Vec<&'static str>,
    /// What is put behind its name because the format changed: `.zip`; else empty.
    pub suffix: String,
}

/// What is done with a message, as one word for logs, metrics and tables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Delivered; at most our own headers were added.
    Delivered,
    /// Delivered with a label in the subject.
    Labelled,
    /// Delivered in one unambiguous form.
    Normalised,
    /// Delivered without what was infected in an archive or document.
    Disinfected,
    /// Delivered without active content of a document.
    Disarmed,
    /// Delivered with a notice in place of an object.
    ObjectDeleted,
    /// Accepted, kept in Backup, not delivered.
    Held,
    /// Accepted and discarded.
    MessageDeleted,
    /// Refused.
    Blocked,
    /// The sender was asked to try again.
    Tempfailed,
}

impl Action {
    /// Every action, for tables and metrics.
    pub const ALL: [Self; 10] = [
        Self::Delivered,
        Self::Labelled,
        Self::Normalised,
        Self::Disinfected,
        Self::Disarmed,
        Self::ObjectDeleted,
        Self::Held,
        Self::MessageDeleted,
        Self::Blocked,
        Self::Tempfailed,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Labelled => "labelled",
            Self::Normalised => "normalised",
            Self::Disinfected => "disinfected",
            Self::Disarmed => "disarmed",
            Self::ObjectDeleted => "object_deleted",
            Self::Held => "held",
            Self::MessageDeleted => "message_deleted",
            Self::Blocked => "blocked",
            Self::Tempfailed => "tempfailed",
        }
    }
}

/// A reply that the plan wants given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplyText {
    /// The code: three digits.
    pub code: u16,
    /// The enhanced status code and the text; ASCII, one line.
    pub text: String,
}

/// What becomes of the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes to the next hop, with the plan's changes; the next hop's answer is ours.
    Deliver,
    /// It is refused with this reply.
    Refuse(ReplyText),
    /// It is accepted with a 250 of our own, and goes nowhere.
    Discard,
    /// The sender is asked to try again.
    Tempfail(ReplyText),
}

/// One change of the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Remove what only we may have written (SC-11).
    StripForged,
    /// A header above the message's own.
    Prepend {
        /// The field's name.
        name: &'static str,
        /// Its value: printable ASCII.
        value: String,
    },
    /// The message's one unambiguous form instead of its own bytes; everything else is done to it.
    Normalised,
    /// A label in front of the subject.
    Label(String),
    /// What was found in a part, in a field above its own header (SC-08).
    PartStatus {
        /// Which object: an entity.
        object: ObjectId,
        /// The field's value: printable ASCII.
        value: String,
    },
    /// An object replaced by a notice.
    Notice {
        /// Which object: an entity.
        object: ObjectId,
        /// The notice.
        part: NoticePart,
    },
    /// An object replaced by its rebuilt form.
    Rebuilt {
        /// Which object: an entity.
        object: ObjectId,
        /// What was taken out, a word each: see [`Rebuilt::kinds`].
        kinds: Vec<&'static str>,
    },
    /// A notice behind an object that is replaced by its rebuilt form.
    Beside {
        /// Which object: an entity, a part of a multipart.
        object: ObjectId,
        /// The notice.
        part: NoticePart,
    },
}

impl Change {
    /// Whether it changes bytes below the message's own header.
    pub fn is_below_header(&self) -> bool {
        self.is_content() || matches!(self, Self::PartStatus { .. })
    }

    /// Whether it changes content, so that the original must be kept before it leaves.
    pub fn is_content(&self) -> bool {
        matches!(self, Self::Normalised | Self::Notice { .. } | Self::Rebuilt { .. } | Self::Beside { .. })
    }
}

/// Whether a copy goes to Backup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Copy {
    /// None is needed.
    No,
    /// It must be durable before anything else is done (D-5, BK-01).
    Keep,
    /// It would be, but the policy says not to.
    Waived,
}

/// Less was done than wished, because the surface, or the message, does not allow it (D-2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepDown {
    /// About which object.
    pub object: ObjectId,
    /// Why, and what was done instead.
    pub why: &'static str,
}

/// One rule that applied, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// The object.
    pub object: ObjectId,
    /// Malware's name, or the reason why it was not scanned.
    pub what: String,
    /// Who found it.
    pub engine: EngineId,
    /// What is done about it.
    pub done: &'static str,
    /// Whether that is only what would be done (D-26).
    pub monitored: bool,
}

/// What is done by a rule that applied, where others decided.
const NOTHING: &str = "nothing by this rule";

impl Reason {
    /// Whether it is one of those that brought about what becomes of the message.
    pub fn decides(&self) -> bool {
        !self.monitored && self.done != NOTHING
    }
}

/// What will be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The message's status.
    pub status: Status,
    /// Whether it is spam; `None` of what was released from Backup.
    pub spam: Option<SpamVerdict>,
    /// What is done, in one word.
    pub action: Action,
    /// What becomes of the message.
    pub fate: Fate,
    /// How it changes when it is delivered.
    pub changes: Vec<Change>,
    /// Whether a copy goes to Backup first.
    pub copy: Copy,
    /// Where the unmodified message goes as well (ACT-25).
    pub forward_to: Vec<String>,
    /// The rules that applied.
    pub reasons: Vec<Reason>,
    /// Where less was done than wished.
    pub steps_down: Vec<StepDown>,
    /// In monitor mode: what would have been done, if it differs.
    pub would: Option<Action>,
}

impl Plan {
    /// Whether it refuses the message, and this rule is one of those that wanted that.
    pub fn is_refused_by(&self, rule: Rule) -> bool {
        matches!(self.fate, Fate::Refuse(_))
            && self.reasons.iter().any(|reason| reason.rule == rule && reason.decides())
    }
}

/// Makes the plan.
pub fn plan(case: &Case<'_>, draft: &Draft, rebuilt: &[Rebuilt]) -> Plan {
    let all: Vec<&Hit> = draft.hits.iter().collect();
    let active: Vec<&Hit> = draft.hits.iter().filter(|hit| !hit.monitored).collect();
    let outcome = weigh(case, &active, rebuilt);
    let wished = weigh(case, &all, rebuilt);
    let decides = Decides::new(case, rebuilt, &outcome, &wished);
    let action = action(&outcome);
    let would = Some(self::action(&wished)).filter(|would| *would != action);

    let untouched = case.policy.monitor.enabled || case.policy.monitor.surfaces.contains(&case.arrival.surface);
    let status = status(case, &outcome);
    let copy = copy(case, &outcome, &active);
    let changes = if untouched { Vec::new() } else { changes(case, draft, &outcome, status, action, copy, rebuilt) };
    Plan {
        status,
        spam: Some(spam::verdict(case.policy, case.arrival, case.report)),
        action,
        fate: fate(case, &active, &decides),
        changes,
        copy,
        forward_to: forward_to(case, &active),
        reasons: reasons(&draft.hits, &wished, &decides),
        steps_down: outcome.steps_down,
        would,
    }
}

/// The plan for a message that passes as it is, because it was released from Backup: nobody looks at it again.
pub fn passing() -> Plan {
    Plan {
        status: Status::NotScanned,
        spam: None,
        action: Action::Delivered,
        fate: Fate::Deliver,
        changes: Vec::new(),
        copy: Copy::No,
        forward_to: Vec::new(),
        reasons: Vec::new(),
        steps_down: Vec::new(),
        would: None,
    }
}

fn action(outcome: &Outcome) -> Action {
    match outcome.weight {
        Weight::Delete => Action::MessageDeleted,
        Weight::Block => Action::Blocked,
        Weight::Hold => Action::Held,
        Weight::Tempfail => Action::Tempfailed,
        Weight::Deliver if outcome.objects.values().any(|end| *end == End::Deleted) => Action::ObjectDeleted,
        Weight::Deliver if !outcome.objects.is_empty() && outcome.treated => Action::Disinfected,
        Weight::Deliver if !outcome.objects.is_empty() => Action::Disarmed,
        Weight::Deliver if outcome.normalised => Action::Normalised,
        Weight::Deliver if !outcome.labels.is_empty() || outcome.spam_label.is_some() => Action::Labelled,
        Weight::Deliver => Action::Delivered,
    }
}

/// A message is disinfected when everything bad that was found in it was removed from its container.
fn status(case: &Case<'_>, outcome: &Outcome) -> Status {
    if !crate::draft::examines_malware(case.policy, case.arrival) {
        return Status::NotScanned;
    }
    let found = Status::of(case.report);
    let disinfected = outcome.weight == Weight::Deliver
        && outcome.treated
        && !outcome.objects.is_empty()
        && outcome.objects.values().all(|end| *end == End::Rebuilt)
        && case
            .report
            .findings()
            .iter()
            .filter(|f| f.kind.is_verdict())
            .all(|f| case.report.editable(f.object).is_some_and(|id| outcome.objects.contains_key(&id)));
    if disinfected { Status::Disinfected } else { found }
}

fn copy(case: &Case<'_>, outcome: &Outcome, active: &[&Hit]) -> Copy {
    if let Some(copy) = spam::copy(case, outcome.weight, active) {
        return copy;
    }
    let malware = &case.policy.malware;
    let kept = |switch: bool, otherwise: Copy| if switch { Copy::Keep } else { otherwise };
    match outcome.weight {
        Weight::Hold => Copy::Keep,
        Weight::Delete => kept(malware.keep_copy, Copy::Waived),
        Weight::Block => kept(malware.keep_blocked, Copy::No),
        Weight::Deliver if !outcome.objects.is_empty() => {
            let disarm = outcome.disarmed && case.policy.disarm.keep_copy;
            kept(disarm || outcome.treated && malware.keep_copy, Copy::Waived)
        }
        Weight::Deliver if outcome.normalised => kept(case.policy.ambiguous.keep_copy, Copy::Waived),
        Weight::Deliver | Weight::Tempfail => Copy::No,
    }
}

fn fate(case: &Case<'_>, active: &[&Hit], decides: &Decides<'_>) -> Fate {
    let id = case.arrival.id.to_string();
    match decides.ended() {
        Weight::Deliver => Fate::Deliver,
        Weight::Delete | Weight::Hold => Fate::Discard,
        Weight::Tempfail => Fate::Tempfail(ReplyText {
            code: 451,
            text: format!("4.7.1 Message could not be examined, please try again later (id {id})"),
        }),
        Weight::Block => {
            let refusal = &case.policy.refusal;
            let reason = refusal_reason(active, decides);
            let text = fill(&refusal.text, &|name| match name {
                "REASON" => Some(reason.clone()),
                "ID" => Some(id.clone()),
                _ => None,
            });
            Fate::Refuse(ReplyText { code: refusal.code, text: ascii(&format!("{} {text}", refusal.enhanced), 400) })
        }
    }
}

/// What a refused sender is told: malware's names, or why it could not be scanned, or what it is. Only what refuses
/// the message is named.
fn refusal_reason(active: &[&Hit], decides: &Decides<'_>) -> String {
    let deciding = active.iter().zip(decides.among(active)).filter(|(_, decides)| *decides);
    let mut names: Vec<String> = deciding.map(|(hit, _)| in_words(hit)).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(5);
    names.join(", ")
}

/// What a rule is about, for people: names that others gave stay as they are.
fn in_words(hit: &Hit) -> String {
    let named = hit.rule.is_about_malware() || hit.rule == Rule::DmarcFailed;
    if named { hit.what.clone() } else { hit.what.replace('_', " ") }
}

fn forward_to(case: &Case<'_>, active: &[&Hit]) -> Vec<String> {
    let malware = active.iter().any(|hit| hit.rule.is_about_malware());
    if malware { case.policy.malware.forward_to.clone() } else { Vec::new() }
}

/// `wished`: with the rules that are only watched.
fn reasons(hits: &[Hit], wished: &Outcome, decides: &Decides<'_>) -> Vec<Reason> {
    let all: Vec<&Hit> = hits.iter().collect();
    hits.iter()
        .zip(&wished.done)
        .zip(decides.among(&all))
        .map(|((hit, done), does)| Reason {
            rule: hit.rule,
            object: hit.object,
            what: hit.what.clone(),
            engine: hit.engine,
            done: if does { done } else { NOTHING },
            monitored: hit.monitored,
        })
        .collect()
}

fn changes(
    case: &Case<'_>,
    draft: &Draft,
    outcome: &Outcome,
    status: Status,
    action: Action,
    copy: Copy,
    rebuilt: &[Rebuilt],
) -> Vec<Change> {
    if outcome.weight != Weight::Deliver {
        return Vec::new();
    }
    let mut changes = Vec::new();
    if outcome.normalised {
        changes.push(Change::Normalised);
    }
    if case.can.header {
        strip(case.policy, case.arrival, &mut changes);
        if let Some(auth) = case.report.auth().filter(|_| case.policy.authentication.header) {
            let value = crate::auth::results(auth, case.site.authserv_id());
            changes.push(Change::Prepend { name: "Authentication-Results", value });
        }
        if headers_wanted(case.policy, case.arrival.direction) {
            changes.extend(spam::changes(case, draft));
            changes.extend(part_status(case, draft));
            add_headers(case, draft, status, action, copy, &mut changes);
        }
        let mut labels: Vec<String> = outcome.spam_label.iter().cloned().collect();
        if labels_wanted(case) {
            labels.extend(outcome.labels.iter().cloned());
        }
        if !labels.is_empty() {
            changes.push(Change::Label(labels.join(" ")));
        }
    }
    let found = found_in(case, draft, outcome);
    for (object, end) in &outcome.objects {
        let made = rebuilt.iter().find(|made| made.object == *object);
        if let (End::Rebuilt, Some(made)) = (end, made) {
            let hits = found.get(object).map_or(&[][..], Vec::as_slice);
            let part = beside(case, made, hits, copy == Copy::Keep);
            changes.extend(part.map(|part| Change::Beside { object: *object, part }));
        }
        changes.push(match end {
            End::Rebuilt => {
                Change::Rebuilt { object: *object, kinds: made.map(|made| made.kinds.clone()).unwrap_or_default() }
            }
            End::Deleted => {
                let hits = found.get(object).map_or(&[][..], Vec::as_slice);
                let (what, reason) = (names_of(hits), why_deleted(hits));
                Change::Notice { object: *object, part: notice(case, *object, &what, reason, copy == Copy::Keep) }
            }
        });
    }
    changes
}

/// For each object that changes, the hits in it or below it. One way up for each hit: senders choose
/// how many of both there are.
fn found_in<'a>(case: &Case<'_>, draft: &'a Draft, outcome: &Outcome) -> BTreeMap<ObjectId, Vec<&'a Hit>> {
    let mut found: BTreeMap<ObjectId, Vec<&Hit>> = BTreeMap::new();
    for hit in draft.hits.iter().filter(|hit| !hit.monitored) {
        let mut at = Some(hit.object);
        // Parents stand before their children, so this ends.
        while let Some(id) = at {
            if outcome.objects.contains_key(&id) {
                found.entry(id).or_default().push(hit);
            }
            at = case.report.object(id).and_then(|o| o.parent);
        }
    }
    found
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
