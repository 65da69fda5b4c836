//! Compiled help (CHM): a directory of chunks, and files that stand as they are or in one stream of LZX.
//!
//! Limits: [`MAX_FILES`], [`MAX_CHUNKS`], windows up to 2 MiB, and the budget. A stream that breaks gives what
//! stands in front of the break. Not handled: Help 2 (`ITOL`), and streams of other methods.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lzxd::{Lzxd, WindowSize};
use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Limit, Meter};
use crate::bytes::{between, le32, le64, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// Starts a file.
pub(crate) const MAGIC: &[u8] = b"ITSF";
/// Most files.
const MAX_FILES: usize = 65_536;
/// Most chunks of the directory.
const MAX_CHUNKS: usize = 65_536;
/// What one step of LZX gives, in bytes.
const FRAME: usize = 0x8000;
/// Where the compressed files and what is needed to read them stand.
const CONTENT: &str = "::DataSpace/Storage/MSCompressed/Content";
/// See [`CONTENT`].
const CONTROL: &str = "::DataSpace/Storage/MSCompressed/ControlData";
/// The end of the name of the table of frames.
const RESETS: &str = "/InstanceData/ResetTable";

/// A file in the directory.
#[derive(Clone, Debug)]
struct File {
    name: String,
    compressed: bool,
    range: Range<usize>,
}

/// A help file.
pub(crate) struct Chm {
    files: Option<std::vec::IntoIter<File>>,
    /// Where files that are not compressed are counted from.
    base: usize,
    /// What the stream holds.
    stream: Vec<u8>,
    /// Why it ends before its end.
    broken: Option<UnscannedReason>,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Chm {
    pub(crate) fn open(data: &[u8]) -> Self {
        let meter = Meter::new(data.len() as u64);
        Self { files: None, base: 0, stream: Vec::new(), broken: None, index: 0, meter, problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// Reads the directory, and the stream if there is one.
    fn read(&mut self, data: &[u8], budget: &mut Budget) -> Vec<File> {
        let number =
            |at: usize| le64(data, at).map_or(usize::MAX, |number| usize::try_from(number).unwrap_or(usize::MAX));
        let directory = number(0x48);
        self.base = number(0x58);
        if data.get(4) == Some(&2) || self.base > data.len() {
            // Version 2 does not say it: the content follows the directory.
            self.base = directory.saturating_add(number(0x50)).min(data.len());
        }
        if budget.burn(data.len() as u64).is_err() {
            return Vec::new();
        }
        let Some(mut files) = list(data, directory) else {
            self.problem(UnscannedReason::Damaged);
            return Vec::new();
        };
        if files.len() >= MAX_FILES {
            self.problem(UnscannedReason::LimitObjects);
        }
        let find = |end: &str| files.iter().find(|file| file.name.ends_with(end)).cloned();
        let parts = [CONTENT, CONTROL, RESETS].map(find);
        if let [Some(content), Some(control), Some(resets)] = parts {
            let bytes = |file: &File| {
                let start = self.base.saturating_add(file.range.start);
                between(data, start, self.base.saturating_add(file.range.end))
            };
            let needed = files.iter().filter(|file| file.compressed).map(|file| file.range.end).max().unwrap_or(0);
            let (content, control, resets) = (bytes(&content), bytes(&control), bytes(&resets));
            self.broken = self.decompress(content, control, resets, needed, budget).err();
        }
        files.retain(|file| !file.name.starts_with("::") && !file.range.is_empty());
        files
    }

    /// The stream, up to the end of the last file.
    fn decompress(
        &mut self,
        content: &[u8],
        control: &[u8],
        resets: &[u8],
        needed: usize,
        budget: &mut Budget,
    ) -> Result<(), UnscannedReason> {
        let units = |at: usize| le32(control, at).unwrap_or(0) as usize;
        let scale = if units(8) >= 2 { FRAME } else { 1 };
        let window = match units(16).saturating_mul(scale) {
            0x8000 => WindowSize::KB32,
            0x1_0000 => WindowSize::KB64,
            0x2_0000 => WindowSize::KB128,
            0x4_0000 => WindowSize::KB256,
            0x8_0000 => WindowSize::KB512,
            0x10_0000 => WindowSize::MB1,
            0x20_0000 => WindowSize::MB2,
            _ => return Err(UnscannedReason::UnknownFormat),
        };
        let interval = (units(12).saturating_mul(scale) / FRAME).max(1);
        let count = le32(resets, 4).unwrap_or(0) as usize;
        let table = le32(resets, 12).unwrap_or(40) as usize;
        let place = |frame: usize| {
            let at = table.saturating_add(frame.saturating_mul(8));
            le64(resets, at).and_then(|place| usize::try_from(place).ok()).filter(|_| frame < count)
        };
        let whole = le64(resets, 16).map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let mut state = Box::new(Lzxd::new(window));
        self.meter.next_object();
        for frame in 0.. {
            let (done, Some(start)) = (self.stream.len(), place(frame)) else { break };
            if done >= needed || done >= whole {
                break;
            }
            let end = place(frame.saturating_add(1)).unwrap_or(content.len());
            let packed = between(content, start, end);
            let size = FRAME.min(whole.saturating_sub(done));
            if frame > 0 && frame.is_multiple_of(interval) {
                state.reset();
            }
            let made = catch_unwind(AssertUnwindSafe(|| state.decompress_next(packed, size).map(<[u8]>::to_vec)));
            let made = made.ok().and_then(Result::ok).filter(|made| !made.is_empty());
            let made = made.ok_or(UnscannedReason::Damaged)?;
            let counted: Result<(), Limit> = budget.produce(&mut self.meter, made.len() as u64, end as u64);
            counted.map_err(UnscannedReason::from)?;
            self.stream.extend_from_slice(&made);
        }
        Ok(())
    }
}

/// All files of the directory.
fn list(data: &[u8], at: usize) -> Option<Vec<File>> {
    let head = take(data, at, 0x54).filter(|head| head.starts_with(b"ITSP"))?;
    let start = at.saturating_add(le32(head, 8)? as usize);
    let size = (le32(head, 16)? as usize).max(64);
    let count = (le32(head, 44)? as usize).min(MAX_CHUNKS);
    let mut files = Vec::new();
    for chunk in 0..count {
        let from = start.saturating_add(chunk.saturating_mul(size));
        let Some(chunk) = take(data, from, size) else { break };
        if !chunk.starts_with(b"PMGL") {
            continue;
        }
        // At the end stands an index of the entries.
        let free = le32(chunk, 4).unwrap_or(0) as usize;
        let mut entries = between(chunk, 20, size.saturating_sub(free.min(size)));
        while let Some(file) = entry(&mut entries) {
            if files.len() >= MAX_FILES {
                return Some(files);
            }
            files.push(file);
        }
    }
    Some(files)
}

fn entry(rest: &mut &[u8]) -> Option<File> {
    let length = number(rest)?;
    let (name, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    let (section, offset, length) = (number(rest)?, number(rest)?, number(rest)?);
    Some(File { name: names::decode(name), compressed: section > 0, range: offset..offset.saturating_add(length) })
}

/// A number in groups of seven bits, the highest first.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for _ in 0..9 {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value = value << 7 | usize::from(byte & 0x7f);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

impl Container for Chm {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.files.is_none() {
            let files = self.read(data, budget);
            self.files = Some(files.into_iter());
        }
        if let Some(limit) = budget.exhausted() {
            self.problem(limit.into());
            return None;
        }
        let file = self.files.as_mut()?.next()?;
        let name = file.name.trim_start_matches('/').to_owned();
        let (name, other_names) = names::split([name]);
        let mut member = Member { index: self.index, name, other_names, ..Member::default() };
        self.index = self.index.saturating_add(1);
        self.meter.next_object();
        let bytes = if file.compressed {
            between(&self.stream, file.range.start, file.range.end)
        } else {
            let start = self.base.saturating_add(file.range.start);
            between(data, start, self.base.saturating_add(file.range.end))
        };
        stored(&mut member, bytes, budget, &mut self.meter);
        if bytes.len() < file.range.len() {
            member.problem(self.broken.filter(|_| file.compressed).unwrap_or(UnscannedReason::Damaged));
        }
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
