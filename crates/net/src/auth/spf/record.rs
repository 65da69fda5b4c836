//! An SPF record: its text as values (RFC 7208 sections 4.5, 4.6, 5, 6, 12).
//!
//! A record is right as a whole or not at all: one wrong term anywhere makes it an error, also behind
//! a term that matches.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::macros::{self, Spec};

/// What a mechanism that matches says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// How many leading bits of an address count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bits {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

impl Bits {
    const ALL: Self = Self { v4: 32, v6: 128 };
}

/// What a term asks. A missing target is the domain itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Mechanism {
    All,
    Include(Spec),
    A(Option<Spec>, Bits),
    Mx(Option<Spec>, Bits),
    Ptr(Option<Spec>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(Spec),
}

/// A record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Record {
    pub(super) terms: Vec<(Qualifier, Mechanism)>,
    pub(super) redirect: Option<Spec>,
}

/// Whether a text is an SPF record at all (RFC 7208 section 4.5).
pub(super) fn is_spf(text: &[u8]) -> bool {
    let (version, rest) = text.split_at(text.len().min(6));
    version.eq_ignore_ascii_case(b"v=spf1") && rest.first().is_none_or(|byte| *byte == b' ')
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii());
        let text = text.ok_or("the record is not in ASCII")?;
        let mut record = Self::default();
        let mut explained = false;
        for term in text.get(6..).unwrap_or_default().split(' ').filter(|term| !term.is_empty()) {
            let wrong = |why: &str| format!("{term:?}: {why}");
            if let Some((name, value)) = modifier(term) {
                let seen = match name.to_ascii_lowercase().as_str() {
                    "redirect" => record.redirect.replace(macros::domain(value).map_err(|e| wrong(&e))?).is_some(),
                    "exp" => {
                        macros::domain(value).map_err(|e| wrong(&e))?;
                        std::mem::replace(&mut explained, true)
                    }
                    _ => {
                        macros::text(value).map_err(|e| wrong(&e))?;
                        false
                    }
                };
                if seen {
                    return Err(wrong("it stands there twice"));
                }
                continue;
            }
            record.terms.push(directive(term).map_err(|e| wrong(&e))?);
        }
        if record.terms.iter().any(|(_, mechanism)| *mechanism == Mechanism::All) {
            // It can never be reached (RFC 7208 section 6.1).
            record.redirect = None;
        }
        Ok(record)
    }
}

/// `name=value`, where the name may be one.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    fits.then_some((name, value))
}

fn directive(term: &str) -> Result<(Qualifier, Mechanism), String> {
    let (qualifier, term) = match term.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, &term[1..]),
        Some(b'-') => (Qualifier::Fail, &term[1..]),
        Some(b'~') => (Qualifier::SoftFail, &term[1..]),
        Some(b'?') => (Qualifier::Neutral, &term[1..]),
        _ => (Qualifier::Pass, term),
    };
    let end = term.find([':', '/']).unwrap_or(term.len());
    let (name, rest) = term.split_at(end);
    let needed = || rest.strip_prefix(':').ok_or("it needs a value".to_owned());
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(macros::domain(needed()?)?),
        "exists" => Mechanism::Exists(macros::domain(needed()?)?),
        "ptr" if rest.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(macros::domain(needed()?)?)),
        "a" => {
            let (target, bits) = target(rest)?;
            Mechanism::A(target, bits)
        }
        "mx" => {
            let (target, bits) = target(rest)?;
            Mechanism::Mx(target, bits)
        }
        "ip4" => {
            let (address, bits) = network(needed()?, 32)?;
            Mechanism::Ip4(ip4(address)?, bits)
        }
        "ip6" => {
            let (address, bits) = network(needed()?, 128)?;
            Mechanism::Ip6(address.parse().map_err(|_| "it is no IPv6 address")?, bits)
        }
        _ => return Err("there is no such mechanism".to_owned()),
    };
    Ok((qualifier, mechanism))
}

/// `[":" domain] ["/" bits] ["//" bits]`.
fn target(rest: &str) -> Result<(Option<Spec>, Bits), String> {
    let (rest, bits) = dual_bits(rest)?;
    match rest.strip_prefix(':') {
        Some(domain) => Ok((Some(macros::domain(domain)?), bits)),
        None if rest.is_empty() => Ok((None, bits)),
        None => Err("the domain is missing".to_owned()),
    }
}

/// Takes the bits off the end.
fn dual_bits(rest: &str) -> Result<(&str, Bits), String> {
    let mut bits = Bits::ALL;
    let mut rest = rest;
    // Other slashes belong to the domain: any character may stand in one.
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(at) = rest.rfind("//").filter(|at| is_number(&rest[at + 2..])) {
        bits.v6 = number(&rest[at + 2..], 128)?;
        rest = &rest[..at];
    }
    if let Some(at) = rest.rfind('/').filter(|at| is_number(&rest[at + 1..])) {
        bits.v4 = number(&rest[at + 1..], 32)?;
        rest = &rest[..at];
    }
    Ok((rest, bits))
}

fn network(value: &str, most: u8) -> Result<(&str, u8), String> {
    match value.split_once('/') {
        Some((address, bits)) => Ok((address, number(bits, most)?)),
        None => Ok((value, most)),
    }
}

/// A number without a leading zero, at most `most`.
fn number(text: &str, most: u8) -> Result<u8, String> {
    let fits =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse::<u8>().ok().filter(|number| fits && *number <= most);
    number.ok_or(format!("{text:?} is no number of bits"))
}

/// Four numbers, none with a leading zero.
fn ip4(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| "it is no IPv4 address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_records_are_right() {
        let right = [
            "v=spf1",
            "v=spf1 ",
            "v=spf1 -all",
            "V=SPF1 MX a:mail.example.org/24//64 ~ALL",
            "v=spf1 a//64 mx/24 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?ptr -exists:%{ir}.%{v}._spf.%{d2}",
            "v=spf1 include:example.org redirect=example.net exp=why.%{d} unknown-mod=abc",
            "v=spf1 include:%{d2r/} -all",
            "v=spf1 a:foo:bar/baz.example.org mx:foo/bar.example.org/24//64",
        ];
        for text in right {
            assert!(is_spf(text.as_bytes()), "{text}");
            assert!(Record::parse(text.as_bytes()).is_ok(), "{text}: {:?}", Record::parse(text.as_bytes()));
        }
        let wrong = [
            "v=spf1 all:",
            "v=spf1 -all -al",
            "v=spf1 ip4:192.0.2.0/33",
            "v=spf1 ip4:192.0.2",
            "v=spf1 ip4:192.0.2.01",
            "v=spf1 ip6:192.0.2.1",
            "v=spf1 ip4",
            "v=spf1 include",
            "v=spf1 a/032",
            "v=spf1 a:",
            "v=spf1 a:example.org:8080",
            "v=spf1 redirect=example.org redirect=example.org",
            "v=spf1 exists:%{z}.example.org",
            "v=spf1\t-all",
            "v=spf1 moo=%{",
            "v=spf1 =all",
        ];
        for text in wrong.iter().filter(|text| is_spf(text.as_bytes())) {
            assert!(Record::parse(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["v=spf10 -all", "v=spf", "spf1", "v=spf1\t-all", ""] {
            assert!(!is_spf(text.as_bytes()), "{text}");
        }
    }
}
