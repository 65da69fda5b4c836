//! Decisions, row by row of the specification: each test names the rows it holds.

use mail::address::Address;
use mail::arrival::{Arrival, Direction, Envelope, MessageId, Peer, Surface};
use mail::defect::Ambiguity;
use mail::evidence::{
    Certainty, Coverage, EngineId, Evidence, Facts, FileKind, Finding, FindingKind, Object, ObjectId, Origin, Report,
    Role, Seen, UnableWhy, UnscannedReason,
};
use mail::graph::EntityId;
use mail::untrusted::Untrusted;

use super::*;
use crate::can::{Can, can};
use crate::draft::{Form, draft};
use crate::policy::{
    AmbiguousAction, EngineFailure, MalwareAction, Policy, Profile, TooAmbiguousAction, UnscannedAction,
};
use crate::site::Site;

/// A message with a text (1), a zip `invoice.zip` (2) holding `readme.txt` and `setup.exe`, and a
/// plain attachment `notes.doc` (3).
const TEXT: u32 = 1;
const ZIP: u32 = 2;
const README: u32 = 3;
const SETUP: u32 = 4;
const NOTES: u32 = 5;

fn object(parent: Option<u32>, origin: Origin, part: &str, name: &str, kind: FileKind) -> Object {
    Object {
        parent: parent.map(ObjectId),
        origin,
        depth: parent.map_or(0, |p| if p == 0 { 1 } else { 2 }),
        part: part.to_owned(),
        name: (!name.is_empty()).then(|| Untrusted::new(name.to_owned())),
        other_names: vec![],
        declared: None,
        attachment: !name.is_empty(),
        kind,
        role: Role::File,
        opened_with: None,
        size: 100,
        sha256: [7; 32],
        defects: vec![],
        coverage: vec![Coverage { engine: EngineId::Eicar, seen: Seen::Examined }],
    }
}

fn evidence() -> Evidence {
    Evidence {
        objects: vec![
            object(None, Origin::Root, "", "", FileKind::Message),
            object(Some(0), Origin::Entity(EntityId(1)), "1", "", FileKind::Text),
            object(Some(0), Origin::Entity(EntityId(2)), "2", "invoice.zip", FileKind::Zip),
            object(Some(2), Origin::Member(0), "", "readme.txt", FileKind::Text),
            object(Some(2), Origin::Member(1), "", "setup.exe", FileKind::Pe),
            object(Some(0), Origin::Entity(EntityId(3)), "3", "notes.doc", FileKind::Ole2),
        ],
        findings: vec![],
        unable: vec![],
        ambiguity: Ambiguity::None,
        facts: Facts::default(),
        spam: mail::evidence::SpamSeen::default(),
        other_looks: Vec::new(),
        spam_fuel: 0,
        fuel: 0,
    }
}

fn malware(object: u32, certainty: Certainty) -> Finding {
    Finding {
        object: ObjectId(object),
        kind: FindingKind::malware("Test.Virus", "virus", certainty),
        engine: EngineId::Eicar,
        span: None,
        evidence: Untrusted::default(),
    }
}

fn unscanned(object: u32, reason: UnscannedReason) -> Finding {
    Finding { kind: FindingKind::Unscanned { reason }, engine: EngineId::Unpack, ..malware(object, Certainty::Certain) }
}

fn report(findings: Vec<Finding>) -> Report {
    let evidence = Evidence { findings, ..evidence() };
    evidence.validate().expect("test evidence is sound");
    evidence.close(&[EngineId::Eicar])
}

fn arrival(direction: Direction) -> Arrival {
    Arrival {
        id: MessageId::new(1_700_000_000_000, [1; 10]),
        surface: Surface::Smtp,
        direction,
        peer: Peer::default(),
        envelope: Envelope {
            mail_from: Address::parse("sender@example.com"),
            rcpt_to: vec![Address::parse("user@example.org").unwrap()],
            unknown: false,
        },
        received_ms: 1_700_000_000_000,
        size: 1000,
        connection: 1,
    }
}

fn site() -> Site {
    Site { hostname: "mx.example.org".to_owned(), internal_domains: vec!["example.org".to_owned()], ..Site::default() }
}

/// Draft and plan; rebuilds succeed for the objects named.
fn decide_for(policy: &Policy, arrival: &Arrival, can: Can, findings: Vec<Finding>, clean: &[u32]) -> Plan {
    let report = report(findings);
    let site = site();
    let case = Case { report: &report, arrival, policy, site: &site, can, form: Form::AsReceived, crashes: 0 };
    let draft = draft(&case);
    let rebuilt: Vec<Rebuilt> = draft
        .rebuild
        .iter()
        .map(|wish| Rebuilt {
            object: wish.object,
            clean: clean.contains(&wish.object.0),
            removed: Vec::new(),
            kinds: Vec::new(),
            suffix: String::new(),
        })
        .collect();
    plan(&case, &draft, &rebuilt)
}

fn decide(policy: &Policy, findings: Vec<Finding>, clean: &[u32]) -> Plan {
    decide_for(policy, &arrival(Direction::Incoming), can(Surface::Smtp), findings, clean)
}

fn with_action(action: MalwareAction) -> Policy {
    let mut policy = Policy::default();
    policy.malware.action = action;
    policy
}

fn label(plan: &Plan) -> Option<&str> {
    plan.changes.iter().find_map(|c| if let Change::Label(text) = c { Some(text.as_str()) } else { None })
}

fn notices(plan: &Plan) -> Vec<u32> {
    plan.changes
        .iter()
        .filter_map(|c| if let Change::Notice { object, .. } = c { Some(object.0) } else { None })
        .collect()
}

fn header<'a>(plan: &'a Plan, wanted: &str) -> Option<&'a str> {
    plan.changes.iter().find_map(|c| match c {
        Change::Prepend { name, value } if *name == wanted => Some(value.as_str()),
        _ => None,
    })
}

mod ambiguous;
mod disarm;
mod infected;
mod others;
mod rows;
mod spam;
mod told;
