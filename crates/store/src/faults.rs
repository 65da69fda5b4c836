//! Tests of keeping when the place of the files fails at any step.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::io_error;
use crate::files::{BlobName, Blobs, FileBlobs, Source, Staged};
use crate::keys::Keys;
use crate::lock::Lock;
use crate::testing::entry;
use crate::{Store, StoreError};

/// Steps until the next failure; 0 is never.
#[derive(Clone)]
struct Fuse(Arc<AtomicU32>);

impl Fuse {
    /// One step: fails with a full disk if it is the one.
    fn burn(&self) -> io::Result<()> {
        let left = self.0.load(Ordering::SeqCst);
        self.0.store(left.saturating_sub(1), Ordering::SeqCst);
        if left == 1 { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn step(&self) -> Result<(), StoreError> {
        self.burn().map_err(|e| io_error("write", Path::new("blob"), e))
    }
}

/// Files whose steps may fail, before and after they have an effect.
struct Faulty(FileBlobs, Fuse);

struct FaultyStaged(Box<dyn Staged>, Fuse);

impl Write for FaultyStaged {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.1.burn()?;
        self.0.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Staged for FaultyStaged {
    fn settle(&mut self) -> Result<u64, StoreError> {
        self.1.step()?;
        self.0.settle()
    }

    fn publish(self: Box<Self>, name: BlobName) -> Result<(), StoreError> {
        self.1.step()?;
        self.0.publish(name)?;
        self.1.step()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Blobs for Faulty {
    fn stage(&self) -> Result<Box<dyn Staged>, StoreError> {
        self.1.step()?;
        Ok(Box::new(FaultyStaged(self.0.stage()?, self.1.clone())))
    }

    fn open(&self, name: BlobName) -> Result<Option<Box<dyn Source>>, StoreError> {
        self.0.open(name)
    }

    fn mark(&self, name: BlobName) -> Result<(), StoreError> {
        self.1.step()?;
        self.0.mark(name)
    }

    fn remove(&self, name: BlobName) -> Result<(), StoreError> {
        self.0.remove(name)
    }

    fn length(&self, name: BlobName) -> Result<Option<u64>, StoreError> {
        self.0.length(name)
    }

    fn names(&self, shard: u8) -> Result<Vec<BlobName>, StoreError> {
        self.0.names(shard)
    }

    fn place(&self, name: BlobName) -> PathBuf {
        self.0.place(name)
    }
}

/// Everything that lies in Backup's directory.
fn all_files(store: &Store) -> Vec<PathBuf> {
    let dirs = std::fs::read_dir(store.dir().join("blobs")).unwrap().map(|dir| dir.unwrap().path());
    dirs.flat_map(|dir| std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path())).collect()
}

#[test]
fn whichever_step_fails_nothing_is_left_and_the_next_attempt_works() {
    let dir = tempfile::tempdir().unwrap();
    let fuse = Fuse(Arc::new(AtomicU32::new(0)));
    let blobs = Box::new(Faulty(FileBlobs::open(dir.path()).unwrap(), fuse.clone()));
    let store = Store::assemble(dir.path(), Keys::random().unwrap(), blobs, Lock::take(dir.path()).unwrap()).unwrap();
    let body: Vec<u8> =
        (0..300_000u64).map(|n| (n.wrapping_mul(n | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53) as u8).collect();
    for kind in ["content", "note"] {
        let before = (all_files(&store), store.usage().unwrap().bytes);
        let mut failed = 0;
        for step in 1.. {
            fuse.0.store(step, Ordering::SeqCst);
            match store.keep(entry(1_000, body.len() as u64), &mut &body[..]) {
                Err(error) => {
                    assert!(matches!(error, StoreError::NoSpace { .. }), "{kind} {step}: {error}");
                    assert_eq!((all_files(&store), store.usage().unwrap().bytes), before, "{kind} {step}");
                    failed += 1;
                }
                Ok(receipt) => {
                    fuse.0.store(0, Ordering::SeqCst);
                    store.verify(receipt.backup_id()).unwrap();
                    break;
                }
            }
        }
        assert!(failed >= 5, "{kind}: {failed} steps were tried");
    }
    assert_eq!(store.usage().unwrap().objects, 2);
}
