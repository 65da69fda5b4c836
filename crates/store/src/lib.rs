//! Backup, message log, policy revisions and node state in one data directory.
//!
//! ```text
//! lock          held by the one process that uses the directory
//! key           the installation key
//! backup.db     index of Backup: commits are durable
//! blobs/        sealed messages
//! contacts.db   who wrote to us and whom we wrote to: a memory, not a promise
//! dmarc.db      results of DMARC until they are reported, and reports of others: a memory, not a promise
//! greylist.db   who tried when: a memory, not a promise
//! state.db      policy revisions and small state: commits are durable
//! ballast       2 MiB that a full disk gets back
//! lists.db     lists of senders and recipients: commits are durable
//! outbox.db     what is ours to deliver: commits are durable
//! outbox/       its sealed messages
//! pictures.db   what pictures of spam look like: commits are durable
//! messages.db   message log: commits are ordered, the last seconds may be lost in a power cut
//! ```
//! All calls block on the disk; asynchronous callers run them on threads for that. The content of mail is
//! sealed; addresses, subjects and reasons stand in the databases as text, readable by the user of
//! the daemon only (directory 0700, files 0600). Not here: a store shared by several machines.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod backup;
mod ballast;
mod base32;
mod contacts;
mod db;
mod dmarc;
mod dmarc_received;
mod entry;
mod error;
#[cfg(test)]
mod faults;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod greylist;
mod index;
mod keys;
mod lists;
mod lock;
mod messages;
mod outbox;
mod pictures;
mod query;
mod release;
mod revisions;
mod sealed;
mod state;
#[cfg(test)]
mod testing;
mod upkeep;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

pub use backup::{KeptReceipt, Original, WaivedReceipt, Waiver};
pub use contacts::Writer;
pub use dmarc::DmarcDay;
pub use dmarc_received::{MAX_DETAIL, ReceivedReport, ReportFilter};
pub use entry::{
    BackupId, Entry, Filter, KeptSign, KeptSpam, MAX_SIGN_TEXT, NewEntry, NotABackupId, Page, Release, SenderType,
};
pub use error::StoreError;
pub use greylist::{GreyRules, GreyUsage};
pub use keys::{KeyText, Secret, Wipe};
pub use lists::{ListAudit, ListChange, ListRow};
pub use messages::{AuthCheck, LOG_AGE_MS, LogFilter, LogPage, Logged, LoggedAuth, LoggedEntry, MAX_LOGGED};
pub use outbox::{
    MAX_RECIPIENTS, NewQueued, NewRecipient, Next, QueueId, QueueKind, QueueUsage, Queued, QueuedReceipt, Recipient,
    Settled, StagedMail, Standing,
};
pub use pictures::{Sample, SampleUsage};
pub use release::ReleaseMarker;
pub use revisions::{Revision, RevisionHead};
pub use upkeep::{Limits, Retired, Sweep, Usage, Verification};

use backup::LANES;
use ballast::Ballast;
use db::Db;
use files::{Blobs, FileBlobs};
use index::{Index, SqliteIndex};
use keys::Keys;
use lock::Lock;
use outbox::QueueFiles;

/// Sealed files that are tried to see whether a key is the right one.
const KEY_SAMPLES: usize = 16;

/// How a data directory is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Whether to create the directory and an installation key if there are none.
    pub create: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { create: true }
    }
}

/// A data directory that this process holds. Cheap to clone; the lock goes with the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What the clones of a [`Store`] share.
struct Inner {
    dir: PathBuf,
    keys: Keys,
    blobs: Box<dyn Blobs>,
    index: Box<dyn Index>,
    log: Db,
    state: Db,
    lists: Db,
    outbox: Db,
    queue_files: QueueFiles,
    greylist: Db,
    contacts: Db,
    dmarc: Db,
    pictures: Db,
    /// Counts changes of the sample base.
    picture_changes: AtomicU64,
    ballast: Ballast,
    /// Keeping holds it shared, deleting alone: what one relies on the other does not take away.
    gate: RwLock<()>,
    /// Keepers of the same content wait for each other.
    lanes: [Mutex<()>; LANES],
    /// Counts entries within a millisecond.
    count: AtomicU32,
    /// Released last: fields are dropped in this order.
    _lock: Lock,
}

impl Store {
    /// Opens a data directory, creates what is missing, and finishes what a crash interrupted. Refuses a
    /// directory that another process holds, files of a newer version, a lost or wrong installation key.
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        if options.create {
            create_dir(dir)?;
        }
        let lock = Lock::take(dir)?;
        let keys = match Keys::load(dir)? {
            Some(keys) => keys,
            None if FileBlobs::any(dir) || !options.create => {
                return Err(StoreError::KeyMissing { path: keys::path(dir) });
            }
            None => {
                let keys = Keys::random()?;
                keys.save(dir)?;
                keys
            }
        };
        if FileBlobs::any(dir) && !SqliteIndex::place(dir).exists() {
            return Err(StoreError::IndexMissing { path: SqliteIndex::place(dir) });
        }
        let store = Self::assemble(dir, keys, Box::new(FileBlobs::open(dir)?), lock)?;
        store.check_key()?;
        store.finish_deletions()?;
        store.sweep_outbox()?;
        Ok(store)
    }

    /// Opens the databases around the rest.
    fn assemble(dir: &Path, keys: Keys, blobs: Box<dyn Blobs>, lock: Lock) -> Result<Self, StoreError> {
        let ballast = Ballast::take(dir);
        let index = Box::new(SqliteIndex::open(dir)?);
        let log = messages::open(dir)?;
        let state = Db::open(dir, &revisions::SCHEMA)?;
        let lists = Db::open(dir, &lists::SCHEMA)?;
        // With a new, empty database every mail would look like one that was never promised.
        let outbox_db = dir.join(outbox::SCHEMA.file);
        if !outbox_db.exists() && QueueFiles::any(dir) {
            return Err(StoreError::OutboxMissing { path: outbox_db });
        }
        let queue_files = QueueFiles::open(dir)?;
        let outbox = Db::open(dir, &outbox::SCHEMA)?;
        let greylist = greylist::open(dir)?;
        let contacts = contacts::open(dir)?;
        let dmarc = dmarc::open(dir)?;
        let pictures = pictures::open(dir)?;
        let lanes = std::array::from_fn(|_| Mutex::new(()));
        // Starting anywhere makes a clash with names given before a restart unlikely.
        let mut start = [0u8; 4];
        aws_lc_rs::rand::fill(&mut start).map_err(|_| StoreError::Crypto)?;
        let count = AtomicU32::new(u32::from_be_bytes(start));
        let inner = Inner {
            dir: dir.to_path_buf(),
            keys,
            blobs,
            index,
            log,
            state,
            lists,
            outbox,
            queue_files,
            greylist,
            contacts,
            dmarc,
            pictures,
            picture_changes: AtomicU64::new(0),
            ballast,
            gate: RwLock::new(()),
            lanes,
            count,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Compares the key with the one that the index notes, and notes it the first time.
    fn check_key(&self) -> Result<(), StoreError> {
        let check = &self.inner.keys.check;
        match self.inner.index.key_check()? {
            Some(noted) if noted == check => Ok(()),
            Some(_) => Err(StoreError::WrongKey { path: keys::path(&self.inner.dir) }),
            None => self.inner.index.set_key_check(check),
        }
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The installation key as a text for a safe place: who has it and the disk can read Backup.
    pub fn export_key(&self) -> KeyText {
        self.inner.keys.export()
    }

    /// Makes and checks the markers on released mail.
    pub fn release_marker(&self) -> ReleaseMarker {
        self.inner.keys.release.clone()
    }

    /// Puts an exported installation key in place; the daemon must not be running. A different key that is
    /// there is set aside as `key.replaced-N`. Unless forced, a key that cannot open what Backup holds is
    /// refused; forced, those messages stay unreadable until their key is back.
    pub fn restore_key(dir: &Path, text: &KeyText, force: bool) -> Result<(), StoreError> {
        create_dir(dir)?;
        let _lock = Lock::take(dir)?;
        let new = Keys::import(text)?;
        if let Ok(Some(old)) = Keys::load(dir)
            && old.check == new.check
        {
            return Ok(());
        }
        let blobs = FileBlobs::open(dir)?;
        let fits = backup::key_fits(&blobs, &new, KEY_SAMPLES)?;
        if fits == Some(false) && !force {
            return Err(StoreError::KeyInUse { path: keys::path(dir) });
        }
        new.save(dir)?;
        match SqliteIndex::place(dir).exists() {
            true => SqliteIndex::open(dir)?.set_key_check(&new.check),
            false => Ok(()),
        }
    }

    /// Makes the index of Backup anew from the sealed files; the daemon must not be running. The old one
    /// is set aside as `backup.db.replaced-N`. What is lost: notes of releases and of damage.
    pub fn rebuild_index(dir: &Path) -> Result<Sweep, StoreError> {
        let lock = Lock::take(dir)?;
        let keys = Keys::load(dir)?.ok_or_else(|| StoreError::KeyMissing { path: keys::path(dir) })?;
        let blobs = FileBlobs::open(dir)?;
        if backup::key_fits(&blobs, &keys, KEY_SAMPLES)? == Some(false) {
            return Err(StoreError::WrongKey { path: keys::path(dir) });
        }
        db::set_aside(dir, index::SCHEMA.file)?;
        let store = Self::assemble(dir, keys, Box::new(blobs), lock)?;
        store.check_key()?;
        store.sweep()
    }
}

/// Creates a data directory and its parents, and closes it to other users when it is new.
fn create_dir(dir: &Path) -> Result<(), StoreError> {
    if let Some(parent) = dir.parent()
        && !parent.as_os_str().is_empty()
    {
        std::fs::create_dir_all(parent).map_err(|e| error::io_error("create", parent, e))?;
    }
    files::make_dir(dir)
}
