//! The list of our recipients: a file with one address a line, or a whole domain as `@example.org`.
//!
//! A domain that has a line of its own or any address is known by the list; in other domains everybody
//! is let through. Limits: [`MAX_FILE`], [`MAX_ADDRESSES`].

use std::collections::HashSet;
use std::path::Path;

use mail::address::Address;

/// Largest file, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Most addresses.
const MAX_ADDRESSES: usize = 5_000_000;

/// The list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecipientList {
    /// Addresses, in lower case.
    addresses: HashSet<Box<str>>,
    /// Domains all of whose addresses are known, in lower case.
    whole: HashSet<Box<str>>,
    /// Domains that the list speaks about, in lower case.
    domains: HashSet<Box<str>>,
}

impl RecipientList {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or the first line that is no address, with its number.
    pub fn read(path: &Path) -> Result<Self, String> {
        let fail = |why: String| format!("recipients.file: {}: {why}", path.display());
        let size = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
        if size > MAX_FILE {
            return Err(fail(format!("larger than {MAX_FILE} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        Self::parse(&text).map_err(fail)
    }

    /// Reads a text; empty lines and lines that begin with `#` count for nothing.
    ///
    /// # Errors
    /// The first line that is no address, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut list = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim().to_lowercase();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if list.addresses.len() >= MAX_ADDRESSES {
                return Err(format!("more than {MAX_ADDRESSES} addresses"));
            }
            let wrong = || format!("line {}: neither an address nor @domain", number.saturating_add(1));
            if let Some(domain) = line.strip_prefix('@') {
                if domain.is_empty() || domain.contains(['@', ' ']) {
                    return Err(wrong());
                }
                list.domains.insert(domain.into());
                list.whole.insert(domain.into());
                continue;
            }
            let address = Address::parse(&line).filter(|address| !address.domain().is_empty()).ok_or_else(wrong)?;
            list.domains.insert(address.domain().to_lowercase().into());
            list.addresses.insert(line.into());
        }
        Ok(list)
    }

    /// Whether the list speaks about the recipient's domain and does not have the recipient. What
    /// follows a `+` in the local part is somebody's own affair. A postmaster there always is (RFC 5321
    /// section 4.5.1).
    pub fn lacks(&self, recipient: &Address) -> bool {
        let domain = recipient.domain().to_lowercase();
        let postmaster = judge::lists::is_postmaster(recipient);
        if postmaster || !self.domains.contains(domain.as_str()) || self.whole.contains(domain.as_str()) {
            return false;
        }
        let full = recipient.as_str().to_lowercase();
        let plain = recipient.local().split('+').next().unwrap_or_default().to_lowercase();
        !self.addresses.contains(full.as_str()) && !self.addresses.contains(format!("{plain}@{domain}").as_str())
    }

    /// How many addresses and whole domains it has.
    pub fn len(&self) -> usize {
        self.addresses.len().saturating_add(self.whole.len())
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_known_by_address_or_domain() {
        let list = RecipientList::parse("# ours\nAnna@Example.org\n\n  bob@example.org\n@example.net\n").unwrap();
        assert_eq!(list.len(), 3);
        let cases = [
            ("anna@example.org", false),
            ("ANNA@EXAMPLE.ORG", false),
            ("bob+lists@example.org", false),
            ("carol@example.org", true),
            ("anyone@example.net", false),
            ("anyone@example.com", false),
            ("Postmaster@example.org", false),
            ("postmaster2@example.org", true),
        ];
        for (address, lacks) in cases {
            assert_eq!(list.lacks(&Address::parse(address).unwrap()), lacks, "{address}");
        }
    }

    #[test]
    fn a_line_that_is_no_address_is_told_with_its_number() {
        for (text, line) in [("a@example.org\nnonsense\n", "line 2"), ("@\n", "line 1"), ("@a@b\n", "line 1")] {
            assert!(RecipientList::parse(text).unwrap_err().starts_with(line), "{text:?}");
        }
    }
}
