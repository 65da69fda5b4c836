//! Reverse and forward paths (RFC 5321 section 4.1.2, RFC 6531): `<` mailbox `>` at the start of an argument.
//!
//! Strict about what could be read in two ways (quotes, controls, unclosed brackets, source routes), lenient about
//! local parts with dots in odd places, which real senders have. Limits: [`PATH_MAX`], [`LOCAL_MAX`],
//! [`DOMAIN_MAX`]. Not handled: source routes (refused), address literals other than IPv4 and IPv6, a
//! domain's IDNA validity.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest path without its brackets, in bytes.
pub const PATH_MAX: usize = 512;
/// Longest local part, in bytes: more than the 64 of RFC 5321, for VERP, SRS and BATV.
pub const LOCAL_MAX: usize = 255;
/// Longest domain, in bytes.
pub const DOMAIN_MAX: usize = 255;
/// Longest label of a domain, in bytes.
const LABEL_MAX: usize = 63;

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    /// Not `<...>`, or a mailbox that is not well formed.
    Syntax,
    /// A source route.
    SourceRoute,
    /// Longer than a limit.
    TooLong,
    /// Not ASCII, and SMTPUTF8 was not asked for.
    NeedsUtf8,
}

/// Splits an argument into the path inside its brackets and the rest behind them. Checks neither.
pub fn split(argument: &str) -> Option<(&str, &str)> {
    let inside = argument.strip_prefix('<')?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                let (path, rest) = inside.split_at_checked(at)?;
                return Some((path, rest.strip_prefix('>')?));
            }
            _ => {}
        }
    }
    None
}

/// Checks a mailbox: local part, `@`, domain. `utf8` says whether SMTPUTF8 was asked for.
pub fn check_mailbox(path: &str, utf8: bool) -> Result<(), PathFault> {
    if path.len() > PATH_MAX {
        return Err(PathFault::TooLong);
    }
    if path.starts_with('@') {
        return Err(PathFault::SourceRoute);
    }
    if path.chars().any(char::is_control) {
        return Err(PathFault::Syntax);
    }
    if !utf8 && !path.is_ascii() {
        return Err(PathFault::NeedsUtf8);
    }
    let (local, domain) = split_mailbox(path).ok_or(PathFault::Syntax)?;
    if local.len() > LOCAL_MAX || domain.len() > DOMAIN_MAX {
        return Err(PathFault::TooLong);
    }
    if is_domain(domain) || is_literal(domain) { Ok(()) } else { Err(PathFault::Syntax) }
}

/// Splits a well-formed local part from what follows its `@`.
fn split_mailbox(path: &str) -> Option<(&str, &str)> {
    if path.starts_with('"') {
        let end = quoted_end(path)?;
        let (local, rest) = path.split_at_checked(end)?;
        return Some((local, rest.strip_prefix('@')?));
    }
    let (local, domain) = path.split_once('@')?;
    let fine = !local.is_empty() && local.chars().all(is_local_char);
    fine.then_some((local, domain))
}

/// The length of the quoted string that `text` begins with, quotes counted.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at.checked_add(1),
            _ => {}
        }
    }
    None
}

/// atext or a dot, or anything printable beyond ASCII.
fn is_local_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || is_beyond_ascii(c)
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || is_beyond_ascii(c);
        !label.is_empty() && label.len() <= LABEL_MAX && label.chars().all(fine)
    })
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
fn is_literal(domain: &str) -> bool {
    let Some(inside) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) else { return false };
    match inside.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => address.parse::<Ipv6Addr>().is_ok(),
        _ => inside.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Not ASCII, and neither a blank nor one of the characters that IDNA takes for a dot.
fn is_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && !c.is_control() && !matches!(c, '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bracket_that_closes_a_path_is_the_first_outside_quotes() {
        let cases: &[(&str, Option<(&str, &str)>)] = &[
            ("<>", Some(("", ""))),
            ("<a@b> SIZE=1", Some(("a@b", " SIZE=1"))),
            ("<\"a>b\"@c> X", Some(("\"a>b\"@c", " X"))),
            ("<\"a\\\">\"@c>", Some(("\"a\\\">\"@c", ""))),
            ("<\"a>", None),
            ("a@b", None),
            ("<a@b", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), *expected, "{text}");
        }
    }

    #[test]
    fn mailboxes_are_taken_or_refused() {
        let cases: &[(&str, Result<(), PathFault>)] = &[
            ("a@example.org", Ok(())),
            ("a..b.@example.org", Ok(())),
            ("\"a b@c\\\"\"@example.org", Ok(())),
            ("a+b=c@sub_domain.example.org", Ok(())),
            ("a@[192.0.2.1]", Ok(())),
            ("a@[IPv6:2001:db8::1]", Ok(())),
            ("a@[ipv6:2001:db8::1]", Ok(())),
            ("a@[example.org]", Err(PathFault::Syntax)),
            ("a@[192.0.2.1", Err(PathFault::Syntax)),
            ("a@[2001:db8::1]", Err(PathFault::Syntax)),
            ("a", Err(PathFault::Syntax)),
            ("a@", Err(PathFault::Syntax)),
            ("a@b@c", Err(PathFault::Syntax)),
            ("a@.example.org", Err(PathFault::Syntax)),
            ("a@example..org", Err(PathFault::Syntax)),
            ("a@example.org.", Err(PathFault::Syntax)),
            ("a b@example.org", Err(PathFault::Syntax)),
            ("a@exam ple.org", Err(PathFault::Syntax)),
            ("<a@example.org", Err(PathFault::Syntax)),
            ("\"a@example.org", Err(PathFault::Syntax)),
            ("\"a\"b@example.org", Err(PathFault::Syntax)),
            ("a\t@example.org", Err(PathFault::Syntax)),
            ("@b,@c:a@example.org", Err(PathFault::SourceRoute)),
            ("m\u{fc}ller@example.org", Err(PathFault::NeedsUtf8)),
        ];
        for (path, expected) in cases {
            assert_eq!(check_mailbox(path, false), *expected, "{path}");
        }
        let long = [("a".repeat(256) + "@b", false), ("a@".to_owned() + &"b.".repeat(128) + "c", false)];
        for (path, utf8) in long {
            assert_eq!(check_mailbox(&path, utf8), Err(PathFault::TooLong));
        }
        assert_eq!(check_mailbox(&format!("a@{}.org", "b".repeat(64)), false), Err(PathFault::Syntax));
    }

    #[test]
    fn smtputf8_widens_what_is_taken_but_not_to_controls_and_false_dots() {
        assert_eq!(check_mailbox("m\u{fc}ller@b\u{fc}cher.example", true), Ok(()));
        for bad in ["a\u{85}@example.org", "a\u{a0}@example.org", "a@example\u{3002}org", "a@ex\u{ff0e}org"] {
            assert_eq!(check_mailbox(bad, true), Err(PathFault::Syntax), "{bad:?}");
        }
    }
}
