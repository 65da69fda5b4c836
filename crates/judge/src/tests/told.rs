//! What is told about a decision: to a refused sender, to who reads the log, to who asks what would have changed it.

use mail::evidence::{AuthResult, Authentication, DmarcCheck, DmarcPolicy, Sign, SignGroup, SpamSeen, short};

use super::spam::{report_of, seen, sign};
use super::*;
use crate::policy::{DmarcAction, SpamAction};
use crate::spam::{SpamStatus, holding, limits, verdict};

/// A plan for a message with these signs and findings, whose author's DMARC failed and wants it refused.
fn failed(policy: &Policy, spam: SpamSeen, findings: Vec<Finding>) -> Plan {
    let dmarc = DmarcCheck {
        domain: short("example.net"),
        result: AuthResult::Fail,
        policy: DmarcPolicy::Reject,
        ..DmarcCheck::default()
    };
    let auth = Authentication { dmarc: vec![dmarc], one_author: true, ..Authentication::default() };
    let evidence = Evidence { spam, findings, ..evidence() };
    let report = evidence.close(&[EngineId::Eicar]).with_auth(Some(auth));
    let (site, arrival) = (site(), arrival(Direction::Incoming));
    let can = can(Surface::Smtp);
    let case =
        Case { report: &report, arrival: &arrival, policy, site: &site, can, form: Form::AsReceived, crashes: 0 };
    plan(&case, &draft(&case), &[])
}

fn reply(plan: &Plan) -> String {
    let Fate::Refuse(reply) = &plan.fate else { panic!("not refused: {:?}", plan.fate) };
    reply.text.split(" (id ").next().unwrap().to_owned()
}

fn done(plan: &Plan, rule: Rule) -> &'static str {
    plan.reasons.iter().find(|reason| reason.rule == rule).expect("the rule applies").done
}

#[test]
fn a_refused_sender_hears_only_of_rules_that_refuse() {
    let mut policy = Policy::default();
    policy.authentication.dmarc = DmarcAction::Report;
    policy.spam.spam.action = SpamAction::Reject;
    policy.spam.mass.action = SpamAction::Reject;
    let spam = failed(&policy, seen(900, 0, 0), Vec::new());
    assert_eq!(reply(&spam), "5.7.1 Message refused: spam");
    assert_eq!(done(&spam, Rule::DmarcFailed), "nothing by this rule");
    assert_eq!(done(&spam, Rule::Spam), "the message is refused");
    assert_eq!(reply(&failed(&policy, seen(0, 600, 0), Vec::new())), "5.7.1 Message refused: mass mail");
    // What would have been deleted from the message is not why it is refused.
    let infected = failed(&policy, seen(900, 0, 0), vec![malware(SETUP, Certainty::Certain)]);
    assert_eq!(reply(&infected), "5.7.1 Message refused: spam");
    assert_eq!(done(&infected, Rule::MalwareInfected), "nothing by this rule", "nobody gets a notice");
    policy.authentication.dmarc = DmarcAction::Honour;
    let both = failed(&policy, seen(900, 0, 0), Vec::new());
    assert_eq!(reply(&both), "5.7.1 Message refused: DMARC of example.net, spam");
    policy.spam.spam.action = SpamAction::Allow;
    let dmarc = failed(&policy, seen(900, 0, 0), Vec::new());
    assert_eq!(reply(&dmarc), "5.7.1 Message refused: DMARC of example.net");
    assert_eq!(done(&dmarc, Rule::Spam), "nothing by this rule", "its label is on no mail");
    policy.authentication.dmarc = DmarcAction::Report;
    let delivered = failed(&policy, seen(900, 0, 0), Vec::new());
    assert_eq!(done(&delivered, Rule::DmarcFailed), "delivered as it is");
    assert_eq!(done(&delivered, Rule::Spam), "delivered with a label");
}

#[test]
fn what_several_signs_hold_up_together_is_told() {
    /// Signs, the status they make, those that decide alone, those that decide together.
    type Case = (Vec<Sign>, SpamStatus, &'static [&'static str], &'static [&'static str]);
    let policy = Policy::default();
    let incoming = arrival(Direction::Incoming);
    let cases: [Case; 5] = [
        (vec![sign("a", SignGroup::Phrase, 400), sign("b", SignGroup::Link, 300)], SpamStatus::Spam, &["a", "b"], &[]),
        (
            vec![
                sign("a", SignGroup::Phrase, 300),
                sign("b", SignGroup::Link, 300),
                sign("c", SignGroup::Network, 900),
                sign("d", SignGroup::Network, 10),
            ],
            SpamStatus::Spam,
            &["c"],
            &[],
        ),
        (
            vec![sign("a", SignGroup::Bulk, 500), sign("b", SignGroup::Bulk, 600), sign("c", SignGroup::Bulk, 20)],
            SpamStatus::MassMail,
            &[],
            &["a", "b"],
        ),
        (
            vec![sign("a", SignGroup::Network, 900), sign("b", SignGroup::Network, 900)],
            SpamStatus::Spam,
            &[],
            &["a", "b"],
        ),
        (vec![sign("a", SignGroup::Phrase, 100)], SpamStatus::Clean, &[], &[]),
    ];
    for (signs, status, one, several) in cases {
        let report = report_of(SpamSeen::Signs(signs));
        assert_eq!(verdict(&policy, &incoming, &report).status, status);
        assert_eq!(holding(&policy, &incoming, &report).alone, one, "{status:?}");
        let mut found = holding(&policy, &incoming, &report).together;
        found.sort_unstable();
        assert_eq!(found, several, "{status:?}");
    }
    assert_eq!(limits(&policy), (500, 700));
}
