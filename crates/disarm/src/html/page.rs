//! A page of HTML written anew, of what is allowed.
//!
//! The page is read as the standard says (WHATWG HTML, section 13.2.5), in a program that runs no scripts.
//! Comments, conditional ones too, and the tags of SVG and MathML are not written; text in them is, as text.
//! Of raw text only titles and style sheets stay.

use unpack::formats::html::{Mode, Token, Tokens};

use super::address::{Use, allowed};
use super::letters::{Place, Style, put, put_plain};
use super::rules::{Rules, opens};
use super::{allow, css};
use crate::bytes::between;

/// Document types that change how a page is laid out, by what stands in them; the plain one is the last.
const TYPES: [(&str, &str); 4] = [
    (
        "xhtml 1.0 transitional",
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">",
    ),
    (
        "html 4.01 transitional",
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://www.w3.org/TR/html4/loose.dtd\">",
    ),
    ("html 4.0 transitional", "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.0 Transitional//EN\">"),
    ("", "<!DOCTYPE html>"),
];
/// Longest document type that is looked at, in bytes.
const MAX_TYPE: usize = 512;
/// Charsets in which ASCII is ASCII, by the start of their names: a page may say that it is in one.
const CHARSETS: [&[u8]; 6] = [b"utf-8", b"utf8", b"us-ascii", b"iso-8859-", b"windows-125", b"koi8-"];
/// Longest name of a charset, in bytes.
const MAX_CHARSET: usize = 20;

/// The value of an attribute.
fn find<'v>(attributes: &[(&[u8], &'v [u8])], wanted: &[u8]) -> Option<&'v [u8]> {
    attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
}

/// What an address is for in an attribute of an element; `None`: there is none in it.
fn address_in(element: &[u8], key: &[u8]) -> Option<Use> {
    match (element, key) {
        (b"a" | b"area", b"href") => Some(Use::Link),
        (b"img", b"src") | (b"body" | b"table" | b"td" | b"th" | b"tr", b"background") => Some(Use::Load),
        _ => None,
    }
}

/// A page that is being written.
struct Page<'a, 'r> {
    rules: &'r Rules<'a>,
    style: Style,
    out: Vec<u8>,
    /// For what media the style sheet is that comes next; `None`: it is none that is written.
    media: Option<Vec<u8>>,
    /// The raw element of SVG or MathML whose text is not shown.
    mute: Option<Vec<u8>>,
}

/// A page written anew.
pub(super) fn write(text: &[u8], style: Style, rules: &Rules<'_>) -> Vec<u8> {
    let mut page = Page { rules, style, out: Vec::with_capacity(text.len()), media: None, mute: None };
    let mut tokens = Tokens::with_mode(text, false, Mode::STANDARD);
    let mut behind = 0;
    while let Some(token) = tokens.next() {
        let place = tokens.place();
        // Looked for only near the start: looking at ever more blanks would take ever more time.
        if page.out.len() < MAX_TYPE && page.out.trim_ascii().is_empty() {
            page.document_type(between(text, behind, place.start));
        }
        behind = place.end;
        page.token(token, &tokens);
    }
    // A file that begins with markup is no file of another kind.
    if page.out.first() == Some(&b'<') { page.out } else { [b"<html>", page.out.as_slice()].concat() }
}

impl Page<'_, '_> {
    fn token(&mut self, token: Token<'_>, tokens: &Tokens<'_>) {
        match token {
            Token::Text(_) | Token::Cdata(_) if self.mute.is_some() && tokens.is_xml() => {}
            Token::Text(raw) => put(raw, Place::Text, self.style, &mut self.out),
            Token::Cdata(raw) => put_plain(raw, Place::Text, self.style, &mut self.out),
            Token::Raw(name, raw) => self.raw(&name.to_ascii_lowercase(), raw),
            Token::Start(name) => {
                let name = name.to_ascii_lowercase();
                let mute = matches!(name.as_slice(), b"style" | b"script") && tokens.is_xml();
                self.mute = Some(name.clone()).filter(|_| mute);
                self.start(&name, tokens.attributes());
            }
            Token::End(name) => {
                self.mute = None;
                self.end(&name.to_ascii_lowercase());
            }
        }
    }

    /// The document type among what stands before all else.
    fn document_type(&mut self, gap: &[u8]) {
        let Some(at) = memchr::memmem::find(&gap.to_ascii_lowercase(), b"<!doctype") else { return };
        let lower = between(gap, at, at.saturating_add(MAX_TYPE)).to_ascii_lowercase();
        let lower = String::from_utf8_lossy(&lower);
        let known = TYPES.iter().find(|(name, _)| lower.contains(name)).map_or("", |(_, written)| written);
        self.out = known.as_bytes().to_vec();
    }

    /// The content of an element that holds text only.
    fn raw(&mut self, name: &[u8], raw: &[u8]) {
        match name {
            b"title" => self.within("title", raw, false),
            b"textarea" => put(raw, Place::Text, self.style, &mut self.out),
            b"xmp" | b"plaintext" => self.within("pre", raw, true),
            b"style" => {
                let Some(media) = self.media.take() else { return };
                let sheet = css::sheet(raw, self.style.ascii, self.rules);
                if !sheet.is_empty() {
                    self.out.extend(b"<style");
                    if !media.is_empty() {
                        self.attribute(b"media", &media);
                    }
                    self.out.extend(b">\n");
                    self.out.extend(sheet);
                    self.out.extend(b"</style>");
                }
            }
            _ => {}
        }
    }

    /// Text in an element; `plain`: it has no references.
    fn within(&mut self, name: &str, raw: &[u8], plain: bool) {
        self.out.extend(format!("<{name}>").into_bytes());
        let write = if plain { put_plain } else { put };
        write(raw, Place::Text, self.style, &mut self.out);
        self.out.extend(format!("</{name}>").into_bytes());
    }

    fn end(&mut self, name: &[u8]) {
        // To the standard this is a start tag.
        if name == b"br" {
            self.out.extend(b"<br>");
        } else if allow::element(name) && !allow::is_void(name) {
            self.out.extend(b"</");
            self.out.extend(name);
            self.out.push(b'>');
        }
    }

    fn start(&mut self, name: &[u8], attributes: &[(&[u8], &[u8])]) {
        let name = if name == b"image" { b"img" } else { name };
        match name {
            b"meta" => return self.meta(attributes),
            b"link" => return self.link(attributes),
            b"style" => return self.sheet(attributes),
            name if !allow::element(name) => return,
            _ => {}
        }
        self.out.push(b'<');
        self.out.extend(name);
        let mut known: Vec<Vec<u8>> = Vec::new();
        for (key, value) in attributes {
            let key = key.to_ascii_lowercase();
            // The first of a name counts. Few are written of any tag.
            if !known.contains(&key) && self.one(name, &key, value) {
                known.push(key);
            }
        }
        self.out.push(b'>');
    }

    /// Writes an attribute, if it is one that may be written.
    fn one(&mut self, element: &[u8], key: &[u8], value: &[u8]) -> bool {
        if let Some(what) = address_in(element, key) {
            let Some(address) = allowed(&self.canonical(value), what, self.rules) else { return false };
            self.put_canonical(key, &address);
        } else if key == b"style" {
            let plain = unpack::formats::html::undone(value);
            let raw = if std::str::from_utf8(value).is_ok() { plain.as_bytes() } else { value };
            let made = css::declarations(raw, self.style.ascii, self.rules);
            if made.is_empty() {
                return false;
            }
            self.attribute_plain(key, &made);
        } else if key == b"srcset" && element == b"img" {
            let Some(list) = self.candidates(value) else { return false };
            self.put_canonical(key, &list);
        } else if allow::attribute(key) && !opens(value) {
            self.attribute(key, value);
        } else {
            return false;
        }
        true
    }

    /// A value as it is written.
    fn canonical(&self, value: &[u8]) -> Vec<u8> {
        let bare: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r')).collect();
        let mut out = Vec::with_capacity(bare.len());
        put(&bare, Place::Value, self.style, &mut out);
        out
    }

    /// The pictures of a list, if all of them may be written.
    fn candidates(&self, value: &[u8]) -> Option<Vec<u8>> {
        let list = self.canonical(value);
        let mut one = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let stays = |one: &[u8]| {
            let address = one.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            !address.starts_with(b"data:") && allowed(address, Use::Load, self.rules).is_some()
        };
        one.all(stays).then(|| list.clone())
    }

    /// Writes an attribute of a value as it stood.
    fn attribute(&mut self, key: &[u8], value: &[u8]) {
        self.begin(key);
        put(value, Place::Value, self.style, &mut self.out);
        self.out.push(b'"');
    }

    /// The same of a value without references.
    fn attribute_plain(&mut self, key: &[u8], value: &[u8]) {
        self.begin(key);
        put_plain(value, Place::Value, self.style, &mut self.out);
        self.out.push(b'"');
    }

    fn put_canonical(&mut self, key: &[u8], value: &[u8]) {
        self.begin(key);
        self.out.extend(value);
        self.out.push(b'"');
    }

    fn begin(&mut self, key: &[u8]) {
        self.out.push(b' ');
        self.out.extend(key);
        self.out.extend(b"=\"");
    }

    /// Writes what a `meta` says about the page's charset or its look.
    fn meta(&mut self, attributes: &[(&[u8], &[u8])]) {
        let find = |wanted: &[u8]| find(attributes, wanted);
        let content = find(b"content").unwrap_or_default().to_ascii_lowercase();
        let declared = memchr::memmem::find(&content, b"charset=").map(|at| at.saturating_add(8));
        let declared = declared.map(|at| between(&content, at, content.len()).to_vec());
        let charset = find(b"charset").map(<[u8]>::to_ascii_lowercase).or(declared);
        if let Some(charset) = charset.filter(|_| !self.style.ascii) {
            let end = charset.iter().take(MAX_CHARSET).take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
            let charset = between(&charset, 0, end);
            if CHARSETS.iter().any(|known| charset.starts_with(known)) {
                self.out.extend(b"<meta");
                self.attribute(b"charset", charset);
                self.out.push(b'>');
            }
            return;
        }
        let name = find(b"name").unwrap_or_default();
        if allow::meta(&name.to_ascii_lowercase()) && !opens(&content) {
            self.out.extend(b"<meta");
            self.attribute(b"name", name);
            self.attribute(b"content", find(b"content").unwrap_or_default());
            self.out.push(b'>');
        }
    }

    /// Writes a link to a style sheet from elsewhere, where that stays.
    fn link(&mut self, attributes: &[(&[u8], &[u8])]) {
        let find = |wanted: &[u8]| find(attributes, wanted);
        let is_sheet = find(b"rel").is_some_and(|kind| kind.eq_ignore_ascii_case(b"stylesheet"));
        let address = find(b"href").map(|address| self.canonical(address));
        let address = address.filter(|it| it.to_ascii_lowercase().starts_with(b"http"));
        let Some(address) = address.and_then(|it| allowed(&it, Use::Load, self.rules)).filter(|_| is_sheet) else {
            return;
        };
        self.out.extend(b"<link");
        self.attribute(b"rel", b"stylesheet");
        self.put_canonical(b"href", &address);
        if let Some(media) = find(b"media") {
            self.attribute(b"media", media);
        }
        self.out.push(b'>');
    }

    /// Notes what the style sheet that comes next is for.
    fn sheet(&mut self, attributes: &[(&[u8], &[u8])]) {
        let find = |wanted: &[u8]| find(attributes, wanted);
        let kind = find(b"type").unwrap_or_default().trim_ascii();
        let is_css = kind.is_empty() || kind.eq_ignore_ascii_case(b"text/css");
        self.media = is_css.then(|| find(b"media").unwrap_or_default().to_vec());
    }
}
