//! What parameter values are made of (RFC 2231), and how much of an overlong one is a name.
//!
//! Linear time; limit: [`MAX_NAMED`].

use std::borrow::Cow;

/// Longest value that a name is read from as a whole, in bytes: of a longer name no client shows the middle, and
/// its many forms would cost more memory than the message.
pub(super) const MAX_NAMED: usize = 8 * 1024;

/// A value, of one that is too long its two ends.
pub(super) fn ends(value: &[u8]) -> Cow<'_, [u8]> {
    if value.len() <= MAX_NAMED {
        return Cow::Borrowed(value);
    }
    let continues = |byte: &&u8| (0x80..0xc0).contains(*byte);
    let (head, rest) = value.split_at_checked(MAX_NAMED / 2).unwrap_or((value, &[]));
    let tail = rest.get(rest.len().saturating_sub(MAX_NAMED / 2)..).unwrap_or(rest);
    // No character is cut in two.
    let lost = tail.iter().take(3).take_while(continues).count();
    let added = rest.iter().take(3).take_while(continues).count();
    let parts = [head, rest.get(..added).unwrap_or(&[]), "…".as_bytes(), tail.get(lost..).unwrap_or(&[])];
    Cow::Owned(parts.concat())
}

/// `charset'language'rest`; without two quotes everything is the rest.
pub(super) fn split_charset(value: &[u8]) -> (Option<String>, &[u8]) {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(rest)) => {
            let charset = String::from_utf8_lossy(charset).to_ascii_lowercase();
            ((!charset.is_empty()).then_some(charset), rest)
        }
        _ => (None, value),
    }
}

/// Undoes `%XX`; what is no escape stays.
pub fn percent_decode(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        let digit = |at: usize| value.get(at).copied().and_then(crate::transfer::hex);
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push(high << 4 | low);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_keeps_its_ends() {
        assert_eq!(ends(&[b'a'; MAX_NAMED]).len(), MAX_NAMED);
        for (character, length) in [("a", MAX_NAMED + 1), ("ü", MAX_NAMED), ("😀", MAX_NAMED), ("☃", MAX_NAMED)] {
            let value = format!("x{}", character.repeat(length));
            let short = String::from_utf8(ends(value.as_bytes()).into_owned()).unwrap();
            let (head, tail) = short.split_once('…').unwrap();
            assert!(value.starts_with(head) && value.ends_with(tail), "{character}");
            assert!((MAX_NAMED - 3..=MAX_NAMED + 3).contains(&(head.len() + tail.len())), "{character}");
        }
        // Bytes that are no UTF-8 do not make it longer.
        assert!(ends(&[0xbf; 2 * MAX_NAMED]).len() <= MAX_NAMED + 6);
    }
}
