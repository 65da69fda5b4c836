//! Whether what another parser found is among our leaves.
//!
//! Not counted are: white space, line ends and the signs that are left of damaged escapes; zeros at the end
//! of a leaf, which some write for what is missing of uuencode; up to [`MAX_LOST`] bytes that a parser does
//! not have at the end; lines that begin like delimiters and stand in the message. A leaf that is nothing
//! but bytes of the message as they stand need not be one of ours; what it holds of a payload must be in
//! one. A text that was decoded by its charset is compared by its letters and digits. Nothing else is
//! passed over: a byte behind a leaf of ours is a difference. Two things count as leaves of ours, as nothing
//! can hide in them: what [`with_last_group`] and [`with_last_token`] give, and the [`endings`] of a leaf behind a header in it.

use mail::charset::to_text;
use mail::graph::{Encoding, EntityId, Limits, Message, parse};

use super::peers::Found;
use crate::ambiguity::payload::PAYLOADS;

/// How many bytes a parser may lose at the end of a leaf.
const MAX_LOST: usize = 4;
/// Payloads with fewer letters and digits are not looked for in texts.
const MIN_LETTERS: usize = 16;
/// How much is shown around a difference, in bytes.
const SHOWN: usize = 30;
/// How much of a leaf is compared, in bytes.
pub(super) const MAX_CONTENT: usize = 1 << 22;
/// In how many lines of a leaf a header may stand.
const MAX_HEADER_LINE: usize = 100;

/// Without white space and `=`.
pub(super) fn plain(bytes: &[u8]) -> Vec<u8> {
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
    /// The letters of our leaves, as bytes and by their charset.
    texts: Vec<Vec<u8>>,
    /// The letters of the message's own bytes.
    raw_letters: Vec<u8>,
    payloads: Vec<Vec<u8>>,
    /// The lines that begin like delimiters.
    delimiters: Vec<Vec<u8>>,
}

impl Ours {
    /// Reads a message.
    pub(crate) fn of(raw: &[u8]) -> Self {
        let message = parse(raw, &Limits::default());
        let content = |id| message.content(id, MAX_CONTENT).bytes.into_owned();
        // A message inside counts as its bytes, too.
        let mut leaves: Vec<Vec<u8>> = message.all().map(|id| plain(&content(id))).collect();
        let ends = |id| with_last_group(&message, id).into_iter().chain(with_last_token(&message, id));
        leaves.extend(message.all().flat_map(ends).map(|bytes| plain(&bytes)));
        let encoded = |id: &EntityId| message.entity(*id).is_some_and(|entity| entity.encoding != Encoding::Identity);
        let behind = message.all().filter(encoded).flat_map(|id| endings(&content(id)));
        leaves.extend(behind.map(|bytes| plain(&bytes)).collect::<Vec<_>>());
        let containers = message.all().filter(|id| !message.entity(*id).unwrap().is_leaf());
        let mut wholes = vec![plain(raw)];
        wholes.extend(containers.map(|id| plain(&content(id))));
        let payloads = PAYLOADS.iter().map(|payload| plain(&payload.bytes())).collect();
        let lines = raw.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let delimiters = lines.filter(|line| line.starts_with(b"--")).map(<[u8]>::to_vec).collect();
        Self { leaves, wholes, texts: texts(&message), raw_letters: letters(raw), payloads, delimiters }
    }

    /// Whether a leaf is among them.
    pub(crate) fn has(&self, found: &Found) -> bool {
        let has = |bytes: &[u8]| if found.text { self.has_text(bytes) } else { self.has_bytes(bytes) };
        let (without, front) = (self.without_delimiters(&found.bytes), self.without_last_delimiter(&found.bytes));
        let is_less = |bytes: &[u8]| bytes.len() < found.bytes.len();
        has(&found.bytes) || (is_less(&without) && has(&without)) || (is_less(front) && has(front))
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
            leaf.starts_with(found) && leaf.len() <= whole.len() + MAX_LOST + zeros
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
        let lines = found.split_inclusive(|byte| *byte == b'\n');
        lines.filter(|line| !self.is_delimiter(line)).flatten().copied().collect()
    }

    /// The same of the last line only: one in front of it may belong to the leaf.
    fn without_last_delimiter<'f>(&self, found: &'f [u8]) -> &'f [u8] {
        let text = found.trim_ascii_end();
        let start = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
        if self.is_delimiter(&text[start..]) { &found[..start] } else { found }
    }

    fn is_delimiter(&self, line: &[u8]) -> bool {
        line.starts_with(b"--") && self.delimiters.iter().any(|one| one == line.trim_ascii_end())
    }

    /// Whether the letters of a text are in one of ours, or are the message's own bytes.
    fn has_text(&self, text: &[u8]) -> bool {
        let text = letters(text);
        let ours = |what: &[u8]| self.texts.iter().any(|ours| holds(ours, what));
        let hidden = |payload: &Vec<u8>| {
            let payload = letters(payload);
            payload.len() >= MIN_LETTERS && holds(&text, &payload) && !ours(&payload)
        };
        (holds(&self.raw_letters, &text) || ours(&text)) && !self.payloads.iter().any(hidden)
    }
}

/// A base64 body up to its first padding, and behind it what mailparser makes of the last characters that
/// are no whole group: its decoder keeps these until the end, padding counted, and then decodes them by
/// themselves, whatever it passed over in front of them. At most two bytes: no file is hidden in them.
fn with_last_group(message: &Message<'_>, id: EntityId) -> Option<Vec<u8>> {
    let entity = message.entity(id).filter(|entity| entity.encoding == Encoding::Base64)?;
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let body = entity.body.of(message.buffer(entity.buffer));
    let body: Vec<u8> = body.iter().copied().filter(is_base64).collect();
    let (groups, last) = body.split_at(body.len() / 4 * 4);
    let to_padding = |text: &[u8]| text.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
    let (first, last) = (to_padding(groups), to_padding(last));
    if last.len() < 2 || first.len() == groups.len() {
        return None;
    }
    let decode = |text: &[u8]| mail::transfer::base64(text, MAX_CONTENT).bytes;
    Some([decode(&first), decode(&last)].concat())
}

/// A base64 body that ends within a group of four, whose padding is missing, with that group as it stands in
/// place of what it holds: Thunderbird writes it so. At most three bytes. Where the body is damaged otherwise it
/// is a reading of ours (`Base64Groups`).
fn with_last_token(message: &Message<'_>, id: EntityId) -> Option<Vec<u8>> {
    let entity = message.entity(id).filter(|entity| entity.encoding == Encoding::Base64)?;
    let body = entity.body.of(message.buffer(entity.buffer)).trim_ascii_end();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let text: Vec<u8> = body.iter().copied().filter(is_base64).collect();
    let (groups, last) = text.split_at(text.len() / 4 * 4);
    if last.len() < 2 || memchr::memchr(b'=', body).is_some() {
        return None;
    }
    Some([&mail::transfer::base64(groups, MAX_CONTENT).bytes, last].concat())
}

/// What stands in a leaf behind an empty line with a line like a header's in front of it. ripmime looks for
/// such lines among the first hundred of what it has decoded, and reads the rest as a message, whatever
/// they say. All of it is in the leaf, byte by byte; where the header names an encoding, it is a reading of
/// ours (`embedded::find_inside`).
pub(super) fn endings(leaf: &[u8]) -> Vec<Vec<u8>> {
    const STARTS: [&str; 5] = ["content-", "from", "subject:", "date:", "received:"];
    let (mut out, mut at, mut header) = (Vec::new(), 0, false);
    for line in leaf.split_inclusive(|byte| *byte == b'\n').take(MAX_HEADER_LINE) {
        at += line.len();
        let text = String::from_utf8_lossy(line).to_lowercase();
        header |= STARTS.iter().any(|start| text.starts_with(start));
        if header && text.trim().is_empty() {
            out.push(leaf[at..].to_vec());
        }
    }
    out
}

/// The letters of all leaves, as bytes and by their charset.
fn texts(message: &Message<'_>) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for id in message.all() {
        let content = message.content(id, MAX_CONTENT).bytes.into_owned();
        let charset = message.entity(id).and_then(|entity| entity.charset.clone());
        let ends = with_last_group(message, id).into_iter().chain(with_last_token(message, id));
        for content in std::iter::once(content).chain(ends) {
            out.push(letters(&content));
            out.push(letters(to_text(&content, charset.as_deref()).as_bytes()));
        }
    }
    out
}

#[test]
fn only_what_the_rules_name_is_equal() {
    let leaf = |bytes: &[u8]| Found { bytes: bytes.to_vec(), text: false };
    let text = |bytes: &[u8]| Found { bytes: bytes.to_vec(), text: true };
    let base64 = |body: &str| format!("Content-Transfer-Encoding: base64\n\n{body}").into_bytes();
    let quoted = |body: &str| format!("Content-Transfer-Encoding: quoted-printable\n\n{body}").into_bytes();
    let utf7 =
        b"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-7\n\na+AC4-c\n--b--"
            .to_vec();
    let part = b"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\n=41B\n--r\nc\n--b".to_vec();
    let uu = b"\nbegin 644 a\n#86)C\nend\n".to_vec();
    let cases: &[(&str, Vec<u8>, Found, bool)] = &[
        ("the same bytes", base64("QUJD"), leaf(b"ABC"), true),
        ("other bytes", base64("QUJD"), leaf(b"ABD"), false),
        ("other line ends and blanks", quoted("a =3D\nb"), leaf(b"a=\r\nb\r\n"), true),
        ("an end that was lost", base64("QUJDREVG"), leaf(b"AB"), true),
        ("more than an end that was lost", base64("QUJDREVGR0hJ"), leaf(b"AB"), false),
        ("the middle", base64("QUJDREVG"), leaf(b"CDEF"), false),
        ("zeros behind uuencode", uu.clone(), leaf(b"abc\0\0\0"), true),
        ("a byte behind uuencode", uu, leaf(b"abcd"), false),
        ("bytes as they stand", quoted("a=3Db"), leaf(b"a=3Db"), true),
        ("a byte behind a leaf", base64("QUJD"), leaf(b"ABC1"), false),
        ("two bytes behind a leaf", quoted("=41BC"), leaf(b"ABC12"), false),
        ("the last group, by itself behind padding", base64("QQ==QUJDQUI"), leaf(b"AAB"), true),
        ("others bytes in its place", base64("QQ==QUJDQUI"), leaf(b"AXY"), false),
        ("the last group behind nothing but padding", base64("==QUJDQUJDQUJD"), leaf(b"$"), true),
        ("more than it holds", base64("QQ==QUJDQUI"), leaf(b"AABD"), false),
        ("a last group with no padding in front", base64("QUJDQUI"), leaf(b"ABCABAB"), false),
        ("a last group as it stands", base64("QUJDQUI"), leaf(b"ABCQUI="), true),
        ("another in its place", base64("QUJDQUI"), leaf(b"ABCQUJ="), false),
        ("more than it", base64("QUJDQUI"), leaf(b"ABCQUIX"), false),
        ("such a text", base64("QQ==QUJDQUI"), text(b"AAB"), true),
        ("such a text with others bytes", base64("QQ==QUJDQUI"), text(b"AXY"), false),
        ("behind a header in a decoded text", quoted("hello\nDate: a\n\nb=41c"), leaf(b"bAc"), true),
        ("behind words in a decoded text", quoted("hello\n\nb=41c"), leaf(b"bAc"), false),
        ("behind half a header", quoted("hello\nDate: a\n\nb=41c"), leaf(b"Ac"), false),
        ("a text by its letters", quoted("c=61f=C3=A9, 1"), text("caf\u{e9} 1".as_bytes()), true),
        ("a text with a delimiter behind it", utf7.clone(), text(b"a.c\n--b--"), true),
        ("a delimiter behind a leaf with a line like one", part.clone(), leaf(b"AB\n--r\nc\n--b"), true),
        ("other bytes behind such a leaf", part, leaf(b"AB\n--r\nd\n--b"), false),
        ("a text with a line that is no delimiter behind it", utf7, text(b"a.c\n--c--"), false),
        ("a text with a letter more", quoted("c=61f=C3=A9"), text(b"cafe"), false),
        ("a line in front of a text", quoted("c=61f"), text(b"Date: 7/1/2000\ncaf"), false),
        ("a text within tags", quoted("c=61f"), text(b"<div>caf</div>"), false),
        ("a text with entities", quoted("c=61f"), text(b"&#x3C;caf"), false),
    ];
    for (name, raw, found, equal) in cases {
        assert_eq!(Ours::of(raw).has(found), *equal, "{name}");
    }
}

#[test]
fn a_payload_that_only_stands_in_the_message_is_not_ours() {
    let html = PAYLOADS.iter().find(|payload| payload.name == "html").unwrap().bytes();
    for text in [false, true] {
        // A comment of a field is no leaf.
        let raw = [b"Subject: ", html.as_slice(), b"\n\nbody"].concat();
        assert!(!Ours::of(&raw).has(&Found { bytes: html.clone(), text }), "text: {text}");
        assert!(Ours::of(&[b"\n", html.as_slice()].concat()).has(&Found { bytes: html.clone(), text }));
    }
}
