//! Addresses of the web: found in text, and taken apart.
//!
//! Limits: [`MAX_LINKS`] of a message, [`MAX_LENGTH`] of one. Not handled: what a redirect leads to.

/// Most links of one message.
pub(crate) const MAX_LINKS: usize = 500;
/// Longest link that is kept, in bytes.
const MAX_LENGTH: usize = 2000;
/// Second levels below which names are given out, in two-letter top domains.
const SECOND: [&str; 16] =
    ["co", "com", "org", "net", "gov", "gob", "gub", "edu", "ac", "or", "ne", "go", "gr", "ltd", "me", "web"];

/// One address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// As written.
    pub raw: String,
    /// The scheme in lower case.
    pub scheme: String,
    /// What stands in front of an `@` of the host.
    pub user: String,
    /// The host in lower case.
    pub host: String,
    /// The port, where one is written.
    pub port: String,
    /// Path, query and fragment.
    pub path: String,
    /// The text that a reader sees in its place; only of links in HTML.
    pub shown: Option<String>,
    /// Whether it leads somewhere at a click, and does not only load a picture.
    pub clicked: bool,
}

impl Link {
    /// Takes an address apart; `None` for what is none of the web or mail.
    pub(crate) fn read(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        let raw = raw.get(..raw.floor_char_boundary(MAX_LENGTH)).unwrap_or(raw);
        let (scheme, rest) = match raw.split_once(':') {
            Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) && !scheme.is_empty() => {
                (scheme.to_ascii_lowercase(), rest)
            }
            _ if raw.get(..4).is_some_and(|w| w.eq_ignore_ascii_case("www.")) => ("http".to_owned(), raw),
            _ => return None,
        };
        if !matches!(scheme.as_str(), "http" | "https" | "ftp") {
            let known = matches!(scheme.as_str(), "mailto" | "tel" | "javascript" | "data" | "sms" | "whatsapp");
            let path = rest.to_owned();
            return known.then(|| Self { raw: raw.to_owned(), scheme, path, ..Self::default() });
        }
        let rest = rest.trim_start_matches(['/', '\\']);
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
            _ => (host, ""),
        };
        let host = host.trim_end_matches(['.', ',', ')', '>']).to_lowercase();
        (!host.is_empty()).then(|| Self {
            raw: raw.to_owned(),
            scheme,
            user: user.to_owned(),
            host,
            port: port.to_owned(),
            path: path.to_owned(),
            ..Self::default()
        })
    }

    /// Whether it is an address of the web.
    pub fn is_web(&self) -> bool {
        !self.host.is_empty()
    }
}

/// Links that stand in a plain text.
pub(crate) fn in_text(text: &str, out: &mut Vec<Link>) {
    let mut rest = text;
    while out.len() < MAX_LINKS {
        let Some(at) = next(rest) else { return };
        let from = rest.get(at..).unwrap_or("");
        let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '|' | '^' | '`' | '{' | '}');
        let end = from.find(ends).unwrap_or(from.len());
        let word = from.get(..end).unwrap_or("").trim_end_matches(['.', ',', ')', ';', ':', '!', '?', ']', '*']);
        if let Some(mut link) = Link::read(word).filter(Link::is_web) {
            link.clicked = true;
            out.push(link);
        }
        rest = from.get(end.max(4)..).unwrap_or("");
    }
}

/// Where the next `http://`, `https://` or `www.` begins.
fn next(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0_usize;
    loop {
        // Both have a letter that few words have, followed by what no word has.
        let rest = bytes.get(from..)?;
        let at = memchr::memchr2(b':', b'.', rest)?.saturating_add(from);
        let before = |word: &str| {
            let start = at.checked_sub(word.len())?;
            bytes.get(start..at).filter(|found| found.eq_ignore_ascii_case(word.as_bytes())).map(|_| start)
        };
        let begins = match bytes.get(at) {
            Some(b':') if bytes.get(at..at.saturating_add(3)) == Some(b"://") => {
                before("https").or_else(|| before("http"))
            }
            Some(b'.') => before("www").filter(|start| {
                let ahead = start.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
                !ahead.is_ascii_alphanumeric() && !matches!(ahead, b'/' | b'.' | b'-' | b'@')
            }),
            _ => None,
        };
        if let Some(start) = begins.filter(|start| *start >= from) {
            return Some(start);
        }
        from = at.saturating_add(1);
    }
}

/// The part of a host that somebody registered, by rule of thumb: the last two labels, or three below
/// `co.uk` and the like. No list of public suffixes is consulted.
pub fn registered(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), Some(second)) = (dots.next(), dots.next()) else { return host };
    let top = host.get(last.saturating_add(1)..).unwrap_or("");
    let middle = host.get(second.saturating_add(1)..last).unwrap_or("");
    if top.len() == 2 && SECOND.contains(&middle) {
        let third = dots.next().map_or(0, |at| at.saturating_add(1));
        return host.get(third..).unwrap_or(host);
    }
    host.get(second.saturating_add(1)..).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_and_taken_apart() {
        let mut found = Vec::new();
        in_text(
            "see http://a.example/x?y, HTTPS://b.example:8080/ (www.c.example) xwww.d.example http:// e",
            &mut found,
        );
        let hosts: Vec<&str> = found.iter().map(|link| link.host.as_str()).collect();
        assert_eq!(hosts, ["a.example", "b.example", "www.c.example"]);
        assert_eq!((found[1].port.as_str(), found[1].scheme.as_str()), ("8080", "https"));
        let link = Link::read("http://www.bank.example@192.0.2.1/login").unwrap();
        assert_eq!(
            (link.user.as_str(), link.host.as_str(), link.path.as_str()),
            ("www.bank.example", "192.0.2.1", "/login")
        );
        assert_eq!(Link::read("cid:1@x"), None);
        assert!(!Link::read("mailto:a@example.org").unwrap().is_web());
    }

    #[test]
    fn registered_names_are_found_by_rule_of_thumb() {
        let cases = [
            ("www.example.org", "example.org"),
            ("example.org", "example.org"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("localhost", "localhost"),
            ("", ""),
        ];
        for (host, expected) in cases {
            assert_eq!(registered(host), expected, "{host}");
        }
    }

    #[test]
    fn many_colons_take_linear_time() {
        let begun = std::time::Instant::now();
        let mut found = Vec::new();
        in_text(&":.".repeat(500_000), &mut found);
        in_text(&"www.".repeat(300_000), &mut found);
        assert!(begun.elapsed().as_secs() < 20);
    }
}
