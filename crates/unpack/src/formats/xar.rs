//! xar, as macOS' installers (`.pkg`) are: a table in XML, compressed, and the files behind it.
//!
//! Limits: [`MAX_TABLE`], [`MAX_FILES`], and the budget. Checksums are not compared: what is there is looked
//! at whether or not it is whole. Not handled: files that an application's own element holds.

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{be32, between, take};
use crate::container::{Container, Member};
use crate::decode::{End, Method, append, stored};
use crate::names;

/// Largest table, in bytes.
const MAX_TABLE: usize = 64 << 20;
/// Most files.
const MAX_FILES: usize = 65_536;

/// How a file is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Encoding {
    Stored,
    Zlib,
    Bzip2,
    Xz,
    Lzma,
    Unknown,
}

/// One file of the table.
struct File {
    name: String,
    range: Range<usize>,
    encoding: Encoding,
}

/// An archive.
pub(crate) struct Xar {
    files: Option<std::vec::IntoIter<File>>,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Xar {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { files: None, index: 0, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    /// Reads the table.
    fn table(&mut self, data: &[u8], budget: &mut Budget) -> Vec<File> {
        let head = take(data, 4, 2)
            .and_then(|size| size.try_into().ok())
            .map_or(28, |size| usize::from(u16::from_be_bytes(size)));
        let length = be32(data, 12).unwrap_or(0) as usize;
        let heap = head.saturating_add(length);
        let packed = between(data, head.saturating_add(2), heap);
        let decoded = append(Method::Deflate, packed, Vec::new(), budget, &mut self.meter);
        match decoded.end {
            End::Complete => {}
            End::Limit(limit) => self.problems.push(limit.into()),
            _ => self.problems.push(UnscannedReason::Damaged),
        }
        let table = between(&decoded.content, 0, MAX_TABLE);
        if budget.burn((table.len() as u64).saturating_mul(4)).is_err() {
            return Vec::new();
        }
        let (files, more) = files(table, heap);
        if more {
            self.problems.push(UnscannedReason::LimitObjects);
        }
        files
    }
}

/// What is known of a file while its element is open.
#[derive(Default)]
struct Open {
    name: Option<String>,
    offset: Option<usize>,
    length: Option<usize>,
    encoding: Option<Encoding>,
    /// Its data.
    ready: Vec<File>,
}

/// The files of a table; the flag says that there are more.
fn files(table: &[u8], heap: usize) -> (Vec<File>, bool) {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let (mut in_data, mut rest) = (0_usize, table);
    while let Some(at) = memchr::memchr(b'<', rest) {
        rest = between(rest, at.saturating_add(1), rest.len());
        let Some(end) = memchr::memchr(b'>', rest) else { break };
        let tag = between(rest, 0, end);
        rest = between(rest, end.saturating_add(1), rest.len());
        let text = between(rest, 0, memchr::memchr(b'<', rest).unwrap_or(rest.len()));
        let name = tag.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or(tag);
        let number = || std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<usize>().ok());
        if name == b"file" && open.len() < MAX_FILES {
            open.push(Open::default());
            continue;
        }
        match (name, open.last_mut()) {
            (b"/file", Some(_)) => {
                // The name may stand behind the data.
                let Some(Open { name, mut ready, .. }) = open.pop() else { continue };
                ready.iter_mut().for_each(|file| file.name = name.clone().unwrap_or_default());
                if found.len().saturating_add(ready.len()) > MAX_FILES {
                    return (found, true);
                }
                found.append(&mut ready);
            }
            (b"data", _) => in_data = in_data.saturating_add(1),
            (b"/data", Some(file)) => {
                in_data = in_data.saturating_sub(1);
                if let (Some(offset), Some(length)) = (file.offset.take(), file.length.take()) {
                    let start = heap.saturating_add(offset);
                    let encoding = file.encoding.take().unwrap_or(Encoding::Stored);
                    let range = start..start.saturating_add(length);
                    file.ready.push(File { name: String::new(), range, encoding });
                }
            }
            (b"name", Some(file)) if in_data == 0 && file.name.is_none() => file.name = Some(names::decode(text)),
            (b"offset", Some(file)) if in_data > 0 => file.offset = number(),
            (b"length", Some(file)) if in_data > 0 => file.length = number(),
            (b"encoding", Some(file)) if in_data > 0 => file.encoding = Some(encoding(tag)),
            _ => {}
        }
    }
    (found, false)
}

fn encoding(tag: &[u8]) -> Encoding {
    let kinds: [(&[u8], Encoding); 5] = [
        (b"application/octet-stream", Encoding::Stored),
        (b"application/x-gzip", Encoding::Zlib),
        (b"application/x-bzip2", Encoding::Bzip2),
        (b"application/x-xz", Encoding::Xz),
        (b"application/x-lzma", Encoding::Lzma),
    ];
    let found = kinds.iter().find(|(kind, _)| memchr::memmem::find(tag, kind).is_some());
    found.map_or(Encoding::Unknown, |(_, encoding)| *encoding)
}

impl Container for Xar {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.files.is_none() {
            let files = self.table(data, budget);
            self.files = Some(files.into_iter());
        }
        if let Some(limit) = budget.exhausted() {
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
            return None;
        }
        let file = self.files.as_mut()?.next()?;
        let (name, other_names) = names::split([file.name]);
        let mut member = Member { index: self.index, name, other_names, ..Member::default() };
        self.index = self.index.saturating_add(1);
        let bytes = between(data, file.range.start, file.range.end);
        if bytes.len() < file.range.len() {
            member.problem(UnscannedReason::Damaged);
        }
        self.meter.next_object();
        let (method, skip) = match file.encoding {
            Encoding::Stored => {
                stored(&mut member, bytes, budget, &mut self.meter);
                return Some(member);
            }
            Encoding::Zlib => (Method::Deflate, 2),
            Encoding::Bzip2 => (Method::Bzip2, 0),
            Encoding::Xz => (Method::Xz, 0),
            Encoding::Lzma | Encoding::Unknown => {
                // What it is tells itself, or is not known here.
                stored(&mut member, bytes, budget, &mut self.meter);
                if file.encoding == Encoding::Unknown {
                    member.problem(UnscannedReason::UnknownFormat);
                }
                return Some(member);
            }
        };
        let decoded = append(method, between(bytes, skip, bytes.len()), Vec::new(), budget, &mut self.meter);
        member.content = decoded.content;
        match decoded.end {
            End::Complete => {}
            End::Limit(limit) => member.problem(limit.into()),
            _ => member.problem(UnscannedReason::Damaged),
        }
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
