//! No accepted message is lost, whoever dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::postfix::Options;
use testkit::{Behaviour, Point, Postfix, Sink, peers, sample};

use crate::support::{Mailward, smtp_source, tally, try_send, turn};

/// Pauses between kills, in milliseconds, one after the other: neither too short to get anything
/// done nor in step with anything.
const PAUSES: [u64; 7] = [180, 430, 90, 610, 270, 50, 350];

/// Mail in the queue of a Postfix in front, killed again and again until all of it has arrived.
async fn kill_under_load(messages: usize, kills: usize, patience: Duration) {
    let Some(source) = peers::smtp_source() else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let mut mailward = Mailward::start(sink.address(), "").await;
    let front = Options { relay: Some(mailward.address()), ..Options::default() };
    let Some(postfix) = Postfix::start(&front).await else { return };
    let (outside, address) = (postfix.outside(), mailward.address());
    let load = tokio::spawn(smtp_source(source, outside, messages));
    let done = Arc::new(AtomicBool::new(false));
    let infected = tokio::spawn(send_infected(address, Arc::clone(&done)));
    let start = Instant::now();
    let (mut killed, mut in_the_middle) = (0, 0);
    while killed < kills {
        // Not before something has gone through again: a program that is never up proves nothing.
        let before = sink.count();
        let waited = Instant::now();
        while sink.count() == before && waited.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(PAUSES[killed % PAUSES.len()])).await;
        in_the_middle += usize::from(sink.count() < messages);
        mailward.daemon.restart();
        mailward.daemon.wait_banner(mailward.port).await;
        killed += 1;
    }
    load.await.expect("the load was taken by the Postfix in front");
    let arrived = |sink: &Sink| {
        let clean: Vec<Vec<u8>> =
            sink.messages().into_iter().map(|m| m.content).filter(|c| !is_infected_one(c)).collect();
        tally(clean.iter().map(Vec::as_slice))
    };
    while arrived(&sink).len() < messages {
        assert!(
            start.elapsed() < patience,
            "{} of {messages} arrived, {} queued\n{}",
            arrived(&sink).len(),
            postfix.queued(),
            postfix.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    done.store(true, Ordering::Relaxed);
    let taken = infected.await.expect("the other sender ends");
    let tally = arrived(&sink);
    let duplicates: usize = tally.values().map(|times| times - 1).sum();
    println!(
        "{messages} messages, {killed} kills, {in_the_middle} of them in the middle: none lost, {duplicates} came more \
         than once; {} infected ones taken",
        taken.len()
    );
    assert!(in_the_middle * 2 >= killed, "too late to prove anything: {in_the_middle} of {killed}");
    assert_eq!(tally.len(), messages);
    assert!(duplicates <= killed * 20, "at most what was in work at each kill comes twice: {duplicates}");
    assert!(!taken.is_empty(), "nothing was taken between the kills");
    expect_kept(&mailward, &sink, &taken).await;
}

/// What was accepted with a change has its original in Backup, whole, and was delivered.
async fn expect_kept(mailward: &Mailward, sink: &Sink, taken: &BTreeSet<String>) {
    let kept = mailward.backup().await;
    for subject in taken {
        let needle = format!("{subject}\"");
        assert!(kept.iter().any(|entry| entry.contains(&needle)), "{subject} was accepted and is not in Backup");
        let line = format!("Subject: [Infected object deleted] {subject}\r\n");
        let has = |content: &[u8]| content.windows(line.len()).any(|w| w == line.as_bytes());
        assert!(sink.messages().iter().any(|m| has(&m.content)), "{subject} was accepted and did not arrive");
    }
    let out = mailward.command(&["verify"]).await;
    assert!(out.status.success(), "{out:?}");
}

fn is_infected_one(content: &[u8]) -> bool {
    content.windows(12).any(|w| w == b"infected no ")
}

/// Sends infected messages one after the other until it is told to end; the subjects of those that
/// were accepted.
async fn send_infected(to: std::net::SocketAddr, done: Arc<AtomicBool>) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let subject = format!("infected no {number}");
        if matches!(try_send(to, &sample::eicar_attached(&subject)).await, Ok((250, _))) {
            taken.insert(subject);
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_in_the_middle_of_500_messages_lose_nothing() {
    let _turn = turn().await;
    kill_under_load(500, 8, Duration::from_secs(90)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign faults"]
async fn a_thousand_kills_lose_nothing() {
    let _turn = turn().await;
    // In rounds: each has a new store, queue and next hop, and checks all of them at its end.
    for _ in 0..50 {
        kill_under_load(1_500, 20, Duration::from_secs(600)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_hop_that_dies_and_comes_back_loses_nothing() {
    let _turn = turn().await;
    let Some(source) = peers::smtp_source() else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let at = sink.address();
    let mailward = Mailward::start(at, "").await;
    let front = Options { relay: Some(mailward.address()), ..Options::default() };
    let Some(postfix) = Postfix::start(&front).await else { return };
    let load = tokio::spawn(smtp_source(source, postfix.outside(), 100));
    sink.wait_for(20).await;
    // What it says 250 to from here on would be lost with this test's own memory of it.
    sink.set(Behaviour::accept().reply(Point::End, "451 4.3.2 Going down"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut arrived: Vec<Vec<u8>> = sink.messages().into_iter().map(|m| m.content).collect();
    drop(sink);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(mailward.runs());
    let sink = Sink::start_at(at, Behaviour::accept()).await;
    load.await.expect("the load was taken");
    let whole = |sink: &Sink, before: &[Vec<u8>]| {
        let now: Vec<Vec<u8>> = sink.messages().into_iter().map(|m| m.content).collect();
        tally(before.iter().chain(&now).map(Vec::as_slice))
    };
    testkit::wait_until("all messages", Duration::from_secs(30), || whole(&sink, &arrived).len() == 100).await;
    let tally = whole(&sink, &arrived);
    assert_eq!((tally.len(), tally.values().max()), (100, Some(&1)), "an orderly end makes no duplicates");
    arrived.clear();
}
