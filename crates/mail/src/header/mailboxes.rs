//! Who is named in From, Sender or Reply-To (RFC 5322 section 3.4, RFC 6854).
//!
//! One pass over the characters of the value. Where programs could disagree about who is named, every
//! address that one of them may see is in the list, and [`Mailboxes::odd`] says so: an address in front
//! of the angle brackets, text behind them, two of them, something without an `@`. Where a mailbox has no domain,
//! more than one `@`, or quotes, brackets and comments that nothing closes, all of it is read once more as plain
//! text: some programs find an address in quotes, and others behind one that is open.
//!
//! Not handled: encoded words (the name is as written; an address can hold none), and what an
//! internationalised domain is in ASCII. At most [`MAX_MAILBOXES`] are read, or as many as [`mailboxes_up_to`] is told.

use super::unfold;
use crate::address;

/// Most mailboxes of one field.
pub const MAX_MAILBOXES: usize = 64;
/// Most mailboxes of all From fields of a message that lists of senders are asked about (D-9).
pub const MAX_LOOKED_UP: usize = 250;
/// Most bytes of a field that are read.
const MAX_VALUE: usize = 64 * 1024;
/// Most bytes of an address that is read out of damage: its end, more than one may have (RFC 5321, 4.5.3.1).
const MAX_PLAIN: usize = 320;

/// One mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    /// What stands in front of the angle brackets, as written, quotes taken off.
    pub name: String,
    /// The address as written, without white space and comments around it.
    pub address: String,
    /// The first comment, as written: a name to programs where there is no other.
    pub comment: String,
}

impl Mailbox {
    /// The domain as [`address::canonical`] writes it; empty if there is none, or an address literal.
    pub fn domain(&self) -> String {
        split(&self.address).map_or_else(String::new, |(_, domain)| canonical(domain))
    }

    /// Whether the domain has an empty label in front or inside, or a character that shows nothing.
    fn is_damaged(&self) -> bool {
        let domain = split(&self.address).map_or("", |(_, domain)| domain.trim());
        domain.starts_with('.') || domain.contains("..") || domain.chars().any(char::is_control)
    }
}

/// The mailboxes of a field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mailboxes {
    /// In order.
    pub list: Vec<Mailbox>,
    /// Programs may read the field otherwise.
    pub odd: bool,
    /// It is damaged as no program writes it: an address was found only where quotes, brackets and comments
    /// count for nothing, or a domain has an empty label or a control character.
    pub damaged: bool,
}

impl Mailboxes {
    /// Whether an address is in the list as it is written.
    fn names(&self, address: &str) -> bool {
        self.list.iter().any(|known| known.address == address)
    }
}

/// A domain in its one form; empty labels are passed over, as what people read is what is left.
fn canonical(domain: &str) -> String {
    if domain.starts_with('[') {
        return String::new();
    }
    let kept: String = domain.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let labels: Vec<&str> = kept.split('.').filter(|label| !label.is_empty()).collect();
    address::canonical(&labels.join(".")).into_owned()
}

/// Where the `@` is that splits an address: the last one outside quotes.
fn split(address: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped, mut found) = (false, false, None);
    for (at, c) in address.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '@' if !quoted => found = Some(at),
            _ => {}
        }
    }
    let at = found?;
    Some((address.get(..at)?, address.get(at.saturating_add(1)..)?))
}

/// How many `@` stand outside quotes.
fn ats(address: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let mut count = 0usize;
    for c in address.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '@' if !quoted => count = count.saturating_add(1),
            _ => {}
        }
    }
    count
}

/// Reads a field's value: its raw bytes, folds included.
pub fn mailboxes(value: &[u8]) -> Mailboxes {
    mailboxes_up_to(value, MAX_MAILBOXES)
}

/// The same with another limit.
pub fn mailboxes_up_to(value: &[u8], most: usize) -> Mailboxes {
    let value = unfold(value);
    let cut = value.len() > MAX_VALUE;
    let text = String::from_utf8_lossy(value.get(..MAX_VALUE).unwrap_or(&value));
    let mut reader = Reader { found: Mailboxes { odd: cut, ..Mailboxes::default() }, most, ..Reader::default() };
    for c in text.chars() {
        reader.whole.push(c);
        reader.take(c);
    }
    if reader.quoted || reader.depth > 0 || reader.inside.is_some() {
        reader.found.odd = true;
        reader.unsure = true;
    }
    reader.flush();
    reader.found
}

#[derive(Default)]
struct Reader {
    found: Mailboxes,
    /// Most of them.
    most: usize,
    /// All of the mailbox so far, as it stands in the field.
    whole: String,
    /// It has to be read as plain text, too.
    unsure: bool,
    /// What stands outside angle brackets, quotes included.
    text: String,
    /// What stands inside angle brackets, while they are open.
    inside: Option<String>,
    /// What stood inside the angle brackets that were closed.
    closed: Option<String>,
    /// The name that stood in front of them.
    name: String,
    quoted: bool,
    escaped: bool,
    depth: u32,
    /// The first comment; `None` until there is one.
    comment: Option<String>,
    /// Whether the comment that is open is the first.
    commenting: bool,
}

impl Reader {
    fn take(&mut self, c: char) {
        if self.depth > 0 {
            let ends = !self.escaped && c == ')' && self.depth == 1;
            if let Some(comment) = self.comment.as_mut().filter(|_| self.commenting && !ends) {
                comment.push(c);
            }
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '(' => self.depth = self.depth.saturating_add(1),
                ')' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            return;
        }
        if self.quoted {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => self.quoted = false,
                _ => {}
            }
            self.put(c);
            return;
        }
        match c {
            '(' => {
                self.depth = 1;
                self.commenting = self.comment.is_none();
                self.comment.get_or_insert_default();
            }
            '"' => {
                self.quoted = true;
                self.put(c);
            }
            '>' if self.inside.is_some() => self.closed = self.inside.take(),
            c if self.inside.is_some() => self.put(c),
            '<' => {
                if self.closed.is_some() {
                    self.found.odd = true;
                    self.flush();
                }
                self.name = std::mem::take(&mut self.text);
                self.inside = Some(String::new());
            }
            ',' | ';' => self.flush(),
            // The name of a group; its members follow.
            ':' => {
                self.unsure |= self.text.contains('@');
                self.found.odd |= self.text.contains('@') || self.closed.is_some();
                self.text.clear();
            }
            c => self.put(c),
        }
    }

    fn put(&mut self, c: char) {
        self.inside.as_mut().unwrap_or(&mut self.text).push(c);
    }

    /// The end of a mailbox.
    fn flush(&mut self) {
        let before = self.found.list.len();
        self.end();
        let new = self.found.list.get(before..).unwrap_or_default();
        let nobody = new.iter().all(|mailbox| mailbox.domain().is_empty());
        self.found.damaged |= new.iter().any(Mailbox::is_damaged);
        self.found.odd |= self.found.damaged;
        let whole = std::mem::take(&mut self.whole);
        if std::mem::take(&mut self.unsure) || nobody {
            self.plain(&whole);
        }
    }

    /// Every address in a text in which quotes, brackets and comments count for nothing.
    fn plain(&mut self, text: &str) {
        for word in without_blanks(text).split(|c: char| c.is_whitespace() || "\"<>(),;:".contains(c)) {
            // Of several `@` programs take the first or the last.
            let mut end = word.find('@').map_or(word.len(), |at| at.saturating_add(1));
            for piece in word.split('@').skip(1) {
                let part = word.get(..end.saturating_add(piece.len())).unwrap_or(word);
                end = end.saturating_add(piece.len()).saturating_add(1);
                if canonical(piece).is_empty() || self.found.names(part) {
                    continue;
                }
                (self.found.odd, self.found.damaged) = (true, true);
                if self.found.list.len() >= self.most {
                    return;
                }
                // What is written in front of one again and again is not kept as often.
                let from = part.ceil_char_boundary(part.len().saturating_sub(MAX_PLAIN));
                let address = part.get(from..).unwrap_or(part).to_owned();
                self.found.list.push(Mailbox { address, ..Mailbox::default() });
            }
        }
    }

    /// Adds what was read to the list.
    fn end(&mut self) {
        let (text, name) = (std::mem::take(&mut self.text), std::mem::take(&mut self.name));
        let comment = unquoted(self.comment.take().unwrap_or_default().trim());
        let open = self.inside.take();
        let Some(inside) = self.closed.take().or(open) else {
            if !text.trim().is_empty() {
                self.add(String::new(), comment, &text);
            }
            return;
        };
        // A route in front of the address (RFC 5322 section 4.4).
        let inside = match inside.trim().strip_prefix('@').and_then(|rest| rest.split_once(':')) {
            Some((_, address)) => address.to_owned(),
            None => inside,
        };
        for other in [&name, &text] {
            if ats(other) > 0 {
                self.found.odd = true;
                self.add(String::new(), String::new(), other);
            }
        }
        self.found.odd |= !text.trim().is_empty();
        self.add(unquoted(name.trim()), comment, &inside);
    }

    fn add(&mut self, name: String, comment: String, address: &str) {
        let address = address.trim();
        // The null address `<>` names nobody.
        let odd = ats(address) != 1 || address.chars().any(char::is_whitespace) && !address.contains('"');
        self.found.odd |= odd;
        self.unsure |= ats(address) > 1;
        if self.found.list.len() >= self.most {
            self.found.odd = true;
            return;
        }
        self.found.list.push(Mailbox { name, comment, address: address.to_owned() });
    }
}

/// A text without backslashes, and without the blanks around each `@`.
fn without_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars().filter(|c| *c != '\\') {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && c != '@' && !out.ends_with('@') {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// A phrase without its quotes and backslashes.
fn unquoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => {}
            c => out.push(c),
        }
        escaped = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (Vec<(String, String)>, bool) {
        let found = mailboxes(value.as_bytes());
        (found.list.into_iter().map(|m| (m.name, m.address)).collect(), found.odd)
    }

    #[test]
    fn mailboxes_are_read() {
        let cases: [(&str, &[(&str, &str)]); 11] = [
            ("a@example.org", &[("", "a@example.org")]),
            ("Ann <a@example.org>", &[("Ann", "a@example.org")]),
            ("\"Ann, of B@C\" <a@example.org>", &[("Ann, of B@C", "a@example.org")]),
            ("a@example.org (Ann <b@example.net>)", &[("", "a@example.org")]),
            ("(x(y)) Ann\r\n <a@example.org>", &[("Ann", "a@example.org")]),
            ("Ann <a@example.org>, b@example.net", &[("Ann", "a@example.org"), ("", "b@example.net")]),
            ("Team: a@example.org, B <b@example.org>;", &[("", "a@example.org"), ("B", "b@example.org")]),
            ("<@relay.example,@x.example:a@example.org>", &[("", "a@example.org")]),
            ("\"a b\"@example.org", &[("", "\"a b\"@example.org")]),
            ("\"a\\\"@b\" <\"x@y\"@example.org>", &[("a\"@b", "\"x@y\"@example.org")]),
            ("Undisclosed:;", &[]),
        ];
        for (value, expected) in cases {
            let expected = expected.iter().map(|(n, a)| ((*n).to_owned(), (*a).to_owned())).collect();
            assert_eq!(read(value), (expected, false), "{value}");
        }
    }

    #[test]
    fn what_programs_may_read_otherwise_is_odd_and_complete() {
        let cases: [(&str, &[&str]); 22] = [
            ("\"ann@example.org\"", &["", "example.org"]),
            ("\"Ann <ann@example.org>", &["", "example.org"]),
            ("\"ann@example.org\" <ann>", &["", "example.org"]),
            ("x@example.net, \"Ann <ann@example.org>", &["example.net", "", "example.org"]),
            ("x@example.net (Ann <ann@example.org>", &["example.net", "example.org"]),
            ("\"ann\\@ example.org\"", &["", "example.org"]),
            ("ann@.example.org", &["example.org"]),
            ("ann@x..example.org", &["x.example.org"]),
            ("ann@exam\u{1}ple.org", &["example.org"]),
            ("ann@example.org@", &["", "example.org"]),
            ("bank@example.com <a@example.org>", &["example.com", "example.org"]),
            ("<a@example.org> bank@example.com", &["example.com", "example.org"]),
            ("<a@example.org><b@example.net>", &["example.org", "example.net"]),
            ("<a@example.org", &["example.org"]),
            ("\"a@example.org", &["", "example.org"]),
            ("(a@example.org", &["example.org"]),
            ("Ann", &[""]),
            ("a@example.com@example.org", &["example.org", "example.com"]),
            ("<>", &[""]),
            ("a b@example.org", &["example.org"]),
            ("a@example.com: b@example.org;", &["example.org", "example.com"]),
            ("=?utf-8?q?a=40example.com?=", &[""]),
        ];
        for (value, domains) in cases {
            let found = mailboxes(value.as_bytes());
            let expected: Vec<String> = domains.iter().map(|d| (*d).to_owned()).collect();
            assert_eq!(found.list.iter().map(Mailbox::domain).collect::<Vec<_>>(), expected, "{value}");
            assert!(found.odd, "{value}");
        }
    }

    #[test]
    fn what_programs_write_is_not_damaged() {
        for (value, damaged) in [
            ("Ann <ann@example.org>", false),
            ("ann@example.org <ann@example.org>", false),
            ("\"ann@example.org\" <ann@example.org>", false),
            ("\"ann@example.org\" <other@example.net>, bob@example.org (Bob, b@example.org)", false),
            ("\"a@b\"@example.org", false),
            ("ann@example.org.", false),
            ("ann@[192.0.2.1]", false),
            ("Team:;", false),
            ("Ann", false),
            ("<>", false),
            ("\"ann@example.org\"", true),
            ("\"Ann <ann@example.org>", true),
            ("ann@x..example.org", true),
            ("ann@.example.org", true),
        ] {
            let found = mailboxes(value.as_bytes());
            assert_eq!(found.damaged, damaged, "{value}");
            assert!(found.odd || !damaged, "{value}");
        }
        let literal = mailboxes(b"ann@[IPv6:2001:db8::1]");
        assert!(!literal.damaged && literal.list.iter().all(|mailbox| mailbox.domain().is_empty()), "{literal:?}");
    }

    #[test]
    fn the_first_comment_of_each_is_known() {
        let of = |value: &str| -> Vec<String> {
            mailboxes(value.as_bytes()).list.into_iter().map(|found| found.comment).collect()
        };
        assert_eq!(of("a@example.org (Ann (of B) \\) x) (more), b@example.net"), ["Ann (of B) ) x", ""]);
        assert_eq!(of("Ann <a@example.org> (<b@example.net>), (C) c@example.net"), ["<b@example.net>", "C"]);
        assert_eq!(of("(open <a@example.org>"), [""]);
    }

    #[test]
    fn domains_are_compared_in_one_form() {
        let of = |address: &str| Mailbox { address: address.to_owned(), ..Mailbox::default() }.domain();
        assert_eq!(of("a@Example.ORG."), "example.org");
        assert_eq!(of("a@Bücher..example"), "xn--bcher-kva.example");
        assert_eq!(of("a@[192.0.2.1]"), "");
        assert_eq!(of("postmaster"), "");
    }

    #[test]
    fn the_number_of_mailboxes_is_bounded() {
        for many in ["a@example.org,", "\"a@example.org\",", "a@b@", "\"a@b ", "(@a", "@\u{1}"] {
            let found = mailboxes(many.repeat(10_000).as_bytes());
            assert!(found.odd && found.list.len() <= MAX_MAILBOXES, "{many}");
        }
        assert_eq!(mailboxes("a@example.org,".repeat(10_000).as_bytes()).list.len(), MAX_MAILBOXES);
        let found = mailboxes_up_to("a@example.org,".repeat(10_000).as_bytes(), MAX_LOOKED_UP);
        assert!(found.odd && found.list.len() == MAX_LOOKED_UP);
    }
}
