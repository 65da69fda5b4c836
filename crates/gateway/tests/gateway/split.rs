//! Messages whose recipients go to several next hops, or have settings of their own: each gets its copy
//! once, or somebody hears of it (spec D-11).

use std::io::Read as _;
use std::time::Duration;

use judge::policy::{Group, MalwareAction, Policy, RecipientMask};
use judge::units::Time;
use testkit::{Action, Behaviour, Client, Point, Reply, Sink, sample};

use crate::node::{Node, Setup, arrived};
use crate::persistent::{Fault, Speech, try_until_settled};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    one_message_goes_to_several_next_hops,
    what_one_next_hop_does_not_take_after_another_did_waits_in_the_outbox,
    as_long_as_nobody_took_it_the_sender_keeps_it,
    what_next_hops_say_of_recipients_is_not_in_a_log_without_addresses,
    each_group_is_treated_by_its_own_settings,
    a_group_that_is_refused_beside_an_accepted_one_is_kept_and_a_sender_of_ours_is_told,
    all_groups_refused_is_a_refusal,
    a_group_alone_has_its_own_settings,
    recipients_of_another_kind_can_be_asked_to_come_by_themselves,
    what_cannot_be_made_safe_is_deferred,
    whatever_next_hops_do_no_recipient_is_lost_or_doubled,
];

const BOTH: [&str; 3] = ["a@example.com", "b@two.example.com", "c@two.example.com"];

async fn two() -> (Sink, Sink, Node) {
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let node = Setup::untouched()
        .config(|c| {
            c.outbox.first_retry = Time(1_000);
            c.outbox.longest_retry = Time(1_000);
        })
        .route("two", &["two.example.com"], &[&two])
        .start(&one)
        .await;
    (one, two, node)
}

async fn send(node: &Node, from: &str, to: &[&str], content: &[u8]) -> Reply {
    let mut client = node.client().await;
    client.timeout = Duration::from_secs(60);
    let done = client.deliver(from, to, content).await;
    client.quit().await;
    done.unwrap_or_else(|refused| refused)
}

fn queued(node: &Node) -> u64 {
    node.service.store().queue_usage().expect("usage").mails
}

async fn one_message_goes_to_several_next_hops() {
    let (one, two, node) = two().await;
    let content = sample::clean("for both");
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org> BODY=8BITMIME", 250).await;
    for (to, parameters) in [(BOTH[0], ""), (BOTH[1], " NOTIFY=FAILURE"), (BOTH[2], "")] {
        client.command(&format!("RCPT TO:<{to}>{parameters}"), 250).await;
    }
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&content)).await;
    client.expect(250).await;
    // The session goes on as ever, on whatever route comes next.
    for to in [BOTH[1], BOTH[0]] {
        client.deliver("alice@example.org", &[to], &content).await.expect("taken");
    }
    client.quit().await;
    let got = arrived(&[&one, &two]);
    assert_eq!(got.values().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert!(got.values().flatten().all(|c| *c == content));
    assert_eq!((one.count(), two.count(), queued(&node)), (2, 2, 0));
    assert_eq!(two.messages()[0].recipients, [format!("<{}> NOTIFY=FAILURE", BOTH[1]), format!("<{}>", BOTH[2])]);
    assert_eq!(two.messages()[0].mail, "<alice@example.org> BODY=8BITMIME");
    let line = logged::messages(3).await.remove(0);
    assert_eq!((line.get("action"), line.get("to")), ("delivered", BOTH.join(",").as_str()));
}

async fn what_one_next_hop_does_not_take_after_another_did_waits_in_the_outbox() {
    let (one, two, node) = two().await;
    let content = sample::clean("part of it later");
    two.set(Behaviour::accept().on_first(1, Point::End, Action::Reply("452 4.3.1 Full".to_owned())));
    assert_eq!(send(&node, "alice@example.org", &BOTH, &content).await.code, 250);
    two.wait_for(1).await;
    let got = arrived(&[&one, &two]);
    assert!(BOTH.iter().all(|to| got[*to] == [content.clone()]), "{:?}", got.keys());
    // What is refused for good is reported, because nobody can be told at the door any more.
    two.set(Behaviour::accept().reply(Point::Data, "554 5.6.0 No"));
    assert_eq!(send(&node, "alice@example.org", &BOTH, &content).await.code, 250);
    testkit::wait_until("the report", testkit::PATIENCE, || arrived(&[&one]).contains_key("alice@example.org")).await;
    let report = String::from_utf8(arrived(&[&one])["alice@example.org"][0].clone()).expect("ASCII");
    for to in &BOTH[1..] {
        assert!(
            report.contains(&format!("Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.6.0\r\n")),
            "{report}"
        );
    }
    testkit::wait_until("the outbox to be empty", testkit::PATIENCE, || queued(&node) == 0).await;
}

async fn what_next_hops_say_of_recipients_is_not_in_a_log_without_addresses() {
    let (_one, two, node) = two().await;
    node.service.current().redact.store(true, std::sync::atomic::Ordering::Relaxed);
    two.set(Behaviour::accept().reply(Point::End, &format!("552 5.2.2 <{}>: Mailbox full", BOTH[1])));
    assert_eq!(send(&node, "alice@example.org", &BOTH, &sample::clean("x")).await.code, 250);
    let line = || logged::all().into_iter().find(|event| format!("{event:?}").contains("one next hop took a message"));
    let line = line().expect("it is told");
    assert_eq!(line.get("text"), "5.2.2 - Mailbox full");
}

async fn as_long_as_nobody_took_it_the_sender_keeps_it() {
    let (one, two, node) = two().await;
    let cases = [
        ("451 4.3.0 Later", "550 5.1.0 No", 451),
        ("550 5.1.0 No", "451 4.3.0 Later", 451),
        ("550 5.1.0 No", "554 5.6.0 Never", 550),
    ];
    for (first, second, code) in cases {
        one.set(Behaviour::accept().reply(Point::End, first));
        two.set(Behaviour::accept().reply(Point::End, second));
        assert_eq!(send(&node, "alice@example.org", &BOTH, &sample::clean("x")).await.code, code, "{first}, {second}");
    }
    one.set(Behaviour::accept().on(Point::End, Action::Close));
    assert_eq!(send(&node, "alice@example.org", &BOTH, &sample::clean("x")).await.code, 451);
    assert_eq!((one.count(), two.count(), queued(&node)), (0, 0, 0));
}

fn group(policy: &mut Policy, name: &str, mask: &str, change: impl FnOnce(&mut Group)) {
    let masks = vec![RecipientMask::parse(mask).expect("a mask")];
    let mut group = Group::of(policy, name, masks);
    change(&mut group);
    policy.group.push(group);
}

async fn grouped(change: impl FnOnce(&mut Group)) -> (Sink, Node) {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().policy(|p| group(p, "strict", "strict@example.com", change)).start(&sink).await;
    (sink, node)
}

const TWO_KINDS: [&str; 3] = ["bob@example.com", "strict@example.com", "carol@example.com"];

async fn each_group_is_treated_by_its_own_settings() {
    let (sink, node) = grouped(|g| g.malware.action = MalwareAction::DeleteMessage).await;
    assert_eq!(send(&node, "alice@example.org", &TWO_KINDS, &sample::eicar_attached("x")).await.code, 250);
    let got = sink.messages();
    assert_eq!((got.len(), got[0].addresses()), (1, vec!["bob@example.com", "carol@example.com"]));
    let entries = node.backup();
    let mut actions: Vec<(&str, usize)> =
        entries.iter().map(|e| (e.entry.action.as_str(), e.entry.recipients.len())).collect();
    actions.sort_unstable();
    assert_eq!(actions, [("message_deleted", 1), ("object_deleted", 2)]);
    assert_ne!(entries[0].entry.id, entries[1].entry.id, "each part can be found by its own id");
    let rows = node.rows(2).await;
    assert!(rows.iter().all(|row| row.reply.starts_with("250 ")));
    // Both delivered, each in its own form.
    node.set_policy(|p| p.group[0].malware.labels.use_attachment_removed = true);
    node.set_policy(|p| p.group[0].malware.action = MalwareAction::DeleteObject);
    sink.clear();
    assert_eq!(send(&node, "alice@example.org", &TWO_KINDS, &sample::eicar_attached("y")).await.code, 250);
    let got = arrived(&[&sink]);
    let subject =
        |to: &str| String::from_utf8_lossy(&got[to][0]).lines().find(|l| l.starts_with("Subject:")).map(str::to_owned);
    assert_eq!(subject("strict@example.com").as_deref(), Some("Subject: [Infected attachment removed] y"));
    assert_eq!(subject("bob@example.com").as_deref(), Some("Subject: [Infected object deleted] y"));
    assert_eq!(node.figure("mailward_examination_duration_seconds_count"), 2.0, "examined once each");
}

async fn a_group_that_is_refused_beside_an_accepted_one_is_kept_and_a_sender_of_ours_is_told() {
    let setup = |trusted: &[&str]| {
        Setup::new().trusted(trusted).policy(|p| {
            group(p, "strict", "strict@example.com", |g| {
                g.malware.action = MalwareAction::Block;
                g.malware.keep_blocked = false;
            });
        })
    };
    let sink = Sink::start(Behaviour::accept()).await;
    let node = setup(&[]).start(&sink).await;
    let mail = sample::eicar_attached("x");
    assert_eq!(send(&node, "alice@example.org", &TWO_KINDS, &mail).await.code, 250);
    let blocked =
        node.backup().into_iter().find(|e| e.entry.action == "blocked").expect("a copy in spite of keep_blocked");
    let mut bytes = Vec::new();
    node.service.store().open_original(blocked.id).expect("kept").read_to_end(&mut bytes).expect("undamaged");
    assert!(bytes == mail && blocked.entry.recipients[0].as_str() == "strict@example.com");
    assert_eq!((sink.count(), queued(&node)), (1, 0), "a sender outside may be forged and is not told");
    assert_eq!(send(&node, "dave@example.com", &TWO_KINDS, &mail).await.code, 250);
    assert_eq!((sink.count(), queued(&node)), (2, 0), "nor is one of ours whom a stranger names");
    let sink = Sink::start(Behaviour::accept()).await;
    let node = setup(&["127.0.0.0/8"]).start(&sink).await;
    assert_eq!(send(&node, "dave@example.com", &TWO_KINDS, &mail).await.code, 250);
    testkit::wait_until("the report", testkit::PATIENCE, || arrived(&[&sink]).contains_key("dave@example.com")).await;
    let report = String::from_utf8(arrived(&[&sink])["dave@example.com"][0].clone()).expect("ASCII");
    assert!(
        report.contains("Final-Recipient: rfc822; strict@example.com\r\nAction: failed\r\nStatus: 5.7.1\r\n"),
        "{report}"
    );
    assert!(!report.contains("rfc822; bob@") && report.contains("text/rfc822-headers"));
    // Whoever wants no report gets none, and one that is wanted says what was asked for (RFC 3461).
    for asked in ["NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=FAILURE ORCPT=rfc822;boss@example.net"] {
        let mut client = node.client().await;
        client.command("MAIL FROM:<dave@example.com> ENVID=QQ314", 250).await;
        client.command("RCPT TO:<bob@example.com>", 250).await;
        client.command(&format!("RCPT TO:<strict@example.com> {asked}"), 250).await;
        client.command("DATA", 354).await;
        client.send_bytes(&[&mail[..], b".\r\n"].concat()).await;
        client.expect(250).await;
        client.quit().await;
    }
    let told = || arrived(&[&sink]).remove("dave@example.com").unwrap_or_default();
    testkit::wait_until("the report", testkit::PATIENCE, || told().len() > 1).await;
    let told = told();
    let report = String::from_utf8_lossy(&told[1]).into_owned();
    assert_eq!(told.len(), 2, "{report}");
    assert!(report.contains("Original-Envelope-Id: QQ314\r\n"), "{report}");
    assert!(report.contains("Original-Recipient: rfc822; boss@example.net\r\n"), "{report}");
}

async fn all_groups_refused_is_a_refusal() {
    let (sink, node) = grouped(|g| {
        g.malware.action = MalwareAction::Block;
        g.refusal.text = "Not here".to_owned();
    })
    .await;
    node.set_policy(|p| p.malware.action = MalwareAction::Block);
    let refused = send(&node, "alice@example.org", &TWO_KINDS, &sample::eicar_attached("x")).await;
    assert_eq!((refused.code, sink.count(), queued(&node)), (550, 0, 0));
}

async fn a_group_alone_has_its_own_settings() {
    let (sink, node) = grouped(|g| g.refusal.text = "Not here".to_owned()).await;
    node.set_policy(|p| p.group[0].malware.action = MalwareAction::Block);
    let refused = send(&node, "alice@example.org", &["Strict@Example.com"], &sample::eicar_attached("x")).await;
    assert_eq!((refused.code, refused.text().as_str()), (550, "5.7.1 Not here"));
    assert_eq!(send(&node, "alice@example.org", &["bob@example.com"], &sample::eicar_attached("x")).await.code, 250);
    assert_eq!(sink.count(), 1);
}

async fn recipients_of_another_kind_can_be_asked_to_come_by_themselves() {
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let setup = Setup::untouched().config(|c| c.limits.split_recipients = false);
    let node = setup.route("two", &["two.example.com"], &[&two]).start(&one).await;
    let mut client: Client = node.client().await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    client.command("RCPT TO:<a@example.com>", 250).await;
    assert!(client.command("RCPT TO:<b@two.example.com>", 452).await.text().starts_with("4.5.3"));
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&sample::clean("x"))).await;
    client.expect(250).await;
    client.quit().await;
    assert_eq!((one.count(), two.count()), (1, 0));
}

async fn what_cannot_be_made_safe_is_deferred() {
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let setup = Setup::untouched().config(|c| c.outbox.max_mails = 0);
    let node = setup.route("two", &["two.example.com"], &[&two]).start(&one).await;
    two.set(Behaviour::accept().reply(Point::End, "451 4.3.0 Later"));
    assert_eq!(send(&node, "alice@example.org", &BOTH, &sample::clean("x")).await.code, 451);
    assert_eq!((one.count(), two.count(), queued(&node)), (1, 0, 0), "the sender still has it for all of them");
}

/// Next hops that do anything, and a sender that tries again after a 4xx: each recipient gets the message
/// once, or is reported, or the sender was told 5xx. More than once only where a 4xx came after a next hop
/// had taken it: never here, because the outbox works.
async fn whatever_next_hops_do_no_recipient_is_lost_or_doubled() {
    let (one, two, node) = two().await;
    for (round, fault) in Fault::all().iter().enumerate() {
        fault.set([&one, &two]);
        let from = format!("s{round}@example.org");
        let content = sample::clean(&format!("round {round}"));
        let told = try_until_settled(&node, Speech::Smtp, &from, &BOTH, &content).await;
        let done = || {
            let _ = node.service.store().queue_retry(None, service::id::now_ms());
            node.service.wake_outbox();
            queued(&node) == 0
        };
        testkit::wait_until("the outbox to be empty", Duration::from_secs(20), done).await;
        let got = arrived(&[&one, &two]);
        let reports: String =
            got.get(&from).into_iter().flatten().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
        for to in BOTH {
            let copies = got.get(to).map_or(0, Vec::len);
            let reported = reports.matches(&format!("Final-Recipient: rfc822; {to}\r\nAction: failed")).count();
            let refused = usize::from(told[to] >= 500);
            assert_eq!(
                copies + reported + refused,
                1,
                "{to}, {fault:?}: {copies} copies, {reported} reports, {refused} refusals"
            );
        }
    }
}
