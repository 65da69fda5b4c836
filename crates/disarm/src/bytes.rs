//! Reading and writing little-endian numbers in untrusted bytes: outside is `None`, never a panic.

/// The bytes of `data` from `start` to `end`, cut to what there is.
pub(crate) fn between(data: &[u8], start: usize, end: usize) -> &[u8] {
    let end = end.min(data.len());
    data.get(start.min(end)..end).unwrap_or(&[])
}

fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A 16-bit number at `at`.
pub(crate) fn le16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_le_bytes)
}

/// A 32-bit number at `at`.
pub(crate) fn le32(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_le_bytes)
}

/// Writes bytes over those at `at`; whether they are all there.
pub(crate) fn put(data: &mut [u8], at: usize, bytes: &[u8]) -> bool {
    let Some(end) = at.checked_add(bytes.len()) else { return false };
    match data.get_mut(at..end) {
        Some(place) => {
            place.copy_from_slice(bytes);
            true
        }
        None => false,
    }
}

/// Writes one byte over a range, cut to what there is.
pub(crate) fn fill(data: &mut [u8], start: usize, end: usize, byte: u8) {
    let end = end.min(data.len());
    if let Some(range) = data.get_mut(start.min(end)..end) {
        range.fill(byte);
    }
}
