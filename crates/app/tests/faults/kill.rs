//! No accepted message is lost, whoever dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::postfix::Options;
use testkit::{Behaviour, Point, Postfix, Sink, peers, sample};

use crate::behind::{Behind, Kind, of_the_load};
use crate::support::{Mailward, row, smtp_source, tally, try_send, turn};

/// Longest pause before a kill once mail goes through again, in milliseconds: shorter than most messages take in all,
/// so that it meets every step of some.
const PAUSE: u64 = 650;

/// Numbers that look like chance; the same ones for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// What came of a round.
#[derive(Debug, Default)]
struct Round {
    messages: usize,
    kills: usize,
    in_the_middle: usize,
    doubled: usize,
    kept: usize,
}

/// Mail in the queue of a Postfix in front, killed again and again until all of it has arrived.
async fn kill_under_load(
    kind: Kind,
    messages: usize,
    kills: usize,
    chance: &mut Chance,
    patience: Duration,
) -> Option<Round> {
    let source = peers::smtp_source()?;
    let behind = Behind::start(kind).await?;
    let mut mailward = Mailward::start(behind.address(), "").await;
    let front = Options { relay: Some(mailward.address()), ..Options::default() };
    let postfix = Postfix::start(&front).await?;
    let (outside, address) = (postfix.outside(), mailward.address());
    let load = tokio::spawn(smtp_source(source, outside, messages));
    let done = Arc::new(AtomicBool::new(false));
    let infected = tokio::spawn(send_infected(address, Arc::clone(&done)));
    let start = Instant::now();
    let (mut killed, mut in_the_middle) = (0, 0);
    while killed < kills {
        // Not before something has gone through again: a program that is never up proves nothing.
        let before = behind.count();
        let waited = Instant::now();
        while behind.count() == before && waited.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(chance.below(PAUSE))).await;
        in_the_middle += usize::from(behind.count() < messages);
        mailward.daemon.restart();
        mailward.daemon.wait_banner(mailward.port).await;
        killed += 1;
    }
    load.await.expect("the load was taken by the Postfix in front");
    let arrived = || tally(of_the_load(behind.messages()).iter().map(Vec::as_slice));
    while arrived().len() < messages {
        assert!(
            start.elapsed() < patience,
            "{} of {messages} arrived, {} queued\n{}",
            arrived().len(),
            postfix.queued(),
            postfix.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    done.store(true, Ordering::Relaxed);
    let taken = infected.await.expect("the other sender ends");
    let tally = arrived();
    let doubled: usize = tally.values().map(|times| times - 1).sum();
    assert!(in_the_middle * 2 >= killed, "too late to prove anything: {in_the_middle} of {killed}");
    assert_eq!(tally.len(), messages);
    assert!(doubled <= killed * 20, "at most what was in work at each kill comes twice: {doubled}");
    assert!(!taken.is_empty(), "nothing was taken between the kills");
    expect_kept(&mailward, &behind, &taken).await;
    Some(Round { messages, kills: killed, in_the_middle, doubled, kept: taken.len() })
}

/// What was accepted with a change has its original in Backup, whole, and was delivered.
async fn expect_kept(mailward: &Mailward, behind: &Behind, taken: &BTreeSet<String>) {
    let kept = mailward.backup().await;
    // A Postfix behind takes its time with what it has accepted.
    let start = Instant::now();
    for subject in taken {
        let needle = format!("{subject}\"");
        assert!(kept.iter().any(|entry| entry.contains(&needle)), "{subject} was accepted and is not in Backup");
        let line = format!("Subject: [Infected object deleted] {subject}\r\n");
        let has = |content: &Vec<u8>| content.windows(line.len()).any(|w| w == line.as_bytes());
        while !behind.messages().iter().any(has) {
            assert!(start.elapsed() < testkit::PATIENCE, "{subject} was accepted and did not arrive");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let out = mailward.command(&["verify"]).await;
    assert!(out.status.success(), "{out:?}");
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
    let mut chance = Chance(0x6d61_696c);
    kill_under_load(Kind::Ours, 500, 8, &mut chance, Duration::from_secs(90)).await;
    kill_under_load(Kind::Postfix, 100, 2, &mut chance, Duration::from_secs(90)).await;
    kill_under_load(Kind::SmtpSink, 100, 2, &mut chance, Duration::from_secs(90)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign faults"]
async fn a_thousand_kills_lose_nothing() {
    const ROUNDS: usize = 51;
    const KILLS: usize = 20;
    let _turn = turn().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seed = now.as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut chance = Chance(seed);
    let kinds = [Kind::Postfix, Kind::SmtpSink, Kind::Ours];
    let mut sums = [Round::default(), Round::default(), Round::default()];
    // In rounds: each has a new store, queue and next hop, and checks all of them at its end.
    for round in 0..ROUNDS {
        let at = round % kinds.len();
        let done = kill_under_load(kinds[at], 1_500, KILLS, &mut chance, Duration::from_secs(900)).await;
        let Some(done) = done else { return };
        println!("round {round}, {:?}: {done:?}", kinds[at]);
        let sum = &mut sums[at];
        *sum = Round {
            messages: sum.messages + done.messages,
            kills: sum.kills + done.kills,
            in_the_middle: sum.in_the_middle + done.in_the_middle,
            doubled: sum.doubled + done.doubled,
            kept: sum.kept + done.kept,
        };
    }
    for (kind, sum) in kinds.iter().zip(&sums) {
        row(
            &format!(
                "{} kill -9 ({} with mail under way), Postfix in front, next hop {kind:?}",
                sum.kills, sum.in_the_middle
            ),
            &format!(
                "{} messages: 0 lost, 0 damaged, {} came twice; {} changed ones: all in Backup, whole",
                sum.messages, sum.doubled, sum.kept
            ),
        );
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
