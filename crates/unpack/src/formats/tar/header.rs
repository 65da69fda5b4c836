//! One header block: 512 bytes, numbers in octal or, beyond its reach, in base 256.

use crate::bytes::{between, take};
use crate::names;

/// The unit of an archive, in bytes.
pub(super) const BLOCK: usize = 512;
/// Where the checksum stands.
const SUM: std::ops::Range<usize> = 148..156;

/// What a header says.
pub(super) struct Header {
    /// The type flag.
    pub(super) kind: u8,
    /// Bytes of data that follow.
    pub(super) size: u64,
    block: [u8; BLOCK],
}

impl Header {
    /// A block whose checksum is sound.
    pub(super) fn read(block: &[u8]) -> Option<Self> {
        if !is_header(block) {
            return None;
        }
        let block: [u8; BLOCK] = block.try_into().ok()?;
        Some(Self { kind: block[156], size: number(between(&block, 124, 136)).unwrap_or(0), block })
    }

    /// It tells of the header behind it: long names, pax headers.
    pub(super) fn is_extension(&self) -> bool {
        matches!(self.kind, b'L' | b'K' | b'x' | b'X' | b'g')
    }

    /// A type that has no data: links, devices, folders, a volume's label.
    pub(super) fn is_special(&self) -> bool {
        let folder = matches!(self.kind, 0 | b'0') && self.field(0, 100).last() == Some(&b'/');
        matches!(self.kind, b'1'..=b'6' | b'D' | b'V') || folder && self.size == 0
    }

    /// The name as the header has it, the prefix of ustar in front.
    pub(super) fn name(&self) -> String {
        let (name, prefix) = (self.field(0, 100), self.field(345, 155));
        if prefix.is_empty() || take(&self.block, 257, 6) != Some(b"ustar\0") {
            return names::decode(name);
        }
        names::decode(&[prefix, b"/", name].concat())
    }

    /// The name without the prefix, as programs show it that know none.
    pub(super) fn short_name(&self) -> String {
        names::decode(self.field(0, 100))
    }

    /// A text of the header, up to its NUL.
    fn field(&self, at: usize, len: usize) -> &[u8] {
        let field = take(&self.block, at, len).unwrap_or_default();
        between(field, 0, memchr::memchr(0, field).unwrap_or(field.len()))
    }
}

/// Whether this is a header: its checksum is the sum of its bytes, the checksum's own as blanks.
/// Old writers added the bytes as signed ones.
pub(crate) fn is_header(block: &[u8]) -> bool {
    if block.len() != BLOCK {
        return false;
    }
    let Some(stated) = octal(block.get(SUM).unwrap_or_default()) else { return false };
    let others = || block.iter().enumerate().filter(|(at, _)| !SUM.contains(at)).map(|(_, byte)| *byte);
    let blanks = (b' ' as i64).saturating_mul(8);
    let unsigned = others().map(i64::from).sum::<i64>().saturating_add(blanks);
    let signed = || others().map(|byte| i64::from(byte.cast_signed())).sum::<i64>().saturating_add(blanks);
    // A block of NULs has the sum of eight blanks and states nothing.
    let stated = i64::try_from(stated).unwrap_or(0);
    stated != 0 && (unsigned == stated || signed() == stated)
}

/// A number field: octal digits, or base 256 when the first bit is set.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    // Negative numbers make no sense here.
    let top = u64::from(first & 0x3f);
    rest.iter().try_fold(top, |sum, byte| Some(sum.checked_mul(256)? | u64::from(*byte)))
}

/// Octal digits, blanks in front; what follows them is not looked at.
fn octal(field: &[u8]) -> Option<u64> {
    let digits =
        field.iter().skip_while(|byte| matches!(byte, b' ' | 0)).take_while(|byte| matches!(byte, b'0'..=b'7'));
    let mut any = false;
    let sum = digits.fold(0_u64, |sum, digit| {
        any = true;
        sum.saturating_mul(8).saturating_add(u64::from(digit & 7))
    });
    any.then_some(sum)
}

/// A number in decimal, all of it.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}
