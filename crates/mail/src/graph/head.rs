//! What an entity's header says about its body, and the shapes that allows.

use super::names::names;
use super::{Encoding, Field};
use crate::charset;
use crate::defect::DefectCode;
use crate::filename::Signs;
use crate::header::{self, Structured};
use crate::span::Span;
use crate::untrusted::Untrusted;

/// Longest boundary that follows the rules (RFC 2046 section 5.1.1).
const MAX_BOUNDARY: usize = 70;
/// Longest media type, charset or disposition that is kept.
const MAX_TOKEN: usize = 128;
/// Most fields of a kind that are looked at.
const MAX_FIELDS: usize = 6;

/// Fields that may stand only once (RFC 5322 section 3.6, RFC 2045, RFC 2183).
pub(crate) const ONCE: &[&str] = &[
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "mime-version",
    "subject",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "date",
    "message-id",
    "in-reply-to",
    "references",
];

/// The lengths of these names, as bits.
const ONCE_LENGTHS: u32 = {
    let (mut bits, mut at) = (0, 0);
    while at < ONCE.len() {
        #[allow(clippy::indexing_slicing)] // const code cannot use `get`
        let name = ONCE[at];
        bits |= 1 << name.len();
        at += 1;
    }
    bits
};

/// What a header says.
pub(super) struct Head {
    pub(super) media: String,
    pub(super) encoding: Encoding,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) names: Vec<Untrusted<String>>,
    pub(super) disposition: Option<String>,
    /// Whether clients may read type, boundary or encoding in another way: [`super::choice`].
    pub(super) odd: bool,
}

/// A shape that an entity may have by its header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Candidate {
    /// Content of its own.
    Leaf,
    /// Parts between delimiters with this boundary.
    Multipart { boundary: Vec<u8>, digest: bool },
    /// A message inside.
    Message,
}

impl Head {
    /// The shape in the strict reading.
    pub(super) fn strict(&self) -> Candidate {
        candidate(&self.media, self.boundary.as_deref())
    }
}

/// The shape of a media type with a boundary.
pub(super) fn candidate(media: &str, boundary: Option<&[u8]>) -> Candidate {
    match (boundary, media) {
        (Some(boundary), media) if media.starts_with("multipart/") => {
            Candidate::Multipart { boundary: boundary.to_vec(), digest: media == "multipart/digest" }
        }
        (_, "message/rfc822" | "message/global" | "message/news") => Candidate::Message,
        _ => Candidate::Leaf,
    }
}

/// Reads the header's fields; `note` takes what is wrong.
pub(super) fn read(
    buffer: &[u8],
    fields: &[Field],
    default_media: &str,
    note: &mut dyn FnMut(DefectCode, Span),
) -> Head {
    check_fields(buffer, fields, note);
    let told = MimeFields::of(buffer, fields);
    let structured = |field: &Field| Structured::parse(field.value.of(buffer));

    let mut odd = told.odd;
    let type_field = told.types;
    let content_type = type_field.map(structured).unwrap_or_default();
    let media = media(&content_type, type_field, default_media, note);
    let boundary = type_field.and_then(|field| boundary(&content_type, &media, field.whole, note));
    let charset = charset(&content_type, &media, type_field, note).or_else(|| {
        // Others take the last field of several.
        let of_name = |field: &&Field| told.several && field.name_is(buffer, "content-type");
        let others = fields.iter().filter(of_name).skip(1).take(MAX_FIELDS);
        others.last().and_then(|field| charset_of(&structured(field)))
    });
    let is_multipart = media.starts_with("multipart/");
    // A type without its second half is multipart to some.
    let is_whole = |token: &str| token.split_once('/').is_some_and(|(_, subtype)| !subtype.is_empty());
    odd |= type_field.is_some() && !is_whole(content_type.token());
    odd |= content_type.bad() || (is_multipart && boundary_is_odd(&content_type, boundary.as_deref()));
    match media.as_str() {
        "message/partial" => {
            odd = true;
            note(DefectCode::PartialMessage, type_field.map(|field| field.whole).unwrap_or_default());
        }
        "message/external-body" => {
            odd = true;
            note(DefectCode::ExternalBody, type_field.map(|field| field.whole).unwrap_or_default());
        }
        _ => {}
    }
    let encoding = told.encodings.map_or(Encoding::Identity, |field| {
        let value = field.value.of(buffer);
        let token = header::token(value);
        odd |= !value.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
        let encoding = encoding(&token);
        odd |= encoding == Encoding::Unknown;
        if encoding == Encoding::Unknown {
            note(DefectCode::UnknownEncoding, field.whole);
        }
        encoding
    });

    let disposition_field = told.dispositions;
    let disposition = disposition_field.map(structured).unwrap_or_default();
    for (value, field, name) in [(&content_type, type_field, "name"), (&disposition, disposition_field, "filename")] {
        let Some(field) = field else { continue };
        if value.conflicts(name) {
            note(DefectCode::DuplicateParameter, field.whole);
        }
        if value.cut() {
            note(DefectCode::LimitReached, field.whole);
        }
    }
    let (names, more) = names(buffer, fields, told.several, &disposition, &content_type);
    if more {
        let field = disposition_field.or(type_field);
        note(DefectCode::LimitReached, field.map(|field| field.whole).unwrap_or_default());
    }
    if names.iter().any(|name| Signs::of(name.raw()).any()) {
        let field = disposition_field.or(type_field);
        note(DefectCode::DeceptiveName, field.map(|field| field.whole).unwrap_or_default());
    }
    let disposition = Some(short(disposition.token())).filter(|token| !token.is_empty());
    Head { media, encoding, charset, boundary, names, disposition, odd }
}

/// The first field of each name that says how to read a body.
#[derive(Default)]
struct MimeFields<'f> {
    types: Option<&'f Field>,
    encodings: Option<&'f Field>,
    dispositions: Option<&'f Field>,
    /// Whether type or disposition stand several times.
    several: bool,
    /// Whether type or encoding stand several times, or have blanks in front of their colon, which make
    /// some clients pass over them.
    odd: bool,
}

impl<'f> MimeFields<'f> {
    fn of(buffer: &[u8], fields: &'f [Field]) -> Self {
        let mut out = Self::default();
        for field in fields {
            let name = field.name.of(buffer);
            // Most fields are none of these by their length alone.
            let (first, is_disposition) = match name.len() {
                12 if name.eq_ignore_ascii_case(b"content-type") => (&mut out.types, false),
                25 if name.eq_ignore_ascii_case(b"content-transfer-encoding") => (&mut out.encodings, false),
                19 if name.eq_ignore_ascii_case(b"content-disposition") => (&mut out.dispositions, true),
                26.. => {
                    out.odd |= holds_encoding_name(name);
                    continue;
                }
                _ => continue,
            };
            let again = first.is_some();
            first.get_or_insert(field);
            out.several |= again && name.len() != 25;
            out.odd |= !is_disposition && (again || field.value.start != field.name.end.saturating_add(1));
        }
        out
    }
}

/// Whether a name begins or ends with that of the field of the encoding, and has something else to it, or is that
/// name but for the begin of an encoded word in it: programs that search for words take it for that field.
pub(super) fn holds_encoding_name(name: &[u8]) -> bool {
    const NAME: &[u8] = b"content-transfer-encoding";
    let is = |part: Option<&[u8]>| part.is_some_and(|part| part.eq_ignore_ascii_case(NAME));
    let start = name.len().saturating_sub(NAME.len());
    (NAME.len() + 1..=2 * NAME.len()).contains(&name.len())
        && (is(name.get(..NAME.len())) || is(name.get(start..)) || is(without_word(name).as_deref()))
}

/// A name without `=?`, a charset, `?`, an encoding and `?` in it, and without `?=` behind them.
fn without_word(name: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(name, b"=?")?;
    let (front, word) = name.split_at_checked(start)?;
    let last = memchr::memchr_iter(b'?', word).nth(2)?;
    let text = word.get(last.saturating_add(1)..)?;
    let end = memchr::memmem::find(text, b"?=").unwrap_or(text.len());
    let behind = text.get(end.saturating_add(2)..).unwrap_or(&[]);
    Some([front, text.get(..end)?, behind].concat())
}

/// Whether clients may take another boundary.
fn boundary_is_odd(content_type: &Structured, strict: Option<&[u8]>) -> bool {
    let plain = |byte: &u8| matches!(byte, 33..=126 | b' ') && !matches!(byte, b'"' | b'\\' | b'\'' | b'%');
    let Some(strict) = strict else { return true };
    content_type.is_varied("boundary") || strict.starts_with(b" ") || !strict.iter().all(plain)
}

/// Duplicates and raw 8-bit bytes.
fn check_fields(buffer: &[u8], fields: &[Field], note: &mut dyn FnMut(DefectCode, Span)) {
    let mut seen = 0u32;
    for field in fields {
        let value = field.whole.of(buffer);
        if !value.is_ascii() && std::str::from_utf8(value).is_err() {
            note(DefectCode::EightBitHeader, field.whole);
        }
        let name = field.name.of(buffer);
        // Most fields are none of these by their length alone.
        if name.len() > 25 || ONCE_LENGTHS & (1 << name.len()) == 0 {
            continue;
        }
        let is = |once: &str| once.len() == name.len() && name.eq_ignore_ascii_case(once.as_bytes());
        let Some(at) = ONCE.iter().position(|once| is(once)) else { continue };
        let bit = 1u32 << at;
        if seen & bit != 0 {
            note(DefectCode::DuplicateHeader, field.whole);
        }
        seen |= bit;
        let is_text = field.name_is(buffer, "subject") || field.name_is(buffer, "from");
        if is_text && header::has_bad_word(value) {
            note(DefectCode::BadEncodedWord, field.whole);
        }
    }
}

/// The media type; RFC 2045 section 5.2 makes a broken one text/plain.
fn media(
    content_type: &Structured,
    field: Option<&Field>,
    default_media: &str,
    note: &mut dyn FnMut(DefectCode, Span),
) -> String {
    let Some(field) = field else { return default_media.to_owned() };
    let token = content_type.token();
    let halves = token.split_once('/');
    let whole = halves.is_some_and(|(main, sub)| !main.is_empty() && !sub.is_empty() && !sub.contains('/'));
    if content_type.bad() || !whole {
        note(DefectCode::BadContentType, field.whole);
    }
    if whole { short(token) } else { "text/plain".to_owned() }
}

/// A multipart's boundary.
fn boundary(
    content_type: &Structured,
    media: &str,
    whole: Span,
    note: &mut dyn FnMut(DefectCode, Span),
) -> Option<Vec<u8>> {
    if !media.starts_with("multipart/") {
        return None;
    }
    if content_type.conflicts("boundary") || content_type.disagrees("boundary") {
        note(DefectCode::DuplicateParameter, whole);
    }
    let mut boundary = content_type.first("boundary").unwrap_or_default();
    boundary.truncate(boundary.trim_ascii_end().len());
    if boundary.is_empty() {
        note(DefectCode::MissingBoundary, whole);
        return None;
    }
    if boundary.len() > MAX_BOUNDARY {
        note(DefectCode::BadContentType, whole);
    }
    Some(boundary)
}

/// The charset of a text.
fn charset(
    content_type: &Structured,
    media: &str,
    field: Option<&Field>,
    note: &mut dyn FnMut(DefectCode, Span),
) -> Option<String> {
    let field = field?;
    if content_type.conflicts("charset") {
        note(DefectCode::DuplicateParameter, field.whole);
    }
    let name = charset_of(content_type)?;
    if media.starts_with("text/") && !charset::is_known(&name) {
        note(DefectCode::UnknownCharset, field.whole);
    }
    Some(name)
}

/// The charset that a value names.
fn charset_of(content_type: &Structured) -> Option<String> {
    let name = content_type.first("charset")?;
    Some(short(String::from_utf8_lossy(&name).trim()).to_lowercase())
}

/// The encoding of a token.
pub(super) fn encoding(token: &str) -> Encoding {
    match token {
        "7bit" | "8bit" | "binary" => Encoding::Identity,
        "base64" => Encoding::Base64,
        "quoted-printable" => Encoding::QuotedPrintable,
        _ => Encoding::Unknown,
    }
}

/// At most [`MAX_TOKEN`] bytes of a token.
fn short(token: &str) -> String {
    token.get(..token.floor_char_boundary(MAX_TOKEN)).unwrap_or("").to_owned()
}
