//! Messages that clients may read in different ways.

use super::*;

/// The decision about a message of this ambiguity, in this form.
fn decide_ambiguous(policy: &Policy, ambiguity: Ambiguity, form: Form, findings: Vec<Finding>) -> (Draft, Plan) {
    let report = Evidence { findings, ambiguity, ..evidence() }.close(&[EngineId::Eicar]);
    let (site, arrival) = (site(), arrival(Direction::Incoming));
    let case =
        Case { report: &report, arrival: &arrival, policy, site: &site, can: can(Surface::Smtp), form, crashes: 0 };
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
        assert_eq!((plan.action, plan.status), (done, Status::Unscannable), "{action:?}: not all of it was seen");
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
