//! Decisions, row by row of the specification: each test names the rows it holds.

use mail::address::Address;
use mail::arrival::{Arrival, Direction, Envelope, MessageId, Peer, Surface};
use mail::defect::Ambiguity;
use mail::evidence::{
    Certainty, Coverage, EngineId, Evidence, Facts, FileKind, Finding, FindingKind, Object, ObjectId, Origin, Report,
    Seen, UnableWhy, UnscannedReason,
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
        peer: Peer { ip: None, name: None, helo: None, tls: None, authenticated: false, login: None, trusted: false },
        envelope: Envelope {
            mail_from: Address::parse("sender@example.com"),
            rcpt_to: vec![Address::parse("user@example.org").unwrap()],
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
    let case = Case { report: &report, arrival, policy, site: &site, can, form: Form::AsReceived };
    let draft = draft(&case);
    let rebuilt: Vec<Rebuilt> = draft
        .rebuild
        .iter()
        .map(|wish| Rebuilt { object: wish.object, clean: clean.contains(&wish.object.0) })
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

#[test]
fn av02_a_clean_message_is_delivered_with_its_status() {
    let plan = decide(&Policy::default(), vec![], &[]);
    assert_eq!((plan.status, plan.action, plan.copy), (Status::Clean, Action::Delivered, Copy::No));
    assert_eq!(plan.fate, Fate::Deliver);
    assert!(header(&plan, "X-Mailward-Status").unwrap().starts_with("clean; action=delivered; id=01"));
    assert!(header(&plan, "X-Mailward-AntiVirus").is_none() && label(&plan).is_none());
}

#[test]
fn av04_av05_status_by_certainty() {
    assert_eq!(decide(&Policy::default(), vec![malware(NOTES, Certainty::Certain)], &[]).status, Status::Infected);
    assert_eq!(
        decide(&Policy::default(), vec![malware(NOTES, Certainty::Probable)], &[]).status,
        Status::ProbablyInfected
    );
}

#[test]
fn act14_automatic_deletes_the_object_leaves_a_notice_and_keeps_a_copy() {
    let plan = decide(&Policy::default(), vec![malware(NOTES, Certainty::Certain)], &[]);
    assert_eq!((plan.action, plan.copy, plan.fate.clone()), (Action::ObjectDeleted, Copy::Keep, Fate::Deliver));
    assert_eq!(notices(&plan), [NOTES]);
    assert_eq!(label(&plan), Some("[Infected object deleted]"));
    assert_eq!(header(&plan, "X-Mailward-Backup-Id"), Some(arrival(Direction::Incoming).id.to_string().as_str()));
    assert!(header(&plan, "X-Mailward-AntiVirus").unwrap().contains("Test.Virus in 3 > notes.doc"));
}

#[test]
fn act26_the_notice_names_what_was_removed() {
    let plan = decide(&Policy::default(), vec![malware(NOTES, Certainty::Certain)], &[]);
    let Some(Change::Notice { part, .. }) = plan.changes.iter().find(|c| c.is_content()) else { panic!("no notice") };
    assert_eq!(part.file_name, "notes.doc.removed.txt");
    for wanted in
        ["3 » notes.doc", "Test.Virus", "it contains malware", "kept in Backup on mx.example.org", "2023-11-14"]
    {
        assert!(part.text.contains(wanted), "{wanted} in {}", part.text);
    }
}

#[test]
fn act08_automatic_disinfects_a_zip_when_the_rest_is_clean() {
    let plan = decide(&Policy::default(), vec![malware(SETUP, Certainty::Certain)], &[ZIP]);
    assert_eq!((plan.status, plan.action, plan.copy), (Status::Disinfected, Action::Disinfected, Copy::Keep));
    assert_eq!(plan.changes.iter().filter(|c| matches!(c, Change::Rebuilt { object } if object.0 == ZIP)).count(), 1);
    assert_eq!(label(&plan), Some("[Message has been processed]"));
}

#[test]
fn failed_disinfection_takes_the_chosen_branch() {
    let cases = [
        (MalwareAction::Automatic, Action::ObjectDeleted),
        (MalwareAction::DisinfectOrDeleteObject, Action::ObjectDeleted),
        (MalwareAction::DisinfectOrDeleteMessage, Action::MessageDeleted),
        (MalwareAction::DisinfectOrBlock, Action::Blocked),
        (MalwareAction::DeleteObject, Action::ObjectDeleted),
        (MalwareAction::DeleteMessage, Action::MessageDeleted),
        (MalwareAction::Block, Action::Blocked),
        (MalwareAction::Allow, Action::Labelled),
    ];
    for (action, done) in cases {
        let plan = decide(&with_action(action), vec![malware(SETUP, Certainty::Certain)], &[]);
        assert_eq!(plan.action, done, "{action:?} when disinfection fails");
    }
}

#[test]
fn act03_block_and_delete_do_not_try_to_disinfect() {
    for action in
        [MalwareAction::Block, MalwareAction::DeleteObject, MalwareAction::DeleteMessage, MalwareAction::Allow]
    {
        let plan = decide(&with_action(action), vec![malware(SETUP, Certainty::Certain)], &[ZIP]);
        assert_ne!(plan.action, Action::Disinfected, "{action:?}");
    }
}

#[test]
fn act13_allow_labels_and_changes_nothing_else() {
    let plan = decide(&with_action(MalwareAction::Allow), vec![malware(NOTES, Certainty::Certain)], &[]);
    assert_eq!(label(&plan), Some("[Infected object detected]"));
    assert!(!plan.changes.iter().any(Change::is_content));
    assert_eq!((plan.copy, plan.status), (Copy::No, Status::Infected));
}

#[test]
fn act16_labels_by_recipient() {
    let mut policy = Policy::default();
    let mut external = arrival(Direction::Incoming);
    external.envelope.rcpt_to = vec![Address::parse("b@example.com").unwrap()];
    let smtp = can(Surface::Smtp);
    let found = || vec![malware(NOTES, Certainty::Certain)];
    assert_eq!(label(&decide_for(&policy, &external, smtp, found(), &[])), None);
    policy.malware.labels.external = true;
    assert!(label(&decide_for(&policy, &external, smtp, found(), &[])).is_some());
    policy.malware.labels.internal = false;
    assert_eq!(label(&decide(&policy, found(), &[])), None);
}

#[test]
fn act24_the_attachment_label_replaces_the_general_one() {
    let mut policy = Policy::default();
    policy.malware.labels.use_attachment_removed = true;
    assert_eq!(
        label(&decide(&policy, vec![malware(NOTES, Certainty::Certain)], &[])),
        Some("[Infected attachment removed]")
    );
    assert_eq!(
        label(&decide(&policy, vec![malware(TEXT, Certainty::Certain)], &[])),
        Some("[Infected object deleted]")
    );
}

#[test]
fn act25_the_original_is_forwarded_only_for_malware() {
    let mut policy = Policy::default();
    policy.malware.forward_to = vec!["admin@example.org".to_owned()];
    assert_eq!(decide(&policy, vec![malware(NOTES, Certainty::Certain)], &[]).forward_to, ["admin@example.org"]);
    assert!(decide(&policy, vec![unscanned(NOTES, UnscannedReason::Encrypted)], &[]).forward_to.is_empty());
}

#[test]
fn act17_act28_copies_follow_their_switches() {
    let mut policy = with_action(MalwareAction::DeleteMessage);
    let found = || vec![malware(NOTES, Certainty::Certain)];
    assert_eq!(decide(&policy, found(), &[]).copy, Copy::Keep);
    policy.malware.keep_copy = false;
    assert_eq!(decide(&policy, found(), &[]).copy, Copy::Waived);
    policy.malware.action = MalwareAction::Block;
    assert_eq!(decide(&policy, found(), &[]).copy, Copy::Keep);
    policy.malware.keep_blocked = false;
    assert_eq!(decide(&policy, found(), &[]).copy, Copy::No);
}

#[test]
fn d3_outgoing_threats_are_refused_whatever_is_chosen() {
    for action in [MalwareAction::Allow, MalwareAction::Automatic, MalwareAction::DeleteMessage, MalwareAction::Block] {
        let outgoing = arrival(Direction::Outgoing);
        let plan = decide_for(
            &with_action(action),
            &outgoing,
            can(Surface::Smtp),
            vec![malware(SETUP, Certainty::Probable)],
            &[ZIP],
        );
        assert_eq!((plan.action, plan.reasons[0].rule), (Action::Blocked, Rule::MalwareOutgoing), "{action:?}");
    }
}

#[test]
fn d4_the_refusal_is_as_configured_and_safe() {
    let mut policy = with_action(MalwareAction::Block);
    policy.refusal.code = 554;
    policy.refusal.text = "No: %REASON%\r\n250 %ID%".to_owned();
    let Fate::Refuse(reply) = decide(&policy, vec![malware(NOTES, Certainty::Certain)], &[]).fate else {
        panic!("not refused")
    };
    assert_eq!(reply.code, 554);
    assert!(reply.text.starts_with("5.7.1 No: Test.Virus??250 01"), "{}", reply.text);
    assert!(reply.text.chars().all(|c| (' '..='~').contains(&c)));
}

#[test]
fn d18_reasons_have_their_own_settings() {
    let mut policy = Policy::default();
    let outcome = |policy: &Policy, reason| decide(policy, vec![unscanned(ZIP, reason)], &[]).action;
    let cases = [
        (UnscannedReason::Encrypted, Action::Labelled),
        (UnscannedReason::Damaged, Action::Labelled),
        (UnscannedReason::UnknownFormat, Action::Delivered),
        (UnscannedReason::SizeExcluded, Action::Delivered),
        (UnscannedReason::LimitDepth, Action::ObjectDeleted),
        (UnscannedReason::LimitObjects, Action::ObjectDeleted),
        (UnscannedReason::LimitBytes, Action::ObjectDeleted),
        (UnscannedReason::LimitRatio, Action::ObjectDeleted),
        (UnscannedReason::LimitTime, Action::Delivered),
        (UnscannedReason::EngineFailed, Action::Tempfailed),
    ];
    for (reason, action) in cases {
        assert_eq!(outcome(&policy, reason), action, "{reason:?} by default");
    }
    policy.unscannable.encrypted = UnscannedAction::Block;
    assert_eq!(outcome(&policy, UnscannedReason::Encrypted), Action::Blocked);
    assert_eq!(outcome(&policy, UnscannedReason::Damaged), Action::Labelled);
}

#[test]
fn un02_an_object_that_cannot_be_scanned_is_treated_as_infected_where_chosen() {
    let mut policy = with_action(MalwareAction::Block);
    policy.unscannable.encrypted = UnscannedAction::AsInfected;
    assert_eq!(decide(&policy, vec![unscanned(ZIP, UnscannedReason::Encrypted)], &[]).action, Action::Blocked);
}

#[test]
fn un03_ar08_what_is_let_through_is_never_called_clean() {
    for reason in UnscannedReason::ALL {
        let mut policy = Policy::default();
        policy.unscannable.engine_failed = EngineFailure::Label;
        let plan = decide(&policy, vec![unscanned(ZIP, reason)], &[]);
        assert!(matches!(plan.status, Status::Unscannable | Status::Error), "{reason:?}");
        if plan.fate == Fate::Deliver {
            assert!(!header(&plan, "X-Mailward-Status").unwrap().starts_with("clean"), "{reason:?}");
        }
    }
}

#[test]
fn d18_the_label_says_why() {
    let plan = decide(&Policy::default(), vec![unscanned(ZIP, UnscannedReason::Encrypted)], &[]);
    assert_eq!(label(&plan), Some("[Not scanned: encrypted]"));
}

#[test]
fn d19_a_failed_engine_defers_holds_or_labels() {
    let cases = [
        (EngineFailure::Tempfail, Action::Tempfailed, Copy::No),
        (EngineFailure::Hold, Action::Held, Copy::Keep),
        (EngineFailure::Label, Action::Labelled, Copy::No),
    ];
    for (failure, action, copy) in cases {
        let mut policy = Policy::default();
        policy.unscannable.engine_failed = failure;
        let plan = decide(&policy, vec![unscanned(0, UnscannedReason::EngineFailed)], &[]);
        assert_eq!((plan.action, plan.copy), (action, copy), "{failure:?}");
    }
}

#[test]
fn an_engine_that_nobody_ran_is_a_failure() {
    let report = evidence().close(&[EngineId::Eicar, EngineId::Yara]);
    assert!(!report.is_clean());
    assert_eq!(Status::of(&report), Status::Error);
    let expected = Coverage { engine: EngineId::Yara, seen: Seen::Unable(UnableWhy::NotRun) };
    assert!(report.objects().iter().all(|o| o.coverage.contains(&expected)));
}

#[test]
fn cf03_the_strictest_wish_wins() {
    let mut policy = Policy::default();
    policy.unscannable.damaged = UnscannedAction::Block;
    let both = vec![malware(NOTES, Certainty::Certain), unscanned(ZIP, UnscannedReason::Damaged)];
    assert_eq!(decide(&policy, both.clone(), &[]).action, Action::Blocked);
    policy.unscannable.damaged = UnscannedAction::DeleteMessage;
    assert_eq!(decide(&policy, both.clone(), &[]).action, Action::MessageDeleted);
    // What could not be looked at beside an infected object is not delivered on the object's account.
    policy.unscannable.damaged = UnscannedAction::Allow;
    let failed = vec![malware(NOTES, Certainty::Certain), unscanned(ZIP, UnscannedReason::EngineFailed)];
    assert_eq!(decide(&policy, failed, &[]).action, Action::Tempfailed);
}

#[test]
fn a_zip_with_one_clean_and_one_failed_rebuild_is_told_apart() {
    let both = vec![malware(SETUP, Certainty::Certain), malware(NOTES, Certainty::Certain)];
    let plan = decide(&Policy::default(), both, &[ZIP]);
    assert_eq!((plan.action, plan.status), (Action::ObjectDeleted, Status::Infected));
    assert_eq!(notices(&plan), [NOTES]);
    assert!(plan.changes.iter().any(|c| matches!(c, Change::Rebuilt { object } if object.0 == ZIP)));
}

#[test]
fn a_container_that_is_infected_itself_is_not_rebuilt() {
    let plan =
        decide(&Policy::default(), vec![malware(ZIP, Certainty::Certain), malware(SETUP, Certainty::Certain)], &[ZIP]);
    assert_eq!((plan.action, notices(&plan)), (Action::ObjectDeleted, vec![ZIP]));
}

#[test]
fn a_finding_about_the_whole_message_steps_down_to_the_message() {
    let plan = decide(&Policy::default(), vec![malware(0, Certainty::Certain)], &[]);
    assert_eq!((plan.action, plan.copy, plan.steps_down.len()), (Action::MessageDeleted, Copy::Keep, 1));
}

fn clamd(object: u32) -> Finding {
    Finding { engine: EngineId::Clamd, ..malware(object, Certainty::Certain) }
}

#[test]
fn an_external_finding_is_located_first() {
    let report = report(vec![clamd(0)]);
    let (policy, site, arrival) = (Policy::default(), site(), arrival(Direction::Incoming));
    let case = Case {
        report: &report,
        arrival: &arrival,
        policy: &policy,
        site: &site,
        can: can(Surface::Smtp),
        form: Form::AsReceived,
    };
    assert!(draft(&case).localise);
    // With another engine saying where, nothing has to be located, and only that object goes.
    let plan = decide(&policy, vec![clamd(0), malware(NOTES, Certainty::Certain)], &[]);
    assert_eq!((plan.action, notices(&plan)), (Action::ObjectDeleted, vec![NOTES]));
}

#[test]
fn d2_what_a_surface_cannot_do_steps_down_and_says_so() {
    let incoming = arrival(Direction::Incoming);
    let found = || vec![malware(NOTES, Certainty::Certain)];
    let all = can(Surface::Smtp);
    let no_content = Can { content: false, ..all };
    let plan = decide_for(&Policy::default(), &incoming, no_content, found(), &[]);
    assert_eq!((plan.action, plan.steps_down.len()), (Action::Blocked, 1));
    let nothing = Can { content: false, refuse: false, discard: false, ..all };
    assert_eq!(decide_for(&Policy::default(), &incoming, nothing, found(), &[]).action, Action::Tempfailed);
    let plan =
        decide_for(&with_action(MalwareAction::DeleteMessage), &incoming, Can { discard: false, ..all }, found(), &[]);
    assert_eq!(plan.action, Action::Blocked);
}

#[test]
fn d26_monitor_mode_changes_nothing_and_says_what_it_would() {
    let mut policies = vec![Policy::default(), Policy::default(), Policy::default()];
    policies[0].monitor.enabled = true;
    policies[1].monitor.surfaces = vec![Surface::Smtp];
    policies[2].monitor.rules = vec![Rule::MalwareInfected];
    for policy in &policies {
        let plan = decide(policy, vec![malware(NOTES, Certainty::Certain)], &[]);
        assert_eq!((plan.action, plan.would), (Action::Delivered, Some(Action::ObjectDeleted)));
        assert_eq!((plan.copy, plan.fate.clone()), (Copy::No, Fate::Deliver));
        assert!(!plan.changes.iter().any(Change::is_content) && plan.reasons[0].monitored);
        assert_eq!(plan.status, Status::Infected);
    }
    assert!(decide(&policies[0], vec![], &[]).changes.is_empty());
    assert!(decide(&policies[1], vec![], &[]).changes.is_empty());
    // A monitored rule leaves the others in force.
    let both = vec![malware(NOTES, Certainty::Certain), malware(TEXT, Certainty::Probable)];
    let plan = decide(&policies[2], both, &[]);
    assert_eq!(notices(&plan), [TEXT]);
}

#[test]
fn sc11_forged_headers_go_unless_the_connection_is_trusted() {
    let strips = |arrival: &Arrival| {
        decide_for(&Policy::default(), arrival, can(Surface::Smtp), vec![], &[]).changes.contains(&Change::StripForged)
    };
    let mut from = arrival(Direction::Incoming);
    assert!(strips(&from));
    from.peer.trusted = true;
    assert!(!strips(&from));
    from.peer.trusted = false;
    from.peer.authenticated = true;
    assert!(!strips(&from));
}

#[test]
fn sc09_nothing_of_ours_leaves_with_outgoing_mail() {
    let mut policy = Policy::default();
    let outgoing = arrival(Direction::Outgoing);
    assert!(header(&decide_for(&policy, &outgoing, can(Surface::Smtp), vec![], &[]), "X-Mailward-Status").is_none());
    policy.headers.on_outgoing = true;
    assert!(header(&decide_for(&policy, &outgoing, can(Surface::Smtp), vec![], &[]), "X-Mailward-Status").is_some());
}

#[test]
fn act18_av06_what_is_not_examined_is_not_called_clean() {
    let mut policy = Policy::default();
    assert!(crate::draft::examines(&policy, Direction::Outgoing));
    policy.malware.scope = crate::policy::Scope::NotOutgoing;
    assert!(
        !crate::draft::examines(&policy, Direction::Outgoing) && crate::draft::examines(&policy, Direction::Incoming)
    );
    policy.malware.enabled = false;
    assert!(!crate::draft::examines(&policy, Direction::Incoming));
    let plan = unexamined(&policy, &arrival(Direction::Incoming));
    assert_eq!(plan.status, Status::NotScanned);
    assert!(header(&plan, "X-Mailward-Status").unwrap().starts_with("not_scanned"));
}

#[test]
fn d7_the_recommended_profile_deletes_infected_messages_with_a_copy() {
    let plan = decide(&Policy::of(Profile::Recommended), vec![malware(SETUP, Certainty::Certain)], &[ZIP]);
    assert_eq!((plan.action, plan.copy), (Action::MessageDeleted, Copy::Keep));
}

#[test]
fn the_order_of_findings_changes_nothing() {
    let findings = vec![
        malware(NOTES, Certainty::Certain),
        malware(SETUP, Certainty::Probable),
        unscanned(ZIP, UnscannedReason::Encrypted),
        unscanned(README, UnscannedReason::Damaged),
        clamd(0),
    ];
    let forward = decide(&Policy::default(), findings.clone(), &[]);
    let backward = decide(&Policy::default(), findings.into_iter().rev().collect(), &[]);
    assert_eq!(forward, backward);
}

/// The decision about a message of this ambiguity, in this form.
fn decide_ambiguous(policy: &Policy, ambiguity: Ambiguity, form: Form, findings: Vec<Finding>) -> (Draft, Plan) {
    let report = Evidence { findings, ambiguity, ..evidence() }.close(&[EngineId::Eicar]);
    let (site, arrival) = (site(), arrival(Direction::Incoming));
    let case = Case { report: &report, arrival: &arrival, policy, site: &site, can: can(Surface::Smtp), form };
    let draft = draft(&case);
    let plan = plan(&case, &draft, &[]);
    (draft, plan)
}

#[test]
fn an_ambiguous_message_is_rewritten_by_default_and_a_copy_kept() {
    let policy = Policy::default();
    let (draft, _) = decide_ambiguous(&policy, Ambiguity::Ambiguous, Form::AsReceived, vec![]);
    assert!(draft.normalise, "the service is asked for the unambiguous form");
    let (draft, plan) = decide_ambiguous(&policy, Ambiguity::None, Form::Normalised, vec![]);
    assert!(!draft.normalise);
    assert_eq!((plan.action, plan.copy, plan.status), (Action::Normalised, Copy::Keep, Status::Clean));
    assert!(plan.changes.contains(&Change::Normalised));
    // What cannot be rewritten is delivered with a label.
    let (draft, plan) = decide_ambiguous(&policy, Ambiguity::Ambiguous, Form::NotNormalisable, vec![]);
    assert_eq!((draft.normalise, plan.action, label(&plan)), (false, Action::Labelled, Some("[Ambiguous message]")));
}

#[test]
fn cosmetic_defects_change_nothing() {
    for ambiguity in [Ambiguity::None, Ambiguity::Cosmetic] {
        let (draft, plan) = decide_ambiguous(&Policy::default(), ambiguity, Form::AsReceived, vec![]);
        assert_eq!((draft.hits.len(), plan.action), (0, Action::Delivered));
    }
}

#[test]
fn the_policy_for_ambiguous_mail_has_four_answers() {
    let cases = [
        (AmbiguousAction::Allow, Action::Delivered),
        (AmbiguousAction::Tag, Action::Labelled),
        (AmbiguousAction::Reject, Action::Blocked),
    ];
    for (action, done) in cases {
        let mut policy = Policy::default();
        policy.ambiguous.action = action;
        let (draft, plan) = decide_ambiguous(&policy, Ambiguity::Ambiguous, Form::AsReceived, vec![]);
        assert_eq!((draft.normalise, plan.action), (false, done), "{action:?}");
    }
    let cases = [
        (TooAmbiguousAction::Reject, Action::Blocked),
        (TooAmbiguousAction::Tag, Action::Labelled),
        (TooAmbiguousAction::Allow, Action::Delivered),
    ];
    for (action, done) in cases {
        let mut policy = Policy::default();
        policy.ambiguous.too_ambiguous = action;
        let (_, plan) = decide_ambiguous(&policy, Ambiguity::TooAmbiguous, Form::AsReceived, vec![]);
        assert_eq!(plan.action, done, "{action:?}");
    }
}

#[test]
fn what_is_infected_in_an_ambiguous_message_goes_from_its_unambiguous_form() {
    let found = vec![malware(NOTES, Certainty::Certain)];
    let (_, plan) = decide_ambiguous(&Policy::default(), Ambiguity::None, Form::Normalised, found);
    assert_eq!((plan.action, plan.copy, notices(&plan)), (Action::ObjectDeleted, Copy::Keep, vec![NOTES]));
    assert_eq!(plan.changes.first(), Some(&Change::Normalised));
}

#[test]
fn a_monitored_message_is_not_rewritten() {
    let mut policy = Policy::default();
    policy.monitor.rules = vec![Rule::AmbiguousMessage];
    let (draft, plan) = decide_ambiguous(&policy, Ambiguity::Ambiguous, Form::AsReceived, vec![]);
    assert_eq!((draft.normalise, plan.action, plan.would), (false, Action::Delivered, Some(Action::Normalised)));
}
