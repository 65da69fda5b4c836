//! The first half of a decision: which rules apply to which objects, what each wishes, and what
//! has to be rebuilt before it can be known what will be done.

use std::collections::{BTreeMap, BTreeSet};

use mail::arrival::{Arrival, Direction};
use mail::defect::Ambiguity;
use mail::evidence::{
    Active, Certainty, EngineId, FileKind, Finding, FindingKind, Object, ObjectId, Origin, Report, UnscannedReason,
};

use crate::can::Can;
use crate::policy::{
    AmbiguousAction, DocumentKind, EngineFailure, MalwareAction, Policy, RemoteContent, Rule, Scope,
    TooAmbiguousAction, UnscannedAction,
};
use crate::site::Site;
use crate::spam::{self, SpamStatus};

/// Everything a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What was seen.
    pub report: &'a Report,
    /// How the message came.
    pub arrival: &'a Arrival,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The organisation.
    pub site: &'a Site,
    /// What the surface can do.
    pub can: Can,
    /// Which form of the message the report is about.
    pub form: Form,
    /// How many examinations of this message ended a scan worker, up to and with this one; 0 when this
    /// one did not.
    pub crashes: u32,
}

/// Which form of a message a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Form {
    /// The bytes as they came.
    #[default]
    AsReceived,
    /// The message was ambiguous; this is its one unambiguous form.
    Normalised,
    /// The bytes as they came: the message is ambiguous, and could not be rewritten.
    NotNormalisable,
}

/// What one rule wishes about one object. The order is that of strictness: where several rules
/// apply to a message, the greatest wins (CF-03).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wish {
    /// Deliver as it is.
    Allow,
    /// Deliver with a label.
    Label,
    /// Deliver in one unambiguous form.
    Normalise,
    /// Take active content out of the document that holds it.
    Disarm,
    /// Act on the object.
    Object {
        /// Try to disinfect it first.
        disinfect: bool,
        /// What is done otherwise.
        otherwise: Otherwise,
    },
    /// Ask the sender to try again.
    Tempfail,
    /// Accept, keep, do not deliver.
    Hold,
    /// Refuse.
    Block,
    /// Accept and discard.
    DeleteMessage,
}

/// What is done about an object that is not, or could not be, disinfected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Otherwise {
    /// Delete it and leave a notice.
    DeleteObject,
    /// Refuse the message.
    Block,
    /// Accept and discard the message.
    DeleteMessage,
}

/// One rule that applies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The rule.
    pub rule: Rule,
    /// The object it applies to.
    pub object: ObjectId,
    /// What it wishes.
    pub wish: Wish,
    /// Malware's name, or the reason why it was not scanned.
    pub what: String,
    /// Who found it.
    pub engine: EngineId,
    /// Whether it is only recorded (D-26).
    pub monitored: bool,
}

/// A file to rebuild without some of what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RebuildWish {
    /// The file: an entity of the message.
    pub object: ObjectId,
    /// The objects in it that go, at any depth.
    pub remove: Vec<ObjectId>,
}

/// The first half of a decision.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Draft {
    /// The rules that apply, in the order of the report's findings.
    pub hits: Vec<Hit>,
    /// What to rebuild; the plan uses what succeeded.
    pub rebuild: Vec<RebuildWish>,
    /// Rewrite the message to one unambiguous form, examine that, and draft again.
    pub normalise: bool,
    /// An external engine found malware in the message as a whole, and no engine said where: ask it
    /// about the parts one by one, then draft again.
    pub localise: bool,
}

/// Whether the policy wants this message examined at all: for malware or for spam.
pub fn examines(policy: &Policy, arrival: &Arrival) -> bool {
    let spam = match arrival.direction {
        Direction::Incoming => policy.spam.enabled,
        Direction::Outgoing => policy.spam.outgoing,
        Direction::Internal => false,
    };
    spam || examines_malware(policy, arrival)
}

/// Whether the policy wants this message examined for malware (ACT-18, AV-06, WL-13).
pub fn examines_malware(policy: &Policy, arrival: &Arrival) -> bool {
    let malware = &policy.malware;
    let left_out = malware.scope == Scope::NotOutgoing && arrival.direction == Direction::Outgoing;
    // D-21: never for all because one recipient matches.
    let to = &arrival.envelope.rcpt_to;
    let trusted = !to.is_empty() && to.iter().all(|to| malware.trusts(to));
    malware.enabled && !left_out && !trusted
}

/// Drafts the decision.
pub fn draft(case: &Case<'_>) -> Draft {
    let all_monitored = case.policy.monitor.enabled || case.policy.monitor.surfaces.contains(&case.arrival.surface);
    let mut hits = Vec::new();
    let malware = examines_malware(case.policy, case.arrival);
    for finding in case.report.findings().iter().filter(|_| malware) {
        if covered_elsewhere(case, all_monitored, finding) {
            continue;
        }
        let Some((rule, wish, what)) = rule_for(case, finding) else { continue };
        let monitored = all_monitored || case.policy.monitor.rules.contains(&rule);
        hits.push(Hit { rule, object: finding.object, wish, what, engine: finding.engine, monitored });
    }
    hits.extend(ambiguity_hit(case, all_monitored).filter(|_| malware));
    hits.extend(crate::auth::hit(case, all_monitored));
    hits.extend(spam_hit(case, all_monitored));
    let normalise =
        case.form == Form::AsReceived && hits.iter().any(|hit| hit.wish == Wish::Normalise && !hit.monitored);
    let rebuild = rebuild_wishes(case, &hits);
    let localise = wants_localising(case.report, &hits);
    Draft { hits, rebuild, normalise, localise }
}

/// The rule about ambiguous messages, if it applies.
fn ambiguity_hit(case: &Case<'_>, all_monitored: bool) -> Option<Hit> {
    let policy = &case.policy.ambiguous;
    let (rule, wish) = match (case.form, case.report.evidence().ambiguity) {
        (Form::Normalised, _) => (Rule::AmbiguousMessage, Wish::Normalise),
        (_, Ambiguity::None | Ambiguity::Cosmetic) => return None,
        (form, Ambiguity::Ambiguous) => {
            let wish = match policy.action {
                AmbiguousAction::Allow => Wish::Allow,
                AmbiguousAction::Tag => Wish::Label,
                AmbiguousAction::Normalise if form == Form::NotNormalisable || !case.can.content => Wish::Label,
                AmbiguousAction::Normalise => Wish::Normalise,
                AmbiguousAction::Reject => Wish::Block,
            };
            (Rule::AmbiguousMessage, wish)
        }
        (_, Ambiguity::TooAmbiguous) => {
            let wish = match policy.too_ambiguous {
                TooAmbiguousAction::Allow => Wish::Allow,
                TooAmbiguousAction::Tag => Wish::Label,
                TooAmbiguousAction::Reject => Wish::Block,
            };
            (Rule::TooAmbiguousMessage, wish)
        }
    };
    let monitored = all_monitored || case.policy.monitor.rules.contains(&rule);
    let what = if rule == Rule::AmbiguousMessage { "ambiguous" } else { "too_ambiguous" };
    Some(Hit { rule, object: ObjectId(0), wish, what: what.to_owned(), engine: EngineId::Unpack, monitored })
}

/// The rule about the message's spam status, if there is one.
fn spam_hit(case: &Case<'_>, all_monitored: bool) -> Option<Hit> {
    let verdict = spam::verdict(case.policy, case.arrival, case.report);
    let (rule, wish) = match (case.arrival.direction, verdict.status) {
        // OUT-02, OUT-07: of outgoing mail, only spam counts.
        (Direction::Outgoing, SpamStatus::Spam) => (Rule::OutgoingSpam, Wish::DeleteMessage),
        (Direction::Outgoing, _) => return None,
        (_, status) => {
            let rule = status.rule()?;
            (rule, spam::wish(case.policy.spam.row(rule)?))
        }
    };
    let monitored = all_monitored || case.policy.monitor.rules.contains(&rule);
    let what = verdict.status.name().to_owned();
    Some(Hit { rule, object: ObjectId(0), wish, what, engine: EngineId::Spam, monitored })
}

/// An external engine that found something in the raw message says nothing new when another finding
/// of malware says where it is and something is done about that: what is delivered then is examined
/// again by every engine. Where nothing is done, by the policy's wish or in monitor mode, the two may be
/// about different parts, and both count.
fn covered_elsewhere(case: &Case<'_>, all_monitored: bool, finding: &Finding) -> bool {
    let acted_on = |other: &Finding| {
        let Some((rule, wish, _)) = rule_for(case, other) else { return false };
        wish > Wish::Label && (all_monitored || !case.policy.monitor.rules.contains(&rule))
    };
    let located = |other: &Finding| {
        matches!(other.kind, FindingKind::Malware { .. }) && !is_whole_message_malware(case.report, other)
    };
    is_whole_message_malware(case.report, finding)
        && case.report.findings().iter().any(|other| located(other) && acted_on(other))
}

fn is_whole_message_malware(report: &Report, finding: &Finding) -> bool {
    matches!(finding.kind, FindingKind::Malware { .. })
        && finding.engine == EngineId::Clamd
        && report.object(finding.object).is_some_and(|o| o.origin == Origin::Root && o.kind == FileKind::Message)
}

fn wants_localising(report: &Report, hits: &[Hit]) -> bool {
    hits.iter().any(|hit| {
        matches!(hit.wish, Wish::Object { .. })
            && hit.engine == EngineId::Clamd
            && report.object(hit.object).is_some_and(|o| o.origin == Origin::Root && o.kind == FileKind::Message)
    })
}

/// The rule for one finding, and what it wishes; signs have none.
fn rule_for(case: &Case<'_>, finding: &Finding) -> Option<(Rule, Wish, String)> {
    Some(match &finding.kind {
        FindingKind::Malware { name, certainty, .. } => {
            let (rule, action) = match certainty {
                Certainty::Certain => (Rule::MalwareInfected, case.policy.malware.action),
                Certainty::Probable => (Rule::MalwareProbable, case.policy.malware.probable_action),
            };
            // D-3: what our own clients send is refused whatever action is chosen.
            if case.arrival.direction == Direction::Outgoing {
                return Some((Rule::MalwareOutgoing, Wish::Block, name.clone()));
            }
            (rule, malware_wish(action), name.clone())
        }
        FindingKind::Unscanned { reason } => {
            let (rule, wish) = unscanned_wish(case, *reason);
            (rule, wish, reason.name().to_owned())
        }
        FindingKind::Active { what } if disarms(case, finding.object, *what) => {
            (Rule::DisarmDocument, Wish::Disarm, what.name().to_owned())
        }
        FindingKind::Active { .. } | FindingKind::Opened { .. } => return None,
    })
}

/// Whether the policy wants this active content taken out: it is of a document that is chosen, and in a
/// part that can be changed.
fn disarms(case: &Case<'_>, id: ObjectId, what: Active) -> bool {
    let disarm = &case.policy.disarm;
    let remote = what == Active::RemoteContent && disarm.remote_content == RemoteContent::Remove;
    let wanted = remote || what != Active::RemoteContent && disarm.active.contains(&what);
    if !disarm.enabled || !disarm.directions.contains(&case.arrival.direction) || !wanted {
        return false;
    }
    let mut above = case.report.object(id).and_then(|object| object.parent);
    // Parents stand before their children, so this ends.
    while let Some(object) = above.and_then(|at| case.report.object(at)) {
        // A document in one file of XML is of Word or Excel, or of LibreOffice.
        let flat = |kind: &&DocumentKind| matches!(kind, DocumentKind::Ooxml | DocumentKind::Odf);
        let kind = match object.kind {
            FileKind::Xml => disarm.documents.iter().find(flat).copied(),
            FileKind::Ooxml => Some(DocumentKind::Ooxml),
            FileKind::Odf => Some(DocumentKind::Odf),
            FileKind::Rtf => Some(DocumentKind::Rtf),
            FileKind::Ole2 => Some(DocumentKind::Ole2),
            FileKind::Pdf => Some(DocumentKind::Pdf),
            FileKind::Html if is_body(object) => Some(DocumentKind::Body),
            FileKind::Html | FileKind::Svg => Some(DocumentKind::Html),
            _ => None,
        };
        if kind.is_some_and(|kind| disarm.documents.contains(&kind)) {
            return true;
        }
        above = object.parent;
    }
    false
}

/// Whether it is the text of a message, and no file in it.
fn is_body(object: &Object) -> bool {
    matches!(object.origin, Origin::Entity(_)) && !object.attachment && object.name.is_none()
}

fn malware_wish(action: MalwareAction) -> Wish {
    let object = |otherwise| Wish::Object { disinfect: action.disinfects(), otherwise };
    match action {
        MalwareAction::Allow => Wish::Label,
        MalwareAction::Automatic | MalwareAction::DisinfectOrDeleteObject | MalwareAction::DeleteObject => {
            object(Otherwise::DeleteObject)
        }
        MalwareAction::DisinfectOrDeleteMessage => object(Otherwise::DeleteMessage),
        MalwareAction::DisinfectOrBlock => object(Otherwise::Block),
        MalwareAction::DeleteMessage => Wish::DeleteMessage,
        MalwareAction::Block => Wish::Block,
    }
}

fn unscanned_wish(case: &Case<'_>, reason: UnscannedReason) -> (Rule, Wish) {
    let unscannable = &case.policy.unscannable;
    let (rule, action) = match reason {
        UnscannedReason::Encrypted => (Rule::UnscannableEncrypted, unscannable.encrypted),
        // What the other files of a split archive hold is missing, as it is from a damaged one.
        UnscannedReason::Damaged | UnscannedReason::Volume => (Rule::UnscannableDamaged, unscannable.damaged),
        UnscannedReason::UnknownFormat => (Rule::UnscannableUnknownFormat, unscannable.unknown_format),
        UnscannedReason::Packed => (Rule::UnscannablePacked, unscannable.packed),
        UnscannedReason::LimitDepth
        | UnscannedReason::LimitObjects
        | UnscannedReason::LimitBytes
        | UnscannedReason::LimitRatio => (Rule::UnscannableLimit, unscannable.limits),
        // AR-02: an archive's own time is over. When the whole examination ran out of time, the engines
        // that could not look say so as well, and that is what counts.
        UnscannedReason::SizeExcluded | UnscannedReason::LimitTime => {
            (Rule::UnscannableSizeExcluded, unscannable.size_excluded)
        }
        // D-18, D-19: "engine failed or timed out".
        UnscannedReason::EngineFailed => {
            // A sender tries again for days; what ends a worker each time is set aside before that.
            let limited = unscannable.crash_limit > 0 && case.crashes >= unscannable.crash_limit;
            if limited && unscannable.engine_failed == EngineFailure::Tempfail {
                return (Rule::UnscannableCrashing, Wish::Hold);
            }
            let wish = match unscannable.engine_failed {
                EngineFailure::Tempfail => Wish::Tempfail,
                EngineFailure::Hold => Wish::Hold,
                EngineFailure::Label => Wish::Label,
            };
            return (Rule::UnscannableEngineFailed, wish);
        }
    };
    let wish = match action {
        UnscannedAction::Allow => Wish::Allow,
        UnscannedAction::Label => Wish::Label,
        UnscannedAction::AsInfected if case.arrival.direction == Direction::Outgoing => Wish::Block,
        UnscannedAction::AsInfected => malware_wish(case.policy.malware.action),
        UnscannedAction::DeleteObject => Wish::Object { disinfect: false, otherwise: Otherwise::DeleteObject },
        UnscannedAction::DeleteMessage => Wish::DeleteMessage,
        UnscannedAction::Block => Wish::Block,
    };
    (rule, wish)
}

/// For each part of the message with something in it that goes: rebuild it without that. What cannot be
/// rebuilt this way takes the failure branch.
fn rebuild_wishes(case: &Case<'_>, hits: &[Hit]) -> Vec<RebuildWish> {
    let mut wishes: BTreeMap<ObjectId, BTreeSet<ObjectId>> = BTreeMap::new();
    for hit in hits {
        let entity = || case.report.editable(hit.object).filter(|id| *id != hit.object);
        if matches!(hit.wish, Wish::Object { disinfect: true, .. } | Wish::Disarm)
            && let Some(id) = entity()
            && case.report.object(id).is_some_and(|object| matches!(object.origin, Origin::Entity(_)))
        {
            wishes.entry(id).or_default().insert(hit.object);
        }
    }
    let wish =
        |(object, remove): (ObjectId, BTreeSet<ObjectId>)| RebuildWish { object, remove: remove.into_iter().collect() };
    wishes.into_iter().map(wish).collect()
}
