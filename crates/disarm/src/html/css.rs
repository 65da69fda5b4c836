//! Style sheets: what of them runs something, or loads something from elsewhere. Read in one pass without
//! a grammar; what hides its letters behind escapes counts as both.

use super::rules::leads_out;

/// A style sheet with comments gone, in lower case and without blanks; and whether letters were escaped.
fn bare(text: &str) -> (String, bool) {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once("/*") {
        out.push_str(before);
        rest = behind.split_once("*/").map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    let bare: String = out.chars().filter(|letter| *letter > ' ').collect::<String>().to_ascii_lowercase();
    // Before a letter or digit: a code, or the letter itself.
    let escaped = bare.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', next] if next.is_ascii_alphanumeric()));
    (bare, escaped)
}

/// Whether a style runs something, or carries a file that is no picture.
pub(super) fn acts(text: &str) -> bool {
    let (bare, escaped) = bare(text);
    let runs = ["expression(", "behavior:", "behaviour:", "-moz-binding", "javascript:", "vbscript:"];
    let font =
        |kind: &str| ["font/", "application/font", "application/x-font"].iter().any(|start| kind.starts_with(start));
    let picture = |kind: &str| kind.starts_with("image/") && !kind.starts_with("image/svg");
    let file = bare.split("data:").skip(1).any(|kind| !picture(kind) && !font(kind));
    let risky = escaped && (bare.contains('(') || bare.contains('@'));
    runs.iter().any(|word| bare.contains(word))
        || bare.contains("@importdata:")
        || bare.contains("@import\"data:")
        || file
        || risky
}

/// Whether a style loads something from elsewhere.
pub(super) fn loads(text: &str) -> bool {
    let (bare, escaped) = bare(text);
    let address = |rest: &str| leads_out(rest);
    bare.split("url(").skip(1).any(address)
        || bare.split("@import").skip(1).any(|rest| address(rest) || rest.starts_with("url("))
        || bare.split("image-set(").skip(1).any(address)
        || escaped && bare.contains('(')
}

/// A style sheet with the addresses of what it loads gone; all of it, where they do not stand as they
/// look.
pub(super) fn without_addresses(raw: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(raw) else { return Vec::new() };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = find(rest, "url(") {
        let (before, behind) = rest.split_at_checked(at.saturating_add(4)).unwrap_or((rest, ""));
        out.push_str(before);
        let end = behind.find(')').unwrap_or(behind.len());
        let (address, after) = behind.split_at_checked(end).unwrap_or((behind, ""));
        if !leads_out(&address.trim().to_ascii_lowercase()) {
            out.push_str(address);
        }
        rest = after;
    }
    out.push_str(rest);
    if loads(&out) { Vec::new() } else { out.into_bytes() }
}

/// Where a word of ASCII stands, in whatever case.
fn find(text: &str, word: &str) -> Option<usize> {
    text.as_bytes().windows(word.len()).position(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}
