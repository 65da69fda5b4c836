//! Reading little-endian numbers and ranges out of untrusted bytes: outside is `None`, never a panic.

/// `len` bytes from `at`.
pub(crate) fn take(data: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(len)?)
}

/// The bytes of `data` from `start` to `end`, cut to what there is.
pub(crate) fn between(data: &[u8], start: usize, end: usize) -> &[u8] {
    let end = end.min(data.len());
    data.get(start.min(end)..end).unwrap_or(&[])
}

/// A fixed number of bytes from `at`.
fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    take(data, at, N)?.try_into().ok()
}

/// A 16-bit number at `at`.
pub(crate) fn le16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_le_bytes)
}

/// A 32-bit number at `at`.
pub(crate) fn le32(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_le_bytes)
}

/// A 64-bit number at `at`.
pub(crate) fn le64(data: &[u8], at: usize) -> Option<u64> {
    array(data, at).map(u64::from_le_bytes)
}

/// A big-endian 64-bit number at `at`.
pub(crate) fn be64(data: &[u8], at: usize) -> Option<u64> {
    array(data, at).map(u64::from_be_bytes)
}

/// A big-endian 16-bit number at `at`.
pub(crate) fn be16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_be_bytes)
}

/// A big-endian 32-bit number at `at`.
pub(crate) fn be32(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_be_bytes)
}
