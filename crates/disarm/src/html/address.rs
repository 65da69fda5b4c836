//! Addresses: which of them a page may hold, and which lead elsewhere.
//!
//! Limits: [`MAX_SCHEME`], [`MAX_TYPE`]. Not handled: where a redirect leads to.

use unpack::formats::html::{data_url, undone};

use super::rules::Rules;

/// Schemes of links that somebody has to follow.
const LINKS: [&str; 7] = ["http", "https", "mailto", "tel", "sms", "cid", "mid"];
/// Pictures that are no more than pictures, as `data:` addresses name them.
const PICTURES: [&str; 10] = [
    "image/png",
    "image/jpeg",
    "image/jpg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/x-icon",
    "image/vnd.microsoft.icon",
    "image/tiff",
    "image/avif",
];
/// Longest scheme that is told from a name, in bytes.
const MAX_SCHEME: usize = 32;
/// Longest start of a `data:` address that names its type, in bytes.
const MAX_TYPE: usize = 200;

/// What an address is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// It is followed at a click.
    Link,
    /// A picture or style that is loaded when the page is shown.
    Load,
    /// A place in the same document.
    Within,
}

/// Whether an address leads to another machine.
pub(super) fn leads_out(address: &str) -> bool {
    let address = address.trim_start_matches(['"', '\'']).replace('\\', "/");
    ["http:", "https:", "ftp:", "file:", "//", "ws:", "wss:"].iter().any(|start| address.starts_with(start))
}

/// Whether a type, perhaps with parameters and content behind it, is one of a picture.
pub(super) fn is_picture(kind: &str) -> bool {
    let kind = kind.split([';', ',']).next().unwrap_or("");
    PICTURES.contains(&kind)
}

/// An address as it may be written, of a value that was made canonical; `None`: it is not written.
pub(super) fn allowed(value: &[u8], what: Use, rules: &Rules<'_>) -> Option<Vec<u8>> {
    let value = value.trim_ascii();
    if value.contains(&b'\\') || value.is_empty() {
        return None;
    }
    let stays = match (value.first(), what) {
        (Some(b'#'), Use::Link | Use::Within) => true,
        (_, Use::Within) => false,
        (Some(b'/'), Use::Link) => value.starts_with(b"//"),
        (Some(b'/'), Use::Load) => value.starts_with(b"//") && !rules.remote,
        _ => match scheme(value) {
            None => is_relative(value),
            Some(scheme) if what == Use::Link => LINKS.contains(&scheme.as_str()),
            Some(scheme) => match scheme.as_str() {
                "http" | "https" => !rules.remote,
                "cid" => true,
                "data" => is_plain_picture(value, rules),
                _ => false,
            },
        },
    };
    stays.then(|| value.to_vec())
}

/// The scheme in lower case.
fn scheme(value: &[u8]) -> Option<String> {
    let length = value.iter().take(MAX_SCHEME).take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
    let name = value.get(..length).filter(|_| value.get(length) == Some(&b':'))?;
    Some(String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// Whether an address names a file beside the page: no scheme that somebody else might see in it.
fn is_relative(value: &[u8]) -> bool {
    let step: &[u8] = value.split(|byte| b"/?#".contains(byte)).next().unwrap_or_default();
    !step.is_empty() && step.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-~% ".contains(byte))
}

/// Whether a `data:` address is a picture, and not one that goes.
fn is_plain_picture(value: &[u8], rules: &Rules<'_>) -> bool {
    let lead = value.get(..MAX_TYPE).unwrap_or(value);
    let lead = String::from_utf8_lossy(lead).to_ascii_lowercase();
    let Some(kind) = lead.strip_prefix("data:") else { return false };
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"/=:;,.-_% ".contains(byte);
    // A `+` is written as its number.
    let mut rest = value;
    while let Some(at) = memchr::memmem::find(rest, b"&#43;") {
        let (before, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        if !before.iter().all(letter) {
            return false;
        }
        rest = behind.strip_prefix(b"&#43;").unwrap_or(&[]);
    }
    rest.iter().all(letter) && is_picture(kind) && !is_victim(value, rules)
}

/// Whether the content of a `data:` address is one that goes.
pub(super) fn is_victim(value: &[u8], rules: &Rules<'_>) -> bool {
    if rules.victims.is_empty() {
        return false;
    }
    let address: String = undone(value).chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    data_url(address.as_bytes()).is_some_and(|(_, content)| rules.victims.contains(&content.as_slice()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_known_addresses_are_written() {
        let rules = Rules::new(&BTreeSet::new(), Vec::new());
        let yes = |value: &str, what| assert!(allowed(value.as_bytes(), what, &rules).is_some(), "{value}");
        let no = |value: &str, what| assert!(allowed(value.as_bytes(), what, &rules).is_none(), "{value}");
        for link in
            ["https://example.org/?a=b:c", "MAILTO:a@example.org", "#top", "tel:1", "//example.org/", "a/b:c.html"]
        {
            yes(link, Use::Link);
        }
        for link in [
            "javascript:x",
            "java script:x",
            "vbscript:x",
            "data:image/png;base64,AA==",
            "file:///etc",
            "\\\\host\\a",
            "java&#8203;script:x",
            "/a",
            "x:y",
            "",
            "ms-msdt:/id",
            "about:blank",
            "&amp;#106;avascript:x",
        ] {
            no(link, Use::Link);
        }
        for picture in [
            "cid:a@b",
            "data:image/png;base64,A&#43;==",
            "https://example.org/a.png",
            "data:image/png;base64,AA==",
            "images/a 1.png",
        ] {
            yes(picture, Use::Load);
        }
        for picture in ["data:image/svg+xml,x", "data:text/html,x", "mailto:a", "/a.png", "#a", "data:image/png,&lt;"] {
            no(picture, Use::Load);
        }
        let closed = Rules::new(&[mail::evidence::Active::RemoteContent].into(), Vec::new());
        for picture in ["https://example.org/a.png", "//example.org/a.png", "HTTP://x"] {
            assert_eq!(allowed(picture.as_bytes(), Use::Load, &closed), None, "{picture}");
        }
    }
}
