//! Ours and the peers on the same messages, in one run.
//!
//! What peers say of a message does not hang on our points. So `--keep FILE` keeps their answers, and `--kept FILE`
//! shows ours of now beside them, without asking anew; their cost is of the run that asked.
//!
//! Ours are the signs that the example saw and the points of the catalogue; what the program costs as it is installed,
//! its memory and whether it says the same, is measured beside that (`installed`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::figures::Figures;
use super::fit::{Bound, sum};
use super::peers::{Kind, Peer};
use super::{Mail, ORDINARY_SET, installed};
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

/// Which messages the peers are asked about, and where their answers go or come from.
pub(crate) struct Asked<'a> {
    /// So many of each set and kind, and of them so many SpamAssassin, which takes a tenth of a second for each.
    pub(crate) sample: usize,
    pub(crate) slow: usize,
    /// The file that keeps the answers.
    pub(crate) keep: Option<&'a str>,
    /// The file that kept them, instead of asking.
    pub(crate) kept: Option<&'a str>,
}

/// Runs the peers that are installed, or takes what they said, and shows all beside each other. Where SpamAssassin
/// gets fewer messages ours are shown on those, too.
pub(crate) fn run(mails: &[Mail], points: &[f64], bounds: &[Bound], asked: &Asked) -> Outcome {
    let chosen = chosen(mails, asked.sample);
    let few = self::chosen(mails, asked.sample.min(asked.slow));
    let kept = asked.kept.map(std::fs::read_to_string).transpose().map_err(|e| format!("--kept: {e}"))?;
    let mut answers = String::new();
    let bytes: u64 = chosen.iter().map(|mail| mail.bytes).sum();
    println!("{} messages of {} bytes on the average", chosen.len(), bytes / chosen.len().max(1) as u64);
    let seconds = chosen.iter().map(|mail| mail.nanos).sum::<u64>() as f64 / 1e9;
    let ours = chosen.iter().map(|mail| (mail.path.clone(), sum(&mail.signs, points, bounds))).collect();
    let ours = Run { points: ours, cpu: seconds, wall: seconds, memory: None, in_flight: 1 };
    show("mailward", &chosen, &ours, Figures::OURS);
    if kept.is_none() {
        println!("\n{}", installed::run(&chosen, &ours.points)?);
    }
    for kind in [Kind::Rspamd, Kind::SpamAssassin] {
        let mails = if kind == Kind::SpamAssassin { &few } else { &chosen };
        let run = match &kept {
            Some(kept) => read(kept, kind, mails)?,
            None => {
                let Some(peer) = Peer::start(kind, &cargo::target().join("evaluate"))? else {
                    println!("\n{}: skipped, it is not installed", kind.name());
                    continue;
                };
                ask(&peer, mails)?
            }
        };
        if mails.len() < chosen.len() {
            println!("\nmailward on the {} messages that {} gets:\n{}", mails.len(), kind.name(), Figures::header());
            lines(mails, &ours, Figures::OURS);
        }
        show(kind.name(), mails, &run, (kind.threshold(), kind.threshold()));
        answers.push_str(&written(kind, mails, &run));
        if let Some(file) = asked.keep {
            std::fs::write(file, &answers).map_err(|e| format!("{file}: {e}"))?;
        }
    }
    Ok(())
}

/// What a peer said, a line a message: its name, then set, kind and name of the message, then the points. Before
/// them a line with what that took.
fn written(kind: Kind, mails: &[&Mail], run: &Run) -> String {
    let name = kind.name();
    let memory = run.memory.unwrap_or(0);
    let mut out = format!("{name}\t{}\t{}\t{memory}\t{}\n", run.cpu, run.wall, run.in_flight);
    for mail in mails {
        if let Some(points) = run.points.get(&mail.path) {
            let _ = writeln!(out, "{name}\t{}\t{points}", place(mail));
        }
    }
    out
}

/// The end of a message's path, which says what message it is wherever the collections stand.
fn place(mail: &Mail) -> String {
    let mut steps: Vec<&str> = mail.path.rsplit('/').take(3).collect();
    steps.reverse();
    steps.join("/")
}

/// Reads what `written` wrote, of the messages that are asked about; it is an error if one is missing.
fn read(text: &str, kind: Kind, mails: &[&Mail]) -> Result<Run, String> {
    let own = || text.lines().filter_map(|line| line.split_once('\t')).filter(|(name, _)| *name == kind.name());
    let number = |word: &str| word.parse::<f64>().map_err(|_| format!("--kept: not a number: {word:?}"));
    let mut said = BTreeMap::new();
    let mut took = None;
    for (_, rest) in own() {
        match rest.split('\t').collect::<Vec<_>>().as_slice() {
            [place, points] => drop(said.insert(*place, number(points)?)),
            [cpu, wall, memory, at_a_time] => {
                took = Some((number(cpu)?, number(wall)?, number(memory)?, number(at_a_time)?));
            }
            _ => return Err(format!("--kept: {rest:?}")),
        }
    }
    let (cpu, wall, memory, at_a_time) = took.ok_or_else(|| format!("--kept: nothing of {}", kind.name()))?;
    let one = |mail: &&Mail| {
        let points = said.get(place(mail).as_str()).ok_or_else(|| format!("--kept: nothing about {}", mail.path))?;
        Ok((mail.path.clone(), *points))
    };
    let points = mails.iter().map(one).collect::<Result<_, String>>()?;
    Ok(Run { points, cpu, wall, memory: Some(memory as u64), in_flight: at_a_time as usize })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(path: &str) -> Mail {
        let (set, path) = ("one".to_owned(), path.to_owned());
        Mail { set, spam: true, hard: false, signs: vec![], bytes: 1, nanos: 1, second_half: false, fold: 0, path }
    }

    #[test]
    fn kept_answers_are_those_that_were_given_wherever_the_messages_stand() {
        let (a, b) = (mail("/here/one/spam/a.eml"), mail("/here/one/spam/b.eml"));
        let points = [(a.path.clone(), 4.5), (b.path.clone(), -1.0)].into_iter().collect();
        let run = Run { points, cpu: 1.5, wall: 2.0, memory: Some(7), in_flight: 2 };
        let text = written(Kind::Rspamd, &[&a, &b], &run);
        let moved = mail("/there/one/spam/a.eml");
        let found = read(&text, Kind::Rspamd, &[&moved]).expect("it is there");
        assert_eq!((found.points.get(&moved.path), found.cpu, found.memory), (Some(&4.5), 1.5, Some(7)));
        assert!(read(&text, Kind::SpamAssassin, &[&moved]).is_err());
        assert!(read(&text, Kind::Rspamd, &[&mail("/here/one/spam/c.eml")]).is_err());
    }
}
