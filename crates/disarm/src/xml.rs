//! XML with elements cut out: everything else stays byte for byte.
//!
//! A scanner of tags that knows comments, CDATA and quotes, without a tree and without a stack; what is not well
//! formed is refused. Parts in UTF-16 and ISO 8859-1 become UTF-8 when anything in them changes. Linear in the size
//! of the text.

use std::borrow::Cow;
use std::ops::ControlFlow;

use unpack::{decode_xml, is_xml, unescape_xml, xml_attributes, xml_local as local};

use crate::DisarmError;

/// A start tag.
pub(crate) struct Tag<'a> {
    /// Its name without the prefix.
    pub(crate) name: &'a str,
    /// All of it, with its brackets.
    pub(crate) whole: &'a str,
    /// Where it ends in the text, in bytes.
    pub(crate) end: usize,
    /// What stands behind it; nothing behind an empty one.
    behind: &'a str,
}

/// What is done with an element.
pub(crate) enum Fate {
    /// It stays.
    Keep,
    /// It goes with all that is in it.
    Drop,
    /// It stays with this start tag.
    Tag(String),
}

impl<'a> Tag<'a> {
    /// A piece of markup in a text of so many bytes, if it is a start tag; `behind`: what stands behind it.
    fn of(whole: &'a str, behind: &'a str, size: usize) -> Option<Self> {
        let inner = whole.get(1..).filter(|inner| !inner.starts_with(['!', '?', '/']))?;
        let name = inner.split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).next()?;
        let end = size.saturating_sub(behind.len());
        Some(Self { name: local(name), whole, end, behind: if whole.ends_with("/>") { "" } else { behind } })
    }

    /// Its attributes: whole names, and values with references undone.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let inner = self.whole.strip_suffix('>').unwrap_or(self.whole);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let (_, behind) = inner.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inner, ""));
        xml_attributes(behind).map(|(name, value)| (name, unescape_xml(value)))
    }

    /// What it holds as text up to the next tag, as programs read it: without comments, references undone.
    pub(crate) fn text(&self) -> String {
        let (mut out, mut rest) = (String::new(), self.behind);
        loop {
            let (shown, markup) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            out.push_str(&unescape_xml(shown));
            let Some((piece, after)) = length(markup).and_then(|len| markup.split_at_checked(len)) else { return out };
            if let Some(data) = piece.strip_prefix("<![CDATA[") {
                out.push_str(data.strip_suffix("]]>").unwrap_or(data));
            } else if !piece.starts_with("<!--") && !piece.starts_with("<?") {
                return out;
            }
            rest = after;
        }
    }

    /// The tag with another value of all attributes with this local name; `None` where there is none, or one stands
    /// without quotes.
    pub(crate) fn with(&self, wanted: &str, value: &str) -> Option<String> {
        self.edited(&[wanted], Some(value))
    }

    /// The tag without the attributes with these local names; `None` where there is none, or one stands without
    /// quotes.
    pub(crate) fn without(&self, names: &[&str]) -> Option<String> {
        self.edited(names, None)
    }

    /// The tag with another value of the attributes with these local names, or without them.
    fn edited(&self, names: &[&str], value: Option<&str>) -> Option<String> {
        let (mut out, mut found) = (String::with_capacity(self.whole.len()), false);
        let (head, mut rest) = self.whole.split_at_checked(self.whole.find(char::is_whitespace)?)?;
        out.push_str(head);
        // Places of names and values, as `attributes` finds them.
        while let Some((name, behind)) = rest.split_once('=') {
            let old = behind.trim_start();
            let quote = old.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (_, after) = old.get(1..)?.split_once(quote)?;
            let named = name.trim().rsplit(|c: char| c.is_ascii_whitespace()).next();
            let wanted = named.is_some_and(|name| names.contains(&local(name)));
            match value {
                Some(value) if wanted => {
                    out.push_str(rest.get(..rest.len().checked_sub(old.len())?)?);
                    out.push(quote);
                    out.push_str(value);
                    out.push(quote);
                }
                None if wanted => {}
                _ => out.push_str(rest.get(..rest.len().checked_sub(after.len())?)?),
            }
            found |= wanted;
            rest = after;
        }
        out.push_str(rest);
        found.then_some(out)
    }

    /// The value of the first attribute with this local name.
    pub(crate) fn get(&self, wanted: &str) -> Option<Cow<'a, str>> {
        self.all(wanted).next()
    }

    /// The values of all attributes with this local name: a prefix may be anything, and what acts must not be hidden
    /// by another in front.
    pub(crate) fn all(&self, wanted: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.attributes().filter(move |(name, _)| local(name) == wanted).map(|(_, value)| value)
    }
}

/// A part as text, and whether it was in another form than UTF-8.
pub(crate) fn read(part: &[u8]) -> Option<(Cow<'_, str>, bool)> {
    let wide = matches!(part, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..]);
    match std::str::from_utf8(part) {
        Ok(text) if !wide => Some((Cow::Borrowed(text), false)),
        _ => {
            let text = decode_xml(part);
            // What is not read in full here may be by others.
            let lost = !wide && text.contains(char::REPLACEMENT_CHARACTER) || wide && !part.len().is_multiple_of(2);
            (!lost).then_some((text, true))
        }
    }
}

/// Whether a part is XML, in a character set that can be read here or not; a picture may begin with the same byte.
pub(crate) fn holds_markup(part: &[u8]) -> bool {
    is_xml(part) && decode_xml(part).trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// A part with what `decide` says done; `None` when it stays as it is.
pub(crate) fn rewrite(part: &[u8], decide: &mut dyn FnMut(&Tag<'_>) -> Fate) -> Result<Option<Vec<u8>>, DisarmError> {
    let (text, recoded) = read(part).ok_or(DisarmError::Format)?;
    rewrite_text(&text, recoded, decide)
}

/// The same of a part that is read already.
pub(crate) fn rewrite_text(
    text: &str,
    recoded: bool,
    decide: &mut dyn FnMut(&Tag<'_>) -> Fate,
) -> Result<Option<Vec<u8>>, DisarmError> {
    let new = edit(text, decide).ok_or(DisarmError::NotSound)?;
    Ok((new != text).then(|| written(new, recoded)))
}

/// A new text as bytes, with the declaration of UTF-8 where it was in another form before.
pub(crate) fn written(new: String, recoded: bool) -> Vec<u8> {
    if !recoded {
        return new.into_bytes();
    }
    let new = new.trim_start_matches('\u{feff}');
    let declared = new.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let body = declared.map_or(new, |(_, body)| body);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}").into_bytes()
}

/// The text with what `decide` says done; `None` when it is not well formed enough to tell.
pub(crate) fn edit(text: &str, decide: &mut dyn FnMut(&Tag<'_>) -> Fate) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // How many elements deep the one is that goes; 0: none.
    let mut dropping = 0_u32;
    while let Some(at) = rest.find('<') {
        let (before, whole, behind) = piece(rest, at)?;
        rest = behind;
        let Some(tag) = Tag::of(whole, behind, text.len()) else {
            match dropping {
                0 => out.extend([before, whole]),
                deep => dropping = deep.saturating_sub(u32::from(whole.starts_with("</"))),
            }
            continue;
        };
        let empty = whole.ends_with("/>");
        if dropping > 0 {
            dropping = if empty { dropping } else { dropping.saturating_add(1) };
            continue;
        }
        out.push_str(before);
        match decide(&tag) {
            Fate::Keep => out.push_str(whole),
            Fate::Tag(new) => out.push_str(&new),
            Fate::Drop => dropping = u32::from(!empty),
        }
    }
    out.push_str(rest);
    (dropping == 0).then_some(out)
}

/// Shows the start tags of a text until `look` has seen enough, or one does not end.
pub(crate) fn visit<'a>(text: &'a str, look: &mut dyn FnMut(&Tag<'a>) -> ControlFlow<()>) {
    let mut rest = text;
    while let Some((_, whole, behind)) = rest.find('<').and_then(|at| piece(rest, at)) {
        rest = behind;
        if Tag::of(whole, behind, text.len()).is_some_and(|tag| look(&tag).is_break()) {
            return;
        }
    }
}

/// The markup at a place of a text: what stands in front of it, it, and what stands behind; `None` where it does not
/// end.
fn piece(text: &str, at: usize) -> Option<(&str, &str, &str)> {
    let (before, markup) = text.split_at_checked(at)?;
    let (whole, behind) = markup.split_at_checked(length(markup)?)?;
    Some((before, whole, behind))
}

/// The length of the markup that a text begins with, in bytes.
fn length(text: &str) -> Option<usize> {
    let closed = |end: &str, from: usize| text.get(from..)?.find(end)?.checked_add(from)?.checked_add(end.len());
    if text.starts_with("<!--") {
        return closed("-->", 4);
    }
    if text.starts_with("<![CDATA[") {
        return closed("]]>", 9);
    }
    if text.starts_with("<?") {
        return closed("?>", 2);
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return at.checked_add(1),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_go_and_the_rest_stays_as_it_was() {
        let text =
            "<?xml?><a:r x='1>2'><!-- <b> --><b i=\"1\"><b/>in<b></b></b> t &amp; <c d=\"&lt;x&amp;&gt;\"/></a:r>";
        let without = edit(text, &mut |tag| if tag.name == "b" { Fate::Drop } else { Fate::Keep }).unwrap();
        assert_eq!(without, "<?xml?><a:r x='1>2'><!-- <b> --> t &amp; <c d=\"&lt;x&amp;&gt;\"/></a:r>");
        assert_eq!(edit(text, &mut |_| Fate::Keep).as_deref(), Some(text));
        let mut seen = Vec::new();
        edit(text, &mut |tag| {
            seen.extend(tag.attributes().map(|(name, value)| format!("{name}={value}")));
            Fate::Keep
        });
        assert_eq!(seen, ["x=1>2", "i=1", "d=<x&>"]);
        let text = "<f a='1' x:i = \"b\">&#68;<!-- x -->D<![CDATA[E &amp;]]>&#x41; &lt;<g/>no</f>";
        let mut told = Vec::new();
        edit(text, &mut |tag| {
            told.push((tag.text(), tag.with("i", "")));
            Fate::Keep
        });
        let tag = Some("<f a='1' x:i = \"\">".to_owned());
        assert_eq!(told, [("DDE &amp;A <".to_owned(), tag), (String::new(), None)]);
        edit("<f x:i='a' j='i' w:i=\"b\"/>", &mut |tag| {
            assert_eq!(tag.all("i").collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(tag.with("i", "").as_deref(), Some("<f x:i='' j='i' w:i=\"\"/>"));
            assert_eq!(tag.without(&["i", "k"]).as_deref(), Some("<f j='i'/>"));
            assert_eq!(tag.without(&["k"]), None);
            Fate::Keep
        })
        .unwrap();
        for broken in ["<a", "<!-- x", "<a x='>"] {
            assert_eq!(edit(broken, &mut |_| Fate::Keep), None, "{broken}");
        }
    }
}
