//! Style sheets: what of them runs something or loads something from elsewhere, read in one pass without a
//! grammar (what hides its letters behind escapes counts as both); and style sheets written anew, of the
//! properties and functions that are allowed.
//!
//! Of what is written anew nothing has an escape, a comment, a string with brackets or an at-rule but `@media`
//! and `@supports`, and no `+` before a letter, by which some take a page for UTF-7; rules that cannot be written so
//! are left out. Limit: [`MAX_BLOCKS`].

use super::address::{Use, allowed, leads_out};
use super::allow;
use super::rules::Rules;
use crate::bytes::between;

/// Most `@media` in one another.
const MAX_BLOCKS: usize = 8;
/// At-rules whose rules are kept.
const KEPT: [&[u8]; 2] = [b"media", b"supports"];

/// A style sheet with comments gone, in lower case and without blanks; and whether letters were escaped.
fn bare(text: &str) -> (String, bool) {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once("/*") {
        out.push_str(before);
        rest = behind.split_once("*/").map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    let bare: String = out.chars().filter(|letter| *letter > ' ').collect::<String>().to_ascii_lowercase();
    // Before a letter or digit: a code, or the letter itself.
    let escaped = bare.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', next] if next.is_ascii_alphanumeric()));
    (bare, escaped)
}

/// Whether a style runs something, or carries a file that is no picture.
pub(super) fn acts(text: &str) -> bool {
    let (bare, escaped) = bare(text);
    let runs = ["expression(", "behavior:", "behaviour:", "-moz-binding", "javascript:", "vbscript:"];
    let font =
        |kind: &str| ["font/", "application/font", "application/x-font"].iter().any(|start| kind.starts_with(start));
    let picture = |kind: &str| kind.starts_with("image/") && !kind.starts_with("image/svg");
    let file = bare.split("data:").skip(1).any(|kind| !picture(kind) && !font(kind));
    let risky = escaped && (bare.contains('(') || bare.contains('@'));
    runs.iter().any(|word| bare.contains(word))
        || bare.contains("@importdata:")
        || bare.contains("@import\"data:")
        || file
        || risky
}

/// Whether a style loads something from elsewhere.
pub(super) fn loads(text: &str) -> bool {
    let (bare, escaped) = bare(text);
    let address = |rest: &str| leads_out(rest);
    bare.split("url(").skip(1).any(address)
        || bare.split("@import").skip(1).any(|rest| address(rest) || rest.starts_with("url("))
        || bare.split("image-set(").skip(1).any(address)
        || escaped && bare.contains('(')
}

/// A style without its comments. What an open one hides is gone.
fn without_comments(raw: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(raw.len()), raw);
    while let Some(at) = memchr::memmem::find(rest, b"/*") {
        out.extend_from_slice(between(rest, 0, at));
        // A comment parts words.
        out.push(b' ');
        rest = between(rest, at.saturating_add(2), rest.len());
        let end = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end.saturating_add(2));
        rest = between(rest, end, rest.len());
    }
    out.extend_from_slice(rest);
    out
}

/// The declarations of a `style` attribute or of a rule that may be written; `ascii`: only those of ASCII.
pub(super) fn declarations(raw: &[u8], ascii: bool, rules: &Rules<'_>) -> Vec<u8> {
    let plain = without_comments(raw);
    let mut out = Vec::new();
    for declaration in (Split { rest: &plain }) {
        let Some(colon) = memchr::memchr(b':', declaration) else { continue };
        let name = between(declaration, 0, colon).trim_ascii().to_ascii_lowercase();
        let text = between(declaration, colon.saturating_add(1), declaration.len()).trim_ascii();
        let fits = !text.is_empty() && (!ascii || text.is_ascii()) && (!shifts(text) || holds_address(text));
        if fits && allow::property(&name) && is_value(text, rules) {
            if !out.is_empty() {
                out.extend(b"; ");
            }
            out.extend(name);
            out.extend(b": ");
            put_value(text, &mut out);
        }
    }
    out
}

/// Whether a `+` stands before a letter.
fn shifts(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, [b'+', next] if next.is_ascii_alphanumeric() || *next == b'/'))
}

fn holds_address(text: &[u8]) -> bool {
    memchr::memmem::find(&text.to_ascii_lowercase(), b"url(").is_some()
}

/// Writes a value in one line; in an address `+` has another form.
fn put_value(text: &[u8], out: &mut Vec<u8>) {
    let address = holds_address(text) && shifts(text);
    for byte in text {
        match byte {
            b'+' if address => out.extend(b"%2B"),
            byte if byte.is_ascii_whitespace() => out.push(b' '),
            byte => out.push(*byte),
        }
    }
}

/// Declarations, parted where a semicolon stands outside of quotes and brackets.
struct Split<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut quote, mut depth) = (None, 0_u32);
        let end = self.rest.iter().position(|byte| {
            match (quote, byte) {
                (Some(open), byte) if byte == open => quote = None,
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'(') => depth = depth.saturating_add(1),
                (None, b')') => depth = depth.saturating_sub(1),
                (None, b';') => return depth == 0,
                _ => {}
            }
            false
        });
        let end = end.unwrap_or(self.rest.len());
        let item = between(self.rest, 0, end);
        self.rest = between(self.rest, end.saturating_add(1), self.rest.len());
        Some(item)
    }
}

/// Whether a value has one reading, and only functions and addresses that may be written.
pub(super) fn is_value(text: &[u8], rules: &Rules<'_>) -> bool {
    let odd = |byte: &u8| b"\\<>{}@&".contains(byte) || *byte < b' ' && !byte.is_ascii_whitespace();
    // Addresses hold what else is odd.
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'(', b')', rest) {
        let before = between(rest, 0, at);
        if rest.get(at) == Some(&b'(') {
            let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
            let length = before.iter().rev().take_while(|byte| word(byte)).count();
            let name = between(before, before.len().saturating_sub(length), before.len()).to_ascii_lowercase();
            if name == b"url" {
                let behind = between(rest, at.saturating_add(1), rest.len());
                let Some(end) = memchr::memchr(b')', behind) else { return false };
                if before.iter().any(odd) || !is_closed(before) || !is_address(between(behind, 0, end), rules) {
                    return false;
                }
                rest = between(behind, end.saturating_add(1), behind.len());
                continue;
            }
            // A bracket alone only groups.
            if !name.is_empty() && !allow::function(&name) {
                return false;
            }
        }
        if before.iter().any(odd) || !is_closed(before) {
            return false;
        }
        rest = between(rest, at.saturating_add(1), rest.len());
    }
    let opened = memchr::memchr_iter(b'(', text).count();
    !rest.iter().any(odd) && is_closed(rest) && opened == memchr::memchr_iter(b')', text).count()
}

/// Whether every string that begins here ends here.
fn is_closed(text: &[u8]) -> bool {
    let mut quote = None;
    for byte in text {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            _ => {}
        }
    }
    quote.is_none()
}

/// Whether the inside of `url(…)` may be written.
fn is_address(inner: &[u8], rules: &Rules<'_>) -> bool {
    let inner = inner.trim_ascii();
    let bare = match inner {
        [b'"', bare @ .., b'"'] | [b'\'', bare @ .., b'\''] => bare,
        bare => bare,
    };
    let odd = |byte: &u8| b"\\<>{}\"'()".contains(byte) || *byte <= b' ';
    let ways = [Use::Load, Use::Within];
    // As it is written.
    let mut written = Vec::with_capacity(bare.len());
    bare.iter().for_each(|byte| if *byte == b'+' { written.extend(b"%2B") } else { written.push(*byte) });
    !bare.iter().any(odd) && ways.iter().any(|what| allowed(&written, *what, rules).is_some())
}

/// A style sheet of what may be written; it has no `<`.
pub(super) fn sheet(raw: &[u8], ascii: bool, rules: &Rules<'_>) -> Vec<u8> {
    let plain = without_comments(raw);
    let (mut out, mut rest, mut open) = (Vec::new(), plain.as_slice(), 0_usize);
    loop {
        rest = rest.trim_ascii_start();
        if let Some(behind) = rest.strip_prefix(b"<!--").or_else(|| rest.strip_prefix(b"-->")) {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix(b"}") {
            rest = behind;
            if open > 0 {
                out.extend(b"}\n");
                open = open.saturating_sub(1);
            }
        } else if let Some(rule) = rest.strip_prefix(b"@") {
            let Some(end) = memchr::memchr3(b';', b'{', b'}', rule) else { break };
            let head = between(rule, 0, end).trim_ascii();
            let behind = between(rule, end.saturating_add(1), rule.len());
            if rule.get(end) != Some(&b'{') {
                rest = behind;
            } else if open < MAX_BLOCKS && is_kept(head, ascii) {
                out.push(b'@');
                put_line(head, &mut out);
                out.extend(b" {\n");
                open = open.saturating_add(1);
                rest = behind;
            } else {
                rest = block(behind).1;
            }
        } else {
            let Some(end) = memchr::memchr2(b'{', b'}', rest) else { break };
            if rest.get(end) == Some(&b'}') {
                rest = between(rest, end, rest.len());
                continue;
            }
            let head = between(rest, 0, end).trim_ascii();
            let (body, behind) = block(between(rest, end.saturating_add(1), rest.len()));
            rest = behind;
            let made = declarations(body, ascii, rules);
            if is_selector(head, ascii) && !made.is_empty() {
                put_line(head, &mut out);
                out.extend(b" { ");
                out.extend(made);
                out.extend(b" }\n");
            }
        }
    }
    out.extend(b"}\n".repeat(open));
    out
}

/// What stands in a block and behind it; blocks in it count.
fn block(text: &[u8]) -> (&[u8], &[u8]) {
    let mut depth = 1_u32;
    for at in memchr::memchr2_iter(b'{', b'}', text) {
        depth = if text.get(at) == Some(&b'{') { depth.saturating_add(1) } else { depth.saturating_sub(1) };
        if depth == 0 {
            return (between(text, 0, at), between(text, at.saturating_add(1), text.len()));
        }
    }
    (text, &[])
}

fn put_line(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'+' => out.extend(b"+ "),
            byte if byte.is_ascii_whitespace() => out.push(b' '),
            byte => out.push(*byte),
        }
    }
}

/// Whether an at-rule's head is one whose rules are kept.
fn is_kept(head: &[u8], ascii: bool) -> bool {
    let name = head.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    KEPT.contains(&name.as_slice()) && is_selector(head, ascii)
}

/// Whether a selector, or the head of an at-rule, is written as it is.
fn is_selector(head: &[u8], ascii: bool) -> bool {
    let fits = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || byte.is_ascii_whitespace()
            || b"_-.#*>+~:,()[]=\"'^$|/!".contains(byte)
            || !ascii && !byte.is_ascii()
    };
    !head.is_empty() && head.iter().all(fits) && is_closed(head)
}

#[cfg(test)]
mod tests {
    use mail::evidence::Active;

    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_known_properties_and_values_are_written() {
        let rules = Rules::new(&[Active::RemoteContent].into(), Vec::new());
        let cases = [
            ("color:red;;WIDTH : 1px !important", "color: red; width: 1px !important"),
            ("background:url(cid:a@b) no-repeat;x:y", "background: url(cid:a@b) no-repeat"),
            ("background:url( 'https://example.org/a;b.png' );top:0", "top: 0"),
            ("color:rgb(1,2,3);width:calc((1px + 2px) * 3)", "color: rgb(1,2,3); width: calc((1px + 2px) * 3)"),
            ("width:expression(x());behavior:url(a.htc);-moz-binding:url(a)", ""),
            ("width:exp/**/ression(x())", ""),
            ("c\\6flor:red;color:r\\65 d;font-family:\"a;b\"", "font-family: \"a;b\""),
            ("font:12px 'a(b'", ""),
            ("color:red/* ; left:1px", "color: red"),
            ("content:'</style>'", ""),
            ("content:'+ADw-'", ""),
            ("background:url(data:image/png;base64,A+A=)", "background: url(data:image/png;base64,A%2BA=)"),
            ("fill:url(#a)", "fill: url(#a)"),
            ("background:url(javascript:x)", ""),
            ("background:url(data:image/png;base64,AA==)", "background: url(data:image/png;base64,AA==)"),
            ("background:url(data:image/svg+xml;base64,AA==)", ""),
            ("background:image-set('a.png' 1x)", ""),
            ("mso-line-height-rule:exactly;color:red}p{left:1px", "mso-line-height-rule: exactly"),
        ];
        for (raw, expected) in cases {
            assert_eq!(text(declarations(raw.as_bytes(), false, &rules)), expected, "{raw}");
        }
        let open = Rules::new(&[].into(), Vec::new());
        let made = text(declarations(b"background:url(\"https://example.org/a.png\")", false, &open));
        assert_eq!(made, "background: url(\"https://example.org/a.png\")");
    }

    #[test]
    fn style_sheets_keep_their_rules() {
        let rules = Rules::new(&[].into(), Vec::new());
        let cases = [
            ("<!-- p > a, .x:hover{color:red} -->", "p > a, .x:hover { color: red }\n"),
            ("@import url(x.css);@charset 'x';p{top:0}", "p { top: 0 }\n"),
            (
                "@media (max-width:9px){p{top:0}}q{top:1px",
                "@media (max-width:9px) {\np { top: 0 }\n}\nq { top: 1px }\n",
            ),
            ("@font-face{src:url(x);a{b}}p{top:0}", "p { top: 0 }\n"),
            ("@media screen{p{top:0}", "@media screen {\np { top: 0 }\n}\n"),
            ("p{top:0}</style><script>", "p { top: 0 }\n"),
            ("a\\62{top:0}p{behavior:url(x)}<b>{top:0}", ""),
            ("}}p{top:0}", "p { top: 0 }\n"),
            ("h1+h2{top:0}", "h1+ h2 { top: 0 }\n"),
        ];
        for (raw, expected) in cases {
            assert_eq!(text(sheet(raw.as_bytes(), true, &rules)), expected, "{raw}");
        }
    }

    #[test]
    fn hostile_style_sheets_take_linear_time() {
        let rules = Rules::new(&[].into(), Vec::new());
        for piece in ["@a", "@media{", "p{", "/*", "}", "a{b:url(", "a:(;", "\"", "@x;", "p{top:0}"] {
            let raw = piece.repeat(1 << 16).into_bytes();
            let begun = testkit::CpuClock::now();
            assert!(sheet(&raw, false, &rules).len() <= raw.len().saturating_mul(4));
            assert!(begun.elapsed().as_secs() < 20, "{piece}");
        }
    }
}
