//! What taking out costs; for measuring, with samples that are no part of the repository:
//! `cargo run --release -p disarm --example removers -- FILE...`
//! All active content is taken out of documents, the first member out of archives. A table by the files'
//! extensions: MB of the file for a second of processor time, and how many were made anew.

use std::collections::BTreeMap;

use disarm::{Wish, remove};
use mail::evidence::{Active, Role};
use sha2::{Digest, Sha256};
use unpack::{Budget, Limits, Opening, StopFlag, detect, open};

/// Each file is made anew so often that this many bytes are, three times at least.
const BYTES: usize = 8 << 20;

/// Processor time of this thread, in seconds.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn budget() -> Budget {
    Budget::new(Limits::default(), StopFlag::new())
}

/// The content of the first file in a file.
fn first(data: &[u8]) -> Option<Vec<u8>> {
    let mut budget = budget();
    let Opening::Container(mut container) = open(detect(data), data, &mut budget) else { return None };
    std::iter::from_fn(|| container.next(data, &mut budget))
        .find(|member| member.role == Role::File && !member.content.is_empty())
        .map(|member| member.content)
}

/// What is to go from a file. What is in a compressed file is an archive itself.
fn wish(data: &[u8]) -> Wish {
    let sum = |content: &[u8]| <[u8; 32]>::from(Sha256::digest(content));
    let kind = detect(data);
    match disarm::formats::format(kind) {
        Some(format) if format.active.is_empty() => {
            let Some(outer) = first(data) else { return Wish::default() };
            match first(&outer).filter(|_| matches!(kind.name(), "gzip" | "compressed")) {
                Some(inner) => Wish { remove: [sum(&inner)].into(), through: [sum(&outer)].into(), ..Wish::default() },
                None => Wish { remove: [sum(&outer)].into(), ..Wish::default() },
            }
        }
        _ => Wish { active: Active::ALL.into_iter().collect(), ..Wish::default() },
    }
}

#[derive(Default)]
struct Sum {
    files: usize,
    anew: usize,
    bytes: usize,
    seconds: f64,
}

fn main() {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for path in std::env::args().skip(1) {
        let Ok(data) = std::fs::read(&path) else { continue };
        let (kind, wish) = (detect(&data), wish(&data));
        let made = remove(kind, &data, &wish, &mut budget());
        println!(
            "{path}: {}",
            made.as_ref().map_or_else(ToString::to_string, |made| format!("{} out", made.removed.len()))
        );
        let rounds = (BYTES / data.len().max(1)).clamp(3, 300);
        let begun = cpu();
        for _ in 0..rounds {
            let _ = std::hint::black_box(remove(kind, &data, &wish, &mut budget()));
        }
        let name = path.rsplit('/').next().unwrap_or(&path);
        let sum = sums.entry(name.split_once('.').map_or("-", |(_, end)| end).to_owned()).or_default();
        (sum.files, sum.anew) = (sum.files + 1, sum.anew + usize::from(made.is_ok()));
        (sum.bytes, sum.seconds) = (sum.bytes + data.len(), sum.seconds + (cpu() - begun) / rounds as f64);
    }
    println!("| Files | made anew | MB | MB/s |\n|---|--:|--:|--:|");
    for (name, sum) in sums {
        let megabytes = sum.bytes as f64 / 1e6;
        println!("| {name} | {} of {} | {megabytes:.2} | {:.1} |", sum.anew, sum.files, megabytes / sum.seconds);
    }
}
