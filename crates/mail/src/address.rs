//! Addresses of the envelope, normalised once (RFC 5321 section 4.1.2, RFC 6531).
//!
//! The domain is compared as the DNS has it ([`canonical`]); the local part is kept as written, because only its
//! owner may say what its letters mean. Not handled here: header addresses with display names
//! and groups.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Longest path of RFC 5321 4.5.3.1.3 is 256 octets; SMTPUTF8 and long tags need more in practice.
pub const MAX_ADDRESS: usize = 1024;

/// One mailbox: as written between `<` and `>`, and split.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Address {
    written: String,
    at: Option<u32>,
    domain: String,
}

impl Address {
    /// Reads the inside of a path (`local@domain`, a source route is dropped). Returns `None` for
    /// an empty text, one longer than [`MAX_ADDRESS`], or one with control characters.
    pub fn parse(path: &str) -> Option<Self> {
        let path = strip_route(path);
        if path.is_empty() || path.len() > MAX_ADDRESS || path.chars().any(char::is_control) {
            return None;
        }
        let at = last_at(path);
        let domain = canonical(at.and_then(|at| path.get(at + 1..)).unwrap_or("")).into_owned();
        Some(Self { written: path.to_owned(), at: at.and_then(|at| u32::try_from(at).ok()), domain })
    }

    /// The address as its sender wrote it.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The part before the `@`; all of it where there is none (`postmaster`).
    pub fn local(&self) -> &str {
        self.at.and_then(|at| self.written.get(..at as usize)).unwrap_or(&self.written)
    }

    /// The domain as [`canonical`] writes it; empty where there is none.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The address in the one form in which correspondents are remembered: the domain as [`canonical`] writes it, and
    /// the local part in lower case, since who writes seldom means another by other letters.
    pub fn folded(&self) -> String {
        let local = self.local().to_lowercase();
        if self.at.is_some() { [local.as_str(), "@", &self.domain].concat() } else { local }
    }

    /// Whether the domain is `domain` ([`canonical`]) or below it (`mail.example.org` is in `example.org`).
    pub fn is_in(&self, domain: &str) -> bool {
        below(&self.domain, domain)
    }
}

/// A domain in the one form in which domains are compared: as the DNS has it (A-labels of RFC 5890), in lower case,
/// without a final dot. What is no name of the DNS (a literal, letters that no name has) stays as it is, in lower case.
pub fn canonical(domain: &str) -> Cow<'_, str> {
    let domain = domain.trim_end_matches('.');
    if domain.is_ascii() {
        let has_case = domain.bytes().any(|byte| byte.is_ascii_uppercase());
        return if has_case { Cow::Owned(domain.to_ascii_lowercase()) } else { Cow::Borrowed(domain) };
    }
    // Some letters become others that no name has (U+3208 has brackets).
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let ascii = idna::domain_to_ascii(domain).ok().filter(|ascii| !ascii.is_empty() && ascii.bytes().all(fine));
    Cow::Owned(ascii.map_or_else(|| domain.to_lowercase(), |ascii| ascii.trim_end_matches('.').to_owned()))
}

/// A domain as [`canonical`] writes it in the letters that people read (U-labels of RFC 5890); `None` where those are
/// the same, or it cannot be read so.
pub fn unicode(domain: &str) -> Option<String> {
    if !domain.contains("xn--") {
        return None;
    }
    let (readable, fine) = idna::domain_to_unicode(domain);
    fine.ok().map(|()| readable).filter(|readable| readable != domain)
}

/// Whether a domain is another, or below it (`mail.example.org` is below `example.org`). Both as [`canonical`]
/// writes them.
pub fn below(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Drops `@a,@b:` in front of a path (RFC 5321 appendix C says to accept and ignore it), however often it stands there:
/// an address reads back as itself.
fn strip_route(mut path: &str) -> &str {
    while let Some((_, rest)) = path.strip_prefix('@').and_then(|rest| rest.split_once(':')) {
        path = rest;
    }
    path
}

/// The `@` that splits the mailbox: the last one outside a quoted local part.
fn last_at(path: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    let mut found = None;
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'@' if !quoted => found = Some(at),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Address, canonical, unicode};

    #[test]
    fn splits_at_the_right_sign() {
        let cases = [
            ("a@example.org", "a", "example.org"),
            ("a@Example.ORG.", "a", "example.org"),
            ("\"a@b\"@example.org", "\"a@b\"", "example.org"),
            ("@relay.example,@two.example:a@example.org", "a", "example.org"),
            ("postmaster", "postmaster", ""),
            ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
            ("ü@exämple.org", "ü", "xn--exmple-cua.org"),
            ("a@XN--exmple-cua.org", "a", "xn--exmple-cua.org"),
            ("a@example．org", "a", "example.org"),
        ];
        for (text, local, domain) in cases {
            let address = Address::parse(text).expect(text);
            assert_eq!((address.local(), address.domain()), (local, domain), "{text}");
        }
    }

    #[test]
    fn an_address_reads_back_as_itself() {
        for text in
            ["@a:@b:c@example.org", "@a:@b,@c:c@example.org", "@a:\"@b:\"@example.org", "@example.org", "@a", ":@a:b"]
        {
            let address = Address::parse(text).expect(text);
            assert_eq!(Address::parse(address.as_str()).as_ref(), Some(&address), "{text}");
        }
        assert_eq!(Address::parse("@a:@b:c@example.org").unwrap().as_str(), "c@example.org");
        assert!(Address::parse("@a:@b:").is_none() && Address::parse("@:").is_none());
        // Every text of a few of the signs that matter.
        const SIGNS: [char; 6] = ['@', ':', ',', '"', '\\', 'a'];
        for number in 0..6usize.pow(6) {
            let text: String = (0..6u32).map(|at| SIGNS[number / 6usize.pow(at) % 6]).collect();
            if let Some(address) = Address::parse(&text) {
                assert_eq!(Address::parse(address.as_str()), Some(address), "{text}");
            }
        }
    }

    #[test]
    fn a_domain_has_one_form() {
        for text in ["bücher.example", "BÜCHER.example.", "xn--bcher-kva.Example", "bu\u{308}cher。example"] {
            assert_eq!(canonical(text), "xn--bcher-kva.example", "{text}");
        }
        // No names of the DNS: left as they are.
        for (text, expected) in [("", ""), (".", ""), ("[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"), ("Ⅷ㈈.Ü", "ⅷ㈈.ü")]
        {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn a_correspondent_has_one_form() {
        for text in ["Ann@bücher.example", "ann@BÜCHER.example.", "ANN@xn--bcher-kva.Example"] {
            assert_eq!(Address::parse(text).unwrap().folded(), "ann@xn--bcher-kva.example", "{text}");
        }
        // What is remembered of others keeps its form.
        for text in ["ann@example.org", "postmaster", "ä\"b@c\"@example.org", "a@[192.0.2.1]"] {
            assert_eq!(Address::parse(text).unwrap().folded(), text);
        }
        assert_eq!(unicode("mail.xn--bcher-kva.example").as_deref(), Some("mail.bücher.example"));
        assert_eq!((unicode("example.org"), unicode("xn--\u{fc}"), unicode("xn--a-")), (None, None, None));
    }

    #[test]
    fn refuses_what_is_no_address() {
        assert_eq!(Address::parse(""), None);
        assert_eq!(Address::parse("a\r\nRCPT TO:<b@example.org>"), None);
        assert_eq!(Address::parse(&"a".repeat(2000)), None);
    }

    #[test]
    fn a_domain_holds_its_subdomains_and_nothing_else() {
        let address = Address::parse("a@mail.example.org").unwrap();
        assert!(address.is_in("example.org") && address.is_in("mail.example.org"));
        assert!(!address.is_in("ample.org") && !address.is_in("org.example"));
    }
}
