//! Addresses of the web in one form, for lists that know them by hash: however a sender writes an address that
//! leads to the same place, the text is the same (RFC 3986, 6.2.2).
//!
//! The form is `host[:port]/path[?query]`: without scheme, name, password and fragment; without the port that the
//! scheme has anyway. Escapes of letters, digits and `-._~` are undone, others have capital letters; what may not
//! stand in an address is escaped; `.` and `..` are resolved. Linear. Limit: [`MAX_REST`] of path and query, beyond
//! which first the query is left away, then the path. Not handled: a base with a path of its own, and letters of
//! other languages in a host, which whoever asks the DNS writes as the DNS has them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mail::evidence::MAX_URLS;

use super::link::{Link, MAX_HOST, MAX_LENGTH, Place, place};

/// Longest path and query, as written and in this form, in bytes.
const MAX_REST: usize = MAX_LENGTH;

/// The addresses of places, for lists, each once: [`MAX_URLS`], and one more where there are more. Those of a lower rank
/// come first, as [`super::link::places`] has them, and among them the first of each host: otherwise twenty to one page
/// would keep the one away that is clicked on as well.
pub(super) fn urls(places: &[Place<'_>]) -> Vec<String> {
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sorted: Vec<(u8, usize, &Link)> = Vec::new();
    for Place { rank, link } in places {
        let Some(host) = place(link).filter(|_| is_page(link)) else { continue };
        let nth = before.entry(host).or_default();
        sorted.push((*rank, *nth, link));
        *nth = nth.saturating_add(1);
    }
    sorted.sort_by_key(|(rank, nth, _)| (*rank, *nth));
    let mut found: Vec<String> = Vec::new();
    for (_, _, link) in sorted {
        let url = normal(link);
        if found.contains(&url) {
            continue;
        }
        found.push(url);
        if found.len() > MAX_URLS {
            break;
        }
    }
    found
}

/// Whether it is an address of the web whose host can be one.
pub(super) fn is_page(link: &Link) -> bool {
    let plain =
        link.host.len() <= MAX_HOST && !link.host.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/');
    matches!(link.scheme.as_str(), "http" | "https") && plain
}

/// The one form of an address.
pub(super) fn normal(link: &Link) -> String {
    let (rest, fragment) = link.path.split_once('#').map_or((link.path.as_str(), false), |(rest, _)| (rest, true));
    // A piece that is as long as it may be was cut, at a character's end: its last part is not what it was.
    let cut = !fragment && link.path.len().saturating_add(4) > MAX_LENGTH;
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let path = resolved(&escaped(&path.replace('\\', "/")));
    let (path, query) = match (cut && query.is_none()) || path.len() > MAX_REST {
        true => (String::new(), String::new()),
        false => (path, query.filter(|_| !cut).map(escaped).unwrap_or_default()),
    };
    let host = match link.host.contains(':') {
        true => ["[", &link.host, "]"].concat(),
        false => link.host.clone(),
    };
    let number = link.port.trim_start_matches('0');
    let own = matches!((link.scheme.as_str(), number), (_, "") | ("http", "80") | ("https", "443"));
    let port = if own || number.len() > 5 { String::new() } else { [":", number].concat() };
    let start = [host.as_str(), &port, "/", &path].concat();
    match query.is_empty() || path.len().saturating_add(query.len()) > MAX_REST {
        true => start,
        false => [&start, "?", &query].concat(),
    }
}

/// A text with its escapes in one form.
fn escaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let hex = (*byte == b'%').then(|| bytes.get(at.saturating_add(1)..at.saturating_add(3))).flatten();
        let value = hex
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let (byte, is_escape) = value.map_or((*byte, false), |value| (value, true));
        at = at.saturating_add(if is_escape { 3 } else { 1 });
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let forbidden = !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&byte);
        if unreserved || !(is_escape || forbidden) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path without `.` and `..` (RFC 3986, 5.2.4), and without its first slash.
fn resolved(path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::link::{Links, in_text, places};
    use super::*;

    fn of(raw: &str) -> String {
        normal(&Link::read(raw).expect("an address"))
    }

    #[test]
    fn however_an_address_is_written_its_form_is_one() {
        let cases = [
            ("http://bad.example", "bad.example/"),
            ("HTTPS://Bad.Example:443/", "bad.example/"),
            ("http://bad.example:80", "bad.example/"),
            ("http://bad.example:0080/", "bad.example/"),
            ("https://bad.example:80/", "bad.example:80/"),
            ("http://honest.example:x@bad.example/a", "bad.example/a"),
            ("http://bad.example/A/b", "bad.example/A/b"),
            ("http:\\\\bad.example\\a\\b?c\\d", "bad.example/a/b?c%5Cd"),
            ("http://bad.example/%7e%41%2f%c3%a4", "bad.example/~A%2F%C3%A4"),
            ("http://bad.example/\u{e4} \"", "bad.example/%C3%A4%20%22"),
            ("http://bad.example/%zz%", "bad.example/%zz%"),
            ("http://bad.example/a/./b/%2E%2e/../c/..", "bad.example/"),
            ("http://bad.example/a/./b/../c/.", "bad.example/a/c/"),
            ("http://bad.example/../../a//b", "bad.example/a//b"),
            ("http://bad.example/a?b=%41&c=/../d#e?f", "bad.example/a?b=A&c=/../d"),
            ("http://bad.example?b", "bad.example/?b"),
            ("http://bad.example/a?#b", "bad.example/a"),
            ("http://3221225985/a", "192.0.2.1/a"),
            ("http://[2001:DB8::1]:8080/a", "[2001:db8::1]:8080/a"),
            ("www.bad.example/a", "www.bad.example/a"),
        ];
        for (raw, expected) in cases {
            assert_eq!(of(raw), expected, "{raw}");
            assert_eq!(of(&format!("http://{expected}")).replace(":80/", "/"), expected.replace(":80/", "/"), "{raw}");
        }
    }

    #[test]
    fn of_what_is_too_long_first_the_query_goes_then_the_path() {
        let long = "a".repeat(MAX_LENGTH + 1);
        let short = "a".repeat(MAX_LENGTH / 2);
        let wide = "\u{e4}".repeat(MAX_LENGTH / 4);
        let cases = [
            (format!("http://bad.example/a?{long}"), "bad.example/a".to_owned()),
            (format!("http://bad.example/a?{wide}"), "bad.example/a".to_owned()),
            (format!("http://bad.example/{long}?b"), "bad.example/".to_owned()),
            (format!("http://bad.example/{wide}?b"), "bad.example/".to_owned()),
            (format!("http://bad.example/a?b#{long}"), "bad.example/a?b".to_owned()),
            (format!("http://bad.example/{short}?b"), format!("bad.example/{short}?b")),
        ];
        for (raw, expected) in cases {
            let found = of(&raw);
            assert_eq!(found, expected);
            assert!(found.len() <= mail::evidence::MAX_URL);
        }
    }

    #[test]
    fn many_links_to_one_place_keep_none_to_another_away() {
        let mut text: String = (0..100).map(|at| format!("http://a{}.decoy.example/{at} ", at % 7)).collect();
        text.push_str("http://bad.example/x ftp://files.example/x http://bad.example/x");
        let mut links = Links::default();
        in_text(&text, &mut links);
        let found = urls(&places(&links.list, &[], &[]).0);
        assert_eq!(
            (found.len(), found[0].as_str()),
            (MAX_URLS + 1, "a0.decoy.example/0"),
            "one shows that there are more"
        );
        assert_eq!(found[1], "bad.example/x");
        assert!(!found.iter().any(|url| url.contains("files.example")));
        assert_eq!(found.iter().collect::<std::collections::BTreeSet<_>>().len(), found.len(), "each once");
    }
}
