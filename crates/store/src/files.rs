//! Where sealed files lie: `blobs/ab/cdef…`, by the address of what they hold.
//!
//! [`Blobs`] is narrow so that an object store can stand in its place. The promise of [`Staged::publish`]:
//! when it returns, the file is complete under its name and stays so after a power cut (fsync of the
//! file, rename, fsync of the directory). Names are made from addresses, never from what a sender wrote.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::entry::BackupId;
use crate::error::{StoreError, io_error};
use crate::sealed::Address;

/// Directories of addresses, one a first byte.
pub(crate) const SHARDS: u32 = 256;
/// Most files `X-N` that are set aside beside each other.
const MAX_ASIDE: u32 = 10_000;

/// The name of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BlobName {
    /// A message's bytes, with the entry that brought them.
    Content(Address),
    /// A further entry of the same bytes.
    Note(Address, BackupId),
    /// An empty file: the entry inside the content was deleted while others remain.
    Gone(Address),
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl BlobName {
    /// The address that it belongs to.
    pub(crate) fn address(self) -> Address {
        match self {
            Self::Content(address) | Self::Note(address, _) | Self::Gone(address) => address,
        }
    }

    /// Its place below `blobs/`.
    pub(crate) fn path(self) -> PathBuf {
        let hex = hex(&self.address().0);
        let (shard, rest) = hex.split_at(2);
        let file = match self {
            Self::Content(_) => rest.to_owned(),
            Self::Note(_, id) => format!("{rest}.{id}"),
            Self::Gone(_) => format!("{rest}.gone"),
        };
        Path::new(shard).join(file)
    }

    /// Reads what [`BlobName::path`] made.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        let (shard, file) = path.split_once('/')?;
        Self::parse(u8::from_str_radix(shard, 16).ok()?, file)
    }

    /// Reads a file's name back.
    fn parse(shard: u8, file: &str) -> Option<Self> {
        let (rest, suffix) = file.split_once('.').map_or((file, None), |(rest, suffix)| (rest, Some(suffix)));
        let mut address = [shard; 32];
        let pairs = rest.as_bytes().as_chunks::<2>();
        if rest.len() != 62 || !pairs.1.is_empty() {
            return None;
        }
        for (to, [high, low]) in address.iter_mut().skip(1).zip(pairs.0) {
            *to = nibble(*high)?.checked_mul(16)? | nibble(*low)?;
        }
        let address = Address(address);
        Some(match suffix {
            None => Self::Content(address),
            Some("gone") => Self::Gone(address),
            Some(id) => Self::Note(address, id.parse().ok()?),
        })
    }
}

/// Lower-case hexadecimal.
fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a lower-case hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase()).and_then(|d| u8::try_from(d).ok())
}

/// Something that can be read and has an end that can be found.
pub(crate) trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// A file that is being written and has no name yet; dropping it leaves nothing.
pub(crate) trait Staged: Write + Send {
    /// Makes its bytes durable and says how many there are.
    fn settle(&mut self) -> Result<u64, StoreError>;
    /// Gives it its name, in place of what had it, durably. After an error it may have the name or not.
    fn publish(self: Box<Self>, name: BlobName) -> Result<(), StoreError>;
    /// Where it lies, for messages.
    fn path(&self) -> &Path;
}

/// Named, immutable, durable files.
pub(crate) trait Blobs: Send + Sync {
    /// Begins a file.
    fn stage(&self) -> Result<Box<dyn Staged>, StoreError>;
    /// Opens a file; `None` if there is none.
    fn open(&self, name: BlobName) -> Result<Option<Box<dyn Source>>, StoreError>;
    /// Marks with an empty file of this name, durably.
    fn mark(&self, name: BlobName) -> Result<(), StoreError>;
    /// Removes a file; that there is none is success.
    fn remove(&self, name: BlobName) -> Result<(), StoreError>;
    /// Bytes of a file; `None` if there is none.
    fn length(&self, name: BlobName) -> Result<Option<u64>, StoreError>;
    /// The names whose address begins with this byte, in no order.
    fn names(&self, shard: u8) -> Result<Vec<BlobName>, StoreError>;
    /// Where a file lies, for messages.
    fn place(&self, name: BlobName) -> PathBuf;
}

/// [`Blobs`] in a directory.
pub(crate) struct FileBlobs {
    root: PathBuf,
    next: AtomicU64,
}

impl FileBlobs {
    /// Opens `blobs/` in a data directory, creates what is missing and removes unfinished files.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let root = dir.join("blobs");
        let tmp = root.join("tmp");
        let complete = tmp.is_dir();
        make_dir(&root)?;
        if !complete {
            // `tmp` is made last: where it is, all are.
            for shard in 0..SHARDS {
                make_dir(&root.join(format!("{shard:02x}")))?;
            }
            sync_dir(&root)?;
            make_dir(&tmp)?;
            sync_dir(&root)?;
            sync_dir(dir)?;
        }
        remove_unfinished(&tmp)?;
        Ok(Self { root, next: AtomicU64::new(0) })
    }

    /// Whether any sealed file lies in a data directory.
    pub(crate) fn any(dir: &Path) -> bool {
        (0..SHARDS).any(|shard| {
            let names = fs::read_dir(dir.join("blobs").join(format!("{shard:02x}")));
            names.is_ok_and(|mut names| names.next().is_some())
        })
    }
}

/// A staged file of [`FileBlobs`].
struct StagedFile {
    file: File,
    path: PathBuf,
    root: PathBuf,
    published: bool,
}

impl Write for StagedFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged for StagedFile {
    fn settle(&mut self) -> Result<u64, StoreError> {
        self.file.sync_all().map_err(|e| io_error("make durable", &self.path, e))?;
        Ok(self.file.metadata().map_err(|e| io_error("look at", &self.path, e))?.len())
    }

    fn publish(mut self: Box<Self>, name: BlobName) -> Result<(), StoreError> {
        let to = self.root.join(name.path());
        fs::rename(&self.path, &to).map_err(|e| io_error("put in place", &to, e))?;
        self.published = true;
        sync_dir(to.parent().unwrap_or(&self.root))
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Blobs for FileBlobs {
    fn stage(&self) -> Result<Box<dyn Staged>, StoreError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join("tmp").join(number.to_string());
        let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = open.map_err(|e| io_error("create", &path, e))?;
        Ok(Box::new(StagedFile { file, path, root: self.root.clone(), published: false }))
    }

    fn open(&self, name: BlobName) -> Result<Option<Box<dyn Source>>, StoreError> {
        let path = self.place(name);
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io_error("open", &path, e)),
        }
    }

    fn mark(&self, name: BlobName) -> Result<(), StoreError> {
        let path = self.place(name);
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        open.map_err(|e| io_error("create", &path, e))?;
        sync_dir(path.parent().unwrap_or(&self.root))
    }

    fn remove(&self, name: BlobName) -> Result<(), StoreError> {
        let path = self.place(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path, e)),
            _ => Ok(()),
        }
    }

    fn length(&self, name: BlobName) -> Result<Option<u64>, StoreError> {
        let path = self.place(name);
        match fs::metadata(&path) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io_error("look at", &path, e)),
        }
    }

    fn names(&self, shard: u8) -> Result<Vec<BlobName>, StoreError> {
        let path = self.root.join(format!("{shard:02x}"));
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(|e| io_error("list", &path, e))? {
            let entry = entry.map_err(|e| io_error("list", &path, e))?;
            match entry.file_name().to_str().and_then(|file| BlobName::parse(shard, file)) {
                Some(name) => names.push(name),
                None => tracing::warn!(path = %entry.path().display(), "a foreign file lies in Backup"),
            }
        }
        Ok(names)
    }

    fn place(&self, name: BlobName) -> PathBuf {
        self.root.join(name.path())
    }
}

/// Creates a directory for this user only, if it is not there.
pub(crate) fn make_dir(path: &Path) -> Result<(), StoreError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(io_error("create", path, e)),
        _ => Ok(()),
    }
}

/// Removes what a store that ended left in its directory for unfinished files.
pub(crate) fn remove_unfinished(tmp: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(tmp).map_err(|e| io_error("list", tmp, e))? {
        let path = entry.map_err(|e| io_error("list", tmp, e))?.path();
        fs::remove_file(&path).map_err(|e| io_error("remove the unfinished", &path, e))?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| io_error("make durable", path, e))
}

/// A name `stem-N` that nothing has yet.
pub(crate) fn free_name(dir: &Path, stem: &str) -> PathBuf {
    let taken = |n: &u32| dir.join(format!("{stem}-{n}")).exists();
    let n = (1..MAX_ASIDE).find(|n| !taken(n)).unwrap_or(MAX_ASIDE);
    dir.join(format!("{stem}-{n}"))
}

#[cfg(test)]
mod tests {
    use super::BlobName;
    use crate::entry::BackupId;
    use crate::sealed::Address;

    #[test]
    fn names_read_back() {
        let address = Address([0xa7; 32]);
        let id = BackupId::new(1_700_000_000_000, 5);
        for name in [BlobName::Content(address), BlobName::Note(address, id), BlobName::Gone(address)] {
            let path = name.path();
            assert!(path.starts_with("a7"));
            let file = path.file_name().and_then(|f| f.to_str()).unwrap();
            assert_eq!(BlobName::parse(0xa7, file), Some(name));
            assert_eq!(BlobName::from_path(path.to_str().unwrap()), Some(name));
        }
    }

    #[test]
    fn foreign_names_are_not_ours() {
        let long = "a7".repeat(31);
        for bad in ["", "x", &"a7".repeat(30), &"A7".repeat(31), &format!("{long}."), &format!("{long}.x")] {
            assert_eq!(BlobName::parse(0xa7, bad), None, "{bad}");
        }
    }
}
