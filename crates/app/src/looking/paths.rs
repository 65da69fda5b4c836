//! From paths to items: files, directories, mailboxes, standard input.
//!
//! A directory is walked in the order of its names, never through a symbolic link, with a stack
//! instead of recursion. Limits: [`MAX_DEPTH`] levels, [`MAX_ENTRIES`] entries a directory; what
//! lies beyond is an error of the directory, never silently left out.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use mail::span::MAX_BUFFER;

use super::content::{self, Content, open_found, read_all};
use super::{Give, Item, mbox};

/// Deepest level of directories below a path that was given.
const MAX_DEPTH: usize = 128;
/// Most entries of one directory.
const MAX_ENTRIES: usize = 1_000_000;
/// How much of a file is looked at to see whether it is an mbox, in bytes.
const HEAD: usize = 4096;

/// What a walk passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct PassedOver {
    /// Symbolic links inside directories.
    pub(crate) links: u64,
    /// Pipes, sockets and devices inside directories.
    pub(crate) special: u64,
}

/// Gives everything that the paths name; `spool_dir` is for private copies.
pub(crate) fn each(paths: &[PathBuf], spool_dir: &Path, give: &mut Give<'_>) -> PassedOver {
    let mut source = Source { spool_dir, give, passed: PassedOver::default(), stopped: false };
    for path in paths {
        if source.stopped {
            break;
        }
        source.path(path);
    }
    source.passed
}

/// Something in a directory that is still to be looked at.
struct Pending {
    path: PathBuf,
    depth: usize,
    directory: bool,
    /// It lies in `cur` or `new` of a Maildir.
    mailbox: bool,
}

struct Source<'a, 'g> {
    spool_dir: &'a Path,
    give: &'a mut Give<'g>,
    passed: PassedOver,
    stopped: bool,
}

impl Source<'_, '_> {
    /// A path that was given: links are followed, pipes and devices read.
    fn path(&mut self, path: &Path) {
        if path.as_os_str() == "-" {
            return self.stream("-", io::stdin().lock(), false, None);
        }
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.directory(path),
            Ok(meta) => match File::open(path) {
                Ok(file) => self.file(path, file, meta.is_file().then_some(meta.len()), false),
                Err(error) => self.error(path, format!("cannot be opened: {error}")),
            },
            Err(error) => self.error(path, format!("cannot be opened: {error}")),
        }
    }

    fn directory(&mut self, path: &Path) {
        let mut pending = vec![Pending { path: path.to_owned(), depth: 0, directory: true, mailbox: false }];
        while let Some(next) = pending.pop() {
            if self.stopped {
                return;
            }
            if next.directory {
                self.expand(&next, &mut pending);
            } else {
                self.found(&next);
            }
        }
    }

    /// Puts a directory's entries on the stack, the first on top.
    fn expand(&mut self, directory: &Pending, pending: &mut Vec<Pending>) {
        if directory.depth >= MAX_DEPTH {
            return self.error(&directory.path, format!("nested deeper than {MAX_DEPTH} directories: not scanned"));
        }
        let entries = match self.entries(&directory.path) {
            Ok(entries) => entries,
            Err(error) => return self.error(&directory.path, format!("the directory cannot be read: {error}")),
        };
        if entries.len() >= MAX_ENTRIES {
            let why = format!("more than {MAX_ENTRIES} entries: the rest was not scanned");
            self.error(&directory.path, why);
        }
        let has = |name: &str| entries.iter().any(|(entry, is_dir)| *is_dir && entry == name);
        let maildir = has("cur") && has("new");
        pending.extend(entries.iter().rev().map(|(name, is_dir)| Pending {
            path: directory.path.join(name),
            depth: directory.depth + 1,
            directory: *is_dir,
            mailbox: directory.mailbox || (maildir && *is_dir && (name == "cur" || name == "new")),
        }));
    }

    /// Files and directories of a directory by name.
    fn entries(&mut self, path: &Path) -> io::Result<Vec<(OsString, bool)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)?.take(MAX_ENTRIES) {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                self.passed.links += 1;
            } else if kind.is_dir() || kind.is_file() {
                entries.push((entry.file_name(), kind.is_dir()));
            } else {
                self.passed.special += 1;
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// A file that was found in a directory.
    fn found(&mut self, entry: &Pending) {
        match open_found(&entry.path) {
            Ok(Some(file)) => {
                let length = file.metadata().ok().map(|meta| meta.len());
                self.file(&entry.path, file, length, entry.mailbox);
            }
            Ok(None) => self.passed.special += 1,
            // Gone since the directory was read: mail was delivered or deleted.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.error(&entry.path, format!("cannot be opened: {error}")),
        }
    }

    fn file(&mut self, path: &Path, file: File, length: Option<u64>, mailbox: bool) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        // An mbox may be larger than any message; what is no mbox ends at the limit.
        let eml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml"));
        let huge = length.is_some_and(|length| length > MAX_BUFFER as u64);
        let shown = path.display().to_string();
        match first(file) {
            Ok((head, rest)) if mbox::is_mbox(&head) && !mailbox => self.mbox(&shown, Cursor::new(head).chain(rest)),
            Ok(_) if huge => self.error(path, content::too_large()),
            Ok((head, rest)) => self.whole(&shown, Cursor::new(head).chain(rest), mailbox || eml, name),
            Err(error) => self.error(path, format!("cannot be read: {error}")),
        }
    }

    fn stream(&mut self, shown: &str, from: impl Read, mailbox: bool, name: Option<String>) {
        match first(from) {
            Ok((head, rest)) if mbox::is_mbox(&head) => self.mbox(shown, Cursor::new(head).chain(rest)),
            Ok((head, rest)) => self.whole(shown, Cursor::new(head).chain(rest), mailbox, name),
            Err(error) => self.give(shown, None, Err(format!("cannot be read: {error}"))),
        }
    }

    fn mbox(&mut self, shown: &str, from: impl Read) {
        let dir = self.spool_dir;
        mbox::split(from, dir, &mut |index, spool| {
            self.give(shown, Some(index), spool.and_then(|spool| Content::new(spool, true, None)));
            !self.stopped
        });
    }

    fn whole(&mut self, shown: &str, from: impl Read, mailbox: bool, name: Option<String>) {
        let content = read_all(from, self.spool_dir).and_then(|spool| Content::new(spool, mailbox, name));
        self.give(shown, None, content);
    }

    fn error(&mut self, path: &Path, why: String) {
        self.give(&path.display().to_string(), None, Err(why));
    }

    fn give(&mut self, path: &str, index: Option<u64>, content: Result<Content, String>) {
        self.stopped |= !(self.give)(Item { path: path.to_owned(), index, content });
    }
}

/// The first bytes of a stream, and the stream behind them.
fn first<R: Read>(mut from: R) -> io::Result<(Vec<u8>, R)> {
    let mut head = Vec::new();
    from.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head, from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn walk(paths: &[PathBuf]) -> (Vec<(String, Option<u64>, bool)>, PassedOver) {
        let spool = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        let passed = each(paths, spool.path(), &mut |item| {
            seen.push((item.path, item.index, item.content.is_ok()));
            true
        });
        (seen, passed)
    }

    #[test]
    fn a_directory_is_walked_in_order_and_links_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("b/deep")).unwrap();
        for name in ["c", "a", "b/two", "b/deep/one"] {
            fs::write(at(name), "x").unwrap();
        }
        symlink(dir.path(), at("b/loop")).unwrap();
        symlink(at("a"), at("z")).unwrap();
        let (seen, passed) = walk(&[dir.path().to_owned()]);
        let names: Vec<String> = ["a", "b/deep/one", "b/two", "c"].map(|n| at(n).display().to_string()).to_vec();
        assert_eq!(seen.into_iter().map(|(path, ..)| path).collect::<Vec<_>>(), names);
        assert_eq!(passed, PassedOver { links: 2, special: 0 });
    }

    #[test]
    fn what_cannot_be_read_is_an_item_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        assert_eq!(walk(std::slice::from_ref(&missing)).0, [(missing.display().to_string(), None, false)]);
    }

    #[test]
    fn deeper_directories_than_the_limit_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut deep = dir.path().to_owned();
        for _ in 0..=MAX_DEPTH {
            deep.push("d");
            fs::create_dir(&deep).unwrap();
        }
        fs::write(deep.join("hidden"), "x").unwrap();
        let (seen, _) = walk(&[dir.path().to_owned()]);
        assert!(matches!(&seen[..], [(_, None, false)]), "{seen:?}");
    }

    #[test]
    fn a_maildir_gives_its_messages_and_an_mbox_is_numbered() {
        let dir = tempfile::tempdir().unwrap();
        for part in ["cur", "new", "tmp"] {
            fs::create_dir(dir.path().join(part)).unwrap();
        }
        fs::write(dir.path().join("cur/1:2,S"), "text without a header").unwrap();
        fs::write(dir.path().join("tmp/2"), "text without a header").unwrap();
        let from = "From a Fri Nov 21 18:00:00 2025\n";
        fs::write(dir.path().join("z.mbox"), format!("{from}A: b\n\n{from}C: d\n")).unwrap();
        let spool = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        each(&[dir.path().to_owned()], spool.path(), &mut |item| {
            seen.push((item.index, item.content.unwrap().input));
            true
        });
        use scan::Input::{Detect, Message};
        assert_eq!(seen, [(None, Message), (None, Detect), (Some(1), Message), (Some(2), Message)]);
    }
}
