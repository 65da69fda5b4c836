//! Ambiguous messages: whatever any client may take for an attachment is among the leaves.
//!
//! Each technique is tried with a zip archive, a text and a page of HTML as its payload.
//! `tests/golden/ambiguity.txt` records which reading finds it; `MAILWARD_BLESS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use mail::defect::{Ambiguity, worst};
use mail::fuzzing::fuzz_message;
use mail::graph::{Limits, Message, parse};

mod bodies;
mod headers;
pub(crate) mod payload;
mod structure;

use payload::{PAYLOADS, Payload};

/// Techniques that are ambiguous with one payload and not with another.
const EITHER: &[&str] = &[
    "base64 behind the padding",
    "base64 twice",
    "base64 with the alphabet for URLs",
    "text in a preamble",
    "text in an epilogue",
    "base64 in a preamble",
    "four pads behind base64",
];

/// Techniques that are damaged in so many ways with one payload that they are too ambiguous.
pub(crate) const TOO_MANY: &[&str] = &["two encodings that differ, last, quoted-printable"];

/// One technique: its name, whether the message is well formed, and the template of the message.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) ambiguous: bool,
    pub(crate) template: String,
}

impl Case {
    /// A technique on which clients differ.
    pub(crate) fn new(name: &str, template: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ambiguous: true, template: template.into() }
    }
}

/// All techniques.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = headers::cases();
    all.extend(structure::cases());
    all.extend(bodies::cases());
    all
}

/// All messages: technique, payload, bytes.
pub(crate) fn messages() -> Vec<(Case, &'static Payload, Vec<u8>)> {
    let mut out = Vec::new();
    for payload in PAYLOADS {
        for case in cases() {
            if let Some(raw) = payload.fill(&case.template) {
                out.push((case, payload, raw));
            }
        }
    }
    out
}

/// The part number of the first leaf that holds the payload.
pub(crate) fn found(message: &Message<'_>, payload: &[u8]) -> Option<String> {
    let holds = |bytes: &[u8]| bytes.windows(payload.len()).any(|window| window == payload);
    let leaf = message.leaves().find(|id| holds(&message.content(*id, 1 << 20).bytes))?;
    Some(message.entity(leaf).unwrap().part.clone())
}

#[test]
fn every_payload_is_among_the_leaves() {
    assert!(cases().len() >= 150, "only {} techniques", cases().len());
    let (mut table, mut missed, mut quiet) = (String::new(), Vec::new(), Vec::new());
    for (case, payload, raw) in messages() {
        let message = parse(&raw, &Limits::default());
        let name = format!("{} / {}", case.name, payload.name);
        match found(&message, &payload.bytes()) {
            Some(part) => {
                let _ = writeln!(table, "{name}: {}", if part.is_empty() { "-" } else { &part });
            }
            None => missed.push(format!("{name}\n{}", String::from_utf8_lossy(&raw).escape_debug())),
        }
        let contents = message.primary().flat_map(|id| message.content(id, 1 << 20).defects).collect::<Vec<_>>();
        let ambiguity = message.ambiguity().max(worst(&contents));
        let either = EITHER.contains(&case.name.as_str());
        if !either && case.ambiguous != (ambiguity >= Ambiguity::Ambiguous) {
            quiet.push(format!("{name}: {}", ambiguity.name()));
        }
        let many = TOO_MANY.contains(&case.name.as_str());
        assert!(many || message.ambiguity() < Ambiguity::TooAmbiguous, "{name}");
        fuzz_message(&raw);
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
    assert!(quiet.is_empty(), "ambiguity is not as said:\n{}", quiet.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ambiguity.txt");
    if std::env::var_os("MAILWARD_BLESS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), table, "other readings find the payloads now");
}

#[test]
fn ordinary_mail_has_one_reading() {
    for payload in PAYLOADS {
        for template in payload::ORDINARY {
            let raw = payload.fill(template).unwrap();
            let message = parse(&raw, &Limits::default());
            assert_eq!(message.defects(), &[], "{template}");
            assert_eq!(message.len(), message.primary().count(), "{template}");
            assert!(found(&message, &payload.bytes()).is_some(), "{template}");
        }
    }
}
