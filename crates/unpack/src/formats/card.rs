//! Calendars (RFC 5545) and business cards (RFC 6350, vCard 2.1): attached files, pictures, pages and
//! text.
//!
//! Limits: [`MAX_LINES`], [`MAX_HEAD`], and those of what is found. What is attached by an address is not
//! fetched.

use mail::evidence::Role;
use mail::transfer;

use crate::budget::Budget;
use crate::bytes::between;
use crate::container::Container;
use crate::formats::html::{File, Found, finish, plain};

/// Most lines, unfolded.
const MAX_LINES: usize = 200_000;
/// Longest name and parameters of a line, in bytes.
const MAX_HEAD: usize = 4096;
/// Properties whose value is shown.
const SHOWN: [&str; 14] = [
    "summary",
    "description",
    "location",
    "comment",
    "contact",
    "url",
    "fn",
    "n",
    "org",
    "title",
    "note",
    "adr",
    "email",
    "tel",
];

/// One line: a property.
struct Property {
    name: String,
    /// Parameters with their values, in lower case but for file names.
    parameters: Vec<(String, String)>,
    value: Vec<u8>,
}

impl Property {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn is_encoded(&self, as_what: &[&str]) -> bool {
        self.parameters.iter().any(|(key, value)| {
            let bare = key.is_empty() || key == "encoding";
            bare && as_what.iter().any(|known| known.eq_ignore_ascii_case(value))
        })
    }
}

/// Opens a calendar or card.
pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    let text = plain(data);
    let mut found = Found::default();
    let mut rest: &[u8] = &text;
    for _ in 0..MAX_LINES {
        let Some(line) = unfolded(&mut rest) else { break };
        match property(&line) {
            Some(property) => take(property, &mut found),
            None => found.over |= line.len() > MAX_HEAD,
        }
    }
    found.over |= !rest.is_empty();
    finish(found, data.len(), budget)
}

/// The next line with its continuation lines.
fn unfolded(rest: &mut &[u8]) -> Option<Vec<u8>> {
    if rest.is_empty() {
        return None;
    }
    let mut line: Vec<u8> = Vec::new();
    loop {
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let piece = between(rest, 0, length);
        line.extend_from_slice(piece.strip_suffix(b"\r").unwrap_or(piece));
        *rest = between(rest, length.saturating_add(1), rest.len());
        match rest.first() {
            Some(b' ' | b'\t') => *rest = between(rest, 1, rest.len()),
            // vCard 2.1: a soft line break of quoted-printable.
            Some(_) if line.ends_with(b"=") && memchr::memmem::find(between(&line, 0, 256), b"QUOTED").is_some() => {
                line.pop();
            }
            _ => return Some(line),
        }
    }
}

/// `group.NAME;KEY=value;…:content`, colons in quotes passed over.
fn property(line: &[u8]) -> Option<Property> {
    let mut quoted = false;
    let colon = line.iter().take(MAX_HEAD).position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    })?;
    let head = String::from_utf8_lossy(between(line, 0, colon)).into_owned();
    let mut parts = head.split(';');
    let name = parts.next()?.rsplit('.').next()?.trim().to_ascii_lowercase();
    let parameters = parts
        .map(|part| match part.split_once('=') {
            Some((key, value)) => (key.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned()),
            None => (String::new(), part.trim().to_owned()),
        })
        .collect();
    Some(Property { name, parameters, value: between(line, colon.saturating_add(1), line.len()).to_vec() })
}

fn take(property: Property, found: &mut Found) {
    let named = || {
        ["x-filename", "filename", "x-oracle-filename", "x-apple-filename"]
            .iter()
            .find_map(|key| property.parameter(key))
    };
    let declared = property.parameter("fmttype").or_else(|| property.parameter("type")).map(str::to_ascii_lowercase);
    if property.is_encoded(&["base64", "b"]) {
        let content = transfer::base64(&property.value, usize::MAX).bytes;
        let name = named().map(str::to_owned);
        return found.file(File { name, declared, role: Role::File, content });
    }
    if property.value.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data:")) {
        return found.data(&property.value, named().map(str::to_owned));
    }
    let value = if property.is_encoded(&["quoted-printable"]) {
        transfer::quoted_printable(&property.value, usize::MAX).bytes
    } else {
        property.value.clone()
    };
    let value = unescaped(&String::from_utf8_lossy(&value));
    let html = declared.as_deref() == Some("text/html") || property.name == "x-alt-desc";
    if html {
        let declared = Some("text/html".to_owned());
        found.file(File { name: None, declared, role: Role::File, content: value.into_bytes() });
    } else if SHOWN.contains(&property.name.as_str()) {
        found.text(&value);
    }
}

/// `\n`, `\,` and `\;` undone.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next().map(|next| if matches!(next, 'n' | 'N') { '\n' } else { next })),
            letter => out.push(letter),
        }
    }
    out
}
