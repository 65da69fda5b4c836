//! Whether what another parser found is among our leaves.
//!
//! White space, line ends and the signs that are left of damaged escapes do not count. A leaf that is
//! nothing but bytes of the message as they stand need not be one of ours; what it holds of a payload
//! must be in one. A text that was decoded by its charset is compared by the letters and digits of its
//! lines.

use mail::charset::to_text;
use mail::graph::{Limits, Message, parse};

use super::peers::Found;
use crate::ambiguity::payload::PAYLOADS;

/// How many bytes a parser may lose at the end of a leaf.
const MAX_LOST: usize = 4;
/// How many bytes a parser may make of the last group of base64 if that is incomplete: mailparser decodes it
/// by itself, whatever stands in front of it. No file is hidden in them.
const MAX_LAST: usize = 2;
/// Lines of text with fewer letters and digits are not compared.
const MIN_LETTERS: usize = 16;
/// How much is shown around a difference, in bytes.
const SHOWN: usize = 30;

/// Without white space and `=`.
fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | b'=')).collect()
}

/// The letters and digits of ASCII.
fn letters(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(u8::is_ascii_alphanumeric).collect()
}

fn holds(text: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(text, what).is_some()
}

/// What we see in a message.
pub(crate) struct Ours {
    leaves: Vec<Vec<u8>>,
    /// Bytes of the message, and of what stands encoded in it.
    wholes: Vec<Vec<u8>>,
    /// For texts.
    texts: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    /// The lines that begin like delimiters.
    delimiters: Vec<Vec<u8>>,
}

impl Ours {
    /// Reads a message.
    pub(crate) fn of(raw: &[u8]) -> Self {
        let message = parse(raw, &Limits::default());
        let content = |id| message.content(id, 1 << 22).bytes.into_owned();
        // A message inside counts as its bytes, too.
        let leaves: Vec<Vec<u8>> = message.all().map(|id| plain(&content(id))).collect();
        let containers = message.all().filter(|id| !message.entity(*id).unwrap().is_leaf());
        let mut wholes = vec![plain(raw)];
        wholes.extend(containers.map(|id| plain(&content(id))));
        let payloads = PAYLOADS.iter().map(|payload| plain(&payload.bytes())).collect();
        let lines = raw.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let delimiters = lines.filter(|line| line.starts_with(b"--")).map(<[u8]>::to_vec).collect();
        Self { leaves, wholes, texts: texts(&message), payloads, delimiters }
    }

    /// Whether a leaf is among them.
    pub(crate) fn has(&self, found: &Found) -> bool {
        if found.text {
            return self.has_text(&found.bytes);
        }
        let without = self.without_delimiters(&found.bytes);
        self.has_bytes(&found.bytes) || (without.len() < found.bytes.len() && self.has_bytes(&without))
    }

    /// Whether bytes are among them.
    fn has_bytes(&self, found: &[u8]) -> bool {
        let whole = plain(found);
        // What is missing at the end of a line of uuencode is zeros to some, and a last soft break a sign.
        let end = whole.iter().rposition(|byte| !matches!(byte, 0 | b'=')).map_or(0, |at| at + 1);
        let found = &whole[..end];
        let hidden = |payload: &Vec<u8>| holds(found, payload) && !self.leaves.iter().any(|leaf| holds(leaf, payload));
        // Some parsers lose the last bytes of a body that is cut off.
        let nearly = |leaf: &Vec<u8>| {
            let zeros = leaf.iter().rev().take_while(|byte| matches!(byte, 0 | b'=')).count();
            let lost = leaf.starts_with(found) && leaf.len() <= whole.len() + MAX_LOST + zeros;
            lost || (!leaf.is_empty() && whole.starts_with(leaf) && whole.len() <= leaf.len() + MAX_LAST)
        };
        let known = found.is_empty() || self.leaves.iter().any(nearly) || self.is_raw(found);
        known && !self.payloads.iter().any(hidden)
    }

    /// Whether it is bytes of the message as they stand; NUL bytes are blanks to some.
    fn is_raw(&self, found: &[u8]) -> bool {
        let without = |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().filter(|byte| *byte != 0).collect() };
        let found_without = without(found);
        self.wholes.iter().any(|whole| holds(whole, found) || holds(&without(whole), &found_without))
    }

    /// Where a leaf parts from the one of ours that goes with it furthest: its bytes there, and ours.
    pub(crate) fn parting(&self, found: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let found = plain(found);
        let common = |leaf: &Vec<u8>| leaf.iter().zip(&found).take_while(|(a, b)| a == b).count();
        let nearest = self.leaves.iter().max_by_key(|leaf| common(leaf));
        let at = nearest.map_or(0, common);
        let near =
            |bytes: &[u8]| bytes[at.saturating_sub(SHOWN).min(bytes.len())..(at + SHOWN).min(bytes.len())].to_vec();
        (near(&found), nearest.map_or(Vec::new(), |leaf| near(leaf)))
    }

    /// Without lines of the message that begin like delimiters: where a delimiter is none to a parser, it
    /// stands in a leaf.
    fn without_delimiters(&self, found: &[u8]) -> Vec<u8> {
        let is_one =
            |line: &[u8]| line.starts_with(b"--") && self.delimiters.iter().any(|one| one == line.trim_ascii_end());
        found.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_one(line)).flatten().copied().collect()
    }

    /// Whether each line of a text is in one of ours, or is the message's own bytes; of the last line all but
    /// what may come of an incomplete group of base64. The tags and entities of a text that was made HTML do
    /// not count, nor does the date that is written in front of a message inside.
    fn has_text(&self, text: &[u8]) -> bool {
        let has = |line: &[u8]| self.texts.iter().any(|ours| holds(ours, line));
        let plain = without_entities(&without_tags(text));
        let lines = |text: &[u8]| -> Vec<Vec<u8>> {
            let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.starts_with(b"Date: "));
            lines.map(letters).filter(|line| line.len() >= MIN_LETTERS).collect()
        };
        [text, plain.as_slice()].into_iter().any(|text| {
            let mut lines = lines(text);
            let last = lines.pop().unwrap_or_default();
            let cut = &last[..last.len().saturating_sub(MAX_LAST)];
            lines.iter().all(|line| has(line)) && (has(&last) || has(cut))
        })
    }
}

/// Without `&#x3C;` and the like.
fn without_entities(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        let end = behind.iter().take(8).position(|byte| *byte == b';').filter(|_| *byte == b'&');
        if end.is_none() {
            out.push(*byte);
        }
        rest = end.map_or(behind, |end| &behind[end + 1..]);
    }
    out
}

/// The letters of all leaves, as bytes and by their charset, and of the message itself.
fn texts(message: &Message<'_>) -> Vec<Vec<u8>> {
    let mut out = vec![letters(message.raw())];
    for id in message.all() {
        let content = message.content(id, 1 << 22).bytes;
        let charset = message.entity(id).and_then(|entity| entity.charset.clone());
        out.push(letters(&content));
        out.push(letters(to_text(&content, charset.as_deref()).as_bytes()));
        out.push(letters(&without_tags(&content)));
    }
    out
}

/// Without what stands between angle brackets: some parsers make a text of HTML.
fn without_tags(text: &[u8]) -> Vec<u8> {
    let mut inside = false;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        inside = (inside || *byte == b'<') && *byte != b'>';
        if !inside {
            out.push(*byte);
        }
    }
    out
}
