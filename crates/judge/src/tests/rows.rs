//! Spam, row by row of the specification, where no other test is named after the row.

use mail::evidence::{Listed, ListedBy, Sign, SignGroup, SpamSeen, Standing};

use super::*;
use crate::policy::{RecipientMask, Rule, Sensitivity, SpamAction};
use crate::spam::{SpamStatus, SpamWhy, deciding, excluded, headers, scl, verdict};
use crate::units::{Bytes, Time};

/// A message with so many points of spam, bulk and automatic mail.
fn seen(spam: i16, bulk: i16, automatic: i16) -> Report {
    let all = [
        ("a_list", SignGroup::Network, spam),
        ("list_id", SignGroup::Bulk, bulk),
        ("report", SignGroup::Automatic, automatic),
    ];
    let signs = all.into_iter().filter(|sign| sign.2 != 0).map(|(id, group, n)| Sign::new(id, group, n, "seen"));
    of(SpamSeen::Signs(signs.collect()))
}

fn of(spam: SpamSeen) -> Report {
    Evidence { spam, ..evidence() }.close(&[EngineId::Eicar])
}

fn listed(list: &str, mass_only: bool) -> Standing {
    let listed = Listed {
        list: list.to_owned(),
        mass_only,
        id: "00000000-0000-4000-8000-000000000001".to_owned(),
        entry: "*@example.com".to_owned(),
        owner: None,
        by: ListedBy::MailFrom,
        seen: Untrusted::new("sender@example.com".to_owned()),
    };
    Standing { listed: Some(listed), ..Standing::default() }
}

fn planned(policy: &Policy, arrival: &Arrival, report: &Report) -> Plan {
    let (site, can) = (site(), can(Surface::Smtp));
    let case = Case { report, arrival, policy, site: &site, can, form: Form::AsReceived, crashes: 0 };
    plan(&case, &draft(&case), &[])
}

fn status(report: &Report) -> (SpamStatus, Option<SpamWhy>) {
    let found = verdict(&Policy::default(), &arrival(Direction::Incoming), report);
    (found.status, found.why)
}

#[test]
fn as_02_mail_from_outside_is_examined_and_outgoing_mail_where_that_is_wanted() {
    let mut policy = Policy::default();
    assert_eq!(excluded(&policy, &arrival(Direction::Incoming)), None);
    assert_eq!(excluded(&policy, &arrival(Direction::Outgoing)), Some(SpamWhy::Disabled));
    policy.spam.outgoing = true;
    assert_eq!(excluded(&policy, &arrival(Direction::Outgoing)), None);
}

#[test]
fn as_05_as_06_as_07_as_08_as_09_as_10_every_outcome_has_its_status() {
    for (report, expected, why) in [
        (seen(700, 0, 0), SpamStatus::Spam, None),
        (seen(500, 0, 0), SpamStatus::ProbableSpam, None),
        (seen(0, 0, 500), SpamStatus::FormalNotification, None),
        (seen(0, 0, 0).with_standing(listed("deny", false)), SpamStatus::AddressBlacklisted, None),
        (seen(0, 500, 0), SpamStatus::MassMail, None),
        (seen(0, 0, 0), SpamStatus::Clean, None),
        (seen(900, 0, 0).with_standing(listed("allow", false)), SpamStatus::Skipped, Some(SpamWhy::Allowlisted)),
        (of(SpamSeen::OutOfTime), SpamStatus::NotScanned, Some(SpamWhy::Time)),
        (of(SpamSeen::Crashed), SpamStatus::NotScanned, Some(SpamWhy::Failed)),
    ] {
        assert_eq!(status(&report), (expected, why));
    }
}

#[test]
fn as_14_as_16_labels_and_levels_can_be_switched_off_and_edited() {
    let mut policy = Policy::default();
    policy.spam.spam.label = "[junk]".to_owned();
    let incoming = arrival(Direction::Incoming);
    assert_eq!(label(&planned(&policy, &incoming, &seen(900, 0, 0))), Some("[junk]"));
    (policy.spam.spam.add_label, policy.spam.spam.scl) = (false, false);
    let plan = planned(&policy, &incoming, &seen(900, 0, 0));
    assert_eq!((label(&plan), header(&plan, "X-MS-Exchange-Organization-SCL")), (None, None));
    assert_eq!(plan.action, Action::Delivered);
}

#[test]
fn as_18_se_01_nothing_of_the_table_is_done_while_the_examination_is_off() {
    let mut policy = Policy::default();
    policy.spam.enabled = false;
    policy.spam.spam.action = SpamAction::Reject;
    policy.spam.blacklisted.action = SpamAction::Reject;
    policy.spam.sensitivity = Sensitivity::Maximum;
    for report in [seen(900, 0, 0), seen(0, 0, 0).with_standing(listed("deny", false))] {
        let plan = planned(&policy, &arrival(Direction::Incoming), &report);
        assert_eq!((plan.fate.clone(), label(&plan)), (Fate::Deliver, None));
    }
}

#[test]
fn as_20_an_examination_that_failed_is_told_and_delivered() {
    let mut policy = Policy::default();
    policy.spam.always_headers = true;
    let plan = planned(&policy, &arrival(Direction::Incoming), &of(SpamSeen::Crashed));
    assert_eq!(plan.fate, Fate::Deliver);
    let said = header(&plan, "X-Mailward-AntiSpam").expect("it is told");
    assert!(said.starts_with("not_scanned (failed)"), "{said}");
}

#[test]
fn se_02_a_rating_of_59_is_clean_at_every_level() {
    for level in [Sensitivity::Maximum, Sensitivity::High, Sensitivity::Low, Sensitivity::Minimum] {
        let mut policy = Policy::default();
        policy.spam.sensitivity = level;
        let report = (300..500).map(|points| seen(points, 0, 0));
        let rated = report.map(|report| verdict(&policy, &arrival(Direction::Incoming), &report));
        let at_59: Vec<_> = rated.filter(|verdict| verdict.rating == 59).collect();
        assert!(!at_59.is_empty() && at_59.iter().all(|verdict| verdict.status == SpamStatus::Clean), "{level:?}");
    }
}

#[test]
fn se_03_bl_01_the_denylist_is_decided_apart_from_the_rating() {
    for points in [0, 300, 900] {
        let report = seen(points, 600, 0).with_standing(listed("deny", false));
        let found = verdict(&Policy::default(), &arrival(Direction::Incoming), &report);
        assert_eq!(found.status, SpamStatus::AddressBlacklisted);
        assert_eq!(found.points, i32::from(points), "the signs are told all the same");
    }
    let mut policy = Policy::default();
    policy.spam.blacklisted.action = SpamAction::Delete;
    policy.spam.blacklisted.keep_copy = true;
    let report = seen(0, 0, 0).with_standing(listed("deny", false));
    let plan = planned(&policy, &arrival(Direction::Incoming), &report);
    assert_eq!((plan.fate, plan.copy, plan.action), (Fate::Discard, Copy::Keep, Action::MessageDeleted));
    assert_eq!(plan.reasons[0].rule, Rule::AddressBlacklisted);
}

#[test]
fn wl_06_bulk_only_spares_bulk_mail_and_nothing_else() {
    let spared = |report: Report| status(&report.with_standing(listed("allow", true))).0;
    assert_eq!(spared(seen(0, 600, 0)), SpamStatus::Clean);
    assert_eq!(spared(seen(900, 600, 0)), SpamStatus::Spam);
    assert_eq!(spared(seen(0, 0, 600)), SpamStatus::FormalNotification);
}

#[test]
fn sc_02_sc_03_d8_the_levels_of_lists() {
    let mut policy = Policy::default();
    let incoming = arrival(Direction::Incoming);
    let level = |policy: &Policy, list: &str| {
        let report = seen(0, 0, 0).with_standing(listed(list, false));
        scl(policy, &verdict(policy, &incoming, &report))
    };
    assert_eq!((level(&policy, "deny"), level(&policy, "allow")), (Some(9), None));
    policy.spam.scl_others = true;
    policy.spam.blacklisted.scl = false;
    assert_eq!((level(&policy, "deny"), level(&policy, "allow")), (None, Some(-1)));
}

#[test]
fn sc_05_sc_06_sc_07_the_header_tells_which_entry_decided() {
    let mut policy = Policy::default();
    policy.spam.always_headers = true;
    let incoming = arrival(Direction::Incoming);
    let said = |policy: &Policy, report: Report| {
        let found = verdict(policy, &incoming, &report);
        let fields = headers(policy, &incoming, &report, &found);
        let told = deciding(policy, &report, &found).is_some();
        let field = fields.into_iter().find(|field| field.0 == "X-Mailward-AntiSpam");
        (field.map(|field| field.1).unwrap_or_default(), told)
    };
    let entry = "entry=00000000-0000-4000-8000-000000000001; signs=";
    let (denied, told) = said(&policy, seen(0, 0, 0).with_standing(listed("deny", false)));
    assert_eq!((denied, told), (format!("address_blacklisted; rating=0; method=list; list=deny; {entry}"), true));
    let (allowed, told) = said(&policy, seen(0, 0, 0).with_standing(listed("allow", false)));
    assert_eq!((allowed, told), (format!("skipped (allowlisted); rating=0; method=list; list=allow; {entry}"), true));
    let (usual, told) = said(&policy, seen(0, 0, 0).with_standing(listed("allow", true)));
    assert_eq!((usual.as_str(), told), ("clean; rating=0; method=signs; signs=", false), "it changed nothing");
    policy.spam.lists.enabled = false;
    assert_eq!(said(&policy, seen(0, 0, 0).with_standing(listed("deny", false))).0, usual);
}

#[test]
fn sc_09_nothing_of_ours_is_on_mail_that_leaves_unless_that_is_wanted() {
    let mut policy = Policy::default();
    (policy.spam.outgoing, policy.spam.always_headers, policy.spam.scl_others) = (true, true, true);
    let ours = |policy: &Policy| -> Vec<String> {
        let plan = planned(policy, &arrival(Direction::Outgoing), &seen(0, 600, 0));
        let name = |change: &Change| match change {
            Change::Prepend { name, .. } => Some((*name).to_owned()),
            _ => None,
        };
        plan.changes.iter().filter_map(name).collect()
    };
    assert_eq!(ours(&policy), Vec::<String>::new());
    policy.headers.on_outgoing = true;
    assert!(ours(&policy).contains(&"X-Mailward-Status".to_owned()));
}

#[test]
fn sc_10_sc_11_what_strangers_wrote_goes_before_ours_is_added() {
    let policy = Policy::default();
    let changes = |arrival: &Arrival| planned(&policy, arrival, &seen(900, 0, 0)).changes;
    let stranger = changes(&arrival(Direction::Incoming));
    assert_eq!(stranger.first(), Some(&Change::StripForged));
    assert!(stranger.iter().skip(1).any(|change| matches!(change, Change::Prepend { name: "X-Spam-Flag", .. })));
    let mut trusted = arrival(Direction::Incoming);
    trusted.peer.trusted = true;
    assert!(!changes(&trusted).contains(&Change::StripForged));
}

#[test]
fn out_02_out_05_out_07_lists_and_outgoing_mail() {
    let mut policy = Policy::default();
    policy.spam.outgoing = true;
    let outgoing = arrival(Direction::Outgoing);
    let fate = |report: &Report| planned(&policy, &outgoing, report).fate;
    assert_eq!(fate(&seen(900, 0, 0)), Fate::Discard);
    assert_eq!(fate(&seen(900, 0, 0).with_standing(listed("allow", false))), Fate::Deliver);
    let internal = Standing { internal: true, ..Standing::default() };
    let report = seen(900, 0, 0).with_standing(internal);
    assert_eq!(fate(&report), Fate::Deliver);
    assert_eq!(verdict(&policy, &outgoing, &report).why, Some(SpamWhy::Internal));
}

#[test]
fn lm_01_lm_03_lm_04_lm_05_tc_01_pm_01_defaults_are_those_of_the_rows() {
    let spam = Policy::default().spam;
    assert_eq!((spam.max_time, spam.max_size), (Time(60_000), Bytes(1536 * 1024)));
    assert_eq!((spam.scan_doc, spam.scan_rtf), (false, false));
    assert_eq!((spam.scan_pdf, spam.scan_text), (false, false), "like them");
    assert_eq!((spam.trusted_connections, spam.skip_postmaster, spam.outgoing), (false, true, false));
}

#[test]
fn lm_02_what_ran_out_of_time_is_not_scanned_for_its_reason() {
    let report = of(SpamSeen::OutOfTime);
    assert_eq!(status(&report), (SpamStatus::NotScanned, Some(SpamWhy::Time)));
    assert_eq!(planned(&Policy::default(), &arrival(Direction::Incoming), &report).fate, Fate::Deliver);
}

#[test]
fn tc_02_a_session_that_has_logged_in_and_a_network_of_ours_are_trusted() {
    let policy = Policy::default();
    let mut logged_in = arrival(Direction::Incoming);
    logged_in.peer.authenticated = true;
    let mut of_ours = arrival(Direction::Incoming);
    of_ours.peer.trusted = true;
    for trusted in [logged_in, of_ours] {
        assert_eq!(excluded(&policy, &trusted), Some(SpamWhy::Trusted));
        let report = seen(900, 0, 0).with_standing(listed("deny", false));
        assert_eq!(verdict(&policy, &trusted, &report).status, SpamStatus::Skipped, "the denylist too");
    }
}

#[test]
fn sc_04_d8_a_pcl_is_written_by_nobody_but_a_phishing_status_and_strangers_are_not_believed() {
    let mut policy = Policy::default();
    (policy.spam.always_headers, policy.spam.scl_others, policy.spam.formal.scl) = (true, true, true);
    let listed = [listed("deny", false), listed("allow", false)].map(|standing| seen(0, 0, 0).with_standing(standing));
    for report in [seen(900, 0, 0), seen(500, 0, 0), seen(0, 600, 0), seen(0, 0, 600)].into_iter().chain(listed) {
        let plan = planned(&policy, &arrival(Direction::Incoming), &report);
        assert!(header(&plan, "X-MS-Exchange-Organization-SCL").is_some());
        assert_eq!(header(&plan, "X-MS-Exchange-Organization-PCL"), None, "8 is the level of phishing alone");
        assert_eq!(plan.changes.first(), Some(&Change::StripForged), "that of a stranger goes (service::render)");
    }
}

#[test]
fn sc_08_the_field_of_a_part_tells_what_is_infected_encrypted_or_failed_where_that_is_wanted() {
    let findings = || {
        let mut failed = unscanned(TEXT, UnscannedReason::EngineFailed);
        failed.engine = EngineId::Clamd;
        let other = unscanned(NOTES, UnscannedReason::Damaged);
        vec![malware(SETUP, Certainty::Certain), unscanned(README, UnscannedReason::Encrypted), failed, other]
    };
    let mut policy = with_action(MalwareAction::Allow);
    policy.unscannable.engine_failed = EngineFailure::Label;
    let fields = |policy: &Policy, direction: Direction| -> Vec<(u32, String)> {
        let plan = decide_for(policy, &arrival(direction), can(Surface::Smtp), findings(), &[]);
        let part = |change: &Change| match change {
            Change::PartStatus { object, value } => Some((object.0, value.clone())),
            _ => None,
        };
        plan.changes.iter().filter_map(part).collect()
    };
    assert_eq!(fields(&policy, Direction::Incoming), [], "off by default");
    policy.headers.parts = true;
    let told = fields(&policy, Direction::Incoming);
    let expected = [(TEXT, "error (1)"), (ZIP, "encrypted (2 > invoice.zip > readme.txt), infected; Test.Virus (")];
    assert_eq!(told.len(), expected.len(), "what is damaged is none of the three: {told:?}");
    for ((part, text), (wanted, start)) in told.iter().zip(expected) {
        assert!(*part == wanted && text.starts_with(start), "{told:?}");
    }
    policy.monitor.enabled = true;
    assert_eq!(fields(&policy, Direction::Incoming), []);
    policy.monitor.enabled = false;
    policy.unscannable.encrypted = UnscannedAction::Allow;
    policy.malware.enabled = false;
    assert_eq!(fields(&policy, Direction::Incoming), [], "nothing was examined");
}

#[test]
fn out_04_only_mail_to_addresses_elsewhere_is_outgoing() {
    let mut policy = Policy::default();
    policy.spam.outgoing = true;
    let report = seen(900, 0, 0);
    let inside = arrival(Direction::Internal);
    assert_eq!(excluded(&policy, &inside), Some(SpamWhy::Internal));
    assert_eq!(planned(&policy, &inside, &report).fate, Fate::Deliver);
    let outgoing = arrival(Direction::Outgoing);
    assert_eq!(planned(&policy, &outgoing, &report).fate, Fate::Discard);
    // Of a message that goes to both, those inside are a part of their own (D-21).
    let internal = Standing { internal: true, ..Standing::default() };
    assert_eq!(planned(&policy, &outgoing, &report.with_standing(internal)).fate, Fate::Deliver);
}

#[test]
fn out_05_pm_01_anothers_postmaster_is_a_recipient_like_any_other() {
    let mut policy = Policy::default();
    policy.spam.outgoing = true;
    for (direction, why) in [(Direction::Outgoing, None), (Direction::Incoming, Some(SpamWhy::Postmaster))] {
        for to in ["postmaster@far.example", "\"postmaster\"@far.example"] {
            let mut arrival = arrival(direction);
            arrival.envelope.rcpt_to = vec![Address::parse(to).unwrap()];
            assert_eq!(excluded(&policy, &arrival), why, "{direction:?} {to}");
        }
    }
}

#[test]
fn out_06_of_outgoing_mail_neither_attachments_nor_pictures_count() {
    let mut policy = Policy::default();
    policy.spam.outgoing = true;
    let with = |id: &str, group: SignGroup| {
        of(SpamSeen::Signs(vec![
            Sign::new("a_phrase", SignGroup::Phrase, 400, "seen"),
            Sign::new(id, group, 700, "seen"),
        ]))
    };
    for (id, group, counts) in [
        ("runs_when_opened", SignGroup::Attachment, false),
        ("known_spam_image", SignGroup::Network, false),
        ("attachment_without_text", SignGroup::Structure, false),
        ("a_link", SignGroup::Link, true),
        ("a_header", SignGroup::Header, true),
    ] {
        let points = |direction| verdict(&policy, &arrival(direction), &with(id, group)).points;
        assert_eq!(points(Direction::Outgoing) > 400, counts, "{id}");
        assert!(points(Direction::Incoming) > 400, "{id}: of incoming mail all counts");
    }
}

#[test]
fn wl_13_d21_mail_for_trusted_recipients_alone_is_not_examined_for_malware() {
    let mut policy = Policy::default();
    assert!(policy.malware.trusted_recipients.is_empty(), "empty by default");
    let decided = |policy: &Policy, to: &[&str]| {
        let mut mail = arrival(Direction::Incoming);
        mail.envelope.rcpt_to = to.iter().map(|to| Address::parse(to).unwrap()).collect();
        let plan = decide_for(policy, &mail, can(Surface::Smtp), vec![malware(NOTES, Certainty::Certain)], &[]);
        (plan.status, plan.action)
    };
    let treated = (crate::status::Status::Infected, Action::ObjectDeleted);
    assert_eq!(decided(&policy, &["lab@example.org"]), treated);
    let masks = ["lab@example.org", "*.samples.example.org"];
    policy.malware.trusted_recipients = masks.iter().filter_map(|mask| RecipientMask::parse(mask)).collect();
    let spared = (crate::status::Status::NotScanned, Action::Delivered);
    for (to, expected) in [
        (&["LAB@example.org"][..], spared),
        (&["x@in.samples.example.org", "lab@example.org"], spared),
        (&["x@samples.example.org"], treated),
        (&["lab@example.org", "bob@example.org"], treated),
        (&[], treated),
    ] {
        assert_eq!(decided(&policy, to), expected, "{to:?}");
    }
}
