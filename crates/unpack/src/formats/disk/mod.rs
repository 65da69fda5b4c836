//! Images of disks and of their volumes: as they are, VHD and VHDX; with or without a partition table; FAT
//! of all kinds and exFAT. The files of all volumes are the members; so are images of discs and archives that stand
//! where a volume would, and archives that stand where no file does: free clusters, blocks of a virtual disk that none
//! of its files is in, behind all. Which blocks and tables there are is the sender's to say.
//!
//! Volumes of other kinds (NTFS, ext4, HFS+ …) are reported as an unknown format, and so is whatever else was written
//! to one. Limits: those of the parts,
//! [`MAX_READ`] times the image's size may be read in all, files up to the limit of objects, and the budget.

pub(crate) mod bare;
mod exfat;
pub(crate) mod fat;
mod image;
pub(crate) mod raw;
mod volumes;

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, take};
use crate::container::{Container, Member};
use crate::decode::{CHUNK, stored};
use crate::formats::several;
use crate::names;
use bare::Bare;
use image::Disk;
use volumes::{Kind, Volume};

/// How many times the image's size may be read by all files together: they may share their clusters.
const MAX_READ: u64 = 3;
/// So many bytes of an image allow one step along a chain of clusters. A cluster has 512 bytes at least and
/// belongs to one file, so an honest image needs a quarter of that.
const STEP_BYTES: u64 = 128;
/// Steps that are always allowed.
const STEPS_FLOOR: u64 = 64 * 1024;
/// What may always be read of folders, in bytes.
const FOLDERS_FLOOR: u64 = 1 << 20;
/// The least that is the disk itself, in bytes.
const SECTOR: u64 = 512;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// Where a file's bytes stand on the disk: start and length of each piece.
type Pieces = Vec<(u64, u64)>;

/// What reading the folders of one volume may cost.
struct Work {
    /// Bytes of folders that may still be read.
    folders: u64,
    /// Steps along chains that may still be made, and that were there at first.
    steps: u64,
    allowed: u64,
}

impl Work {
    fn new(data: &[u8]) -> Self {
        let size = data.len() as u64;
        let steps = (size / STEP_BYTES).saturating_add(STEPS_FLOOR);
        Self { folders: size.saturating_mul(2).saturating_add(FOLDERS_FLOOR), steps, allowed: steps }
    }

    /// One step along a chain; false when there were too many.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    /// Counts the steps that were made.
    fn end(&self, budget: &mut Budget) -> Result<(), UnscannedReason> {
        budget.burn(self.allowed.saturating_sub(self.steps))?;
        if self.steps == 0 || self.folders == 0 { Err(UnscannedReason::LimitTime) } else { Ok(()) }
    }
}

/// A file.
struct File {
    /// Its names with the folders in front, the one that shows first.
    names: Vec<String>,
    pieces: Pieces,
    size: u64,
    /// It was deleted.
    hidden: bool,
    /// Less of it is there than its size says.
    damaged: bool,
}

impl File {
    /// Where its bytes stand on the disk.
    fn claims(&self) -> impl Iterator<Item = Range<u64>> {
        let mut left = self.size;
        self.pieces.iter().map(move |(start, len)| {
            let end = start.saturating_add((*len).min(left));
            left = left.saturating_sub(*len);
            *start..end
        })
    }
}

/// Whether a file is the image of a disk, by its first and its last sector. Discs in raw sectors: [`raw`].
pub(crate) fn starts(data: &[u8]) -> bool {
    let trailer = data.len().checked_sub(512).and_then(|at| take(data, at, 8)) == Some(b"conectix");
    if trailer || data.starts_with(b"conectix") || data.starts_with(b"vhdxfile") {
        return true;
    }
    let Some(sector) = take(data, 0, 512) else { return false };
    let named = [&b"NTFS    "[..], b"EXFAT   "].into_iter().any(|name| take(sector, 3, 8) == Some(name));
    // ext4 and others leave the first sectors to whoever starts a machine.
    if bare::is_volume(data) {
        return true;
    }
    // A volume of FAT whose numbers make no sense is one all the same.
    let marked = [54, 82].into_iter().any(|at| take(sector, at, 3) == Some(b"FAT"));
    let marked = marked && matches!(sector.first(), Some(0xeb | 0xe9));
    let signed = take(sector, 510, 2) == Some(b"\x55\xaa");
    let inside = |(_, start, _): &(u8, u64, u64)| start.saturating_mul(512) < data.len() as u64;
    (named || marked) && signed
        || fat::Geometry::read(sector).is_some()
        || volumes::table(sector).is_some_and(|entries| entries.iter().all(inside))
}

/// What an image gives.
enum Next {
    File(File),
    /// An archive beside the files.
    Beside(Range<usize>),
}

/// An image.
pub(crate) struct Image {
    disk: Disk,
    files: std::vec::IntoIter<File>,
    /// Archives beside the files that are still to be given.
    beside: std::vec::IntoIter<Range<usize>>,
    index: u32,
    read: u64,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Image {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let disk = Disk::read(data);
        let mut image = Self {
            files: Vec::new().into_iter(),
            beside: Vec::new().into_iter(),
            index: 0,
            read: 0,
            meter: Meter::new(data.len() as u64),
            problems: Vec::new(),
            disk,
        };
        if image.disk.damaged {
            image.problem(UnscannedReason::Damaged);
        }
        let (mut starts, all) = volumes::find(&image.disk, data);
        // A disc may have a partition table, too.
        if !image.disk.is_plain() && starts != [(0, image.disk.size)] && volumes::is_disc(&image.disk, data) {
            starts.push((0, image.disk.size));
        }
        if !all {
            image.problem(UnscannedReason::LimitObjects);
        }
        if starts.is_empty() {
            image.problem(UnscannedReason::Damaged);
        }
        let mut files = Vec::new();
        // All volumes together are looked at for zeros as far as the file is long: they may stand in one another.
        let mut left = data.len() as u64;
        for range in starts {
            let (found, problems) = volume(&image.disk, data, range, &mut left, budget);
            for problem in problems {
                image.problem(problem);
            }
            files.extend(found);
            if files.len() >= budget.limits().objects as usize {
                image.problem(UnscannedReason::LimitObjects);
                files.truncate(budget.limits().objects as usize);
                break;
            }
        }
        let mut claims = image.disk.places(files.iter().flat_map(File::claims).collect());
        claims.push(0..SECTOR);
        let (beside, problem) = several::beside_files(data, claims, budget);
        image.beside = beside.into_iter();
        problem.into_iter().for_each(|problem| image.problem(problem));
        image.files = files.into_iter();
        image
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    fn member(&mut self, file: File, data: &[u8], budget: &mut Budget) -> Member {
        let (name, other_names) = names::split(file.names);
        let mut member = Member { name, other_names, hidden: file.hidden, ..Member::default() };
        if file.damaged {
            member.problem(UnscannedReason::Damaged);
        }
        let mut left = file.size;
        for (start, len) in file.pieces {
            let mut at = start;
            let end = start.saturating_add(len.min(left));
            left = left.saturating_sub(len);
            while at < end {
                let here = usize::try_from(end.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
                let mut chunk = Vec::new();
                let whole = self.disk.append(data, at, here, &mut chunk);
                self.read = self.read.saturating_add(chunk.len() as u64);
                if self.read > MAX_READ.saturating_mul(self.disk.size.max(data.len() as u64)) {
                    member.problem(UnscannedReason::LimitRatio);
                    return member;
                }
                if !stored(&mut member, &chunk, budget, &mut self.meter) {
                    return member;
                }
                if !whole {
                    member.problem(UnscannedReason::Damaged);
                    return member;
                }
                at = at.saturating_add(here as u64);
            }
        }
        member
    }
}

/// The files of a volume, and what could not be read. `left`: how many bytes may still be looked at for zeros.
fn volume(
    disk: &Disk,
    data: &[u8],
    range: Volume,
    left: &mut u64,
    budget: &mut Budget,
) -> (Vec<File>, Vec<UnscannedReason>) {
    let unknown = || (Vec::new(), vec![UnscannedReason::UnknownFormat]);
    let (start, end) = range;
    let Some(sector) = disk.bytes(data, start, 512) else { return (Vec::new(), vec![UnscannedReason::Damaged]) };
    match volumes::kind(&sector) {
        Kind::Fat => fat::Fat::open(disk, data, start).map_or_else(unknown, |volume| volume.read(budget)),
        Kind::ExFat => exfat::ExFat::open(disk, data, start).map_or_else(unknown, |volume| volume.read(budget)),
        // Where it ends before it begins, nobody knows what it has.
        Kind::Other if end <= start => unknown(),
        Kind::Other => {
            let before = *left;
            let what = bare::what(disk, data, range, left);
            if let Err(limit) = budget.burn(before.saturating_sub(*left)) {
                return (Vec::new(), vec![limit.into()]);
            }
            match what {
                Bare::Empty => (Vec::new(), Vec::new()),
                // What the file itself is has been told before.
                Bare::File(end) if start > 0 || !disk.is_plain() => {
                    let size = end.saturating_sub(start);
                    let pieces = vec![(start, size)];
                    (vec![File { names: Vec::new(), pieces, size, hidden: false, damaged: false }], Vec::new())
                }
                Bare::File(_) | Bare::Unknown => unknown(),
            }
        }
    }
}

impl Container for Image {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let next = match self.files.next() {
            Some(file) => Next::File(file),
            None => Next::Beside(self.beside.next()?),
        };
        if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
            self.problem(limit.into());
            (self.files, self.beside) = (Vec::new().into_iter(), Vec::new().into_iter());
            return None;
        }
        self.meter.next_object();
        let mut member = match next {
            Next::File(file) => self.member(file, data, budget),
            Next::Beside(range) => {
                let mut member = Member { hidden: true, ..Member::default() };
                stored(&mut member, between(data, range.start, range.end), budget, &mut self.meter);
                member
            }
        };
        member.index = self.index;
        self.index = self.index.saturating_add(1);
        Some(member)
    }

    fn is_scattered(&self) -> bool {
        !self.disk.is_plain()
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
