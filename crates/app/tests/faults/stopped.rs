//! What Mailward depends on does not answer: frozen by a signal, so that its system still takes connections for it.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::postfix::Options;
use testkit::{Behaviour, Client, Postfix, Sink, peers, sample};

use crate::behind::{Behind, Clamd, SmtpSink, of_the_load};
use crate::support::{Mailward, row, smtp_source, tally, turn};

/// The deadline of a message in these tests, and of a connection.
const DEADLINE: &str = "4 s";
/// What may come on top on a machine that does other things as well.
const BUSY: Duration = Duration::from_secs(20);

/// A policy in which messages have little time.
fn hurried(dir: &tempfile::TempDir) -> String {
    let path = dir.path().join("policy.toml");
    std::fs::write(&path, format!("[limits]\ndeadline = \"{DEADLINE}\"\n")).expect("written");
    format!("[policy]\nfile = \"{}\"\n", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_next_hop_is_a_temporary_failure_in_time() {
    let _turn = turn().await;
    let Some(sink) = SmtpSink::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let config = crate::support::config(testkit::free_port(), sink.address, &hurried(&dir));
    let config = config.replace("[trust]", "connect_timeout = \"4 s\"\n[trust]");
    let mailward = Mailward::of(&config).await;
    assert_eq!(mailward.send(&sample::clean("before")).await.0, 250);

    // At the end of a message.
    let mut client = Client::open(mailward.address()).await;
    for (line, code) in [("MAIL FROM:<alice@example.org>", 250), ("RCPT TO:<bob@example.com>", 250), ("DATA", 354)] {
        client.command(line, code).await;
    }
    sink.freeze();
    let began = Instant::now();
    client.send_bytes(&testkit::client::stuff(&sample::clean("in the middle"))).await;
    client.expect(451).await;
    let at_end = began.elapsed();
    // At the greeting.
    let began = Instant::now();
    let (code, text) = mailward.send(&sample::clean("at the greeting")).await;
    let at_greeting = began.elapsed();
    assert_eq!(code, 421, "{text}");
    assert!(at_end < BUSY && at_greeting < BUSY, "{at_end:?}, {at_greeting:?}");
    sink.thaw();
    let thawed = Instant::now();
    while mailward.send(&sample::clean("after")).await.0 != 250 {
        assert!(thawed.elapsed() < BUSY, "{}", mailward.daemon.log().join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    row(
        "next hop frozen (SIGSTOP), deadline 4 s",
        &format!(
            "451 after {at_end:.1?} at the end, 421 after {at_greeting:.1?} at the greeting; taken again after {:.1?}",
            thawed.elapsed()
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_clamd_is_a_temporary_failure_in_time() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().expect("a directory");
    let Some(clamd) = Clamd::start(dir.path()).await else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let more = format!("{}[clamd]\naddress = \"unix:{}\"\n", hurried(&dir), clamd.socket.display());
    let mailward = Mailward::start(sink.address(), &more).await;
    assert_eq!(mailward.send(&sample::clean("before")).await.0, 250);
    clamd.signal(Signal::STOP);
    let began = Instant::now();
    let (code, text) = mailward.send(&sample::clean("unseen")).await;
    let took = began.elapsed();
    assert!(code == 451 && took < BUSY, "{code} {text} after {took:?}");
    assert_eq!(sink.count(), 1, "nothing goes on that clamd has not seen");
    clamd.signal(Signal::CONT);
    let thawed = Instant::now();
    while mailward.send(&sample::clean("after")).await.0 != 250 {
        assert!(thawed.elapsed() < BUSY, "{}", mailward.daemon.log().join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    row(
        "clamd frozen (SIGSTOP), deadline 4 s",
        &format!("451 after {took:.1?}, nothing delivered unseen; taken again after {:.1?}", thawed.elapsed()),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_that_never_answers_delays_mail_and_stops_none() {
    let _turn = turn().await;
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
    let dns = socket.local_addr().expect("an address");
    let asked = Arc::new(AtomicUsize::new(0));
    let (ear, count) = (Arc::clone(&socket), Arc::clone(&asked));
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while ear.recv_from(&mut buffer).is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let sink = Sink::start(Behaviour::accept()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let more = format!("{}[dns]\nservers = [\"{dns}\"]\ntimeout = \"1 s\"\n", hurried(&dir));
    let config = crate::support::config(testkit::free_port(), sink.address(), &more);
    let mailward = Mailward::of(&config.replace("[trust]", "[trust]\ntrusted_relays = [\"127.0.0.1\"]")).await;
    let mut client = Client::open(mailward.address()).await;
    client.command("XFORWARD ADDR=198.51.100.7 HELO=mail.example.org", 250).await;
    let began = Instant::now();
    let sent = client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("nobody knows")).await;
    let took = began.elapsed();
    assert!(sent.is_ok() && took < BUSY, "{sent:?} after {took:?}");
    assert!(asked.load(Ordering::Relaxed) > 0, "it was asked");
    let got = String::from_utf8_lossy(&sink.messages()[0].content).into_owned();
    assert!(got.contains("spf=temperror"), "{got}");
    row("name server that never answers, 1 s a question", &format!("250 after {took:.1?}, spf=temperror"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_loses_and_doubles_nothing() {
    const MESSAGES: usize = 300;
    let _turn = turn().await;
    let Some(source) = peers::smtp_source() else { return };
    let behind = Behind::Ours(Sink::start(Behaviour::accept()).await);
    let mut mailward = Mailward::start(behind.address(), "").await;
    let front = Options { relay: Some(mailward.address()), ..Options::default() };
    let Some(postfix) = Postfix::start(&front).await else { return };
    let load = tokio::spawn(smtp_source(source, postfix.outside(), MESSAGES));
    let mut longest = Duration::ZERO;
    for part in 1..=3 {
        let some = || behind.count() >= MESSAGES * part / 4;
        testkit::wait_until("mail under way", testkit::PATIENCE, some).await;
        let began = Instant::now();
        assert!(mailward.daemon.terminate(Duration::from_secs(45)).await.success());
        longest = longest.max(began.elapsed());
        mailward.daemon.restart();
        mailward.daemon.wait_banner(mailward.port).await;
    }
    load.await.expect("the load was taken by the Postfix in front");
    testkit::wait_until("all of it", Duration::from_secs(120), || behind.count() >= MESSAGES).await;
    testkit::wait_until("an empty queue in front", testkit::PATIENCE, || postfix.queued() == 0).await;
    let tally = tally(of_the_load(behind.messages()).iter().map(Vec::as_slice));
    assert_eq!((tally.len(), tally.values().max()), (MESSAGES, Some(&1)), "each exactly once");
    assert!(longest < Duration::from_secs(35), "{longest:?}");
    row(
        "SIGTERM three times under load",
        &format!("{MESSAGES} messages: 0 lost, 0 twice; the longest stop took {longest:.1?}"),
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign faults"]
async fn a_stop_with_a_frozen_next_hop_ends_in_time() {
    const SESSIONS: usize = 20;
    let _turn = turn().await;
    let Some(sink) = SmtpSink::start().await else { return };
    let mut mailward = Mailward::start(sink.address, "").await;
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        let mut client = Client::open(mailward.address()).await;
        for (line, code) in [("MAIL FROM:<alice@example.org>", 250), ("RCPT TO:<bob@example.com>", 250), ("DATA", 354)]
        {
            client.command(line, code).await;
        }
        clients.push(client);
    }
    sink.freeze();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send_bytes(&testkit::client::stuff(&sample::clean(&format!("stuck {number}")))).await;
    }
    let began = Instant::now();
    assert!(mailward.daemon.terminate(Duration::from_secs(45)).await.success());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(35), "{took:?}");
    for client in &mut clients {
        let said = client.reply().await;
        assert!(!said.as_ref().is_ok_and(|reply| reply.code < 400), "nobody has it: {said:?}");
    }
    row("SIGTERM with 20 messages for a frozen next hop", &format!("ended after {took:.1?}, none accepted"));
}
