//! What bombs cost: each hostile file of `bombs` and `documents`, attached to a message and examined in a process of its own
//! with the limits as they come. Processor time and memory must stay within [`CPU`] and [`MEMORY`], and
//! where something was left unread that is said.
//!
//! Ignored in ordinary runs, since it measures: `cargo xtask campaign bounds` (release) prints the table.

mod bombs;
mod documents;

use std::collections::BTreeSet;
use std::process::Command;

use mail::evidence::FindingKind;
use scan::{Context, EngineSpec, Engines, Input, Step, StopFlag, start};

/// Most processor time of one message, in seconds.
const CPU: f64 = 10.0;
/// Most memory of one message, in KiB.
const MEMORY: u64 = 512 * 1024;
/// Names the case in the process that examines it.
const CASE: &str = "MAILWARD_BOUNDS_CASE";

/// One hostile file: what it is, whether it is a message itself, whether some limit must be told, and how
/// it is made.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) message: bool,
    pub(crate) limited: bool,
    pub(crate) make: fn() -> Vec<u8>,
}

fn cases() -> Vec<Case> {
    bombs::cases().into_iter().chain(documents::cases()).collect()
}

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time of this thread, in seconds.
fn spent() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_ascii_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Examines one case and prints a line about it.
fn examine(name: &str) {
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    let raw = if case.message { (case.make)() } else { attached(&(case.make)()) };
    let (engines, _) = Engines::load(&EngineSpec { builtin_rules: true, ..EngineSpec::default() });
    // What was needed to make the case does not count.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, begun) = (status("VmRSS:"), spent());
    let context = Context { input: Input::Message, ..Context::default() };
    let Step::Done(evidence) = start(&engines, &raw, &context, &StopFlag::new()) else { panic!("it asks outside") };
    let (cpu, peak) = (spent() - begun, status("VmHWM:"));
    let reasons: BTreeSet<&str> = evidence
        .findings
        .iter()
        .filter_map(|found| if let FindingKind::Unscanned { reason } = found.kind { Some(reason.name()) } else { None })
        .collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    println!(
        "RESULT\t{}\t{}\t{cpu:.2}\t{}\t{}",
        raw.len(),
        evidence.objects.len(),
        peak.saturating_sub(before),
        reasons.join(", ")
    );
}

/// A message with a file in base64.
fn attached(content: &[u8]) -> Vec<u8> {
    let mut out = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: \
        multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: application/octet-stream\r\n\
        Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"file\"\r\n\r\n"
        .to_vec();
    for line in content.chunks(57) {
        out.extend(base64_simd::STANDARD.encode_to_string(line).bytes());
        out.extend(b"\r\n");
    }
    out.extend(b"--b--\r\n");
    out
}

#[test]
#[ignore = "measures; run in release by `cargo xtask campaign bounds`"]
fn every_bomb_ends_within_its_bounds() {
    if let Ok(name) = std::env::var(CASE) {
        return examine(&name);
    }
    println!("| What | Message | Objects | CPU s | Memory MB | Reported |\n|---|--:|--:|--:|--:|---|");
    let mut wrong = Vec::new();
    for case in cases() {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "every_bomb_ends_within_its_bounds", "--nocapture"])
            .env(CASE, case.name)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let Some(line) = text.lines().find_map(|line| line.split_once("RESULT\t")) else {
            wrong.push(format!("{}: no result: {}", case.name, String::from_utf8_lossy(&run.stderr)));
            continue;
        };
        let fields: Vec<&str> = line.1.split('\t').collect();
        let (cpu, memory): (f64, u64) = (fields[2].parse().unwrap(), fields[3].parse().unwrap());
        println!(
            "| {} | {:.1} MB | {} | {cpu:.2} | {} | {} |",
            case.name,
            fields[0].parse::<f64>().unwrap() / 1e6,
            fields[1],
            memory / 1024,
            fields[4]
        );
        if cpu > CPU || memory > MEMORY {
            wrong.push(format!("{}: {cpu} s, {memory} KiB", case.name));
        }
        if case.limited && fields[4].is_empty() {
            wrong.push(format!("{}: nothing is said to be unread", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
