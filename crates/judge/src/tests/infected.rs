//! What is done about infected mail.

use super::*;

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
    assert_eq!(
        plan.changes.iter().filter(|c| matches!(c, Change::Rebuilt { object, .. } if object.0 == ZIP)).count(),
        1
    );
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
