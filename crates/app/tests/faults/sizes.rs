//! Many connections at once, and for long: `cargo xtask campaign sizes` runs the long forms.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use testkit::{Behaviour, Client, Sink, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{Mailward, config, reply, row, turn};

/// What must hold.
struct Bars {
    /// Most memory of an idle connection, in bytes.
    idle: u64,
    /// The slowest of a hundred messages beside slow connections.
    p99: Duration,
    /// How much memory may grow from the middle third of many messages to the last, in KiB: allocators need some room.
    growth: u64,
}

/// The bars themselves (security bars: 100 kB, 2 s, no growth).
const BARS: Bars = Bars { idle: 100_000, p99: Duration::from_secs(2), growth: 8 * 1024 };
/// For the short forms: fewer connections share what is made once, and the machine may be busy with other tests.
const ROUGHLY: Bars = Bars { idle: 200_000, p99: Duration::from_secs(20), growth: 64 * 1024 };
/// How often a slow client sends a line.
const SLOW: Duration = Duration::from_secs(2);

/// A configuration with places for so many connections of one peer.
fn with_places(next: SocketAddr, places: usize, more: &str) -> String {
    let text = config(testkit::free_port(), next, more);
    let text = text.replace("[next_hop]", &format!("max_connections = {places}\n[next_hop]"));
    format!("{text}[limits]\nconnections = {places}\nconnections_per_peer = {places}\ncommands = 1000000\n")
}

/// Lets this process hold both ends of so many connections.
fn allow_descriptors(wanted: u64) {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(most >= wanted, "this machine allows {most} descriptors, and {wanted} are needed");
    limit.current = Some(limit.current.unwrap_or(u64::MAX).max(wanted));
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).expect("within the hard limit");
}

/// The first number of a line of a file in /proc, in KiB.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Resident memory of the daemon itself, in KiB.
fn resident(mailward: &Mailward) -> u64 {
    field(&format!("/proc/{}/status", mailward.daemon.pid()), "VmRSS:").expect("it runs")
}

/// Memory of the daemon and its workers in KiB; what they share counts once. They are one process group.
fn whole(mailward: &Mailward) -> u64 {
    let group = mailward.daemon.pid().to_string();
    let of_group = |pid: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        fields.split(' ').nth(2) == Some(group.as_str())
    };
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|e| e.file_name().into_string().ok()).filter(|n| n.parse::<u32>().is_ok());
    pids.filter(of_group).filter_map(|pid| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")).sum()
}

/// Messages one after the other in one session; how long each took.
async fn ordinary(to: SocketAddr, messages: usize, size: usize) -> Vec<Duration> {
    let mut client = Client::open(to).await;
    let mut took = Vec::new();
    for number in 0..messages {
        let mail = sample::sized(&format!("ordinary {number}"), size);
        let began = Instant::now();
        client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("taken");
        took.push(began.elapsed());
    }
    client.quit().await;
    took
}

/// What a connection costs that does nothing: greeted, after EHLO (with a connection to the next hop), in TLS.
async fn idle_connections(number: usize, bars: &Bars) {
    allow_descriptors(4 * number as u64 + 500);
    let sink = Sink::start(Behaviour::accept().forget_content()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (cert, key) = testkit::tls::Identity::new(&["localhost"]).write(dir.path());
    let text = with_places(sink.address(), number + 50, "");
    let tls = format!("certificate = \"{}\"\nkey = \"{}\"\nmax_connections", cert.display(), key.display());
    let text = text.replacen("max_connections", &tls, 1);
    for stage in ["greeted", "after EHLO", "in TLS"] {
        // A new one each time: memory that was used once does not show a second time.
        let mailward = Mailward::of(&text).await;
        // Everything that is made once is made.
        ordinary(mailward.address(), 50, 4_000).await;
        let before = resident(&mailward);
        let mut clients = Vec::new();
        for _ in 0..number {
            let mut client = Client::connect(mailward.address()).await;
            client.expect(220).await;
            if stage != "greeted" {
                client.command("EHLO client.example.org", 250).await;
            }
            if stage == "in TLS" {
                client.start_tls().await;
            }
            clients.push(client);
        }
        let each = resident(&mailward).saturating_sub(before) * 1024 / number as u64;
        row(&format!("{number} idle connections, {stage}"), &format!("{:.1} kB each", each as f64 / 1000.0));
        assert!(each <= bars.idle, "{each} bytes for a connection {stage}");
    }
}

/// A client that begins a message and sends a line of it now and then.
async fn slow_client(to: SocketAddr, ready: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    let mut said = reply(&mut stream).await?;
    for line in ["EHLO slow.example.org", "MAIL FROM:<slow@example.org>", "RCPT TO:<bob@example.com>", "DATA"] {
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        said = reply(&mut stream).await?;
    }
    if said.0 != 354 {
        return Err(std::io::Error::other(format!("{} {}", said.0, said.1)));
    }
    ready.fetch_add(1, Ordering::Relaxed);
    let mut one = [0];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(b"X-Slow: yes\r\n").await?;
        // Whatever comes now is the end.
        if let Ok(end) = tokio::time::timeout(SLOW, stream.read(&mut one)).await {
            return Err(std::io::Error::other(format!("answered in the middle: {end:?}")));
        }
    }
    Ok(())
}

/// Ordinary mail beside clients that keep their connections busy and bring nothing.
async fn slow_connections(number: usize, sessions: usize, messages: usize, bars: &Bars) {
    allow_descriptors(4 * number as u64 + 500);
    let sink = Sink::start(Behaviour::accept().forget_content()).await;
    let mailward = Mailward::of(&with_places(sink.address(), number + 100, "")).await;
    let (ready, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut slow = JoinSet::new();
    for _ in 0..number {
        slow.spawn(slow_client(mailward.address(), Arc::clone(&ready), Arc::clone(&stop)));
    }
    testkit::wait_until("the slow ones", Duration::from_secs(120), || ready.load(Ordering::Relaxed) == number).await;
    let mut senders = JoinSet::new();
    for _ in 0..sessions {
        senders.spawn(ordinary(mailward.address(), messages, 20_000));
    }
    let mut took = Vec::new();
    while let Some(done) = senders.join_next().await {
        took.extend(done.expect("a sender"));
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = slow.join_next().await {
        done.expect("a client").expect("it is still connected at the end");
    }
    took.sort();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    row(
        &format!("{number} slow connections beside {sessions} ordinary senders"),
        &format!("{} messages of 20 KB: median {:.0?}, p99 {:.0?}", took.len(), at(50), at(99)),
    );
    assert!(at(99) < bars.p99, "{:?}", at(99));
}

/// Many messages: memory must not go on growing.
async fn many_messages(number: usize, bars: &Bars) {
    const SESSIONS: usize = 20;
    let sink = Sink::start(Behaviour::accept().forget_content()).await;
    let mailward = Mailward::of(&with_places(sink.address(), 100, "")).await;
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..SESSIONS {
        senders.spawn(ordinary(mailward.address(), number / SESSIONS, 100_000));
    }
    // A look each time that so many more have gone through.
    let step = (number / 60).max(1);
    let mut looks = Vec::new();
    loop {
        tokio::select! {
            done = senders.join_next() => match done {
                Some(done) => drop(done.expect("a sender")),
                None => break,
            },
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                if sink.count() >= step * (looks.len() + 1) {
                    looks.push(whole(&mailward));
                }
            }
        }
    }
    let took = began.elapsed();
    assert_eq!(sink.count(), number);
    let third = looks.len() / 3;
    assert!(third > 2, "too few looks: {}", looks.len());
    let mean = |part: &[u64]| part.iter().sum::<u64>() / part.len() as u64;
    let (middle, last) = (mean(&looks[third..2 * third]), mean(&looks[2 * third..]));
    row(
        &format!("{number} messages of 100 KB in {took:.0?}"),
        &format!(
            "memory {middle} KiB in the middle third, {last} KiB in the last; most {} KiB",
            looks.iter().max().unwrap_or(&0)
        ),
    );
    assert!(last <= middle + bars.growth, "memory grows: {looks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_costs_little() {
    let _turn = turn().await;
    idle_connections(100, &ROUGHLY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_do_not_hold_up_mail() {
    let _turn = turn().await;
    slow_connections(100, 2, 25, &ROUGHLY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_messages() {
    let _turn = turn().await;
    many_messages(300, &ROUGHLY).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign sizes"]
async fn a_thousand_idle_connections_cost_little() {
    let _turn = turn().await;
    idle_connections(1_000, &BARS).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign sizes"]
async fn a_thousand_slow_connections_do_not_hold_up_mail() {
    let _turn = turn().await;
    slow_connections(1_000, 10, 100, &BARS).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign sizes"]
async fn ten_thousand_messages_leave_memory_as_it_was() {
    let _turn = turn().await;
    many_messages(10_000, &BARS).await;
}
