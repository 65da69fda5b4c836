//! xxencode in texts: as uuencode, but with other letters. A file begins with a line `begin MODE NAME`, has lines of
//! data behind their length, and ends with `end`.
//!
//! A line is believed where it has the characters that its length asks for, and nothing but the letters. Limit:
//! [`MAX_FILES`]. Not handled: files split over several texts (each piece is given), other numbers of characters.

use crate::bytes::between;

/// Most files of one text.
const MAX_FILES: usize = 64;
/// The letters in order.
const LETTERS: &[u8; 64] = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Longest name that is taken, in bytes.
const MAX_NAME: usize = 255;

/// A file: its name and its content.
pub(super) struct Coded {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// The files of a text; the flag says that there are more.
pub(super) fn files(text: &[u8]) -> (Vec<Coded>, bool) {
    let values = values();
    let (mut all, mut at) = (Vec::new(), 0_usize);
    for begin in memchr::memmem::find_iter(text, b"begin ") {
        let first = begin == 0 || text.get(begin.wrapping_sub(1)).is_some_and(|byte| matches!(byte, b'\n' | b'\r'));
        if begin < at || !first {
            continue;
        }
        let (head, next) = line(text, begin);
        let Some(name) = name(head) else { continue };
        let (content, end) = content(text, next, &values);
        if content.is_empty() {
            continue;
        }
        if all.len() >= MAX_FILES {
            return (all, true);
        }
        all.push(Coded { name, content });
        at = end;
    }
    (all, false)
}

/// What each byte stands for; 64: nothing.
fn values() -> [u8; 256] {
    let mut values = [64; 256];
    for (value, letter) in (0..).zip(LETTERS) {
        if let Some(place) = values.get_mut(usize::from(*letter)) {
            *place = value;
        }
    }
    values
}

/// The name in a first line, behind a mode.
fn name(line: &[u8]) -> Option<String> {
    let rest = line.strip_prefix(b"begin ")?.trim_ascii_start();
    let mode = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let name = between(rest, mode, rest.len()).strip_prefix(b" ").filter(|_| (3..=6).contains(&mode))?;
    Some(String::from_utf8_lossy(between(name.trim_ascii(), 0, MAX_NAME)).into_owned())
}

/// The lines of data from here on, and where what follows begins.
fn content(text: &[u8], from: usize, values: &[u8; 256]) -> (Vec<u8>, usize) {
    let (mut out, mut at) = (Vec::new(), from);
    while at < text.len() {
        let (one, next) = line(text, at);
        if !data(one, values, &mut out) {
            break;
        }
        at = next;
    }
    (out, at)
}

/// Puts what a line holds behind the others; false when it is no line of data, or the last one.
fn data(line: &[u8], values: &[u8; 256], out: &mut Vec<u8>) -> bool {
    let value = |byte: &u8| values.get(usize::from(*byte)).copied().filter(|value| *value < 64);
    let line = line.trim_ascii_end();
    let Some((first, rest)) = line.split_first() else { return false };
    let Some(len) = value(first).map(usize::from).filter(|len| *len > 0) else { return false };
    // Whole groups of four; the last one may be cut.
    let wanted = len.div_ceil(3).saturating_mul(4);
    let least = len.saturating_mul(4).div_ceil(3);
    if rest.len() > wanted || rest.len() < least || !rest.iter().all(|byte| value(byte).is_some()) {
        return false;
    }
    let end = out.len().saturating_add(len);
    for group in rest.chunks(4) {
        let bits = group.iter().filter_map(value).fold(0_u32, |bits, value| bits << 6 | u32::from(value));
        let missing = 4_usize.saturating_sub(group.len());
        let bits = bits.checked_shl(u32::try_from(missing.saturating_mul(6)).unwrap_or(0)).unwrap_or(0);
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes);
    }
    out.truncate(end);
    true
}

/// A line without its end, and where the next one begins.
fn line(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = between(text, at, text.len());
    let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    let crlf = between(rest, length, length.saturating_add(2)) == b"\r\n";
    (between(rest, 0, length), at.saturating_add(length).saturating_add(if crlf { 2 } else { 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8]) -> Vec<(String, Vec<u8>)> {
        files(text).0.into_iter().map(|file| (file.name, file.content)).collect()
    }

    #[test]
    fn files_are_read_as_decoders_read_them() {
        let cat = |name: &str| vec![(name.to_owned(), b"Cat".to_vec())];
        assert_eq!(found(b"hello\nbegin 644 a b.txt\n1Eq3o\n+\nend\nbye\n"), cat("a b.txt"));
        assert_eq!(found(b"begin 0644 x\r\n1Eq3o\r\n"), cat("x"));
        // Two bytes, with and without the filler.
        let two = vec![("y".to_owned(), b"Ca".to_vec())];
        assert_eq!(found(b"begin 600 y\n0Eq2+\nend"), two);
        assert_eq!(found(b"begin 600 y\n0Eq2\nend"), two);
        // Uuencode, prose, and a line of another length.
        for other in [&b"begin 644 a\n#0V%T\n`\nend\n"[..], b"begin 644 days\nwell enough\n", b"begin 644 a\n9Eq3o\n"] {
            assert_eq!(found(other), [], "{}", String::from_utf8_lossy(other));
        }
        assert!(files(&b"begin 644 a\n1Eq3o\n+\nend\n".repeat(MAX_FILES + 1)).1);
    }
}
