//! What could not be looked at, what wins, what surfaces can do, monitor mode, headers.

use super::*;
use crate::spam::{SpamStatus, SpamWhy};

#[test]
fn d18_reasons_have_their_own_settings() {
    let mut policy = Policy::default();
    let outcome = |policy: &Policy, reason| decide(policy, vec![unscanned(ZIP, reason)], &[]).action;
    let cases = [
        (UnscannedReason::Encrypted, Action::Labelled),
        (UnscannedReason::Damaged, Action::Labelled),
        (UnscannedReason::UnknownFormat, Action::Delivered),
        (UnscannedReason::Packed, Action::Delivered),
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
fn what_ends_a_worker_each_time_is_held_in_the_end() {
    let cases = [
        (EngineFailure::Tempfail, 3, 2, Action::Tempfailed),
        (EngineFailure::Tempfail, 3, 3, Action::Held),
        (EngineFailure::Tempfail, 3, 4, Action::Held),
        (EngineFailure::Tempfail, 1, 1, Action::Held),
        (EngineFailure::Tempfail, 0, 99, Action::Tempfailed),
        (EngineFailure::Label, 3, 3, Action::Labelled),
    ];
    let report = report(vec![unscanned(0, UnscannedReason::EngineFailed)]);
    let (site, arrival) = (site(), arrival(Direction::Incoming));
    for (failure, crash_limit, crashes, action) in cases {
        let mut policy = Policy::default();
        (policy.unscannable.engine_failed, policy.unscannable.crash_limit) = (failure, crash_limit);
        let (can, form) = (can(Surface::Smtp), Form::AsReceived);
        let case = Case { report: &report, arrival: &arrival, policy: &policy, site: &site, can, form, crashes };
        let plan = plan(&case, &draft(&case), &[]);
        assert_eq!(plan.action, action, "{failure:?}, crash {crashes} of {crash_limit}");
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
    assert!(plan.changes.iter().any(|c| matches!(c, Change::Rebuilt { object, .. } if object.0 == ZIP)));
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
        crashes: 0,
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
    assert!(crate::draft::examines_malware(&policy, &arrival(Direction::Outgoing)));
    policy.malware.scope = crate::policy::Scope::NotOutgoing;
    assert!(
        !crate::draft::examines_malware(&policy, &arrival(Direction::Outgoing))
            && crate::draft::examines(&policy, &arrival(Direction::Incoming))
    );
    policy.malware.enabled = false;
    assert!(!crate::draft::examines_malware(&policy, &arrival(Direction::Incoming)));
    let found = vec![malware(SETUP, Certainty::Certain)];
    let plan = decide_for(&policy, &arrival(Direction::Incoming), can(Surface::Smtp), found, &[]);
    assert_eq!((plan.status, plan.action, plan.reasons.len()), (Status::NotScanned, Action::Delivered, 0));
    assert!(header(&plan, "X-Mailward-Status").unwrap().starts_with("not_scanned"));
}

#[test]
fn as10_d8_why_it_was_not_examined_for_spam_is_said_of_mail_that_nobody_looks_at() {
    let mut policy = Policy::default();
    policy.malware.enabled = false;
    policy.spam.always_headers = true;
    policy.spam.scl_others = true;
    let said = |policy: &Policy, direction| {
        assert!(!crate::draft::examines(policy, &arrival(direction)));
        let plan = decide_for(policy, &arrival(direction), can(Surface::Smtp), vec![], &[]);
        let header = |name| header(&plan, name).map(str::to_owned);
        (plan.spam.unwrap(), header("X-Mailward-AntiSpam"), header("X-MS-Exchange-Organization-SCL"))
    };
    let (spam, line, level) = said(&policy, Direction::Internal);
    assert_eq!((spam.status, spam.why), (SpamStatus::Skipped, Some(SpamWhy::Internal)));
    assert_eq!((line.unwrap().split(';').next(), level.as_deref()), (Some("skipped (internal)"), Some("-1")));
    policy.spam.enabled = false;
    let (spam, line, level) = said(&policy, Direction::Incoming);
    assert_eq!((spam.status, spam.why), (SpamStatus::NotScanned, Some(SpamWhy::Disabled)));
    assert_eq!((line.unwrap().split(';').next(), level), (Some("not_scanned (disabled)"), None));
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

/// A message of so many parts, each in a multipart of its own some levels deep, all with a finding.
fn many(parts: u32, levels: u32, reason: Option<UnscannedReason>) -> Report {
    let mut all = evidence();
    all.objects.truncate(1);
    let mut above = 0;
    for level in 0..levels {
        let mut multipart = object(Some(above), Origin::Entity(EntityId(level + 1)), "1", "", FileKind::Multipart);
        multipart.depth = u16::try_from(level + 1).unwrap();
        above = u32::try_from(all.objects.len()).unwrap();
        all.objects.push(multipart);
    }
    for part in 0..parts {
        let id = u32::try_from(all.objects.len()).unwrap();
        let mut leaf = object(Some(above), Origin::Entity(EntityId(id)), "1", &format!("{part}.com"), FileKind::Text);
        leaf.depth = u16::try_from(levels + 1).unwrap();
        all.objects.push(leaf);
        all.findings.push(reason.map_or_else(|| malware(id, Certainty::Certain), |reason| unscanned(id, reason)));
    }
    all.validate().unwrap();
    all.close(&[])
}

#[test]
fn decisions_take_time_in_proportion() {
    let (arrival, site, policy) = (arrival(Direction::Incoming), site(), Policy::default());
    for reason in [None, Some(UnscannedReason::Encrypted)] {
        let time = |parts| {
            let report = many(parts, 30, reason);
            let can = can(Surface::Smtp);
            let case = Case {
                report: &report,
                arrival: &arrival,
                policy: &policy,
                site: &site,
                can,
                form: Form::AsReceived,
                crashes: 0,
            };
            let started = testkit::CpuClock::now();
            let plan = plan(&case, &draft(&case), &[]);
            assert_eq!(plan.reasons.len(), parts as usize);
            started.elapsed()
        };
        time(100);
        let (some, more) = (time(1_000), time(8_000));
        assert!(
            more < some * 30 + std::time::Duration::from_millis(200),
            "{reason:?}: {some:?}, eight times as many: {more:?}"
        );
    }
}
