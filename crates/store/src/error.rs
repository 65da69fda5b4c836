//! What can go wrong in the store: each error says what happened, where, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// `ENOSPC` of Linux.
const ENOSPC: i32 = 28;
/// `EDQUOT` of Linux: the user's quota is used up; for us the same as a full disk.
const EDQUOT: i32 = 122;
/// Below this many free bytes an I/O error of SQLite is taken for a full disk, because SQLite
/// reports some of them (growing its shared memory file) as plain I/O errors.
const NEARLY_FULL: u64 = 256 * 1024;

/// An error of the store. `Display` is one line for the operator; it holds no text that a sender wrote.
#[derive(Debug)]
pub enum StoreError {
    /// Another process holds the data directory.
    Locked {
        /// The data directory.
        path: PathBuf,
        /// The holder's process id, if the lock file names one.
        pid: Option<u32>,
    },
    /// The disk or the quota is full. Nothing was kept; the same call works once there is space.
    NoSpace {
        /// The file that could not be written.
        path: PathBuf,
    },
    /// The operating system refused something.
    Io {
        /// What was tried, as "could not …".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// SQLite refused something.
    Database {
        /// What was tried, as "could not …".
        doing: &'static str,
        /// The database file.
        path: PathBuf,
        /// Its reason.
        source: rusqlite::Error,
    },
    /// A database file is not a database any more.
    IndexDamaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Sealed messages are there and their index is not.
    IndexMissing {
        /// Where the index should be.
        path: PathBuf,
    },
    /// Mail waits in the outbox, and its database is missing: nobody knows any more for whom it is.
    OutboxMissing {
        /// Where the database should be.
        path: PathBuf,
    },
    /// A newer version of Mailward wrote this file.
    TooNew {
        /// The file.
        path: PathBuf,
        /// The version of the format that it has.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A file at one of our places was written by something else.
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Sealed messages are there and the installation key is not.
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The installation key cannot be used.
    KeyDamaged {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The installation key does not fit what was sealed here.
    WrongKey {
        /// The key file.
        path: PathBuf,
    },
    /// The text of a key is not one that [`crate::Store::export_key`] printed.
    KeyText(&'static str),
    /// A key would be replaced although Backup holds objects that the new one cannot open.
    KeyInUse {
        /// The key file.
        path: PathBuf,
    },
    /// A stored thing is not what was stored.
    Corrupted {
        /// What is wrong.
        what: &'static str,
        /// The file, or the database.
        path: PathBuf,
    },
    /// There is no such thing (any more).
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// More than the store takes.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The most that is taken, in its unit (bytes, characters or items).
        limit: u64,
    },
    /// The message could not be read from its source.
    Body(io::Error),
    /// The message's source gave another number of bytes than announced.
    SizeMismatch {
        /// Bytes announced by the entry.
        said: u64,
        /// Bytes read; one more than `said` stands for any larger number.
        read: u64,
    },
    /// The library for cryptography failed: no randomness, or no memory.
    Crypto,
}

/// Sorts an error of the operating system: a full disk, or the rest.
pub(crate) fn io_error(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    let path = path.to_path_buf();
    match source.raw_os_error() {
        Some(ENOSPC | EDQUOT) => StoreError::NoSpace { path },
        _ => StoreError::Io { doing, path, source },
    }
}

/// Sorts an error of SQLite: a full disk, a damaged file, or the rest.
pub(crate) fn sql_error(doing: &'static str, path: &Path, source: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let path = path.to_path_buf();
    match source.sqlite_error_code() {
        Some(Code::DiskFull) => StoreError::NoSpace { path },
        Some(Code::SystemIoFailure | Code::CannotOpen) if free_bytes(&path).is_some_and(|f| f < NEARLY_FULL) => {
            StoreError::NoSpace { path }
        }
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => StoreError::IndexDamaged { path, source },
        _ => StoreError::Database { doing, path, source },
    }
}

/// Bytes that an ordinary user can still write on the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let at = if path.is_dir() { path } else { path.parent()? };
    let stat = rustix::fs::statvfs(at).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path, pid: Some(pid) } => write!(
                f,
                "{} is in use by process {pid}: stop it, or give this one another data directory",
                path.display()
            ),
            Self::Locked { path, pid: None } => {
                write!(f, "{} is in use by another process: stop it, or choose another data directory", path.display())
            }
            Self::NoSpace { path } => {
                write!(f, "no space left for {}: free some, nothing was kept in the meantime", path.display())
            }
            Self::Io { doing, path, source } => write!(f, "could not {doing} {}: {source}", path.display()),
            Self::Database { doing, path, source } => write!(f, "could not {doing} in {}: {source}", path.display()),
            Self::IndexDamaged { path, source } => write!(
                f,
                "{} is damaged ({source}): for backup.db rebuild the index from the sealed messages \
                 (`mailward backup rebuild-index`), else restore the file from a copy",
                path.display()
            ),
            Self::OutboxMissing { path } => write!(
                f,
                "{} is missing but mail waits in the directory outbox beside it: restore it from a copy, or move that \
                 directory away to do without that mail",
                path.display()
            ),
            Self::IndexMissing { path } => write!(
                f,
                "{} is missing but sealed messages are there: restore it from a copy, or rebuild it \
                 (`mailward backup rebuild-index`)",
                path.display()
            ),
            Self::TooNew { path, found, known } => write!(
                f,
                "{} has format {found}, this version knows up to {known}: run the newer Mailward again, \
                 or restore the copy made before the upgrade",
                path.display()
            ),
            Self::NotOurs { path } => {
                write!(f, "{} was not written by Mailward: choose another data directory", path.display())
            }
            _ => self.fmt_rest(f),
        }
    }
}

impl StoreError {
    /// The second half of `Display`: keys, contents and limits.
    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyMissing { path } => write!(
                f,
                "the installation key {} is missing but sealed messages are there: restore it \
                 (`mailward backup key restore`), without it they cannot be read",
                path.display()
            ),
            Self::KeyDamaged { path, why } => {
                write!(f, "the installation key {} {why}: restore it (`mailward backup key restore`)", path.display())
            }
            Self::WrongKey { path } => write!(
                f,
                "{} is not the key that the messages here were sealed with: restore the right one \
                 (`mailward backup key restore`)",
                path.display()
            ),
            Self::KeyText(why) => write!(f, "this is no exported installation key: {why}"),
            Self::KeyInUse { path } => write!(
                f,
                "{} stays as it is: Backup holds messages that the new key cannot open; to give them up, force it",
                path.display()
            ),
            Self::Corrupted { what, path } => write!(f, "{}: {what}", path.display()),
            Self::NotFound { what } => write!(f, "no such {what}"),
            Self::TooLarge { what, limit } => write!(f, "{what} is larger than the store takes ({limit})"),
            Self::Body(source) => write!(f, "could not read the message that was to be kept: {source}"),
            Self::SizeMismatch { said, read } => {
                write!(f, "the message to be kept has {read} bytes or more where {said} were announced; not kept")
            }
            _ => f.write_str("the library for cryptography failed; nothing was kept"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Body(source) => Some(source),
            Self::Database { source, .. } | Self::IndexDamaged { source, .. } => Some(source),
            _ => None,
        }
    }
}
