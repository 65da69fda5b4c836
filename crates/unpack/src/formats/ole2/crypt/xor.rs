//! XOR obfuscation of old workbooks (MS-OFFCRYPTO 2.3.7): sixteen bytes from a password of at most
//! fifteen, laid over each record.

use mail::evidence::PasswordSource;

use super::{Closed, attempt};
use crate::budget::Budget;

/// What trying a password costs, in fuel.
const TRY_FUEL: u64 = 512;
/// Longest password, in bytes.
const MAX_PASSWORD: usize = 15;
/// What fills up a password.
const PAD: [u8; 15] = [0xbb, 0xff, 0xff, 0xba, 0xff, 0xff, 0xb9, 0x80, 0x00, 0xbe, 0x0f, 0x00, 0xbf, 0x0f, 0x00];
/// With what a key starts, by the length of the password (2.3.7.2).
#[rustfmt::skip]
const INITIAL: [u16; 15] = [
    0xe1f0, 0x1d0f, 0xcc9c, 0x84c0, 0x110c, 0x0e10, 0xf1ce, 0x313e, 0x1872, 0xe139, 0xd40f, 0x84f9, 0x280c,
    0xa96a, 0x4ec3,
];
/// What the bits of a password add to it.
#[rustfmt::skip]
const MATRIX: [u16; 105] = [
    0xaefc, 0x4dd9, 0x9bb2, 0x2745, 0x4e8a, 0x9d14, 0x2a09, 0x7b61, 0xf6c2, 0xfda5, 0xeb6b, 0xc6f7, 0x9dcf,
    0x2bbf, 0x4563, 0x8ac6, 0x05ad, 0x0b5a, 0x16b4, 0x2d68, 0x5ad0, 0x0375, 0x06ea, 0x0dd4, 0x1ba8, 0x3750,
    0x6ea0, 0xdd40, 0xd849, 0xa0b3, 0x5147, 0xa28e, 0x553d, 0xaa7a, 0x44d5, 0x6f45, 0xde8a, 0xad35, 0x4a4b,
    0x9496, 0x390d, 0x721a, 0xeb23, 0xc667, 0x9cef, 0x29ff, 0x53fe, 0xa7fc, 0x5fd9, 0x47d3, 0x8fa6, 0x0f6d,
    0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0x45a0, 0x8b40,
    0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x76b4,
    0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad,
    0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462,
    0x48c4,
];

/// The sixteen bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Xor([u8; 16]);

impl Xor {
    /// Finds a password that gives this verifier.
    pub(crate) fn unlock(verifier: u16, budget: &mut Budget) -> Result<(Self, PasswordSource), Closed> {
        attempt(budget, TRY_FUEL, |password| {
            // Latin letters are one byte each; others depend on the code page of who wrote it.
            let bytes: Vec<u8> = password.chars().filter_map(|letter| u8::try_from(letter).ok()).collect();
            let usable = (1..=MAX_PASSWORD).contains(&bytes.len()) && bytes.len() == password.chars().count();
            (usable && verifier_of(&bytes) == verifier).then(|| Self(array(&bytes)))
        })
    }

    /// Undoes one record that is `data` long in all; `at`: where its data starts in the stream, and
    /// `skip`: how many of its first bytes stand as they are.
    pub(crate) fn decrypt(&self, data: &mut [u8], at: usize, skip: usize) {
        let start = at.wrapping_add(data.len());
        for (offset, byte) in data.iter_mut().enumerate().skip(skip) {
            let key = self.0.get(start.wrapping_add(offset) % 16).copied().unwrap_or(0);
            *byte = (*byte ^ key).rotate_right(5);
        }
    }
}

/// What a file keeps to tell a right password by (2.3.7.1).
fn verifier_of(password: &[u8]) -> u16 {
    let length = u8::try_from(password.len()).unwrap_or(u8::MAX);
    let all = std::iter::once(&length).chain(password);
    let hash = all.rev().fold(0_u16, |hash, byte| {
        let turned = (hash << 1) & 0x7fff | u16::from(hash & 0x4000 != 0);
        turned ^ u16::from(*byte)
    });
    hash ^ 0xce4b
}

/// The key of a password.
fn key(password: &[u8]) -> u16 {
    let mut key = password.len().checked_sub(1).and_then(|at| INITIAL.get(at)).copied().unwrap_or(0);
    let mut values = MATRIX.iter().rev();
    for byte in password.iter().rev() {
        for bit in 0..7_u32 {
            let value = values.next().copied().unwrap_or(0);
            if byte.checked_shl(bit).is_some_and(|byte| byte & 0x40 != 0) {
                key ^= value;
            }
        }
    }
    key
}

/// The sixteen bytes of a password: it and what fills it up, mixed with the two bytes of its key.
fn array(password: &[u8]) -> [u8; 16] {
    let [low, high] = key(password).to_le_bytes();
    let mut out = [0; 16];
    // Behind the password comes the filling, from its start.
    let filled = password.iter().chain(&PAD);
    for (at, (cell, byte)) in out.iter_mut().zip(filled).enumerate() {
        *cell = (byte ^ if at % 2 == 0 { low } else { high }).rotate_right(1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_password_has_its_known_verifier() {
        assert_eq!(verifier_of(b"VelvetSweatshop"), 0x9a0a);
    }
}
