//! What is told about a decision: to a refused sender, to who reads the log, to who asks what would have changed it.

use mail::arrival::Envelope;
use mail::evidence::{
    AuthResult, Authentication, DmarcCheck, DmarcPolicy, Listed, ListedBy, Sign, SignGroup, SpamSeen, Standing, short,
};

use super::spam::{report_of, seen, sign};
use super::*;
use crate::policy::{DmarcAction, SpamAction};
use crate::spam::{Counts, Holding, SpamStatus, counted, holding, limits, reached, verdict, without_entry};

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

/// With an entry of a list that fits.
fn with_entry(report: Report, list: &str, mass_only: bool) -> Report {
    let listed = Listed {
        list: list.to_owned(),
        mass_only,
        id: "1".to_owned(),
        entry: "news@example.net".to_owned(),
        owner: None,
        by: ListedBy::MailFrom,
        seen: short("news@example.net"),
    };
    report.with_standing(Standing { listed: Some(listed), ..Standing::default() })
}

#[test]
fn where_an_entry_of_a_list_decides_no_sign_does_and_what_it_would_be_without_is_told() {
    let (policy, incoming) = (Policy::default(), arrival(Direction::Incoming));
    // The list, whether it spares bulk mail only, points of spam and of bulk; the status with it, without it.
    let cases = [
        ("allow", true, 0, 600, SpamStatus::Clean, Some(SpamStatus::MassMail)),
        ("allow", true, 900, 600, SpamStatus::Spam, None),
        ("allow", false, 900, 0, SpamStatus::Skipped, Some(SpamStatus::Spam)),
        ("deny", false, 0, 0, SpamStatus::AddressBlacklisted, Some(SpamStatus::Clean)),
        ("deny", false, 900, 0, SpamStatus::AddressBlacklisted, Some(SpamStatus::Spam)),
    ];
    for (list, mass_only, spam, bulk, with, without) in cases {
        let report = with_entry(report_of(seen(spam, bulk, 0)), list, mass_only);
        assert_eq!(verdict(&policy, &incoming, &report).status, with, "{list} {spam} {bulk}");
        let other = without_entry(&policy, &incoming, &report);
        assert_eq!(other.map(|other| other.status), without, "{list} {spam} {bulk}");
        if without.is_some() {
            assert_eq!(holding(&policy, &incoming, &report), Holding::default(), "{list} {spam} {bulk}");
        }
    }
}

#[test]
fn lists_that_reach_their_limit_decide_whatever_the_points_are() {
    let mut policy = Policy::default();
    policy.spam.external.dnsbl = true;
    let incoming = arrival(Direction::Incoming);
    let listed = |id| report_of(SpamSeen::Signs(vec![sign(id, SignGroup::Network, 1000)]));
    assert!(reached(&policy, &incoming, &listed("dnsbl_reached")));
    assert_eq!(holding(&policy, &incoming, &listed("dnsbl_reached")).alone, ["dnsbl_reached"]);
    assert!(!reached(&policy, &incoming, &listed("another")));
    policy.spam.external.dnsbl = false;
    assert!(!reached(&policy, &incoming, &listed("dnsbl_reached")), "it is switched off");
}

#[test]
fn signs_that_count_nothing_say_why() {
    let mut policy = Policy::default();
    policy.spam.external.dnsbl = false;
    let signs = || {
        vec![
            sign("attached", SignGroup::Attachment, 100),
            sign("delivery_report", SignGroup::Automatic, 600),
            sign("dnsbl_listed", SignGroup::Network, 100),
            sign("header_a", SignGroup::Header, 150),
            sign("null_sender", SignGroup::Automatic, 300),
            sign("words", SignGroup::Phrase, 50),
        ]
    };
    let said = |arrival: &Arrival, signs: Vec<Sign>| {
        let report = report_of(SpamSeen::Signs(signs));
        let points = verdict(&policy, arrival, &report).points;
        let counted = counted(&policy, arrival, &report);
        let sum: i32 = counted
            .iter()
            .filter(|(sign, counts)| *counts == Counts::Yes && sign.group != SignGroup::Automatic)
            .map(|(sign, _)| i32::from(sign.points))
            .sum();
        assert_eq!(sum, points, "what is said to count is what counts");
        counted.into_iter().map(|it| it.1).collect::<Vec<_>>()
    };
    let incoming = arrival(Direction::Incoming);
    let (yes, off) = (Counts::Yes, Counts::Off);
    assert_eq!(said(&incoming, signs()), [yes, yes, off, yes, yes, yes]);
    let nobody = Arrival { envelope: Envelope { mail_from: None, ..incoming.envelope.clone() }, ..incoming.clone() };
    assert_eq!(said(&nobody, signs()), [yes, yes, off, Counts::Notice, yes, yes]);
    let mut refuted = signs();
    refuted.insert(4, sign("not_ours", SignGroup::Automatic, -100));
    let against = Counts::Refuted;
    assert_eq!(said(&nobody, refuted), [yes, against, off, yes, yes, against, yes]);
    let mut outgoing = policy.clone();
    outgoing.spam.outgoing = true;
    let report = report_of(SpamSeen::Signs(signs()));
    let first = counted(&outgoing, &arrival(Direction::Outgoing), &report)[0].1;
    assert_eq!(first, Counts::Outgoing);
}

#[test]
fn fields_say_how_many_signs_they_have_no_room_for() {
    let (policy, incoming) = (Policy::default(), arrival(Direction::Incoming));
    let many = |count: usize| {
        let signs =
            (0..count).map(|at| sign(&format!("a_sign_of_spam_{at:02}"), SignGroup::ALL[at % 15], 90)).collect();
        let report = report_of(SpamSeen::Signs(signs));
        let fields = crate::spam::headers(&policy, &incoming, &report, &verdict(&policy, &incoming, &report));
        let value = |name: &str| fields.iter().find(|field| field.0 == name).expect("the field").1.clone();
        (value("X-Mailward-AntiSpam"), value("X-Spam-Status"))
    };
    let (ours, theirs) = many(30);
    assert_eq!((ours.matches("a_sign_of").count(), theirs.matches("a_sign_of").count()), (30, 30));
    let (ours, theirs) = many(80);
    for value in [ours, theirs] {
        let missing: usize = value.rsplit_once(",+").expect("how many are missing").1.parse().expect("a number");
        assert_eq!(value.matches("a_sign_of").count() + missing, 80, "{value}");
        assert!(value.len() <= 900, "{}", value.len());
    }
}
