//! Whatever another parser extracts is among our leaves: on every ambiguous message of ours. Mutations of
//! them and of real mail are compared by `cargo xtask campaign readings`.

use std::path::{Path, PathBuf};

use crate::ambiguity;

mod campaign;
mod equal;
mod finds;
pub(crate) mod mutate;
mod peers;
mod unfollowed;

use equal::Ours;
use mutate::{Random, mutate};
use peers::{Found, PEERS, Peer};
use unfollowed::reason;

/// A message with its name.
type Named = (String, Vec<u8>);

/// Ordinary mail, if `MAILWARD_CORPORA` names a folder of it: every so many of its files.
fn real_mail(most: usize) -> Vec<Named> {
    let Some(root) = std::env::var_os("MAILWARD_CORPORA") else {
        println!("skipped: MAILWARD_CORPORA names no folder");
        return Vec::new();
    };
    let files = files_below(root.into());
    let step = (files.len() / most.max(1)).max(1);
    files.iter().step_by(step).map(|path| read(path)).collect()
}

/// A message in a file.
fn read(path: &Path) -> Named {
    (path.display().to_string(), std::fs::read(path).unwrap())
}

/// The messages in a folder and those below it.
fn files_below(root: PathBuf) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "eml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Our own messages, with their names.
fn own_messages() -> Vec<Named> {
    let mut out = Vec::new();
    for (case, payload, raw) in ambiguity::messages() {
        out.push((format!("{} / {}", case.name, payload.name), raw));
    }
    for path in crate::golden::messages() {
        out.push((path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
    }
    out
}

/// What of a parser's leaves is not among ours.
fn missing(raw: &[u8], theirs: &[Found]) -> Vec<Vec<u8>> {
    let ours = Ours::of(raw);
    theirs.iter().filter(|found| !ours.has(found)).map(|found| found.bytes.clone()).collect()
}

/// Compares one parser on messages; gives what is not among ours and not passed over by a rule, in words.
fn compare(peer: &Peer, messages: &[Named]) -> Vec<String> {
    let raws: Vec<&[u8]> = messages.iter().map(|(_, raw)| raw.as_slice()).collect();
    let (mut wrong, mut leaves, mut failed) = (Vec::new(), 0, 0);
    for ((name, raw), found) in messages.iter().zip(peer.leaves(&raws)) {
        let Some(found) = found else {
            failed += 1;
            continue;
        };
        leaves += found.len();
        let ours = Ours::of(raw);
        for leaf in found.iter().filter(|leaf| !ours.has(leaf) && reason(peer.name, raw, leaf).is_none()) {
            let (leaf, raw) = (String::from_utf8_lossy(&leaf.bytes), String::from_utf8_lossy(raw));
            wrong.push(format!("{name}\n  found: {}\n  in: {}", leaf.escape_debug(), raw.escape_debug()));
        }
    }
    println!(
        "{}: {} messages ({failed} it did not survive), {leaves} leaves, {} not among ours",
        peer.name,
        messages.len(),
        wrong.len()
    );
    assert!(leaves > 0, "{} finds nothing at all", peer.name);
    wrong
}

/// Our messages, compared with every parser that is there. Mutations are the campaign's.
#[test]
fn what_other_parsers_extract_is_among_our_leaves() {
    let messages = own_messages();
    let mut wrong = Vec::new();
    for peer in PEERS {
        if let Some(what) = peer.missing() {
            testkit::peers::skipped(&format!("{} (needs {what})", peer.name));
            continue;
        }
        let some: Vec<Named> = messages.iter().step_by(peer.step).cloned().collect();
        wrong.extend(compare(peer, &some).into_iter().map(|text| format!("{}: {text}", peer.name)));
    }
    assert!(wrong.is_empty(), "{} leaves are not among ours:\n{}", wrong.len(), wrong.join("\n"));
}
