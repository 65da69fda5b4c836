//! Weighing the rules that apply against each other: the strictest wins for the message, and for
//! each object (CF-03).

use std::collections::{BTreeMap, BTreeSet};

use mail::address::Address;
use mail::evidence::{ObjectId, Origin, Report};

use crate::draft::{Case, Hit, Otherwise, Wish};
use crate::notice::fill;
use crate::plan::{Rebuilt, StepDown};
use crate::policy::{DisarmFailure, Rule};

/// What becomes of the message. The order is that of strictness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Weight {
    /// It is delivered.
    #[default]
    Deliver,
    /// The sender is asked to try again.
    Tempfail,
    /// It is accepted, kept, and not delivered.
    Hold,
    /// It is refused.
    Block,
    /// It is accepted and discarded.
    Delete,
}

/// What becomes of an object that changes. The order is that of strictness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum End {
    /// It is replaced by its rebuilt form.
    Rebuilt,
    /// It is replaced by a notice.
    Deleted,
}

/// The outcome of the weighing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Outcome {
    /// What becomes of the message.
    pub(crate) weight: Weight,
    /// What becomes of its objects; meaningful when it is delivered.
    pub(crate) objects: BTreeMap<ObjectId, End>,
    /// Something is done about malware, or what could not be scanned.
    pub(crate) treated: bool,
    /// Active content is taken out of a document, or the document goes because that failed.
    pub(crate) disarmed: bool,
    /// The message goes out in its one unambiguous form.
    pub(crate) normalised: bool,
    /// Labels, in the order of the hits, each once.
    pub(crate) labels: Vec<String>,
    /// The label of the spam status, which has no switches by recipient (AS-16).
    pub(crate) spam_label: Option<String>,
    /// Where less was done than wished.
    pub(crate) steps_down: Vec<StepDown>,
    /// For each hit, what was done in the end; same order and length as the hits.
    pub(crate) done: Vec<&'static str>,
}

/// Weighs the hits.
pub(crate) fn weigh(case: &Case<'_>, hits: &[&Hit], rebuilt: &[Rebuilt]) -> Outcome {
    let mut outcome = Outcome::default();
    for hit in hits {
        let done = apply(case, hit, rebuilt, &mut outcome);
        outcome.done.push(done);
    }
    drop_covered(case.report, &mut outcome.objects);
    // D-3: whoever of ours sends malware hears of it, whatever else would be done silently.
    let refused = hits.iter().any(|hit| hit.rule == Rule::MalwareOutgoing && matches!(hit.wish, Wish::Block));
    if refused && outcome.weight > Weight::Block {
        outcome.weight = Weight::Block;
    }
    keep_within_abilities(case, &mut outcome);
    outcome
}

fn apply(case: &Case<'_>, hit: &Hit, rebuilt: &[Rebuilt], outcome: &mut Outcome) -> &'static str {
    let raise = |outcome: &mut Outcome, weight: Weight| outcome.weight = outcome.weight.max(weight);
    match hit.wish {
        Wish::Allow => "delivered as it is",
        Wish::Label if hit.rule.is_about_spam() => {
            outcome.spam_label = case.policy.spam.row(hit.rule).map(|row| row.label.clone());
            "delivered with a label"
        }
        Wish::Label => {
            outcome.add_label(label_for(case, hit));
            "delivered with a label"
        }
        Wish::Normalise => {
            outcome.normalised = true;
            "rewritten to one unambiguous form"
        }
        Wish::Tempfail => {
            raise(outcome, Weight::Tempfail);
            "the sender is asked to try again later"
        }
        Wish::Hold => {
            raise(outcome, Weight::Hold);
            "held in Backup and not delivered"
        }
        Wish::Block => {
            raise(outcome, Weight::Block);
            "the message is refused"
        }
        Wish::DeleteMessage => {
            raise(outcome, Weight::Delete);
            "the message is accepted and discarded"
        }
        Wish::Disarm => disarm(case, hit, rebuilt, outcome),
        Wish::Object { disinfect, otherwise } => act_on_object(case, hit, disinfect, otherwise, rebuilt, outcome),
    }
}

fn act_on_object(
    case: &Case<'_>,
    hit: &Hit,
    disinfect: bool,
    otherwise: Otherwise,
    rebuilt: &[Rebuilt],
    outcome: &mut Outcome,
) -> &'static str {
    outcome.treated = true;
    let target = case.report.editable(hit.object).filter(|id| is_entity(case.report, *id));
    let cleaned = |id: ObjectId| hit.object != id && rebuilt.iter().any(|r| r.object == id && r.clean);
    match (target, otherwise) {
        (Some(id), _) if disinfect && cleaned(id) => {
            outcome.end(id, End::Rebuilt);
            outcome.add_label(case.policy.malware.labels.disinfected.clone());
            "removed from its file; the rest was scanned again and is clean"
        }
        (Some(id), Otherwise::DeleteObject) => {
            outcome.end(id, End::Deleted);
            outcome.add_label(deleted_label(case, id));
            "deleted; a notice stands in its place"
        }
        (None, Otherwise::DeleteObject) => {
            outcome.step_down(hit.object, "the object is the whole message: the message is deleted instead");
            outcome.weight = outcome.weight.max(Weight::Delete);
            "the object is the whole message: accepted and discarded"
        }
        (_, Otherwise::DeleteMessage) => {
            outcome.weight = outcome.weight.max(Weight::Delete);
            "could not be disinfected: the message is accepted and discarded"
        }
        (_, Otherwise::Block) => {
            outcome.weight = outcome.weight.max(Weight::Block);
            "could not be disinfected: the message is refused"
        }
    }
}

fn disarm(case: &Case<'_>, hit: &Hit, rebuilt: &[Rebuilt], outcome: &mut Outcome) -> &'static str {
    let policy = &case.policy.disarm;
    let target = case.report.editable(hit.object).filter(|id| is_entity(case.report, *id));
    if let Some(id) = target.filter(|id| case.can.content && rebuilt.iter().any(|r| r.object == *id && r.clean)) {
        outcome.end(id, End::Rebuilt);
        outcome.disarmed = true;
        outcome.add_label(policy.label.clone());
        return "taken out of its document; the rest was scanned again and is clean";
    }
    match (policy.on_failure, target.filter(|_| case.can.content)) {
        (DisarmFailure::Allow, _) => "could not be taken out: delivered as it is",
        (DisarmFailure::DeleteObject, Some(id)) => {
            outcome.end(id, End::Deleted);
            outcome.disarmed = true;
            outcome.add_label(policy.deleted_label.clone());
            "could not be taken out: the document is deleted; a notice stands in its place"
        }
        // What cannot be taken out of the message does not pass.
        (DisarmFailure::Hold, _) | (DisarmFailure::DeleteObject, None) => {
            outcome.weight = outcome.weight.max(Weight::Hold);
            "could not be taken out: held in Backup and not delivered"
        }
        (DisarmFailure::Label, _) => {
            outcome.add_label(policy.failed_label.clone());
            "could not be taken out: delivered with a label"
        }
    }
}

fn is_entity(report: &Report, id: ObjectId) -> bool {
    report.object(id).is_some_and(|o| matches!(o.origin, Origin::Entity(_)))
}

fn label_for(case: &Case<'_>, hit: &Hit) -> String {
    if matches!(hit.rule, Rule::AmbiguousMessage | Rule::TooAmbiguousMessage) {
        return case.policy.ambiguous.label.clone();
    }
    if hit.rule.is_about_malware() {
        return case.policy.malware.labels.detected.clone();
    }
    let reason = hit.what.replace('_', " ");
    fill(&case.policy.unscannable.label, &|name| (name == "REASON").then(|| reason.clone()))
}

fn deleted_label(case: &Case<'_>, id: ObjectId) -> String {
    let labels = &case.policy.malware.labels;
    let attachment = case.report.object(id).is_some_and(|o| o.attachment);
    if labels.use_attachment_removed && attachment { labels.attachment_removed.clone() } else { labels.deleted.clone() }
}

/// An object inside another that is deleted needs no change of its own.
fn drop_covered(report: &Report, objects: &mut BTreeMap<ObjectId, End>) {
    let deleted: BTreeSet<ObjectId> =
        objects.iter().filter(|(_, end)| **end == End::Deleted).map(|(id, _)| *id).collect();
    objects.retain(|id, _| {
        let mut above = report.object(*id).and_then(|o| o.parent);
        // Parents stand before their children, so this ends.
        while let Some(at) = above {
            if deleted.contains(&at) {
                return false;
            }
            above = report.object(at).and_then(|o| o.parent);
        }
        true
    });
}

/// D-2: what the surface cannot do becomes the next safer thing it can, and that is recorded.
fn keep_within_abilities(case: &Case<'_>, outcome: &mut Outcome) {
    let can = case.can;
    if outcome.weight == Weight::Deliver && !outcome.objects.is_empty() && !can.content {
        outcome.step_down(ObjectId(0), "this surface cannot change content: the message is refused");
        outcome.weight = Weight::Block;
    }
    if matches!(outcome.weight, Weight::Delete | Weight::Hold) && !can.discard {
        outcome.step_down(ObjectId(0), "this surface cannot discard: the message is refused");
        outcome.weight = Weight::Block;
    }
    if outcome.weight == Weight::Block && !can.refuse {
        outcome.step_down(ObjectId(0), "this surface cannot refuse: the sender is asked to try again");
        outcome.weight = Weight::Tempfail;
    }
    if !can.header && (!outcome.labels.is_empty() || outcome.spam_label.is_some()) {
        outcome.step_down(ObjectId(0), "this surface cannot change headers: no label");
        outcome.labels.clear();
        outcome.spam_label = None;
    }
}

/// ACT-16: two independent switches, by whom the message goes to.
pub(crate) fn labels_wanted(case: &Case<'_>) -> bool {
    let labels = &case.policy.malware.labels;
    let internal = |address: &Address| case.site.internal_domains.is_empty() || case.site.is_internal(address);
    let recipients = &case.arrival.envelope.rcpt_to;
    let any_internal = recipients.is_empty() || recipients.iter().any(internal);
    let any_external = recipients.iter().any(|r| !internal(r));
    (labels.internal && any_internal) || (labels.external && any_external)
}

impl Outcome {
    fn add_label(&mut self, label: String) {
        if !label.is_empty() && !self.labels.contains(&label) {
            self.labels.push(label);
        }
    }

    fn end(&mut self, id: ObjectId, end: End) {
        let now = self.objects.entry(id).or_insert(end);
        *now = (*now).max(end);
    }

    fn step_down(&mut self, object: ObjectId, why: &'static str) {
        self.steps_down.push(StepDown { object, why });
    }
}
