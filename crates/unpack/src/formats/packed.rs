//! What begins as an archive or a compressed stream somewhere in a file that is something else: behind a script,
//! behind the end of a document or a disk, in front of nothing that tells of it.
//!
//! Only what has more than a short magic is believed (a head with a checksum, numbers that make sense). zip, 7z,
//! RAR and cabinets are looked for by `several.rs`. Limits: heads that are checked have [`MAX_CHECKED`] bytes for
//! each byte of the file in all; more are told. Not handled: what is coded in another way (for `dd` and the like to
//! undo), streams that no magic tells.

use memchr::memmem;

use crate::bytes::{between, take};
use crate::formats::compressed::Stream;
use crate::formats::{arj, cpio, lha, tar};

/// So many bytes of heads may be checked for each byte of a file: marks may stand closer than heads.
const MAX_CHECKED: u64 = 4;
/// What may always be checked, in bytes.
const CHECKED_FLOOR: u64 = 1 << 20;
/// What any place costs that is asked about, in bytes.
const START: u64 = 2;
/// Where the first descriptor of a disc stands in its image, in bytes.
const DISC: usize = 32_768;
/// Length of a sector of a disc, in bytes.
const SECTOR: usize = 2048;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sought {
    /// Archives, and images of discs.
    Archives,
    /// These, and compressed streams.
    Streams,
}

/// Bytes at a fixed place behind the start, what must fit beside them, and how much that looks at, in bytes.
struct Mark {
    magic: &'static [u8],
    offset: usize,
    fits: fn(&[u8]) -> bool,
    cost: fn(&[u8]) -> u64,
    stream: bool,
}

/// A mark of an archive.
const fn archive(magic: &'static [u8], offset: usize, fits: fn(&[u8]) -> bool, cost: fn(&[u8]) -> u64) -> Mark {
    Mark { magic, offset, fits, cost, stream: false }
}

/// A mark of a compressed stream.
const fn stream(magic: &'static [u8]) -> Mark {
    Mark { magic, offset: 0, fits: is_stream, cost: |_| 16, stream: true }
}

static MARKS: [Mark; 19] = [
    // Its head has its length in front, and is summed.
    archive(b"\x60\xea", 0, arj::starts, |data| arj::head_len(data) as u64),
    archive(b"-lh", 2, lha::starts, |_| 256),
    archive(b"-lz", 2, lha::starts, |_| 256),
    archive(b"-pm", 2, lha::starts, |_| 256),
    archive(b"ustar", 257, is_tar, |_| 512),
    archive(b"070701", 0, cpio::starts, |_| 128),
    archive(b"070702", 0, cpio::starts, |_| 128),
    archive(b"070707", 0, cpio::starts, |_| 128),
    archive(b"!<arch>\n", 0, is_ar, |_| 16),
    archive(b"\x01CD001\x01", DISC, is_disc, |_| 16),
    archive(b"\0BEA01\x01", DISC, is_udf, |_| 16),
    stream(b"\x1f\x8b\x08"),
    stream(b"BZh"),
    stream(b"\xfd7zXZ\0"),
    stream(b"LZIP"),
    stream(b"\x28\xb5\x2f\xfd"),
    stream(b"\x04\x22\x4d\x18"),
    stream(b"\x02\x21\x4c\x18"),
    stream(b"\x5d\0\0"),
];

/// How many bytes of heads may be checked in a file.
pub(crate) fn allowed(data: &[u8]) -> u64 {
    (data.len() as u64).saturating_mul(MAX_CHECKED).saturating_add(CHECKED_FLOOR)
}

/// The first place that counts, but for the start, where something packed begins. `left`: how many bytes of heads may
/// still be checked; the flag says that there are more places than that.
pub(crate) fn first_within(
    data: &[u8],
    sought: Sought,
    counts: &dyn Fn(usize) -> bool,
    left: &mut u64,
) -> (Option<usize>, bool) {
    let (mut best, mut more) = (None, false);
    for mark in MARKS.iter().filter(|mark| !mark.stream || sought == Sought::Streams) {
        for found in memmem::find_iter(data, mark.magic) {
            let Some(at) = found.checked_sub(mark.offset).filter(|at| *at > 0) else { continue };
            if best.is_some_and(|best| at >= best) {
                break;
            }
            *left = left.saturating_sub(cost(mark, data, at));
            if *left == 0 {
                more = true;
                break;
            }
            if (mark.fits)(between(data, at, data.len())) && counts(at) {
                best = Some(at);
                break;
            }
        }
    }
    (best, more)
}

/// Whether something packed begins just here; also what is sure enough only where a file ends.
pub(crate) fn starts(data: &[u8]) -> bool {
    is_stream(data) || cpio::starts(data) || here(data).any(|mark| (mark.fits)(data))
}

/// What [`starts`] gives, if there is enough left for what it looks at.
pub(crate) fn starts_within(data: &[u8], left: &mut u64) -> Option<bool> {
    let costs = here(data).map(|mark| cost(mark, data, 0)).fold(START, u64::saturating_add);
    *left = left.checked_sub(costs)?;
    Some(starts(data))
}

/// The marks that stand at their place.
fn here(data: &[u8]) -> impl Iterator<Item = &'static Mark> {
    MARKS.iter().filter(|mark| take(data, mark.offset, mark.magic.len()) == Some(mark.magic))
}

/// What checking a mark looks at, in bytes.
fn cost(mark: &Mark, data: &[u8], at: usize) -> u64 {
    (mark.cost)(between(data, at, data.len()))
}

fn is_gzip(data: &[u8]) -> bool {
    data.starts_with(b"\x1f\x8b\x08") && data.get(3).is_some_and(|flags| flags & 0xe0 == 0)
}

fn is_stream(data: &[u8]) -> bool {
    match Stream::find(data) {
        Some(Stream::Skippable) => false,
        // The bit that must not be set, and the version.
        Some(Stream::Zstd) => data.get(4).is_some_and(|head| head & 0x08 == 0),
        Some(Stream::Lz4) => !data.starts_with(b"\x04\x22\x4d\x18") || data.get(4).is_some_and(|head| head >> 6 == 1),
        Some(_) => true,
        None => is_gzip(data),
    }
}

fn is_tar(data: &[u8]) -> bool {
    tar::is_header(between(data, 0, 512))
}

fn is_ar(data: &[u8]) -> bool {
    take(data, 66, 2) == Some(b"`\n")
}

/// The root folder's record has its one length.
fn is_disc(data: &[u8]) -> bool {
    data.get(DISC.saturating_add(156)) == Some(&34)
}

/// The next descriptor tells of UDF.
fn is_udf(data: &[u8]) -> bool {
    take(data, DISC.saturating_add(SECTOR).saturating_add(1), 4) == Some(b"NSR0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(data: &[u8], sought: Sought, counts: &dyn Fn(usize) -> bool) -> (Option<usize>, bool) {
        first_within(data, sought, counts, &mut allowed(data))
    }

    #[test]
    fn only_what_is_sure_is_found() {
        let all = |_: usize| true;
        let find = |data: &[u8]| first(data, Sought::Streams, &all);
        let behind = |magic: &[u8]| [&b"#!/bin/sh\nexit\n"[..], magic, &[0x55; 600]].concat();
        for sure in [&b"\x1f\x8b\x08\0"[..], b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd\x04", b"LZIP\x01"] {
            assert_eq!(find(&behind(sure)), (Some(15), false), "{sure:?}");
            assert_eq!(first(&behind(sure), Sought::Archives, &all), (None, false), "{sure:?}");
            assert!(starts(sure), "{sure:?}");
        }
        for short in [&b"\x1f\x8b\x08\xff"[..], b"BZh9", b"\x60\xea\x20\0", b"ab-lh5-", b"070701", b"!<arch>\n"] {
            assert_eq!(find(&behind(short)), (None, false), "{short:?}");
        }
    }

    #[test]
    fn what_costs_more_than_is_looked_at_is_told() {
        // Each mark says that the longest head follows it.
        let marks = b"\x60\xea\x28\x0a".repeat(400_000);
        let begin = testkit::CpuClock::now();
        assert_eq!(first(&marks, Sought::Archives, &|_| true), (None, true));
        assert!(begin.elapsed().as_secs() < 20);
    }
}
