//! The installation key: 32 random bytes in the file `key`, and the keys that are made from it.
//!
//! Each purpose has a key of its own (HKDF-SHA256, RFC 5869), so that none of them says anything about
//! another. Without the file, Backup cannot be read: [`crate::Store::export_key`] prints it for a safe.
//! Wiping memory is best effort: copies that the compiler or the kernel made are not reached.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::{aead, digest, hkdf, hmac, rand};

use crate::base32;
use crate::error::{StoreError, io_error};
use crate::files::sync_dir;
use crate::release::ReleaseMarker;

/// Bytes of the installation key.
const KEY: usize = 32;
/// Bytes of the check in a printed key.
const CHECK: usize = 3;
/// What a printed key begins with; the number is the version of the form.
const PREFIX: &str = "MAILWARD-KEY-1:";
/// Most characters of a printed key that are looked at.
const MAX_KEY_TEXT: usize = 256;

/// A value that must not be shown: no `Debug`, no `Display`, wiped when dropped (best effort).
pub struct Secret<T: Wipe>(T);

/// How a secret is overwritten.
pub trait Wipe {
    /// Overwrites the value with zeros.
    fn wipe(&mut self);
}

impl<const N: usize> Wipe for [u8; N] {
    fn wipe(&mut self) {
        self.fill(0);
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.fill(0);
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        std::mem::take(self).into_bytes().wipe();
    }
}

impl<T: Wipe> Secret<T> {
    /// Marks a value as secret.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one use it is made for.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
        // Keeps the compiler from leaving out a write that nothing reads.
        std::hint::black_box(&self.0);
    }
}

/// An installation key as a text for paper: `MAILWARD-KEY-1:` and 14 groups of four characters, a
/// check included. Reading forgives case, spaces, hyphens and O/0, I/L/1.
pub struct KeyText(Secret<String>);

impl KeyText {
    /// Takes a text that somebody typed; whether it is a key is found when it is used.
    pub fn new(text: &str) -> Self {
        Self(Secret::new(text.chars().take(MAX_KEY_TEXT).collect()))
    }

    /// The text, to be printed or written where the operator wants it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The installation key and what is made from it.
pub(crate) struct Keys {
    root: Secret<[u8; KEY]>,
    /// Makes the key of each sealed file.
    sealing: hkdf::Prk,
    /// Names contents.
    pub(crate) address: hmac::Key,
    /// Names clients and addresses of greylisting.
    pub(crate) greylist: hmac::Key,
    /// Names who wrote to us, and whom we wrote to.
    pub(crate) contacts: hmac::Key,
    /// Signs what was released.
    pub(crate) release: ReleaseMarker,
    /// Tells keys apart without telling anything about them.
    pub(crate) check: [u8; 32],
}

impl Keys {
    /// Derives everything from the 32 bytes.
    fn derive(root: Secret<[u8; KEY]>) -> Result<Self, StoreError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"mailward installation key 1");
        let prk = salt.extract(root.expose());
        let expand = |purpose: &'static [u8]| -> Result<hmac::Key, StoreError> {
            let info = [purpose];
            let okm = prk.expand(&info, hmac::HMAC_SHA256).map_err(|_| StoreError::Crypto)?;
            Ok(hmac::Key::from(okm))
        };
        let info: [&[u8]; 1] = [b"seal"];
        let sealing = hkdf::Prk::from(prk.expand(&info, hkdf::HKDF_SHA256).map_err(|_| StoreError::Crypto)?);
        let tag = hmac::sign(&expand(b"check")?, b"which key");
        let mut check = [0u8; 32];
        for (to, from) in check.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        let release = ReleaseMarker::new(expand(b"release")?);
        Ok(Self {
            sealing,
            address: expand(b"address")?,
            greylist: expand(b"greylist")?,
            contacts: expand(b"contacts")?,
            release,
            check,
            root,
        })
    }

    /// The key of one sealed file, from the file's random salt.
    pub(crate) fn file_key(&self, salt: &[u8]) -> Result<aead::LessSafeKey, StoreError> {
        let info: [&[u8]; 2] = [b"blob 1", salt];
        let okm = self.sealing.expand(&info, &aead::AES_256_GCM).map_err(|_| StoreError::Crypto)?;
        Ok(aead::LessSafeKey::new(aead::UnboundKey::from(okm)))
    }

    /// A new random key, in memory only.
    pub(crate) fn random() -> Result<Self, StoreError> {
        let mut root = Secret::new([0u8; KEY]);
        rand::fill(&mut root.0).map_err(|_| StoreError::Crypto)?;
        Self::derive(root)
    }

    /// Reads the key file; `None` if there is none. A file that others may read is closed to them.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = path(dir);
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io_error("open", &path, e)),
        };
        let meta = file.metadata().map_err(|e| io_error("look at", &path, e))?;
        if meta.permissions().mode() & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "the installation key was open to other users; closed it to them");
            file.set_permissions(fs::Permissions::from_mode(0o600))
                .map_err(|e| io_error("restrict access to", &path, e))?;
        }
        if meta.len() != KEY as u64 {
            return Err(StoreError::KeyDamaged { path, why: "does not have 32 bytes" });
        }
        let mut root = Secret::new([0u8; KEY]);
        file.read_exact(&mut root.0).map_err(|e| io_error("read", &path, e))?;
        Self::derive(root).map(Some)
    }

    /// Writes the key file durably: complete or not at all. A file that is there already is kept
    /// beside it as `key.replaced-N`.
    pub(crate) fn save(&self, dir: &Path) -> Result<(), StoreError> {
        let path = path(dir);
        let tmp = dir.join("key.tmp");
        let result = write_new(&tmp, self.root.expose());
        if let Err(e) = result {
            let _ = fs::remove_file(&tmp);
            return Err(io_error("write", &tmp, e));
        }
        if path.exists() {
            let aside = crate::files::free_name(dir, "key.replaced");
            fs::rename(&path, &aside).map_err(|e| io_error("set aside", &path, e))?;
        }
        fs::rename(&tmp, &path).map_err(|e| io_error("put in place", &path, e))?;
        sync_dir(dir)
    }

    /// The printable form.
    pub(crate) fn export(&self) -> KeyText {
        let mut data = Secret::new(self.root.expose().to_vec());
        data.0.extend(key_check(self.root.expose()));
        let digits = Secret::new(base32::bytes(data.expose()));
        let mut text = String::from(PREFIX);
        for (at, c) in digits.expose().chars().enumerate() {
            match at {
                0 => text.push(' '),
                at if at.is_multiple_of(4) => text.push('-'),
                _ => {}
            }
            text.push(c);
        }
        KeyText(Secret::new(text))
    }

    /// Reads the printable form back.
    pub(crate) fn import(text: &KeyText) -> Result<Self, StoreError> {
        let text = text.expose().trim();
        let head = text.get(..PREFIX.len()).ok_or(StoreError::KeyText("it is too short"))?;
        if !head.eq_ignore_ascii_case(PREFIX) {
            return Err(StoreError::KeyText("it does not begin with MAILWARD-KEY-1:"));
        }
        let digits = text.get(PREFIX.len()..).unwrap_or("");
        let data = base32::parse_bytes(digits).ok_or(StoreError::KeyText("it has a wrong character or length"))?;
        let data = Secret::new(data);
        let (key, check) = data.expose().split_at_checked(KEY).ok_or(StoreError::KeyText("it is too short"))?;
        if check != key_check(key) {
            return Err(StoreError::KeyText("its check does not fit, a character is wrong"));
        }
        let mut root = Secret::new([0u8; KEY]);
        root.0.copy_from_slice(key);
        Self::derive(root)
    }
}

/// Where the key of a data directory lies.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("key")
}

/// The check of a printed key: the beginning of a hash.
fn key_check(key: &[u8]) -> [u8; CHECK] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(PREFIX.as_bytes());
    context.update(key);
    let mut check = [0u8; CHECK];
    for (to, from) in check.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    check
}

/// Creates a file for this user only and makes its content durable.
fn write_new(path: &Path, data: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(data)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{KeyText, Keys};
    use crate::StoreError;

    #[test]
    fn a_printed_key_reads_back_however_it_was_typed() {
        let keys = Keys::random().unwrap();
        let text = keys.export();
        assert_eq!(text.expose().len(), "MAILWARD-KEY-1: ".len() + 14 * 5 - 1);
        let typed = [
            text.expose().to_owned(),
            format!("  {}\r\n", text.expose().to_lowercase()),
            text.expose().replace('-', " ").replacen("MAILWARD KEY 1", "MAILWARD-KEY-1", 1),
        ];
        for typed in typed {
            assert!(Keys::import(&KeyText::new(&typed)).unwrap().check == keys.check);
        }
    }

    #[test]
    fn a_mistyped_key_is_refused() {
        let text = Keys::random().unwrap().export().expose().to_owned();
        let digits = text.find(' ').unwrap() + 1;
        for at in digits..text.len() {
            let old = text.as_bytes()[at];
            if old == b'-' {
                continue;
            }
            let new = if old == b'7' { "8" } else { "7" };
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, new);
            let result = Keys::import(&KeyText::new(&wrong));
            assert!(matches!(result, Err(StoreError::KeyText(_))), "position {at}");
        }
        for bad in ["", "MAILWARD-KEY-1:", "MAILWARD-KEY-2: 0000", &text[..text.len() - 1], "ÄÖÜ"] {
            assert!(matches!(Keys::import(&KeyText::new(bad)), Err(StoreError::KeyText(_))), "{bad}");
        }
    }

    #[test]
    fn purposes_have_different_keys() {
        let keys = Keys::random().unwrap();
        let a = aws_lc_rs::hmac::sign(&keys.address, b"which key");
        assert_ne!(a.as_ref(), keys.check);
        assert_ne!(keys.check, Keys::random().unwrap().check);
    }
}
