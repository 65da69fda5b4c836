//! Archives and compressed files.

use std::io::Write;

use flate2::{Compress, Compression, FlushCompress};

use testkit::bombs::{circle, image, quine_gzip, quine_zip};

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, limited, make| Case { name, message: false, limited, make };
    vec![
        case("zip, 60,000 members", true, || zip((0..60_000).map(|n| Entry::stored(n, b"x")).collect())),
        case("zip, 9,000 members of 10 KB", false, || {
            zip((0..9_000).map(|n| Entry::deflated(n, &text(n, 10_000))).collect())
        }),
        case("zip, 65,535 records of one member", true, || overlapping(65_535, &vec![0; 1 << 20])),
        case("zip, 10 GB of zeros", true, || zip(vec![Entry { packed: zeros(10_240), ..Entry::stored(0, b"") }])),
        case("zip in zip, 200 deep", true, || nested(200)),
        case("zip, 16 in each of 16, six levels", true, tree),
        case("zip, 40,000 members nobody lists", true, || {
            zip((0..40_000).map(|n| Entry::stored(n, b"x")).collect::<Vec<_>>())[..40_000 * 32].to_vec()
        }),
        case("gzip, 10 GB of zeros", true, || [&gzip(b"")[..10], &zeros(10_240), &[0; 8]].concat()),
        case("gzip in gzip, 200 deep", true, || (0..200).fold(b"x".to_vec(), |inner, _| gzip(&inner))),
        case("gzip, 60,000 streams", false, || gzip(b"x").repeat(60_000)),
        case("bzip2, 900 MB of zeros", true, || bzip2(&vec![0; 90 << 20]).repeat(10)),
        case("bzip2, 24 MB of noise", false, || bzip2(&noise(24 << 20))),
        case("xz, 1 GB of zeros", true, || xz(&vec![0; 128 << 20]).repeat(8)),
        case("LZMA, 512 MB of zeros", true, || lzma(&vec![0; 512 << 20])),
        case("Zstandard, 2 GB of zeros", true, || zstd_zeros(16_384)),
        case("compress (.Z), noise", false, || [&b"\x1f\x9d\x90"[..], &noise(16 << 20)].concat()),
        case("tar, 60,000 members", true, || tar(60_000)),
        case("tar, one sparse file of 8 TB", true, sparse),
        case("cpio, 300,000 members", true, || {
            format!(
                "070707{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{:06o}{:011o}a\0x",
                0, 0, 0o100_644, 0, 0, 1, 0, 0, 2, 1
            )
            .into_bytes()
            .repeat(300_000)
        }),
        case("ar, 300,000 members", true, || {
            [&b"!<arch>\n"[..], &b"a/              0           0     0     644     2         `\nxx".repeat(300_000)]
                .concat()
        }),
        case("ISO 9660, records without end", true, || image(17, 1 << 20)),
        case("zip that holds itself", true, quine_zip),
        case("gzip that holds itself", true, quine_gzip),
        case("FAT, files in a circle", true, circle),
        case("LHA, 200,000 members", true, || lha().repeat(200_000)),
        case("DMG, 250,000 blocks of zeros", true, || dmg(250_000)),
        case("WARC, 60,000 records", true, || b"WARC/1.0\r\nContent-Length: 1\r\n\r\nx\r\n\r\n".repeat(60_000)),
        case("WARC, 2,000,000 chunks", true, || {
            let body = [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &b"1\na\r\n".repeat(2_000_000)]
                .concat();
            [format!("WARC/1.0\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes(), body].concat()
        }),
        case("shell archive, 60,000 files", true, || {
            [&b"#!/bin/sh\n"[..], &b"cat >a <<E\nx\nE\n".repeat(60_000)].concat()
        }),
    ]
}

/// A member of a zip archive.
pub(crate) struct Entry {
    name: String,
    method: u16,
    packed: Vec<u8>,
    size: usize,
    crc: u32,
}

impl Entry {
    pub(crate) fn stored(number: usize, content: &[u8]) -> Self {
        Self::named(&number.to_string(), content)
    }

    pub(crate) fn named(name: &str, content: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        Self { name: name.to_owned(), method: 0, packed: content.to_vec(), size: content.len(), crc: crc.sum() }
    }

    pub(crate) fn deflated(number: usize, content: &[u8]) -> Self {
        Self { method: 8, packed: deflate(content), ..Self::stored(number, content) }
    }

    fn head(&self) -> Vec<u8> {
        let mut out = b"\x14\0\0\0".to_vec();
        // What has another size than its content is a bomb's.
        let method = if self.packed.len() == self.size { self.method } else { 8 };
        out.extend(method.to_le_bytes());
        out.extend([0; 4]);
        for number in [self.crc, self.packed.len() as u32, self.size as u32] {
            out.extend(number.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0; 2]);
        out
    }

    fn central(&self, offset: usize) -> Vec<u8> {
        let mut out = [b"PK\x01\x02\x14\0", &self.head()[..], &[0; 10]].concat();
        out.extend((offset as u32).to_le_bytes());
        out.extend(self.name.bytes());
        out
    }
}

/// A zip archive of these members.
pub(crate) fn zip(members: Vec<Entry>) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for member in &members {
        central.extend(member.central(out.len()));
        out.extend([b"PK\x03\x04", &member.head()[..], member.name.as_bytes(), &member.packed].concat());
    }
    close(out, &central, members.len())
}

fn close(mut out: Vec<u8>, central: &[u8], count: usize) -> Vec<u8> {
    let start = out.len() as u32;
    out.extend(central);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([(count as u16).to_le_bytes(), (count as u16).to_le_bytes()].concat());
    out.extend([(central.len() as u32).to_le_bytes(), start.to_le_bytes()].concat());
    out.extend([0; 2]);
    out
}

fn overlapping(count: usize, content: &[u8]) -> Vec<u8> {
    let kernel = Entry::deflated(0, content);
    let out = [b"PK\x03\x04", &kernel.head()[..], kernel.name.as_bytes(), &kernel.packed].concat();
    close(out, &kernel.central(0).repeat(count), count)
}

fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(b"content".to_vec(), |inner, _| zip(vec![Entry::named("next.zip", &inner)]))
}

fn tree() -> Vec<u8> {
    (0..6).fold(vec![b'a'; 1 << 16], |inner, _| zip((0..16).map(|n| Entry::deflated(n, &inner)).collect()))
}

pub(crate) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn lzma(content: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::LzmaOptions::with_preset(1);
    let mut encoder = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, Some(content.len() as u64)).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A frame of blocks that repeat one byte 128 KiB times.
fn zstd_zeros(blocks: usize) -> Vec<u8> {
    let mut out = b"\x28\xb5\x2f\xfd\x00\x58".to_vec();
    let head = |last: u32| (last | 1 << 1 | (128 * 1024) << 3).to_le_bytes();
    for _ in 1..blocks {
        out.extend(&head(0)[..3]);
        out.push(0);
    }
    out.extend(&head(1)[..3]);
    out.push(0);
    out
}

/// A raw Deflate stream of so many MiB of zeros.
fn zeros(count: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(64 * 1024);
    Compress::new(Compression::new(9), false).compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let mut out = block.repeat(count);
    out.extend(deflate(b""));
    out
}

/// Repeatable noise.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(step).take(len).collect()
}

/// Text that differs with a number.
pub(crate) fn text(number: usize, len: usize) -> Vec<u8> {
    format!("Line {number} of a letter that goes on and on. ").repeat(len / 40 + 1).into_bytes()[..len].to_vec()
}

fn tar_header(name: &str, size: &str, kind: u8) -> Vec<u8> {
    let mut out = vec![0; 512];
    out[..name.len()].copy_from_slice(name.as_bytes());
    out[124..124 + size.len()].copy_from_slice(size.as_bytes());
    out[156] = kind;
    out[257..263].copy_from_slice(b"ustar ");
    out[148..156].fill(b' ');
    let sum: u32 = out.iter().map(|byte| u32::from(*byte)).sum();
    out[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out
}

fn tar(count: usize) -> Vec<u8> {
    let member = [tar_header("a member", "00000000001", b'0'), vec![b'x'; 512]].concat();
    member.repeat(count)
}

/// A file of GNU's sparse kind, nearly all of it a hole.
fn sparse() -> Vec<u8> {
    let mut header = tar_header("sparse", "00000001000", b'S');
    header[386..398].copy_from_slice(b"100000000000");
    header[398..410].copy_from_slice(b"000000001000");
    header[483..495].copy_from_slice(b"\x80\0\0\0\0\0\x08\0\0\0\0\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    [header, vec![b'x'; 512]].concat()
}

/// One stored member of LHA, level 0.
fn lha() -> Vec<u8> {
    let mut fields = b"-lh0-".to_vec();
    fields.extend([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 1, b'a', 0xc1, 0x68]);
    let sum = fields.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [&[fields.len() as u8, sum][..], &fields, b"x"].concat()
}

/// An image of macOS with so many blocks, each of 16 MB of zeros.
fn dmg(blocks: usize) -> Vec<u8> {
    let block = [&[0; 16][..], &(32_768_u64).to_be_bytes(), &[0; 16]].concat();
    let table = [b"mish".to_vec(), vec![0; 200], block.repeat(blocks)].concat();
    let list = format!("<data>{}</data>", base64_simd::STANDARD.encode_to_string(table));
    let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
    trailer.resize(224, 0);
    trailer.extend((list.len() as u64).to_be_bytes());
    trailer.resize(512, 0);
    [list.into_bytes(), trailer].concat()
}
