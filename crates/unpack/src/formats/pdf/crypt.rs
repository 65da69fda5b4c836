//! The standard security handler (ISO 32000-2, section 7.6): RC4 of 40 to 128 bits, AES-128, AES-256
//! with revisions 5 and 6; with a user's or an owner's password.
//!
//! Limits: [`TRIAL_FUEL`] for each password. Not handled: handlers by public key.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use mail::evidence::PasswordSource;
use md5::{Digest, Md5};
use sha2::{Sha256, Sha384, Sha512};

use super::lex::{Dict, Value};
use crate::budget::Budget;
use crate::bytes::between;

/// How much work trying one password is, in fuel.
const TRIAL_FUEL: u64 = 2 << 20;
/// Most rounds of revision 6; it ends after about 70 of them (the last byte decides).
const MAX_ROUNDS: usize = 4096;
/// Fills passwords up (7.6.4.3.1).
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e, 0x2e, 0x00,
    0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

/// How something is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Method {
    Not,
    Rc4,
    Aes128,
    Aes256,
}

/// What a document says about its encryption.
struct Handler {
    version: usize,
    revision: usize,
    /// Length of the key, in bytes.
    length: usize,
    owner: Vec<u8>,
    user: Vec<u8>,
    owner_key: Vec<u8>,
    user_key: Vec<u8>,
    permissions: u32,
    id: Vec<u8>,
    metadata: bool,
}

/// The key of a document that was opened.
pub(super) struct Crypt {
    key: Vec<u8>,
    strings: Method,
    streams: Method,
    files: Method,
    metadata: bool,
    /// Where the password came from.
    pub(super) opened_with: PasswordSource,
}

/// What is decrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    String,
    Stream,
    /// An embedded file.
    File,
    /// The document's metadata, which may be left plain.
    Metadata,
}

impl Crypt {
    /// Finds the password of a document; `None` when none of them is right, or the method is not known.
    /// All values in the dictionary are direct ones.
    pub(super) fn open(encrypt: &Dict, id: &[u8], budget: &mut Budget) -> Option<Self> {
        if encrypt.get(b"Filter").and_then(Value::name).is_some_and(|filter| filter != b"Standard") {
            return None;
        }
        let handler = Handler::read(encrypt, id)?;
        let method = |key: &[u8]| handler.method(encrypt, key);
        let (strings, streams) = (method(b"StrF")?, method(b"StmF")?);
        let files = if encrypt.get(b"EFF").is_some() { method(b"EFF")? } else { streams };
        let passwords = budget.passwords();
        let empty = std::iter::once(("", PasswordSource::Empty));
        for (password, opened_with) in empty.chain(passwords.iter().filter(|(password, _)| !password.is_empty())) {
            if !budget.may_try(TRIAL_FUEL) {
                return None;
            }
            for raw in encodings(password) {
                if let Some(key) = handler.key(&raw) {
                    return Some(Self { key, strings, streams, files, metadata: handler.metadata, opened_with });
                }
            }
        }
        None
    }

    /// Decrypts a part of an object.
    pub(super) fn decrypt(&self, part: Part, number: u32, generation: u16, data: &[u8]) -> Vec<u8> {
        let method = match part {
            Part::String => self.strings,
            Part::Stream => self.streams,
            Part::File => self.files,
            Part::Metadata if !self.metadata => Method::Not,
            Part::Metadata => self.streams,
        };
        if method == Method::Not {
            return data.to_vec();
        }
        if method == Method::Aes256 {
            return aes_cbc_decrypt(&self.key, data);
        }
        // 7.6.3.1, algorithm 1: each object has a key of its own.
        let mut hash = Md5::new();
        hash.update(&self.key);
        hash.update(between(&number.to_le_bytes(), 0, 3));
        hash.update(generation.to_le_bytes());
        if method == Method::Aes128 {
            hash.update(b"sAlT");
        }
        let hash = hash.finalize();
        let key = between(&hash, 0, self.key.len().saturating_add(5).min(16));
        if method == Method::Aes128 { aes_cbc_decrypt(key, data) } else { rc4(key, data) }
    }
}

impl Handler {
    fn read(encrypt: &Dict, id: &[u8]) -> Option<Self> {
        let size = |key: &[u8]| encrypt.get(key).and_then(Value::size);
        let text = |key: &[u8]| encrypt.get(key).and_then(Value::text).unwrap_or_default().to_vec();
        let version = size(b"V").unwrap_or(0);
        let revision = size(b"R")?;
        let bits = if version == 1 { 40 } else { size(b"Length").unwrap_or(if version >= 4 { 128 } else { 40 }) };
        // Some programs write the length in bytes.
        let length = if bits < 40 { bits } else { bits / 8 };
        let permissions = encrypt.get(b"P").and_then(Value::number).unwrap_or(0.0);
        let known = matches!(version, 1..=5) && matches!(revision, 2..=6);
        known.then(|| Self {
            version,
            revision,
            length: if version == 4 { 16 } else { length.clamp(5, 16) },
            owner: text(b"O"),
            user: text(b"U"),
            owner_key: text(b"OE"),
            user_key: text(b"UE"),
            permissions: (permissions as i64) as u32,
            id: id.to_vec(),
            metadata: encrypt.get(b"EncryptMetadata") != Some(&Value::Bool(false)),
        })
    }

    /// How strings, streams or files are encrypted; `None`: in a way that is not known.
    fn method(&self, encrypt: &Dict, key: &[u8]) -> Option<Method> {
        if self.version < 4 {
            return Some(Method::Rc4);
        }
        let Some(name) = encrypt.get(key).and_then(Value::name).filter(|name| *name != b"Identity") else {
            return Some(Method::Not);
        };
        let filter = encrypt.get(b"CF").and_then(Value::dict)?.get(name)?.dict()?;
        match filter.get(b"CFM").and_then(Value::name).unwrap_or(b"None") {
            b"None" => Some(Method::Not),
            b"V2" => Some(Method::Rc4),
            b"AESV2" => Some(Method::Aes128),
            b"AESV3" => Some(Method::Aes256),
            _ => None,
        }
    }

    /// The document's key, if this is the user's or the owner's password.
    fn key(&self, password: &[u8]) -> Option<Vec<u8>> {
        if self.revision >= 5 {
            return self.key_of_256(password);
        }
        self.key_of_user(password).or_else(|| self.key_of_user(&self.user_of_owner(password)))
    }

    /// Algorithms 2, 4, 5 and 6.
    fn key_of_user(&self, password: &[u8]) -> Option<Vec<u8>> {
        let mut hash = Md5::new();
        hash.update(padded(password));
        hash.update(between(&self.owner, 0, 32));
        hash.update(self.permissions.to_le_bytes());
        hash.update(&self.id);
        if self.revision >= 4 && !self.metadata {
            hash.update([0xff; 4]);
        }
        let mut key = hash.finalize().to_vec();
        key.truncate(self.length);
        if self.revision >= 3 {
            for _ in 0..50 {
                key = Md5::digest(&key).to_vec();
                key.truncate(self.length);
            }
        } else {
            key.truncate(5);
        }
        let right = if self.revision == 2 {
            rc4(&key, &PADDING) == between(&self.user, 0, 32)
        } else {
            let mut hash = Md5::new();
            hash.update(PADDING);
            hash.update(&self.id);
            let expected = (0..20).fold(hash.finalize().to_vec(), |text, round| rc4(&mixed(&key, round), &text));
            self.user.len() >= 16 && expected == between(&self.user, 0, 16)
        };
        right.then_some(key)
    }

    /// Algorithm 7: the user's password by the owner's.
    fn user_of_owner(&self, password: &[u8]) -> Vec<u8> {
        let mut key = Md5::digest(padded(password)).to_vec();
        if self.revision >= 3 {
            for _ in 0..50 {
                key = Md5::digest(&key).to_vec();
            }
        }
        key.truncate(if self.revision == 2 { 5 } else { self.length });
        let owner = between(&self.owner, 0, 32).to_vec();
        if self.revision == 2 {
            return rc4(&key, &owner);
        }
        (0..20).rev().fold(owner, |text, round| rc4(&mixed(&key, round), &text))
    }

    /// Algorithm 2.A.
    fn key_of_256(&self, password: &[u8]) -> Option<Vec<u8>> {
        let password = between(password, 0, 127);
        let user = between(&self.user, 0, 48);
        if self.user.len() < 48 || self.owner.len() < 48 {
            return None;
        }
        let owner_tried = self.hash(password, between(&self.owner, 32, 40), user);
        let (salt, user, wrapped) = if owner_tried == between(&self.owner, 0, 32) {
            (between(&self.owner, 40, 48), user, &self.owner_key)
        } else if self.hash(password, between(user, 32, 40), b"") == between(user, 0, 32) {
            (between(user, 40, 48), &[][..], &self.user_key)
        } else {
            return None;
        };
        let key = self.hash(password, salt, user);
        let plain = aes_cbc(&key, &[0; 16], between(wrapped, 0, 32));
        (plain.len() == 32).then_some(plain)
    }

    /// SHA-256, or algorithm 2.B in revision 6.
    fn hash(&self, password: &[u8], salt: &[u8], user: &[u8]) -> Vec<u8> {
        let mut key = Sha256::digest([password, salt, user].concat()).to_vec();
        if self.revision == 5 {
            return key;
        }
        for round in 0..MAX_ROUNDS {
            let block = [password, &key, user].concat().repeat(64);
            let made = aes_cbc_encrypt(between(&key, 0, 16), between(&key, 16, 32), block);
            let rest = made.iter().take(16).fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte))) % 3;
            key = match rest {
                0 => Sha256::digest(&made).to_vec(),
                1 => Sha384::digest(&made).to_vec(),
                _ => Sha512::digest(&made).to_vec(),
            };
            if round >= 63 && usize::from(made.last().copied().unwrap_or(0)) <= round.saturating_sub(31) {
                break;
            }
        }
        key.truncate(32);
        key
    }
}

/// A password in the encodings that programs use: UTF-8, and ISO 8859-1 if it fits.
fn encodings(password: &str) -> Vec<Vec<u8>> {
    let mut all = vec![password.as_bytes().to_vec()];
    if !password.is_ascii() {
        all.extend(password.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<u8>>>());
    }
    all
}

/// A password filled up to 32 bytes.
fn padded(password: &[u8]) -> Vec<u8> {
    password.iter().chain(&PADDING).take(32).copied().collect()
}

/// A key for one of the rounds.
fn mixed(key: &[u8], round: u8) -> Vec<u8> {
    key.iter().map(|byte| byte ^ round).collect()
}

/// RC4.
pub(super) fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|at| at as u8);
    let get = |state: &[u8; 256], at: u8| state.get(usize::from(at)).copied().unwrap_or(0);
    let mut j = 0_u8;
    for (i, key) in (0..=255_u8).zip(key.iter().cycle()) {
        j = j.wrapping_add(get(&state, i)).wrapping_add(*key);
        state.swap(usize::from(i), usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    let mut next = || {
        i = i.wrapping_add(1);
        j = j.wrapping_add(get(&state, i));
        state.swap(usize::from(i), usize::from(j));
        get(&state, get(&state, i).wrapping_add(get(&state, j)))
    };
    data.iter().map(|byte| byte ^ next()).collect()
}

/// Changes one block.
type Cipher = Box<dyn Fn(&mut [u8; 16])>;

/// AES of this key's length in CBC mode, without padding; what is no whole block is left out.
fn aes_cbc(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
    let decrypt: Cipher = if let Ok(cipher) = aes::Aes128::new_from_slice(key) {
        Box::new(move |block| cipher.decrypt_block(block.into()))
    } else if let Ok(cipher) = aes::Aes256::new_from_slice(key) {
        Box::new(move |block| cipher.decrypt_block(block.into()))
    } else {
        return Vec::new();
    };
    let mut before = iv.to_vec();
    let mut out = Vec::with_capacity(data.len());
    for block in data.chunks_exact(16) {
        let Ok(mut plain) = <[u8; 16]>::try_from(block) else { break };
        decrypt(&mut plain);
        out.extend(plain.iter().zip(&before).map(|(a, b)| a ^ b));
        before = block.to_vec();
    }
    out
}

/// The same with the first block as what stands before the first, and padding at the end.
fn aes_cbc_decrypt(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut plain = aes_cbc(key, between(data, 0, 16), between(data, 16, data.len()));
    let padding = plain.last().map_or(0, |last| usize::from(*last));
    if (1..=16).contains(&padding) {
        plain.truncate(plain.len().saturating_sub(padding));
    }
    plain
}

/// AES-128 in CBC mode, forwards.
fn aes_cbc_encrypt(key: &[u8], iv: &[u8], mut data: Vec<u8>) -> Vec<u8> {
    let Ok(cipher) = aes::Aes128::new_from_slice(key) else { return data };
    let mut before = iv.to_vec();
    for block in data.chunks_exact_mut(16) {
        block.iter_mut().zip(&before).for_each(|(a, b)| *a ^= b);
        let Ok(mut made) = <[u8; 16]>::try_from(&*block) else { break };
        cipher.encrypt_block((&mut made).into());
        block.copy_from_slice(&made);
        before = made.to_vec();
    }
    data
}
