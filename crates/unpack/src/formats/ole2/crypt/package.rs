//! The encrypted package (MS-OFFCRYPTO 2.3.4): a whole Office Open XML file in one stream, and how it
//! is encrypted in another. Standard encryption (AES in blocks, SHA-1) and agile encryption (AES in
//! chains of segments, a hash of choice).
//!
//! Limits: [`MAX_INFO`], the number of rounds, and the budget. Not handled, and reported as encrypted:
//! extensible encryption, certificates in place of passwords, ciphers other than AES, rights management.
//! The checksum of agile encryption is not looked at: what is damaged is read all the same.

use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use mail::evidence::PasswordSource;
use mail::transfer;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Closed, MAX_SPIN, attempt, wide};
use crate::budget::Budget;
use crate::bytes::{between, le16, le32, le64, take};

/// Longest description, in bytes.
const MAX_INFO: usize = 64 * 1024;
/// Rounds of standard encryption.
const STANDARD_SPIN: u32 = 50_000;
/// What one round costs, in fuel: a hash of one or two blocks.
const SPIN_FUEL: u64 = 400;
/// Bytes of a segment of agile encryption.
const SEGMENT: usize = 4096;
/// What is mixed in to get the keys of agile encryption (2.3.4.13).
const VERIFIER_INPUT: [u8; 8] = [0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79];
const VERIFIER_VALUE: [u8; 8] = [0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e];
const KEY_VALUE: [u8; 8] = [0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6];

/// Decrypts a package, with the first password that fits.
pub(crate) fn encrypted_package(
    info: &[u8],
    package: &[u8],
    budget: &mut Budget,
) -> Result<(Vec<u8>, PasswordSource), Closed> {
    let version = (le16(info, 0).ok_or(Closed::Damaged)?, le16(info, 2).ok_or(Closed::Damaged)?);
    let size = usize::try_from(le64(package, 0).ok_or(Closed::Damaged)?).unwrap_or(usize::MAX);
    let mut data = between(package, 8, package.len()).to_vec();
    let blocks = data.len().saturating_sub(data.len() % 16);
    data.truncate(blocks);
    budget.burn(data.len() as u64)?;
    let source = match version {
        (4, 4) => Agile::read(between(info, 8, MAX_INFO)).ok_or(Closed::Encrypted)?.decrypt(&mut data, budget)?,
        (2..=4, 2) => standard(info, &mut data, budget)?,
        _ => return Err(Closed::Encrypted),
    };
    data.truncate(size);
    Ok((data, source))
}

/// AES with one of its lengths of keys.
enum Aes {
    Short(Box<Aes128>),
    Middle(Box<Aes192>),
    Long(Box<Aes256>),
}

impl Aes {
    fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::Short(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Self::Middle(Box::new(Aes192::new_from_slice(key).ok()?)),
            32 => Self::Long(Box::new(Aes256::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    /// Decrypts whole blocks, each for itself; what is left over stays as it is.
    fn blocks(&self, data: &mut [u8]) {
        for block in data.chunks_exact_mut(16) {
            let Ok(block) = <&mut Array<u8, _>>::try_from(block) else { continue };
            match self {
                Self::Short(aes) => aes.decrypt_block(block),
                Self::Middle(aes) => aes.decrypt_block(block),
                Self::Long(aes) => aes.decrypt_block(block),
            }
        }
    }

    /// Decrypts whole blocks that are chained to one another.
    fn chain(&self, vector: &[u8], data: &mut [u8]) {
        let mut before: [u8; 16] = [0; 16];
        before.iter_mut().zip(vector).for_each(|(to, from)| *to = *from);
        for block in data.chunks_exact_mut(16) {
            let mut packed = [0; 16];
            packed.copy_from_slice(block);
            self.blocks(block);
            block.iter_mut().zip(before).for_each(|(byte, mask)| *byte ^= mask);
            before = packed;
        }
    }
}

/// Standard encryption (2.3.4.5 to 2.3.4.9).
fn standard(info: &[u8], data: &mut [u8], budget: &mut Budget) -> Result<PasswordSource, Closed> {
    let header = le32(info, 8).ok_or(Closed::Damaged)? as usize;
    let length = match le32(info, 20) {
        Some(0x660e) => 16,
        Some(0x660f) => 24,
        Some(0x6610) => 32,
        _ => return Err(Closed::Encrypted),
    };
    let at = header.saturating_add(12);
    let part = |from: usize, len| take(info, at.saturating_add(from), len).ok_or(Closed::Damaged);
    let (salt, verifier, hash) = (part(4, 16)?, part(20, 16)?, part(40, 32)?);
    let fuel = u64::from(STANDARD_SPIN).saturating_mul(SPIN_FUEL);
    let (aes, source) = attempt(budget, fuel, |password| {
        let aes = Aes::new(between(&standard_key(password, salt), 0, length))?;
        let (mut verifier, mut hash) = (verifier.to_vec(), hash.to_vec());
        aes.blocks(&mut verifier);
        aes.blocks(&mut hash);
        (Sha1::digest(&verifier).as_slice() == between(&hash, 0, 20)).then_some(aes)
    })?;
    aes.blocks(data);
    Ok(source)
}

/// The key of a password: its hash over and over, then spread out (2.3.4.7).
fn standard_key(password: &str, salt: &[u8]) -> Vec<u8> {
    let mut hash = Sha1::new().chain_update(salt).chain_update(wide(password)).finalize();
    for round in 0..STANDARD_SPIN {
        hash = Sha1::new().chain_update(round.to_le_bytes()).chain_update(hash).finalize();
    }
    let hash = Sha1::new().chain_update(hash).chain_update(0_u32.to_le_bytes()).finalize();
    let spread = |fill: u8| {
        let mut pad = [fill; 64];
        pad.iter_mut().zip(hash).for_each(|(byte, mask)| *byte ^= mask);
        Sha1::digest(pad)
    };
    [spread(0x36), spread(0x5c)].concat()
}

/// The hashes of agile encryption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "SHA1" | "SHA-1" => Self::Sha1,
            "SHA256" | "SHA-256" => Self::Sha256,
            "SHA384" | "SHA-384" => Self::Sha384,
            "SHA512" | "SHA-512" => Self::Sha512,
            _ => return None,
        })
    }

    fn of(self, first: &[u8], second: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::new().chain_update(first).chain_update(second).finalize().to_vec(),
            Self::Sha256 => Sha256::new().chain_update(first).chain_update(second).finalize().to_vec(),
            Self::Sha384 => Sha384::new().chain_update(first).chain_update(second).finalize().to_vec(),
            Self::Sha512 => Sha512::new().chain_update(first).chain_update(second).finalize().to_vec(),
        }
    }
}

/// What the description of agile encryption says (2.3.4.10).
struct Agile {
    /// For the package: salt, hash, and how long a key is in bytes.
    salt: Vec<u8>,
    hash: Hash,
    key: usize,
    /// The same for the password.
    password_salt: Vec<u8>,
    password_hash: Hash,
    password_key: usize,
    spin: u32,
    /// What is kept to tell a right password, and the key of the package, encrypted.
    input: Vec<u8>,
    value: Vec<u8>,
    key_value: Vec<u8>,
}

impl Agile {
    /// Reads what is looked for by its name, without a reader of XML.
    fn read(xml: &[u8]) -> Option<Self> {
        let xml = String::from_utf8_lossy(xml);
        let data = element(&xml, "keyData")?;
        let password = element(&xml, "encryptedKey")?;
        for part in [data, password] {
            let aes = attribute(part, "cipherAlgorithm") == Some("AES");
            if !aes || attribute(part, "cipherChaining") != Some("ChainingModeCBC") {
                return None;
            }
        }
        let bytes = |part, name| attribute(part, name).map(|text| transfer::base64(text.as_bytes(), MAX_INFO).bytes);
        let length = |part| attribute(part, "keyBits").and_then(|bits| bits.parse::<usize>().ok()).map(|bits| bits / 8);
        Some(Self {
            salt: bytes(data, "saltValue")?,
            hash: Hash::find(attribute(data, "hashAlgorithm")?)?,
            key: length(data)?,
            password_salt: bytes(password, "saltValue")?,
            password_hash: Hash::find(attribute(password, "hashAlgorithm")?)?,
            password_key: length(password)?,
            spin: attribute(password, "spinCount")?.parse().ok().filter(|spin| *spin <= MAX_SPIN)?,
            input: bytes(password, "encryptedVerifierHashInput")?,
            value: bytes(password, "encryptedVerifierHashValue")?,
            key_value: bytes(password, "encryptedKeyValue")?,
        })
    }

    fn decrypt(&self, data: &mut [u8], budget: &mut Budget) -> Result<PasswordSource, Closed> {
        let fuel = u64::from(self.spin).saturating_mul(SPIN_FUEL).saturating_add(SPIN_FUEL);
        let (key, source) = attempt(budget, fuel, |password| self.key(password))?;
        let aes = Aes::new(between(&key, 0, self.key)).ok_or(Closed::Damaged)?;
        for (number, segment) in (0_u32..).zip(data.chunks_mut(SEGMENT)) {
            budget.burn(SEGMENT as u64)?;
            let vector = self.hash.of(&self.salt, &number.to_le_bytes());
            aes.chain(&vector, segment);
        }
        Ok(source)
    }

    /// The key of the package, if the password is right (2.3.4.11 to 2.3.4.13).
    fn key(&self, password: &str) -> Option<Vec<u8>> {
        let mut hash = self.password_hash.of(&self.password_salt, &wide(password));
        for round in 0..self.spin {
            hash = self.password_hash.of(&round.to_le_bytes(), &hash);
        }
        let undo = |block: &[u8], data: &[u8]| {
            let mut key = self.password_hash.of(&hash, block);
            key.resize(self.password_key.min(32), 0x36);
            let mut data = data.to_vec();
            Aes::new(&key)?.chain(&self.password_salt, &mut data);
            Some(data)
        };
        let input = undo(&VERIFIER_INPUT, &self.input)?;
        let expected = self.password_hash.of(between(&input, 0, self.password_salt.len()), &[]);
        let value = undo(&VERIFIER_VALUE, &self.value)?;
        let right = value.starts_with(&expected);
        right.then(|| undo(&KEY_VALUE, &self.key_value)).flatten()
    }
}

/// The attributes of the first element of a name, whatever stands before its colon.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    xml.split('<').skip(1).find_map(|tag| {
        let tag = tag.split('>').next()?;
        let (full, attributes) = tag.split_once(|letter: char| letter.is_ascii_whitespace())?;
        (full.rsplit(':').next() == Some(name)).then_some(attributes)
    })
}

/// An attribute's value.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    attributes.split_ascii_whitespace().find_map(|pair| {
        let value = pair.strip_prefix(name)?.strip_prefix('=')?;
        let value = value.strip_prefix(['"', '\''])?;
        value.split(['"', '\'']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Limits, StopFlag};
    use crate::passwords::Passwords;

    /// Standard encryption: salt and verifier are those of a file that Office wrote, by the tests of
    /// msoffcrypto-tool.
    const INFO: &str = "AwACACQAAAAiAAAAJAAAAAAAAAAOZgAABIAAAIAAAAAYAAAAAAAAAAAAAAAAABAAAADogmZJDFvR7r0rQ5Tj+DDvUW9zLpZv\
    rBexxdfYzDbJKBQAAAArYWjavikRrSvTfBdGdFwU088bsUCkj05vPSOICHKxag==";
    const PACKAGE: &str = "IgAAAAAAAAAgjTDb4MEeFmr13naRNiYthHI3z5GDP9pdJ8fYzb3m+v6hLftP4hJnA7qc1cR4kPg=";

    #[test]
    fn a_standard_package_opens_with_its_password_alone() {
        let bytes = |text: &str| base64_simd::STANDARD.decode_to_vec(text).unwrap();
        let open = |passwords: &[&str]| {
            let mut all = Passwords::empty();
            passwords.iter().for_each(|password| all.add(password, PasswordSource::Message));
            let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(all);
            encrypted_package(&bytes(INFO), &bytes(PACKAGE), &mut budget)
        };
        let plain = b"PK\x03\x04 a package in AES blocks.....\0";
        assert_eq!(open(&["Password1234_"]), Ok((plain.to_vec(), PasswordSource::Message)));
        assert_eq!(open(&["password1234_"]), Err(Closed::Encrypted));
    }

    #[test]
    fn passwords_cost_fuel_and_too_many_rounds_are_refused() {
        let mut budget = Budget::new(Limits { fuel: 100_000_000, ..Limits::default() }, StopFlag::new());
        let xml = |spin: u32| {
            let mut info = b"\x04\0\x04\0\x40\0\0\0".to_vec();
            info.extend(format!(
                "<e><keyData saltValue=\"AAAA\" hashAlgorithm=\"SHA512\" keyBits=\"256\" cipherAlgorithm=\"AES\" \
                 cipherChaining=\"ChainingModeCBC\"/><p:encryptedKey spinCount=\"{spin}\" saltValue=\"AAAA\" \
                 hashAlgorithm=\"SHA512\" keyBits=\"256\" cipherAlgorithm=\"AES\" cipherChaining=\"ChainingModeCBC\" \
                 encryptedVerifierHashInput=\"AA==\" encryptedVerifierHashValue=\"AA==\" encryptedKeyValue=\"AA==\"/></e>"
            ).bytes());
            info
        };
        assert_eq!(encrypted_package(&xml(3_000_000), &[0; 8], &mut budget), Err(Closed::Encrypted));
        // What trials may cost is a part of the whole, so that the rest of the message is still looked at.
        assert_eq!(encrypted_package(&xml(300_000), &[0; 8], &mut budget), Err(Closed::Encrypted));
        assert!(budget.fuel_used() <= 30_000_000, "{}", budget.fuel_used());
    }
}
