//! The milter: what a mail server hears about each message, and that it ends up with the message that the gateway
//! would have sent.

use std::time::Duration;

use judge::policy::{EngineFailure, MalwareAction};
use settings::config::MilterHold;
use testkit::milter::Verdict;
use testkit::{Behaviour, Mta, Sink, eicar, sample};

use crate::node::{Node, Setup};
use crate::{Case, ambiguous, cases, job, logged};

pub(crate) const CASES: &[Case] = cases![
    a_clean_message_gets_our_header_and_nothing_else,
    both_surfaces_give_the_same_message,
    every_fate_has_its_answer,
    mail_that_goes_round_is_refused_on_both_surfaces,
    what_is_held_may_wait_with_the_mail_server,
    what_the_mail_server_tells_is_in_the_log,
    own_users_are_known_by_login_and_port,
    one_connection_takes_many_messages_and_clients,
    old_mail_servers_are_served_too,
    without_what_we_need_there_is_no_session,
    a_mail_server_hears_that_we_are_still_at_it,
    limits_are_answered_at_the_end,
    too_many_connections_are_told_so,
    a_unix_socket_serves_as_well,
    a_stop_takes_the_message_through_and_ends_idle_connections,
];

const FROM: &str = "alice@example.org";
const TO: &[&str] = &["bob@example.com"];

async fn ask(node: &Node, content: &[u8]) -> Verdict {
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('C', "j", "mx.example.com");
    mta.tell('E', "i", "4XyZ");
    assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None);
    let verdict = mta.message(FROM, TO, content).await;
    assert!(mta.quit().await);
    verdict
}

/// Ids and the time in a notice are others each time. An F at the start of a line is encoded, and an id may be
/// broken before one.
fn without_ids(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content).replace("=\r\n", "").replace("=46", "F").replace("\r\n ", " ");
    // The notices' own, in a column; not the header field.
    let is_time = |line: &str| line.starts_with("Date:    ");
    let lines: String = text.split_inclusive("\r\n").filter(|line| !is_time(line)).collect();
    let words = lines.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.map(|word| if word.get(..26).is_some_and(is_id) { "ID." } else { word }).collect()
}

fn is_id(word: &str) -> bool {
    mail::arrival::MessageId::parse(word).is_some()
}

async fn a_clean_message_gets_our_header_and_nothing_else() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    let mail = sample::multipart("clean");
    let got = ask(&node, &mail).await;
    assert_eq!((got.answer, got.changes.as_str()), ('c', "i"));
    let line = logged::message().await;
    let header = format!("X-Mailward-Status: clean; action=delivered; id={}\r\n", line.get("id"));
    assert!(got.content == [header.as_bytes(), &mail].concat());
    assert!(sink.messages().is_empty() && node.backup().is_empty());
    let node = Setup::untouched().milter(|_| {}).start(&sink).await;
    let got = ask(&node, &mail).await;
    assert!(got.answer == 'c' && got.changes.is_empty() && got.content == mail);
}

async fn both_surfaces_give_the_same_message() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    let mut forged = b"X-Mailward-Status: clean; forged\r\nx-spam-flag: YES\r\n".to_vec();
    forged.extend(sample::eicar_attached("forged"));
    let mut long = sample::sized("long", 300_000);
    long.truncate(long.len() - 2);
    long.extend(b"\r\n.\r\n..\r\nend\r\n");
    let mails = [
        ("clean", sample::clean("clean")),
        ("attached", sample::eicar_attached("attached")),
        ("zipped", sample::eicar_zipped("zipped")),
        ("body", [b"Subject: body\r\nX-A: b\r\n\r\n".as_slice(), &eicar(), b"\r\n"].concat()),
        ("no subject", [b"From: a@example.org\r\n\r\n".as_slice(), &eicar(), b"\r\n"].concat()),
        ("forged", forged),
        ("two faces", ambiguous::two_faced(b"just some notes that are not long")),
        ("two faces, infected", ambiguous::two_faced(&eicar())),
        ("long", long),
    ];
    for (name, mail) in mails {
        sink.clear();
        logged::clear();
        assert_eq!(node.send(&mail).await.code, 250, "{name}");
        let by_gateway = sink.messages().remove(0).content;
        let by_milter = ask(&node, &mail).await;
        assert_eq!(by_milter.answer, 'c', "{name}");
        assert_eq!(without_ids(&by_milter.content), without_ids(&by_gateway), "{name}");
        let lines = logged::messages(2).await;
        for field in ["status", "action", "malware", "rules", "direction", "subject", "size"] {
            assert_eq!(lines[0].get(field), lines[1].get(field), "{name}: {field}");
        }
        assert_eq!((lines[0].get("surface"), lines[1].get("surface")), ("smtp", "milter"));
    }
    // A copy of each changed original, from both.
    assert_eq!(node.backup().len(), 14);
}

async fn every_fate_has_its_answer() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    let infected = sample::eicar_attached("infected");
    node.set_policy(|p| p.malware.action = MalwareAction::Block);
    let got = ask(&node, &infected).await;
    assert_eq!(got.answer, 'y');
    assert!(got.text.starts_with("550 5.7.1 Message refused: EICAR-Test-File"), "{}", got.text);
    assert_eq!(node.backup().len(), 1, "what is refused is kept");
    node.set_policy(|p| p.malware.action = MalwareAction::DeleteMessage);
    logged::clear();
    assert_eq!(ask(&node, &infected).await.answer, 'd');
    let line = logged::message().await;
    assert_eq!((line.get("action"), line.get("reply")), ("message_deleted", "discard"));
    assert_eq!(node.backup().len(), 2, "what is discarded is durable first");
    node.set_policy(|p| p.malware.keep_copy = false);
    assert_eq!(ask(&node, &infected).await.answer, 'd');
    assert_eq!(node.backup().len(), 2, "the policy waives the copy");
    let crash = [job::CRASH.as_bytes(), b"\r\n", &sample::clean("crash")].concat();
    let got = ask(&node, &crash).await;
    assert!(got.answer == 'y' && got.text.starts_with("451 4.7.1 "), "{}", got.text);
}

async fn mail_that_goes_round_is_refused_on_both_surfaces() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().milter(|_| {}).config(|c| c.limits.hops = 3).start(&sink).await;
    let passed = |hops: usize| {
        let hop = b"Received: from a.example.org by b.example.org; Mon, 1 Jan 2024 00:00:00 +0000\r\n";
        [hop.repeat(hops), sample::clean("round")].concat()
    };
    assert_eq!(ask(&node, &passed(3)).await.answer, 'c');
    assert_eq!(node.send(&passed(3)).await.code, 250);
    let got = ask(&node, &passed(4)).await;
    assert_eq!((got.answer, got.text.as_str()), ('y', "554 5.4.6 Too many hops: mail loop"));
    let reply = node.send(&passed(4)).await;
    assert_eq!((reply.code, reply.lines.as_slice()), (554, ["5.4.6 Too many hops: mail loop".to_owned()].as_slice()));
    assert_eq!(sink.count(), 1);
    // What we ourselves have passed on six times comes back once too often.
    let own = b"Received: from a ([192.0.2.1]) by mx.example.com (Mailward) with ESMTP id x; d\r\n".repeat(6);
    let node = Setup::untouched().start(&sink).await;
    assert_eq!(node.send(&[own, sample::clean("again")].concat()).await.code, 554);
}

async fn what_is_held_may_wait_with_the_mail_server() {
    let sink = Sink::start(Behaviour::accept()).await;
    let crash = [job::CRASH.as_bytes(), b"\r\n", &sample::clean("crash")].concat();
    for (hold, answer, said) in [(MilterHold::Backup, 'd', "discard"), (MilterHold::Quarantine, 'c', "quarantine")] {
        logged::clear();
        let setup = Setup::new().milter(|m| m.hold = hold);
        let node = setup.policy(|p| p.unscannable.engine_failed = EngineFailure::Hold).start(&sink).await;
        let got = ask(&node, &crash).await;
        assert_eq!(got.answer, answer);
        let line = logged::message().await;
        assert!(line.get("action") == "held" && line.get("reply").starts_with(said), "{line:?}");
        assert_eq!(got.quarantine.is_some(), hold == MilterHold::Quarantine);
        assert!(node.kept().1 == crash, "a copy is in Backup either way");
    }
}

async fn what_the_mail_server_tells_is_in_the_log() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    ask(&node, &sample::eicar_attached("told")).await;
    let line = logged::message().await;
    for (name, value) in [
        ("surface", "milter"),
        ("peer", "192.0.2.7"),
        ("helo", "client.example.org"),
        ("from", FROM),
        ("to", TO[0]),
        ("direction", "incoming"),
        ("action", "object_deleted"),
        ("reply", "continue; queue id 4XyZ"),
    ] {
        assert_eq!(line.get(name), value, "{name}");
    }
    let figure = "mailward_messages_total{surface=\"milter\",direction=\"incoming\",status=\"infected\",action=\"object_deleted\"}";
    assert_eq!(node.figure(figure), 1.0);
    testkit::wait_until("the end of the session", testkit::PATIENCE, || {
        node.figure("mailward_milter_sessions_total{end=\"quit\"}") == 1.0
    })
    .await;
    assert_eq!(node.figure("mailward_milter_connections"), 0.0);
    let row = node.rows(1).await.remove(0);
    assert_eq!((row.surface.name(), row.peer_ip.map(|ip| ip.to_string()).as_deref()), ("milter", Some("192.0.2.7")));
}

async fn own_users_are_known_by_login_and_port() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).trusted(&["198.51.100.0/24"]).start(&sink).await;
    type Macros = &'static [(char, &'static str, &'static str)];
    let cases: [(&str, Macros, &str, &str); 5] = [
        ("192.0.2.7", &[], "friend@example.net", "incoming"),
        ("192.0.2.7", &[('M', "{auth_authen}", "alice")], "friend@example.net", "outgoing"),
        ("192.0.2.7", &[('C', "{daemon_name}", "ORIGINATING")], "friend@example.net", "outgoing"),
        ("198.51.100.4", &[], "friend@example.net", "outgoing"),
        ("2001:db8::4", &[('C', "{daemon_name}", "smtpd")], "bob@example.com", "incoming"),
    ];
    for (ip, macros, to, direction) in cases {
        logged::clear();
        let mut mta = Mta::open(node.milter()).await;
        macros.iter().for_each(|(command, name, value)| mta.tell(*command, name, value));
        mta.client("unknown", ip).await;
        assert_eq!(mta.message(FROM, &[to], &sample::clean("whose")).await.answer, 'c');
        let line = logged::message().await;
        assert_eq!((line.get("direction"), line.get("peer")), (direction, ip), "{macros:?}");
    }
    // Outgoing malware is refused, whatever the policy says of incoming mail.
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('M', "{auth_authen}", "alice");
    mta.client("unknown", "192.0.2.7").await;
    let got = mta.message(FROM, &["friend@example.net"], &sample::eicar_attached("out")).await;
    assert!(got.answer == 'y' && got.text.starts_with("550 "), "{got:?}");
}

async fn one_connection_takes_many_messages_and_clients() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    let mut mta = Mta::open(node.milter()).await;
    mta.client("one.example.org", "192.0.2.1").await;
    mta.abort(FROM, TO, &sample::sized("given up", 200_000)).await;
    assert_eq!(mta.message(FROM, TO, &sample::clean("one")).await.answer, 'c');
    assert_eq!(mta.message("", TO, &sample::eicar_attached("two")).await.changes, "miiib");
    mta.next_client().await;
    mta.client("two.example.org", "192.0.2.2").await;
    assert_eq!(mta.message(FROM, TO, &sample::clean("three")).await.answer, 'c');
    assert!(mta.quit().await);
    let lines = logged::messages(3).await;
    let seen: Vec<_> = lines.iter().map(|l| (l.get("subject"), l.get("peer"), l.get("from"))).collect();
    assert_eq!(seen, [("one", "192.0.2.1", FROM), ("two", "192.0.2.1", "<>"), ("three", "192.0.2.2", FROM)]);
    assert_eq!(node.figure("mailward_in_flight_bytes"), 0.0, "what was given up holds nothing");
}

async fn old_mail_servers_are_served_too() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    let mail = sample::eicar_attached("old");
    let newest = ask(&node, &mail).await;
    for (version, actions, protocol) in [(2, 0x1f, 0x7f), (3, 0x3f, 0xff), (4, 0x3f, 0x3ff), (6, 0x1ff, 0xf_ffff)] {
        let mut mta = Mta::open_with(node.milter(), version, actions, protocol).await.expect("an agreement");
        assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None, "version {version}");
        let got = mta.message(FROM, TO, &mail).await;
        assert_eq!(got.answer, 'c', "version {version}");
        assert_eq!(without_ids(&got.content), without_ids(&newest.content), "version {version}");
    }
}

async fn without_what_we_need_there_is_no_session() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).start(&sink).await;
    assert!(Mta::open_with(node.milter(), 6, 0x1, 0x1f_ffff).await.is_none(), "a body that must not be changed");
    assert!(Mta::open_with(node.milter(), 1, 0x1ff, 0x1f_ffff).await.is_none(), "a version before 2");
    let mut mta = Mta::open(node.milter()).await;
    mta.send('B', b"outside of a message").await;
    assert!(mta.is_closed().await);
    testkit::wait_until("three sessions", testkit::PATIENCE, || {
        node.figure("mailward_milter_sessions_total{end=\"errors\"}") == 3.0
    })
    .await;
    let mta = Mta::open(node.milter()).await;
    assert!(mta.wanted.iter().any(|(stage, names)| *stage == 0 && names.contains("{client_addr}")));
}

async fn a_mail_server_hears_that_we_are_still_at_it() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).deadline(8_000).start(&sink).await;
    let mail = [job::LOOP.as_bytes(), b"\r\n", &sample::clean("loop")].concat();
    let got = ask(&node, &mail).await;
    assert!(got.progress >= 1, "{got:?}");
    assert!(got.answer == 'y' && got.text.starts_with("451 "), "{}", got.text);
}

async fn limits_are_answered_at_the_end() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().milter(|_| {}).config(|c| {
        c.limits.max_message_size = judge::units::Bytes(100_000);
        c.limits.bytes_in_flight = judge::units::Bytes(300_000);
        c.limits.recipients = 2;
    });
    let node = setup.start(&sink).await;
    let got = ask(&node, &sample::sized("large", 150_000)).await;
    assert!(got.answer == 'y' && got.text.starts_with("552 5.3.4"), "{}", got.text);
    let mut mta = Mta::open_with(node.milter(), 3, 0x3f, 0xff | 0x400).await.expect("an agreement");
    mta.client("mail.example.org", "192.0.2.7").await;
    let to = ["a@example.com", "b@example.com", "c@example.com"];
    let got = mta.message(FROM, &to, &sample::clean("many")).await;
    assert!(got.answer == 'y' && got.text.starts_with("452 4.5.3"), "{}", got.text);
    // Where it may be skipped, the rest of what is too large is.
    let got = mta.message(FROM, TO, &sample::sized("large", 3_000_000)).await;
    assert!(got.answer == 'y' && got.text.starts_with("552 5.3.4"), "{}", got.text);
    assert_eq!(mta.message(FROM, TO, &sample::clean("after")).await.answer, 'c');
    assert_eq!(node.figure("mailward_in_flight_bytes"), 0.0);
}

async fn too_many_connections_are_told_so() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|m| m.max_connections = 1).start(&sink).await;
    let mut first = Mta::open(node.milter()).await;
    first.client("mail.example.org", "192.0.2.7").await;
    let mut second = Mta::open(node.milter()).await;
    let no = second.client("mail.example.org", "192.0.2.8").await.expect("an answer");
    assert!(no.answer == 'y' && no.text.starts_with("451 4.7.0 Too many connections"), "{no:?}");
    assert_eq!(first.message(FROM, TO, &sample::clean("first")).await.answer, 'c');
    assert!(first.quit().await && second.quit().await);
    testkit::wait_until("a free place", testkit::PATIENCE, || node.figure("mailward_milter_connections") == 0.0).await;
    assert_eq!(ask(&node, &sample::clean("third")).await.answer, 'c');
}

async fn a_unix_socket_serves_as_well() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new();
    let path = setup.scratch().join("milter.sock");
    let listen = settings::values::SocketAddress::Unix(path.clone());
    let node = setup.milter(|m| m.listen = listen).start(&sink).await;
    let mut mta = Mta::open_unix(&path).await;
    mta.client("localhost", "127.0.0.1").await;
    assert_eq!(mta.message(FROM, TO, &sample::clean("unix")).await.answer, 'c');
    node.stop.send(true).expect("it runs");
    assert!(mta.is_closed().await);
    testkit::wait_until("the socket to be gone", testkit::PATIENCE, || !path.exists()).await;
}

async fn a_stop_takes_the_message_through_and_ends_idle_connections() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().milter(|_| {}).deadline(3_000).start(&sink).await;
    let mut idle = Mta::open(node.milter()).await;
    let mut busy = Mta::open(node.milter()).await;
    busy.client("mail.example.org", "192.0.2.7").await;
    let mail = [job::LOOP.as_bytes(), b"\r\n", &sample::clean("loop")].concat();
    let work = tokio::spawn(async move { (busy.message(FROM, TO, &mail).await, busy) });
    testkit::wait_until("bytes in work", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") > 0.0).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    node.stop.send(true).expect("it runs");
    assert!(idle.is_closed().await);
    let (got, mut busy) = work.await.expect("an answer");
    assert!(got.answer == 'y' && got.text.starts_with("451 "), "{}", got.text);
    assert!(busy.is_closed().await);
}
