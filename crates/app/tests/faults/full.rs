//! A start with an outbox that is full of mail.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use testkit::{Behaviour, Client, Point, Sink, sample};

use crate::support::{Mailward, PROGRAM, row, run, turn};

/// Who fills it at once.
const SESSIONS: usize = 10;

/// Sends messages for both routes, of which one takes nothing: so many wait in the outbox then.
async fn fill(mailward: &Mailward, mails: usize) {
    let mut senders = tokio::task::JoinSet::new();
    let address = mailward.address();
    for session in 0..SESSIONS {
        senders.spawn(async move {
            let mut client = Client::open(address).await;
            for number in (session..mails).step_by(SESSIONS) {
                let to = ["a@example.com", "b@two.example.com"];
                let mail = sample::clean(&format!("queued {number}"));
                client.deliver("alice@example.org", &to, &mail).await.expect("taken");
            }
            client.quit().await;
        });
    }
    while let Some(done) = senders.join_next().await {
        done.expect("a sender");
    }
}

async fn full_outbox(mails: usize, patience: Duration, start_max: Duration) {
    let one = Sink::start(Behaviour::accept().forget_content()).await;
    let two = Sink::start(Behaviour::accept().reply(Point::End, "451 4.3.0 Later")).await;
    let more = format!(
        "[outbox]\nfirst_retry = \"12 h\"\nlongest_retry = \"12 h\"\n[[route]]\ndomains = [\"two.example.com\"]\n\
         hops = [\"{}\"]\ntls = \"none\"\n",
        two.address()
    );
    let config = crate::support::config(testkit::free_port(), one.address(), &more);
    // The sessions send more than one would.
    let config = format!("{config}[limits]\ncommands = 1000000\n");
    let mut mailward = Mailward::of(&config).await;
    let began = Instant::now();
    fill(&mailward, mails).await;
    let filled = began.elapsed();
    assert_eq!((one.count(), two.count()), (mails, 0));
    // Each is tried at once, and then has to wait.
    testkit::wait_until("every first attempt", patience, || two.tried() >= 2 * mails).await;
    assert!(mailward.daemon.terminate(Duration::from_secs(45)).await.success());

    two.clear();
    two.set(Behaviour::accept());
    let began = Instant::now();
    mailward.daemon.restart();
    mailward.daemon.wait_banner(mailward.port).await;
    let started = began.elapsed();
    assert!(started < start_max, "{started:?}");
    let mut command = std::process::Command::new(PROGRAM);
    command.args(["queue", "--config"]).arg(mailward.daemon.config()).args(["retry", "--all"]);
    let out = run(command).await;
    assert_eq!(String::from_utf8_lossy(&out.stdout), format!("{mails} to be tried now\n"), "{out:?}");

    // Mail goes on coming in meanwhile.
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    while two.count() < mails {
        assert!(began.elapsed() < patience, "{} of {mails}\n{}", two.count(), mailward.daemon.log().join("\n"));
        let sent = Instant::now();
        assert_eq!(mailward.send(&sample::clean("meanwhile")).await.0, 250);
        slowest = slowest.max(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let drained = began.elapsed();
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    let subject = |content: &[u8]| {
        let text = String::from_utf8_lossy(content).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    let arrived: BTreeSet<String> = two.messages().iter().map(|m| subject(&m.content)).collect();
    assert_eq!((arrived.len(), two.count()), (mails, mails), "each exactly once");
    row(
        &format!("start with {mails} mails in the outbox (filled in {filled:.0?})"),
        &format!(
            "greets after {started:.1?}; drained in {drained:.0?}, each once; the slowest mail meanwhile {slowest:.1?}"
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_on_while_a_full_outbox_drains() {
    let _turn = turn().await;
    full_outbox(200, Duration::from_secs(120), Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign faults"]
async fn ten_thousand_mails_in_the_outbox_do_not_hold_up_a_start() {
    let _turn = turn().await;
    full_outbox(10_000, Duration::from_secs(1_800), Duration::from_secs(10)).await;
}
