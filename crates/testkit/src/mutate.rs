//! Inputs that are nearly right: a seed with some bytes changed, always in the same way for the same number.

/// A seed with up to five changes: bytes that become another, one of `others` or any; bytes that come
/// in; a few that go; an end that is cut off. The same number gives the same bytes.
///
/// # Panics
/// `seed` or `others` is empty.
pub fn mutated(seed: &[u8], number: usize, others: &[u8]) -> Vec<u8> {
    let mut state = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut out = seed.to_vec();
    for _ in 0..next() % 6 {
        let at = next() % out.len();
        match next() % 6 {
            0 => out[at] = next() as u8,
            1 => out[at] = others[next() % others.len()],
            2 => out.insert(at, next() as u8),
            3 => out.insert(at, others[next() % others.len()]),
            4 => drop(out.drain(at.max(1)..out.len().min(at.max(1) + next() % 30))),
            _ => out.truncate(at.max(1)),
        }
    }
    out
}
