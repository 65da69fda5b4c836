//! RC4 in the old formats: with a key of 40 bits from MD5 (MS-OFFCRYPTO 2.3.6), or of a length that the
//! header says, from SHA-1 (2.3.5). Each block of a stream has a key of its own.

use mail::evidence::PasswordSource;
use md5::Md5;
use sha1::{Digest, Sha1};

use super::{Closed, attempt, wide};
use crate::budget::Budget;
use crate::bytes::{between, le16, le32, take};

/// What trying a password costs, in fuel.
const TRY_FUEL: u64 = 2048;
/// What a key costs, in fuel, beside the bytes that it is for.
const KEY_FUEL: u64 = 1024;
/// The identifier of RC4, and 0, which also means it.
const RC4: [u32; 2] = [0x6801, 0];

/// What a password of an old format became.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Legacy {
    /// 40 bits, from MD5.
    Md5([u8; 5]),
    /// From SHA-1: the hash, and how many bytes a key has.
    Sha1([u8; 20], usize),
}

impl Legacy {
    /// Finds the password of what stands behind the version: salts and verifiers.
    pub(crate) fn unlock(info: &[u8], budget: &mut Budget) -> Result<(Self, PasswordSource), Closed> {
        let (major, minor) = (le16(info, 0).ok_or(Closed::Damaged)?, le16(info, 2).ok_or(Closed::Damaged)?);
        match (major, minor) {
            (1, 1) => {
                let part = |at| take(info, at, 16).ok_or(Closed::Damaged);
                let (salt, verifier, hash) = (part(4)?, part(20)?, part(36)?);
                attempt(budget, TRY_FUEL, |password| {
                    Some(Self::from_md5(password, salt)).filter(|key| key.fits(verifier, hash))
                })
            }
            (2..=4, 2) => {
                let header = le32(info, 8).ok_or(Closed::Damaged)? as usize;
                let (algorithm, bits) = (le32(info, 20), le32(info, 28).ok_or(Closed::Damaged)?);
                if !algorithm.is_some_and(|algorithm| RC4.contains(&algorithm)) {
                    return Err(Closed::Encrypted);
                }
                let at = header.saturating_add(12);
                let part = |from: usize, len| take(info, at.saturating_add(from), len).ok_or(Closed::Damaged);
                let (salt, verifier, hash) = (part(4, 16)?, part(20, 16)?, part(40, 20)?);
                let bytes = if bits == 0 { 5 } else { (bits / 8).clamp(5, 16) as usize };
                attempt(budget, TRY_FUEL, |password| {
                    Some(Self::from_sha1(password, salt, bytes)).filter(|key| key.fits(verifier, hash))
                })
            }
            _ => Err(Closed::Encrypted),
        }
    }

    fn from_md5(password: &str, salt: &[u8]) -> Self {
        let first = Md5::digest(wide(password));
        let mut hash = Md5::new();
        for _ in 0..16 {
            hash.update(between(&first, 0, 5));
            hash.update(salt);
        }
        let mut key = [0; 5];
        key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Self::Md5(key)
    }

    fn from_sha1(password: &str, salt: &[u8], bytes: usize) -> Self {
        Self::Sha1(Sha1::new().chain_update(salt).chain_update(wide(password)).finalize().into(), bytes)
    }

    /// The cipher for a block.
    fn cipher(&self, block: u32) -> Rc4 {
        let block = block.to_le_bytes();
        match self {
            Self::Md5(hash) => Rc4::new(&Md5::new().chain_update(hash).chain_update(block).finalize()),
            Self::Sha1(hash, bytes) => {
                let full = Sha1::new().chain_update(hash).chain_update(block).finalize();
                let mut key = between(&full, 0, *bytes).to_vec();
                // 40 bits are filled up with zeros (2.3.5.2).
                if key.len() == 5 {
                    key.resize(16, 0);
                }
                Rc4::new(&key)
            }
        }
    }

    /// Whether the verifier's hash is what it says.
    fn fits(&self, verifier: &[u8], hash: &[u8]) -> bool {
        let mut both = [verifier, hash].concat();
        self.cipher(0).apply(&mut both);
        let (plain, expected) = both.split_at(verifier.len().min(both.len()));
        match self {
            Self::Md5(_) => Md5::digest(plain).as_slice() == expected,
            Self::Sha1(..) => Sha1::digest(plain).as_slice() == expected,
        }
    }

    /// Decrypts a stream from its start, in blocks of `size` bytes.
    pub(crate) fn decrypt(&self, data: &mut [u8], size: usize, budget: &mut Budget) -> Result<(), Closed> {
        for (block, bytes) in (0_u32..).zip(data.chunks_mut(size.max(1))) {
            budget.burn(KEY_FUEL.saturating_add(bytes.len() as u64))?;
            self.cipher(block).apply(bytes);
        }
        Ok(())
    }

    /// Decrypts one piece with the key of a number.
    pub(crate) fn decrypt_one(&self, data: &mut [u8], number: u32) {
        self.cipher(number).apply(data);
    }
}

/// The stream cipher.
struct Rc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    fn new(key: &[u8]) -> Self {
        let mut state = [0; 256];
        state.iter_mut().zip(0..=255).for_each(|(cell, value)| *cell = value);
        let mut j = 0_u8;
        for (i, byte) in (0..=255_u8).zip(key.iter().cycle()) {
            j = j.wrapping_add(at(&state, i)).wrapping_add(*byte);
            state.swap(i.into(), j.into());
        }
        Self { state, i: 0, j: 0 }
    }

    fn apply(&mut self, data: &mut [u8]) {
        for byte in data {
            self.i = self.i.wrapping_add(1);
            let a = at(&self.state, self.i);
            self.j = self.j.wrapping_add(a);
            let b = at(&self.state, self.j);
            self.state.swap(self.i.into(), self.j.into());
            *byte ^= at(&self.state, a.wrapping_add(b));
        }
    }
}

fn at(state: &[u8; 256], place: u8) -> u8 {
    state.get(usize::from(place)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Limits, StopFlag};
    use crate::passwords::Passwords;

    /// Made with the keys that msoffcrypto-tool derives: how it is encrypted, and two blocks of 20 bytes.
    const KEYS: [(&str, &str); 2] = [
        (
            "AgACAAQAAAAkAAAABAAAAAAAAAABaAAABIAAACgAAAABAAAAAAAAAAAAAABYAAAAEAAAAAABAgMEBQYHCAkKCwwNDg/fg3aa\
    i5hGvrvaGggw38ciFAAAAOubfUP4ziOAVyfBY4dHu+gmffHF",
            "3YliiZrRTqyj0gdHL8iVJTKAFTwM22KTq0ol0Wyf0jAZOfBI/IrnjQ==",
        ),
        (
            "AgACAAQAAAAkAAAABAAAAAAAAAABaAAABIAAAIAAAAABAAAAAAAAAAAAAABYAAAAEAAAAAABAgMEBQYHCAkKCwwNDg9yD+dP\
    4HefNvlZMX2Y965JFAAAAHUp2Kf69K/5uDbZXOIUGYFNCixR",
            "cAXzXPE+lyThUSwyh+D8TqwysNjnt0GvQPIwB99CaYfSqNzV1xrRvA==",
        ),
    ];

    #[test]
    fn keys_of_both_lengths_are_derived_as_other_programs_do() {
        let bytes = |text: &str| base64_simd::STANDARD.decode_to_vec(text).unwrap();
        for (info, packed) in KEYS {
            let mut passwords = Passwords::empty();
            passwords.add("secret", PasswordSource::Configured);
            let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(passwords);
            let Ok((key, source)) = Legacy::unlock(&bytes(info), &mut budget) else { panic!("the password fits") };
            assert_eq!(source, PasswordSource::Configured);
            let mut data = bytes(packed);
            assert!(key.decrypt(&mut data, 20, &mut budget).is_ok());
            assert_eq!(data, b"forty bytes of text to be enciphered....");
            let mut budget = Budget::new(Limits::default(), StopFlag::new());
            assert!(matches!(Legacy::unlock(&bytes(info), &mut budget), Err(Closed::Encrypted)));
        }
    }

    #[test]
    fn the_cipher_gives_the_known_streams() {
        // RFC 6229, section 2: 40 and 128 bits, the first bytes.
        let mut out = [0; 8];
        Rc4::new(&[1, 2, 3, 4, 5]).apply(&mut out);
        assert_eq!(out, [0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27]);
        let mut out = [0; 8];
        Rc4::new(&(1..=16).collect::<Vec<u8>>()).apply(&mut out);
        assert_eq!(out, [0x9a, 0xc7, 0xcc, 0x9a, 0x60, 0x9d, 0x1e, 0xf7]);
    }
}
