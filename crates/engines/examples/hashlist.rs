//! Loads a hash list of a million made-up entries and says how long it took and how large it is.
//! `cargo run --release -p engines --example hashlist`

use std::fmt::Write;
use std::time::Instant;

use engines::malware::hashlist::{HashList, HashLists};
use engines::{ObjectEngine, ObjectView};
use mail::evidence::FileKind;
use sha2::{Digest, Sha256};

const ENTRIES: u32 = 1_000_000;

fn main() {
    let mut text = String::new();
    for n in 0..ENTRIES {
        for byte in Sha256::digest(n.to_le_bytes()) {
            let _ = write!(text, "{byte:02x}");
        }
        let _ = writeln!(text, ":4:Win.Example.Agent-{n}");
    }
    let start = Instant::now();
    let list = HashList::load("example", text.as_bytes()).unwrap_or_else(|problems| panic!("{}", problems[0]));
    println!("{} entries, {} MB of text: loaded in {:?}", list.len(), text.len() >> 20, start.elapsed());
    println!("memory: {} MB", list.memory() >> 20);
    let engine = HashLists::new(vec![list]);
    let start = Instant::now();
    let mut found = Vec::new();
    for n in 0..ENTRIES {
        let sha256: [u8; 32] = Sha256::digest(n.to_le_bytes()).into();
        let bytes = n.to_le_bytes();
        let object = ObjectView {
            bytes: &bytes,
            kind: FileKind::Unknown,
            name: None,
            other_names: &[],
            sha256: &sha256,
            depth: 0,
            root: true,
        };
        let _ = engine.examine(&object, std::time::Duration::MAX, &mut found);
    }
    println!("{ENTRIES} look-ups: {:?}, {} found", start.elapsed(), found.len());
}
