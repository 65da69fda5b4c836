//! The bytes of one file or message, kept as they are while they are looked at.
//!
//! Small ones are in memory, large ones in a private copy without a name: the file itself may
//! change or shrink at any moment, and what was scanned must be one thing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use mail::evidence::FileKind;
use mail::span::MAX_BUFFER;
use rustix::fs::OFlags;
use scan::Input;
use service::spool::{Spool, Spooler};

/// What is larger is copied to a file, in bytes.
const IN_MEMORY: usize = 256 * 1024;
/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// How much is looked at to tell how to take the bytes.
const HEAD: usize = 16 * 1024;

/// The bytes with how to take them.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The bytes.
    pub(crate) spool: Spool,
    /// As a message, or as a file.
    pub(crate) input: Input,
    /// The file's own name, for what is no message.
    pub(crate) name: Option<String>,
}

impl Content {
    /// `mailbox`: it stands where only messages should be.
    ///
    /// # Errors
    /// The copy cannot be read back.
    pub(crate) fn new(spool: Spool, mailbox: bool, name: Option<String>) -> Result<Self, String> {
        let head = spool.read_at(0, HEAD).map_err(|error| format!("the copy cannot be read back: {error}"))?;
        Ok(Self { spool, input: how_to_take(&head, mailbox), name })
    }
}

/// What begins like a message is one. In a mailbox, text that does not is one all the same, because
/// mail programs will show it as one; but not what is clearly a file of another kind.
fn how_to_take(head: &[u8], mailbox: bool) -> Input {
    let message = mail::graph::looks_like_message(head);
    let kind = || unpack::detect(head);
    let text = || matches!(kind(), FileKind::Text | FileKind::Html | FileKind::Unknown | FileKind::Message);
    if message || (mailbox && text()) { Input::Message } else { Input::Detect }
}

/// Makes a spool for one message or file, its copy below `dir` if it is large.
pub(crate) fn spooler(dir: &Path) -> Spooler {
    Spooler::new(dir, IN_MEMORY)
}

/// Reads everything.
///
/// # Errors
/// In words: it cannot be read, is too large, or there is no space for a copy.
pub(crate) fn read_all(mut from: impl Read, dir: &Path) -> Result<Spool, String> {
    let mut spooler = spooler(dir);
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(spooler.finish()),
            Ok(length) => add(&mut spooler, chunk.get(..length).unwrap_or(&[]), dir)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
}

/// Adds bytes to a spool.
///
/// # Errors
/// In words: it would be too large, or there is no space for a copy.
pub(crate) fn add(spooler: &mut Spooler, bytes: &[u8], dir: &Path) -> Result<(), String> {
    if spooler.len().saturating_add(bytes.len() as u64) > MAX_BUFFER as u64 {
        return Err(too_large());
    }
    spooler.write(bytes).map_err(|error| {
        format!("no private copy can be made in {}: {error}; set TMPDIR to another place", dir.display())
    })
}

/// Why a file over the limit is not scanned.
pub(crate) fn too_large() -> String {
    format!("larger than {} MiB, the most that is scanned", MAX_BUFFER >> 20)
}

/// Opens a file that was found in a directory: never through a symbolic link, never waiting for
/// somebody at the other end of a pipe. `None` if it is no regular file.
///
/// # Errors
/// What the system says.
pub(crate) fn open_found(path: &Path) -> io::Result<Option<File>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_as_what_they_look_like() {
        let message = b"From: a@example.org\r\nSubject: x\r\n\r\nbody\r\n";
        let cases: [(&[u8], bool, Input); 7] = [
            (message, false, Input::Message),
            (message, true, Input::Message),
            (b"just text\n", false, Input::Detect),
            (b"just text\n", true, Input::Message),
            (b"", true, Input::Detect),
            (b"PK\x03\x04 an archive in a mailbox", true, Input::Detect),
            (b"MZ\x90\0 a program", false, Input::Detect),
        ];
        for (bytes, mailbox, input) in cases {
            assert_eq!(how_to_take(bytes, mailbox), input, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn large_content_goes_to_a_file_without_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let data = vec![7u8; IN_MEMORY + 1];
        assert!(matches!(read_all(&data[..IN_MEMORY], dir.path()).unwrap(), Spool::Memory(_)));
        let spool = read_all(&data[..], dir.path()).unwrap();
        assert!(matches!(spool, Spool::File { .. }) && spool.bytes().unwrap()[..] == data[..]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_regular_files_are_opened_in_a_walk() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, pipe) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("pipe"));
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(open_found(&file).unwrap().is_some());
        assert!(open_found(&link).is_err());
        assert!(open_found(&pipe).unwrap().is_none());
    }
}
