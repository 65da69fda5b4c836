//! Names of members: decoded the way the programs that open such files do, and bounded.

use mail::evidence::MAX_NAME;
use mail::untrusted::Untrusted;

/// Most further names of one member.
pub(crate) const MAX_OTHER_NAMES: usize = 32;

/// The upper half of code page 437, in which zip names without the UTF-8 flag are (APPNOTE, appendix D).
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// A name as UTF-8 where it is UTF-8, else as code page 437; at most [`MAX_NAME`] bytes.
pub(crate) fn decode(raw: &[u8]) -> String {
    // No character takes more than four bytes or fewer than one, so the rest cannot matter.
    let raw = raw.get(..MAX_NAME.saturating_mul(4)).unwrap_or(raw);
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(raw).into_owned(),
        Err(_) => code_page_437(raw),
    };
    cut(text)
}

/// A name in ISO 8859-1, as RFC 1952 says of gzip, unless it is UTF-8.
pub(crate) fn decode_latin1(raw: &[u8]) -> String {
    let raw = raw.get(..MAX_NAME.saturating_mul(4)).unwrap_or(raw);
    let text = std::str::from_utf8(raw).map(str::to_owned);
    cut(text.unwrap_or_else(|_| raw.iter().map(|&byte| char::from(byte)).collect()))
}

fn code_page_437(raw: &[u8]) -> String {
    let upper: Vec<char> = CP437.chars().collect();
    let decode = |&byte: &u8| match byte {
        0..=0x7f => char::from(byte),
        _ => upper.get(usize::from(byte & 0x7f)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    raw.iter().map(decode).collect()
}

/// A text in code page 437; `None` when it has characters that the page has not.
pub(crate) fn encode_437(text: &str) -> Option<Vec<u8>> {
    let encode = |c: char| match u8::try_from(u32::from(c)) {
        Ok(byte) if byte.is_ascii() => Some(byte),
        _ => u8::try_from(CP437.chars().position(|known| known == c)?).ok()?.checked_add(0x80),
    };
    text.chars().map(encode).collect()
}

/// Whether a name is that of one file of an archive which is split over several: `a.7z.001`, `a.z01`,
/// `a.r00`, `a.part2.rar`, `a.a01`, `a.c00`.
pub fn is_volume(name: &str) -> bool {
    let name = name.trim_end().to_ascii_lowercase();
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    let inner = stem.rsplit_once('.').map_or("", |(_, inner)| inner);
    let archive = ["7z", "zip", "rar", "tar", "gz", "bz2", "xz", "tgz", "arj", "ace", "exe"].contains(&inner);
    let numbered = digits(extension, 3) && (archive || inner.is_empty());
    let lettered = extension
        .split_at_checked(1)
        .is_some_and(|(letter, number)| ["z", "r", "s", "a", "c"].contains(&letter) && digits(number, 2));
    let part = extension == "rar"
        && inner
            .strip_prefix("part")
            .is_some_and(|number| (1..=5).contains(&number.len()) && digits(number, number.len()));
    numbered || lettered || part
}

/// At most [`MAX_NAME`] bytes of a text, cut at a character.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > MAX_NAME {
        let end = (0..=MAX_NAME).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// The first of several names, and the others that differ from it.
pub(crate) fn split(names: impl IntoIterator<Item = String>) -> (Option<Untrusted<String>>, Vec<Untrusted<String>>) {
    let mut first = None;
    let mut others: Vec<Untrusted<String>> = Vec::new();
    for name in names.into_iter().filter(|name| !name.is_empty()).map(|name| Untrusted::new(cut(name))) {
        if first.is_none() {
            first = Some(name);
        } else if first.as_ref() != Some(&name) && !others.contains(&name) && others.len() < MAX_OTHER_NAMES {
            others.push(name);
        }
    }
    (first, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_utf8_or_code_page_437() {
        assert_eq!(CP437.chars().count(), 128);
        let cases: [(&[u8], &str); 4] = [
            (b"plain.txt", "plain.txt"),
            ("grüße.txt".as_bytes(), "grüße.txt"),
            (b"gr\x81\xe1e.txt", "grüße.txt"),
            (b"\xff", "\u{a0}"),
        ];
        for (raw, name) in cases {
            assert_eq!(decode(raw), name);
        }
        assert_eq!(decode_latin1(b"gr\xfc\xdfe.txt"), "grüße.txt");
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        let name = decode("é".repeat(10_000).as_bytes());
        assert_eq!(name.len(), MAX_NAME);
        assert_eq!(decode(&[0x81; 10_000]).len(), MAX_NAME);
    }

    #[test]
    fn equal_and_empty_names_are_told_once() {
        let (name, others) = split(["a", "", "b", "a", "b"].map(String::from));
        assert_eq!(name, Some(Untrusted::new("a".to_owned())));
        assert_eq!(others, [Untrusted::new("b".to_owned())]);
    }
}
