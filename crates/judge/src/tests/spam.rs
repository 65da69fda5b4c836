//! Spam: statuses, levels, actions, and who is passed over.

use mail::evidence::{Sign, SignGroup, SpamSeen};

use super::*;
use crate::policy::{Sensitivity, SpamAction, WhenReached};
use crate::spam::{KNOTS, SpamStatus, SpamWhy, beyond, excluded, headers, holding, rating, scl, verdict};

pub(super) fn sign(id: &str, group: SignGroup, points: i16) -> Sign {
    Sign::new(id, group, points, "seen")
}

/// Signs with these points of spam, bulk and automatic mail.
pub(super) fn seen(spam: i16, bulk: i16, automatic: i16) -> SpamSeen {
    let (phrase, link) = (spam.min(400), (spam - 400).clamp(0, 300));
    let all = [
        ("a_phrase", SignGroup::Phrase, phrase),
        ("a_link", SignGroup::Link, link),
        ("a_list", SignGroup::Network, spam - phrase - link),
        ("list_id", SignGroup::Bulk, bulk),
        ("report", SignGroup::Automatic, automatic),
    ];
    SpamSeen::Signs(all.into_iter().filter(|sign| sign.2 != 0).map(|(id, group, n)| sign(id, group, n)).collect())
}

pub(super) fn report_of(spam: SpamSeen) -> Report {
    let evidence = Evidence { spam, ..evidence() };
    evidence.validate().expect("test evidence is sound");
    evidence.close(&[EngineId::Eicar])
}

fn plan_of(policy: &Policy, arrival: &Arrival, spam: SpamSeen) -> Plan {
    plan_from(policy, arrival, report_of(spam))
}

fn plan_from(policy: &Policy, arrival: &Arrival, report: Report) -> Plan {
    let site = site();
    let can = can(Surface::Smtp);
    let case = Case { report: &report, arrival, policy, site: &site, can, form: Form::AsReceived, crashes: 0 };
    plan(&case, &draft(&case), &[])
}

fn status_of(policy: &Policy, spam: SpamSeen) -> SpamStatus {
    verdict(policy, &arrival(Direction::Incoming), &report_of(spam)).status
}

#[test]
fn d10_the_rating_never_falls_and_its_knots_are_the_thresholds() {
    assert!((-100..2000).map(rating).is_sorted());
    for (points, expected) in KNOTS {
        assert_eq!(i32::from(rating(points)), expected);
    }
    assert_eq!((rating(-5), rating(499), rating(5000)), (0, 79, 100));
}

#[test]
fn se_01_levels_are_those_of_the_table() {
    let cases = [
        (Sensitivity::Maximum, 60, 75),
        (Sensitivity::High, 70, 80),
        (Sensitivity::Low, 80, 90),
        (Sensitivity::Minimum, 90, 100),
    ];
    for (level, probable, spam) in cases {
        let mut policy = Policy::default();
        policy.spam.sensitivity = level;
        for points in (0..1400).step_by(5) {
            let expected = match i32::from(rating(i32::from(points))) {
                rated if rated >= spam => SpamStatus::Spam,
                rated if rated >= probable => SpamStatus::ProbableSpam,
                _ => SpamStatus::Clean,
            };
            assert_eq!(status_of(&policy, seen(points, 0, 0)), expected, "{level:?} {points}");
        }
    }
    assert_eq!(Policy::default().spam.sensitivity, Sensitivity::Low);
}

#[test]
fn d10_one_peculiarity_counts_once_in_however_many_signs_it_shows() {
    let policy = Policy::default();
    let many = (0..20).map(|at| sign(&format!("header_{at:02}"), SignGroup::Header, 90)).collect::<Vec<_>>();
    let verdict = verdict(&policy, &arrival(Direction::Incoming), &report_of(SpamSeen::Signs(many.clone())));
    assert_eq!((verdict.points, verdict.status), (SignGroup::Header.most(), SpamStatus::Clean));
    let report = report_of(SpamSeen::Signs(many));
    assert_eq!(beyond(&policy, &arrival(Direction::Incoming), &report), [(SignGroup::Header, 1800)]);
    for group in SignGroup::ALL.into_iter().filter(|group| *group != SignGroup::Network) {
        let alone = report_of(SpamSeen::Signs(vec![sign("a", group, 1000), sign("b", group, 1000)]));
        let status = crate::spam::verdict(&policy, &arrival(Direction::Incoming), &alone).status;
        assert!(status < SpamStatus::ProbableSpam, "{group:?} alone makes {status:?}");
    }
}

#[test]
fn se_03_mass_mail_and_notices_are_decided_apart_from_weight() {
    let policy = Policy::default();
    let cases = [
        (seen(0, 500, 0), SpamStatus::MassMail),
        (seen(0, 499, 0), SpamStatus::Clean),
        (seen(600, 500, 0), SpamStatus::ProbableSpam),
        (seen(0, 0, 500), SpamStatus::FormalNotification),
        (seen(0, 600, 600), SpamStatus::FormalNotification),
        (seen(600, 0, 600), SpamStatus::ProbableSpam),
        // What says of itself that it is one is not one for that.
        (seen(900, 0, 1000), SpamStatus::Spam),
    ];
    for (signs, expected) in cases {
        assert_eq!(status_of(&policy, signs.clone()), expected, "{signs:?}");
    }
}

#[test]
fn se_03_of_a_delivery_report_only_what_is_shown_counts_and_only_without_a_sender() {
    let report = |group: SignGroup, more: &[&str]| {
        let mut signs = vec![sign("delivery_report", SignGroup::Automatic, 600), sign("a", group, 900)];
        signs.extend(more.iter().map(|id| sign(id, SignGroup::Automatic, 250)));
        signs.extend([sign("b", SignGroup::Sender, 900), sign("c", SignGroup::Program, 900)]);
        signs.push(sign("d", SignGroup::Route, 900));
        SpamSeen::Signs(signs)
    };
    let mut policy = Policy::default();
    policy.spam.external.dnsbl = true;
    let mut bounce = arrival(Direction::Incoming);
    bounce.envelope.mail_from = None;
    let of = |arrival: &Arrival, spam| verdict(&policy, arrival, &report_of(spam)).status;
    assert_eq!(of(&bounce, report(SignGroup::Header, &["null_sender"])), SpamStatus::FormalNotification);
    assert_eq!(of(&bounce, report(SignGroup::Header, &["from_mail_server"])), SpamStatus::Spam);
    let sent = arrival(Direction::Incoming);
    assert!(sent.envelope.mail_from.is_some());
    assert_eq!(of(&sent, report(SignGroup::Header, &["null_sender"])), SpamStatus::Spam, "by Return-Path alone");
    assert_eq!(of(&bounce, report(SignGroup::Network, &["null_sender"])), SpamStatus::Spam);
    let listed = SpamSeen::Signs(vec![
        sign("delivery_report", SignGroup::Automatic, 600),
        sign("null_sender", SignGroup::Automatic, 250),
        sign("dnsbl_reached", SignGroup::Network, 1000),
    ]);
    assert_eq!(of(&bounce, listed), SpamStatus::Spam, "D-1");
}

#[test]
fn se_03_fields_that_anybody_writes_excuse_nothing_that_a_reader_sees() {
    let policy = Policy::default();
    let mut reply = arrival(Direction::Incoming);
    reply.envelope.mail_from = None;
    let of = |groups: &[SignGroup]| {
        let mut signs = vec![
            sign("automatic_reply", SignGroup::Automatic, 500),
            sign("automatic_reply_of_old", SignGroup::Automatic, 300),
            sign("null_sender", SignGroup::Automatic, 250),
        ];
        signs.extend(groups.iter().map(|group| sign(group.name(), *group, 300)));
        verdict(&policy, &reply, &report_of(SpamSeen::Signs(signs))).status
    };
    use SignGroup::{Composite, Header, Html, Identity, Link, Phrase, Program, Route, Sender, Structure, Subject};
    assert_eq!(of(&[Header, Route, Identity, Program, Structure]), SpamStatus::FormalNotification);
    for seen in [[Subject, Phrase, Composite], [Sender, Subject, Link], [Html, Phrase, Link]] {
        assert_eq!(of(&seen), SpamStatus::Spam, "{seen:?}");
    }
}

#[test]
fn as_11_to_as_17_have_the_defaults_of_their_rows() {
    let policy = Policy::default();
    let cases = [
        (seen(900, 0, 0), "[!! Spam]", "9"),
        (seen(600, 0, 0), "[!! Probable Spam]", "8"),
        (seen(0, 600, 0), "[!! Mass Mail]", "5"),
    ];
    for (signs, expected, level) in cases {
        let plan = plan_of(&policy, &arrival(Direction::Incoming), signs);
        assert_eq!((plan.fate.clone(), plan.action, plan.copy), (Fate::Deliver, Action::Labelled, Copy::No));
        assert_eq!(label(&plan), Some(expected));
        assert_eq!(header(&plan, "X-MS-Exchange-Organization-SCL"), Some(level));
    }
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(0, 0, 600));
    assert_eq!((label(&plan), plan.action), (None, Action::Delivered), "a notice has no label by default");
    assert_eq!(header(&plan, "X-MS-Exchange-Organization-SCL"), None);
    assert_eq!(policy.spam.blacklisted.label, "[!! Blacklisted]");
    assert_eq!(policy.spam.formal.label, "[!! Formal]");
}

#[test]
fn as_12_as_13_as_15_reject_delete_and_copy() {
    let mut policy = Policy::default();
    policy.spam.spam.action = SpamAction::Reject;
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert!(matches!(&plan.fate, Fate::Refuse(reply) if reply.code == 550 && reply.text.starts_with("5.7.1")));
    assert_eq!(plan.copy, Copy::No, "what is refused for spam is not kept unless its row says so");
    policy.spam.spam.action = SpamAction::Delete;
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert_eq!((plan.fate.clone(), plan.copy), (Fate::Discard, Copy::Waived));
    policy.spam.spam.keep_copy = true;
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert_eq!((plan.fate.clone(), plan.copy), (Fate::Discard, Copy::Keep));
    policy.spam.spam.action = SpamAction::Allow;
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert_eq!((plan.fate.clone(), plan.copy), (Fate::Deliver, Copy::Keep));
}

#[test]
fn as_15_spam_does_not_waive_the_copy_that_malware_needs() {
    let mut policy = Policy::default();
    policy.malware.action = MalwareAction::DeleteMessage;
    policy.spam.spam.action = SpamAction::Delete;
    let spam = seen(900, 0, 0);
    let findings = vec![malware(TEXT, Certainty::Certain)];
    let report = Evidence { spam, findings, ..evidence() }.close(&[EngineId::Eicar]);
    assert_eq!(plan_from(&policy, &arrival(Direction::Incoming), report).copy, Copy::Keep);
}

#[test]
fn as_01_as_03_tc_01_pm_01_lm_03_who_is_passed_over() {
    let policy = Policy::default();
    let base = arrival(Direction::Incoming);
    assert_eq!(excluded(&policy, &base), None);
    let mut off = policy.clone();
    off.spam.enabled = false;
    assert_eq!(excluded(&off, &base), Some(SpamWhy::Disabled));
    assert_eq!(excluded(&policy, &arrival(Direction::Internal)), Some(SpamWhy::Internal));
    let mut trusted = base.clone();
    trusted.peer.authenticated = true;
    assert_eq!(excluded(&policy, &trusted), Some(SpamWhy::Trusted));
    let mut all = policy.clone();
    all.spam.trusted_connections = true;
    assert_eq!(excluded(&all, &trusted), None);
    let mut post = base.clone();
    post.envelope.rcpt_to = vec![Address::parse("Postmaster@example.org").unwrap()];
    assert_eq!(excluded(&policy, &post), Some(SpamWhy::Postmaster));
    // D-21: never for the whole message because one recipient matches.
    post.envelope.rcpt_to.push(Address::parse("user@example.org").unwrap());
    assert_eq!(excluded(&policy, &post), None);
    let mut large = base.clone();
    large.size = 1536 * 1024;
    assert_eq!(excluded(&policy, &large), None);
    large.size += 1;
    assert_eq!(excluded(&policy, &large), Some(SpamWhy::Size));
    let plan = plan_of(&policy, &large, seen(900, 0, 0));
    assert_eq!((plan.fate.clone(), plan.spam.unwrap().status), (Fate::Deliver, SpamStatus::NotScanned));
}

#[test]
fn lm_01_what_ran_out_of_time_is_delivered_and_not_called_clean() {
    for spam in [SpamSeen::OutOfTime, SpamSeen::Crashed, SpamSeen::NotAsked] {
        let plan = plan_of(&Policy::default(), &arrival(Direction::Incoming), spam);
        assert_eq!((plan.fate.clone(), plan.spam.unwrap().status), (Fate::Deliver, SpamStatus::NotScanned));
    }
}

#[test]
fn out_01_to_out_07_outgoing_spam_is_deleted_and_always_kept() {
    let mut policy = Policy::default();
    let outgoing = arrival(Direction::Outgoing);
    assert_eq!(excluded(&policy, &outgoing), Some(SpamWhy::Disabled), "off by default");
    policy.spam.outgoing = true;
    let plan = plan_of(&policy, &outgoing, seen(900, 0, 0));
    assert_eq!((plan.fate.clone(), plan.copy), (Fate::Discard, Copy::Keep));
    for (signs, why) in [(seen(600, 0, 0), "probable"), (seen(0, 600, 0), "mass"), (seen(0, 0, 600), "formal")] {
        let plan = plan_of(&policy, &outgoing, signs);
        assert_eq!((plan.fate.clone(), label(&plan)), (Fate::Deliver, None), "{why} is ignored (OUT-07)");
    }
    // OUT-06: attachments do not count.
    let attached = SpamSeen::Signs(vec![sign("runs_when_opened", SignGroup::Attachment, 900)]);
    assert_eq!(plan_of(&policy, &outgoing, attached).fate, Fate::Deliver);
}

#[test]
fn d3_outgoing_spam_with_malware_is_refused_and_kept() {
    let mut policy = Policy::default();
    policy.spam.outgoing = true;
    let findings = vec![malware(SETUP, Certainty::Certain)];
    let evidence = Evidence { spam: seen(900, 0, 0), findings, ..evidence() };
    let plan = plan_from(&policy, &arrival(Direction::Outgoing), evidence.close(&[EngineId::Eicar]));
    assert!(matches!(plan.fate, Fate::Refuse(_)), "{:?}: who sent it would not hear of it", plan.fate);
    assert_eq!((plan.action, plan.copy), (Action::Blocked, Copy::Keep), "OUT-02");
    let done = |rule: Rule| plan.reasons.iter().find(|reason| reason.rule == rule).unwrap().done;
    assert_eq!(done(Rule::OutgoingSpam), "nothing by this rule");
    assert_eq!(done(Rule::MalwareOutgoing), "the message is refused");
}

#[test]
fn out_09_d13_outgoing_mail_that_was_examined_bears_our_own_field() {
    let mut policy = Policy::default();
    let outgoing = arrival(Direction::Outgoing);
    assert_eq!(header(&plan_of(&policy, &outgoing, seen(600, 0, 0)), "X-Mailward-AntiSpam"), None, "not examined");
    policy.spam.outgoing = true;
    policy.spam.always_headers = true;
    assert_eq!(header(&plan_of(&policy, &outgoing, seen(0, 0, 0)), "X-Mailward-AntiSpam"), None, "not wanted (SC-09)");
    policy.headers.on_outgoing = true;
    let plan = plan_of(&policy, &outgoing, seen(0, 0, 0));
    let value = header(&plan, "X-Mailward-AntiSpam").expect("it is told");
    assert!(value.starts_with("clean; rating="), "{value}");
}

#[test]
fn hr_01_to_hr_10_count_as_the_policy_says() {
    let mut policy = Policy::default();
    let ids = |on: &Policy| -> Vec<String> {
        ["hr_01_to_without_address", "hr_02_digits_in_sender", "hr_03_sender_without_domain", "hr_04_long_subject"]
            .into_iter()
            .chain(["hr_05_blanks_in_subject", "hr_06_stamp_in_subject", "hr_07_chinese", "hr_08_korean"])
            .chain(["hr_09_thai", "hr_10_japanese"])
            .filter(|id| on.spam.signs.counts(id))
            .map(|id| id[..5].to_owned())
            .collect()
    };
    assert_eq!(ids(&policy), ["hr_01", "hr_02", "hr_03", "hr_04", "hr_05", "hr_06"]);
    policy.spam.signs.chinese = true;
    policy.spam.signs.long_subject = false;
    policy.spam.signs.off = vec!["hr_01_to_without_address".to_owned()];
    assert_eq!(ids(&policy), ["hr_02", "hr_03", "hr_05", "hr_06", "hr_07"]);
    let chinese = SpamSeen::Signs(vec![
        sign("hr_07_chinese", SignGroup::Language, 200),
        sign("a_phrase", SignGroup::Phrase, 400),
    ]);
    assert_eq!(status_of(&policy, chinese.clone()), SpamStatus::ProbableSpam);
    assert_eq!(status_of(&Policy::default(), chinese), SpamStatus::Clean);
}

#[test]
fn d1_lists_that_reach_their_limit_act_by_themselves() {
    let mut policy = Policy::default();
    let listed = SpamSeen::Signs(vec![
        sign("dnsbl_listed", SignGroup::Network, 0),
        sign("dnsbl_reached", SignGroup::Network, 1000),
    ]);
    let rated = |policy: &Policy, seen: &SpamSeen| {
        let verdict = verdict(policy, &arrival(Direction::Incoming), &report_of(seen.clone()));
        (verdict.status, verdict.rating)
    };
    assert_eq!(rated(&policy, &listed), (SpamStatus::Clean, 0), "the set is off (EX-02)");
    policy.spam.external.dnsbl = true;
    assert_eq!(rated(&policy, &listed), (SpamStatus::Spam, 100));
    policy.spam.sensitivity = Sensitivity::Minimum;
    assert_eq!(rated(&policy, &listed), (SpamStatus::Spam, 100));
    policy.spam.external.when_reached = WhenReached::Blacklisted;
    assert_eq!(rated(&policy, &listed).0, SpamStatus::AddressBlacklisted);
    let below = SpamSeen::Signs(vec![sign("dnsbl_listed", SignGroup::Network, 0)]);
    assert_eq!(rated(&policy, &below), (SpamStatus::Clean, 0), "EX-07: below the limit nothing is raised");
    policy.spam.external.enabled = false;
    assert_eq!(rated(&policy, &listed), (SpamStatus::Clean, 0), "EX-01");
}

#[test]
fn ex_10_dynamic_addresses_count_where_that_is_wanted() {
    let mut policy = Policy::default();
    let seen = || SpamSeen::Signs(vec![sign("dynamic_client", SignGroup::Network, 600)]);
    assert_eq!(status_of(&policy, seen()), SpamStatus::Clean);
    policy.spam.external.dynamic_addresses = true;
    assert_eq!(status_of(&policy, seen()), SpamStatus::ProbableSpam);
    policy.spam.external.enabled = false;
    assert_eq!(status_of(&policy, seen()), SpamStatus::Clean, "EX-01");
}

#[test]
fn ex_08_a_missing_or_foreign_name_counts_where_that_is_wanted() {
    for id in ["reverse_missing", "reverse_elsewhere"] {
        let mut policy = Policy::default();
        let seen = || SpamSeen::Signs(vec![sign(id, SignGroup::Network, 600)]);
        assert_eq!(status_of(&policy, seen()), SpamStatus::ProbableSpam, "on by default");
        policy.authentication.enabled = false;
        assert_eq!(status_of(&policy, seen()), SpamStatus::ProbableSpam, "EX-09 is another switch");
        policy.spam.external.reverse_dns = false;
        assert_eq!(status_of(&policy, seen()), SpamStatus::Clean);
        policy.spam.external.dynamic_addresses = true;
        assert_eq!(status_of(&policy, seen()), SpamStatus::Clean, "EX-10 counts other names");
        policy.spam.external.reverse_dns = true;
        policy.spam.external.enabled = false;
        assert_eq!(status_of(&policy, seen()), SpamStatus::Clean, "EX-01");
    }
}

#[test]
fn sc_01_d8_levels_by_status() {
    let mut policy = Policy::default();
    policy.spam.scl_others = true;
    policy.spam.formal.scl = true;
    let incoming = arrival(Direction::Incoming);
    let level = |arrival: &Arrival, spam| scl(&policy, &verdict(&policy, arrival, &report_of(spam)));
    assert_eq!(level(&incoming, seen(900, 0, 0)), Some(9));
    assert_eq!(level(&incoming, seen(600, 0, 0)), Some(8));
    assert_eq!(level(&incoming, seen(0, 600, 0)), Some(5));
    assert_eq!(level(&incoming, seen(0, 0, 600)), Some(0));
    assert_eq!(level(&incoming, seen(0, 0, 0)), Some(0));
    let mut trusted = incoming.clone();
    trusted.peer.trusted = true;
    assert_eq!(level(&trusted, seen(900, 0, 0)), Some(-1));
}

#[test]
fn d13_headers_tell_status_rating_and_signs() {
    let (policy, incoming) = (Policy::default(), arrival(Direction::Incoming));
    let fields = |spam: SpamSeen| {
        let report = report_of(spam);
        headers(&policy, &incoming, &report, &verdict(&policy, &incoming, &report))
    };
    let found = fields(seen(900, 0, 0));
    let value = |name: &str| found.iter().find(|field| field.0 == name).map(|field| field.1.as_str());
    assert_eq!(
        value("X-Mailward-AntiSpam"),
        Some("spam; rating=94; method=signs; signs=a_phrase=4.00,a_link=3.00,a_list=2.00")
    );
    assert_eq!(value("X-Spam-Flag"), Some("YES"));
    assert_eq!(value("X-Spam-Score"), Some("9.00"));
    assert_eq!(value("X-Spam-Status"), Some("Yes, score=9.00 required=5.00 tests=a_phrase,a_link,a_list"));
    for (level, points, expected) in [
        (Sensitivity::Maximum, 380, "Yes, score=3.80 required=3.75"),
        (Sensitivity::High, 440, "Yes, score=4.40 required=4.38"),
        (Sensitivity::Low, 500, "Yes, score=5.00 required=5.00"),
        (Sensitivity::Minimum, 700, "Yes, score=7.00 required=7.00"),
    ] {
        let mut policy = Policy::default();
        policy.spam.sensitivity = level;
        let report = report_of(seen(points, 0, 0));
        let found = headers(&policy, &incoming, &report, &verdict(&policy, &incoming, &report));
        let status = &found.iter().find(|field| field.0 == "X-Spam-Status").expect("the field").1;
        assert!(status.starts_with(expected), "{status}");
    }
    assert!(fields(seen(0, 0, 0)).is_empty(), "clean mail gets none");
    let bulk: Vec<&str> = fields(seen(0, 600, 0)).into_iter().map(|field| field.0).collect();
    assert_eq!(bulk, ["X-Mailward-AntiSpam", "X-MS-Exchange-Organization-SCL"]);
}

#[test]
fn d26_a_monitored_rule_changes_nothing() {
    let mut policy = Policy::default();
    policy.spam.spam.action = SpamAction::Delete;
    policy.monitor.rules = vec![Rule::Spam];
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert_eq!((plan.fate.clone(), plan.would), (Fate::Deliver, Some(Action::MessageDeleted)));
    assert_eq!((label(&plan), header(&plan, "X-Spam-Flag")), (None, None));
}

#[test]
fn decisive_signs_are_those_that_the_status_hangs_on() {
    let policy = Policy::default();
    let signs = vec![
        sign("large", SignGroup::Phrase, 400),
        sign("middle", SignGroup::Link, 150),
        sign("small", SignGroup::Link, 10),
    ];
    let report = report_of(SpamSeen::Signs(signs));
    assert_eq!(holding(&policy, &arrival(Direction::Incoming), &report).alone, ["large", "middle"]);
}

#[test]
fn d7_the_recommended_profile_refuses_spam_and_keeps_it() {
    let policy = Policy::of(Profile::Recommended);
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert!(matches!(plan.fate, Fate::Refuse(_)));
    assert_eq!(plan.copy, Copy::Keep);
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(600, 0, 0));
    assert_eq!((plan.fate.clone(), label(&plan)), (Fate::Deliver, Some("[!! Probable Spam]")));
}

#[test]
fn d13_without_details_the_fields_that_programs_work_by_stay() {
    let mut policy = Policy::default();
    policy.headers.details = false;
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert_eq!(header(&plan, "X-Mailward-AntiSpam"), None);
    assert_eq!(header(&plan, "X-MS-Exchange-Organization-SCL"), Some("9"));
    assert_eq!(header(&plan, "X-Spam-Flag"), Some("YES"));
    policy.spam.spam.scl = false;
    let plan = plan_of(&policy, &arrival(Direction::Incoming), seen(900, 0, 0));
    assert_eq!(header(&plan, "X-MS-Exchange-Organization-SCL"), None);
}
