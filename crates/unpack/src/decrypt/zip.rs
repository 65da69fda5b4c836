//! The two ciphers of zip: the old one of PKWARE (APPNOTE 6.1), and AES as WinZip puts it into the
//! format (extra field 0x9901, versions AE-1 and AE-2).
//!
//! Not handled: PKWARE's strong encryption (APPNOTE 7), which stays `encrypted`.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::HASH_BLOCK_FUEL;
use crate::bytes::{between, le16};

/// Length of what stands in front of data that the old cipher made, in bytes.
const OLD_HEAD: usize = 12;
/// Rounds of the key derivation of AES.
const ROUNDS: u32 = 1000;
/// Length of the verifier, and of the code that proves the data, in bytes.
const VERIFIER: usize = 2;
const CODE: usize = 10;
/// Length of a block of AES, in bytes.
const BLOCK: usize = 16;

/// The table of CRC-32, which the old cipher steps through byte by byte.
const TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // Constants, known when it is compiled.
const fn table() -> [u32; 256] {
    let mut table = [0_u32; 256];
    let mut at = 0;
    while at < 256 {
        let (mut value, mut bit) = (at as u32, 0);
        while bit < 8 {
            value = if value & 1 != 0 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

fn crc(sum: u32, byte: u8) -> u32 {
    let [low, ..] = sum.to_le_bytes();
    sum >> 8 ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0)
}

/// The old cipher: three numbers.
struct Old(u32, u32, u32);

impl Old {
    fn new(password: &[u8]) -> Self {
        let mut state = Self(0x1234_5678, 0x2345_6789, 0x3456_7890);
        for byte in password {
            state.step(*byte);
        }
        state
    }

    fn step(&mut self, plain: u8) {
        self.0 = crc(self.0, plain);
        self.1 = self.1.wrapping_add(self.0 & 0xff).wrapping_mul(0x0808_8405).wrapping_add(1);
        let [.., high] = self.1.to_le_bytes();
        self.2 = crc(self.2, high);
    }

    fn decrypt(&mut self, byte: u8) -> u8 {
        let mixed = self.2 | 2;
        let [_, key, ..] = mixed.wrapping_mul(mixed ^ 1).to_le_bytes();
        let plain = byte ^ key;
        self.step(plain);
        plain
    }
}

/// Undoes the old cipher; `None` when the password is surely wrong. `checks`: what the last byte of the
/// head may be, which a wrong password passes once in 256 times.
pub(crate) fn old(password: &[u8], data: &[u8], checks: [u8; 2]) -> Option<Vec<u8>> {
    let mut cipher = Old::new(password);
    let (head, rest) = data.split_at_checked(OLD_HEAD)?;
    let last = head.iter().fold(0, |_, byte| cipher.decrypt(*byte));
    checks.contains(&last).then(|| rest.iter().map(|byte| cipher.decrypt(*byte)).collect())
}

/// What the extra field says of AES.
#[derive(Clone, Copy)]
pub(crate) struct Aes {
    /// AE-2 has no checksum of the content.
    pub(crate) unsummed: bool,
    /// How the content is compressed.
    pub(crate) method: u16,
    /// Length of the key, in bytes.
    key: usize,
}

/// What a password makes of AES data.
pub(crate) struct Undone {
    pub(crate) content: Vec<u8>,
    /// The code behind the data proves it.
    pub(crate) proven: bool,
}

impl Aes {
    /// From the content of the extra field.
    pub(crate) fn read(field: &[u8]) -> Option<Self> {
        let key = match field.get(4)? {
            1 => 16,
            2 => 24,
            3 => 32,
            _ => return None,
        };
        Some(Self { unsummed: le16(field, 0)? == 2, method: le16(field, 5)?, key })
    }

    /// What one trial costs, in fuel, beside the bytes of the data.
    pub(crate) fn fuel(self) -> u64 {
        let blocks = (self.key.saturating_mul(2).saturating_add(VERIFIER)).div_ceil(20) as u64;
        blocks.saturating_mul(u64::from(ROUNDS)).saturating_mul(2).saturating_mul(HASH_BLOCK_FUEL)
    }

    /// Undoes the cipher; `None` when the password is surely wrong.
    pub(crate) fn undo(self, password: &[u8], data: &[u8]) -> Option<Undone> {
        let (salt, rest) = data.split_at_checked(self.key / 2)?;
        let (verifier, rest) = rest.split_at_checked(VERIFIER)?;
        let (sealed, code) = rest.split_at_checked(rest.len().checked_sub(CODE)?)?;
        let mut derived = vec![0_u8; self.key.saturating_mul(2).saturating_add(VERIFIER)];
        pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, ROUNDS, &mut derived);
        let (keys, expected) = derived.split_at_checked(self.key.saturating_mul(2))?;
        if verifier != expected {
            return None;
        }
        let (key, proof) = keys.split_at_checked(self.key)?;
        let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(proof).ok()?;
        mac.update(sealed);
        let proven = mac.verify_truncated_left(code).is_ok();
        Some(Undone { content: counter(key, sealed)?, proven })
    }
}

/// AES in counter mode as WinZip has it: the counter starts at 1, its lowest byte first.
fn counter(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => Some(stream(&Aes128::new_from_slice(key).ok()?, data)),
        24 => Some(stream(&Aes192::new_from_slice(key).ok()?, data)),
        _ => Some(stream(&Aes256::new_from_slice(key).ok()?, data)),
    }
}

fn stream<C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>>(cipher: &C, data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    for (chunk, number) in out.chunks_mut(BLOCK).zip(1_u128..) {
        let mut block = number.to_le_bytes().into();
        cipher.encrypt_block(&mut block);
        let key = between(&block, 0, chunk.len());
        for (byte, key) in chunk.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    out
}
