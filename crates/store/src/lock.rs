//! One data directory belongs to one process: an advisory lock (flock) on its file `lock`.
//!
//! The kernel drops the lock when the holder ends, however it ends; the process id in the file is
//! only for the message to whoever comes second. Not handled: file systems without working flock.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::error::{StoreError, io_error};

/// Bytes of the lock file that are looked at for a process id.
const MAX_PID_TEXT: u64 = 20;

/// A held lock; released when dropped.
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing would do, but for a process that was forked at this moment and has not yet become another
    /// program: it holds the file as well.
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.file, FlockOperation::Unlock) {
            tracing::debug!(%error, "could not unlock the data directory");
        }
    }
}

impl Lock {
    /// Takes the lock of a data directory, or says who has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| io_error("open", &path, e))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let read = (&mut file).take(MAX_PID_TEXT).read_to_string(&mut text);
                let pid = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(StoreError::Locked { path: dir.to_path_buf(), pid });
            }
            Err(e) => return Err(io_error("lock", &path, e.into())),
        }
        // A full disk must not keep the daemon from starting: the id is a courtesy.
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
        if let Err(e) = written {
            tracing::debug!(error = %e, "could not write the process id into the lock file");
        }
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lets_go_lets_go_for_its_copies_too() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::take(dir.path()), Err(StoreError::Locked { .. })));
        drop(lock);
        assert!(Lock::take(dir.path()).is_ok(), "a copy as a forked process has it holds nothing");
        drop(copy);
    }
}
