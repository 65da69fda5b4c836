//! A picture in SVG written anew, of what is allowed: as XML that is well formed, in UTF-8, with the two name
//! spaces it needs and no other.
//!
//! An element that is not allowed goes with all that is in it. Limit: [`MAX_LOOK_BACK`]; an end tag that closes
//! nothing so near is passed over.

use mail::charset::to_text;
use unpack::formats::html::{Token, Tokens};

use super::address::{Use, allowed};
use super::letters::{Place, Style, put, put_plain};
use super::rules::{Rules, opens};
use super::{allow, css};
use crate::DisarmError;
use crate::bytes::between;

/// How many open elements an end tag is compared with.
const MAX_LOOK_BACK: usize = 64;
/// Where a declaration of XML stands, in bytes.
const HEAD: usize = 256;
/// What the outermost element says of names.
const SPACES: &[u8] = b" xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"";
/// What is written: XML has no names of characters, and all is UTF-8.
const XML: Style = Style { xml: true, ascii: false };

/// An open element.
struct Open<'a> {
    name: &'a [u8],
    /// Whether it is written, and all around it.
    written: bool,
    /// Whether text in it is.
    textual: bool,
}

/// A picture that is being written.
struct Picture<'a, 'v, 'r> {
    rules: &'r Rules<'v>,
    out: Vec<u8>,
    open: Vec<Open<'a>>,
    /// The style sheet that is open.
    sheet: Option<Vec<u8>>,
}

/// A picture written anew.
///
/// # Errors
/// [`DisarmError::NothingLeft`] when it has no `svg` element outside of all others.
pub(super) fn write(text: &[u8], rules: &Rules<'_>) -> Result<Vec<u8>, DisarmError> {
    let text = in_utf8(text);
    let mut picture = Picture { rules, out: Vec::with_capacity(text.len()), open: Vec::new(), sheet: None };
    let mut tokens = Tokens::with_mode(&text, true, unpack::formats::html::Mode::STANDARD);
    while let Some(token) = tokens.next() {
        let empty = between(&text, 0, tokens.place().end).ends_with(b"/>");
        match token {
            Token::Start(name) => picture.start(name, tokens.attributes(), empty),
            Token::End(name) => picture.end(name),
            Token::Text(raw) => picture.text(raw, put),
            Token::Cdata(raw) => picture.text(raw, put_plain),
            Token::Raw(..) => {}
        }
    }
    while let Some(open) = picture.open.pop() {
        picture.close(&open);
    }
    if picture.out.is_empty() { Err(DisarmError::NothingLeft) } else { Ok(picture.out) }
}

/// The text in UTF-8: as it is, or of the charset that its first line names.
fn in_utf8(text: &[u8]) -> Vec<u8> {
    if std::str::from_utf8(text).is_ok() {
        return text.to_vec();
    }
    let head = String::from_utf8_lossy(between(text, 0, HEAD)).into_owned();
    let name = head.split_once("encoding=").and_then(|(_, rest)| rest.get(1..)?.split(['"', '\'']).next());
    to_text(text, name).into_owned().into_bytes()
}

/// A name without the prefix of SVG; other prefixes are of something else.
fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"svg:").unwrap_or(name)
}

impl<'a> Picture<'a, '_, '_> {
    fn start(&mut self, name: &'a [u8], attributes: &[(&[u8], &[u8])], empty: bool) {
        let around = self.open.last().map(|open| (open.written, open.textual));
        let bare = bare(name);
        let written = match around {
            // Nothing stands beside the outermost element.
            None => bare == b"svg" && self.out.is_empty(),
            Some((written, _)) => written && self.sheet.is_none() && allow::shape(bare),
        };
        let textual = written && (allow::is_textual(bare) || around.is_some_and(|(_, textual)| textual));
        if written && bare == b"style" {
            self.sheet = Some(Vec::new());
        } else if written {
            self.tag(bare, attributes, around.is_none());
        }
        let open = Open { name, written, textual };
        if empty { self.close(&open) } else { self.open.push(open) }
    }

    fn tag(&mut self, name: &[u8], attributes: &[(&[u8], &[u8])], outermost: bool) {
        self.out.push(b'<');
        self.out.extend(name);
        if outermost {
            self.out.extend(SPACES);
        }
        let mut known: Vec<&[u8]> = Vec::new();
        for (key, value) in attributes {
            if !known.contains(key) && self.attribute(name, key, value) {
                known.push(key);
            }
        }
        self.out.push(b'>');
    }

    /// Writes an attribute, if it is one that may be written.
    fn attribute(&mut self, element: &[u8], key: &[u8], value: &[u8]) -> bool {
        let mut canonical = Vec::with_capacity(value.len());
        put(value, Place::Value, XML, &mut canonical);
        let canonical = if matches!(key, b"href" | b"xlink:href") {
            let what = match element {
                b"a" => Use::Link,
                b"image" => Use::Load,
                _ => Use::Within,
            };
            // Blanks in it are none to some programs.
            let address: Vec<u8> = canonical.into_iter().filter(|byte| *byte != b' ').collect();
            allowed(&address, what, self.rules)
        } else if key == b"style" {
            let made = css::declarations(unpack::formats::html::undone(value).as_bytes(), false, self.rules);
            let mut style = Vec::new();
            put_plain(&made, Place::Value, XML, &mut style);
            Some(style).filter(|style| !style.is_empty())
        } else if allow::property(key) {
            let plain = unpack::formats::html::undone(value);
            Some(canonical).filter(|_| css::is_value(plain.as_bytes(), self.rules))
        } else {
            let stays = allow::shape_attribute(key) && !opens(value);
            Some(canonical).filter(|_| stays)
        };
        let Some(canonical) = canonical else { return false };
        self.out.push(b' ');
        self.out.extend(key);
        self.out.extend(b"=\"");
        self.out.extend(canonical);
        self.out.push(b'"');
        true
    }

    fn text(&mut self, raw: &[u8], write: fn(&[u8], Place, Style, &mut Vec<u8>)) {
        let Some(open) = self.open.last() else { return };
        if let Some(sheet) = self.sheet.as_mut().filter(|_| open.written) {
            let plain = raw.strip_prefix(b"<![CDATA[").unwrap_or(raw);
            sheet.extend(unpack::formats::html::undone(plain).into_bytes());
        } else if open.textual {
            write(raw, Place::Text, XML, &mut self.out);
        } else if raw.contains(&b'\n') && open.written {
            self.out.push(b'\n');
        }
    }

    fn end(&mut self, name: &[u8]) {
        let near = self.open.iter().rev().take(MAX_LOOK_BACK).position(|open| open.name == name);
        for _ in 0..near.map_or(0, |back| back.saturating_add(1)) {
            if let Some(open) = self.open.pop() {
                self.close(&open);
            }
        }
    }

    fn close(&mut self, open: &Open<'_>) {
        let name = bare(open.name);
        if !open.written {
            return;
        }
        if name == b"style" {
            let made = css::sheet(&self.sheet.take().unwrap_or_default(), false, self.rules);
            if !made.is_empty() {
                self.out.extend(b"<style>");
                put_plain(&made, Place::Text, XML, &mut self.out);
                self.out.extend(b"</style>");
            }
            return;
        }
        self.out.extend(b"</");
        self.out.extend(name);
        self.out.push(b'>');
    }
}
