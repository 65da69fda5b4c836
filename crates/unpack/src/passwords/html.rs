//! The text of an HTML body, good enough to find a password in: tags are taken out, those that begin a
//! new line leave one, common entities are decoded.
//!
//! Linear, one pass. Not handled: style sheets that hide text, entities beyond [`ENTITIES`] and numbers.

/// Tags behind which the text stays on its line.
const INLINE: &[&str] = &[
    "b", "i", "u", "s", "em", "strong", "span", "font", "a", "small", "big", "code", "tt", "sub", "sup", "mark", "wbr",
    "o:p", "kbd", "samp", "var", "ins", "label",
];
/// Elements whose content is not shown.
const HIDDEN: &[&str] = &["style", "script", "head", "title"];
/// Entities that stand in passwords or beside them.
const ENTITIES: &[(&str, char)] = &[
    ("nbsp", ' '),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
    ("ntilde", 'ñ'),
    ("eacute", 'é'),
    ("zwnj", '\u{200c}'),
    ("shy", '\u{ad}'),
];
/// Longest entity, in bytes.
const MAX_ENTITY: usize = 10;

/// The text that a body shows.
pub(super) fn text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        line(&mut out, rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        rest = if rest.starts_with('<') { tag(rest, &mut out) } else { entity(rest, &mut out) };
    }
    line(&mut out, rest);
    out
}

/// Text between tags: its line ends are blanks.
fn line(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c }));
}

/// Passes over a tag, and over the content of one that shows none.
fn tag<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let inner = rest.get(1..).unwrap_or_default();
    let Some(end) = inner.find('>') else { return "" };
    let body = inner.get(..end).unwrap_or_default();
    let after = inner.get(end..).and_then(|rest| rest.get(1..)).unwrap_or_default();
    if let Some(comment) = inner.strip_prefix("!--") {
        return comment.find("-->").and_then(|at| comment.get(at..)?.get(3..)).unwrap_or("");
    }
    let name = body.strip_prefix('/').unwrap_or(body);
    let name = name.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default().to_ascii_lowercase();
    if !INLINE.contains(&name.as_str()) {
        out.push('\n');
    }
    if HIDDEN.contains(&name.as_str()) && !body.starts_with('/') {
        // Up to the end tag; without one the rest is text after all.
        let end = format!("</{name}");
        let lower = memchr::memmem::find_iter(after.as_bytes(), b"</");
        let found = lower.map(|at| after.get(at..).unwrap_or_default());
        let mut found = found.take(256).filter(|rest| {
            rest.as_bytes().get(..end.len()).is_some_and(|head| head.eq_ignore_ascii_case(end.as_bytes()))
        });
        return found.next().unwrap_or(after);
    }
    after
}

/// One entity, or the ampersand itself.
fn entity<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let inner = rest.get(1..).unwrap_or_default();
    let end = inner.bytes().take(MAX_ENTITY).position(|byte| byte == b';');
    let decoded = end.and_then(|end| Some((decode(inner.get(..end)?)?, inner.get(end..)?.get(1..)?)));
    match decoded {
        Some((c, after)) => {
            out.push(c);
            after
        }
        None => {
            out.push('&');
            inner
        }
    }
}

fn decode(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let value = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
        return char::from_u32(value);
    }
    ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_body_is_what_it_shows() {
        let cases = [
            ("<p>Pass<b>word</b>: 12<i>3</i>4</p>", "\nPassword: 1234\n"),
            ("a<br>b<div>c</div>", "a\nb\nc\n"),
            ("<style>p { x }</style>t", "\n\nt"),
            ("a<!-- <b> -->b", "ab"),
            ("&lt;x&gt; &amp; &#65;&#x42; &unknown; &", "<x> & AB &unknown; &"),
            ("one\r\ntwo", "one  two"),
            ("<title>cut", "\ncut"),
            ("an open <tag", "an open "),
        ];
        for (html, shown) in cases {
            assert_eq!(text(html), shown, "{html}");
        }
    }

    #[test]
    fn hostile_bodies_take_linear_time() {
        // Work that grows with the square of the body would take hours here.
        let begin = testkit::CpuClock::now();
        for unit in ["<style>", "<", "&", "<!--", "</"] {
            let body = unit.repeat(100_000);
            assert!(text(&body).len() <= body.len(), "{unit}");
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(30), "{:?}", begin.elapsed());
    }
}
