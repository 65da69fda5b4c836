//! Backup: the copy of a message that is made before anything irreversible is done to it (spec BK-01 to BK-14).
//!
//! The order of [`Store::keep`] is the promise: the sealed bytes are durable, then the row is, then there
//! is a receipt. Nothing else makes a receipt. The same bytes are stored once; each further entry is a
//! small sealed note, so that the index can be made anew from the files alone.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{MutexGuard, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use mail::address::Address as Mailbox;
use mail::arrival::MessageId;

use crate::Store;
use crate::entry::{BackupId, Entry, Filter, NewEntry, Page, Release};
use crate::error::{StoreError, io_error};
use crate::files::{BlobName, Source, Staged};
use crate::index::{BlobRow, NewRow};
use crate::keys::Keys;
use crate::sealed::{Address, Body, CHUNK, Kind, MAX_TRAILER, Opened, Sealer, Trailer, broken};

/// Contents that are being kept at once without waiting for each other, at most.
pub(crate) const LANES: usize = 64;
/// Bytes written to a file at a time.
pub(crate) const WRITE_BUFFER: usize = 128 * 1024;
/// Names tried for an entry, should others of the same millisecond be there.
const MAX_TRIES: u32 = 64;
/// Most releases that are noted with an entry.
const MAX_RELEASES: usize = 1_000;

/// Evidence that a message is durable in Backup. Only [`Store::keep`] makes one; it cannot be copied.
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a receipt stands for the responsibility for a message"]
pub struct KeptReceipt {
    message: MessageId,
    backup: BackupId,
}

impl KeptReceipt {
    /// The message that was kept.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// The entry that holds it.
    pub fn backup_id(&self) -> BackupId {
        self.backup
    }
}

impl mail::edit::Kept for KeptReceipt {
    fn message(&self) -> MessageId {
        self.message
    }
}

/// Why a message is changed without a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiver {
    /// The policy says so for what was found (spec D-5: allowed, with a warning when it is set).
    CopyOffByPolicy,
}

/// Evidence that the policy wants no copy of a message. Only [`Store::waive`] makes one.
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a receipt stands for the responsibility for a message"]
pub struct WaivedReceipt {
    message: MessageId,
    why: Waiver,
}

impl WaivedReceipt {
    /// The message.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// The reason, for the message log.
    pub fn why(&self) -> Waiver {
        self.why
    }
}

impl mail::edit::Kept for WaivedReceipt {
    fn message(&self) -> MessageId {
        self.message
    }
}

/// A kept message's original bytes. Each chunk is checked before a byte of it is given out; the whole is
/// good once a read has returned `Ok(0)`, and every damage is an error (`InvalidData`) before that.
pub struct Original {
    body: Body<io::BufReader<Box<dyn Source>>>,
    size: u64,
}

impl Original {
    /// The message of an opened file.
    pub(crate) fn of(opened: Opened<io::BufReader<Box<dyn Source>>>, keys: &Keys) -> Self {
        let size = opened.trailer.entry.size;
        Self { body: opened.into_body(keys), size }
    }

    /// Bytes of the message.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for Original {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.body.read(out)
    }
}

/// What goes into a sealed file.
enum Sealed<'a> {
    /// A message's bytes.
    Message(&'a mut dyn Read),
    /// Nothing but the entry: its bytes are kept already.
    NoteOf(Address),
}

/// What is held while a content is published and its row is written: no deletion, no other keeper of it.
struct Lane<'a> {
    _shared: RwLockReadGuard<'a, ()>,
    _lane: MutexGuard<'a, ()>,
}

/// Turns an error of writing a sealed file into ours.
pub(crate) fn sealing_error(path: &Path, error: io::Error) -> StoreError {
    match error.downcast::<StoreError>() {
        Ok(inner) => inner,
        Err(error) => io_error("write", path, error),
    }
}

impl Store {
    /// Keeps a message: seals what `body` gives, makes it durable, then its row, and only then returns a
    /// receipt. After an error nothing is kept and no half state is left; a full disk is
    /// [`StoreError::NoSpace`]. `body` must give `entry.size` bytes. Blocks on the disk.
    pub fn keep(&self, entry: NewEntry, body: &mut dyn Read) -> Result<KeptReceipt, StoreError> {
        let entry = entry.bounded();
        let message = entry.id;
        let id = self.new_id(entry.received_ms)?;
        let (staged, stored, address) = self.seal(id, &entry, Sealed::Message(body))?;
        let _lane = self.lane(address);
        let known = self.inner.index.blob(address)?;
        if known.is_some() && self.check_content(address).is_ok() {
            drop(staged);
            self.keep_note(id, &entry, address)?;
        } else {
            let existed = known.is_some() || self.inner.blobs.length(BlobName::Content(address))?.is_some();
            let row = BlobRow { owner: id, stored, size: entry.size, damaged: None };
            self.keep_content(&entry, address, row, staged, existed)?;
            if let Some(known) = known {
                self.move_out(known.owner, address);
            }
        }
        Ok(KeptReceipt { message, backup: id })
    }

    /// The policy wants no copy of this message; the caller writes that into the message log.
    pub fn waive(&self, message: MessageId, why: Waiver) -> WaivedReceipt {
        WaivedReceipt { message, why }
    }

    /// A name for an entry that no row has.
    fn new_id(&self, received_ms: u64) -> Result<BackupId, StoreError> {
        for _ in 0..MAX_TRIES {
            let id = BackupId::new(received_ms, self.inner.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            if self.inner.index.entry(id)?.is_none() {
                return Ok(id);
            }
        }
        Err(StoreError::TooLarge { what: "the number of messages in one millisecond", limit: MAX_TRIES.into() })
    }

    /// Seals an entry into a durable file without a name: with the message's bytes, or as a note on the
    /// bytes that are kept at `of` already.
    fn seal(
        &self,
        id: BackupId,
        entry: &NewEntry,
        what: Sealed<'_>,
    ) -> Result<(Box<dyn Staged>, u64, Address), StoreError> {
        let staged = self.inner.blobs.stage()?;
        let path = staged.path().to_path_buf();
        let fail = |e| sealing_error(&path, e);
        let (kind, body, of) = match what {
            Sealed::Message(body) => (Kind::Content, Some(body), None),
            Sealed::NoteOf(address) => (Kind::Note, None, Some(address)),
        };
        let out = io::BufWriter::with_capacity(WRITE_BUFFER, staged);
        let mut sealer = Sealer::new(out, kind, &self.inner.keys).map_err(fail)?;
        if let Some(body) = body {
            pour(body, entry.size, |data| sealer.push(data).map_err(fail))?;
        }
        let describe = |computed| trailer(id, entry, of.unwrap_or(computed));
        let (out, computed) = sealer.finish(describe).map_err(fail)?;
        let mut staged = out.into_inner().map_err(|e| fail(e.into_error()))?;
        let stored = staged.settle()?;
        Ok((staged, stored, of.unwrap_or(computed)))
    }

    /// Publishes a content and writes its rows.
    fn keep_content(
        &self,
        entry: &NewEntry,
        address: Address,
        row: BlobRow,
        staged: Box<dyn Staged>,
        existed: bool,
    ) -> Result<(), StoreError> {
        let name = BlobName::Content(address);
        let published = staged.publish(name);
        if existed {
            // The file says nothing of a deleted entry any more.
            self.inner.blobs.remove(BlobName::Gone(address))?;
        }
        let new = NewRow { id: row.owner, address, entry, note: None, recovered: false };
        let done = published.and_then(|()| self.inner.index.insert(Some((address, row)), &[new]));
        if done.is_err() && !existed {
            let _ = self.inner.blobs.remove(name);
        }
        done
    }

    /// Keeps an entry whose content is there and sound already.
    fn keep_note(&self, id: BackupId, entry: &NewEntry, address: Address) -> Result<(), StoreError> {
        let (staged, stored, _) = self.seal(id, entry, Sealed::NoteOf(address))?;
        let note = Some(stored);
        let name = BlobName::Note(address, id);
        let published = staged.publish(name);
        let row = NewRow { id, address, entry, note, recovered: false };
        let done = published.and_then(|()| self.inner.index.insert(None, &[row]));
        if done.is_err() {
            let _ = self.inner.blobs.remove(name);
        }
        done
    }

    /// Gives the entry that was described inside a replaced content a note of its own. Best effort: without
    /// it the entry is whole, but an index made anew would not have it.
    fn move_out(&self, owner: BackupId, address: Address) {
        let write = || {
            let Some((old, _)) = self.inner.index.entry(owner)? else { return Ok(()) };
            let (staged, bytes, _) = self.seal(owner, &old.entry, Sealed::NoteOf(address))?;
            staged.publish(BlobName::Note(address, owner))?;
            self.inner.index.set_note(owner, bytes)
        };
        let done: Result<(), StoreError> = write();
        if let Err(e) = done {
            tracing::warn!(error = %e, entry = %owner, "could not describe an entry of Backup beside its new content");
        }
    }

    /// Takes the lane of a content.
    fn lane(&self, address: Address) -> Lane<'_> {
        let shared = self.inner.gate.read().unwrap_or_else(PoisonError::into_inner);
        let [first, ..] = address.0;
        #[expect(clippy::indexing_slicing, reason = "a remainder of LANES is below it")]
        let lane = &self.inner.lanes[usize::from(first) % LANES];
        Lane { _shared: shared, _lane: lane.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Waits until nobody keeps anything, and holds it so.
    pub(crate) fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.inner.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a sealed file and checks that it is what its name says.
    pub(crate) fn open_file(&self, name: BlobName) -> Result<Opened<io::BufReader<Box<dyn Source>>>, StoreError> {
        let path = self.inner.blobs.place(name);
        let corrupted = |what| StoreError::Corrupted { what, path: path.clone() };
        let file = self.inner.blobs.open(name)?.ok_or_else(|| corrupted("the sealed message is missing"))?;
        let file = io::BufReader::with_capacity(CHUNK, file);
        let opened = Opened::new(file, &self.inner.keys).map_err(|e| match broken(&e) {
            Some(what) => corrupted(what),
            None => io_error("read", &path, e),
        })?;
        let fits = match name {
            BlobName::Content(_) => opened.kind == Kind::Content,
            BlobName::Note(_, id) => opened.kind == Kind::Note && opened.trailer.id == id,
            BlobName::Gone(_) => false,
        };
        if !fits || opened.trailer.address != name.address().0 {
            return Err(corrupted("the file is another sealed message than its name says"));
        }
        Ok(opened)
    }

    /// Reads a content to its end; an error says what is wrong with it.
    pub(crate) fn check_content(&self, address: Address) -> Result<(), StoreError> {
        let name = BlobName::Content(address);
        let mut body = self.open_file(name)?.into_body(&self.inner.keys);
        let path = self.inner.blobs.place(name);
        match io::copy(&mut body, &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(e) => Err(match broken(&e) {
                Some(what) => StoreError::Corrupted { what, path },
                None => io_error("read", &path, e),
            }),
        }
    }

    /// Entries that fit, newest first; `before` is [`Page::next`] of the page before, `limit` at most 1,000.
    pub fn list(&self, filter: &Filter, before: Option<BackupId>, limit: usize) -> Result<Page, StoreError> {
        self.inner.index.page(filter, before, limit)
    }

    /// One entry.
    pub fn show(&self, id: BackupId) -> Result<Entry, StoreError> {
        self.row(id).map(|(entry, _)| entry)
    }

    /// The row of an entry.
    pub(crate) fn row(&self, id: BackupId) -> Result<(Entry, Address), StoreError> {
        self.inner.index.entry(id)?.ok_or(StoreError::NotFound { what: "entry of Backup" })
    }

    /// The original bytes of an entry's message; see [`Original`] for what is checked when. Before an act
    /// that cannot be undone half way (sending it on), read it to the end or call [`Store::verify`].
    pub fn open_original(&self, id: BackupId) -> Result<Original, StoreError> {
        let (_, address) = self.row(id)?;
        let opened = match self.open_file(BlobName::Content(address)) {
            // Deleted between the row and the file.
            Err(StoreError::Corrupted { .. }) if self.inner.index.entry(id)?.is_none() => {
                return Err(StoreError::NotFound { what: "entry of Backup" });
            }
            other => other?,
        };
        Ok(Original::of(opened, &self.inner.keys))
    }

    /// Notes that an entry was released.
    pub fn mark_released(&self, id: BackupId, to: Vec<Mailbox>, when_ms: u64) -> Result<(), StoreError> {
        if self.show(id)?.released.len() >= MAX_RELEASES {
            return Err(StoreError::TooLarge { what: "the number of releases", limit: MAX_RELEASES as u64 });
        }
        match self.inner.index.add_release(id, &Release { to, when_ms })? {
            true => Ok(()),
            false => Err(StoreError::NotFound { what: "entry of Backup" }),
        }
    }
}

/// The trailer of an entry.
pub(crate) fn trailer(id: BackupId, entry: &NewEntry, address: Address) -> Result<Vec<u8>, StoreError> {
    let trailer = Trailer { id, address: address.0, entry: entry.clone() };
    let json = crate::entry::json(&trailer)?.into_bytes();
    match json.len() > MAX_TRAILER - 16 {
        true => Err(StoreError::TooLarge { what: "the message's description", limit: MAX_TRAILER as u64 }),
        false => Ok(json),
    }
}

/// Reads exactly `size` bytes and the end after them.
pub(crate) fn pour(
    body: &mut dyn Read,
    size: u64,
    mut push: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut buffer = vec![0u8; CHUNK];
    let mut read = 0u64;
    // One byte more than announced is asked for, to see that there is none.
    let mut body = body.take(size.saturating_add(1));
    loop {
        let now = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(now) => now,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(StoreError::Body(e)),
        };
        read = read.saturating_add(now as u64);
        push(buffer.get(..now).unwrap_or(&[]))?;
    }
    if read == size { Ok(()) } else { Err(StoreError::SizeMismatch { said: size, read }) }
}

/// Whether a key opens any of the first sealed files that are found; `None` if there are none.
pub(crate) fn key_fits(blobs: &dyn crate::files::Blobs, keys: &Keys, most: usize) -> Result<Option<bool>, StoreError> {
    let mut seen = 0usize;
    for shard in 0..=u8::MAX {
        for name in blobs.names(shard)? {
            let BlobName::Content(_) = name else { continue };
            let Some(file) = blobs.open(name)? else { continue };
            if Opened::new(file, keys).is_ok() {
                return Ok(Some(true));
            }
            seen = seen.saturating_add(1);
            if seen == most {
                return Ok(Some(false));
            }
        }
    }
    Ok((seen > 0).then_some(false))
}
