//! Decryption of the parts of a document (ODF 1.3 part 2, 4.16 and 5; ODF 1.1, 17.3): the password's
//! hash, PBKDF2 with HMAC-SHA-1, then AES-256-CBC or Blowfish-CFB over the deflated content; and as
//! LibreOffice writes since 24.8: one encrypted part that is the whole document, Argon2id and AES-256-GCM.
//!
//! Each part has a salt of its own, so a password costs its iterations for each part; it is only tried
//! anew where the one that opened the part before does not fit. Limits: [`MAX_ITERATIONS`],
//! [`MAX_MEMORY`], [`MAX_PASSES`], [`MAX_LANES`]; the work is counted in fuel. What asks for more stays
//! encrypted.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use argon2::{Algorithm, Argon2, Params, Version};
use blowfish::Blowfish;
use mail::evidence::{PasswordSource, UnscannedReason};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::manifest::{Cipher, Encryption};
use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::Member;
use crate::decode::{End, Method, decode};

/// Most iterations of the key derivation; LibreOffice writes 100,000.
const MAX_ITERATIONS: u32 = 1_000_000;
/// Most memory of Argon2id, in KiB; LibreOffice writes 65,536.
const MAX_MEMORY: u32 = 131_072;
/// Most passes of Argon2id over its memory; LibreOffice writes 3.
const MAX_PASSES: u32 = 16;
/// Most lanes of Argon2id; LibreOffice writes 4.
const MAX_LANES: u32 = 16;
/// Fuel of one pass of Argon2id over one KiB.
const BLOCK_FUEL: u64 = 64;
/// Length of GCM's vector and of its tag, in bytes.
const VECTOR: usize = 12;
const TAG: usize = 16;
/// Fuel of one iteration: four blocks of a hash, for each 20 bytes of key.
const ITERATION_FUEL: u64 = 256;
/// How much the short checksum covers, in bytes.
const FIRST: usize = 1024;

/// How many parts of a document all passwords are tried on in vain; then the others stay encrypted.
const MAX_FAILURES: u32 = 2;

/// The password that opened a part, and how many parts none has opened.
#[derive(Default)]
pub(super) struct Keys {
    known: Option<(String, PasswordSource)>,
    failures: u32,
}

/// Replaces a member's content by what it is decrypted, or says why not.
pub(super) fn open(member: &mut Member, how: &Encryption, keys: &mut Keys, budget: &mut Budget, meter: &mut Meter) {
    let Some(fuel) = cost(how).filter(|_| keys.failures < MAX_FAILURES) else {
        member.problem(UnscannedReason::Encrypted);
        return;
    };
    let passwords = budget.passwords();
    let first = keys.known.clone();
    let first = first.as_ref().map(|(password, source)| (password.as_str(), *source));
    for (password, source) in first.into_iter().chain(passwords.iter()) {
        // What will not be paid for is not begun.
        if !budget.may_try(fuel.saturating_add(member.content.len() as u64)) {
            break;
        }
        let Some(plain) = decrypt(&member.content, how, password) else { continue };
        keys.known = Some((password.to_owned(), source));
        member.opened_with = Some(source);
        // A document in a document may stand as it is.
        let method = if plain.starts_with(b"PK\x03\x04") { Method::Stored } else { Method::Deflate };
        let decoded = decode(method, &plain, budget, meter);
        match decoded.end {
            End::Complete if decoded.content.len() as u64 == how.size || how.size == 0 => {}
            End::Limit(limit) => member.problem(limit.into()),
            _ => member.problem(UnscannedReason::Damaged),
        }
        member.content = decoded.content;
        return;
    }
    keys.failures = keys.failures.saturating_add(1);
    member.problem(UnscannedReason::Encrypted);
}

/// What one trial costs, in fuel; `None`: it is not known how, or it is more than is ever spent.
fn cost(how: &Encryption) -> Option<u64> {
    if let Some(argon2) = how.argon2.filter(|_| how.cipher == Cipher::Aes256Gcm) {
        let fits = argon2.memory <= MAX_MEMORY && argon2.passes <= MAX_PASSES && argon2.lanes <= MAX_LANES;
        let blocks = u64::from(argon2.memory).saturating_mul(argon2.passes.into());
        return fits.then(|| blocks.saturating_mul(BLOCK_FUEL));
    }
    let known = how.pbkdf2 && how.cipher != Cipher::Other && (1..=MAX_ITERATIONS).contains(&how.iterations);
    let blocks = how.key.div_ceil(20) as u64;
    known.then(|| u64::from(how.iterations).saturating_mul(ITERATION_FUEL).saturating_mul(blocks))
}

/// Decrypts with a password; `None` if it is not the right one.
fn decrypt(content: &[u8], how: &Encryption, password: &str) -> Option<Vec<u8>> {
    let start = if how.sha256 { Sha256::digest(password).to_vec() } else { Sha1::digest(password).to_vec() };
    let mut key = vec![0; how.key.min(64)];
    match how.argon2 {
        Some(argon2) => {
            let params = Params::new(argon2.memory, argon2.passes, argon2.lanes, Some(key.len())).ok()?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(&start, &how.salt, &mut key).ok()?;
        }
        None => pbkdf2::pbkdf2_hmac::<Sha1>(&start, &how.salt, how.iterations, &mut key),
    }
    let plain = match how.cipher {
        // The tag proves the password.
        Cipher::Aes256Gcm => return aes_gcm(content, &key, &how.vector),
        Cipher::Aes256Cbc => aes_cbc(content, &key, &how.vector)?,
        Cipher::Blowfish => blowfish_cfb(content, &key, &how.vector)?,
        Cipher::Other => return None,
    };
    let covered = if how.check_first { between(&plain, 0, FIRST) } else { plain.as_slice() };
    let check = if how.check_sha256 { Sha256::digest(covered).to_vec() } else { Sha1::digest(covered).to_vec() };
    (check == how.check).then_some(plain)
}

/// AES-256 in CBC mode; the padding is taken off.
fn aes_cbc(content: &[u8], key: &[u8], vector: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes256::new_from_slice(key).ok()?;
    let mut before: [u8; 16] = vector.try_into().ok()?;
    let mut out = Vec::with_capacity(content.len());
    for chunk in content.chunks_exact(16) {
        let mut block = Array::try_from(chunk).ok()?;
        cipher.decrypt_block(&mut block);
        out.extend(block.iter().zip(before).map(|(byte, mask)| byte ^ mask));
        before = chunk.try_into().ok()?;
    }
    // ISO 10126: the last byte says how many there are, itself counted.
    let padding = usize::from(*out.last()?);
    out.truncate(out.len().checked_sub(padding).filter(|_| padding <= 16)?);
    Some(out)
}

/// AES-256 in GCM mode (NIST SP 800-38D) with a vector of 96 bits and a tag of 128 behind the content;
/// `None` if the tag is not right.
fn aes_gcm(content: &[u8], key: &[u8], vector: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes256::new_from_slice(key).ok()?;
    let content = content.strip_prefix(vector).unwrap_or(content);
    let (sealed, tag) = content.split_at_checked(content.len().checked_sub(TAG)?)?;
    let vector: [u8; VECTOR] = vector.try_into().ok()?;
    let block = |number: u32| {
        let mut block = Array::default();
        for (to, from) in block.iter_mut().zip(vector.iter().chain(&number.to_be_bytes())) {
            *to = *from;
        }
        cipher.encrypt_block(&mut block);
        block
    };
    let mut hash = Array::default();
    cipher.encrypt_block(&mut hash);
    let sum = ghash(u128::from_be_bytes(hash.into()), sealed) ^ u128::from_be_bytes(block(1).into());
    if sum.to_be_bytes() != *tag {
        return None;
    }
    let mut out = Vec::with_capacity(sealed.len());
    for (chunk, number) in sealed.chunks(16).zip(2_u32..) {
        out.extend(chunk.iter().zip(block(number)).map(|(byte, mask)| byte ^ mask));
    }
    Some(out)
}

/// GHASH of the content alone, without further data.
fn ghash(key: u128, sealed: &[u8]) -> u128 {
    // Sixteen multiples of the key, so that four bits are done at a time.
    const POLYNOMIAL: u128 = 0xe1 << 120;
    let half = |value: u128| value >> 1 ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
    let single = [key, half(key), half(half(key)), half(half(half(key)))];
    let multiple = |bits: usize| {
        single
            .iter()
            .enumerate()
            .filter(|(at, _)| bits >> 3_usize.saturating_sub(*at) & 1 == 1)
            .fold(0, |sum, (_, one)| sum ^ one)
    };
    let table: [u128; 16] = std::array::from_fn(multiple);
    let product = |value: u128| {
        (0..32).fold(0_u128, |sum, step| {
            let sum = (0..4).fold(sum, |sum, _| half(sum));
            let bits = value >> (4_u32.saturating_mul(step)) & 15;
            sum ^ table.get(bits as usize).copied().unwrap_or(0)
        })
    };
    let lengths = (sealed.len() as u128).saturating_mul(8);
    let blocks = sealed.chunks(16).map(|chunk| {
        chunk
            .iter()
            .zip(0_u32..)
            .fold(0, |block, (byte, at)| block | u128::from(*byte) << 120_u32.saturating_sub(at.saturating_mul(8)))
    });
    blocks.chain([lengths]).fold(0, |sum, block| product(sum ^ block))
}

/// Blowfish in CFB mode, 64 bits at a time.
fn blowfish_cfb(content: &[u8], key: &[u8], vector: &[u8]) -> Option<Vec<u8>> {
    let cipher: Blowfish = Blowfish::new_from_slice(key).ok()?;
    let mut register: [u8; 8] = vector.try_into().ok()?;
    let mut out = Vec::with_capacity(content.len());
    for chunk in content.chunks(8) {
        let mut block = Array::from(register);
        cipher.encrypt_block(&mut block);
        out.extend(chunk.iter().zip(block.iter()).map(|(byte, mask)| byte ^ mask));
        if let Ok(whole) = chunk.try_into() {
            register = whole;
        }
    }
    Some(out)
}
