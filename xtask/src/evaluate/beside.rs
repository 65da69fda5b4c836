//! Ours and the peers on the same messages, in one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::figures::Figures;
use super::fit::{Bound, sum};
use super::peers::{Kind, Peer};
use super::{Mail, ORDINARY_SET};
use crate::{Outcome, cargo};

/// What one filter said about the messages, and what that took.
struct Run {
    points: BTreeMap<String, f64>,
    /// Seconds of CPU for all messages, and on the wall.
    cpu: f64,
    wall: f64,
    /// Memory at the end of the run in bytes; `None` where it was not measured.
    memory: Option<u64>,
    /// How many messages it had at a time.
    in_flight: usize,
}

/// Runs the peers that are installed on `sample` messages of each set and kind, and shows all beside each other.
/// SpamAssassin, which takes a tenth of a second for each, gets the first `slow` of them; then ours are shown on
/// those, too.
pub(crate) fn run(mails: &[Mail], points: &[f64], bounds: &[Bound], sample: usize, slow: usize) -> Outcome {
    let chosen = chosen(mails, sample);
    let few = self::chosen(mails, sample.min(slow));
    let bytes: u64 = chosen.iter().map(|mail| mail.bytes).sum();
    println!("{} messages of {} bytes on the average", chosen.len(), bytes / chosen.len().max(1) as u64);
    let seconds = chosen.iter().map(|mail| mail.nanos).sum::<u64>() as f64 / 1e9;
    let ours = chosen.iter().map(|mail| (mail.path.clone(), sum(&mail.signs, points, bounds))).collect();
    let ours = Run { points: ours, cpu: seconds, wall: seconds, memory: None, in_flight: 1 };
    show("mailward", &chosen, &ours, Figures::OURS);
    for kind in [Kind::Rspamd, Kind::SpamAssassin] {
        let Some(peer) = Peer::start(kind, &cargo::target().join("evaluate"))? else {
            println!("\n{}: skipped, it is not installed", kind.name());
            continue;
        };
        let asked = if kind == Kind::SpamAssassin { &few } else { &chosen };
        if asked.len() < chosen.len() {
            println!("\nmailward on the {} messages that {} gets:\n{}", asked.len(), kind.name(), Figures::header());
            lines(asked, &ours, Figures::OURS);
        }
        let run = ask(&peer, asked)?;
        show(kind.name(), asked, &run, (kind.threshold(), kind.threshold()));
    }
    Ok(())
}

/// The first so many messages of each set and kind by a hash of their names, so that a sample is the same
/// each time and not the oldest.
fn chosen(mails: &[Mail], sample: usize) -> Vec<&Mail> {
    let mut sets: BTreeMap<(&str, bool, bool), Vec<&Mail>> = BTreeMap::new();
    for mail in mails.iter().filter(|mail| mail.set != ORDINARY_SET) {
        sets.entry((&mail.set, mail.spam, mail.hard)).or_default().push(mail);
    }
    let spread = |mail: &&Mail| mail.path.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
    sets.values_mut().for_each(|set| set.sort_by_key(spread));
    sets.into_values().flat_map(|set| set.into_iter().take(sample)).collect()
}

/// Asks about each message, as many at a time as suits the peer.
fn ask(peer: &Peer, mails: &[&Mail]) -> Result<Run, String> {
    let (before, _) = peer.used();
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let some = || -> Result<Vec<(String, f64)>, String> {
        let mut said = Vec::new();
        while let Some(mail) = mails.get(next.fetch_add(1, Ordering::Relaxed)) {
            let raw = std::fs::read(&mail.path).map_err(|e| format!("{}: {e}", mail.path))?;
            said.push((mail.path.clone(), peer.points(&raw).map_err(|e| format!("{}: {e}", mail.path))?));
        }
        Ok(said)
    };
    let said = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..peer.in_flight()).map(|_| scope.spawn(some)).collect();
        let lost = |_| Err("a thread that asks was lost".to_owned());
        asking.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect::<Result<Vec<_>, _>>()
    })?;
    let points = said.into_iter().flatten().collect();
    let (after, memory) = peer.used();
    let wall = begun.elapsed().as_secs_f64();
    Ok(Run { points, cpu: after - before, wall, memory: Some(memory), in_flight: peer.in_flight() })
}

fn show(name: &str, mails: &[&Mail], run: &Run, from: (f64, f64)) {
    let count = mails.len() as f64;
    let memory = run.memory.map_or_else(String::new, |bytes| format!(", {} MiB in the end", bytes >> 20));
    println!(
        "\n{name}: {:.2} CPU seconds per 1,000 messages, {:.0} messages a second, {} at a time{memory}\n{}",
        run.cpu * 1000.0 / count,
        count / run.wall,
        run.in_flight,
        Figures::header()
    );
    lines(mails, run, from);
}

fn lines(mails: &[&Mail], run: &Run, from: (f64, f64)) {
    for set in mails.iter().map(|mail| mail.set.as_str()).collect::<BTreeSet<_>>() {
        println!("{}", Figures::of(mails, set, |mail| run.points.get(&mail.path).copied().unwrap_or(0.0), from));
    }
}
