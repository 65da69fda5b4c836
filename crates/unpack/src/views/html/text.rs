//! The text of an HTML document, and the text that its reader does not see.
//!
//! Limits: [`MAX_OPEN`], [`MAX_LOOK_BACK`], and those of the text view. Not handled: what scripts
//! write, generated content, and styles beyond those of [`super::style`].

use std::borrow::Cow;

use super::entities::undone;
use super::style::{Look, Sheet, Style, colour, read};
use super::{Token, Tokens, local};
use crate::views::TextView;

/// Deepest element whose look is kept; deeper ones look like it.
const MAX_OPEN: usize = 256;
/// How many open elements an end tag is compared with.
const MAX_LOOK_BACK: usize = 48;
/// Longest name of an element or attribute that is told from others, in bytes.
const MAX_NAME: usize = 16;

/// A text without the control characters that show nothing in a page: all but those that are blanks.
fn without_controls(text: &str) -> Cow<'_, str> {
    let shows_nothing = |letter: char| letter.is_control() && !matches!(letter, '\t'..='\r' | '\u{85}');
    match text.contains(shows_nothing) {
        true => Cow::Owned(text.replace(shows_nothing, "")),
        false => Cow::Borrowed(text),
    }
}

/// What an element does to the text around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Kind {
    /// It has no content.
    void: bool,
    /// It begins a line, and ends one.
    line: bool,
    /// It is a cell of a table.
    cell: bool,
    /// The next of its kind ends it.
    followed: bool,
    /// The search for what a follower ends stops at it.
    border: bool,
}

/// A name in lower case, as far as it fits.
fn lower(name: &[u8]) -> ([u8; MAX_NAME], usize) {
    let mut small = [0; MAX_NAME];
    let length = if name.len() <= MAX_NAME { name.len() } else { 0 };
    for (to, from) in small.iter_mut().zip(name) {
        *to = from.to_ascii_lowercase();
    }
    (small, length)
}

impl Kind {
    fn of(name: &[u8]) -> Self {
        let (small, length) = lower(name);
        let kind = Self::default();
        match small.get(..length).unwrap_or(&[]) {
            b"br" | b"hr" => Self { void: true, line: true, ..kind },
            b"area" | b"base" | b"col" | b"embed" | b"img" | b"input" | b"link" | b"meta" | b"param" | b"source"
            | b"track" | b"wbr" => Self { void: true, ..kind },
            b"p" | b"li" | b"dt" | b"dd" | b"tr" | b"option" => Self { line: true, followed: true, ..kind },
            b"td" | b"th" => Self { cell: true, followed: true, ..kind },
            b"div" | b"table" | b"ul" | b"ol" | b"dl" => Self { line: true, border: true, ..kind },
            b"select" => Self { border: true, ..kind },
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"blockquote" | b"pre" | b"form" | b"section"
            | b"article" | b"header" | b"footer" | b"title" => Self { line: true, ..kind },
            _ => kind,
        }
    }
}

/// Collects the text while a document is read.
#[derive(Default)]
pub struct Page<'a> {
    /// Name, whether it is a border, and the look around it.
    open: Vec<(&'a [u8], bool, Look)>,
    look: Look,
    sheet: Sheet,
    /// Whether the shown text runs backwards where it ends now.
    turned: bool,
}

impl<'a> Page<'a> {
    /// Takes the next token of a document.
    pub fn token(&mut self, token: Token<'a>, tokens: &Tokens<'a>, text: &mut TextView) {
        let hidden = self.look.is_hidden() || tokens.in_comment();
        if !hidden && matches!(token, Token::Text(_) | Token::Cdata(_)) {
            self.turn(self.look.is_reversed(), text);
        }
        match token {
            Token::Text(raw) if memchr::memchr(b'&', raw).is_none() => {
                text.push(&without_controls(&String::from_utf8_lossy(raw)), hidden);
            }
            Token::Text(raw) => text.push(&without_controls(&undone(raw)), hidden),
            Token::Cdata(raw) => text.push(&String::from_utf8_lossy(raw), hidden),
            Token::Raw(name, raw) if name.eq_ignore_ascii_case(b"style") => {
                self.sheet.add(&String::from_utf8_lossy(raw));
            }
            Token::Raw(name, raw) => {
                let (small, length) = lower(name);
                if matches!(small.get(..length).unwrap_or(&[]), b"title" | b"textarea" | b"xmp") {
                    text.push(&undone(raw), hidden);
                }
            }
            Token::Start(name) => self.start(name, tokens, text),
            Token::End(name) => {
                let kind = Kind::of(name);
                if kind.line {
                    self.turn(false, text);
                    text.end_line(hidden);
                } else if kind.cell {
                    text.push_char(' ', hidden);
                }
                self.close(name, false);
            }
        }
    }

    fn start(&mut self, name: &'a [u8], tokens: &Tokens<'a>, text: &mut TextView) {
        let kind = Kind::of(name);
        if kind.followed {
            self.close(name, true);
        }
        let look = self.styled(name, tokens.attributes());
        if kind.line {
            self.turn(false, text);
            text.end_line(look.is_hidden() || tokens.in_comment());
        }
        if name.eq_ignore_ascii_case(b"img") {
            let alt = tokens.attributes().iter().find(|(key, _)| key.eq_ignore_ascii_case(b"alt"));
            if let Some((_, alt)) = alt.filter(|(_, alt)| !alt.is_empty()) {
                text.push(&undone(alt), look.is_hidden() || tokens.in_comment());
                text.push_char(' ', false);
            }
        }
        if !kind.void && self.open.len() < MAX_OPEN {
            self.open.push((name, kind.border, self.look));
            self.look = look;
        }
    }

    /// Marks in the shown text where it begins and ends to run backwards, as U+202E and U+202C do in plain text:
    /// within a line, since they hold no longer.
    fn turn(&mut self, turned: bool, text: &mut TextView) {
        if turned != self.turned {
            text.push_char(if turned { '\u{202e}' } else { '\u{202c}' }, false);
            self.turned = turned;
        }
    }

    /// How an element looks here.
    fn styled(&self, name: &[u8], attributes: &[(&[u8], &[u8])]) -> Look {
        let mut look = self.look;
        let find = |wanted: &[u8]| attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|a| a.1);
        if !self.sheet.is_empty() {
            let word = |wanted: &[u8]| String::from_utf8_lossy(find(wanted).unwrap_or(b"")).into_owned();
            for style in self.sheet.of(&String::from_utf8_lossy(local(name)), &word(b"class"), &word(b"id")) {
                look = look.within(&style);
            }
        }
        if name.eq_ignore_ascii_case(b"bdo") {
            look = look.within(&Style { overrides: Some(true), ..Style::default() });
        }
        for (key, value) in attributes {
            let (small, length) = lower(key);
            let style = match small.get(..length).unwrap_or(&[]) {
                b"style" if memchr::memchr(b'&', value).is_some() => read(&undone(value)),
                b"style" => read(&String::from_utf8_lossy(value)),
                b"hidden" => read("display:none"),
                b"dir" => Style { to_left: Some(value.eq_ignore_ascii_case(b"rtl")), ..Style::default() },
                b"bgcolor" => {
                    let back = colour(&String::from_utf8_lossy(value).to_ascii_lowercase());
                    Style { back: Some(back), ..Style::default() }
                }
                b"background" => Style { back: Some(None), ..Style::default() },
                b"color" | b"text" => {
                    let colour = colour(&String::from_utf8_lossy(value).to_ascii_lowercase());
                    Style { colour: Some(colour), ..Style::default() }
                }
                _ => continue,
            };
            look = look.within(&style);
        }
        look
    }

    /// Closes the innermost element of a name, and what stands in it; `near`: none beyond a border.
    fn close(&mut self, name: &[u8], near: bool) {
        let found = self.open.iter().rev().take(MAX_LOOK_BACK);
        let is_it = |open: &[u8]| open.len() == name.len() && open.eq_ignore_ascii_case(name);
        let mut found = found.take_while(|(open, border, _)| is_it(open) || !(near && *border));
        let Some(back) = found.position(|(open, _, _)| is_it(open)) else { return };
        let at = self.open.len().saturating_sub(back).saturating_sub(1);
        if let Some((_, _, look)) = self.open.get(at) {
            self.look = *look;
        }
        self.open.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::evidence::Role;

    fn texts(document: &str) -> (String, String) {
        let mut tokens = Tokens::new(document.as_bytes(), false);
        let (mut page, mut text) = (Page::default(), TextView::default());
        while let Some(token) = tokens.next() {
            page.token(token, &tokens, &mut text);
        }
        let mut both = (String::new(), String::new());
        for (role, text) in text.into_roles() {
            *(if role == Role::Text { &mut both.0 } else { &mut both.1 }) = text;
        }
        both
    }

    #[test]
    fn what_is_seen_and_what_is_not_stand_apart() {
        let cases = [
            ("<p>one<p>two &amp; three", "one\ntwo & three", ""),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>d", "a b\nc\nd", ""),
            ("a<script>x()</script><style>p{}</style>b", "ab", ""),
            ("a<span style=\"display:none\">h<b>i</b></span>c", "ac", "hi"),
            ("<div hidden>h</div>x", "x", "h"),
            ("<p style='font-size:0'>h<p>x", "x", "h"),
            ("<td style='font-size:0px'><span style='font-size:12px'>x</span>h</td>", "x", "h"),
            ("<font color=white>h</font>x", "x", "h"),
            ("<table bgcolor=black><tr><td><font color='#ffffff'>x</font>h", "x", "h"),
            ("<style>.pre{display:none}</style><div class='a pre'>h</div>x", "x", "h"),
            ("<!--[if mso]>h<![endif]-->x", "x", "h"),
            ("<!--[if !mso]><!-->x<!--<![endif]-->y", "xy", ""),
            ("<!--[if !mso]>-->x<!--<![endif]-->y", "xy", "-->"),
            ("<img alt='a picture'>x", "a picture x", ""),
            ("<br style='display:none'>x", "x", ""),
            ("</span></p>x", "x", ""),
            ("a\u{1}b&#127;c\0d e\tf", "abcd e f", ""),
            ("a<bdo dir=RTL>cb</bdo>d", "a\u{202e}cb\u{202c}d", ""),
            ("<bdo dir=rtl>cb<br>ed</bdo>f", "\u{202e}cb\u{202c}\n\u{202e}ed\u{202c}f", ""),
            ("<p style='unicode-bidi: bidi-override; direction: rtl'>a<b>b</b></p>c", "\u{202e}ab\u{202c}\nc", ""),
            ("<style>.r{direction:rtl;unicode-bidi:isolate-override}</style><i class=r>ba</i>", "\u{202e}ba", ""),
            ("<p dir=rtl>a<bdo>b</bdo></p><bdo>c</bdo>", "a\u{202e}b\u{202c}\nc", ""),
            ("<bdo dir=rtl hidden>h</bdo>x", "x", "h"),
        ];
        for (document, seen, hidden) in cases {
            assert_eq!(texts(document), (seen.to_owned(), hidden.to_owned()), "{document}");
        }
    }

    #[test]
    fn a_million_open_elements_take_linear_time() {
        for piece in ["<b>", "<p>", "</i>", "<td style='color:red'>", "<li></b>"] {
            let begun = testkit::CpuClock::now();
            let _texts = texts(&piece.repeat(200_000));
            assert!(begun.elapsed().as_secs() < 20, "{piece}");
        }
    }
}
