//! Structured values: a token, then parameters (RFC 2045 section 5.1, RFC 2183, RFC 2231).
//!
//! Lenient: parameters are read whatever stands between them; what breaks the grammar sets
//! [`Structured::bad`]. At most [`MAX_PARAMS`] parameters are read. Comments nest to any depth
//! (counted, not recursed). Not handled: groups of duplicate RFC 2231 sections beyond the first.

use std::borrow::Cow;

use super::value::{ends, percent_decode, split_charset};
use crate::charset;

/// Most parameters of one value, continuation pieces included.
pub const MAX_PARAMS: usize = 2_000;

/// One parameter as written.
struct Param {
    /// Lower case, without the RFC 2231 star and what follows it.
    base: String,
    /// Number of an RFC 2231 piece.
    section: Option<u32>,
    /// Whether the value is percent-encoded.
    extended: bool,
    /// The value by the grammar, quoting and escapes undone.
    value: Vec<u8>,
    /// What a laxer client takes instead, where it differs.
    lax: Option<Vec<u8>>,
}

/// A token with parameters.
#[derive(Default)]
pub struct Structured {
    token: String,
    params: Vec<Param>,
    bad: bool,
    cut: bool,
}

/// A field that holds one token only: comments and blanks taken out.
pub(super) fn token(value: &[u8]) -> String {
    let mut cursor = Cursor { bytes: value, at: 0, bad: false };
    let mut out = Vec::new();
    loop {
        cursor.skip_blanks_and_comments();
        let piece = cursor.take_until(|byte| is_blank(byte) || byte == b'(');
        if piece.is_empty() {
            break;
        }
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(piece);
    }
    String::from_utf8_lossy(&out).to_ascii_lowercase()
}

impl Structured {
    /// Reads a value; never fails.
    pub fn parse(value: &[u8]) -> Self {
        let mut cursor = Cursor { bytes: value, at: 0, bad: false };
        let token = cursor.read_token();
        let mut params = Vec::new();
        let mut cut = false;
        loop {
            while cursor.skip_blanks_and_comments() == Some(b';') {
                cursor.at += 1;
            }
            if cursor.peek().is_none() {
                break;
            }
            if params.len() >= MAX_PARAMS {
                cut = true;
                break;
            }
            params.extend(cursor.read_param());
        }
        Self { token, params, bad: cursor.bad, cut }
    }

    /// The token in front (`text/plain`, `attachment`), in lower case; empty where there is none.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether something breaks the grammar.
    pub fn bad(&self) -> bool {
        self.bad
    }

    /// Whether there were more parameters than are read.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// The first value of a parameter as bytes: written plainly, or else put together from its
    /// RFC 2231 pieces.
    pub fn first(&self, name: &str) -> Option<Vec<u8>> {
        let plain = self.params.iter().find(|p| p.base == name && p.section.is_none() && !p.extended);
        plain.map(|p| p.value.clone()).or_else(|| self.extended(name).map(|(bytes, _)| bytes))
    }

    /// Whether a parameter stands there in any form.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.params.iter().any(|param| param.base == name)
    }

    /// Whether a parameter stands otherwise than once, plainly, and with one value for all clients.
    pub(crate) fn is_varied(&self, name: &str) -> bool {
        let mut of_name = self.params.iter().filter(|p| p.base == name);
        let plain = |p: &Param| p.section.is_none() && !p.extended && p.lax.is_none() && !p.value.ends_with(b" ");
        !(of_name.next().is_some_and(plain) && of_name.next().is_none())
    }

    /// Names and values of the parameters that stand once, plainly, and with one value for all clients.
    pub(crate) fn settled(&self) -> Vec<(&str, &[u8])> {
        let mut times: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
        for param in &self.params {
            let count = times.entry(&param.base).or_default();
            *count = count.saturating_add(1);
        }
        let plain = |p: &&Param| {
            let once = times.get(p.base.as_str()) == Some(&1);
            once && p.section.is_none() && !p.extended && p.lax.is_none() && !p.value.ends_with(b" ")
        };
        self.params.iter().filter(plain).map(|p| (p.base.as_str(), p.value.as_slice())).collect()
    }

    /// Every value of a parameter that clients may take, as bytes, the strict one first: each plain
    /// one by the grammar and laxly, the RFC 2231 form put together, its pieces in the order in which
    /// they stand, and its first piece; without repetitions, at most [`MAX_TEXTS`].
    pub fn values(&self, name: &str) -> Vec<Vec<u8>> {
        self.each_value(name, |value| Cow::Borrowed(value))
    }

    /// The same of a name: of an overlong value its two ends.
    pub(crate) fn names(&self, name: &str) -> Vec<Vec<u8>> {
        self.each_value(name, ends)
    }

    fn each_value(&self, name: &str, short: impl Fn(&[u8]) -> Cow<'_, [u8]>) -> Vec<Vec<u8>> {
        let kept = |value: &[u8]| short(value).into_owned();
        let mut all: Vec<Vec<u8>> = Vec::new();
        let of_name = || self.params.iter().filter(|p| p.base == name);
        let plain = of_name().find(|p| p.section.is_none() && !p.extended);
        let first = plain.map(|p| kept(&p.value));
        all.extend(first.or_else(|| self.extended(name).map(|(bytes, _)| kept(&bytes))));
        for param in of_name().take(MAX_PIECES).filter(|p| p.section.is_none()) {
            all.push(kept(&param.value));
            all.extend(param.lax.as_deref().map(kept));
            all.push(percent_decode(split_charset(&short(&param.value)).1));
        }
        all.extend(self.extended(name).map(|(bytes, _)| kept(&bytes)));
        let pieces = || of_name().take(MAX_PIECES).filter(|p| p.section.is_some());
        if pieces().next().is_some() {
            all.push(kept(&pieces().flat_map(|p| p.value.iter().copied()).collect::<Vec<u8>>()));
            all.extend(pieces().map(|p| kept(&p.value)).next());
        }
        let mut unique: Vec<Vec<u8>> = Vec::new();
        for value in all {
            if unique.len() < MAX_TEXTS && !unique.contains(&value) {
                unique.push(value);
            }
        }
        unique
    }

    /// Whether a parameter stands several times, written plainly, with different values.
    pub fn conflicts(&self, name: &str) -> bool {
        let plain = |p: &&Param| p.base == name && p.section.is_none() && !p.extended;
        let mut values = self.params.iter().filter(plain).map(|p| &p.value);
        let first = values.next();
        values.any(|value| Some(value) != first)
    }

    /// Whether a parameter has a plain value and an RFC 2231 form that says something else.
    pub(crate) fn disagrees(&self, name: &str) -> bool {
        let plain = self.params.iter().find(|p| p.base == name && p.section.is_none() && !p.extended);
        plain.is_some_and(|plain| self.extended(name).is_some_and(|(bytes, _)| bytes != plain.value))
    }

    /// Every text that clients may read from a parameter: its RFC 2231 form, then each plain value
    /// with encoded words decoded, by the grammar and laxly; without repetitions. Of an
    /// overlong value its two ends.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        if let Some((bytes, charset)) = self.extended(name) {
            out.push(charset::field_to_text(&ends(&bytes), charset.as_deref()).into_owned());
        }
        for param in self.params.iter().filter(|p| p.base == name && p.section.is_none() && !p.extended) {
            for value in std::iter::once(&param.value).chain(&param.lax) {
                out.push(super::decode_words(&ends(value)));
            }
            if out.len() >= MAX_TEXTS {
                break;
            }
        }
        let mut unique: Vec<String> = Vec::new();
        for text in out {
            if !text.is_empty() && !unique.contains(&text) {
                unique.push(text);
            }
        }
        unique
    }

    /// The RFC 2231 value of a parameter and its charset: `name*=`, or the pieces `name*0`… up to
    /// the first gap.
    fn extended(&self, name: &str) -> Option<(Vec<u8>, Option<String>)> {
        let of_name = || self.params.iter().filter(|p| p.base == name);
        if let Some(whole) = of_name().find(|p| p.section.is_none() && p.extended) {
            let (charset, rest) = split_charset(&whole.value);
            return Some((percent_decode(rest), charset));
        }
        let mut pieces: Vec<&Param> = of_name().filter(|p| p.section.is_some()).collect();
        pieces.sort_by_key(|p| p.section);
        pieces.dedup_by_key(|p| p.section);
        let mut bytes = Vec::new();
        let mut charset = None;
        let mut found = false;
        for (expected, piece) in pieces.iter().enumerate() {
            if piece.section.map(|section| section as usize) != Some(expected) {
                break;
            }
            let mut value = piece.value.as_slice();
            if expected == 0 && piece.extended {
                (charset, value) = split_charset(value);
            }
            bytes.extend(if piece.extended { percent_decode(value) } else { value.to_vec() });
            found = true;
        }
        found.then_some((bytes, charset))
    }
}

/// Most texts that are taken from one parameter.
const MAX_TEXTS: usize = 8;
/// Most pieces of a parameter that [`Structured::values`] looks at.
const MAX_PIECES: usize = 100;
/// White space of a folded value.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether a byte may stand in a token, or is the slash of a type (RFC 2045 section 5.1).
fn is_token(byte: u8) -> bool {
    let special = matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'[' | b']' | b'?' | b'='
    );
    (33..=126).contains(&byte) && !special
}

/// Walks over a value; each byte is passed once.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    bad: bool,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let length = rest.iter().position(|byte| stop(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or(rest)
    }

    /// Gives the byte that follows.
    fn skip_blanks_and_comments(&mut self) -> Option<u8> {
        let mut depth = 0u32;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => depth = depth.saturating_add(1),
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.at += 1,
                byte if depth == 0 && !is_blank(byte) => return Some(byte),
                _ => {}
            }
            self.at += 1;
        }
        self.bad |= depth > 0;
        None
    }

    /// The token in front of the parameters. Blanks around its slash are tolerated.
    fn read_token(&mut self) -> String {
        let mut token: Vec<u8> = Vec::new();
        loop {
            match self.skip_blanks_and_comments() {
                None | Some(b';') => break,
                Some(b'"') => {
                    self.bad = true;
                    token.extend(self.read_quoted().0);
                }
                Some(byte) if token.is_empty() || token.ends_with(b"/") || byte == b'/' => {
                    let piece = self.take_until(|byte| is_blank(byte) || matches!(byte, b';' | b'(' | b'"'));
                    token.extend_from_slice(piece);
                }
                Some(_) => {
                    self.bad = true;
                    self.take_until(|byte| byte == b';');
                }
            }
        }
        self.bad |= token.iter().any(|byte| !is_token(*byte));
        token.make_ascii_lowercase();
        let token = String::from_utf8(token).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        if token.trim().len() == token.len() { token } else { token.trim().to_owned() }
    }

    /// One parameter up to its semicolon; `None` for what is none.
    fn read_param(&mut self) -> Option<Param> {
        let name = self.take_until(|byte| is_blank(byte) || matches!(byte, b'=' | b';' | b'('));
        if self.skip_blanks_and_comments() != Some(b'=') || name.is_empty() {
            self.bad = true;
            self.take_until(|byte| byte == b';');
            return None;
        }
        self.at += 1;
        let (value, lax) = if self.skip_blanks_and_comments() == Some(b'"') {
            let quoted = self.read_quoted();
            if !matches!(self.skip_blanks_and_comments(), None | Some(b';')) {
                self.bad = true;
                self.take_until(|byte| byte == b';');
            }
            quoted
        } else {
            self.read_bare()
        };
        let mut base = String::from_utf8_lossy(name).into_owned();
        base.make_ascii_lowercase();
        let (name, section, extended) = split_name(&base);
        base.truncate(name.len());
        Some(Param { base, section, extended, value, lax })
    }

    /// A value without quotes: by the grammar up to a blank or comment; laxly up to the semicolon.
    fn read_bare(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let start = self.at;
        let strict = self.take_until(|byte| is_blank(byte) || matches!(byte, b';' | b'('));
        if !matches!(self.skip_blanks_and_comments(), None | Some(b';')) {
            self.bad = true;
            self.take_until(|byte| byte == b';');
        }
        self.bad |= strict.is_empty();
        let lax = super::unfold(self.bytes.get(start..self.at).unwrap_or(&[]));
        let lax = (lax != strict).then(|| lax.into_owned());
        (strict.to_vec(), lax)
    }

    /// A quoted string, the cursor on its first quote; laxly a backslash is itself.
    fn read_quoted(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        self.at += 1;
        let start = self.at;
        let mut value = Vec::new();
        let mut escapes = false;
        loop {
            let piece = self.take_until(|byte| matches!(byte, b'"' | b'\\' | b'\r' | b'\n'));
            value.extend_from_slice(piece);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    value.extend(self.peek());
                    escapes = true;
                }
                Some(_) => {}
                None => {
                    self.bad = true;
                    break;
                }
            }
            self.at += 1;
        }
        let raw: Cow<'_, [u8]> = super::unfold(self.bytes.get(start..self.at).unwrap_or(&[]));
        self.at = self.at.saturating_add(1).min(self.bytes.len());
        (value, escapes.then(|| raw.into_owned()))
    }
}

/// `name`, `name*`, `name*0`, `name*0*` as base, section and whether it is percent-encoded.
fn split_name(name: &str) -> (&str, Option<u32>, bool) {
    let (rest, extended) = name.strip_suffix('*').map_or((name, false), |rest| (rest, true));
    match rest.split_once('*') {
        Some((base, section)) => match section.parse() {
            Ok(section) => (base, Some(section), extended),
            Err(_) => (rest, None, extended),
        },
        None => (rest, None, extended),
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::MAX_NAMED;
    use super::*;

    #[test]
    fn parameters_are_read_by_the_grammar() {
        let cases: [(&str, &str, &str, &str, bool); 14] = [
            ("text/plain; charset=utf-8", "text/plain", "charset", "utf-8", false),
            ("Text/HTML;CHARSET=\"UTF-8\"", "text/html", "charset", "UTF-8", false),
            ("text/plain (a (nested) note); charset=(c)utf-8(d;e)", "text/plain", "charset", "utf-8", false),
            ("multipart/mixed;\r\n\tboundary=\"a;b\\\"c\"", "multipart/mixed", "boundary", "a;b\"c", false),
            ("multipart/mixed; boundary=----=_Part_1", "multipart/mixed", "boundary", "----=_Part_1", false),
            ("text / plain; x=y", "text/plain", "x", "y", false),
            ("text/plain charset=utf-8; x=y", "text/plain", "x", "y", true),
            ("text/plain; boundary=one two; x=y", "text/plain", "boundary", "one", true),
            ("text/plain;;; x=y;", "text/plain", "x", "y", false),
            ("text/plain; x=\"open", "text/plain", "x", "open", true),
            ("a/b; x*0=one; x*1=two", "a/b", "x", "onetwo", false),
            ("a/b; x*1=two; x*0=one; x*3=no", "a/b", "x", "onetwo", false),
            ("a/b; x*=utf-8'en'%C3%BC", "a/b", "x", "ü", false),
            ("a/b; x*0*=utf-8''%C3; x*1*=%BC; x*2=%41", "a/b", "x", "ü%41", false),
        ];
        for (raw, token, name, value, bad) in cases {
            let parsed = Structured::parse(raw.as_bytes());
            assert_eq!(parsed.token(), token, "{raw}");
            assert_eq!(parsed.first(name).map(|v| String::from_utf8(v).unwrap()).as_deref(), Some(value), "{raw}");
            assert_eq!(parsed.bad(), bad, "{raw}");
        }
    }

    #[test]
    fn every_name_that_a_client_may_read_is_given() {
        let cases: [(&str, &[&str]); 5] = [
            ("attachment; filename=a.txt; filename*=utf-8''b.exe", &["b.exe", "a.txt"]),
            ("attachment; filename=\"a.txt\"; filename=\"b.exe\"", &["a.txt", "b.exe"]),
            ("attachment; filename=my file.doc", &["my", "my file.doc"]),
            ("attachment; filename=\"c:\\\\x\\y.exe\"", &["c:\\xy.exe", "c:\\\\x\\y.exe"]),
            ("attachment; filename=\"=?utf-8?B?w7wuZXhl?=\"", &["ü.exe"]),
        ];
        for (raw, names) in cases {
            assert_eq!(Structured::parse(raw.as_bytes()).texts("filename"), names, "{raw}");
        }
        assert!(Structured::parse(b"a/b; x=1; x=2").conflicts("x"));
        assert!(!Structured::parse(b"a/b; x=1; x=1").conflicts("x"));
    }

    #[test]
    fn a_long_name_is_read_at_both_ends() {
        let long = format!("a{}é", "ü".repeat(MAX_NAMED));
        let parsed = Structured::parse(format!("attachment; filename=\"{long}.exe\"").as_bytes());
        let texts = parsed.texts("filename");
        assert!(texts.iter().all(|text| text.len() <= MAX_NAMED + 6 && text.starts_with("aüü")));
        assert!(texts.iter().all(|text| text.ends_with("üüé.exe") && text.contains("ü…ü")));
        assert!(parsed.names("filename").iter().all(|value| value.len() <= MAX_NAMED + 6));
        assert_eq!(parsed.values("filename"), [format!("{long}.exe").into_bytes()]);
    }

    #[test]
    fn tokens_lose_comments_and_case() {
        assert_eq!(token(b" BASE64 (really)\r\n"), "base64");
        assert_eq!(token(b"(x)7bit"), "7bit");
        assert_eq!(token(b"base64 7bit"), "base64 7bit");
        assert_eq!(token(b""), "");
    }

    #[test]
    fn more_parameters_than_the_limit_are_cut() {
        let many = format!("a/b{}", "; x=y".repeat(MAX_PARAMS + 1));
        assert!(Structured::parse(many.as_bytes()).cut());
    }
}
