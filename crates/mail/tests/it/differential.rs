//! Whatever another parser extracts is among our leaves: on every ambiguous message of ours, and on
//! mutations of them and of the golden messages. Python's parser takes part if `python3` is there.

use std::io::Write as _;
use std::process::{Command, Stdio};

use mail::graph::{Limits, parse};
use mail_parser::{MessageParser, PartType};

use crate::ambiguity;
use crate::ambiguity::payload::PAYLOADS;

/// How many mutations are made of each message.
const MUTATIONS: usize = 2;

/// How many messages of real mail are taken.
const MAX_REAL: usize = 2_000;
/// How many bytes a parser may lose at the end of a leaf.
const MAX_LOST: usize = 4;

/// Prints, for each message of its input (length in a line, then bytes), its leaves: a line each with
/// the content in base64, then an empty line.
const PYTHON: &str = r#"
import sys, email, base64
from email import policy
stdin = sys.stdin.buffer
while True:
    line = stdin.readline()
    if not line:
        break
    raw = stdin.read(int(line))
    for rules in (policy.compat32, policy.default):
        try:
            message = email.message_from_bytes(raw, policy=rules)
            for part in message.walk():
                if part.is_multipart():
                    continue
                try:
                    content = part.get_payload(decode=True)
                except Exception:
                    continue
                if content:
                    print(base64.b64encode(content).decode())
        except Exception:
            pass
    print()
"#;

/// A message with its name.
type Named = (String, Vec<u8>);
/// A leaf that a parser gave.
type Found = Vec<u8>;

/// Ordinary mail, if `MAILWARD_CORPORA` names a folder of it: every so many of its files.
fn real_mail() -> Vec<Named> {
    let Some(root) = std::env::var_os("MAILWARD_CORPORA") else {
        println!("skipped: MAILWARD_CORPORA names no folder");
        return Vec::new();
    };
    let (mut folders, mut files) = (vec![std::path::PathBuf::from(root)], Vec::new());
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
    let step = (files.len() / MAX_REAL).max(1);
    files.iter().step_by(step).map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

/// All messages to compare on, with their names.
fn messages() -> Vec<Named> {
    let mut out = real_mail();
    for (case, payload, raw) in ambiguity::messages() {
        out.push((format!("{} / {}", case.name, payload.name), raw));
    }
    for path in crate::golden::messages() {
        out.push((path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
    }
    let originals = out.clone();
    for (name, raw) in &originals {
        for number in 0..MUTATIONS {
            let mut raw = raw.clone();
            // Each message has its own numbers, whatever else is compared.
            let seed = name
                .bytes()
                .fold(0x2545_f491_4f6c_dd1d, |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
            let mut random = seed.wrapping_add(number as u64) | 1;
            let mut next = |below: usize| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random % below.max(1) as u64) as usize
            };
            mutate(&mut raw, &mut next);
            out.push((format!("{name}, mutation {number}"), raw));
        }
    }
    out
}

/// Lines are dropped, doubled, moved; bytes that mean something are put in.
fn mutate(raw: &mut Vec<u8>, next: &mut dyn FnMut(usize) -> usize) {
    let mut lines: Vec<Vec<u8>> = raw.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let at = next(lines.len());
    match next(5) {
        0 => drop(lines.remove(at)),
        1 => {
            let (to, line) = (next(lines.len()), lines[at].clone());
            lines.insert(to, line);
        }
        2 => {
            let other = next(lines.len());
            lines.swap(at, other);
        }
        _ => {
            let pieces: [&[u8]; 8] = [b" ", b";", b"=", b"\r", b"\n", b"\"", b"--", b"("];
            let line = &mut lines[at];
            let place = next(line.len());
            line.splice(place..place, pieces[next(pieces.len())].iter().copied());
        }
    }
    *raw = lines.concat();
}

fn by_mailparse(raw: &[u8]) -> Vec<Found> {
    fn leaves(mail: &mailparse::ParsedMail<'_>, out: &mut Vec<Found>) {
        if mail.subparts.is_empty() {
            out.extend(mail.get_body_raw().ok());
        }
        mail.subparts.iter().for_each(|part| leaves(part, out));
    }
    let mut out = Vec::new();
    if let Ok(mail) = mailparse::parse_mail(raw) {
        leaves(&mail, &mut out);
    }
    out
}

fn by_mail_parser(raw: &[u8]) -> Vec<Found> {
    fn leaves(message: &mail_parser::Message<'_>, out: &mut Vec<Found>) {
        for part in &message.parts {
            match &part.body {
                // Text is decoded by its charset; only what stayed as it was can be compared.
                PartType::Text(text) | PartType::Html(text) if text.is_ascii() => out.push(text.as_bytes().to_vec()),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => out.push(bytes.to_vec()),
                PartType::Message(inner) => leaves(inner, out),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    if let Some(message) = MessageParser::default().parse(raw) {
        leaves(&message, &mut out);
    }
    out
}

/// The leaves that Python finds in each message; `None` if it is not there.
fn by_python(messages: &[Named]) -> Option<Vec<Vec<Found>>> {
    let mut python = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = Vec::new();
    for (_, raw) in messages {
        writeln!(input, "{}", raw.len()).unwrap();
        input.extend_from_slice(raw);
    }
    let mut stdin = python.stdin.take()?;
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = python.wait_with_output().ok()?;
    writer.join().unwrap();
    let text = String::from_utf8(output.stdout).ok()?;
    let blocks: Vec<Vec<Found>> = text
        .split_inclusive('\n')
        .collect::<Vec<_>>()
        .split_inclusive(|line| *line == "\n")
        .map(|block| {
            let lines = block.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
            lines.map(|line| base64_simd::STANDARD.decode_to_vec(line).unwrap()).collect()
        })
        .collect();
    (blocks.len() == messages.len()).then_some(blocks)
}

/// What of a parser's leaves is not among ours. White space, line ends, and the signs that are left of
/// damaged escapes do not count. A leaf that is
/// nothing but bytes of the message as they stand need not be one of ours; what it holds of a payload
/// must be in one.
fn missing(raw: &[u8], theirs: &[Found]) -> Vec<Found> {
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | b'=');
    let plain = |bytes: &[u8]| -> Found { bytes.iter().copied().filter(|byte| !blank(byte)).collect() };
    let message = parse(raw, &Limits::default());
    let mut ours: Vec<Found> = message.leaves().map(|id| plain(&message.content(id, 1 << 20).bytes)).collect();
    // A message inside counts as its bytes, too.
    ours.extend(message.all().map(|id| plain(&message.content(id, 1 << 20).bytes)));
    // Bytes of the message, and of what stands encoded in it.
    let containers = message.all().filter(|id| !message.entity(*id).unwrap().is_leaf());
    let mut wholes = vec![plain(raw)];
    wholes.extend(containers.map(|id| plain(&message.content(id, 1 << 20).bytes)));
    let holds = |text: &[u8], what: &[u8]| memchr::memmem::find(text, what).is_some();
    let is_there = |found: &Found| {
        let found = plain(found);
        // What is missing at the end of a line of uuencode is zeros to some, and a last soft break a sign.
        let end = found.iter().rposition(|byte| !matches!(byte, 0 | b'=')).map_or(0, |at| at + 1);
        let found = found[..end].to_vec();
        let hidden = |payload: &Found| holds(&found, payload) && !ours.iter().any(|leaf| holds(leaf, payload));
        let payloads: Vec<Found> = PAYLOADS.iter().map(|payload| plain(&payload.bytes())).collect();
        // Some parsers lose the last bytes of a body that is cut off.
        let nearly = |leaf: &Found| {
            let zeros = leaf.iter().rev().take_while(|byte| matches!(byte, 0 | b'=')).count();
            leaf.starts_with(&found) && leaf.len() - found.len() <= MAX_LOST + zeros
        };
        let known = found.is_empty() || ours.iter().any(nearly) || wholes.iter().any(|whole| holds(whole, &found));
        known && !payloads.iter().any(hidden)
    };
    theirs.iter().filter(|found| !is_there(found)).cloned().collect()
}

/// Compares one parser on all messages.
fn compare(parser: &str, results: &[(Named, Vec<Found>)]) {
    let mut wrong = Vec::new();
    for ((name, raw), found) in results {
        for leaf in missing(raw, found) {
            let (leaf, raw) = (String::from_utf8_lossy(&leaf), String::from_utf8_lossy(raw));
            wrong.push(format!("{name}\n  found: {}\n  in: {}", leaf.escape_debug(), raw.escape_debug()));
        }
    }
    let found: usize = results.iter().map(|(_, found)| found.len()).sum();
    println!("{parser}: {} messages, {found} leaves, {} not among ours", results.len(), wrong.len());
    assert!(wrong.is_empty(), "{parser}: {} leaves are not among ours:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_mailparse_extracts_is_among_our_leaves() {
    let results: Vec<_> = messages().into_iter().map(|one| (one.clone(), by_mailparse(&one.1))).collect();
    compare("mailparse", &results);
}

#[test]
fn what_mail_parser_extracts_is_among_our_leaves() {
    let results: Vec<_> = messages().into_iter().map(|one| (one.clone(), by_mail_parser(&one.1))).collect();
    compare("mail-parser", &results);
}

#[test]
fn what_python_extracts_is_among_our_leaves() {
    let messages = messages();
    let Some(found) = by_python(&messages) else {
        println!("skipped: python3");
        return;
    };
    compare("python3", &messages.into_iter().zip(found).collect::<Vec<_>>());
}
