//! xtext (RFC 3461 section 4): text in a parameter, with `+HH` for what may not stand there.

/// Encodes bytes: anything outside 33..=126, `+` and `=` becomes `+HH`.
pub fn encode(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |n: u8| HEX.get(usize::from(n & 15)).map_or('0', |&d| char::from(d));
    let mut text = String::new();
    for &b in bytes {
        if is_plain(b) {
            text.push(char::from(b));
        } else {
            text.push('+');
            text.push(digit(b >> 4));
            text.push(digit(b));
        }
    }
    text
}

/// Decodes xtext. `None` if it is not xtext: a byte that should have been encoded, or a `+` without two upper-case
/// hexadecimal digits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'+' {
            let high = hex(bytes.next()?)?;
            let low = hex(bytes.next()?)?;
            out.push(high << 4 | low);
        } else if is_plain(b) {
            out.push(b);
        } else {
            return None;
        }
    }
    Some(out)
}

fn is_plain(b: u8) -> bool {
    matches!(b, 33..=126) && b != b'+' && b != b'='
}

fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b.saturating_sub(b'0')),
        b'A'..=b'F' => Some(b.saturating_sub(b'A').saturating_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = encode(&all);
        assert!(text.bytes().all(|b| (33..=126).contains(&b)));
        assert_eq!(decode(&text), Some(all));
    }

    #[test]
    fn what_is_not_xtext_is_refused() {
        assert_eq!(encode(b"a b+=\xff"), "a+20b+2B+3D+FF");
        for bad in ["a b", "a=b", "+", "+2", "+2b", "+GG", "caf\u{e9}"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
