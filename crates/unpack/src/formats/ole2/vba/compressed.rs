//! The compression of macro sources (MS-OVBA 2.4.1): chunks of 4096 bytes, each a run of literal bytes
//! and of copies from what the chunk already holds.
//!
//! Limits: the caller's `most`. What follows a broken chunk is not read.

use crate::bytes::{between, le16};

/// Bytes that a chunk gives at most.
const CHUNK: usize = 4096;

/// What a container gave.
#[derive(Debug, Default)]
pub(crate) struct Unpacked {
    pub(crate) bytes: Vec<u8>,
    /// Whether it ended at its end, or at bytes that are no further chunk.
    pub(crate) whole: bool,
    /// Whether it was more than was asked for.
    pub(crate) over: bool,
    /// How many bytes were read.
    pub(crate) consumed: usize,
}

/// Whether a compressed container could start here: its mark, and the head of its first chunk.
pub(crate) fn starts(data: &[u8]) -> bool {
    data.first() == Some(&1) && le16(data, 1).is_some_and(|head| head & 0x7000 == 0x3000)
}

/// Decompresses a container, up to `most` bytes; `None` if none starts here.
pub(crate) fn decompress(data: &[u8], most: usize) -> Option<Unpacked> {
    if !starts(data) {
        return None;
    }
    let mut out = Unpacked { whole: true, consumed: 1, ..Unpacked::default() };
    while let Some(head) = le16(data, out.consumed) {
        if head & 0x7000 != 0x3000 {
            break;
        }
        let size = usize::from(head & 0x0fff).saturating_add(3);
        let start = out.consumed.saturating_add(2);
        let chunk = between(data, start, out.consumed.saturating_add(size));
        out.whole &= chunk.len().saturating_add(2) == size;
        if head & 0x8000 == 0 {
            out.bytes.extend_from_slice(between(chunk, 0, CHUNK));
        } else if !tokens(chunk, &mut out.bytes) {
            out.whole = false;
        }
        out.consumed = out.consumed.saturating_add(size).min(data.len());
        out.over = out.bytes.len() > most;
        out.whole &= !out.over;
        if !out.whole {
            out.bytes.truncate(most);
            break;
        }
    }
    Some(out)
}

/// One chunk of tokens; false if it refers to what is not there.
fn tokens(chunk: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut at = 0_usize;
    while let Some(&flags) = chunk.get(at) {
        at = at.saturating_add(1);
        for bit in 0..8_u32 {
            let made = out.len().saturating_sub(start);
            if made >= CHUNK {
                return true;
            }
            if flags >> bit & 1 == 0 {
                let Some(&byte) = chunk.get(at) else { return true };
                out.push(byte);
                at = at.saturating_add(1);
                continue;
            }
            let Some(token) = le16(chunk, at) else { return true };
            at = at.saturating_add(2);
            // The more there is to copy from, the more bits tell from where (2.4.1.3.19.1).
            let bits = usize::BITS.saturating_sub(made.saturating_sub(1).leading_zeros()).clamp(4, 12);
            let length_mask = 0xffff_u16 >> bits;
            let length = usize::from(token & length_mask).saturating_add(3).min(CHUNK.saturating_sub(made));
            let offset = usize::from(token >> 16_u32.saturating_sub(bits)).saturating_add(1);
            let Some(mut from) = out.len().checked_sub(offset).filter(|from| *from >= start) else { return false };
            for _ in 0..length {
                let Some(&byte) = out.get(from) else { return false };
                out.push(byte);
                from = from.saturating_add(1);
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_read() {
        // MS-OVBA 3.2.1 to 3.2.3.
        let cases: [(&[u8], &[u8]); 3] = [
            (
                b"\x01\x19\xb0\0abcdefgh\0ijklmnop\0qrstuv.",
                b"abcdefghijklmnopqrstuv.",
            ),
            (
                b"\x01\x2f\xb0\x00\x23\x61\x61\x61\x62\x63\x64\x65\x82\x66\x00\x70\x61\x67\x68\x69\x6a\x01\x38\x08\x61\x6b\x6c\x00\x30\x6d\x6e\x6f\x70\x06\x71\x02\x70\x04\x10\x72\x73\x74\x75\x76\x10\x77\x78\x79\x7a\x00\x3c",
                b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa",
            ),
            (b"\x01\x03\xb0\x02\x61\x45\x00", &[b'a'; 73]),
        ];
        for (packed, plain) in cases {
            let found = decompress(packed, 10_000).unwrap();
            assert_eq!(String::from_utf8_lossy(&found.bytes), String::from_utf8_lossy(plain));
            assert!(found.whole);
            assert_eq!(found.consumed, packed.len());
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit_and_a_bad_copy_is_told() {
        let bomb = [&b"\x01"[..], &b"\x03\xb0\x02\x61\xff\x0f".repeat(5000)].concat();
        let found = decompress(&bomb, 1 << 20).unwrap();
        assert!(found.over && !found.whole && found.bytes.len() == 1 << 20);
        let found = decompress(b"\x01\x03\xb0\x03\x45\x00\x61", 100).unwrap();
        assert!(!found.whole && found.bytes.is_empty());
        assert!(decompress(b"\x01\x03\x00", 100).is_none());
    }
}
