//! Writing exported things to files: never over another by accident, never half.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use mail::untrusted::escape;

use crate::failure::Failure;

/// How much is copied at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// A name for a file in the current directory, as the answerer gave it.
///
/// # Errors
/// It is more than a name.
pub(crate) fn plain_name(name: &str) -> Result<PathBuf, Failure> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(harmless) {
        let shown = escape(name, 100);
        return Err(Failure::new(format!("\"{shown}\" is no name for a file: name one with --output")));
    }
    Ok(PathBuf::from(name))
}

/// Writes a file that only its owner can read. One that exists is refused, or with `force` replaced
/// once the new one is whole; after an error there is no half one.
///
/// # Errors
/// It exists, cannot be written, or what should go into it cannot be read.
pub(crate) fn write_new(path: &Path, force: bool, from: &mut dyn Read) -> Result<(), Failure> {
    let shown = escape(&path.display().to_string(), 1000);
    let part = if force { beside(path) } else { path.to_owned() };
    let mut file = create(&part).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !force => Failure::new(format!("{shown} exists: --force writes over it")),
        _ => Failure::new(format!("{shown} cannot be created: {error}")),
    })?;
    let written = copy(from, &mut file).and_then(|()| {
        let whole = file.sync_all().and_then(|()| if force { std::fs::rename(&part, path) } else { Ok(()) });
        whole.map_err(|error| Failure::new(format!("{shown} cannot be written: {error}")))
    });
    if written.is_err() {
        // What is left of it is of no use; the error that is told says why.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A name beside another, for a file that takes its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    path.with_file_name(name)
}

/// Copies everything.
///
/// # Errors
/// Either side; a closed pipe is [`Failure::ClosedPipe`].
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<(), Failure> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => to.write_all(chunk.get(..length).unwrap_or(&[])).map_err(write_error)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::new(format!("the message cannot be read to its end: {error}"))),
        }
    }
    to.flush().map_err(write_error)
}

fn write_error(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::new(format!("cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives some bytes, then breaks.
    struct Broken(bool);

    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("damaged"));
            }
            out[..3].copy_from_slice(b"abc");
            Ok(3)
        }
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.eml");
        assert!(write_new(&path, false, &mut Broken(false)).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        write_new(&path, false, &mut &b"one"[..]).unwrap();
        assert!(write_new(&path, false, &mut &b"two"[..]).is_err());
        assert!(write_new(&path, true, &mut Broken(false)).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_new(&path, true, &mut &b"two"[..]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_plain_names_are_taken() {
        assert!(plain_name("smtp-20251121-180000-7.eml").is_ok());
        for bad in ["", ".", "..", "../x", "/etc/passwd", "a/b", ".profile", "a\nb", "ä"] {
            assert!(plain_name(bad).is_err(), "{bad}");
        }
    }
}
