//! Files that a script's constants hold: as they are, in base64, hexadecimal digits, percent signs
//! or decimal numbers, reversed, and with one byte over all (XOR).
//!
//! Only what [`crate::detect`] then recognises counts, or what is text behind a base64 or hexadecimal
//! coat. Limits: [`MIN_TEXT`], [`MAX_BLOBS`]; keys of more than one byte are not tried.

use std::io::Read as _;

use mail::evidence::FileKind;
use mail::transfer;

use super::calls::{bytes_of, percent};
use super::value::Value;
use crate::bytes::{between, le32, take};
use crate::detect;

/// Shortest constant that is looked at, in units.
const MIN_TEXT: usize = 48;
/// How many hexadecimal digits tell whether it is worth to undo all.
const HEX_START: usize = 128;
/// Most files of one document.
const MAX_BLOBS: usize = 256;
/// Most bytes that raw Deflate may give.
const MAX_INFLATED: u64 = 32 * 1024 * 1024;
/// How files begin that hide behind XOR.
const MAGIC: &[&[u8]] = &[
    b"PK\x03\x04",
    b"%PDF-",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\xd0\xcf\x11\xe0\xa1\xb1",
    b"\x1f\x8b\x08\0",
    b"<html",
    b"<!DOC",
    b"<script",
    b"MSCF\0\0\0\0",
    b"L\0\0\0\x01\x14\x02\0",
];

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Blob {
    pub(crate) content: Vec<u8>,
    /// What a `data:` address says it is.
    pub(crate) declared: Option<String>,
    /// It is a text that was encoded, not a file that is known.
    pub(crate) text: bool,
}

/// What was found.
pub(crate) struct Blobs {
    pub(super) found: Vec<Blob>,
    pub(super) over: bool,
    /// Whether raw Deflate is tried.
    deflated: bool,
}

impl Blobs {
    pub(super) fn new(deflated: bool) -> Self {
        Self { found: Vec::new(), over: false, deflated }
    }

    /// Looks whether a constant holds a file.
    pub(super) fn test(&mut self, value: &Value) {
        if value.size() < MIN_TEXT {
            return;
        }
        let Some(bytes) = bytes_of(value) else { return };
        if let Some(blob) = look(&bytes, self.deflated) {
            let known = self.found.iter().any(|other| other.content == blob.content);
            if self.found.len() >= MAX_BLOBS {
                self.over = true;
            } else if !known {
                self.found.push(blob);
            }
        }
    }
}

/// What a whole text is in base64, hexadecimal digits or the like.
pub(crate) fn undone(text: &[u8]) -> Option<Blob> {
    let text = text.trim_ascii();
    if text.len() < MIN_TEXT { None } else { inner(decoded(text)?, false) }
}

/// The file that bytes stand for.
fn look(raw: &[u8], deflated: bool) -> Option<Blob> {
    if let Some((declared, content)) = data_url(raw) {
        return Some(Blob { content, declared: Some(declared), text: false });
    }
    let file = |content: Vec<u8>| Some(Blob { content, declared: None, text: false });
    let kind = detect(raw);
    if is_file(kind) {
        return file(raw.to_vec());
    }
    if let Some(content) = decoded(raw) {
        return inner(content, deflated);
    }
    unmasked(raw).and_then(file)
}

/// What stands behind one coat: a file, a masked one, or text.
fn inner(content: Vec<u8>, deflated: bool) -> Option<Blob> {
    let made = |content, text| Some(Blob { content, declared: None, text });
    let kind = detect(&content);
    if is_file(kind) {
        return made(content, false);
    }
    if kind == FileKind::Text && is_readable(&content) {
        // A second coat is common.
        return match decoded(&content).filter(|inner| is_file(detect(inner))) {
            Some(inner) => made(inner, false),
            None => made(content, true),
        };
    }
    if let Some(content) = unmasked(&content) {
        return made(content, false);
    }
    let inflated = deflated.then(|| inflate(&content)).flatten()?;
    let text = detect(&inflated) == FileKind::Text && is_readable(&inflated);
    (text || is_file(detect(&inflated))).then_some(inflated).and_then(|content| made(content, text))
}

/// Whether text is text to a reader: nineteen of twenty bytes are plain, or it is UTF-16. Noise without
/// control characters is none.
fn is_readable(text: &[u8]) -> bool {
    let plain = text.iter().filter(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0)).count();
    plain.saturating_mul(20) >= text.len().saturating_mul(19)
}

/// Whether a kind is worth being an object of its own.
fn is_file(kind: FileKind) -> bool {
    !matches!(
        kind,
        FileKind::Empty
            | FileKind::Unknown
            | FileKind::Text
            | FileKind::Multipart
            | FileKind::Message
            | FileKind::Media
    )
}

/// Undoes base64, hexadecimal digits, percent signs or decimal numbers, also written backwards.
fn decoded(raw: &[u8]) -> Option<Vec<u8>> {
    let text = raw.trim_ascii();
    let any = |fits: fn(u8) -> bool| text.iter().all(|byte| fits(*byte) || byte.is_ascii_whitespace());
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if any(|byte| byte.is_ascii_hexdigit()) && text.len() >= MIN_TEXT {
        let start = hex(between(text, 0, HEX_START))?;
        return if is_promising(&start) { hex(text) } else { None };
    }
    if any(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'-' | b';')) && digits >= MIN_TEXT {
        let parts = text.split(|byte| matches!(byte, b',' | b';') || byte.is_ascii_whitespace());
        let parts = parts.filter(|part| !part.is_empty());
        let byte = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<i16>().ok();
        let bytes: Option<Vec<i16>> = parts.map(byte).collect();
        return bytes?.iter().map(|number| (-128..256).contains(number).then_some(number.to_le_bytes()[0])).collect();
    }
    if any(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')) {
        let backwards = text.starts_with(b"=");
        let text: Vec<u8> = if backwards { text.iter().rev().copied().collect() } else { text.to_vec() };
        let plain = |byte: u8| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        };
        let text: Vec<u8> = text.into_iter().map(plain).collect();
        let content = transfer::base64(&text, usize::MAX).bytes;
        return is_made(&content).then_some(content);
    }
    // A percent sign alone encodes nothing: lists of rates and batch files are full of them.
    if memchr::memchr_iter(b'%', text).count().saturating_mul(12) < text.len() {
        return None;
    }
    let units: Vec<u16> = text.iter().map(|byte| u16::from(*byte)).collect();
    let undone = percent(&units);
    // Each escape takes up two units more than what it stands for, or five.
    let escapes = units.len().saturating_sub(undone.len()) / 2;
    (escapes.saturating_mul(12) >= text.len()).then(|| super::value::bytes(&undone))
}

/// Whether a file may begin so: digits and words are hexadecimal too, and most are none.
fn is_promising(start: &[u8]) -> bool {
    let [a, b, ..] = start else { return false };
    a ^ b == b'M' ^ b'Z' || is_readable(start) || is_file(detect(start)) || unmasked(start).is_some()
}

/// Words look like base64 too; what they decode to is noise, short, and no file.
fn is_made(content: &[u8]) -> bool {
    content.len() >= MIN_TEXT / 2
}

/// Hexadecimal digits, blanks between them left out, and one too many at the end.
pub(crate) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Option<Vec<u8>> = text.iter().filter(|byte| !byte.is_ascii_whitespace()).map(digit).collect();
    Some(digits?.chunks_exact(2).filter_map(|two| Some(two.first()? << 4 | two.get(1)?)).collect())
}

/// A file behind one byte of XOR, which its start tells.
fn unmasked(raw: &[u8]) -> Option<Vec<u8>> {
    let key = |magic: &[u8]| {
        let key = raw.first()? ^ magic.first()?;
        let fits = magic.iter().zip(raw).all(|(wanted, byte)| byte ^ key == *wanted);
        (fits && key != 0 && raw.len() >= MIN_TEXT).then_some(key)
    };
    let program = || {
        let key = key(b"MZ")?;
        let head: Vec<u8> = take(raw, 0, 64)?.iter().map(|byte| byte ^ key).collect();
        let at = usize::try_from(le32(&head, 60)?).ok()?;
        let mark = take(raw, at, 4)?.iter().map(|byte| byte ^ key);
        mark.eq(*b"PE\0\0").then_some(key)
    };
    let key = MAGIC.iter().find_map(|magic| key(magic)).or_else(program)?;
    Some(raw.iter().map(|byte| byte ^ key).collect())
}

/// Raw Deflate that ends as it should.
fn inflate(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut decoder = flate2::read::DeflateDecoder::new(raw).take(MAX_INFLATED);
    decoder.read_to_end(&mut out).ok()?;
    (!out.is_empty()).then_some(out)
}

/// The type and content of a `data:` address (RFC 2397), blanks before it passed over.
pub fn data_url(raw: &[u8]) -> Option<(String, Vec<u8>)> {
    let raw = raw.trim_ascii_start();
    let start = between(raw, 0, 5).to_ascii_lowercase();
    let comma = memchr::memchr(b',', raw).filter(|_| start == b"data:")?;
    let head = String::from_utf8_lossy(between(raw, 5, comma.min(261))).to_ascii_lowercase();
    let body = between(raw, comma.saturating_add(1), raw.len());
    let kind = head.split(';').next().unwrap_or("").trim().to_owned();
    let units: Vec<u16>;
    let plain = if memchr::memchr(b'%', body).is_some() {
        units = body.iter().map(|byte| u16::from(*byte)).collect();
        super::value::bytes(&percent(&units))
    } else {
        body.to_vec()
    };
    let based = head.split(';').skip(1).any(|word| word.trim() == "base64");
    let content = if based { transfer::base64(&plain, usize::MAX).bytes } else { plain };
    Some((if kind.is_empty() { "text/plain".to_owned() } else { kind }, content))
}
