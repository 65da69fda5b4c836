//! Signatures of our own: DKIM with RSA and Ed25519 keys (RFC 6376, RFC 8301, RFC 8463).
//!
//! The domain in From decides who signs, so that the signature is aligned; every key of that domain
//! signs. What says who wrote, to whom, about what and in which form is signed once more than it is
//! there, so that nobody can add another one. There is never an `l=`.

use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use mail::address::below;
use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::{Algorithm, DkimKey, Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::{HeaderWriter, Writable};
use mail_auth::dkim::DkimSigner;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use settings::config::{Dkim, SealWhen, Signing};
use settings::secret_file;

use super::seal::{Sealed, Sealer};

/// The shortest RSA key that signs, in bits (RFC 8301 section 3.2).
pub const MIN_BITS: usize = 2048;
/// Most bytes of a key file.
const MAX_KEY_FILE: u64 = 64 * 1024;
/// Longest string of a TXT record (RFC 1035 section 3.3.14).
const MAX_STRING: usize = 255;

/// Fields that are signed once more than they are there, even where they are not.
pub(super) const OVERSIGNED: [&str; 8] =
    ["From", "To", "Cc", "Subject", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
/// Fields that are signed once more than they are there, if they are: mail servers behind us add them where they
/// are missing (RFC 6409 section 8), which must not break the signature.
pub(super) const OVERSIGNED_IF_THERE: [&str; 2] = ["Date", "Message-ID"];
/// Fields that are signed as they are there.
pub(super) const SIGNED: [&str; 2] = ["In-Reply-To", "References"];

/// Which kind of key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// RSA with so many bits: 2048, 3072 or 4096.
    Rsa(usize),
    /// Ed25519. Not every receiver can verify it: use it beside an RSA key.
    Ed25519,
}

/// A private key, in two forms: one signs, one is shown.
struct Key {
    signs: DkimKey,
    record: String,
}

/// A new private key as a PKCS #8 file in PEM.
///
/// # Errors
/// The number of bits is none of those; or there is no randomness.
pub fn generate(kind: KeyKind) -> Result<String, String> {
    let failed = |_| "the system gives no randomness".to_owned();
    let der = match kind {
        KeyKind::Rsa(bits) => {
            let size = match bits {
                2048 => KeySize::Rsa2048,
                3072 => KeySize::Rsa3072,
                4096 => KeySize::Rsa4096,
                other => return Err(format!("{other} bits: a key has 2048, 3072 or 4096")),
            };
            let key = RsaKeyPair::generate(size).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
            der.as_ref().to_vec()
        }
        KeyKind::Ed25519 => Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(failed)?.as_ref().to_vec(),
    };
    let text = base64_simd::STANDARD.encode_to_string(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

/// Reads a private key: PKCS #8 or PKCS #1, in PEM.
fn key(pem: &[u8]) -> Result<Key, String> {
    let der = PrivateKeyDer::from_pem_slice(pem).map_err(|e| format!("it is no private key in PEM: {e}"))?;
    let rsa = match &der {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err("it is neither an RSA nor an Ed25519 key".to_owned()),
    };
    if let Ok(pair) = rsa {
        let bits = pair.public_modulus_len() * 8;
        if bits < MIN_BITS {
            return Err(format!("the key has {bits} bits; under {MIN_BITS} receivers do not trust it (RFC 8301)"));
        }
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| "its public key is not to be had")?;
        let record = record("rsa", public.as_ref());
        let signs = RsaKey::<Sha256>::from_key_der(der).map_err(|e| e.to_string())?;
        return Ok(Key { signs: signs.into(), record });
    }
    let PrivateKeyDer::Pkcs8(der) = &der else { return Err("it is no RSA key that can be used".to_owned()) };
    let der = der.secret_pkcs8_der();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
        .map_err(|_| "it is neither an RSA key that can be used nor an Ed25519 key")?;
    let signs = Ed25519Key::from_pkcs8_maybe_unchecked_der(der).map_err(|e| e.to_string())?;
    Ok(Key { signs: signs.into(), record: record("ed25519", pair.public_key().as_ref()) })
}

fn record(kind: &str, public: &[u8]) -> String {
    format!("v=DKIM1; k={kind}; p={}", base64_simd::STANDARD.encode_to_string(public))
}

/// What belongs into the DNS for one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRecord {
    /// The name: `selector._domainkey.domain`.
    pub name: String,
    /// The text of the TXT record.
    pub text: String,
}

impl KeyRecord {
    /// The record as a line of a zone file, in strings of at most 255 bytes.
    pub fn zone_line(&self) -> String {
        let strings: Vec<String> = self
            .text
            .as_bytes()
            .chunks(MAX_STRING)
            .map(|part| format!("\"{}\"", String::from_utf8_lossy(part)))
            .collect();
        format!("{}. IN TXT ( {} )", self.name, strings.join(" "))
    }
}

/// One key that signs for one domain.
struct Signer {
    domain: String,
    record: KeyRecord,
    selector: String,
    key: DkimKey,
}

impl Signer {
    /// The field that signs this message.
    fn sign(&self, raw: &[u8]) -> Result<String, String> {
        let message = AuthenticatedMessage::parse(raw);
        let there = |name: &str| {
            let mut names = message.iter().flat_map(|message| message.raw_parsed_headers()).map(|(name, _)| name);
            names.any(|field| field.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()))
        };
        // A name in the list without a field says that there must never be one.
        let as_there = SIGNED.iter().copied().filter(|name| there(name));
        let once_more = OVERSIGNED_IF_THERE.iter().filter(|name| there(name)).chain(&OVERSIGNED);
        let fields: Vec<&str> = once_more.flat_map(|name| [*name, *name]).chain(as_there).collect();
        let signer = DkimSigner::from_key(KeyOf(&self.key)).domain(self.domain.as_str());
        let signature = signer.selector(self.selector.as_str()).headers(fields).sign(raw);
        signature.map(|signature| signature.to_header()).map_err(|e| format!("{}: {e}", self.record.name))
    }
}

/// A key that stays where it is.
struct KeyOf<'a>(&'a DkimKey);

impl SigningKey for KeyOf<'_> {
    type Hasher = <DkimKey as SigningKey>::Hasher;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        self.0.sign(input)
    }

    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }
}

/// A domain with a key that cannot be used.
struct Broken {
    domain: String,
    why: String,
}

/// Every key that signs, and the one that seals.
#[derive(Default)]
pub struct Signers {
    keys: Vec<Signer>,
    broken: Vec<Broken>,
    sealer: Option<Sealer>,
    signing: Signing,
}

impl std::fmt::Debug for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|signer| &signer.record.name)).finish()
    }
}

impl Signers {
    /// Reads the keys. Those that cannot be used are told by [`Signers::problems`].
    pub fn load(config: &[Dkim], signing: &Signing) -> Self {
        let mut all = Self { signing: signing.clone(), ..Self::default() };
        for (at, dkim) in config.iter().enumerate() {
            let domain = to_name(&dkim.domain);
            match signer(at, dkim) {
                Ok(signer) => all.keys.push(signer),
                Err(why) => all.broken.push(Broken { domain, why }),
            }
        }
        let seals = to_name(&signing.seal_domain);
        if let Some((at, dkim)) = config.iter().enumerate().find(|(_, dkim)| to_name(&dkim.domain) == seals)
            && let Ok(key) = loaded(at, dkim)
        {
            all.sealer = Some(Sealer { domain: seals, selector: dkim.selector.clone(), key: key.signs });
        }
        all
    }

    /// What is wrong with keys that cannot be used, each with its file.
    pub fn problems(&self) -> Vec<&str> {
        self.broken.iter().map(|broken| broken.why.as_str()).collect()
    }

    /// The same, if every key can be used.
    ///
    /// # Errors
    /// One cannot; the text names its file.
    pub fn whole(self) -> Result<Self, String> {
        match self.broken.first() {
            Some(broken) => Err(broken.why.clone()),
            None => Ok(self),
        }
    }

    /// Whether there is no key at all, not even a broken one.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.broken.is_empty()
    }

    /// What is to be done, and what not.
    pub fn settings(&self) -> &Signing {
        &self.signing
    }

    /// Which mail is sealed; `None` if there is no key to do it.
    pub fn seals(&self) -> Option<SealWhen> {
        self.sealer.as_ref().map(|_| self.signing.seal)
    }

    /// What belongs into the DNS, key by key.
    pub fn records(&self) -> Vec<KeyRecord> {
        self.keys.iter().map(|signer| signer.record.clone()).collect()
    }

    /// The header fields that sign a message, to be put above everything else; empty if no key is for
    /// its author. A key of `example.org` is also for authors below it, as long as they have none of
    /// their own.
    ///
    /// # Errors
    /// The message has not exactly one author, or no key of its author's can be used.
    pub fn sign(&self, raw: &[u8]) -> Result<Vec<u8>, String> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let (authors, one, _) = super::authors(raw);
        let all = || self.keys.iter().map(|key| &key.domain).chain(self.broken.iter().map(|broken| &broken.domain));
        let Some(author) = authors.iter().find(|author| all().any(|domain| below(author, domain))) else {
            return Ok(Vec::new());
        };
        if !one {
            return Err("From does not name exactly one author".to_owned());
        }
        let longest = all().filter(|domain| below(author, domain)).map(String::len).max().unwrap_or(0);
        let is_its = |domain: &str| below(author, domain) && domain.len() == longest;
        let mut out = Vec::new();
        for signer in self.keys.iter().filter(|signer| is_its(&signer.domain)) {
            out.extend_from_slice(signer.sign(raw)?.as_bytes());
        }
        match self.broken.iter().find(|broken| is_its(&broken.domain)) {
            Some(broken) if out.is_empty() => Err(broken.why.clone()),
            _ => Ok(out),
        }
    }

    /// The header fields that seal a message, to be put above everything else; empty if nothing seals.
    ///
    /// # Errors
    /// The chain cannot be continued, or the key fails.
    pub fn seal(&self, what: Sealed<'_>) -> Result<Vec<u8>, String> {
        self.sealer.as_ref().map_or(Ok(Vec::new()), |sealer| sealer.seal(what))
    }
}

/// A domain in lower case, without a final dot.
fn to_name(domain: &str) -> String {
    domain.trim_end_matches('.').to_lowercase()
}

/// The key of a table of the configuration.
fn loaded(at: usize, dkim: &Dkim) -> Result<Key, String> {
    let path = dkim.key.as_deref().ok_or(format!("dkim[{at}].key is not set"))?;
    let path = secret_file(path);
    read_key(&path).map_err(|why| format!("{}: {why} (dkim[{at}].key)", path.display()))
}

fn signer(at: usize, dkim: &Dkim) -> Result<Signer, String> {
    let key = loaded(at, dkim)?;
    let domain = to_name(&dkim.domain);
    let name = format!("{}._domainkey.{domain}", dkim.selector);
    let record = KeyRecord { name, text: key.record };
    Ok(Signer { domain, record, selector: dkim.selector.clone(), key: key.signs })
}

/// Reads a key file.
fn read_key(path: &Path) -> Result<Key, String> {
    let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size > MAX_KEY_FILE {
        return Err(format!("{size} bytes are too many for a key"));
    }
    key(&std::fs::read(path).map_err(|e| e.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_read_back_and_say_what_belongs_into_the_dns() {
        for (kind, length, prefix) in
            [(KeyKind::Rsa(2048), 392, "v=DKIM1; k=rsa; p=MIIBIj"), (KeyKind::Ed25519, 44, "v=DKIM1; k=ed25519; p=")]
        {
            let record = key(generate(kind).unwrap().as_bytes()).unwrap().record;
            assert!(record.starts_with(prefix), "{record}");
            assert_eq!(record.rsplit("p=").next().map(str::len), Some(length), "{record}");
        }
        assert!(generate(KeyKind::Rsa(1024)).is_err());
    }

    #[test]
    fn what_is_no_key_that_signs_is_refused() {
        for text in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "x"] {
            assert!(key(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_record_is_cut_into_strings() {
        let record = KeyRecord { name: "s._domainkey.example.org".to_owned(), text: "x".repeat(600) };
        let line = record.zone_line();
        let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        assert!(line.starts_with("s._domainkey.example.org. IN TXT ( \"x"));
        assert_eq!(strings.iter().map(|s| s.len()).collect::<Vec<_>>(), [255, 255, 90]);
    }
}
