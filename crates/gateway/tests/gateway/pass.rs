//! What is not touched: bytes, arguments, offers, answers.

use std::time::{Duration, Instant};

use testkit::{Action, Behaviour, Client, Outcome, Point, Sink, sample};

use crate::node::Setup;
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    a_next_hop_that_does_not_forget_a_message_is_left,
    a_next_hop_that_closed_for_want_of_commands_is_opened_again,
    bytes_arrive_as_they_came,
    large_mail_waits_in_a_file_without_a_name,
    as_19_nothing_of_a_message_stays_once_it_is_handed_over,
    arguments_go_on_unmodified,
    the_offer_is_what_both_sides_have,
    answers_of_the_next_hop_are_ours,
    a_421_of_the_next_hop_ends_the_session,
    a_next_hop_that_is_away_is_a_421,
    a_next_hop_that_refuses_speaks_for_itself,
    a_next_hop_that_goes_away_between_messages_is_found_again,
    a_next_hop_that_hangs_is_a_451_in_time,
    a_next_hop_that_drops_after_the_dot_is_a_451,
    a_next_hop_that_hangs_at_rset_does_not_hold_the_refusal_up,
];

async fn bytes_arrive_as_they_came() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let long = [b"Subject: long\r\n\r\n".as_slice(), &vec![b'x'; 100_000], b"\r\n"].concat();
    let eight: Vec<u8> = [
        b"Subject: \xfc\r\n\r\n".as_slice(),
        &(1..=255).filter(|b| !b"\r\n".contains(b)).collect::<Vec<u8>>(),
        b"\r\n",
    ]
    .concat();
    let cases: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("one line end", b"\r\n".to_vec()),
        ("no header", b"\r\nbody\r\n".to_vec()),
        ("no body", b"Subject: x\r\n".to_vec()),
        ("dots", b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n...\r\na.\r\n.\r\n".to_vec()),
        ("long line", long),
        ("8 bit", eight),
        ("plain", sample::clean("plain")),
        ("multipart", sample::multipart("parts")),
    ];
    let mut client = node.client().await;
    for (name, content) in &cases {
        sink.clear();
        client.deliver("alice@example.org", &["bob@example.com"], content).await.expect(name);
        let got = sink.messages();
        assert_eq!(got.len(), 1, "{name}");
        assert!(
            got[0].content == *content,
            "{name}: {}",
            got[0].content[..got[0].content.len().min(300)].escape_ascii()
        );
    }
    client.quit().await;
    for line in logged::messages(cases.len()).await {
        assert_eq!((line.get("action"), line.get("reply")), ("delivered", "250 2.0.0 Ok: taken"));
    }
    let rows = node.rows(cases.len()).await;
    assert!(rows.iter().all(|row| row.action == "delivered" && row.backup.is_none()));
    assert!(node.backup().is_empty());
}

async fn large_mail_waits_in_a_file_without_a_name() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let content = sample::sized("five megabytes", 5_000_000);
    let mut client = node.client().await;
    for line in ["MAIL FROM:<alice@example.org>", "RCPT TO:<bob@example.com>"] {
        client.command(line, 250).await;
    }
    client.command("DATA", 354).await;
    let wire = testkit::client::stuff(&content);
    let (first, last) = wire.split_at(wire.len() - 1000);
    client.send_bytes(first).await;
    testkit::wait_until("bytes in work", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") >= 4_900_000.0)
        .await;
    assert_eq!(std::fs::read_dir(node.spool()).expect("the directory").count(), 0, "a file with a name");
    client.send_bytes(last).await;
    client.expect(250).await;
    client.quit().await;
    let got = sink.messages();
    assert!(got.len() == 1 && got[0].content == content);
    testkit::wait_until("nothing in work", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") == 0.0).await;
    assert_eq!(logged::message().await.get("size"), "5000000");
}

/// Files below a directory, those without a name that this program has open included.
fn files_below(top: &std::path::Path) -> (Vec<std::path::PathBuf>, usize) {
    let (mut left, mut files) = (vec![top.to_owned()], Vec::new());
    while let Some(path) = left.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => left.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => files.push(path),
        }
    }
    let open = std::fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
    let unnamed = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    (files, unnamed.filter(|to| to.starts_with(top) && to.to_string_lossy().ends_with(" (deleted)")).count())
}

async fn as_19_nothing_of_a_message_stays_once_it_is_handed_over() {
    const MARK: &str = "a line that is nowhere else: 7c1f0a\r\n";
    let (sink, other) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let node = Setup::new().route("other", &["other.example.com"], &[&other]).start(&sink).await;
    let top = std::fs::canonicalize(node.data().parent().expect("a directory")).expect("a directory");
    // In memory, and in a file.
    for lines in [3, 100_000] {
        let mail = [sample::clean("handed over"), MARK.repeat(lines).into_bytes()].concat();
        let mut client = node.client().await;
        client.timeout = testkit::PATIENCE;
        client.command("MAIL FROM:<alice@example.org>", 250).await;
        client.command("RCPT TO:<bob@example.com>", 250).await;
        client.command("RCPT TO:<ann@other.example.com>", 250).await;
        client.command("DATA", 354).await;
        let wire = testkit::client::stuff(&mail);
        let (first, last) = wire.split_at(wire.len() - 5);
        client.send_bytes(first).await;
        if lines > 3 {
            testkit::wait_until("a file without a name", testkit::PATIENCE, || files_below(&top).1 > 0).await;
        }
        client.send_bytes(last).await;
        client.expect(250).await;
        let store = node.service.store();
        assert_eq!((store.queue_list(None, 10).expect("an outbox").len(), node.backup().len()), (0, 0), "{lines}");
        testkit::wait_until("no file without a name", testkit::PATIENCE, || files_below(&top).1 == 0).await;
        client.quit().await;
    }
    assert_eq!((sink.count(), other.count()), (2, 2), "both have both");
    for file in files_below(&top).0 {
        let content = std::fs::read(&file).unwrap_or_default();
        let held = content.windows(MARK.len()).any(|part| part == MARK.as_bytes());
        assert!(!held, "{} has it", file.display());
    }
}

async fn arguments_go_on_unmodified() {
    let sink =
        Sink::start(Behaviour::accept().extension("AUTH PLAIN").extension("DELIVERBY").extension("MT-PRIORITY")).await;
    let node = Setup::untouched().policy(|p| p.spam.skip_postmaster = false).start(&sink).await;
    let mut client = node.client().await;
    let lines = [
        "MAIL FROM:<alice@example.org> SIZE=900 BODY=8BITMIME RET=HDRS ENVID=QQ+2B314159 AUTH=<>",
        "RCPT TO:<bob@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@example.com",
        "RCPT TO:<carol@[192.0.2.1]> NOTIFY=NEVER",
        "RCPT TO:<\"quoted @ local\"@example.com>",
        "RCPT TO:<Postmaster>",
    ];
    for line in lines {
        client.command(line, 250).await;
    }
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&sample::clean("arguments"))).await;
    client.expect(250).await;
    for line in [
        "MAIL FROM:<j\u{f8}rg@example.org> SMTPUTF8 BODY=8BITMIME MT-PRIORITY=-3 BY=120;R",
        "RCPT TO:<b\u{f8}b@b\u{fc}cher.example> ORCPT=utf-8;b\u{f8}b@example.com",
    ] {
        client.command(line, 250).await;
    }
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&sample::clean("arguments"))).await;
    client.expect(250).await;
    client.quit().await;
    let got = sink.messages();
    assert_eq!(got[0].mail, "<alice@example.org> SIZE=900 BODY=8BITMIME RET=HDRS ENVID=QQ+2B314159 AUTH=<>");
    let expected: Vec<&str> = lines[1..].iter().map(|l| l.strip_prefix("RCPT TO:").expect("a recipient")).collect();
    assert_eq!(got[0].recipients, expected);
    assert_eq!(got[1].mail, "<j\u{f8}rg@example.org> SMTPUTF8 BODY=8BITMIME MT-PRIORITY=-3 BY=120;R");
    assert_eq!(got[1].recipients, ["<b\u{f8}b@b\u{fc}cher.example> ORCPT=utf-8;b\u{f8}b@example.com"]);
}

async fn the_offer_is_what_both_sides_have() {
    let cases: [(&[&str], &[&str]); 4] = [
        (&[], &["PIPELINING", "CHUNKING"]),
        (&["8BITMIME", "CHUNKING", "BINARYMIME"], &["PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME"]),
        (
            &["PIPELINING", "SIZE 1000", "DSN", "ETRN", "VRFY", "XCLIENT NAME", "STARTTLS", "X-UNKNOWN"],
            &["PIPELINING", "SIZE 1000", "CHUNKING", "DSN"],
        ),
        (
            &["SIZE 0", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN SCRAM-SHA-256-PLUS", "XFORWARD NAME ADDR"],
            &["PIPELINING", "SIZE 50000000", "AUTH PLAIN LOGIN", "ENHANCEDSTATUSCODES", "CHUNKING", "SMTPUTF8"],
        ),
    ];
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    for (theirs, ours) in cases {
        sink.set(Behaviour::accept().extensions(theirs));
        let mut client = Client::connect(node.address).await;
        assert_eq!(client.expect(220).await.lines, ["mx.example.com ESMTP Mailward"]);
        let reply = client.command("EHLO client.example.org", 250).await;
        assert_eq!(reply.lines[0], "mx.example.com");
        assert_eq!(reply.lines[1..], *ours, "{theirs:?}");
        client.command("HELO client.example.org", 250).await;
        client.command("MAIL FROM:<a@example.org> SIZE=10", 555).await;
        client.quit().await;
    }
}

/// An answer at a point is given to the client as it came, line for line; nothing is delivered.
async fn answers_of_the_next_hop_are_ours() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let answers: [(u16, &str, &[&str]); 4] = [
        (450, "450 4.2.0 Greylisted, come back", &["4.2.0 Greylisted, come back"]),
        (550, "550 5.1.1 No such user here", &["5.1.1 No such user here"]),
        (
            554,
            "554-5.7.1 first\n554-5.7.1 second <b@x>\n554 5.7.1 third",
            &["5.7.1 first", "5.7.1 second <b@x>", "5.7.1 third"],
        ),
        (421, "421 4.3.2 Closing", &["4.3.2 Closing"]),
    ];
    for point in [Point::Mail, Point::Rcpt, Point::Data, Point::End] {
        for (code, text, lines) in answers {
            sink.set(Behaviour::accept().reply(point, text));
            let mut client = node.client().await;
            let refused = client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("x")).await;
            let refused = refused.expect_err("a refusal");
            assert_eq!((refused.code, refused.lines.as_slice()), (code, lines.map_to_owned().as_slice()), "{point:?}");
            if code == 421 {
                assert!(client.is_closed().await, "{point:?}");
                continue;
            }
            sink.set(Behaviour::accept());
            client.command("RSET", 250).await;
            client.deliver("alice@example.org", &["bob@example.com"], b"Subject: x\r\n\r\n").await.expect("goes on");
            client.quit().await;
        }
    }
    assert_eq!(sink.count(), 12);
    assert_eq!(sink.attempts().iter().filter(|m| m.outcome == Outcome::Refused).count(), 4);
    let refused: Vec<_> = node.rows(20).await.into_iter().filter(|row| !row.reply.starts_with("250")).collect();
    assert_eq!(refused.len(), 8, "DATA and the end of data");
}

trait Owned {
    fn map_to_owned(&self) -> Vec<String>;
}

impl Owned for &[&str] {
    fn map_to_owned(&self) -> Vec<String> {
        self.iter().map(|s| (*s).to_owned()).collect()
    }
}

async fn a_421_of_the_next_hop_ends_the_session() {
    let sink =
        Sink::start(Behaviour::accept().on(Point::Rcpt, Action::ReplyAndClose("421 4.3.2 Going down".to_owned())))
            .await;
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    assert_eq!(client.command("RCPT TO:<bob@example.com>", 421).await.lines, ["4.3.2 Going down"]);
    assert!(client.is_closed().await);
}

async fn a_next_hop_that_is_away_is_a_421() {
    let away = ([127, 0, 0, 1], testkit::free_port()).into();
    let node = Setup::new().start_before(away).await;
    for greeting in ["EHLO client.example.org", "HELO client.example.org"] {
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        let reply = client.command(greeting, 421).await;
        assert_eq!(reply.lines, ["4.3.0 Next hop is not available, please try again later"]);
        assert!(client.is_closed().await);
    }
    testkit::wait_until("the figure", testkit::PATIENCE, || {
        node.figure("mailward_smtp_sessions_total{end=\"next_hop\"}") == 2.0
    })
    .await;
}

async fn a_next_hop_that_refuses_speaks_for_itself() {
    for point in [Point::Connect, Point::Hello] {
        let sink = Sink::start(Behaviour::accept().reply(point, "554 5.3.2 We take no mail")).await;
        let node = Setup::new().start(&sink).await;
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        assert_eq!(client.command("EHLO client.example.org", 554).await.lines, ["5.3.2 We take no mail"], "{point:?}");
        client.command("MAIL FROM:<a@example.org>", 503).await;
        client.quit().await;
        sink.set(Behaviour::accept().reply(point, "451 4.3.2 Not now"));
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        client.command("EHLO client.example.org", 421).await;
        assert!(client.is_closed().await);
    }
}

async fn a_next_hop_that_goes_away_between_messages_is_found_again() {
    let sink = Sink::start(Behaviour::accept()).await;
    let at = sink.address();
    let node = Setup::untouched().start(&sink).await;
    let mut client = node.client().await;
    client.deliver("alice@example.org", &["bob@example.com"], b"Subject: 1\r\n\r\n").await.expect("there");
    away(sink).await;
    let reply = client.command("MAIL FROM:<alice@example.org>", 451).await;
    assert_eq!(reply.lines, ["4.4.1 Next hop is not available, please try again later"]);
    let sink = Sink::start_at(at, Behaviour::accept()).await;
    client.deliver("alice@example.org", &["bob@example.com"], b"Subject: 2\r\n\r\n").await.expect("back");
    assert_eq!(sink.messages()[0].content, b"Subject: 2\r\n\r\n");
    // One that closed idle connections meanwhile is not even noticed.
    away(sink).await;
    let sink = Sink::start_at(at, Behaviour::accept()).await;
    client.deliver("alice@example.org", &["bob@example.com"], b"Subject: 3\r\n\r\n").await.expect("back");
    assert_eq!(sink.messages()[0].content, b"Subject: 3\r\n\r\n");
    // In the middle of a transaction it is a 451, and the transaction is over.
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    away(sink).await;
    client.command("RCPT TO:<bob@example.com>", 451).await;
    let _sink = Sink::start_at(at, Behaviour::accept()).await;
    client.command("RSET", 250).await;
    client.deliver("alice@example.org", &["bob@example.com"], b"Subject: 4\r\n\r\n").await.expect("back");
    client.quit().await;
}

/// Ends a next hop, with all its sessions, and waits until its port is free.
async fn away(sink: Sink) {
    let at = sink.address();
    drop(sink);
    testkit::wait_until("the port to be free", testkit::PATIENCE, || {
        std::net::TcpStream::connect_timeout(&at, Duration::from_millis(100)).is_err()
    })
    .await;
}

async fn a_next_hop_that_hangs_is_a_451_in_time() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().deadline(1_500).start(&sink).await;
    for point in [Point::End, Point::Data] {
        sink.set(Behaviour::accept().on(point, Action::Hang));
        let started = Instant::now();
        let reply = node.send(&sample::clean("x")).await;
        assert_eq!(
            (reply.code, reply.lines[0].as_str()),
            (451, "4.4.2 Lost the connection to the next hop, please try again later"),
            "{point:?}"
        );
        let took = started.elapsed();
        assert!(took > Duration::from_millis(1_300) && took < Duration::from_secs(4), "{point:?}: {took:?}");
    }
    assert_eq!(sink.count(), 0);
    let lines = logged::messages(2).await;
    assert!(lines.iter().all(|line| line.get("reply").starts_with("451 4.4.2")));
    assert_eq!(
        node.figure(
            "mailward_messages_total{surface=\"smtp\",direction=\"incoming\",status=\"clean\",action=\"not_accepted\"}"
        ),
        2.0
    );
}

async fn a_next_hop_that_drops_after_the_dot_is_a_451() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    for point in [Point::End, Point::Content, Point::Data] {
        sink.set(Behaviour::accept().on(point, Action::Close));
        let mut client = node.client().await;
        let reply =
            client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("x")).await.expect_err("gone");
        assert_eq!(reply.code, 451, "{point:?}");
        sink.set(Behaviour::accept());
        client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("again")).await.expect("found again");
        client.quit().await;
    }
    assert_eq!(sink.count(), 3);
}

async fn a_next_hop_that_hangs_at_rset_does_not_hold_the_refusal_up() {
    let sink = Sink::start(Behaviour::accept().on(Point::Reset, Action::Hang)).await;
    let node = Setup::new().policy(|p| p.malware.action = judge::policy::MalwareAction::Block).start(&sink).await;
    let started = Instant::now();
    let mut client = node.client().await;
    let refused = client.deliver("alice@example.org", &["bob@example.com"], &sample::eicar_attached("x")).await;
    assert_eq!(refused.expect_err("infected").code, 550);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    // The session goes on, with a next hop that answers.
    client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("y")).await.expect("a new connection");
    assert_eq!(sink.connections(), 2);
    client.quit().await;
}

/// Its recipients would get the next message too.
async fn a_next_hop_that_does_not_forget_a_message_is_left() {
    let sink =
        Sink::start(Behaviour::accept().on_first(1, Point::Reset, Action::Reply("452 4.3.0 No".to_owned()))).await;
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    client.command("RCPT TO:<first@example.com>", 250).await;
    client.command("RSET", 250).await;
    let done = client.deliver("alice@example.org", &["second@example.com"], &sample::clean("x")).await;
    assert_eq!(done.expect("taken").code, 250);
    client.quit().await;
    assert_eq!(sink.connections(), 2, "what follows goes another way");
    assert_eq!(sink.messages()[0].recipients.len(), 1);
}

async fn a_next_hop_that_closed_for_want_of_commands_is_opened_again() {
    let late = Action::ReplyAndClose("421 4.4.2 Timeout exceeded".to_owned());
    let sink = Sink::start(Behaviour::accept().on_first(1, Point::Mail, late)).await;
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    let done = client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("x")).await;
    assert_eq!((done.expect("taken").code, sink.count()), (250, 1));
    client.quit().await;
}
