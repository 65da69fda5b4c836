//! Domains that stand in a text without `http://` or `www.` in front, as many mail programs make links of them:
//! `shop.example.com/buy`, `shop.example.com`. Only lists in the DNS are asked about them.
//!
//! The last label must be a top-level domain (`tlds.txt`, or any `xn--` one) in letters of one size, or `Com`: behind
//! a full stop without a blank ("at the end.Next") there is none. What an `@`, a slash, a bracket that opens or the like
//! stands beside is a part of something else: of a mail address (lists of those are asked about it), a path, a program.
//! A top-level domain that is a usual ending of files ([`ENDINGS`]) counts with a path behind it only, and so does a name
//! of one letter. Linear. Limits: [`MAX_BARE`] of a message, each once; what is left out is told. Not handled: names that
//! letters of a script without blanks (Chinese, Thai …) belong to, addresses of the kind 192.0.2.1, and other signs for
//! the dot.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::link::{Link, MAX_HOST};

/// Most such domains of one message that are kept.
pub(super) const MAX_BARE: usize = 200;
/// The top-level domains.
const TOPS: &str = include_str!("tlds.txt");
/// Those of them that files end in as well, or what belongs to something in a program: `main.rs`, `configure.in`,
/// `photos.zip`, `List.map`.
const ENDINGS: [&str; 48] = [
    "ac", "am", "as", "bb", "build", "bz", "cc", "cf", "compare", "data", "gs", "in", "inc", "int", "java", "la", "lc",
    "map", "md", "mk", "ml", "mm", "mo", "mov", "ms", "name", "network", "next", "nr", "open", "pl", "pm", "ps", "py",
    "read", "rs", "save", "sc", "sh", "shell", "show", "so", "st", "target", "tl", "ws", "zero", "zip",
];

/// What was found so far.
#[derive(Default)]
pub(crate) struct Bare {
    pub(super) list: Vec<Link>,
    known: BTreeSet<String>,
    /// Whether there are more.
    pub(super) more: bool,
}

impl Bare {
    /// Takes the domains of a text.
    pub(super) fn read(&mut self, text: &str) {
        let mut from = 0_usize;
        while let Some(rest) = text.get(from..).filter(|_| !self.more) {
            let Some(at) = memchr::memchr(b'.', rest.as_bytes()) else { return };
            let before = rest.get(..at).unwrap_or("");
            let start = before.rfind(parts_links).map_or(0, |at| before.ceil_char_boundary(at.saturating_add(1)));
            let word = rest.get(start..).unwrap_or("");
            let end = word.find(parts_links).unwrap_or(word.len());
            let word = word.get(..end).unwrap_or("");
            // Those are links anyway, and what stands in them belongs to them.
            let behind = rest.get(start.saturating_add(end)..).unwrap_or("");
            if !word.contains("://") && !is_of_program(before.get(..start).unwrap_or(""), behind) {
                self.word(word);
            }
            from = from.saturating_add(start).saturating_add(end.max(1));
        }
    }

    /// Takes the domains of a word, which has no blanks.
    fn word(&mut self, word: &str) {
        let mut ahead: Option<char> = None;
        let mut rest = word;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_host(c)).unwrap_or(rest.len());
            let (run, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if let Some(name) = name(run, ahead, behind) {
                let path = path(behind);
                if path.is_some() || stands_alone(name) {
                    self.keep(name, path.unwrap_or(""));
                }
                if path.is_some() {
                    return;
                }
            }
            ahead = behind.chars().next();
            rest = ahead.and_then(|c| behind.get(c.len_utf8()..)).unwrap_or("");
        }
    }

    fn keep(&mut self, name: &str, path: &str) {
        let address = ["http://", &name.to_lowercase(), path].concat();
        if self.more || !self.known.insert(address.clone()) {
            return;
        }
        if self.list.len() >= MAX_BARE {
            self.more = true;
            return;
        }
        self.list.extend(Link::read(&address).filter(Link::is_web));
    }
}

/// Whether a link in a plain text ends at this character.
pub(super) fn parts_links(c: char) -> bool {
    c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '|' | '^' | '`' | '{' | '}')
}

/// A link without what ends the sentence, or the bracket, that it stands in.
pub(super) fn without_stops(word: &str) -> &str {
    word.trim_end_matches(['.', ',', ')', ';', ':', '!', '?', ']', '*'])
}

/// Whether a word between these belongs to a program: `a->b.name`, `b.name = 1`.
fn is_of_program(ahead: &str, behind: &str) -> bool {
    ahead.ends_with("->") || behind.trim_start_matches([' ', '\t']).starts_with('=')
}

/// Whether a character can be one of a host's name: letters of scripts that are written without blanks are not.
fn is_host(c: char) -> bool {
    let without_blanks = matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}');
    c.is_alphanumeric() && !without_blanks || matches!(c, '-' | '.' | '_')
}

/// A run of such characters, if it is the name of a host by itself and by what stands around it.
fn name<'a>(run: &'a str, ahead: Option<char>, behind: &str) -> Option<&'a str> {
    let joined = |c: char| matches!(c, '@' | '/' | '\\' | '~' | '%' | '&' | '#' | '$' | '+' | '?' | '!' | '=');
    let next = behind.chars().next();
    let name = run.trim_end_matches('.');
    // A call, an index, an assignment, a mail address; or, behind a full stop, what is no end of a sentence.
    let follows = |c: char| matches!(c, '@' | '=' | '(' | '[' | '\\' | '&' | '%' | '$' | '+' | '~' | '#');
    let apart =
        !ahead.is_some_and(joined) && !next.is_some_and(follows) && (name.len() == run.len() || next != Some('/'));
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-') && !label.contains('_')
    };
    let (above, top) = name.rsplit_once('.').filter(|_| apart && name.len() <= MAX_HOST)?;
    let last = above.rsplit('.').next().unwrap_or("");
    let one_size = !top.chars().any(char::is_uppercase)
        || !top.chars().any(char::is_lowercase) && !last.chars().any(char::is_lowercase)
        || top == "Com";
    // Those are links anyway.
    let other = !name.get(..4).is_some_and(|www| www.eq_ignore_ascii_case("www."));
    (one_size && other && name.split('.').all(label) && is_top(&top.to_lowercase())).then_some(name)
}

/// Whether a name counts without a path behind it.
fn stands_alone(name: &str) -> bool {
    let Some((above, top)) = name.rsplit_once('.') else { return false };
    let last = above.rsplit('.').next().unwrap_or("");
    last.chars().nth(1).is_some() && !ENDINGS.contains(&top.to_lowercase().as_str())
}

/// A port and a path, or a query, if there is one behind a name.
fn path(behind: &str) -> Option<&str> {
    let digits = behind.strip_prefix(':').map_or(behind, |port| port.trim_start_matches(|c: char| c.is_ascii_digit()));
    let query = |rest: &str| rest.starts_with(char::is_alphanumeric);
    let found = digits.starts_with('/') || digits.strip_prefix('?').is_some_and(query);
    found.then(|| without_stops(behind))
}

fn is_top(label: &str) -> bool {
    static ALL: OnceLock<Vec<&str>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        TOPS.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace).collect()
    });
    label.starts_with("xn--") || all.binary_search(&label).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut bare = Bare::default();
        bare.read(text);
        bare.list.into_iter().map(|link| [link.host.as_str(), link.path.as_str()].concat()).collect()
    }

    #[test]
    fn domains_without_http_are_those_that_mail_programs_make_links_of() {
        let cases: [(&str, &[&str]); 19] = [
            ("visit shop.example.com/buy?id=7. Now", &["shop.example.com/buy?id=7"]),
            ("visit shop.example.com, or example.org.", &["shop.example.com", "example.org"]),
            (
                "(example.net) [example.org] *example.com* <example.net/a>",
                &["example.net", "example.org", "example.com", "example.net/a"],
            ),
            ("Website:example.com; EXAMPLE.ORG! Example.Com?", &["example.com", "example.org"]),
            ("example.com:8080/a example.com:8080", &["example.com/a", "example.com"]),
            (
                "example.com?q=1 \u{201c}example.org\u{201d} example.net\u{2019}s",
                &["example.com?q=1", "example.org", "example.net"],
            ),
            ("\u{8acb}\u{770b}example.com\u{8b1d}\u{8b1d}", &["example.com"]),
            (
                "b\u{fc}cher.example.com \u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}",
                &["xn--bcher-kva.example.com", "xn--e1afmkfd.xn--p1ai"],
            ),
            ("xn--bcher-kva.example.com x.xn--p1ai/a", &["xn--bcher-kva.example.com", "x.xn--p1ai/a"]),
            ("example.com example.com", &["example.com"]),
            // The path of a file that is a domain as well.
            ("readme.md main.rs script.py configure.in photos.zip a.b.sh", &[]),
            ("example.md/a example.rs/?b example.zip/c", &["example.md/a", "example.rs/?b", "example.zip/c"]),
            // Mail addresses.
            ("ann@example.com ann.doe@example.org <mailto:ann@example.net>", &[]),
            // Full stops.
            ("e.g. this is the end.Next, i.e. done.It was 5.30 p.m. in the U.S. at last...no", &[]),
            // Paths, programs, versions.
            ("a->b.info, x.info = 1; x.dev\t== y; List.map sendmail.cf multi-user.target", &[]),
            (
                "src/example.com a\\example.com foo.info() x.name=1 event.target[0] 1.2.3 v1.0 .example.com -example.com",
                &[],
            ),
            ("x.org a_b.example.com ../example.com www..com example..com", &[]),
            ("t.co/Ab1 t.me?start", &["t.co/Ab1", "t.me?start"]),
            // Links are read elsewhere, and what stands in them is a part of them.
            ("http://a.example/?u=example.com https://b.example/example.org", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn top_level_domains_are_sorted_for_their_search() {
        for top in ["com", "aaa", "zw", "\u{9999}\u{6e2f}", "\u{440}\u{444}"] {
            assert!(is_top(top), "{top}");
        }
        assert!(!is_top("example") && !is_top("#") && !is_top("txt"));
        assert!(ENDINGS.is_sorted() && ENDINGS.iter().all(|top| is_top(top)));
    }

    #[test]
    fn there_is_a_limit_and_long_texts_take_linear_time() {
        let mut bare = Bare::default();
        (0..MAX_BARE).for_each(|at| bare.read(&format!("a{at}.example.com ")));
        bare.read("a0.example.com");
        assert!(!bare.more && bare.list.len() == MAX_BARE);
        bare.read("new.example.com");
        assert!(bare.more && bare.list.len() == MAX_BARE);
        let begun = testkit::CpuClock::now();
        for text in ["a.", ".", "a.com,", "a.b/", "\u{fc}.", ". ", "a.example.zz "] {
            Bare::default().read(&text.repeat((2 << 20) / text.len()));
        }
        assert!(begun.elapsed().as_secs() < 20);
    }
}
