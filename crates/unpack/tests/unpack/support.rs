//! Builders of honest and of lying files, and a walk over everything that is inside one.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Budget, Container, Limits, Member, Opening, StopFlag, detect, open};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// Repeatable noise that does not compress.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| step()).collect()
}

/// An archive by the `zip` crate.
pub(crate) fn archive(method: CompressionMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn deflated(members: &[(&str, &[u8])]) -> Vec<u8> {
    archive(CompressionMethod::Deflated, members)
}

/// A raw Deflate stream.
pub(crate) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// One gzip stream.
pub(crate) fn gzip(name: Option<&str>, content: &[u8]) -> Vec<u8> {
    let mut builder = flate2::GzBuilder::new();
    if let Some(name) = name {
        builder = builder.filename(name);
    }
    let mut encoder = builder.write(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What the two headers of a member say; for archives that no honest program writes.
#[derive(Clone)]
pub(crate) struct Lie {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    pub(crate) data: Vec<u8>,
    /// The local header, when it is to differ from the central one.
    pub(crate) local: Option<(Vec<u8>, u16, u16)>,
    /// Whether the directory lists it.
    pub(crate) listed: bool,
    /// Zeros for checksum and sizes in the local header.
    pub(crate) streamed: bool,
}

impl Lie {
    /// An honest member to begin with.
    pub(crate) fn stored(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            method: 0,
            flags: 0,
            crc: crc32fast::hash(content),
            size: content.len() as u32,
            data: content.to_vec(),
            local: None,
            listed: true,
            streamed: false,
        }
    }

    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        Self { method: 8, data: deflate(content), ..Self::stored(name, content) }
    }

    /// Its local header and data.
    pub(crate) fn local_bytes(&self) -> Vec<u8> {
        let (name, method, flags) = self.local.clone().unwrap_or((self.name.clone(), self.method, self.flags));
        let flags = flags | if self.streamed { 8 } else { 0 };
        let known = |value: u32| if self.streamed { 0 } else { value };
        let mut out = b"PK\x03\x04\x14\0".to_vec();
        out.extend(flags.to_le_bytes());
        out.extend(method.to_le_bytes());
        out.extend([0; 4]);
        for value in [self.crc, self.data.len() as u32, self.size] {
            out.extend(known(value).to_le_bytes());
        }
        out.extend((name.len() as u16).to_le_bytes());
        out.extend([0; 2]);
        out.extend(name);
        out.extend(&self.data);
        if self.streamed {
            out.extend(b"PK\x07\x08");
            for value in [self.crc, self.data.len() as u32, self.size] {
                out.extend(value.to_le_bytes());
            }
        }
        out
    }

    /// Its record in the directory.
    pub(crate) fn central_bytes(&self, offset: usize) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\0\x14\0".to_vec();
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0; 4]);
        for value in [self.crc, self.data.len() as u32, self.size] {
            out.extend(value.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0; 12]);
        out.extend((offset as u32).to_le_bytes());
        out.extend(&self.name);
        out
    }
}

/// A member sealed with the old cipher of zip.
pub(crate) fn sealed(name: &str, content: &[u8], password: &[u8]) -> Lie {
    let step = |sum: u32, byte: u8| {
        let mixed = (sum ^ u32::from(byte)) & 0xff;
        (0..8).fold(mixed, |value, _| if value & 1 != 0 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 }) ^ sum >> 8
    };
    let mut keys = (0x1234_5678_u32, 0x2345_6789_u32, 0x3456_7890_u32);
    let mut feed = |plain: u8| {
        let mixed = keys.2 | 2;
        let key = (mixed.wrapping_mul(mixed ^ 1) >> 8) as u8;
        keys.0 = step(keys.0, plain);
        keys.1 = keys.1.wrapping_add(keys.0 & 0xff).wrapping_mul(134_775_813).wrapping_add(1);
        keys.2 = step(keys.2, (keys.1 >> 24) as u8);
        plain ^ key
    };
    for byte in password {
        feed(*byte);
    }
    let mut member = Lie::deflated(name, content);
    let head = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, (member.crc >> 24) as u8];
    member.data = head.iter().chain(&member.data).map(|byte| feed(*byte)).collect();
    member.flags |= 1;
    member
}

/// An archive as the lies want it.
pub(crate) fn lying(members: &[Lie]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    let mut count = 0;
    for member in members {
        if member.listed {
            central.extend(member.central_bytes(out.len()));
            count += 1;
        }
        out.extend(member.local_bytes());
    }
    close(out, &central, count)
}

/// Adds the directory and the end record.
pub(crate) fn close(mut out: Vec<u8>, central: &[u8], count: u16) -> Vec<u8> {
    let start = out.len() as u32;
    out.extend(central);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((central.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// The members of one container, and its own problems.
pub(crate) fn members(kind: FileKind, data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let Opening::Container(mut container) = open(kind, data, &mut budget) else { panic!("{kind:?} does not open") };
    let mut found = Vec::new();
    while let Some(member) = container.next(data, &mut budget) {
        found.push(member);
    }
    (found, container.problems().to_vec())
}

/// The members of a file that may hold none, and its own problems.
pub(crate) fn open_all(kind: FileKind, data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    match open(kind, data, &mut budget) {
        Opening::Container(_) => members(kind, data),
        Opening::Leaf => (Vec::new(), Vec::new()),
        Opening::Unscanned(reason) => (Vec::new(), vec![reason]),
    }
}

/// The only member of a zip archive whose directory is sound.
pub(crate) fn only(data: &[u8]) -> Member {
    let (mut found, problems) = members(FileKind::Zip, data);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Name, for comparing.
pub(crate) fn name(member: &Member) -> &str {
    member.name.as_ref().map_or("", |name| name.raw())
}

/// What a walk over everything inside a file found.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Walk {
    /// Names of all objects in the order they were seen.
    pub(crate) names: Vec<String>,
    /// Everything that was not read.
    pub(crate) reasons: BTreeSet<UnscannedReason>,
    pub(crate) bytes: u64,
    pub(crate) fuel: u64,
    pub(crate) deepest: u16,
}

/// Walks as an examination does: depth first, without recursion.
pub(crate) fn walk(root: &[u8], limits: Limits) -> Walk {
    let mut budget = Budget::new(limits, StopFlag::new());
    let mut walk = Walk::default();
    let mut stack: Vec<(Vec<u8>, Box<dyn Container>)> = Vec::new();
    enter(root.to_vec(), None, &mut stack, &mut budget, &mut walk);
    while let Some((bytes, container)) = stack.last_mut() {
        let Some(member) = container.next(bytes, &mut budget) else {
            walk.reasons.extend(container.problems());
            stack.pop();
            continue;
        };
        walk.names.push(name(&member).to_owned());
        walk.reasons.extend(&member.problems);
        enter(member.content, member.kind, &mut stack, &mut budget, &mut walk);
    }
    (walk.bytes, walk.fuel) = (budget.bytes_used(), budget.fuel_used());
    walk
}

fn enter(
    bytes: Vec<u8>,
    known: Option<FileKind>,
    stack: &mut Vec<(Vec<u8>, Box<dyn Container>)>,
    budget: &mut Budget,
    walk: &mut Walk,
) {
    let depth = stack.len() as u16;
    walk.deepest = walk.deepest.max(depth);
    if let Err(limit) = budget.enter_object(depth) {
        walk.reasons.insert(limit.into());
        return;
    }
    if known.is_some() {
        return;
    }
    match open(detect(&bytes), &bytes, budget) {
        Opening::Container(container) => stack.push((bytes, container)),
        Opening::Leaf => {}
        Opening::Unscanned(reason) => {
            walk.reasons.insert(reason);
        }
    }
}

/// A program for Windows of 32 bits: its sections by address, size in memory and content, and where it
/// starts.
pub(crate) fn program_of(sections: &[(u32, u32, &[u8])], entry: u32) -> Vec<u8> {
    let mut out = b"MZ".to_vec();
    out.resize(60, 0);
    out.extend(64_u32.to_le_bytes());
    out.extend(b"PE\0\0\x4c\x01");
    out.extend((sections.len() as u16).to_le_bytes());
    out.extend([0; 12]);
    out.extend([224, 0, 2, 1, 0x0b, 1]);
    out.extend([0; 14]);
    out.extend(entry.to_le_bytes());
    out.extend([0; 8]);
    out.extend([0x40_0000_u32, 0x1000, 0x200].map(u32::to_le_bytes).concat());
    out.resize(64 + 24 + 224, 0);
    let mut place = 0x400_u32;
    for (address, size, content) in sections {
        let raw = (content.len() as u32).next_multiple_of(0x200);
        out.extend(b".text\0\0\0");
        out.extend([*size, *address, raw, place].map(u32::to_le_bytes).concat());
        out.extend([0; 16]);
        place += raw;
    }
    for (.., content) in sections {
        out.resize(out.len().next_multiple_of(0x200).max(0x400), 0);
        out.extend_from_slice(content);
    }
    out.resize(out.len().next_multiple_of(0x200).max(0x400), 0);
    out
}

/// The content of everything inside a file, and what was not read.
pub(crate) fn everything(root: &[u8]) -> (Vec<Vec<u8>>, BTreeSet<UnscannedReason>) {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let (mut found, mut reasons, mut todo) = (Vec::new(), BTreeSet::new(), vec![root.to_vec()]);
    while let Some(bytes) = todo.pop() {
        match open(detect(&bytes), &bytes, &mut budget) {
            Opening::Container(mut container) => {
                while let Some(member) = container.next(&bytes, &mut budget) {
                    reasons.extend(&member.problems);
                    todo.push(member.content);
                }
                reasons.extend(container.problems());
            }
            Opening::Leaf => {}
            Opening::Unscanned(reason) => {
                reasons.insert(reason);
            }
        }
        found.push(bytes);
    }
    (found, reasons)
}
