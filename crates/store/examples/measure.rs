//! How long keeping takes: `cargo run --release -p store --example measure -- DIR`.
//!
//! Prints, for messages of 4 KB and 5 MB that do not compress and by one and eight threads, messages a
//! second and the middle and 99th of a hundred of the times.

use std::time::{Duration, Instant};

use mail::arrival::{Direction, MessageId, Surface};
use store::{NewEntry, Options, SenderType, Store};

fn entry(size: usize) -> NewEntry {
    NewEntry {
        id: MessageId::new(1_790_000_000_000, [0; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        mail_from: mail::address::Address::parse("sender@example.net"),
        recipients: mail::address::Address::parse("anna@example.org").into_iter().collect(),
        header_from: None,
        header_to: None,
        header_cc: None,
        subject: Some(mail::untrusted::Untrusted::new("Quarterly figures".to_owned())),
        date: None,
        objects: vec![],
        status: "infected".to_owned(),
        reason: "measured".to_owned(),
        malware: vec![],
        sender_type: SenderType::External,
        peer_ip: None,
        connection: 1,
        size: size as u64,
        spam: None,
        action: "refused".to_owned(),
        received_ms: 1_790_000_000_000,
    }
}

/// Bytes that do not compress.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend(state.to_le_bytes());
    }
    out.truncate(size);
    out
}

/// Keeps `count` messages and gives the time of each.
fn keep(store: &Store, size: usize, count: u64, seed: u64) -> Vec<Duration> {
    let one = |n: u64| {
        let body = noise(size, seed * 1_000_000 + n);
        let start = Instant::now();
        store.keep(entry(size), &mut &body[..]).map(|_| start.elapsed()).unwrap()
    };
    (0..count).map(one).collect()
}

fn main() {
    let dir = std::env::args().nth(1).expect("a directory");
    let store = Store::open(std::path::Path::new(&dir), Options::default()).unwrap();
    for (size, threads, each) in [(4_096, 1, 300), (4_096, 8, 100), (5_000_000, 1, 20), (5_000_000, 8, 4)] {
        let start = Instant::now();
        let mut times: Vec<Duration> = std::thread::scope(|scope| {
            let run = |thread| {
                scope.spawn({
                    let store = &store;
                    move || keep(store, size, each, size as u64 + thread)
                })
            };
            let running: Vec<_> = (0..threads).map(run).collect();
            running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let rate = times.len() as f64 / start.elapsed().as_secs_f64();
        times.sort();
        let (middle, high) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        println!("{size:>8} bytes, {threads} threads: {rate:.0} a second, median {middle:.1?}, p99 {high:.1?}");
    }
}
