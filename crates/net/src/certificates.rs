//! The certificates that we show: read from files, read again when the files change, chosen by the name
//! that a client asks for.
//!
//! What is loaded stays in use until something better is there: files that are missing, half written or
//! do not fit each other change nothing but what [`Held::problem`] says. Sessions are not touched either
//! way. Not handled: OCSP stapling, and several kinds of key for one name.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use wire::certificate::{self, Facts};

use crate::tls::{self, TlsError};

/// A certificate that ends within this time is told, in seconds: 14 days.
const SOON: u64 = 14 * 86_400;
/// Of a certificate with a short life the last sixth is told.
const SOON_PART: u64 = 6;

/// What a certificate's time says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Age {
    /// It counts, and will for a while.
    Good,
    /// It ends soon: in this many seconds.
    Soon(u64),
    /// It ended this many seconds ago.
    Over(u64),
    /// It does not count yet: in this many seconds.
    Early(u64),
}

/// What a certificate's time says at `now`, seconds since 1970.
pub fn age(facts: &Facts, now: u64) -> Age {
    let life = facts.not_after.saturating_sub(facts.not_before);
    let left = facts.not_after.saturating_sub(now);
    if now < facts.not_before {
        Age::Early(facts.not_before.saturating_sub(now))
    } else if now > facts.not_after {
        Age::Over(now.saturating_sub(facts.not_after))
    } else if left < SOON.min(life / SOON_PART) {
        Age::Soon(left)
    } else {
        Age::Good
    }
}

/// Now, in seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What a file is, as far as a change of it shows: which one, when changed, how large.
type FileStamp = Option<(u64, i64, i64, u64)>;

fn stamp(path: &Path) -> FileStamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size()))
}

/// A certificate with its key, as it was loaded.
struct Loaded {
    key: Arc<CertifiedKey>,
    facts: Facts,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// What is known of the files.
#[derive(Debug, Default)]
struct Seen {
    /// As they were when they were last loaded, or could not be.
    tried: Option<(FileStamp, FileStamp)>,
    /// As they were at the last look, if that was a change.
    changing: Option<(FileStamp, FileStamp)>,
    /// Why they are of no use.
    problem: Option<String>,
}

/// What a look at the files brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refreshed {
    /// Nothing new, or something that is just being written.
    Unchanged,
    /// A new certificate is in use.
    Renewed,
    /// The files changed and are of no use; what was loaded before stays in use.
    Broken(String),
}

/// A certificate in files.
#[derive(Debug)]
pub struct Held {
    certificate: PathBuf,
    key: PathBuf,
    loaded: ArcSwapOption<Loaded>,
    seen: Mutex<Seen>,
}

impl Held {
    /// Loads it.
    ///
    /// # Errors
    /// Says which file is wrong, and how.
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let held = Self::awaited(certificate, key);
        held.reload()?;
        Ok(held)
    }

    /// One whose files need not be there yet: it is loaded if they are of use.
    pub fn awaited(certificate: &Path, key: &Path) -> Arc<Self> {
        Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            loaded: ArcSwapOption::empty(),
            // That nothing is there yet is no change.
            seen: Mutex::new(Seen { tried: Some((None, None)), ..Seen::default() }),
        })
    }

    /// Reads the files now, whether they changed or not.
    ///
    /// # Errors
    /// Says which file is wrong, and how; what was loaded before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let stamps = (stamp(&self.certificate), stamp(&self.key));
        let read = load(&self.certificate, &self.key);
        let mut seen = self.seen();
        (seen.tried, seen.changing) = (Some(stamps), None);
        match read {
            Ok(loaded) => {
                self.loaded.store(Some(Arc::new(loaded)));
                seen.problem = None;
                Ok(())
            }
            Err(error) => {
                seen.problem = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Looks whether the files changed. A change is believed when it is the same at two looks: between
    /// them whoever writes has time to write the other file.
    pub fn refresh(&self) -> Refreshed {
        let stamps = Some((stamp(&self.certificate), stamp(&self.key)));
        {
            let mut seen = self.seen();
            if stamps == seen.tried {
                seen.changing = None;
                return Refreshed::Unchanged;
            }
            if stamps != seen.changing {
                seen.changing = stamps;
                return Refreshed::Unchanged;
            }
        }
        match self.reload() {
            Ok(()) => Refreshed::Renewed,
            Err(error) => Refreshed::Broken(error.to_string()),
        }
    }

    /// The file of the certificate.
    pub fn path(&self) -> &Path {
        &self.certificate
    }

    /// What the certificate in use says of itself; `None` if there is none yet.
    pub fn facts(&self) -> Option<Facts> {
        self.loaded.load().as_ref().map(|loaded| loaded.facts.clone())
    }

    /// Why the files, as they are now, are of no use.
    pub fn problem(&self) -> Option<String> {
        self.seen().problem.clone()
    }

    /// Whether there is a certificate to show.
    pub fn is_ready(&self) -> bool {
        self.loaded.load().is_some()
    }

    fn key_for(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let loaded = self.loaded.load();
        let loaded = loaded.as_ref()?;
        name.is_none_or(|name| loaded.facts.names(name)).then(|| Arc::clone(&loaded.key))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let chain = tls::certificates(certificate)?;
    let secret = tls::private_key(key)?;
    let unreadable = || TlsError::BadPem(certificate.to_owned(), "its first certificate cannot be read".to_owned());
    let facts = chain.first().and_then(|first| certificate::read(first)).ok_or_else(unreadable)?;
    let pair = CertifiedKey::from_der(chain, secret, &tls::provider()).map_err(|error| {
        let why = match error {
            rustls::Error::InconsistentKeys(_) => "the key does not belong to the certificate".to_owned(),
            other => other.to_string(),
        };
        TlsError::Pair(certificate.to_owned(), key.to_owned(), why)
    })?;
    Ok(Loaded { key: Arc::new(pair), facts })
}

/// Chooses among certificates by the name that a client asks for (SNI).
#[derive(Clone, Debug)]
pub struct Chooser {
    own: Arc<Held>,
    others: Vec<Arc<Held>>,
}

impl Chooser {
    /// `own` is shown to whoever asks for a name that is in none of the certificates, or for no name, as
    /// most mail servers do.
    pub fn new(own: Arc<Held>, others: Vec<Arc<Held>>) -> Arc<Self> {
        Arc::new(Self { own, others })
    }

    /// Whether there is a certificate to show.
    pub fn is_ready(&self) -> bool {
        self.own.is_ready()
    }
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| {
            let all = std::iter::once(&self.own).chain(&self.others);
            all.into_iter().find_map(|held| held.key_for(Some(name)))
        });
        named.or_else(|| self.own.key_for(None))
    }
}

/// As our own towards servers that ask for a certificate, whichever issuers they name: which of them they take
/// is theirs to say, and a refusal tells more than a certificate that was not shown.
impl ResolvesClientCert for Held {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.key_for(None)
    }

    fn has_certs(&self) -> bool {
        self.is_ready()
    }
}
