//! Address lists of the header (RFC 5322 section 3.4), read as leniently as mail programs do.
//!
//! Limits: [`MAX_MAILBOXES`]. Comments are dropped, groups are flattened, a name's encoded words are
//! decoded. Not handled: which of several readings of a broken list a certain program takes.

/// Most mailboxes of one field.
pub(crate) const MAX_MAILBOXES: usize = 1000;

/// One mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    /// The display name, decoded; empty where there is none.
    pub name: String,
    /// The address as written.
    pub address: String,
}

impl Mailbox {
    /// The part before the last `@`.
    pub fn local(&self) -> &str {
        self.address.rsplit_once('@').map_or(self.address.as_str(), |(local, _)| local)
    }

    /// The domain as the DNS has it; empty where there is none.
    pub fn domain(&self) -> String {
        let domain = self.address.rsplit_once('@').map_or("", |(_, domain)| domain);
        mail::address::canonical(domain).into_owned()
    }
}

/// Reads a list from its raw value.
pub(crate) fn list(raw: &[u8]) -> Vec<Mailbox> {
    let text = String::from_utf8_lossy(&mail::header::unfold(raw)).into_owned();
    let mut out = Vec::new();
    let mut item = Item::default();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if item.comment > 0 {
            match letter {
                '(' => item.comment = item.comment.saturating_add(1),
                ')' => item.comment = item.comment.saturating_sub(1),
                '\\' => {
                    letters.next();
                }
                _ => {}
            }
            continue;
        }
        if item.quoted {
            match letter {
                '"' => item.quoted = false,
                '\\' => item.plain.extend(letters.next()),
                letter => item.plain.push(letter),
            }
            continue;
        }
        match letter {
            '(' => item.comment = 1,
            '"' => item.quoted = true,
            '<' if item.angle.is_none() => item.angle = Some(String::new()),
            '>' => item.closed = true,
            ':' if item.angle.is_none() && !item.plain.contains('@') => item.plain.clear(),
            ',' | ';' if item.angle.is_none() || item.closed => {
                item.end(&mut out);
            }
            letter => match (&mut item.angle, item.closed) {
                (Some(angle), false) => angle.push(letter),
                _ => item.plain.push(letter),
            },
        }
        if out.len() >= MAX_MAILBOXES {
            return out;
        }
    }
    item.end(&mut out);
    out
}

/// What was read of a mailbox so far.
#[derive(Default)]
struct Item {
    plain: String,
    angle: Option<String>,
    closed: bool,
    quoted: bool,
    comment: u32,
}

impl Item {
    fn end(&mut self, out: &mut Vec<Mailbox>) {
        let item = std::mem::take(self);
        let plain = item.plain.trim();
        let mailbox = match item.angle {
            Some(address) => {
                Mailbox { name: mail::header::decode_words(plain.as_bytes()), address: address.trim().to_owned() }
            }
            None => Mailbox { name: String::new(), address: plain.to_owned() },
        };
        if !mailbox.address.is_empty() || !mailbox.name.is_empty() {
            out.push(mailbox);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_mail_programs_do() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("a@example.org", &[("", "a@example.org")]),
            ("A B <a@example.org>, \"C, D\" <c@example.com>", &[("A B", "a@example.org"), ("C, D", "c@example.com")]),
            ("=?utf-8?B?w7w=?= <a@example.org>", &[("ü", "a@example.org")]),
            ("undisclosed-recipients:;", &[]),
            ("team: a@example.org, b@example.org;", &[("", "a@example.org"), ("", "b@example.org")]),
            ("a@example.org (the, comment)", &[("", "a@example.org")]),
            ("\"a\\\"b\" <a@example.org>", &[("a\"b", "a@example.org")]),
            ("Name <>", &[("Name", "")]),
            ("Name", &[("", "Name")]),
            ("", &[]),
        ];
        for (raw, expected) in cases {
            let found = list(raw.as_bytes());
            let found: Vec<(&str, &str)> = found.iter().map(|m| (m.name.as_str(), m.address.as_str())).collect();
            assert_eq!(&found, expected, "{raw}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(list("a@example.org,".repeat(5000).as_bytes()).len(), MAX_MAILBOXES);
    }
}
