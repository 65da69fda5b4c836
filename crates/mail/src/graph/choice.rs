//! The ways in which clients take a body from an odd header: which type, boundary and encoding.
//!
//! Considered: the first, the last and each other of several fields; fields with blanks or controls
//! around their name, taken or passed over; every value of a parameter ([`Structured::values`]); a
//! search through the raw value, as clients do that know no grammar; encodings with decoration, or
//! told by what the body looks like. At most [`MAX_CHOICES`], the likeliest first.

use super::head::{self, Candidate};
use super::{Encoding, Field, looks_like_message};
use crate::header;
use crate::header::Structured;
use crate::transfer;

/// Most ways; of those that give something new [`super::MAX_READINGS`] are kept.
const MAX_CHOICES: usize = 16;
/// Most fields of one name that are looked at.
const MAX_FIELDS: usize = 6;
/// Most boundaries of one field.
const MAX_BOUNDARIES: usize = 5;
/// How much of a field the search looks at, in bytes.
const MAX_SEARCHED: usize = 4 * 1024;
/// How much of a body is looked at to tell its encoding, in bytes.
const MAX_PROBE: usize = 2 * 1024;
/// Longest boundary (RFC 2046 section 5.1.1); some clients cut longer ones.
const MAX_BOUNDARY: usize = 70;

/// One way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    pub(super) media: String,
    pub(super) encoding: Encoding,
    pub(super) candidate: Candidate,
    /// Whether the encoding is undone first, though the type allows none.
    pub(super) decoded: bool,
}

impl Choice {
    /// Whether it takes the body for parts.
    pub(super) fn is_multipart(&self) -> bool {
        matches!(self.candidate, Candidate::Multipart { .. })
    }
}

/// A type with a boundary, if it is a multipart.
type Type = (String, Option<Vec<u8>>);

/// The ways to read a body by these fields, the strict one left out, and whether there are more.
pub(super) fn choices(
    buffer: &[u8],
    fields: &[Field],
    strict: &Choice,
    default_media: &str,
    body: &[u8],
) -> (Vec<Choice>, bool) {
    let types = types(buffer, fields, default_media, body);
    let encodings = encodings(buffer, fields, strict, body);
    let mut pairs: Vec<(&Type, Encoding)> = Vec::new();
    let (first_type, first_encoding) = (types.first(), encodings.first().copied().unwrap_or(strict.encoding));
    pairs.extend(types.iter().map(|kind| (kind, first_encoding)));
    pairs.extend(encodings.iter().flat_map(|encoding| first_type.map(|kind| (kind, *encoding))));
    let singles = pairs.len();
    let others = encodings.iter().rev().flat_map(|encoding| types.iter().rev().map(move |kind| (kind, *encoding)));
    pairs.extend(others);
    let many = |name| named_all(buffer, fields, name).nth(MAX_FIELDS).is_some();
    let mut cut = many("content-type") || many("content-transfer-encoding");
    let mut out: Vec<Choice> = Vec::new();
    for (at, (kind, encoding)) in pairs.into_iter().enumerate() {
        for choice in of(kind, encoding) {
            let new = !same(&choice, strict) && !out.iter().any(|known| same(known, &choice));
            if !new || !is_likely(&choice, strict, body) {
                continue;
            }
            if out.len() < MAX_CHOICES {
                out.push(choice);
            } else {
                // Two things odd at once, in every combination, need not be tried.
                cut |= at < singles;
            }
        }
    }
    (out, cut)
}

/// The ways of one type with one encoding: a container may stand as it is, or encoded.
fn of((media, boundary): &Type, encoding: Encoding) -> Vec<Choice> {
    let candidate = head::candidate(media, boundary.as_deref());
    let choice = |candidate: Candidate, decoded| Choice { media: media.clone(), encoding, candidate, decoded };
    let encoded = matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable);
    match candidate {
        Candidate::Leaf => vec![choice(Candidate::Leaf, false)],
        container if encoded => {
            vec![choice(container.clone(), true), choice(container, false)]
        }
        container => vec![choice(container, false)],
    }
}

/// Whether a way can give something new: a multipart without boundary is nothing but its own bytes,
/// and what could be decoded into a container is none as it stands, unless it looks like one.
fn is_likely(choice: &Choice, strict: &Choice, body: &[u8]) -> bool {
    let has_parts = matches!(strict.candidate, Candidate::Multipart { .. });
    if choice.decoded && has_parts && !strict.decoded && choice.encoding == Encoding::Base64 {
        return looks(body).contains(&Encoding::Base64);
    }
    match &choice.candidate {
        Candidate::Leaf => !(has_parts && choice.media.starts_with("multipart/")),
        Candidate::Message => choice.decoded || !strict.decoded || looks_like_message(body),
        Candidate::Multipart { .. } => choice.decoded || !strict.decoded || choice.candidate != strict.candidate,
    }
}

/// Whether two ways give the same content.
fn same(a: &Choice, b: &Choice) -> bool {
    let raw = |encoding| matches!(encoding, Encoding::Identity | Encoding::Unknown);
    let encoding = a.encoding == b.encoding || (raw(a.encoding) && raw(b.encoding));
    match (&a.candidate, &b.candidate) {
        (Candidate::Leaf, Candidate::Leaf) => encoding,
        (one, other) if one == other => a.decoded == b.decoded && (encoding || !a.decoded),
        _ => false,
    }
}

/// Fields of a name: those that stand as they should, and those that only lax clients know.
fn named_all<'f>(buffer: &'f [u8], fields: &'f [Field], name: &'static str) -> impl Iterator<Item = &'f Field> {
    let is_named = move |field: &&Field| {
        let raw = field.name.of(buffer);
        let visible = raw.iter().filter(|byte| (33..=126).contains(*byte)).map(u8::to_ascii_lowercase);
        // A name that is far longer has something else in it.
        raw.len() <= name.len().saturating_mul(2)
            && (visible.eq(name.bytes()) || (name == "content-transfer-encoding" && head::holds_encoding_name(raw)))
    };
    fields.iter().filter(is_named)
}

/// The first of these fields, and the last.
fn named<'f>(buffer: &'f [u8], fields: &'f [Field], name: &'static str) -> Vec<&'f Field> {
    let all: Vec<&Field> = named_all(buffer, fields, name).collect();
    let last = all.len().saturating_sub(1);
    let skipped = |at: usize| at >= MAX_FIELDS.saturating_sub(1) && at != last;
    all.into_iter().enumerate().filter(|(at, _)| !skipped(*at)).map(|(_, field)| field).collect()
}

/// Whether a client that follows the grammar of fields knows it.
fn is_proper(buffer: &[u8], field: &Field) -> bool {
    let name = field.name.of(buffer);
    field.value.start == field.name.end.saturating_add(1) && name.iter().all(|byte| (33..=126).contains(byte))
}

fn types(buffer: &[u8], fields: &[Field], default_media: &str, body: &[u8]) -> Vec<Type> {
    let named = named(buffer, fields, "content-type");
    let mut out: Vec<Type> = Vec::new();
    let mut put = |kind: Type| {
        if !out.contains(&kind) {
            out.push(kind);
        }
    };
    // The strict one, then the last field, then the others.
    let order = named.first().into_iter().chain(named.iter().skip(1).rev());
    for field in order {
        let value = field.value.of(buffer);
        strict_types(value, &mut put);
        lax_types(value, &mut put);
    }
    if named.iter().all(|field| !is_proper(buffer, field)) {
        put((default_media.to_owned(), None));
    }
    let holds_message = |media: &str| {
        matches!(media, "message/partial" | "message/external-body")
            || (media.starts_with("message/") && looks_like_message(body))
    };
    if out.iter().any(|(media, _)| holds_message(media)) {
        out.push(("message/rfc822".to_owned(), None));
    }
    out
}

/// The type by the grammar, with each value of its boundary.
fn strict_types(value: &[u8], put: &mut dyn FnMut(Type)) {
    let parsed = Structured::parse(value);
    let token = parsed.token();
    let media = if token.contains('/') { token } else { "text/plain" };
    if !media.starts_with("multipart/") {
        put((media.to_owned(), None));
        return;
    }
    if parsed.bad() {
        // RFC 2045 section 5.2.
        put(("text/plain".to_owned(), None));
    }
    let values = parsed.values("boundary");
    if values.is_empty() {
        put((media.to_owned(), None));
    }
    for value in values.into_iter().take(MAX_BOUNDARIES) {
        put_boundary(media, &value, put);
    }
}

/// A boundary as it is written, and as clients change it.
fn put_boundary(media: &str, value: &[u8], put: &mut dyn FnMut(Type)) {
    let trimmed = value.trim_ascii_end();
    let words = header::decode_words(value).into_bytes();
    let visible: Vec<u8> = value.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
    let until_control = value.split(u8::is_ascii_control).next().unwrap_or(value);
    let cut = trimmed.get(..MAX_BOUNDARY).unwrap_or(trimmed);
    for one in [trimmed, trimmed.trim_ascii(), &words, &visible, until_control, cut] {
        put((media.to_owned(), (!one.is_empty()).then(|| one.to_vec())));
    }
}

/// What a search for words finds in a value.
fn lax_types(value: &[u8], put: &mut dyn FnMut(Type)) {
    let value = value.get(..MAX_SEARCHED).unwrap_or(value);
    let text: Vec<u8> = value.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
    let lower = text.to_ascii_lowercase();
    let letters: Vec<u8> = without_comments(&lower).into_iter().filter(|byte| !b" \"'".contains(byte)).collect();
    let has = |what: &[u8]| memchr::memmem::find(&letters, what).is_some();
    if has(b"message/rfc822") {
        put(("message/rfc822".to_owned(), None));
    }
    if !has(b"multipart") {
        return;
    }
    let media = if has(b"multipart/digest") { "multipart/digest" } else { "multipart/mixed" };
    let places: Vec<usize> = memchr::memmem::find_iter(&lower, b"boundary").collect();
    let last = places.last().copied();
    for at in places.into_iter().take(MAX_BOUNDARIES).chain(last) {
        let rest = text.get(at.saturating_add(8)..).unwrap_or(&[]);
        let Some(equals) = rest.iter().take(16).position(|byte| *byte == b'=') else { continue };
        let value = rest.get(equals.saturating_add(1)..).unwrap_or(&[]).trim_ascii_start();
        let until = |stop: &[u8]| {
            let end = value.iter().position(|byte| stop.contains(byte)).unwrap_or(value.len());
            value.get(..end).unwrap_or(value)
        };
        let quoted = value.strip_prefix(b"\"");
        let inside = quoted.map(|text| text.split(|byte| *byte == b'"').next().unwrap_or(text));
        // With its quotes, without them, up to a blank, up to the semicolon.
        for one in inside.into_iter().chain([until(b"; \t(,"), until(b";"), until(b"\"; \t"), value]) {
            put_boundary(media, one, put);
        }
    }
}

/// A value without its comments; a comment without end reaches to the end.
fn without_comments(value: &[u8]) -> Vec<u8> {
    let mut depth = 0usize;
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            byte if depth == 0 => out.push(*byte),
            _ => {}
        }
    }
    out
}

fn encodings(buffer: &[u8], fields: &[Field], strict: &Choice, body: &[u8]) -> Vec<Encoding> {
    let mut out = vec![strict.encoding];
    let mut put = |encoding: Encoding| {
        if !out.contains(&encoding) {
            out.push(encoding);
        }
    };
    let named = named(buffer, fields, "content-transfer-encoding");
    for field in named.iter().rev() {
        let value = field.value.of(buffer);
        let token = header::token(value);
        put(head::encoding(&token));
        put(lax_encoding(value));
        if !value.trim_ascii().eq_ignore_ascii_case(token.as_bytes()) {
            put(Encoding::Identity);
        }
        if head::encoding(&token) == Encoding::Unknown && strict.candidate == Candidate::Leaf {
            looks(body).into_iter().for_each(&mut put);
        }
    }
    if named.iter().any(|field| !is_proper(buffer, field)) {
        put(Encoding::Identity);
    }
    out
}

/// The encoding whose name occurs in a value.
fn lax_encoding(value: &[u8]) -> Encoding {
    let value = value.get(..MAX_SEARCHED).unwrap_or(value);
    let words = header::decode_words(value).to_ascii_lowercase();
    let text: String = words.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    if text.contains("base64") {
        Encoding::Base64
    } else if text.contains("quotedprintable") {
        Encoding::QuotedPrintable
    } else {
        Encoding::Identity
    }
}

/// The encodings that a body looks like.
fn looks(body: &[u8]) -> Vec<Encoding> {
    let probe = body.get(..MAX_PROBE).unwrap_or(body);
    let mut out = Vec::new();
    let long = probe.len() >= 16;
    let sextets = probe.iter().filter(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte)).count();
    if long && sextets.saturating_mul(20) >= probe.len().saturating_mul(19) {
        out.push(Encoding::Base64);
    }
    let escape = |at: usize| {
        let rest = probe.get(at.saturating_add(1)..).unwrap_or(&[]);
        matches!(rest, [b'\r' | b'\n', ..])
            || matches!(rest, [a, b, ..] if transfer::hex(*a).is_some() && transfer::hex(*b).is_some())
    };
    if memchr::memchr_iter(b'=', probe).any(escape) {
        out.push(Encoding::QuotedPrintable);
    }
    out
}
