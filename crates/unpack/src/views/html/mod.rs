//! HTML and SVG as browsers and mail programs read them: tags, their attributes, and what stands
//! between (WHATWG HTML, section 13.2.5). Nothing is copied; character references stay as written.
//!
//! Two readings come as one: what stands in a conditional comment, and in a comment that nobody
//! closes, is markup too, since some readers show it; [`Tokens::in_comment`] tells. Where programs differ
//! about what is markup (`noscript`, and what ends SVG and MathML in HTML), [`Tokens::further`] names the
//! other [`Mode`]s to read in. Limits: [`MAX_ATTRIBUTES`] of one tag are given, and more are said to be
//! ([`Tokens::cut`]). Not handled: the tree (misnested and implied tags), and entities that a document
//! type declares.

pub(crate) mod entities;
mod foreign;
pub(crate) mod style;
pub(crate) mod text;

use std::ops::Range;

use crate::bytes::between;
use foreign::Open;
pub use foreign::{Foreign, Mode};

/// Most attributes of one tag that are given; of a tag with more [`Tokens::cut`] tells.
pub const MAX_ATTRIBUTES: usize = 1024;
/// Elements whose content is text up to their end tag. `noscript` is one of them only to programs that run
/// scripts: [`Mode::noscript_raw`].
const RAW: [&[u8]; 8] = [b"script", b"style", b"xmp", b"iframe", b"noembed", b"noframes", b"title", b"textarea"];

/// One piece of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token<'a> {
    /// Text between tags.
    Text(&'a [u8]),
    /// A start tag's name as written; its attributes are [`Tokens::attributes`].
    Start(&'a [u8]),
    /// An end tag's name as written.
    End(&'a [u8]),
    /// The content of an element that holds text only: its name as written, and the content.
    Raw(&'a [u8], &'a [u8]),
    /// A CDATA section of XML.
    Cdata(&'a [u8]),
}

/// The pieces of a document, in order.
pub struct Tokens<'a> {
    data: &'a [u8],
    at: usize,
    /// Where the last piece starts.
    start: usize,
    /// Whether it is XML: CDATA sections count everywhere.
    xml: bool,
    /// What is open in which CDATA sections count, and how that is told.
    open: Open,
    mode: Mode,
    /// A tag had more attributes than are given.
    cut: bool,
    attributes: Vec<(&'a [u8], &'a [u8])>,
    /// The start tag of an element with raw content was just given.
    raw: Option<&'a [u8]>,
    /// Where the last conditional comment, or one without an end, ends to those who pass over it.
    comment_end: usize,
    /// A comment had no end, so no later one has.
    unclosed: bool,
}

impl<'a> Tokens<'a> {
    /// Of a document in a charset in which ASCII is ASCII.
    pub fn new(data: &'a [u8], xml: bool) -> Self {
        Self::with_mode(data, xml, Mode::default())
    }

    /// The same as a program of another kind reads it.
    pub fn with_mode(data: &'a [u8], xml: bool, mode: Mode) -> Self {
        Self {
            data,
            at: 0,
            start: 0,
            xml,
            open: Open::default(),
            mode,
            cut: false,
            attributes: Vec::new(),
            raw: None,
            comment_end: 0,
            unclosed: false,
        }
    }

    /// Names and values of the last start tag's attributes, as written, without quotes.
    pub fn attributes(&self) -> &[(&'a [u8], &'a [u8])] {
        &self.attributes
    }

    /// Where the last piece stands: a tag with its brackets.
    pub fn place(&self) -> Range<usize> {
        self.start..self.at
    }

    /// Whether the last piece stands in a comment that only some readers pass over.
    pub fn in_comment(&self) -> bool {
        self.start < self.comment_end
    }

    /// Whether CDATA sections count here.
    pub fn is_xml(&self) -> bool {
        self.xml || self.open.is_foreign(self.mode.foreign)
    }

    /// Whether there was more than is read: attributes of a tag, or open SVG and MathML.
    pub fn cut(&self) -> bool {
        self.cut || self.open.over
    }

    /// The modes in which what was read so far may be other markup; none for most documents.
    pub fn further(&self) -> Vec<Mode> {
        if self.xml { Vec::new() } else { self.open.further() }
    }

    fn rest(&self) -> &'a [u8] {
        between(self.data, self.at, self.data.len())
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.data.len());
    }

    /// Behind the next occurrence of an end, or at the end of all.
    fn skip_behind(&mut self, end: &[u8]) {
        let found = memchr::memmem::find(self.rest(), end);
        self.skip(found.map_or(self.data.len(), |at| at.saturating_add(end.len())));
    }

    /// The text before the next thing that is no text, or before the end of a comment that only some pass over.
    fn text(&mut self) -> &'a [u8] {
        let end = if self.at < self.comment_end { self.comment_end } else { self.data.len() };
        let rest = between(self.data, self.at, end);
        let mut from = 0_usize;
        while let Some(found) = memchr::memchr(b'<', between(rest, from, rest.len())) {
            from = from.saturating_add(found);
            let next = rest.get(from.saturating_add(1)).copied().unwrap_or(b' ');
            if next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?') {
                self.skip(from);
                return between(rest, 0, from);
            }
            from = from.saturating_add(1);
        }
        self.skip(rest.len());
        rest
    }

    /// `<!…`, `<?…` and `</` before what is no name. Gives a CDATA section's content.
    fn declaration(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        if rest.starts_with(b"<![CDATA[") {
            self.open.odd();
        }
        if rest.starts_with(b"<![CDATA[") && self.is_xml() {
            self.skip(9);
            let start = self.at;
            self.skip_behind(b"]]>");
            let content = between(self.data, start, self.at);
            return Some(content.strip_suffix(b"]]>").unwrap_or(content));
        }
        if rest.starts_with(b"<!--") {
            self.comment(rest);
        } else {
            let ends_late = self.xml && self.mode.strict && rest.starts_with(b"<?");
            self.skip_behind(if ends_late { b"?>" } else { b">" });
        }
        None
    }

    fn comment(&mut self, rest: &[u8]) {
        let content = between(rest, 4, rest.len());
        let is_xml = self.xml && self.mode.strict;
        if !is_xml && (content.starts_with(b">") || content.starts_with(b"->")) {
            return self.skip_behind(b">");
        }
        let conditional = !self.mode.strict && content.trim_ascii_start().starts_with(b"[if");
        if conditional && self.at < self.comment_end {
            return self.skip_behind(b">");
        }
        let closes = |at: &usize| {
            let before = between(content, 0, *at);
            before.ends_with(b"--") || !is_xml && before.ends_with(b"--!")
        };
        let end = if self.unclosed { None } else { memchr::memchr_iter(b'>', content).find(closes) };
        self.unclosed |= end.is_none();
        let behind = end.map_or(usize::MAX, |at| self.at.saturating_add(at).saturating_add(5));
        match end {
            // What Outlook reads; others pass over it.
            _ if conditional => {
                self.comment_end = behind;
                self.skip_behind(b">");
            }
            end if end.is_some() || self.mode.strict => self.at = behind.min(self.data.len()),
            // To some the rest is a comment, to others it is the document.
            _ => {
                self.comment_end = behind;
                self.skip(4);
            }
        }
    }

    /// A tag behind `<` or `</`: its name; the attributes are kept.
    fn tag(&mut self, lead: usize) -> &'a [u8] {
        self.skip(lead);
        let rest = self.rest();
        let ends = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'/' | b'>');
        let name = between(rest, 0, rest.iter().position(ends).unwrap_or(rest.len()));
        self.skip(name.len());
        self.attributes.clear();
        while let Some((key, value)) = self.attribute() {
            if self.attributes.len() < MAX_ATTRIBUTES {
                self.attributes.push((key, value));
            } else {
                self.cut = true;
            }
        }
        name
    }

    /// The next attribute of a tag; `None` behind the tag's end.
    fn attribute(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
        let rest = self.rest();
        let lead = rest.iter().take_while(|byte| is_space(byte) || **byte == b'/').count();
        self.skip(lead);
        let rest = self.rest();
        match rest.first()? {
            b'>' => {
                self.skip(1);
                None
            }
            // A name may begin with `=`.
            _ => {
                let ends = |byte: &u8| is_space(byte) || matches!(byte, b'/' | b'>' | b'=');
                let length = rest.iter().skip(1).position(ends).map_or(rest.len(), |at| at.saturating_add(1));
                self.skip(length);
                let key = between(rest, 0, length);
                let behind = self.rest();
                let blanks = behind.iter().take_while(|byte| is_space(byte)).count();
                if behind.get(blanks) != Some(&b'=') {
                    return Some((key, b""));
                }
                self.skip(blanks.saturating_add(1));
                let value = self.value();
                Some((key, value))
            }
        }
    }

    /// An attribute's value behind `=`.
    fn value(&mut self) -> &'a [u8] {
        let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
        let blanks = self.rest().iter().take_while(|byte| is_space(byte)).count();
        self.skip(blanks);
        let rest = self.rest();
        match rest.first() {
            Some(quote @ (b'"' | b'\'')) => {
                self.skip(1);
                let rest = self.rest();
                let length = memchr::memchr(*quote, rest);
                self.skip(length.map_or(rest.len(), |length| length.saturating_add(1)));
                between(rest, 0, length.unwrap_or(rest.len()))
            }
            _ => {
                let length = rest.iter().position(|byte| is_space(byte) || *byte == b'>').unwrap_or(rest.len());
                self.skip(length);
                between(rest, 0, length)
            }
        }
    }

    /// Whether the content of an element is text: `foreign`, it stands in XML; `empty`, its start tag ends it there.
    fn is_raw(&mut self, name: &[u8], foreign: bool, empty: bool) -> bool {
        let strict = self.mode.strict && !self.xml;
        // Some programs know elements of HTML by their names behind a prefix, too.
        let known = if strict { name } else { local(name) };
        let noscript = known.eq_ignore_ascii_case(b"noscript");
        let is_raw = RAW.iter().any(|raw| raw.eq_ignore_ascii_case(known))
            || noscript && self.mode.noscript_raw
            || strict && known.eq_ignore_ascii_case(b"plaintext");
        self.open.raw(is_raw, noscript);
        // In XML an empty element may end in its start tag; nothing else is raw there.
        is_raw && !(foreign && empty) && (known.eq_ignore_ascii_case(b"script") || !foreign)
    }

    /// The content of an element that holds text only, up to its end tag.
    fn raw(&mut self, name: &'a [u8]) -> &'a [u8] {
        let rest = self.rest();
        if name.eq_ignore_ascii_case(b"plaintext") {
            self.skip(rest.len());
            return rest;
        }
        let script = name.eq_ignore_ascii_case(b"script");
        let end = if script { script_end(rest, self.is_xml()) } else { end_tag(rest, name, 0) };
        let content = between(rest, 0, end.unwrap_or(rest.len()));
        self.skip(content.len());
        content
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.start = self.at;
        if let Some(name) = self.raw.take() {
            let content = self.raw(name);
            if !content.is_empty() {
                return Some(Token::Raw(name, content));
            }
        }
        loop {
            self.start = self.at;
            let rest = self.rest();
            let (first, second) = (*rest.first()?, rest.get(1).copied().unwrap_or(b' '));
            let third = rest.get(2).copied().unwrap_or(b' ');
            match (first, second) {
                (b'<', b'/') if third.is_ascii_alphabetic() => {
                    let name = self.tag(2);
                    self.open.end(name);
                    return Some(Token::End(name));
                }
                (b'<', b'!' | b'?' | b'/') => {
                    if let Some(content) = self.declaration() {
                        return Some(Token::Cdata(content));
                    }
                }
                (b'<', letter) if letter.is_ascii_alphabetic() => {
                    let foreign = self.is_xml();
                    let name = self.tag(1);
                    let empty = between(self.data, 0, self.at).ends_with(b"/>");
                    self.open.start(name, &self.attributes, empty);
                    self.raw = Some(name).filter(|_| self.is_raw(name, foreign || self.is_xml(), empty));
                    return Some(Token::Start(name));
                }
                _ => return Some(Token::Text(self.text())),
            }
        }
    }
}

/// A name without its namespace.
pub(crate) fn local(name: &[u8]) -> &[u8] {
    memchr::memrchr(b':', name).map_or(name, |at| between(name, at.saturating_add(1), name.len()))
}

/// Where the end tag of an element stands, from an offset on.
fn end_tag(data: &[u8], name: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at = at.saturating_add(memchr::memmem::find(between(data, at, data.len()), b"</")?);
        if is_tag(data, at.saturating_add(2), name) {
            return Some(at);
        }
        at = at.saturating_add(2);
    }
}

/// Whether a tag's name stands at an offset, and no longer one.
fn is_tag(data: &[u8], at: usize, name: &[u8]) -> bool {
    let end = at.saturating_add(name.len());
    let delimited = data.get(end).is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
    delimited && between(data, at, end).eq_ignore_ascii_case(name)
}

/// Where a script ends. Within `<!--` a script in the script hides the first end tag (the "double
/// escaped" states); in XML a CDATA section hides all.
fn script_end(data: &[u8], xml: bool) -> Option<usize> {
    let (mut escaped, mut double) = (false, false);
    let mut at = 0_usize;
    loop {
        at = at.saturating_add(memchr::memchr2(b'<', b'-', between(data, at, data.len()))?);
        let rest = between(data, at, data.len());
        let mut step = 1;
        if xml && rest.starts_with(b"<![CDATA[") {
            step = memchr::memmem::find(rest, b"]]>").map_or(rest.len(), |end| end.saturating_add(3));
        } else if rest.starts_with(b"<!--") && !xml {
            (escaped, step) = (true, 2);
        } else if rest.starts_with(b"-->") {
            (escaped, double) = (false, false);
        } else if rest.starts_with(b"</") && ends_script(data, at.saturating_add(2)) {
            if !double {
                return Some(at);
            }
            double = false;
        } else if escaped && is_tag(data, at.saturating_add(1), b"script") {
            double = true;
        }
        at = at.saturating_add(step);
    }
}

/// Whether the name of a script's end tag stands at an offset, perhaps behind a namespace.
fn ends_script(data: &[u8], at: usize) -> bool {
    is_tag(data, at, b"script") || is_tag(data, at, b"svg:script")
}

#[cfg(test)]
mod tests;
