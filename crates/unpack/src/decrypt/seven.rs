//! AES-256 of 7z (method 06F10701): a key from many rounds of SHA-256, then blocks in chains.
//!
//! Limits: [`MAX_POWER`] for the rounds; 7-Zip writes 19.

use std::io::{self, Read};

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use sha2::{Digest, Sha256};

use super::HASH_BLOCK_FUEL;
use crate::bytes::take;

/// Most rounds, as a power of two.
const MAX_POWER: u8 = 22;
/// The power that says: no rounds, the password is the key.
const PLAIN: u8 = 0x3f;
/// Length of a block, in bytes.
const BLOCK: usize = 16;
/// How much is decrypted at once, in bytes.
const STEP: usize = 16 * 1024;

/// What the coder's properties say.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    power: u8,
    salt: Vec<u8>,
    start: [u8; BLOCK],
}

impl Parameters {
    /// From the coder's properties.
    pub(crate) fn read(properties: &[u8]) -> Option<Self> {
        let first = *properties.first()?;
        let mut parameters = Self { power: first & 0x3f, salt: Vec::new(), start: [0; BLOCK] };
        if first & 0xc0 == 0 {
            return Some(parameters);
        }
        let second = *properties.get(1)?;
        let salt = usize::from(first >> 7).saturating_add(usize::from(second >> 4));
        let start = usize::from(first >> 6 & 1).saturating_add(usize::from(second & 15));
        parameters.salt = take(properties, 2, salt)?.to_vec();
        let given = take(properties, 2_usize.checked_add(salt)?, start)?;
        parameters.start.get_mut(..start)?.copy_from_slice(given);
        Some(parameters)
    }

    /// What one trial costs, in fuel; `None`: more than is ever spent.
    pub(crate) fn fuel(&self, password: &str) -> Option<u64> {
        if self.power == PLAIN {
            return Some(HASH_BLOCK_FUEL);
        }
        if self.power > MAX_POWER {
            return None;
        }
        let round = password.len().saturating_mul(2).saturating_add(self.salt.len()).saturating_add(8) as u64;
        let bytes = round.saturating_mul(1_u64.checked_shl(self.power.into())?);
        Some((bytes / 64).saturating_mul(HASH_BLOCK_FUEL))
    }

    /// The key of a password; the same salt and rounds give the same one.
    pub(crate) fn key(&self, password: &str) -> [u8; 32] {
        let mut seed = self.salt.clone();
        seed.extend(password.encode_utf16().flat_map(u16::to_le_bytes));
        if self.power == PLAIN {
            let mut key = [0; 32];
            for (to, from) in key.iter_mut().zip(&seed) {
                *to = *from;
            }
            return key;
        }
        let mut hash = Sha256::new();
        let end = seed.len();
        seed.extend([0; 8]);
        for round in 0..1_u64 << self.power.min(MAX_POWER) {
            if let Some(place) = seed.get_mut(end..) {
                place.copy_from_slice(&round.to_le_bytes());
            }
            hash.update(&seed);
        }
        hash.finalize().into()
    }

    /// Whether both make the same keys.
    pub(crate) fn same_key(&self, other: &Self) -> bool {
        self.power == other.power && self.salt == other.salt
    }

    /// A reader of what `input` has encrypted.
    pub(crate) fn reader<R: Read>(&self, key: &[u8; 32], input: R) -> Decrypt<R> {
        Decrypt { input, cipher: Aes256::new(key.into()), before: self.start, ready: Vec::new(), at: 0 }
    }
}

/// Undoes a chain of blocks.
pub(crate) struct Decrypt<R> {
    input: R,
    cipher: Aes256,
    /// The encrypted block before.
    before: [u8; BLOCK],
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Decrypt<R> {
    /// Decrypts the next blocks; what does not fill a block is damage that the sizes show.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.at = 0;
        let input = &mut self.input;
        input.take(STEP as u64).read_to_end(&mut self.ready)?;
        let whole = self.ready.len() / BLOCK;
        self.ready.truncate(whole.saturating_mul(BLOCK));
        for chunk in self.ready.as_chunks_mut::<BLOCK>().0 {
            let sealed = *chunk;
            let mut block = sealed.into();
            self.cipher.decrypt_block(&mut block);
            for ((to, from), before) in chunk.iter_mut().zip(block).zip(self.before) {
                *to = from ^ before;
            }
            self.before = sealed;
        }
        Ok(())
    }
}

impl<R: Read> Read for Decrypt<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.ready.len() {
            self.fill()?;
        }
        let mut rest = self.ready.get(self.at..).unwrap_or_default();
        let read = rest.read(out)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}
