//! UTF-7, in linear time; at most three bytes for two of the input.

use crate::transfer::{base64, class};

/// UTF-7 (RFC 2152) as UTF-8; what is damaged is left out. Some readers take `&` for `+` as in
/// IMAP; this one does not.
pub(crate) fn utf7(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        if *byte != b'+' {
            out.push(*byte);
            continue;
        }
        let rest = text.get(at..).unwrap_or(&[]);
        let length = rest.iter().take_while(|byte| class(**byte) < 64).count();
        if length == 0 {
            out.push(b'+');
        }
        let units = base64(rest.get(..length).unwrap_or(&[]), rest.len()).bytes;
        let units = units.chunks_exact(2).map(|two| two.iter().fold(0u16, |sum, byte| sum << 8 | u16::from(*byte)));
        for unit in char::decode_utf16(units) {
            out.extend_from_slice(unit.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]).as_bytes());
        }
        at = at.saturating_add(length);
        if text.get(at) == Some(&b'-') {
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf7_is_read() {
        for (raw, text) in [("a+ADw-b", "a<b"), ("+ADw-script+AD4-", "<script>"), ("1+-1", "1+1"), ("+2D3eAA-", "😀")]
        {
            assert_eq!(utf7(raw.as_bytes()), text.as_bytes(), "{raw}");
        }
    }
}
