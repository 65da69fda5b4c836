//! The milter with recipients of several groups (D-11): the strictest decision for all, or each group's own.

use std::collections::BTreeMap;

use judge::policy::{Group, MalwareAction, Policy, RecipientMask};
use settings::config::MilterHold;
use settings::values::{ClamdAddress, HostPort};
use store::LogFilter;
use testkit::milter::{ALL_ACTIONS, ALL_PROTOCOL, Verdict};
use testkit::{Behaviour, Mta, Sink, sample};

use crate::node::{Node, Setup, with_clamd};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    without_the_setting_the_strictest_decision_holds_for_all,
    d_10_signs_in_the_message_log_count_as_in_the_decision_that_was_made,
    recipients_of_another_group_are_taken_out_and_get_theirs,
    groups_to_whom_the_same_is_done_stay_together,
    what_is_not_for_a_group_is_taken_from_it_and_kept,
    a_group_that_is_refused_in_the_milter_is_told_where_the_sender_is_ours,
    when_nobody_gets_it_the_mail_server_hears_one_answer,
    one_part_that_is_to_come_again_defers_all_of_them,
    what_cannot_be_kept_in_the_outbox_defers_the_message,
    copies_of_which_not_all_fit_leave_not_one,
    without_a_way_to_all_of_them_recipients_stay_together,
    a_recipient_named_twice_gets_one_copy,
    what_a_client_asked_for_goes_with_its_copies,
    a_recipient_who_is_to_hear_nothing_is_in_no_report,
    a_mail_server_without_removal_gets_the_strictest_decision,
    what_was_sent_apart_passes_our_own_milter_once,
];

const FROM: &str = "alice@example.org";
const TWO_KINDS: [&str; 3] = ["bob@example.com", "strict@example.com", "carol@example.com"];

fn group(policy: &mut Policy, name: &str, mask: &str, change: impl FnOnce(&mut Group)) {
    let masks = vec![RecipientMask::parse(mask).expect("a mask")];
    let mut group = Group::of(policy, name, masks);
    change(&mut group);
    policy.group.push(group);
}

/// A milter that tells groups apart, with one group whose settings are changed so.
async fn split(change: impl FnOnce(&mut Group)) -> (Sink, Node) {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().milter(|m| m.split_recipients = true);
    let node = setup.policy(|p| group(p, "strict", "strict@example.com", change)).start(&sink).await;
    (sink, node)
}

async fn ask(node: &Node, from: &str, to: &[&str], content: &[u8]) -> Verdict {
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('E', "i", "4XyZ");
    assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None);
    let verdict = mta.message(from, to, content).await;
    assert!(mta.quit().await);
    verdict
}

/// What arrived, by recipient.
fn arrived(sink: &Sink) -> BTreeMap<String, String> {
    let all = sink.messages();
    let each = all.iter().flat_map(|m| m.addresses().into_iter().map(|to| (to.to_owned(), text(&m.content))));
    each.collect()
}

fn text(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}

fn queued(node: &Node) -> u64 {
    node.service.store().queue_usage().expect("the outbox").mails
}

/// Waits for what the outbox delivers.
async fn deliver(node: &Node, sink: &Sink, count: usize) {
    sink.wait_for(count).await;
    testkit::wait_until("an empty outbox", testkit::PATIENCE, || queued(node) == 0).await;
}

async fn without_the_setting_the_strictest_decision_holds_for_all() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().milter(|_| {});
    let block = |g: &mut Group| g.malware.action = MalwareAction::Block;
    let node = setup.policy(|p| group(p, "strict", "strict@example.com", block)).start(&sink).await;
    let got = ask(&node, FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert!(got.answer == 'y' && got.text.starts_with("550 ") && got.removed.is_empty(), "{got:?}");
    assert_eq!(queued(&node), 0);
}

async fn d_10_signs_in_the_message_log_count_as_in_the_decision_that_was_made() {
    let sink = Sink::start(Behaviour::accept()).await;
    let strict = |g: &mut Group| {
        g.malware.action = MalwareAction::Block;
        g.spam.signs.off = vec!["list_id".to_owned()];
    };
    let setup = Setup::new().milter(|_| {}).policy(|p| group(p, "strict", "strict@example.com", strict));
    let node = setup.start(&sink).await;
    let mail = [b"List-Id: <news.example.org>\r\n".as_slice(), &sample::eicar_attached("x")].concat();
    // The group's decision is the stricter one; alone, the others are judged by the policy itself.
    for (to, counts) in [(&TWO_KINDS[..], false), (&TWO_KINDS[..1], true)] {
        ask(&node, FROM, to, &mail).await;
        let id = logged::message().await.get("id").to_owned();
        let rows = || {
            let all = node.service.store().search_messages(&LogFilter::default(), None, 10).expect("rows").messages;
            all.into_iter().find(|row| row.id.to_string() == id)
        };
        testkit::wait_until("the row of the message", testkit::PATIENCE, || rows().is_some()).await;
        let signs = rows().expect("a row").signs;
        let seen = signs.iter().find(|sign| sign.id == "list_id").expect("the sign");
        assert_eq!(seen.counts, counts, "{to:?}");
        logged::clear();
    }
}

async fn recipients_of_another_group_are_taken_out_and_get_theirs() {
    let (sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    let got = ask(&node, FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert_eq!((got.answer, got.removed.as_slice()), ('c', &["<strict@example.com>".to_owned()][..]));
    assert!(text(&got.content).contains("Subject: [Infected object deleted] x\r\n"), "{}", text(&got.content));
    let lines = logged::messages(2).await;
    let said = |to: &str| {
        let line = lines.iter().find(|line| line.get("to").contains(to)).expect("a line");
        line.get("reply").to_owned()
    };
    assert_eq!(said("bob@example.com,carol@example.com"), "continue; queue id 4XyZ");
    assert!(said("strict@example.com").starts_with("outbox "), "{}", said("strict@example.com"));
    assert_ne!(lines[0].get("id"), lines[1].get("id"));
    assert_eq!(node.backup().len(), 2, "each form has its original");

    deliver(&node, &sink, 1).await;
    let theirs = &arrived(&sink)["strict@example.com"];
    assert!(theirs.contains("Subject: [Infected attachment removed] x\r\n"), "{theirs}");
    assert!(theirs.contains("eicar.com.removed.txt") && theirs.starts_with("X-Mailward-Release: v=1;"), "{theirs}");
    assert_eq!(sink.messages()[0].sender(), FROM);
    assert_eq!(node.figure("mailward_examination_duration_seconds_count"), 1.0, "examined once");
}

async fn groups_to_whom_the_same_is_done_stay_together() {
    let (sink, node) = split(|g| g.malware.action = MalwareAction::Block).await;
    let got = ask(&node, FROM, &TWO_KINDS, &sample::clean("x")).await;
    assert!(got.answer == 'c' && got.removed.is_empty(), "{got:?}");
    assert_eq!((queued(&node), sink.count()), (0, 0));
    assert_eq!(logged::message().await.get("to"), "bob@example.com,carol@example.com,strict@example.com");
}

async fn what_is_not_for_a_group_is_taken_from_it_and_kept() {
    let (_sink, node) = split(|g| g.malware.action = MalwareAction::DeleteMessage).await;
    let got = ask(&node, FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert_eq!((got.answer, got.removed.as_slice()), ('c', &["<strict@example.com>".to_owned()][..]));
    assert_eq!(queued(&node), 0);
    let entries = node.backup();
    let mut actions: Vec<(&str, usize)> =
        entries.iter().map(|e| (e.entry.action.as_str(), e.entry.recipients.len())).collect();
    actions.sort_unstable();
    assert_eq!(actions, [("message_deleted", 1), ("object_deleted", 2)]);
}

async fn a_group_that_is_refused_in_the_milter_is_told_where_the_sender_is_ours() {
    let refuse = |g: &mut Group| {
        g.malware.action = MalwareAction::Block;
        g.malware.keep_blocked = false;
    };
    let (sink, node) = split(refuse).await;
    let mail = sample::eicar_attached("x");
    let got = ask(&node, FROM, &TWO_KINDS, &mail).await;
    assert_eq!((got.answer, got.removed.len(), queued(&node)), ('c', 1, 0), "a sender outside may be forged");
    assert!(node.backup().iter().any(|e| e.entry.action == "blocked"), "a copy in spite of keep_blocked");
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('M', "auth_type", "PLAIN");
    mta.tell('M', "auth_authen", "dave");
    assert_eq!(mta.client("laptop.example.com", "192.0.2.8").await, None);
    let got = mta.message("dave@example.com", &TWO_KINDS, &mail).await;
    assert_eq!((got.answer, got.removed.len()), ('c', 1));
    deliver(&node, &sink, 1).await;
    let report = &arrived(&sink)["dave@example.com"];
    assert!(report.contains("Final-Recipient: rfc822; strict@example.com\r\nAction: failed\r\n"), "{report}");
    assert!(!report.contains("rfc822; bob@"), "{report}");
}

async fn when_nobody_gets_it_the_mail_server_hears_one_answer() {
    let (_sink, node) = split(|g| g.refusal.text = "Not here".to_owned()).await;
    let mail = sample::eicar_attached("x");
    let set = |all: MalwareAction, strict: MalwareAction| {
        node.set_policy(|p| {
            p.malware.action = all;
            p.group[0].malware.action = strict;
        });
    };
    set(MalwareAction::Block, MalwareAction::Block);
    let got = ask(&node, FROM, &TWO_KINDS, &mail).await;
    assert!(got.answer == 'y' && got.text.starts_with("550 ") && got.removed.is_empty(), "{got:?}");
    set(MalwareAction::DeleteMessage, MalwareAction::Block);
    let kept = node.backup().len();
    let got = ask(&node, FROM, &TWO_KINDS, &mail).await;
    assert_eq!((got.answer, got.removed.len()), ('d', 0));
    assert_eq!(node.backup().len(), kept + 2, "one for each part");
    assert_eq!(queued(&node), 0);
}

async fn one_part_that_is_to_come_again_defers_all_of_them() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().milter(|m| {
        m.split_recipients = true;
        m.hold = MilterHold::Quarantine;
    });
    let setup = with_clamd(setup, ClamdAddress::Tcp(HostPort { host: "127.0.0.1".to_owned(), port: 1 }));
    let hold = |g: &mut Group| g.unscannable.engine_failed = judge::policy::EngineFailure::Hold;
    let node = setup.policy(|p| group(p, "strict", "strict@example.com", hold)).start(&sink).await;
    let got = ask(&node, FROM, &TWO_KINDS, &sample::clean("x")).await;
    assert!(got.answer == 'y' && got.text.starts_with("451 ") && got.quarantine.is_none(), "{got:?}");
    assert_eq!((queued(&node), node.backup().len()), (0, 0));
}

async fn what_cannot_be_kept_in_the_outbox_defers_the_message() {
    let (sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    node.service
        .current()
        .outbox
        .store(std::sync::Arc::new(settings::config::Outbox { max_mails: 0, ..settings::config::Outbox::default() }));
    let got = ask(&node, FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert!(got.answer == 'y' && got.text.starts_with("451 "), "{got:?}");
    assert_eq!((queued(&node), sink.count()), (0, 0));
}

async fn copies_of_which_not_all_fit_leave_not_one() {
    let (sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    node.set_policy(|p| p.group[0].recipients.push(RecipientMask::parse("too@example.com").expect("a mask")));
    let limits = |max_mails| settings::config::Outbox { max_mails, ..settings::config::Outbox::default() };
    node.service.current().outbox.store(std::sync::Arc::new(limits(1)));
    let to = [TWO_KINDS.as_slice(), &["too@example.com"]].concat();
    let mail = sample::eicar_attached("x");
    for _ in 0..3 {
        let got = ask(&node, FROM, &to, &mail).await;
        assert!(got.answer == 'y' && got.text.starts_with("451 "), "{got:?}");
        assert_eq!((queued(&node), node.backup().len()), (0, 0), "it comes again as a whole");
    }
    let files = || std::fs::read_dir(node.data().join("outbox")).expect("a directory").count();
    assert_eq!((files(), sink.count()), (1, 0), "nothing but the place of unfinished files");
    node.service.current().outbox.store(std::sync::Arc::new(limits(2)));
    let got = ask(&node, FROM, &to, &mail).await;
    assert_eq!((got.answer, got.removed.len()), ('c', 2), "{got:?}");
    deliver(&node, &sink, 2).await;
    assert_eq!(sink.count(), 2);
}

async fn without_a_way_to_all_of_them_recipients_stay_together() {
    let (sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    node.service.current().routes.store(std::sync::Arc::default());
    let got = ask(&node, FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert!(got.answer == 'c' && got.removed.is_empty(), "{got:?}");
    assert_eq!((queued(&node), sink.count()), (0, 0));
}

async fn a_recipient_named_twice_gets_one_copy() {
    let (sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    let to = ["bob@example.com", "strict@example.com", "strict@example.com"];
    let got = ask(&node, FROM, &to, &sample::eicar_attached("x")).await;
    assert_eq!((got.answer, got.removed.len()), ('c', 2), "each as it was told: {got:?}");
    deliver(&node, &sink, 1).await;
    assert_eq!(sink.count(), 1);
}

async fn what_a_client_asked_for_goes_with_its_copies() {
    let (_sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    node.service
        .current()
        .outbox
        .store(std::sync::Arc::new(settings::config::Outbox { connections: 0, ..settings::config::Outbox::default() }));
    let from = "alice@example.org SIZE=99 RET=HDRS ENVID=abc BODY=8BITMIME";
    let strict = "strict@example.com NOTIFY=NEVER ORCPT=rfc822;s@example.com";
    let got = ask(&node, from, &["bob@example.com NOTIFY=DELAY", strict], &sample::eicar_attached("x")).await;
    assert_eq!((got.answer, got.removed.as_slice()), ('c', &["<strict@example.com>".to_owned()][..]));
    let mails = node.service.store().queue_list(None, 10).expect("a list");
    assert_eq!((mails.len(), mails[0].mail.parameters.as_str()), (1, " RET=HDRS ENVID=abc BODY=8BITMIME"));
    assert_eq!(mails[0].recipients[0].parameters, " NOTIFY=NEVER ORCPT=rfc822;s@example.com");
}

async fn a_recipient_who_is_to_hear_nothing_is_in_no_report() {
    let (sink, node) = split(|g| g.malware.action = MalwareAction::Block).await;
    node.set_policy(|p| p.group[0].recipients.push(RecipientMask::parse("too@example.com").expect("a mask")));
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('M', "auth_type", "PLAIN");
    mta.tell('M', "auth_authen", "dave");
    assert_eq!(mta.client("laptop.example.com", "192.0.2.8").await, None);
    let to = ["bob@example.com", "strict@example.com NOTIFY=NEVER", "too@example.com"];
    let got = mta.message("dave@example.com", &to, &sample::eicar_attached("x")).await;
    assert_eq!((got.answer, got.removed.len()), ('c', 2));
    deliver(&node, &sink, 1).await;
    let report = &arrived(&sink)["dave@example.com"];
    assert!(report.contains("rfc822; too@example.com") && !report.contains("strict@"), "{report}");
}

async fn a_mail_server_without_removal_gets_the_strictest_decision() {
    const REMOVE: u32 = 0x8;
    let (_sink, node) = split(|g| g.malware.action = MalwareAction::Block).await;
    let mta = Mta::open_with(node.milter(), 6, ALL_ACTIONS & !REMOVE, ALL_PROTOCOL).await;
    let mut mta = mta.expect("it serves such a mail server as well");
    assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None);
    let got = mta.message(FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert!(got.answer == 'y' && got.removed.is_empty(), "{got:?}");
}

async fn what_was_sent_apart_passes_our_own_milter_once() {
    let (sink, node) = split(|g| g.malware.labels.use_attachment_removed = true).await;
    ask(&node, FROM, &TWO_KINDS, &sample::eicar_attached("x")).await;
    deliver(&node, &sink, 1).await;
    let sent = sink.messages().remove(0).content;
    // The next hop is the mail server itself: it asks us about it once more.
    let got = ask(&node, FROM, &["strict@example.com"], &sent).await;
    assert!(got.answer == 'c' && got.changes.is_empty(), "{got:?}");
    // Nobody else can use it.
    let got = ask(&node, FROM, &["bob@example.com"], &sent).await;
    assert!(!got.changes.is_empty(), "{got:?}");
}
