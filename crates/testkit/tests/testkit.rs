//! The helpers against each other and against real programs: what tests rely on must hold.

use std::process::Command;
use std::time::Duration;

use testkit::postfix::Options;
use testkit::{Action, Behaviour, Client, Daemon, Outcome, Point, Postfix, Sink, peers, sample};

#[tokio::test]
async fn a_sink_keeps_envelope_and_content_byte_for_byte() {
    let sink = Sink::start(Behaviour::accept()).await;
    let mut client = Client::open(sink.address()).await;
    let content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\rthree\r\nend\r\n";
    client.deliver("alice@example.org", &["bob@example.com", "eve@example.com"], content).await.expect("accepted");
    client.command("MAIL FROM:<> SIZE=100", 250).await;
    client.command("RCPT TO:<bob@example.com> NOTIFY=NEVER", 250).await;
    client.command("DATA", 354).await;
    client.send_bytes(b".\r\n").await;
    client.expect(250).await;
    client.quit().await;

    let messages = sink.wait_for(2).await;
    assert_eq!(messages[0].sender(), "alice@example.org");
    assert_eq!(messages[0].addresses(), ["bob@example.com", "eve@example.com"]);
    assert_eq!(messages[0].content.escape_ascii().to_string(), content.escape_ascii().to_string());
    assert_eq!((messages[1].sender(), messages[1].size), ("", 0));
    assert_eq!(messages[1].recipients, ["<bob@example.com> NOTIFY=NEVER"]);
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn a_sink_refuses_where_it_is_told_to() {
    let behaviour = Behaviour::accept()
        .on_text(Point::Rcpt, "eve@", Action::Reply("550 5.1.1 no Eve".to_owned()))
        .on_first(1, Point::End, Action::Reply("451 4.3.0 later".to_owned()));
    let sink = Sink::start(behaviour).await;
    let mut client = Client::open(sink.address()).await;
    let mail = sample::clean("one");
    let refused = client.deliver("alice@example.org", &["eve@example.com"], &mail).await.expect_err("no Eve");
    assert_eq!(refused.code, 550);
    let later = client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect_err("later");
    assert_eq!(later.code, 451);
    client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("now it is taken");
    let outcomes: Vec<Outcome> = sink.attempts().iter().map(|m| m.outcome).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Accepted]);
}

#[tokio::test]
async fn a_sink_hangs_up_closes_and_waits_when_told_to() {
    for (at, action) in [
        (Point::Connect, Action::Close),
        (Point::Connect, Action::ReplyAndClose("421 4.3.2 away".to_owned())),
        (Point::Content, Action::Close),
        (Point::End, Action::Close),
    ] {
        let sink = Sink::start(Behaviour::accept().on(at, action.clone())).await;
        let mut client = Client::connect(sink.address()).await;
        if at == Point::Connect {
            if let Action::ReplyAndClose(_) = action {
                client.expect(421).await;
            }
        } else {
            client.expect(220).await;
            for (line, code) in [
                ("HELO client.example.org", 250),
                ("MAIL FROM:<alice@example.org>", 250),
                ("RCPT TO:<bob@example.com>", 250),
                ("DATA", 354),
            ] {
                client.command(line, code).await;
            }
            client.send_bytes(b"Subject: x\r\n\r\nx\r\n.\r\n").await;
        }
        assert!(client.is_closed().await, "{at:?} {action:?}");
        assert_eq!(sink.count(), 0);
    }
    let sink = Sink::start(Behaviour::accept().on(Point::Mail, Action::Hang)).await;
    let mut client = Client::open(sink.address()).await;
    client.timeout = Duration::from_millis(200);
    client.send_line("MAIL FROM:<alice@example.org>").await;
    assert!(client.reply().await.is_err_and(|e| e.kind() == std::io::ErrorKind::TimedOut));
}

#[tokio::test]
async fn a_sink_speaks_tls_and_takes_credentials() {
    let sink = Sink::start(Behaviour::accept().extension("STARTTLS").extension("AUTH PLAIN LOGIN")).await;
    let mut client = Client::connect(sink.address()).await;
    client.expect(220).await;
    assert!(client.command("EHLO client.example.org", 250).await.offers("STARTTLS"));
    assert!(!client.start_tls().await.offers("STARTTLS"));
    client.command("AUTH LOGIN", 334).await;
    client.command("dXNlcg==", 334).await;
    client.command("cGFzcw==", 235).await;
    client.deliver("alice@example.org", &["bob@example.com"], &sample::multipart("tls")).await.expect("accepted");
    let message = &sink.messages()[0];
    assert!(message.tls);
    assert_eq!(message.auth, ["LOGIN", "dXNlcg==", "cGFzcw=="]);
}

#[tokio::test]
async fn a_slow_sink_reads_slowly() {
    let sink = Sink::start(Behaviour::accept().slow(1000, Duration::from_millis(20))).await;
    let mut client = Client::open(sink.address()).await;
    let start = std::time::Instant::now();
    client.deliver("alice@example.org", &["bob@example.com"], &sample::sized("slow", 10_000)).await.expect("accepted");
    assert!(start.elapsed() >= Duration::from_millis(180), "{:?}", start.elapsed());
    assert_eq!(sink.messages()[0].size, 10_000);
}

#[tokio::test]
async fn postfix_delivers_what_client_and_swaks_send() {
    let Some(postfix) = Postfix::start(&Options::default()).await else { return };
    let mut client = Client::open(postfix.outside()).await;
    let mail = sample::eicar_zipped("by hand");
    client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("accepted");
    client.quit().await;
    let mut expected = 1;
    if let Some(swaks) = peers::swaks() {
        let port = postfix.inside().port().to_string();
        let args = ["--server", "127.0.0.1", "--port", &port, "--from", "a@example.org", "--to", "b@example.com"];
        let out =
            Command::new(swaks).args(args).args(["--header", "Subject: swaks was here"]).output().expect("swaks runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
        expected = 2;
    }
    let delivered = postfix.wait_for(expected).await;
    assert_eq!(postfix.count_delivered(), expected);
    let text: Vec<String> = delivered.iter().map(|m| String::from_utf8_lossy(m).into_owned()).collect();
    let attachment = sample::base64(b"PK\x03\x04");
    assert!(text.iter().any(|t| t.contains("Subject: by hand") && t.contains(&attachment[..5])), "{text:?}");
    assert_eq!(text.iter().filter(|t| t.contains("swaks was here")).count(), expected - 1);
}

#[tokio::test]
async fn postfix_passes_mail_through_a_filter_and_on_to_a_next_hop() {
    let next = Sink::start(Behaviour::accept()).await;
    let filter = Sink::start(Behaviour::accept()).await;
    let options = Options { filter: Some(filter.port()), relay: Some(next.address()), ..Options::default() };
    let Some(postfix) = Postfix::start(&options).await else { return };
    let mut client = Client::open(postfix.outside()).await;
    client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("filtered")).await.expect("accepted");
    assert!(filter.messages()[0].xforward.iter().any(|x| x.contains("ADDR=127.0.0.1")), "{:?}", filter.lines());
    let mut client = Client::open(postfix.inside()).await;
    client
        .deliver("alice@example.org", &["bob@elsewhere.example.com"], &sample::clean("inside"))
        .await
        .expect("accepted");
    let arrived = next.wait_for(1).await;
    assert_eq!(arrived[0].addresses(), ["bob@elsewhere.example.com"]);
    assert!(String::from_utf8_lossy(&arrived[0].content).contains("Subject: inside"));
}

#[tokio::test]
async fn a_daemon_is_started_watched_killed_and_started_again() {
    // Stands in for the program: a shell that reads its configuration as its script.
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("stand-in");
    std::fs::write(&program, "#!/bin/sh\ntest \"$1 $2\" = 'serve --config' || exit 9\n. \"$3\"\n").expect("written");
    let mut permissions = std::fs::metadata(&program).expect("there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&program, permissions).expect("set");

    let script =
        "trap 'echo bye >&2; exit 3' TERM\necho run >> @dir@/runs\necho ready >&2\nwhile :; do sleep 0.05; done\n";
    let mut daemon = Daemon::start(&program, script);
    assert_eq!(daemon.wait_log("ready").await, "ready");
    daemon.restart();
    testkit::wait_until("a second run", testkit::PATIENCE, || daemon.log().len() >= 2).await;
    let status = daemon.terminate(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(3));
    daemon.wait_log("bye").await;
    let runs = std::fs::read_to_string(daemon.dir().join("runs")).expect("written by the program");
    assert_eq!(runs, "run\nrun\n");
}
