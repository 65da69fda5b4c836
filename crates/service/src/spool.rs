//! Where a message waits while it is looked at: in memory up to a threshold, above it in a private,
//! unlinked temporary file, so that a crash leaves nothing of it behind (spec D-16, PR-04).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

/// How much of a file is read at once when a message is passed on, in bytes.
pub const CHUNK: usize = 64 * 1024;

/// A message being received.
#[derive(Debug)]
pub struct Spooler {
    directory: PathBuf,
    threshold: usize,
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
}

impl Spooler {
    /// An empty one; `directory` is where a file is made when more than `threshold` bytes come.
    pub fn new(directory: &Path, threshold: usize) -> Self {
        Self { directory: directory.to_owned(), threshold, memory: Vec::new(), file: None, len: 0 }
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds bytes. Writes block, but only into the page cache.
    ///
    /// # Errors
    /// What the file system says, `StorageFull` above all: the message is then answered 452.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len = self.len.saturating_add(bytes.len() as u64);
        if let Some(file) = &mut self.file {
            return file.write_all(bytes);
        }
        if self.memory.len().saturating_add(bytes.len()) <= self.threshold {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let mut file = unlinked(&self.directory)?;
        file.write_all(&self.memory)?;
        file.write_all(bytes)?;
        self.memory = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    /// The whole message.
    pub fn finish(self) -> Spool {
        match self.file {
            Some(file) => Spool::File { file: Arc::new(OwnedFd::from(file)), len: self.len },
            None => Spool::Memory(Arc::from(self.memory)),
        }
    }
}

/// A file without a name: `O_TMPFILE`, or where the file system has none, created and removed.
fn unlinked(directory: &Path) -> io::Result<File> {
    let mode = Mode::RUSR | Mode::WUSR;
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags | OFlags::TMPFILE, mode) {
        Ok(fd) => Ok(File::from(fd)),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => {
            let name = directory.join(format!("spool-{}-{}", std::process::id(), crate::id::random_suffix()));
            let fd = rustix::fs::open(&name, flags | OFlags::CREATE | OFlags::EXCL, mode)?;
            std::fs::remove_file(&name)?;
            Ok(File::from(fd))
        }
        Err(error) => Err(error.into()),
    }
}

/// A received message. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub enum Spool {
    /// In memory.
    Memory(Arc<[u8]>),
    /// In an unlinked file.
    File {
        /// The file.
        file: Arc<OwnedFd>,
        /// Its length in bytes.
        len: u64,
    },
}

impl From<Vec<u8>> for Spool {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(Arc::from(bytes))
    }
}

impl Spool {
    /// Its size in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `max` bytes from `offset` on.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read_at(&self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let want = left.min(max);
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.get(start..start.saturating_add(want)).unwrap_or(&[]).to_vec())
            }
            Self::File { file, .. } => {
                let mut out = vec![0; want];
                let file = file.try_clone().map(File::from)?;
                file.read_exact_at(&mut out, offset)?;
                Ok(out)
            }
        }
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// What the file system says.
    pub fn bytes(&self) -> io::Result<Arc<[u8]>> {
        match self {
            Self::Memory(bytes) => Ok(Arc::clone(bytes)),
            Self::File { len, .. } => {
                let len = usize::try_from(*len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
                Ok(Arc::from(self.read_at(0, len)?))
            }
        }
    }

    /// A reader from its start.
    pub fn reader(&self) -> SpoolReader {
        self.reader_from(0)
    }

    /// A reader from an offset on.
    pub fn reader_from(&self, at: u64) -> SpoolReader {
        SpoolReader { spool: self.clone(), at }
    }
}

/// Reads a spool from its start.
#[derive(Clone, Debug)]
pub struct SpoolReader {
    spool: Spool,
    at: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.spool.read_at(self.at, out.len().min(CHUNK))?;
        let taken = bytes.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..taken), bytes.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(taken as u64);
        Ok(taken)
    }
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.spool.len(), by),
        };
        let at = base.checked_add_signed(offset).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.at = at;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooled(threshold: usize, chunks: &[&[u8]]) -> Spool {
        let dir = tempfile::tempdir().unwrap();
        let mut spooler = Spooler::new(dir.path(), threshold);
        for chunk in chunks {
            spooler.write(chunk).unwrap();
        }
        let spool = spooler.finish();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing with a name is left in the directory");
        spool
    }

    #[test]
    fn small_mail_stays_in_memory_and_large_goes_to_a_file_without_a_name() {
        assert!(matches!(spooled(10, &[b"12345", b"67890"]), Spool::Memory(_)));
        assert!(matches!(spooled(10, &[b"12345", b"678901"]), Spool::File { len: 11, .. }));
    }

    #[test]
    fn the_bytes_come_back_as_they_went_in() {
        let data: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        for threshold in [0, 1000, 1 << 20] {
            let chunks: Vec<&[u8]> = data.chunks(777).collect();
            let spool = spooled(threshold, &chunks);
            let mut read = Vec::new();
            spool.reader().read_to_end(&mut read).unwrap();
            assert!(read == data && spool.bytes().unwrap()[..] == data[..]);
            assert_eq!(spool.read_at(199_990, 100).unwrap(), &data[199_990..]);
        }
    }
}
