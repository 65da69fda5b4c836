//! The manifest (ODF 1.3 part 2, 4): which parts are encrypted, and how.
//!
//! Limit: [`MAX_ENTRIES`]; what further parts are encrypted with is not known, and they are read as
//! they stand.

use std::collections::BTreeMap;

use mail::transfer;

use crate::xml::{self, Event, Reader, Tag};

/// Most encrypted parts of one document.
const MAX_ENTRIES: usize = 16_384;
/// Longest salt, vector or checksum, in bytes.
const MAX_VALUE: usize = 256;

/// How a part's content is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Cipher {
    /// AES-256 in CBC mode.
    Aes256Cbc,
    /// AES-256 in GCM mode, the vector in front of the content, the tag behind it: LibreOffice since 24.8.
    Aes256Gcm,
    /// Blowfish in CFB mode, 64 bits at a time: ODF 1.1 and before.
    Blowfish,
    /// One that is not read here.
    #[default]
    Other,
}

/// How one part is encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Encryption {
    /// Size of the content once it is decrypted and decompressed, in bytes.
    pub(super) size: u64,
    pub(super) cipher: Cipher,
    pub(super) vector: Vec<u8>,
    /// The key is made by PBKDF2 with HMAC-SHA-1.
    pub(super) pbkdf2: bool,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
    /// The key is made by Argon2id.
    pub(super) argon2: Option<Argon2id>,
    /// Length of the key, in bytes.
    pub(super) key: usize,
    /// The password is hashed by SHA-256 first, otherwise by SHA-1.
    pub(super) sha256: bool,
    /// The checksum is one by SHA-256, otherwise by SHA-1; of the first 1024 bytes, otherwise of all.
    pub(super) check_sha256: bool,
    pub(super) check_first: bool,
    pub(super) check: Vec<u8>,
}

/// What Argon2id (RFC 9106) is to work with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Argon2id {
    pub(super) passes: u32,
    /// In KiB.
    pub(super) memory: u32,
    pub(super) lanes: u32,
}

/// What the manifest says.
#[derive(Default, Debug)]
pub(super) struct Manifest {
    entries: BTreeMap<String, Encryption>,
    /// There were more entries than are kept.
    pub(super) more: bool,
}

impl Manifest {
    /// Reads one; of several the first that tells of a part counts.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let text = xml::decode(bytes);
        let mut present: Option<(String, u64, Option<Encryption>)> = None;
        for event in Reader::new(&text) {
            match event {
                Event::Start(tag) if tag.name == "file-entry" => {
                    let path = tag.get("full-path").unwrap_or_default().into_owned();
                    present = Some((path, number(&tag, "size"), None)).filter(|_| !tag.empty);
                }
                Event::Start(tag) => {
                    if let Some((_, size, encryption)) = &mut present {
                        detail(&tag, *size, encryption);
                    }
                }
                Event::End("file-entry") => {
                    let Some((path, _, Some(encryption))) = present.take() else { continue };
                    if self.entries.len() < MAX_ENTRIES {
                        self.entries.entry(path).or_insert(encryption);
                    } else {
                        self.more = true;
                    }
                }
                _ => {}
            }
        }
    }

    /// How a part is encrypted, if it is.
    pub(super) fn encryption(&self, name: &str) -> Option<&Encryption> {
        self.entries.get(name)
    }
}

/// A number; 0 where there is none.
fn number(tag: &Tag<'_>, name: &str) -> u64 {
    tag.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Bytes in base64.
fn bytes(tag: &Tag<'_>, name: &str) -> Vec<u8> {
    tag.get(name).map(|value| transfer::base64(value.as_bytes(), MAX_VALUE).bytes).unwrap_or_default()
}

/// One element below an entry.
fn detail(tag: &Tag<'_>, size: u64, encryption: &mut Option<Encryption>) {
    let name = |attribute: &str| tag.get(attribute).unwrap_or_default().to_ascii_lowercase();
    if tag.name == "encryption-data" {
        let kind = name("checksum-type");
        *encryption = Some(Encryption {
            size,
            key: 16,
            check_sha256: kind.contains("sha256"),
            check_first: kind.contains("1k"),
            check: bytes(tag, "checksum"),
            ..Encryption::default()
        });
        return;
    }
    let Some(encryption) = encryption else { return };
    match tag.name {
        "algorithm" => {
            let algorithm = name("algorithm-name");
            encryption.cipher = if algorithm.contains("aes256-cbc") {
                Cipher::Aes256Cbc
            } else if algorithm.contains("aes256-gcm") {
                Cipher::Aes256Gcm
            } else if algorithm.contains("blowfish") {
                Cipher::Blowfish
            } else {
                Cipher::Other
            };
            encryption.vector = bytes(tag, "initialisation-vector");
        }
        "key-derivation" => {
            let derivation = name("key-derivation-name");
            encryption.pbkdf2 = derivation.contains("pbkdf2");
            let cost = |attribute: &str| u32::try_from(number(tag, attribute)).unwrap_or(u32::MAX);
            encryption.argon2 = derivation.contains("argon2id").then(|| Argon2id {
                passes: cost("argon2-iterations"),
                memory: cost("argon2-memory"),
                lanes: cost("argon2-lanes"),
            });
            encryption.salt = bytes(tag, "salt");
            encryption.iterations = u32::try_from(number(tag, "iteration-count")).unwrap_or(u32::MAX);
            if let Some(length) = tag.get("key-size").and_then(|value| value.parse().ok()) {
                encryption.key = length;
            }
        }
        "start-key-generation" => encryption.sha256 = name("start-key-generation-name").contains("sha256"),
        _ => {}
    }
}
