//! Reads every `.eml` below a directory and says how many have one reading and which defects occur:
//! `MAILWARD_CORPORA=DIR cargo run --release -p mail --example readings`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mail::graph::{Limits, parse};

/// Messages named for each defect.
const NAMED: usize = 30;

/// What was seen in one set.
#[derive(Default)]
struct Seen {
    mails: usize,
    worst: BTreeMap<&'static str, usize>,
    codes: BTreeMap<&'static str, Vec<PathBuf>>,
}

fn main() {
    let Some(root) = std::env::var_os("MAILWARD_CORPORA") else {
        println!("skipped: MAILWARD_CORPORA names no directory");
        return;
    };
    let mut sets: BTreeMap<String, Seen> = BTreeMap::new();
    let mut folders = vec![PathBuf::from(&root)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "eml") {
                let kind = if path.components().any(|part| part.as_os_str() == "ham") { "ham" } else { "spam" };
                look(&path, sets.entry(kind.to_owned()).or_default());
            }
        }
    }
    for (set, seen) in sets {
        print(&set, &seen);
    }
}

fn look(path: &Path, seen: &mut Seen) {
    let raw = std::fs::read(path).expect("a readable file");
    let message = parse(&raw, &Limits::default());
    seen.mails += 1;
    let worst = message.ambiguity().max(mail::defect::worst(&defects(&message)));
    *seen.worst.entry(worst.name()).or_default() += 1;
    let mut codes: Vec<_> = defects(&message).iter().map(|defect| defect.code).collect();
    codes.sort();
    codes.dedup();
    for code in codes {
        seen.codes.entry(code.name()).or_default().push(path.to_owned());
    }
}

fn defects(message: &mail::graph::Message<'_>) -> Vec<mail::defect::Defect> {
    let mut all = message.defects().to_vec();
    for id in message.primary() {
        if message.entity(id).is_some_and(|entity| entity.is_leaf()) {
            all.extend(message.content(id, usize::MAX).defects);
        }
    }
    all
}

fn print(set: &str, seen: &Seen) {
    let broken = seen.worst.iter();
    let broken: usize = broken.filter(|(worst, _)| **worst != "none" && **worst != "cosmetic").map(|(_, n)| n).sum();
    let share = 100.0 * broken as f64 / seen.mails.max(1) as f64;
    println!("{set}: {} mails, {share:.3} % ambiguous, {:?}", seen.mails, seen.worst);
    for (code, paths) in &seen.codes {
        println!("  {code}: {}", paths.len());
        for path in paths.iter().take(NAMED) {
            println!("    {}", path.display());
        }
    }
}
