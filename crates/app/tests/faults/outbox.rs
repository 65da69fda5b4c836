//! The outbox of a daemon that is killed: what was accepted arrives, everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use testkit::{Action, Behaviour, Client, Point, Sink, sample};

use crate::support::{Mailward, PROGRAM, run, turn};

/// How often it is killed.
const KILLS: usize = 6;

/// Sends one message to a recipient of each route; whether it was accepted.
async fn send(to: std::net::SocketAddr, subject: &str) -> bool {
    let work = async {
        let mut stream = tokio::net::TcpStream::connect(to).await.ok()?;
        let lines = [
            "EHLO x",
            "MAIL FROM:<alice@example.org>",
            "RCPT TO:<a@example.com>",
            "RCPT TO:<b@two.example.com>",
            "DATA",
        ];
        let mut code = crate::support::reply(&mut stream).await.ok()?.0;
        for line in lines {
            if code >= 400 {
                return None;
            }
            tokio::io::AsyncWriteExt::write_all(&mut stream, format!("{line}\r\n").as_bytes()).await.ok()?;
            code = crate::support::reply(&mut stream).await.ok()?.0;
        }
        let content = testkit::client::stuff(&sample::clean(subject));
        tokio::io::AsyncWriteExt::write_all(&mut stream, &content).await.ok()?;
        crate::support::reply(&mut stream).await.ok().filter(|(code, _)| *code == 250)
    };
    tokio::time::timeout(Duration::from_secs(30), work).await.ok().flatten().is_some()
}

/// How often each subject came.
fn subjects(sink: &Sink) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for message in sink.messages() {
        let text = String::from_utf8_lossy(&message.content).into_owned();
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned));
        *seen.entry(subject.unwrap_or_default()).or_default() += 1;
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_outbox_survives_kills_and_arrives() {
    let _turn = turn().await;
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    // Half of it does not take the second route at once, and has to wait.
    let later = || Behaviour::accept().on_first(5, Point::End, Action::Reply("451 4.3.0 Later".to_owned()));
    let more = format!(
        "[outbox]\nfirst_retry = \"1 s\"\nlongest_retry = \"1 s\"\n[[route]]\ndomains = [\"two.example.com\"]\n\
         hops = [\"{}\"]\ntls = \"none\"\n",
        two.address()
    );
    let mut mailward = Mailward::start(one.address(), &more).await;
    let (mut accepted, mut number, mut waited) = (BTreeSet::new(), 0, 0);
    for kill in 0..KILLS {
        two.set(later());
        let until = Instant::now() + Duration::from_millis(400 + 170 * kill as u64);
        while Instant::now() < until {
            let subject = format!("number {number}");
            number += 1;
            if send(mailward.address(), &subject).await {
                accepted.insert(subject);
            }
        }
        waited += two.attempts().len() - two.count();
        mailward.daemon.restart();
        mailward.daemon.wait_banner(mailward.port).await;
    }
    two.set(Behaviour::accept());
    let all = |sink: &Sink| accepted.iter().all(|subject| subjects(sink).contains_key(subject));
    let start = Instant::now();
    while !(all(&one) && all(&two)) {
        assert!(start.elapsed() < Duration::from_secs(60), "lost: {}", mailward.daemon.log().join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(waited > 0 && accepted.len() > 20, "{waited} waited, {} accepted", accepted.len());
    let doubled: usize = [&one, &two].iter().flat_map(|sink| subjects(sink).into_values()).map(|n| n - 1).sum();
    println!("{} accepted over {KILLS} kills, {waited} attempts deferred, {doubled} came twice", accepted.len());
    assert!(doubled <= 4 * KILLS, "only what was in work at a kill may come twice: {doubled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_seen_and_changed_from_the_command_line() {
    let _turn = turn().await;
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    two.set(Behaviour::accept().reply(Point::End, "451 4.3.0 Come later"));
    let more = format!("[[route]]\ndomains = [\"two.example.com\"]\nhops = [\"{}\"]\ntls = \"none\"\n", two.address());
    let mailward = Mailward::start(one.address(), &more).await;
    let mut client = Client::open(mailward.address()).await;
    let to = ["a@example.com", "b@two.example.com"];
    client.deliver("alice@example.org", &to, &sample::clean("waits")).await.expect("taken");
    client.quit().await;
    let queue = async |args: &[&str]| {
        let mut command = std::process::Command::new(PROGRAM);
        command.args(["queue", "--config"]).arg(mailward.daemon.config()).args(args);
        let out = run(command).await;
        assert!(out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stdout).expect("text")
    };
    let listed = queue(&["list"]).await;
    let id = listed.split(' ').next().expect("an id").to_owned();
    assert!(listed.contains("remainder") && listed.contains("alice@example.org -> b@two.example.com"), "{listed}");
    testkit::wait_until("an attempt", testkit::PATIENCE, || two.attempts().len() > 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let shown = queue(&["show", &id]).await;
    assert!(shown.contains("Waits          b@two.example.com") && shown.contains("451 4.3.0 Come later"), "{shown}");
    assert_eq!(queue(&["hold", &id]).await, "1 held\n");
    assert!(queue(&["list"]).await.contains("next held"));
    two.set(Behaviour::accept());
    assert_eq!(queue(&["retry", "--all"]).await, "0 to be tried now\n", "held mail is not of them");
    assert_eq!(queue(&["retry", &id]).await, "1 to be tried now\n");
    two.wait_for(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(queue(&["list", "--format", "json"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_drained_into_a_postfix_over_kills() {
    const MAILS: usize = 30;
    const ROUNDS: usize = 2;
    let _turn = turn().await;
    let Some(postfix) = testkit::Postfix::start(&testkit::postfix::Options::default()).await else { return };
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    two.set(Behaviour::accept().reply(Point::End, "451 4.3.0 Later"));
    // One attempt at a time: at most one message is in work at a kill.
    let more = format!(
        "[outbox]\nfirst_retry = \"1 s\"\nlongest_retry = \"1 s\"\nconnections = 1\nconnections_per_route = 1\n\
         [[route]]\ndomains = [\"example.com\"]\nhops = [\"{}\"]\ntls = \"none\"\n",
        two.address()
    );
    let mut mailward = Mailward::start(one.address(), &more).await;
    let mut client = Client::open(mailward.address()).await;
    for number in 0..MAILS {
        let to = ["a@example.org", "b@example.com"];
        client.deliver("alice@example.net", &to, &sample::clean(&format!("queued {number}"))).await.expect("taken");
    }
    client.quit().await;
    assert_eq!((one.count(), two.count()), (MAILS, 0), "half of each waits");

    // From now on a Postfix is there.
    let config = mailward.daemon.config();
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let there = text.replace(&two.address().to_string(), &postfix.outside().to_string());
    std::fs::write(&config, there).expect("written");
    for round in 0..ROUNDS {
        mailward.daemon.restart();
        let before = postfix.count_delivered();
        let some = || postfix.count_delivered() > before || postfix.count_delivered() >= MAILS;
        testkit::wait_until(&format!("round {round}"), Duration::from_secs(60), some).await;
    }
    mailward.daemon.restart();
    let subject = |mail: &Vec<u8>| {
        let text = String::from_utf8_lossy(mail).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    let arrived = || postfix.delivered().iter().map(subject).collect::<BTreeSet<_>>();
    let all: BTreeSet<String> = (0..MAILS).map(|number| format!("queued {number}")).collect();
    testkit::wait_until("all of it", Duration::from_secs(90), || arrived() == all).await;
    let doubled = postfix.count_delivered() - MAILS;
    println!("{MAILS} into Postfix over {} kills, {doubled} came twice", ROUNDS + 1);
    assert!(doubled <= ROUNDS + 1, "only what was in work at a kill may come twice: {doubled}");
}
