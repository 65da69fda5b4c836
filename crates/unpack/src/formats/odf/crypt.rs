//! Decryption of the parts of a document (ODF 1.3 part 2, 4.16 and 5; ODF 1.1, 17.3): the password's
//! hash, PBKDF2 with HMAC-SHA-1, then AES-256-CBC or Blowfish-CFB over the deflated content.
//!
//! Each part has a salt of its own, so a password costs its iterations for each part; it is only tried
//! anew where the one that opened the part before does not fit. Limit: [`MAX_ITERATIONS`]; the work is
//! counted in fuel. Not handled: AES-GCM with Argon2, which stays encrypted.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
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
    let known = how.pbkdf2 && how.cipher != Cipher::Other && (1..=MAX_ITERATIONS).contains(&how.iterations);
    if !known || keys.failures >= MAX_FAILURES {
        member.problem(UnscannedReason::Encrypted);
        return;
    }
    let passwords = budget.passwords();
    let first = keys.known.clone();
    let first = first.as_ref().map(|(password, source)| (password.as_str(), *source));
    for (password, source) in first.into_iter().chain(passwords.iter()) {
        let blocks = how.key.div_ceil(20) as u64;
        let fuel = u64::from(how.iterations).saturating_mul(ITERATION_FUEL).saturating_mul(blocks);
        // What will not be paid for is not begun.
        if !budget.may_try(fuel.saturating_add(member.content.len() as u64)) {
            break;
        }
        let Some(plain) = decrypt(&member.content, how, password) else { continue };
        keys.known = Some((password.to_owned(), source));
        member.opened_with = Some(source);
        let decoded = decode(Method::Deflate, &plain, budget, meter);
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

/// Decrypts with a password; `None` if it is not the right one.
fn decrypt(content: &[u8], how: &Encryption, password: &str) -> Option<Vec<u8>> {
    let start = if how.sha256 { Sha256::digest(password).to_vec() } else { Sha1::digest(password).to_vec() };
    let mut key = vec![0; how.key.min(64)];
    pbkdf2::pbkdf2_hmac::<Sha1>(&start, &how.salt, how.iterations, &mut key);
    let plain = match how.cipher {
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
