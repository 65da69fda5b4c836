//! Clients as they come: hasty, slow, old, wrong, hostile.

use judge::units::Bytes;
use settings::config::LineEnds;
use testkit::client::stuff;
use testkit::{Behaviour, Client, Sink, sample};

use crate::node::Setup;
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    a_whole_session_in_one_write,
    a_session_byte_by_byte,
    several_messages_and_resets_in_a_session,
    a_client_that_knows_only_helo,
    what_is_too_large_is_a_552_before_and_after,
    too_many_recipients_are_a_452_each,
    too_many_errors_end_the_session,
    nothing_is_smuggled_past_the_end_of_a_message,
    wrong_line_ends_are_made_right_where_that_is_wished,
    commands_cannot_be_hidden_in_addresses,
    data_without_a_recipient_takes_no_content,
];

const ENVELOPE: &str = "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n";

/// A session with two messages, as bytes on the wire.
fn session() -> (Vec<u8>, [Vec<u8>; 2]) {
    let mails = [sample::clean("first"), sample::multipart("second")];
    let mut wire = b"EHLO client.example.org\r\n".to_vec();
    for mail in &mails {
        wire.extend_from_slice(ENVELOPE.as_bytes());
        wire.extend_from_slice(&stuff(mail));
    }
    wire.extend_from_slice(b"NOOP\r\nQUIT\r\n");
    (wire, mails)
}

async fn expect_session(client: &mut Client, sink: &Sink, mails: &[Vec<u8>; 2]) {
    for code in [250, 250, 250, 354, 250, 250, 250, 354, 250, 250, 221] {
        client.expect(code).await;
    }
    assert!(client.is_closed().await);
    let got: Vec<Vec<u8>> = sink.messages().into_iter().map(|m| m.content).collect();
    assert!(got == *mails);
    assert_eq!(sink.connections(), 1);
}

async fn a_whole_session_in_one_write() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let (wire, mails) = session();
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    client.send_bytes(&wire).await;
    expect_session(&mut client, &sink, &mails).await;
}

async fn a_session_byte_by_byte() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let (wire, mails) = session();
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    for byte in wire {
        client.send_bytes(&[byte]).await;
    }
    expect_session(&mut client, &sink, &mails).await;
}

async fn several_messages_and_resets_in_a_session() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let mut client = node.client().await;
    for round in 0..3 {
        client.command("MAIL FROM:<wrong@example.org>", 250).await;
        client.command("RCPT TO:<wrong@example.com>", 250).await;
        let way = ["RSET", "EHLO client.example.org", "HELO client.example.org"][round];
        client.command(way, 250).await;
        client.command("DATA", 503).await;
        let subject = format!("round {round}");
        client.deliver("", &["bob@example.com", "carol@example.com"], &sample::clean(&subject)).await.expect("taken");
    }
    client.quit().await;
    let got = sink.messages();
    assert_eq!(got.len(), 3);
    for (round, message) in got.iter().enumerate() {
        assert_eq!(message.sender(), "");
        assert_eq!(message.addresses(), ["bob@example.com", "carol@example.com"]);
        assert!(message.content == sample::clean(&format!("round {round}")));
    }
    let lines = logged::messages(3).await;
    assert!(lines.iter().all(|l| l.get("from") == "<>" && l.get("to") == "bob@example.com,carol@example.com"));
    let ids: std::collections::BTreeSet<&str> = lines.iter().map(|l| l.get("id")).collect();
    assert_eq!(ids.len(), 3, "an id a message");
}

async fn a_client_that_knows_only_helo() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().config(|c| c.smtp[0].add_received = settings::config::AddReceived::Always);
    let node = setup.start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    assert_eq!(client.command("HELO old.example.org", 250).await.lines, ["mx.example.com"]);
    client.command("MAIL FROM:<a@example.org> BODY=8BITMIME", 555).await;
    client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("old")).await.expect("taken");
    client.quit().await;
    let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
    let id = logged::message().await.get("id").to_owned();
    let received = content.split("\r\nX-Mailward").next().expect("a part").replace("\r\n\t", " ").replace("\r\n ", " ");
    let start = format!(
        "Received: from old.example.org ([127.0.0.1]) by mx.example.com (Mailward) with SMTP id {id} for <bob@example.com>; "
    );
    assert!(received.starts_with(&start), "{received}\n{start}");
}

async fn what_is_too_large_is_a_552_before_and_after() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().config(|c| c.limits.max_message_size = Bytes(10_000)).start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org> SIZE=10001", 552).await;
    let to = &["bob@example.com"];
    for (size, code) in [(10_001, 552), (2_000_000, 552), (10_000, 250)] {
        let done = client.deliver("alice@example.org", to, &sample::sized("size", size)).await;
        assert_eq!(done.unwrap_or_else(|refusal| refusal).code, code, "{size}");
    }
    // The next hop's own limit counts where it is lower.
    sink.set(Behaviour::accept().extensions(&["SIZE 5000"]));
    let mut second = node.client().await;
    let done = second.deliver("alice@example.org", to, &sample::sized("size", 5_001)).await;
    assert_eq!(done.expect_err("too large").lines, ["5.3.4 Message size exceeds fixed limit"]);
    assert_eq!(sink.messages().iter().map(|m| m.size).collect::<Vec<_>>(), [10_000]);
    assert_eq!(sink.lines().iter().filter(|l| *l == "DATA").count(), 1, "the next hop never heard of the others");
    assert_eq!(node.figure("mailward_in_flight_bytes"), 0.0);
}

async fn too_many_recipients_are_a_452_each() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().config(|c| c.limits.recipients = 3).start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    for (number, code) in [(1, 250), (2, 250), (3, 250), (4, 452), (5, 452)] {
        client.command(&format!("RCPT TO:<user{number}@example.com>"), code).await;
    }
    client.command("DATA", 354).await;
    client.send_bytes(&stuff(&sample::clean("three"))).await;
    client.expect(250).await;
    client.quit().await;
    assert_eq!(sink.messages()[0].addresses(), ["user1@example.com", "user2@example.com", "user3@example.com"]);
    assert!(!sink.lines().iter().any(|line| line.contains("user4")));
}

async fn too_many_errors_end_the_session() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().config(|c| c.limits.errors = 5).start(&sink).await;
    let mut client = node.client().await;
    for _ in 0..4 {
        client.command("BOGUS", 500).await;
    }
    assert_eq!(client.command("BOGUS", 421).await.lines, ["4.7.0 Too many errors"]);
    assert!(client.is_closed().await);
    let node = Setup::new().config(|c| c.limits.commands = 10).start(&sink).await;
    let mut client = node.client().await;
    for _ in 0..9 {
        client.command("NOOP", 250).await;
    }
    client.command("NOOP", 421).await;
    assert!(client.is_closed().await);
}

/// What some servers take for the end of a message, and what hides in front of one.
const SEQUENCES: [&str; 14] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\r.\n",
    "\n.\r",
    "\r\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n.\r\0\n",
    "\r\r\n.\r\r\n",
    "\n\n.\n\n",
    "\r\n.\r\r\n",
];

fn smuggler(sequence: &str) -> Vec<u8> {
    let hidden = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx";
    format!("Subject: outer\r\n\r\nbody{sequence}{hidden}\r\n.\r\n").into_bytes()
}

async fn nothing_is_smuggled_past_the_end_of_a_message() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    for sequence in SEQUENCES {
        let mut client = node.client().await;
        client.send_bytes(ENVELOPE.as_bytes()).await;
        for code in [250, 250, 354] {
            client.expect(code).await;
        }
        client.send_bytes(&smuggler(sequence)).await;
        let refused = client.expect(550).await;
        let text = if sequence.contains('\0') { "5.6.0 NUL" } else { "5.5.2 Bare " };
        let either = refused.lines[0].starts_with(text) || refused.lines[0].starts_with("5.5.2 Bare ");
        assert!(either, "{}: {:?}", sequence.escape_debug(), refused.lines);
        // One answer for one message, and the session is in step.
        client.deliver("alice@example.org", &["bob@example.com"], b"Subject: next\r\n\r\n").await.expect("goes on");
        client.quit().await;
    }
    let got = sink.messages();
    assert_eq!(got.len(), SEQUENCES.len());
    assert!(got.iter().all(|m| m.content == b"Subject: next\r\n\r\n"));
    assert!(!sink.lines().iter().any(|line| line.contains("evil") || line.contains("victim")));
}

async fn wrong_line_ends_are_made_right_where_that_is_wished() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().config(|c| c.smtp[0].line_ends = LineEnds::Normalise).start(&sink).await;
    for sequence in SEQUENCES {
        sink.clear();
        let mut client = node.client().await;
        client.send_bytes(ENVELOPE.as_bytes()).await;
        for code in [250, 250, 354] {
            client.expect(code).await;
        }
        client.send_bytes(&smuggler(sequence)).await;
        client.expect(250).await;
        client.quit().await;
        let got = sink.messages();
        let name = sequence.escape_debug();
        assert_eq!(got.len(), 1, "{name}");
        let content = String::from_utf8(got[0].content.clone()).expect("text");
        assert!(
            content.contains("MAIL FROM:<evil@example.org>") && content.ends_with("\r\nx\r\n"),
            "{name}: {content:?}"
        );
        assert!(!content.replace("\r\n", "").contains(['\r', '\n', '\0']), "{name}: {content:?}");
        assert!(!sink.lines().iter().any(|line| line.contains("evil")), "{name}");
    }
}

async fn commands_cannot_be_hidden_in_addresses() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let lines: [&[u8]; 9] = [
        b"MAIL FROM:<a@example.org>\nRCPT TO:<evil@example.com>\r\n",
        b"MAIL FROM:<a@example.org>\rRCPT TO:<evil@example.com>\r\n",
        b"MAIL FROM:<a\rRCPT TO:<evil@example.com>\r\n",
        b"MAIL FROM:<a\0RCPT TO:<evil@example.com>\r\n",
        b"MAIL FROM:<a@example.org> AUTH=<>\0RCPT TO:<evil@example.com>\r\n",
        b"MAIL FROM:<\"a\\\r\nRCPT TO:<evil@example.com>\"@example.org>\r\n",
        b"MAIL FROM:<a@example.org> RET=FULL\x0bRCPT TO:<evil@example.com>\r\n",
        "MAIL FROM:<a@example.org>\u{85}RCPT TO:<evil@example.com>\r\n".as_bytes(),
        "MAIL FROM:<a\u{2028}RCPT TO:<evil@example.com>@example.org> SMTPUTF8\r\n".as_bytes(),
    ];
    for line in lines {
        let mut client = node.client().await;
        client.send_bytes(line).await;
        let reply = client.reply().await.expect("an answer");
        assert!((500..=555).contains(&reply.code), "{}: {reply:?}", line.escape_ascii());
    }
    assert!(!sink.lines().iter().any(|line| line.contains("evil") || line.starts_with("MAIL")), "{:?}", sink.lines());
}

async fn data_without_a_recipient_takes_no_content() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    let wire =
        "MAIL FROM:<alice@example.org>\r\nDATA\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<x@example.com>\r\n.\r\n";
    client.send_bytes(wire.as_bytes()).await;
    for code in [250, 554, 421] {
        client.expect(code).await;
    }
    assert!(client.is_closed().await);
    assert!(!sink.lines().iter().any(|line| line.contains("evil")));
}
