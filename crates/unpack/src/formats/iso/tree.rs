//! The folders of an image (ECMA-119 section 9), Joliet's and the primary ones with the names of Rock
//! Ridge.
//!
//! Limits: [`MAX_FOLDERS`], files up to the limit of objects, [`MAX_PIECES`] for one file. Sectors are of
//! 2048 bytes. Not handled: names of Rock Ridge that go on in another sector, moved folders.

use std::collections::BTreeSet;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Limit};
use crate::bytes::{be32, between, le32, take};
use crate::names;

/// Length of a sector, in bytes.
pub(super) const SECTOR: usize = 2048;
/// Most folders of an image.
const MAX_FOLDERS: usize = 10_000;
/// Most pieces of one file.
const MAX_PIECES: usize = 4096;

/// Flags of a record.
const FOLDER: u8 = 2;
const GOES_ON: u8 = 0x80;

/// A file.
pub(super) struct File {
    /// Its names with the folders in front, the one that shows first.
    pub(super) names: Vec<String>,
    /// Where it stands: start and length, in bytes.
    pub(super) pieces: Vec<(usize, u64)>,
    /// Only the tree that is not shown has it.
    pub(super) hidden: bool,
    /// Its record contradicts itself.
    pub(super) damaged: bool,
}

/// One record of a folder.
struct Record<'a> {
    start: usize,
    size: u64,
    flags: u8,
    name: &'a [u8],
    /// What Rock Ridge adds.
    system: &'a [u8],
    damaged: bool,
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let len = usize::from(*bytes.get(32)?);
        let name = take(bytes, 33, len)?;
        let system = between(bytes, 33_usize.checked_add(len | 1)?, bytes.len());
        let (extent, size) = (le32(bytes, 2)?, le32(bytes, 10)?);
        let attributes = usize::from(*bytes.get(1)?);
        let sector = usize::try_from(extent).ok()?.checked_add(attributes)?;
        Some(Self {
            start: sector.checked_mul(SECTOR)?,
            size: size.into(),
            flags: *bytes.get(25)?,
            name,
            system,
            // Each number stands there in both orders of bytes.
            damaged: be32(bytes, 6)? != extent || be32(bytes, 14)? != size,
        })
    }

    /// The name that Rock Ridge gives.
    fn rock_ridge(&self) -> Option<String> {
        let (mut at, mut name) = (0_usize, Vec::new());
        // Entries: two letters, a length, a version. A sector's worth is at most 63 of them.
        for _ in 0..64 {
            let len = usize::from(*self.system.get(at.saturating_add(2))?).max(4);
            let entry = between(self.system, at, at.saturating_add(len));
            if entry.starts_with(b"NM") && entry.get(4).is_some_and(|flags| flags & 6 == 0) {
                name.extend_from_slice(between(entry, 5, entry.len()));
                if entry.get(4).is_some_and(|flags| flags & 1 == 0) {
                    return Some(names::decode(&name));
                }
            }
            at = at.saturating_add(len);
        }
        None
    }

    /// Its names, the one that shows first.
    fn names(&self, unicode: bool) -> Vec<String> {
        if unicode {
            let units = self.name.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            let name = String::from_utf16_lossy(&units.collect::<Vec<u16>>());
            return vec![plain(&name).to_owned()];
        }
        let mut all: Vec<String> = self.rock_ridge().into_iter().collect();
        all.push(plain(&names::decode(self.name)).to_owned());
        all
    }
}

/// A name without its version.
fn plain(name: &str) -> &str {
    let name = name.rsplit_once(';').map_or(name, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}

/// A folder that is still to be read.
struct Folder {
    path: String,
    start: usize,
    size: u64,
    unicode: bool,
    hidden: bool,
}

/// Reads trees.
pub(super) struct Tree<'a> {
    data: &'a [u8],
    budget: &'a mut Budget,
    waiting: Vec<Folder>,
    seen: BTreeSet<(usize, u64, bool)>,
    files: Vec<File>,
    problems: Vec<UnscannedReason>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(data: &'a [u8], budget: &'a mut Budget) -> Self {
        Self { data, budget, waiting: Vec::new(), seen: BTreeSet::new(), files: Vec::new(), problems: Vec::new() }
    }

    /// The files, and what could not be read.
    pub(super) fn done(self) -> (Vec<File>, Vec<UnscannedReason>) {
        (self.files, self.problems)
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// All folders below the root whose record this is.
    pub(super) fn read(&mut self, root: &[u8], unicode: bool, hidden: bool) {
        let Some(record) = Record::read(root) else { return self.problem(UnscannedReason::Damaged) };
        self.wait(&record, String::new(), unicode, hidden);
        while let Some(folder) = self.waiting.pop() {
            if let Err(reason) = self.folder(&folder) {
                return self.problem(reason);
            }
        }
    }

    fn wait(&mut self, record: &Record<'_>, path: String, unicode: bool, hidden: bool) {
        if !self.seen.insert((record.start, record.size, unicode)) {
            return;
        }
        if self.seen.len() > MAX_FOLDERS {
            return self.problem(UnscannedReason::LimitObjects);
        }
        self.waiting.push(Folder { path, start: record.start, size: record.size, unicode, hidden });
    }

    /// The records of one folder; none crosses the end of a sector.
    fn folder(&mut self, folder: &Folder) -> Result<(), UnscannedReason> {
        let end = folder.start.saturating_add(usize::try_from(folder.size).unwrap_or(usize::MAX));
        if end > self.data.len() {
            self.problem(UnscannedReason::Damaged);
        }
        let data = between(self.data, folder.start, end);
        self.budget.burn(data.len() as u64)?;
        let mut going_on = false;
        for sector in data.chunks(SECTOR) {
            let mut at = 0_usize;
            while let Some(len) = sector.get(at).copied().filter(|len| *len != 0).map(usize::from) {
                let record = take(sector, at, len).and_then(Record::read);
                let Some(record) = record else {
                    self.problem(UnscannedReason::Damaged);
                    break;
                };
                at = at.saturating_add(len);
                going_on = self.record(&record, folder, going_on)?;
            }
        }
        Ok(())
    }

    /// One record; whether the next one goes on with the same file.
    fn record(&mut self, record: &Record<'_>, folder: &Folder, going_on: bool) -> Result<bool, UnscannedReason> {
        // The folder itself, and the one above it.
        if matches!(record.name, b"\0" | b"\x01") {
            return Ok(false);
        }
        let path = |name: String| names::cut(format!("{}{name}", folder.path));
        if record.flags & FOLDER != 0 {
            let name = record.names(folder.unicode).swap_remove(0);
            self.wait(record, path(name + "/"), folder.unicode, folder.hidden);
            return Ok(false);
        }
        let piece = (record.start, record.size);
        match self.files.last_mut() {
            Some(file) if going_on => {
                if file.pieces.len() < MAX_PIECES {
                    file.pieces.push(piece);
                } else {
                    file.damaged = true;
                }
            }
            _ => {
                if self.files.len() >= self.budget.limits().objects as usize {
                    return Err(Limit::Objects.into());
                }
                let names = record.names(folder.unicode).into_iter().map(path).collect();
                let (hidden, damaged) = (folder.hidden, record.damaged);
                self.files.push(File { names, pieces: vec![piece], hidden, damaged });
            }
        }
        Ok(record.flags & GOES_ON != 0)
    }
}
