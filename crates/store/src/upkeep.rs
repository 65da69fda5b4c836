//! What keeps Backup sound and small: deletion, retention (spec BK-05 to BK-08, D-24), verification, and
//! setting rows and files right after a crash or a lost index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::Store;
use crate::entry::BackupId;
use crate::error::{StoreError, free_bytes};
use crate::files::BlobName;
use crate::index::{BlobRow, Forgotten, NewRow};
use crate::sealed::Address;

/// Entries that are deleted in one transaction; keeping waits for so long.
const BATCH: usize = 64;
/// Entries that are deleted in one transaction on a full disk.
const FEW: usize = 8;
/// Most damaged entries and unreadable files that a report names; the counts go on.
const MAX_NAMED: usize = 1_000;
/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How much Backup may hold; whichever is reached first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Entries.
    pub max_objects: u64,
    /// Bytes on disk, sealed.
    pub max_bytes: u64,
    /// Age in milliseconds since a message came.
    pub max_age_ms: u64,
}

impl Default for Limits {
    /// Spec D-24: 1,000,000 objects (BK-05), 7 GB (BK-07), 30 days (BK-08).
    fn default() -> Self {
        Self { max_objects: 1_000_000, max_bytes: 7_000_000_000, max_age_ms: 30 * DAY_MS }
    }
}

/// How much Backup holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Entries.
    pub objects: u64,
    /// Bytes on disk, sealed; the same content counts once.
    pub bytes: u64,
    /// Bytes that are free on the file system; `None` if it does not say.
    pub free: Option<u64>,
}

/// What [`Store::enforce_retention`] removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retired {
    /// Entries.
    pub objects: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// What [`Store::verify_all`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// Contents that were read to their end.
    pub checked: u64,
    /// Contents that are damaged or missing.
    pub damaged: u64,
    /// The entries concerned (the first 1,000) and what is wrong.
    pub entries: Vec<(BackupId, String)>,
}

/// What [`Store::sweep`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sweep {
    /// Entries that were taken up again from their sealed files.
    pub adopted: u64,
    /// Files of deleted entries that were removed.
    pub removed: u64,
    /// Contents without a file; they are marked as damaged.
    pub missing: u64,
    /// Files without a row that cannot be opened (the first 1,000); they stay where they are.
    pub unreadable: Vec<PathBuf>,
}

/// The files of one address.
#[derive(Default)]
struct Files {
    content: bool,
    gone: bool,
    notes: Vec<BackupId>,
}

/// Adds to a list that has a limit.
fn name<T>(list: &mut Vec<T>, value: T) {
    if list.len() < MAX_NAMED {
        list.push(value);
    }
}

impl Store {
    /// Deletes an entry; its bytes go with the last entry that has them.
    pub fn delete(&self, id: BackupId) -> Result<(), StoreError> {
        match self.delete_all(&[id])?.ids.is_empty() {
            true => Err(StoreError::NotFound { what: "entry of Backup" }),
            false => Ok(()),
        }
    }

    /// Deletes some entries: rows first, files then; what a crash leaves is finished at the next start.
    fn delete_all(&self, ids: &[BackupId]) -> Result<Forgotten, StoreError> {
        let _alone = self.alone();
        let done = match self.inner.index.forget(ids) {
            // A full disk: a small transaction in the space that was set aside for it.
            Err(StoreError::NoSpace { .. }) if self.inner.ballast.drop_it() => {
                let few = ids.get(..ids.len().min(FEW)).unwrap_or(ids);
                self.inner.index.forget(few)?
            }
            other => other?,
        };
        for name in &done.mark {
            // A full disk must not stop what makes room. Without the mark, an index made anew would have the entry again.
            if let Err(e) = self.inner.blobs.mark(*name) {
                tracing::warn!(error = %e, "could not mark a deleted entry of Backup");
            }
        }
        self.remove_files(&done.remove)?;
        self.inner.ballast.refill();
        Ok(done)
    }

    /// Removes files whose rows are gone, and forgets that they were to be removed.
    fn remove_files(&self, names: &[BlobName]) -> Result<(), StoreError> {
        for name in names {
            self.inner.blobs.remove(*name)?;
        }
        if names.is_empty() { Ok(()) } else { self.inner.index.undoom(names) }
    }

    /// Finishes deletions that a crash interrupted.
    pub(crate) fn finish_deletions(&self) -> Result<u64, StoreError> {
        let _alone = self.alone();
        let doomed = self.inner.index.doomed()?;
        self.remove_files(&doomed)?;
        Ok(doomed.len() as u64)
    }

    /// Deletes the oldest entries until Backup is within its limits. `now_ms`: milliseconds since 1970.
    pub fn enforce_retention(&self, now_ms: u64, limits: &Limits) -> Result<Retired, StoreError> {
        let mut retired = Retired::default();
        loop {
            let victims = self.victims(now_ms, limits)?;
            if victims.is_empty() {
                return Ok(retired);
            }
            let done = self.delete_all(&victims)?;
            if done.ids.is_empty() {
                return Ok(retired);
            }
            retired.objects = retired.objects.saturating_add(done.ids.len() as u64);
            retired.bytes = retired.bytes.saturating_add(done.freed);
        }
    }

    /// The oldest entries that have to go, at most a batch of them.
    fn victims(&self, now_ms: u64, limits: &Limits) -> Result<Vec<BackupId>, StoreError> {
        let totals = self.inner.index.totals()?;
        let mut objects = totals.entries.saturating_sub(limits.max_objects);
        let mut bytes = totals.bytes.saturating_sub(limits.max_bytes);
        let expired = BackupId::first_of(now_ms.saturating_sub(limits.max_age_ms));
        let mut victims = Vec::new();
        for (id, freed) in self.inner.index.oldest(BATCH)? {
            if objects == 0 && bytes == 0 && id >= expired {
                break;
            }
            objects = objects.saturating_sub(1);
            bytes = bytes.saturating_sub(freed);
            victims.push(id);
        }
        Ok(victims)
    }

    /// How much Backup holds, and how much the disk still takes.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let totals = self.inner.index.totals()?;
        Ok(Usage { objects: totals.entries, bytes: totals.bytes, free: free_bytes(self.inner.index.path()) })
    }

    /// Reads an entry's sealed files to their ends. Damage is [`StoreError::Corrupted`] and noted in the index.
    pub fn verify(&self, id: BackupId) -> Result<(), StoreError> {
        let (_, address) = self.row(id)?;
        self.verify_content(address)?;
        let owner = self.inner.index.blob(address)?.map(|blob| blob.owner);
        if owner == Some(id) { Ok(()) } else { self.open_file(BlobName::Note(address, id)).map(drop) }
    }

    /// Checks a content and notes the result. What was deleted meanwhile is sound.
    fn verify_content(&self, address: Address) -> Result<(), StoreError> {
        let result = self.check_content(address);
        match &result {
            Err(StoreError::Corrupted { what, .. }) => {
                if self.inner.index.blob(address)?.is_none() {
                    return Ok(());
                }
                self.inner.index.set_damaged(address, Some(what))?;
            }
            Ok(()) => self.inner.index.set_damaged(address, None)?,
            Err(_) => {}
        }
        result
    }

    /// [`Store::verify`] for all of Backup. Reads every byte of it; meant for the night.
    pub fn verify_all(&self) -> Result<Verification, StoreError> {
        let mut out = Verification::default();
        for shard in 0..=u8::MAX {
            for address in self.inner.index.addresses(shard)? {
                out.checked = out.checked.saturating_add(1);
                let content = match self.verify_content(address) {
                    Ok(()) => None,
                    Err(StoreError::Corrupted { what, .. }) => Some(what),
                    Err(e) => return Err(e),
                };
                out.damaged = out.damaged.saturating_add(u64::from(content.is_some()));
                self.verify_notes(address, content, &mut out)?;
            }
        }
        Ok(out)
    }

    /// Names the entries of a damaged content, and those whose own note is damaged.
    fn verify_notes(
        &self,
        address: Address,
        content: Option<&'static str>,
        out: &mut Verification,
    ) -> Result<(), StoreError> {
        let owner = self.inner.index.blob(address)?.map(|blob| blob.owner);
        for id in self.inner.index.entries_of(address)? {
            let what = match content {
                Some(what) => what,
                None if owner == Some(id) => continue,
                None => match self.open_file(BlobName::Note(address, id)) {
                    Err(StoreError::Corrupted { what, .. }) => what,
                    _ => continue,
                },
            };
            name(&mut out.entries, (id, what.to_owned()));
        }
        Ok(())
    }

    /// Compares files and rows, after a crash or with an index from an older copy: takes up entries that
    /// have a sealed file and no row, removes files of deleted entries, marks rows without a file. It never
    /// removes a message that can be opened and was not deleted. May run while mail flows.
    pub fn sweep(&self) -> Result<Sweep, StoreError> {
        let mut out = Sweep { removed: self.finish_deletions()?, ..Sweep::default() };
        for shard in 0..=u8::MAX {
            let mut files: BTreeMap<Address, Files> = BTreeMap::new();
            for name in self.inner.blobs.names(shard)? {
                let files = files.entry(name.address()).or_default();
                match name {
                    BlobName::Content(_) => files.content = true,
                    BlobName::Gone(_) => files.gone = true,
                    BlobName::Note(_, id) => files.notes.push(id),
                }
            }
            let known: BTreeSet<Address> = self.inner.index.addresses(shard)?.into_iter().collect();
            for address in known.iter().filter(|address| !files.get(address).is_some_and(|f| f.content)) {
                self.missing(*address, &mut out)?;
            }
            for (address, files) in files {
                if !known.contains(&address) || !files.notes.is_empty() {
                    self.adopt(address, &files, &mut out)?;
                }
            }
        }
        Ok(out)
    }

    /// A content without a file, unless either changed meanwhile.
    fn missing(&self, address: Address, out: &mut Sweep) -> Result<(), StoreError> {
        let _alone = self.alone();
        let gone = self.inner.blobs.length(BlobName::Content(address))?.is_none();
        if gone && self.inner.index.blob(address)?.is_some() {
            self.inner.index.set_damaged(address, Some("the sealed message is missing"))?;
            out.missing = out.missing.saturating_add(1);
        }
        Ok(())
    }

    /// Takes up what the files of an address say and the index does not know.
    fn adopt(&self, address: Address, files: &Files, out: &mut Sweep) -> Result<(), StoreError> {
        let _alone = self.alone();
        let known = self.inner.index.blob(address)?;
        let mut found = Vec::new();
        let mut content = None;
        if known.is_none() {
            let name = BlobName::Content(address);
            let Some(stored) = self.inner.blobs.length(name)? else { return Ok(()) };
            let Some(trailer) = self.trailer_of(name, out)? else { return Ok(()) };
            content = Some((address, BlobRow { owner: trailer.id, stored, size: trailer.entry.size, damaged: None }));
            if !files.gone {
                found.push((trailer, None));
            }
        }
        for id in &files.notes {
            let name = BlobName::Note(address, *id);
            let Some(bytes) = self.inner.blobs.length(name)? else { continue };
            if self.inner.index.entry(*id)?.is_none()
                && let Some(trailer) = self.trailer_of(name, out)?
            {
                found.push((trailer, Some(bytes)));
            }
        }
        if found.is_empty() {
            return if known.is_none() { self.remove_leftovers(address, out) } else { Ok(()) };
        }
        let row = |(trailer, note): &(crate::sealed::Trailer, Option<u64>)| (trailer.id, trailer.entry.clone(), *note);
        let found: Vec<_> = found.iter().map(row).collect();
        let rows =
            found.iter().map(|(id, entry, note)| NewRow { id: *id, address, entry, note: *note, recovered: true });
        let rows: Vec<_> = rows.collect();
        self.inner.index.insert(content, &rows)?;
        out.adopted = out.adopted.saturating_add(rows.len() as u64);
        Ok(())
    }

    /// Removes a content that was marked as deleted and has no entry.
    fn remove_leftovers(&self, address: Address, out: &mut Sweep) -> Result<(), StoreError> {
        for name in [BlobName::Content(address), BlobName::Gone(address)] {
            self.inner.blobs.remove(name)?;
            out.removed = out.removed.saturating_add(1);
        }
        Ok(())
    }

    /// What a sealed file says about itself; one that cannot be opened is named in the report.
    fn trailer_of(&self, file: BlobName, out: &mut Sweep) -> Result<Option<crate::sealed::Trailer>, StoreError> {
        match self.open_file(file) {
            Ok(opened) => Ok(Some(opened.trailer)),
            Err(StoreError::Corrupted { path, .. }) => {
                name(&mut out.unreadable, path);
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }
}
