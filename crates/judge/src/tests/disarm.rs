//! Disarm on arrival.

use mail::evidence::Active;

use super::*;
use crate::policy::{DisarmFailure, DocumentKind};

/// The macros of `notes.doc`, as an object of their own.
fn with_macros() -> Evidence {
    let mut evidence = evidence();
    let mut module = object(Some(NOTES), Origin::Member(0), "", "Module1", FileKind::Text);
    module.role = Role::Active(Active::Vba);
    evidence.objects.push(module);
    evidence.findings = vec![Finding {
        object: ObjectId(NOTES + 1),
        kind: FindingKind::Active { what: Active::Vba },
        engine: EngineId::Unpack,
        span: None,
        evidence: Untrusted::new("Sub AutoOpen".to_owned()),
    }];
    evidence
}

/// The plan for `notes.doc` with macros, and how many objects it wants rebuilt.
fn macros(policy: &Policy, direction: Direction, clean: bool) -> (Plan, usize) {
    let report = with_macros().close(&[EngineId::Eicar]);
    let (site, arrival) = (site(), arrival(direction));
    let case = Case {
        report: &report,
        arrival: &arrival,
        policy,
        site: &site,
        can: can(Surface::Smtp),
        form: Form::AsReceived,
        crashes: 0,
    };
    let draft = draft(&case);
    let rebuilt: Vec<Rebuilt> = draft
        .rebuild
        .iter()
        .map(|wish| Rebuilt {
            object: wish.object,
            clean,
            removed: Vec::new(),
            kinds: vec!["vba"],
            suffix: String::new(),
        })
        .collect();
    (plan(&case, &draft, &rebuilt), draft.rebuild.len())
}

fn disarming() -> Policy {
    let mut policy = Policy::default();
    policy.disarm.enabled = true;
    policy.disarm.documents = vec![DocumentKind::Ole2];
    policy
}

#[test]
fn active_content_is_taken_out_where_the_policy_says_so_and_the_original_is_kept() {
    let (plan, wishes) = macros(&disarming(), Direction::Incoming, true);
    assert_eq!((plan.action, plan.copy, wishes), (Action::Disarmed, Copy::Keep, 1));
    assert_eq!(plan.status, Status::Clean);
    assert!(plan.changes.contains(&Change::Rebuilt { object: ObjectId(NOTES), kinds: vec!["vba"] }));
    assert_eq!(label(&plan), Some("[Active content removed]"));
    assert_eq!(header(&plan, "X-Mailward-Disarm"), Some("removed vba in 3 > notes.doc > Module1"));
    assert_eq!(plan.reasons[0].rule, Rule::DisarmDocument);
}

#[test]
fn nothing_is_taken_out_unless_the_policy_says_so() {
    let off = Policy::default();
    let mut other = disarming();
    other.disarm.documents = vec![DocumentKind::Pdf];
    let mut kinds = disarming();
    kinds.disarm.active = vec![Active::Dde];
    for (policy, direction) in [
        (&off, Direction::Incoming),
        (&other, Direction::Incoming),
        (&kinds, Direction::Incoming),
        (&disarming(), Direction::Outgoing),
    ] {
        let (plan, wishes) = macros(policy, direction, true);
        assert_eq!((plan.action, plan.copy, wishes), (Action::Delivered, Copy::No, 0), "{direction:?}");
    }
}

#[test]
fn a_document_that_cannot_be_disarmed_takes_the_chosen_branch() {
    let cases = [
        (DisarmFailure::Allow, Action::Delivered, Copy::No),
        (DisarmFailure::Label, Action::Labelled, Copy::No),
        (DisarmFailure::DeleteObject, Action::ObjectDeleted, Copy::Keep),
        (DisarmFailure::Hold, Action::Held, Copy::Keep),
    ];
    for (failure, action, copy) in cases {
        let mut policy = disarming();
        policy.disarm.on_failure = failure;
        let (plan, _) = macros(&policy, Direction::Incoming, false);
        assert_eq!((plan.action, plan.copy), (action, copy), "{failure:?}");
    }
    // Unless somebody chose otherwise it does not arrive.
    let (plan, _) = macros(&disarming(), Direction::Incoming, false);
    assert_eq!((plan.action, plan.copy), (Action::ObjectDeleted, Copy::Keep));
    // Nothing bad is known of it, and the subject does not say so.
    assert_eq!((plan.status, label(&plan)), (Status::Clean, Some("[Document with active content deleted]")));
}

#[test]
fn documents_that_are_one_file_of_xml_are_documents() {
    for (documents, told) in [
        (vec![DocumentKind::Ooxml], true),
        (vec![DocumentKind::Odf], true),
        (vec![DocumentKind::Ole2, DocumentKind::Html], false),
    ] {
        let mut evidence = with_macros();
        evidence.objects[NOTES as usize].kind = FileKind::Xml;
        let report = evidence.close(&[EngineId::Eicar]);
        let mut policy = disarming();
        policy.disarm.documents = documents.clone();
        let (site, arrival) = (site(), arrival(Direction::Incoming));
        let (can, form) = (can(Surface::Smtp), Form::AsReceived);
        let hits =
            draft(&Case { report: &report, arrival: &arrival, policy: &policy, site: &site, can, form, crashes: 0 });
        assert_eq!(!hits.hits.is_empty(), told, "{documents:?}");
    }
}

#[test]
fn d26_disarming_can_be_watched_first() {
    let mut policy = disarming();
    policy.monitor.rules = vec![Rule::DisarmDocument];
    let (plan, _) = macros(&policy, Direction::Incoming, true);
    assert_eq!((plan.action, plan.would), (Action::Delivered, Some(Action::Disarmed)));
    assert!(!plan.changes.iter().any(Change::is_content));
}

/// What happens to HTML with a sign of this kind, as a body or as a file.
fn page(policy: &Policy, what: Active, attached: bool) -> usize {
    let mut evidence = evidence();
    let html = &mut evidence.objects[NOTES as usize];
    (html.kind, html.attachment, html.name) = (FileKind::Html, attached, None);
    let mut sign = object(Some(NOTES), Origin::Member(0), "", "", FileKind::Text);
    sign.role = Role::Active(what);
    evidence.objects.push(sign);
    evidence.findings = vec![Finding {
        object: ObjectId(NOTES + 1),
        kind: FindingKind::Active { what },
        engine: EngineId::Unpack,
        span: None,
        evidence: Untrusted::new(String::new()),
    }];
    let report = evidence.close(&[EngineId::Eicar]);
    let (site, arrival) = (site(), arrival(Direction::Incoming));
    let (can, form) = (can(Surface::Smtp), Form::AsReceived);
    draft(&Case { report: &report, arrival: &arrival, policy, site: &site, can, form, crashes: 0 }).rebuild.len()
}

#[test]
fn bodies_files_and_remote_content_are_chosen_one_by_one() {
    let mut policy = disarming();
    policy.disarm.documents = vec![DocumentKind::Html];
    assert_eq!((page(&policy, Active::Script, true), page(&policy, Active::Script, false)), (1, 0));
    policy.disarm.documents = vec![DocumentKind::Body];
    assert_eq!((page(&policy, Active::Script, true), page(&policy, Active::Script, false)), (0, 1));
    assert_eq!(page(&policy, Active::RemoteContent, false), 0);
    policy.disarm.remote_content = crate::policy::RemoteContent::Remove;
    assert_eq!(page(&policy, Active::RemoteContent, false), 1);
}

#[test]
fn a_notice_stands_behind_what_was_changed_among_attachments_only() {
    let evidence = with_macros();
    let holder = evidence.objects[NOTES as usize].parent.unwrap();
    let (site, arrival, policy) = (site(), arrival(Direction::Incoming), disarming());
    for (declared, expected) in [("multipart/mixed", 1), ("multipart/alternative", 0)] {
        let mut evidence = evidence.clone();
        evidence.objects[holder.0 as usize].kind = FileKind::Multipart;
        evidence.objects[holder.0 as usize].declared = Some(Untrusted::new(declared.to_owned()));
        let report = evidence.close(&[EngineId::Eicar]);
        let (can, form) = (can(Surface::Smtp), Form::AsReceived);
        let case = Case { report: &report, arrival: &arrival, policy: &policy, site: &site, can, form, crashes: 0 };
        let made = Rebuilt {
            object: ObjectId(NOTES),
            clean: true,
            removed: vec!["vba: Module1".to_owned()],
            kinds: vec!["vba"],
            suffix: ".docx".to_owned(),
        };
        let plan = plan(&case, &draft(&case), &[made]);
        let notices: Vec<_> = plan
            .changes
            .iter()
            .filter_map(|change| if let Change::Beside { part, .. } = change { Some(part) } else { None })
            .collect();
        assert_eq!(notices.len(), expected, "{declared}");
        for notice in notices {
            assert_eq!(notice.file_name, "notes.doc.changed.txt");
            for words in ["notes.doc.docx", "vba: Module1", "active content is not delivered here", "kept in Backup"] {
                assert!(notice.text.contains(words), "{words}: {}", notice.text);
            }
        }
    }
}
