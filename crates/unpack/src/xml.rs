//! XML as it stands in documents: a tokenizer that gives what there is and goes on behind whatever is
//! broken. What a strict parser would refuse makes the text [`Reader::is_damaged`], and is still read.
//!
//! No entity is ever expanded but the five of XML and character references; one that a document
//! declares counts as damage, and its use gives nothing. No tree, no stack: depth is a number. Names
//! are told by their local part, since a prefix may be anything. Linear in the size of the text.
//! Not handled: character sets other than UTF-8, UTF-16 and ISO 8859-1.

use std::borrow::Cow;

/// Longest character or entity reference, in bytes: longer ones are text.
const MAX_REFERENCE: usize = 32;

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event<'a> {
    /// An element begins. One that is empty is followed by no end.
    Start(Tag<'a>),
    /// An element ends: its local name.
    End(&'a str),
    /// Characters between tags, references decoded; CDATA as it stands.
    Text(Cow<'a, str>),
    /// A processing instruction, without its marks.
    Instruction(&'a str),
}

/// The start of an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag<'a> {
    /// The local name.
    pub(crate) name: &'a str,
    attributes: &'a str,
    /// It has no content.
    pub(crate) empty: bool,
}

impl<'a> Tag<'a> {
    /// The value of the first attribute with this local name.
    pub(crate) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attributes().find(|(found, _)| *found == name).map(|(_, value)| unescaped(value).0)
    }

    /// The values of all attributes with this local name. Which of them a program takes is said by prefixes, which
    /// may stand for anything: what decides about active content asks all.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.attributes().filter(move |(found, _)| *found == name).map(|(_, value)| unescaped(value).0)
    }

    /// The same as [`Self::get`], where only some words matter: whether the value is one of those that mean "yes".
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| matches!(&*value, "1" | "true" | "on"))
    }

    /// Local names and raw values, in order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        attributes(self.attributes).map(|(name, value)| (local(name), value))
    }
}

/// Attributes by what stands in a start tag behind its name: their whole names, and their values as they stand, in
/// order.
pub fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => behind.get(1..)?.split_once(quote).unwrap_or((behind.get(1..)?, "")),
            // No XML, and read all the same.
            None => behind.split_once(|letter: char| letter.is_ascii_whitespace()).unwrap_or((behind, "")),
        };
        rest = after;
        // What stands without a value in front of a name is not its.
        let name = name.trim().rsplit(|letter: char| letter.is_ascii_whitespace()).next()?;
        Some((name, value))
    })
}

/// The part of a name behind its prefix.
pub fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Whether a part may be XML, by its first bytes. A picture may begin with the same.
pub fn is_xml(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [b'<', ..] | [0xef | 0xfe | 0xff, ..] | [0, b'<', ..])
}

/// A document part as text, from UTF-8, UTF-16 with or without its mark, or ISO 8859-1 if it says so.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |low_first: bool| {
        let unit = |pair: &[u8]| {
            let pair = <[u8; 2]>::try_from(pair).unwrap_or_default();
            if low_first { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
        };
        Cow::Owned(
            char::decode_utf16(bytes.chunks_exact(2).map(unit)).map(|letter| letter.unwrap_or('\u{fffd}')).collect(),
        )
    };
    match bytes {
        [0xff, 0xfe, ..] | [b'<', 0, ..] => wide(true),
        [0xfe, 0xff, ..] | [0, b'<', ..] => wide(false),
        _ => {
            let head = bytes.get(..100.min(bytes.len())).unwrap_or(bytes).to_ascii_lowercase();
            let narrow = memchr::memmem::find(&head, b"iso-8859-1").is_some();
            match std::str::from_utf8(bytes) {
                Err(_) if narrow => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
                _ => String::from_utf8_lossy(bytes),
            }
        }
    }
}

/// The tokenizer.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: i64,
    damaged: bool,
}

impl<'a> Reader<'a> {
    /// At the start of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0, depth: 0, damaged: false }
    }

    /// Where it stands, in bytes from the start (behind a byte order mark).
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Whether something was not as it should be so far; of elements that do not end, at the end.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged || self.depth != 0 && self.at >= self.text.len()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Moves on; `None` behind the end.
    fn pass(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// What stands up to some mark, the mark passed; without it all that is left, which is damage.
    fn until(&mut self, open: usize, mark: &str) -> &'a str {
        let rest = self.rest().get(open..).unwrap_or("");
        match memchr::memmem::find(rest.as_bytes(), mark.as_bytes()) {
            Some(end) => {
                self.pass(open.saturating_add(end).saturating_add(mark.len()));
                rest.get(..end).unwrap_or("")
            }
            None => {
                self.damaged = true;
                self.at = self.text.len();
                rest
            }
        }
    }

    /// The text up to the next tag.
    fn characters(&mut self) -> Event<'a> {
        let rest = self.rest();
        let end = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        self.pass(end);
        let (text, odd) = unescaped(rest.get(..end).unwrap_or(""));
        self.damaged |= odd;
        Event::Text(text)
    }

    /// A declaration: of a document type with what it declares inside, which is passed over.
    fn declaration(&mut self) {
        let rest = self.rest().as_bytes();
        let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        let subset = rest.get(..end).and_then(|head| memchr::memchr(b'[', head));
        if subset.is_some() {
            // Documents declare nothing; whoever does wants a reader to expand it.
            self.damaged = true;
            self.until(2, "]");
        }
        self.until(0, ">");
    }

    /// A tag, behind its `<`.
    fn tag(&mut self) -> Option<Event<'a>> {
        let start = self.at.saturating_add(1);
        let end = self.tag_end(start);
        let inner = self.text.get(start..end).unwrap_or("");
        self.at = end.saturating_add(1).min(self.text.len());
        if let Some(name) = inner.strip_prefix('/') {
            self.depth = self.depth.saturating_sub(1);
            self.damaged |= self.depth < 0;
            return Some(Event::End(local(name.trim())));
        }
        let empty = inner.ends_with('/');
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let (name, attributes) = inner.split_once(|letter: char| letter.is_ascii_whitespace()).unwrap_or((inner, ""));
        if name.is_empty() {
            self.damaged = true;
            return None;
        }
        if !empty {
            self.depth = self.depth.saturating_add(1);
        }
        Some(Event::Start(Tag { name: local(name), attributes, empty }))
    }

    /// Where a tag ends: at a `>` outside of quotes. A quote that nothing closes is none; that happens
    /// once for each of the two, so this stays linear.
    fn tag_end(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = start;
        while let Some(found) = memchr::memchr3(b'>', b'"', b'\'', bytes.get(at..).unwrap_or(&[])) {
            at = at.saturating_add(found);
            let mark = bytes.get(at).copied().unwrap_or(b'>');
            if mark == b'>' {
                return at;
            }
            at = at.saturating_add(1);
            match memchr::memchr(mark, bytes.get(at..).unwrap_or(&[])) {
                Some(close) => at = at.saturating_add(close).saturating_add(1),
                None => self.damaged = true,
            }
        }
        self.damaged = true;
        bytes.len()
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            let rest = self.rest().as_bytes();
            if rest.is_empty() {
                return None;
            }
            if !rest.starts_with(b"<") {
                return Some(self.characters());
            }
            if rest.starts_with(b"<!--") {
                self.until(4, "-->");
            } else if rest.starts_with(b"<![CDATA[") {
                return Some(Event::Text(Cow::Borrowed(self.until(9, "]]>"))));
            } else if rest.starts_with(b"<!") {
                self.declaration();
            } else if rest.starts_with(b"<?") {
                return Some(Event::Instruction(self.until(2, "?>")));
            } else if let Some(event) = self.tag() {
                return Some(event);
            }
        }
    }
}

/// A text of XML as its reader has it: references decoded, those that are not known left out.
pub fn unescape(text: &str) -> Cow<'_, str> {
    unescaped(text).0
}

/// A text with its references decoded, and whether there were some that are not known.
fn unescaped(text: &str) -> (Cow<'_, str>, bool) {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return (Cow::Borrowed(text), false);
    }
    let (mut out, mut odd, mut rest) = (String::with_capacity(text.len()), false, text);
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let end = behind.as_bytes().iter().take(MAX_REFERENCE).position(|byte| *byte == b';');
        let Some((name, after)) = end.and_then(|end| Some((behind.get(..end)?, behind.get(end.saturating_add(1)..)?)))
        else {
            out.push('&');
            odd = true;
            rest = behind;
            continue;
        };
        match character(name) {
            Some(letter) => out.push(letter),
            None => odd = true,
        }
        rest = after;
    }
    out.push_str(rest);
    (Cow::Owned(out), odd)
}

/// What a reference stands for.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (String, bool) {
        let mut reader = Reader::new(text);
        let mut out = String::new();
        for event in reader.by_ref() {
            out += &match event {
                Event::Start(tag) => format!("<{}{}>", tag.name, if tag.empty { "/" } else { "" }),
                Event::End(name) => format!("</{name}>"),
                Event::Text(text) => text.into_owned(),
                Event::Instruction(text) => format!("<?{text}?>"),
            };
        }
        (out, reader.is_damaged())
    }

    #[test]
    fn texts_are_told_as_far_as_they_go() {
        for (text, expected, damaged) in [
            ("<w:a x='1>2'>b<c/></w:a>", "<a>b<c/></a>", false),
            ("<a><!-- <b> --><![CDATA[<&amp;]]>&lt;&#65;&#x42;</a>", "<a><&amp;<AB</a>", false),
            ("<?xml version='1.0'?><a />", "<?xml version='1.0'?><a/>", false),
            ("<a>&none;x</a>", "<a>x</a>", true),
            ("<a>b & c</a>", "<a>b & c</a>", true),
            ("<!DOCTYPE x><a/>", "<a/>", false),
            ("<!DOCTYPE x [<!ENTITY a 'b'> ]><a>&a;</a>", "<a></a>", true),
            ("<a><b>", "<a><b>", true),
            ("</a>", "</a>", true),
            ("<a x=\"1>b</a>", "<a>b</a>", true),
            ("<a", "<a>", true),
            ("<", "", true),
            ("<!-- x", "", true),
        ] {
            assert_eq!(told(text), (expected.to_owned(), damaged), "{text}");
        }
    }

    #[test]
    fn attributes_are_found_by_their_local_names() {
        let mut reader = Reader::new("<a  w:x = 'a&amp;b' odd y=plain r:id=\"q\" on=\"1\"/>");
        let Some(Event::Start(tag)) = reader.next() else { panic!() };
        assert_eq!(tag.get("x").as_deref(), Some("a&b"));
        assert_eq!(tag.get("y").as_deref(), Some("plain"));
        assert_eq!(tag.get("id").as_deref(), Some("q"));
        assert!(tag.is_on("on") && !tag.is_on("x"));
        let mut reader = Reader::new("<a x:b='decoy' w:b='real' b=''/>");
        let Some(Event::Start(tag)) = reader.next() else { panic!() };
        assert_eq!(tag.all("b").collect::<Vec<_>>(), ["decoy", "real", ""]);
        assert_eq!(tag.get("none"), None);
    }

    #[test]
    fn wide_texts_are_decoded() {
        let low: Vec<u8> = "\u{feff}<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let high: Vec<u8> = "<a>é</a>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&low), "\u{feff}<a>é</a>");
        assert_eq!(decode(&high), "<a>é</a>");
        assert_eq!(decode(b"<?xml encoding='ISO-8859-1'?>\xe9"), "<?xml encoding='ISO-8859-1'?>é");
    }

    #[test]
    fn a_million_elements_and_a_million_levels_take_no_stack_and_little_time() {
        for text in
            ["<a/>".repeat(1_000_000), "<a>".repeat(1_000_000), "<a x=\"".repeat(300_000), "&".repeat(1_000_000)]
        {
            assert!(Reader::new(&text).count() > 0);
        }
    }
}
