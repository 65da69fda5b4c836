//! Crockford's base 32 for texts that people read aloud: no I, L, O, U; reading forgives them.
//!
//! Limits: whole groups of five bytes only, which is all that the store needs.

/// The digits, by value.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The digit of the low five bits of `value`.
fn digit(value: u64) -> char {
    ALPHABET.get((value & 31) as usize).copied().map_or('0', char::from)
}

/// The value of a digit; `I` and `L` read as 1, `O` as 0, lower case as upper case.
fn value(c: char) -> Option<u64> {
    let c = match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        c => c,
    };
    ALPHABET.iter().position(|a| char::from(*a) == c).map(|at| at as u64)
}

/// The last `digits` digits of a number, most significant first.
pub(crate) fn number(value: u64, digits: u32) -> String {
    (0..digits).rev().map(|at| digit(value.checked_shr(at.saturating_mul(5)).unwrap_or(0))).collect()
}

/// Reads what [`number`] wrote, of exactly `digits` digits (at most 12 of them, or 13 with a small first one).
pub(crate) fn parse_number(text: &str, digits: usize) -> Option<u64> {
    if text.len() != digits {
        return None;
    }
    text.chars().try_fold(0u64, |sum, c| sum.checked_mul(32)?.checked_add(value(c)?))
}

/// Whole groups of five bytes as groups of eight digits; a remainder is left out.
pub(crate) fn bytes(data: &[u8]) -> String {
    let mut out = String::with_capacity(data.len().saturating_mul(2));
    for group in data.as_chunks::<5>().0 {
        let sum = group.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        out.push_str(&number(sum, 8));
    }
    out
}

/// Reads what [`bytes`] wrote; spaces, hyphens and line ends between digits are skipped.
/// `None` for other characters or an incomplete group.
pub(crate) fn parse_bytes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut sum, mut have) = (0u64, 0u8);
    for c in text.chars().filter(|c| !matches!(c, ' ' | '-' | '\r' | '\n' | '\t')) {
        sum = (sum << 5) | value(c)?;
        have = have.wrapping_add(1);
        if have == 8 {
            out.extend(sum.to_be_bytes().iter().skip(3));
            (sum, have) = (0, 0);
        }
    }
    (have == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{bytes, number, parse_bytes, parse_number};

    #[test]
    fn numbers_and_bytes_read_back() {
        for n in [0, 1, 31, 32, u64::from(u32::MAX), i64::MAX as u64] {
            assert_eq!(parse_number(&number(n, 13), 13), Some(n));
        }
        let data: Vec<u8> = (0..=249).collect();
        assert_eq!(parse_bytes(&bytes(&data)), Some(data.clone()));
        let spoken = bytes(&data).to_lowercase().replace('0', "o").replace('1', "l");
        assert_eq!(parse_bytes(&spoken), Some(data));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "0", "U000000000000", "00000000000000", "ZZZZZZZZZZZZZ", "../../../../.."] {
            assert_eq!(parse_number(bad, 13), None, "{bad}");
        }
        assert_eq!(parse_bytes("0000000"), None);
        assert_eq!(parse_bytes("0000000U"), None);
    }
}
