//! The long form: mutations of real mail and of our messages, all parsers, finds made small.
//!
//! `MAILWARD_READINGS` says how many messages (20,000), `MAILWARD_CORPORA` where real mail is,
//! `MAILWARD_NPM` where mailparser and postal-mime are installed, `MAILWARD_SEED` a number to begin
//! with, `MAILWARD_PEERS` which parsers, `MAILWARD_FINDS` a folder for the messages that differ. A find is
//! printed as it belongs into `finds.rs`. `MAILWARD_MESSAGES` is a folder whose messages are compared as they
//! are, in place of all others: that of an earlier campaign's finds.
//!
//! A message that is too ambiguous is rejected by default, whatever it holds: there a leaf that is not
//! among ours is answered. Those are counted apart, and what `unfollowed.rs` names with its reason; any other
//! fails the campaign, and so does a leaf without a word, whatever its reason.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mail::defect::{Ambiguity, worst};
use mail::graph::{Limits, parse};

use super::peers::{NPM, PEERS, Peer};
use super::unfollowed::reason;
use super::{Found, Named, Ours, Random, files_below, missing, mutate, own_messages, read, real_mail};

/// Messages at once.
const BATCH: usize = 250;
/// Messages of a parser that takes one at a time, as a part of all.
const MAX_REAL: usize = 4_000;
/// Larger mail is left out: it takes long and says nothing more.
const MAX_SIZE: usize = 60_000;
/// Finds of one parser that are made small, unless `MAILWARD_SHOWN` says how many.
const MAX_FINDS: usize = 12;
/// Most attempts to make one smaller.
const MAX_ROUNDS: usize = 60;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The messages of a campaign.
fn messages(count: usize, seed: usize) -> Vec<Named> {
    if let Some(folder) = std::env::var_os("MAILWARD_MESSAGES") {
        return files_below(folder.into()).iter().map(|path| read(path)).collect();
    }
    let mut seeds = own_messages();
    seeds.extend(real_mail(MAX_REAL));
    seeds.retain(|(_, raw)| raw.len() <= MAX_SIZE);
    (0..count)
        .map(|at| {
            let number = seed + at / seeds.len();
            let (name, raw) = &seeds[at % seeds.len()];
            (format!("{name}, mutation {number}"), mutate(raw, &mut Random::new(name, number)))
        })
        .collect()
}

/// Which of some messages still have a leaf that is not among ours.
fn differ(peer: &Peer, raws: &[Vec<u8>]) -> Vec<bool> {
    let borrowed: Vec<&[u8]> = raws.iter().map(Vec::as_slice).collect();
    let found = peer.leaves(&borrowed);
    let more = |raw: &[u8], found: Vec<Found>| compare(peer, raw, &found) == Compared::More;
    let unanswered = |raw: &[u8]| ambiguity(raw) < Ambiguity::TooAmbiguous;
    let differs =
        |(raw, found): (&Vec<u8>, Option<Vec<Found>>)| found.is_some_and(|it| more(raw, it)) && unanswered(raw);
    raws.iter().zip(found).map(differs).collect()
}

/// Takes pieces away as long as the difference stays: lines first, then bytes.
fn minimise(peer: &Peer, raw: &[u8]) -> Vec<u8> {
    let mut pieces: Vec<Vec<u8>> = raw.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for by_bytes in [false, true] {
        if by_bytes {
            let whole = pieces.concat();
            if whole.len() > 2_000 {
                break;
            }
            pieces = whole.iter().map(|byte| vec![*byte]).collect();
        }
        // A program that takes one message at a time is not asked so often.
        let (rounds, most) = if peer.step > 1 { (MAX_ROUNDS / 2, 40) } else { (MAX_ROUNDS, usize::MAX) };
        let mut size = pieces.len().div_ceil(2).max(1);
        for _ in 0..rounds {
            let starts: Vec<usize> = (0..pieces.len()).step_by(size).take(most).collect();
            let without = |from: usize| {
                let to = (from + size).min(pieces.len());
                [&pieces[..from], &pieces[to..]].concat()
            };
            let tries: Vec<Vec<Vec<u8>>> = starts.iter().map(|from| without(*from)).collect();
            let raws: Vec<Vec<u8>> = tries.iter().map(|pieces| pieces.concat()).collect();
            match differ(peer, &raws).iter().position(|differs| *differs) {
                Some(at) => pieces = tries[at].clone(),
                None if size == 1 => break,
                None => size = size.div_ceil(2),
            }
        }
    }
    pieces.concat()
}

#[test]
#[ignore = "takes long: cargo xtask campaign readings"]
fn readings_campaign() {
    let all = messages(number("MAILWARD_READINGS", 20_000), number("MAILWARD_SEED", 1_000));
    let wanted = std::env::var("MAILWARD_PEERS").unwrap_or_default();
    let npm = std::env::var_os("MAILWARD_NPM").is_some();
    if !npm {
        println!("skipped: npm (MAILWARD_NPM names no folder)");
    }
    let mut finds = 0;
    for peer in PEERS.iter().chain(npm.then_some(&NPM)) {
        if !wanted.is_empty() && !wanted.split(',').any(|name| name == peer.name) {
            continue;
        }
        if let Some(what) = peer.missing() {
            println!("skipped: {} (needs {what})", peer.name);
            continue;
        }
        finds += one_peer(peer, &all);
    }
    assert_eq!(finds, 0, "leaves of other parsers are not among ours");
}

/// What a parser has of a message that we have not.
#[derive(PartialEq, Eq)]
enum Compared {
    /// Nothing.
    Alike,
    /// Leaves that are not followed, for this reason.
    Unfollowed(&'static str),
    /// Leaves that should be among ours.
    More,
}

fn compare(peer: &Peer, raw: &[u8], found: &[Found]) -> Compared {
    let ours = Ours::of(raw);
    let mut out = Compared::Alike;
    for leaf in found.iter().filter(|leaf| !ours.has(leaf)) {
        match reason(peer.name, raw, leaf) {
            Some(why) => out = Compared::Unfollowed(why),
            None => return Compared::More,
        }
    }
    out
}

/// Messages of which a parser has more than we.
#[derive(Default)]
struct Differing<'m> {
    /// Those that we do not follow: how many for each reason, and those of them that nothing is said of.
    unfollowed: BTreeMap<&'static str, usize>,
    unfollowed_unsaid: Vec<&'m Named>,
    /// Those that nothing answers, but that are said to be ambiguous.
    said: Vec<&'m Named>,
    /// Those that have no defect worse than a cosmetic one.
    unsaid: Vec<&'m Named>,
    /// How many are too ambiguous: by default they are rejected, whatever they hold.
    answered: usize,
}

impl<'m> Differing<'m> {
    fn add(&mut self, message: &'m Named, compared: &Compared) {
        let ambiguity = ambiguity(&message.1);
        match (ambiguity, compared) {
            (_, Compared::Alike) => {}
            (Ambiguity::TooAmbiguous, _) => self.answered += 1,
            (_, Compared::Unfollowed(why)) => {
                *self.unfollowed.entry(why).or_default() += 1;
                self.unfollowed_unsaid.extend((ambiguity < Ambiguity::Ambiguous).then_some(message));
            }
            (Ambiguity::Ambiguous, _) => self.said.push(message),
            _ => self.unsaid.push(message),
        }
    }
}

/// The worst that we say of a message: of its structure, and of the contents of its leaves.
fn ambiguity(raw: &[u8]) -> Ambiguity {
    let message = parse(raw, &Limits::default());
    let contents = message.leaves().flat_map(|id| message.content(id, usize::MAX).defects);
    message.ambiguity().max(worst(&contents.collect::<Vec<_>>()))
}

/// Compares with one parser; gives how many messages differ and are not answered.
fn one_peer(peer: &Peer, all: &[Named]) -> usize {
    let (mut differing, mut leaves, mut failed) = (Differing::default(), 0, 0);
    // Programs that take one message at a time see a part of them.
    let some: Vec<&Named> = all.iter().step_by(peer.step).collect();
    for batch in some.chunks(BATCH) {
        let raws: Vec<&[u8]> = batch.iter().map(|(_, raw)| raw.as_slice()).collect();
        for (message, found) in batch.iter().copied().zip(peer.leaves(&raws)) {
            match found {
                None => failed += 1,
                Some(found) => {
                    leaves += found.len();
                    differing.add(message, &compare(peer, &message.1, &found));
                }
            }
        }
    }
    let Differing { unfollowed, unfollowed_unsaid, said, unsaid, answered } = differing;
    // Those that nothing is said of are shown first.
    let unanswered = [unsaid.as_slice(), unfollowed_unsaid.as_slice(), said.as_slice()].concat();
    let not_followed: usize = unfollowed.values().sum();
    let reasons: Vec<String> = unfollowed.iter().map(|(why, count)| format!("{why}: {count}")).collect();
    println!(
        "{}: {} messages ({failed} it did not survive), {leaves} leaves; more than ours in {}: {answered} answered as \
         too ambiguous, {not_followed} not followed{}{}, {} unanswered; {} without a word",
        peer.name,
        some.len(),
        answered + not_followed + unsaid.len() + said.len(),
        if reasons.is_empty() { "" } else { ": " },
        reasons.join("; "),
        unsaid.len() + said.len(),
        unsaid.len() + unfollowed_unsaid.len()
    );
    keep(peer, &unanswered);
    let shown = number("MAILWARD_SHOWN", MAX_FINDS);
    let all: Vec<&[u8]> = unanswered.iter().map(|(_, raw)| raw.as_slice()).collect();
    for (at, ((name, raw), theirs)) in unanswered.iter().zip(peer.leaves(&all)).enumerate() {
        let small = if at < shown { minimise(peer, raw) } else { raw.clone() };
        let theirs = if at < shown { peer.leaves(&[&small]).remove(0) } else { theirs }.unwrap_or_default();
        let Some(leaf) = missing(&small, &theirs).into_iter().next() else { continue };
        println!("  {name}");
        if at < shown {
            println!("    b\"{}\",\n    b\"{}\",", small.escape_ascii(), leaf.escape_ascii());
        }
        let (theirs, ours) = Ours::of(&small).parting(&leaf);
        println!("    parts at b\"{}\", ours b\"{}\"", theirs.escape_ascii(), ours.escape_ascii());
    }
    unanswered.len()
}

/// Writes messages to the folder `MAILWARD_FINDS`, if there is one.
fn keep(peer: &Peer, messages: &[&Named]) {
    let Some(folder) = std::env::var_os("MAILWARD_FINDS").map(PathBuf::from) else { return };
    for (at, (_, raw)) in messages.iter().enumerate() {
        std::fs::write(folder.join(format!("{}-{at}.eml", peer.name)), raw).unwrap();
    }
}
