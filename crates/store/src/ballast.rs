//! Some bytes of the disk that are given up when it is full, so that deletions, which need a little space
//! for their transaction, can make more. Best effort: without it a full disk needs somebody's hand.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::free_bytes;

/// Bytes of it: the pages of a transaction that deletes a few entries, several times over.
const SIZE: usize = 2 * 1024 * 1024;

/// The file.
pub(crate) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// Takes it in a data directory; on a full disk gives it up, because opening needs some space as well.
    pub(crate) fn take(dir: &Path) -> Self {
        let ballast = Self { path: dir.join("ballast") };
        if free_bytes(dir).is_some_and(|free| free < SIZE as u64) {
            ballast.drop_it();
        } else {
            ballast.refill();
        }
        ballast
    }

    /// Gives the space up; whether there was any.
    pub(crate) fn drop_it(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }

    /// Takes the space again, if it was given up and there is enough of it.
    pub(crate) fn refill(&self) {
        if fs::metadata(&self.path).is_ok_and(|meta| meta.len() == SIZE as u64) {
            return;
        }
        // Random bytes, because a file system may store zeros in no space at all.
        let mut bytes = vec![0u8; SIZE];
        let filled = aws_lc_rs::rand::fill(&mut bytes).is_ok();
        let written = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
        if !filled || written.is_err() {
            tracing::debug!(path = %self.path.display(), "no space for the ballast yet");
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ballast, SIZE};

    #[test]
    fn it_is_given_up_once_and_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let ballast = Ballast::take(dir.path());
        assert_eq!(dir.path().join("ballast").metadata().unwrap().len(), SIZE as u64);
        assert!(ballast.drop_it() && !ballast.drop_it());
        std::fs::write(dir.path().join("ballast"), b"half").unwrap();
        ballast.refill();
        assert_eq!(dir.path().join("ballast").metadata().unwrap().len(), SIZE as u64);
    }
}
