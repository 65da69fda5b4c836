//! Addresses in documents: whether what they name is elsewhere, and whether following one starts
//! something.

/// Longest address that is kept, in bytes.
pub(crate) const MAX_ADDRESS: usize = 4096;

/// Schemes that only show a page or write a letter.
const PLAIN: &[&str] =
    &["http", "https", "mailto", "tel", "ftp", "sip", "callto", "news", "onenote", "slack", "msteams"];
/// Ends of names that Windows runs.
const PROGRAMS: &[&str] = &[
    "exe",
    "com",
    "scr",
    "pif",
    "cpl",
    "msi",
    "msp",
    "bat",
    "cmd",
    "ps1",
    "vbs",
    "vbe",
    "js",
    "jse",
    "wsf",
    "wsh",
    "hta",
    "lnk",
    "jar",
    "dll",
    "reg",
    "chm",
    "application",
    "appref-ms",
    "settingcontent-ms",
    "search-ms",
    "library-ms",
    "url",
];

/// The scheme of an address in lower case; a drive letter is none.
fn scheme(address: &str) -> Option<String> {
    let (scheme, _) = address.split_once(':')?;
    let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.');
    (scheme.len() > 1 && scheme.chars().all(valid)).then(|| scheme.to_ascii_lowercase())
}

/// Whether an address leads to another machine: an address of the web or of a file server, however it
/// is written. A path on the reader's own disk, or beside the document, does not.
pub fn is_remote(address: &str) -> bool {
    let address = address.trim().replace('\\', "/");
    let Some(scheme) = scheme(&address) else { return address.starts_with("//") };
    let rest = address.get(scheme.len().saturating_add(1)..).unwrap_or("");
    match scheme.as_str() {
        "file" => {
            let path = rest.trim_start_matches('/');
            let slashes = rest.len().saturating_sub(path.len());
            let drive = path.as_bytes().get(1).is_some_and(|byte| matches!(byte, b':' | b'|'));
            // file://server/share, file:////server/share; file:///path and file:///C:/path are here.
            !path.is_empty() && !drive && !path.starts_with("localhost/") && (slashes == 2 || slashes > 3)
        }
        "mailto" | "data" | "cid" | "urn" => false,
        _ => true,
    }
}

/// Whether an address is one of the web, which a reader's program asks for like a picture in a page.
pub(crate) fn is_web(address: &str) -> bool {
    scheme(address.trim()).is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https"))
}

/// Whether following an address starts a program or hands something to one, rather than showing a page.
pub fn starts_program(address: &str) -> bool {
    let address = address.trim();
    match scheme(address) {
        Some(scheme) if scheme == "file" => is_program(address),
        Some(scheme) => !PLAIN.contains(&scheme.as_str()),
        None => is_program(address),
    }
}

/// Whether a link acts that somebody clicks on: it leads elsewhere and starts something there, or hands something to
/// a program.
pub fn acts(address: &str) -> bool {
    is_remote(address) && starts_program(address)
}

/// Whether a path names a file that Windows runs.
pub(crate) fn is_program(path: &str) -> bool {
    let path = path.split(['?', '#', '"']).next().unwrap_or(path).trim_end_matches([' ', '.']);
    let end = path.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    end.is_some_and(|end| PROGRAMS.contains(&end.as_str()))
}

/// An address as it is kept: cut at a character.
pub(crate) fn kept(address: &str) -> String {
    let mut end = address.len().min(MAX_ADDRESS);
    while !address.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    address.get(..end).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_elsewhere_is_told_from_what_is_here() {
        for (address, remote) in [
            ("http://example.org/a.dotm", true),
            ("HTTPS://example.org", true),
            (r"\\192.0.2.1\share\a.dotm", true),
            ("//example.org/a", true),
            ("file://example.org/share/a.dotm", true),
            ("file:////example.org/share/a.dotm", true),
            (r"file:///\\example.org\share\a.dotm", true),
            ("mhtml:http://example.org/a.html!x-usc:http://example.org/a.html", true),
            ("file:///C:/Users/a/Normal.dotm", false),
            ("file:///home/a/b.ott", false),
            (r"C:\Users\a\Normal.dotm", false),
            ("../media/image1.png", false),
            ("Normal.dotm", false),
            ("mailto:a@example.org", false),
            ("", false),
        ] {
            assert_eq!(is_remote(address), remote, "{address}");
        }
    }

    #[test]
    fn what_starts_a_program_is_told_from_pages() {
        for (address, starts) in [
            ("http://example.org/a.exe", false),
            ("mailto:a@example.org", false),
            ("#Sheet2!A1", false),
            ("other.docx", false),
            ("ms-msdt:/id PCWDiagnostic", true),
            ("search-ms:query=a", true),
            ("file:///C:/Windows/system32/cmd.exe", true),
            (r"..\a.hta", true),
            ("javascript:x()", true),
        ] {
            assert_eq!(starts_program(address), starts, "{address}");
        }
    }
}
