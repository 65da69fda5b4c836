//! What an entry of a list names: an address, a mask of addresses, an IP address or a network (WL-04, WL-08).
//!
//! Compared in one form: lower case, domains in ASCII (RFC 5891), a local part without needless quotes. In a
//! mask `*` stands for any characters, dots included, and `?` for one; neither reaches across the `@`. Not
//! handled: a wildcard inside of a label that is not ASCII, and expressions of any other kind.

use std::net::IpAddr;
use std::str::Chars;

use ipnet::IpNet;
use mail::address::{Address, canonical};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest entry, in bytes: 64 of a local part, 255 of a domain, and the `@`.
pub const MAX_VALUE: usize = 320;
/// Most `*` of one mask.
const MAX_STARS: usize = 8;
/// Longest address that masks with other wildcards than a whole domain are compared with, in bytes.
pub(super) const MAX_COMPARED: usize = 2_000;

/// An address in the form in which addresses are compared.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Subject {
    /// In lower case.
    pub(super) local: String,
    /// As [`canonical`] writes it.
    pub(super) domain: String,
}

impl Subject {
    /// Reads an address; `None` for what has no domain.
    pub fn parse(text: &str) -> Option<Self> {
        Address::parse(text).as_ref().and_then(Self::of)
    }

    /// Of an address; `None` if it has no domain.
    pub fn of(address: &Address) -> Option<Self> {
        let domain = address.domain().to_owned();
        (!domain.is_empty()).then(|| Self { local: plain(address.local()), domain })
    }

    /// The domain, in lower case and ASCII.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The same address without what follows a `+` in its local part, if there is such a part.
    pub(super) fn without_tag(&self) -> Option<Self> {
        let (local, _) = self.local.split_once('+').filter(|(local, _)| !local.is_empty())?;
        Some(Self { local: local.to_owned(), domain: self.domain.clone() })
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// Whether an address is a postmaster's, however it is written (PM-01; RFC 5321 section 4.5.1).
pub fn is_postmaster(address: &Address) -> bool {
    plain(address.local()) == "postmaster"
}

/// A local part in lower case, without quotes and backslashes that it does not need: `"a\b"` is `ab` (RFC 5321
/// section 4.1.2).
fn plain(local: &str) -> String {
    let lower = local.to_lowercase();
    let inner = lower.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.is_empty());
    let mut said = String::with_capacity(lower.len());
    let mut letters = inner.unwrap_or(&lower).chars();
    while let Some(letter) = letters.next() {
        said.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    let special = |c: char| c.is_whitespace() || "\"\\@(),:;<>[]".contains(c);
    match inner {
        _ if !said.is_empty() && !said.contains(special) => said,
        None => lower,
        Some(_) => {
            let escaped = said.chars().flat_map(|c| ['\\', c].into_iter().skip(usize::from(!"\"\\".contains(c))));
            std::iter::once('"').chain(escaped).chain(std::iter::once('"')).collect()
        }
    }
}

/// Why a text is no entry. `Display` says it for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValueError {
    /// There is nothing.
    Empty,
    /// It is longer than [`MAX_VALUE`] bytes.
    TooLong,
    /// White space, a control character, or one that no address has.
    Character(char),
    /// The domain is missing, or no name of the DNS.
    Domain,
    /// A wildcard in a label of letters that are not ASCII.
    WildLetters,
    /// More than eight `*`.
    Stars,
    /// It fits every address there is.
    Everything,
    /// It looks like an IP address, and is none.
    Ip,
}

impl std::fmt::Display for ValueError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no address"),
            Self::TooLong => write!(f, "longer than {MAX_VALUE} bytes"),
            Self::Character(c) => write!(f, "the character {} cannot be in an address", c.escape_default()),
            Self::Domain => f.write_str("no domain, or one that is no name of the DNS"),
            Self::WildLetters => {
                f.write_str("a wildcard cannot be in a label of letters that are not ASCII; write the label whole")
            }
            Self::Stars => write!(f, "more than {MAX_STARS} times \"*\""),
            Self::Everything => f.write_str("it names every address there is"),
            Self::Ip => {
                f.write_str("neither an IP address nor a network; write networks like 192.0.2.0/24 or 2001:db8::/32")
            }
        }
    }
}

impl std::error::Error for ValueError {}

/// What an entry names.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Value {
    /// One address.
    Exact {
        /// In lower case.
        local: String,
        /// In lower case and ASCII.
        domain: String,
    },
    /// Addresses with wildcards.
    Mask {
        /// In lower case.
        local: String,
        /// In lower case and ASCII.
        domain: String,
    },
    /// An IP address, or a network.
    Network(IpNet),
}

impl Value {
    /// Reads `user@example.org`, `*@example.org`, `news*@*.example.org`, `example.org` (all of the domain),
    /// `*.example.org` (all below it), `192.0.2.1`, `192.0.2.0/24` or `2001:db8::/32`.
    ///
    /// # Errors
    /// Why it is none of these.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ValueError::Empty);
        }
        if text.len() > MAX_VALUE {
            return Err(ValueError::TooLong);
        }
        if let Some(bad) = text.chars().find(|c| c.is_control() || c.is_whitespace() || "<>(),;\\\"".contains(*c)) {
            return Err(ValueError::Character(bad));
        }
        match text.rsplit_once('@') {
            Some((local, domain)) => mask(local, domain),
            None => match network(text)? {
                Some(network) => Ok(Self::Network(network)),
                None => mask("", text),
            },
        }
    }

    /// How specific it is (D-9).
    pub fn rank(&self) -> Rank {
        let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        match self {
            Self::Exact { local, domain } => {
                Rank { class: 4, labels: small(domain.split('.').count()), letters: small(local.len()) }
            }
            Self::Mask { local, domain } => {
                let labels = domain.rsplit('.').take_while(|label| !is_wild(label)).count();
                let letters = local.chars().chain(domain.chars()).filter(|c| !matches!(c, '*' | '?')).count();
                Rank { class: 3, labels: small(labels), letters: small(letters) }
            }
            Self::Network(network) => {
                let whole = network.prefix_len() == network.max_prefix_len();
                let spared = 128u16.saturating_sub(u16::from(network.max_prefix_len()));
                let labels = u16::from(network.prefix_len()).saturating_add(spared);
                Rank { class: if whole { 2 } else { 1 }, labels, letters: 0 }
            }
        }
    }

    /// Whether it names this address; a network names none.
    pub fn fits(&self, subject: &Subject) -> bool {
        match self {
            Self::Exact { local, domain } => *local == subject.local && *domain == subject.domain,
            Self::Mask { local, domain } => glob(domain, &subject.domain) && glob(local, &subject.local),
            Self::Network(_) => false,
        }
    }

    /// `address`, or `network` (WL-03).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Exact { .. } | Self::Mask { .. } => "address",
            Self::Network(_) => "network",
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact { local, domain } | Self::Mask { local, domain } => write!(f, "{local}@{domain}"),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// How specific an entry is; the greater, the more (D-9): an exact address, then a mask by how much of the domain and
/// how many letters it spells out, then an IP address, then a network by its length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rank {
    class: u8,
    labels: u16,
    letters: u16,
}

/// An IP address or network, if it is one.
fn network(text: &str) -> Result<Option<IpNet>, ValueError> {
    let found = match text.parse::<IpAddr>() {
        Ok(ip) => Some(IpNet::from(ip.to_canonical())),
        Err(_) => text.parse::<IpNet>().ok(),
    };
    if let Some(network) = found {
        return if network.prefix_len() == 0 { Err(ValueError::Everything) } else { Ok(Some(network.trunc())) };
    }
    // Ranges and an "x" for any number are how people write addresses; no top-level domain is so.
    let part = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_digit() || "*?-".contains(c));
    let numeric = |label: &str| part(label) || label.eq_ignore_ascii_case("x");
    let looks_like_one = text.split('.').all(numeric) && text.contains(|c: char| c.is_ascii_digit());
    if looks_like_one || text.contains(['/', ':']) { Err(ValueError::Ip) } else { Ok(None) }
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn mask(local: &str, domain: &str) -> Result<Value, ValueError> {
    let local = squeezed(&plain(if local.is_empty() { "*" } else { local }));
    let domain = labels(domain.trim_end_matches('.'))?;
    if let Some(bad) = local.chars().find(|c| "[]:@".contains(*c)) {
        return Err(ValueError::Character(bad));
    }
    let stars = local.matches('*').count().saturating_add(domain.matches('*').count());
    if stars > MAX_STARS {
        return Err(ValueError::Stars);
    }
    if !is_wild(&local) && !is_wild(&domain) {
        return Ok(Value::Exact { local, domain });
    }
    let spelled = |text: &str| text.chars().any(|c| !matches!(c, '*' | '?' | '.'));
    if !spelled(&local) && !spelled(&domain) {
        return Err(ValueError::Everything);
    }
    Ok(Value::Mask { local, domain })
}

/// A domain, perhaps with wildcards, in the form in which it is compared.
fn labels(domain: &str) -> Result<String, ValueError> {
    if domain.starts_with('[') {
        let inner = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
        let inner = inner.strip_prefix("IPv6:").unwrap_or(inner);
        return inner.parse::<IpAddr>().map(|_| domain.to_ascii_lowercase()).map_err(|_| ValueError::Domain);
    }
    let mut out = Vec::new();
    for label in domain.split('.') {
        let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '*' | '?');
        // Marks that belong to letters are no letters themselves.
        if label.is_empty() || label.chars().any(|c| c.is_ascii() && !fine(c)) {
            return Err(ValueError::Domain);
        }
        out.push(match is_wild(label) {
            true if !label.is_ascii() => return Err(ValueError::WildLetters),
            true => squeezed(&label.to_ascii_lowercase()),
            false => {
                let ascii = canonical(label);
                // Some letters become a dot.
                let is_label = ascii.is_ascii() && !ascii.contains('.');
                is_label.then(|| ascii.into_owned()).ok_or(ValueError::Domain)?
            }
        });
    }
    Ok(out.join("."))
}

/// Several `*` in a row are one.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '*' || !out.ends_with('*') {
            out.push(c);
        }
    }
    out
}

/// Whether a text fits a mask: one way back to the last `*`, so at most the product of both lengths.
fn glob(mask: &str, text: &str) -> bool {
    let (mut mask, mut text) = (mask.chars(), text.chars());
    let mut last: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let rest = text.clone();
        match (mask.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = rest;
                last = Some((mask.clone(), text.clone()));
                continue;
            }
            (Some('?'), Some(_)) => continue,
            (Some(wanted), Some(found)) if wanted == found => continue,
            // The text is at its end, and the mask wants more: no later start helps.
            (Some(_), None) => return false,
            (_, Some(_)) => {}
        }
        let Some((after, from)) = &mut last else { return false };
        if from.next().is_none() {
            return false;
        }
        (mask, text) = (after.clone(), from.clone());
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
