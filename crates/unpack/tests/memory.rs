//! What bombs and lies cost in memory: at most a few times the input, and a constant.
#![allow(unsafe_code)] // A global allocator that counts cannot be written without it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use mail::evidence::FileKind;
use testkit::bombs::{circle, compound, image};
use unpack::{Budget, Limits, Opening, StopFlag, detect, open};

/// Memory that decoders, tables and the content of one object may take, in bytes; the content is
/// limited to [`OBJECT`] and may be held twice while it grows.
const CONSTANT: usize = 4 * OBJECT as usize + (6 << 20);
/// Bytes of memory for a byte of input: the parsed directory and the parts of a message.
const FACTOR: usize = 12;
/// The limit of one object in these tests.
const OBJECT: u64 = 1 << 20;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads all members of a file; how much memory that took at most, beside the file.
fn peak(kind: FileKind, data: &[u8]) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let limits = Limits { object_bytes: OBJECT, bytes_out: 8 * OBJECT, ..Limits::default() };
    let mut budget = Budget::new(limits, StopFlag::new());
    if let Opening::Container(mut container) = open(kind, data, &mut budget) {
        while let Some(member) = container.next(data, &mut budget) {
            drop(member);
            if budget.enter_object(1).is_err() {
                break;
            }
        }
    }
    PEAK.load(Ordering::Relaxed) - before
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A local header, or a central record with `central`, of a member with these sizes.
fn header(central: bool, method: u16, packed: u32, size: u32) -> Vec<u8> {
    let mut out = if central { b"PK\x01\x02\x14\0".to_vec() } else { b"PK\x03\x04".to_vec() };
    out.extend(b"\x14\0\0\0");
    out.extend(method.to_le_bytes());
    out.extend([0; 8]);
    out.extend(packed.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(b"\x01\0\0\0");
    if central {
        out.extend([0; 14]);
    }
    out.push(b'a');
    out
}

/// An archive of one member with lying sizes.
fn archive(method: u16, size: u32, packed: &[u8]) -> Vec<u8> {
    listed(method, size, packed, 1)
}

/// The same, listed `count` times.
fn listed(method: u16, size: u32, packed: &[u8], count: u16) -> Vec<u8> {
    let mut out = [&header(false, method, packed.len() as u32, size), packed].concat();
    let start = out.len() as u32;
    let records = header(true, method, packed.len() as u32, size).repeat(count.into());
    out.extend(&records);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend((records.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// A 7z archive of 9999 folders, each of one stored stream of no bytes.
fn seven_zip() -> Vec<u8> {
    const COUNT: usize = 9999;
    let number = [0x80 | (COUNT >> 8) as u8, COUNT as u8];
    let mut header = vec![1, 4, 6, 0];
    header.extend(number);
    header.push(9);
    header.extend([0; COUNT]);
    header.extend([0, 7, 11]);
    header.extend(number);
    header.push(0);
    header.extend([1, 1, 0].repeat(COUNT));
    header.push(12);
    header.extend([0; COUNT]);
    header.extend([0, 0, 5]);
    header.extend(number);
    header.extend([0, 0]);
    let mut start = [0; 20];
    start[8..16].copy_from_slice(&(header.len() as u64).to_le_bytes());
    start[16..].copy_from_slice(&crc32fast::hash(&header).to_le_bytes());
    [b"7z\xbc\xaf\x27\x1c\0\x04", &crc32fast::hash(&start).to_le_bytes()[..], &start, &header].concat()
}

#[test]
fn memory_is_bounded_by_the_input_and_a_constant() {
    let zeros = vec![0; 64 << 20];
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(9));
    deflated.write_all(&zeros).unwrap();
    let deflated = deflated.finish().unwrap();
    let gzipped = gzip(&zeros);
    let bzipped = {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        encoder.write_all(&zeros).unwrap();
        encoder.finish().unwrap()
    };
    drop(zeros);
    let lzma = [&b"\x09\x14\x05\0\x5d\xff\xff\xff\xff"[..], &[0; 64]].concat();
    let xz = [&b"\xfd7zXZ\0\0\x01\x69\x22\xde\x36\x02\0\x21\x01\x1a\0\0\0"[..], &[0; 64]].concat();
    let mut lz4 = [&b"\x02\x21\x4c\x18\x08\x80\0\0\x1fa\x01\0"[..], &[0xff; 0x8000]].concat();
    lz4.truncate(0x8010);
    let mut tar = vec![0; 512];
    tar[..8].copy_from_slice(b"a member");
    tar[148..155].copy_from_slice(
        format!("{:06o}\0", 8 * 32 + b"a member".iter().map(|byte| u32::from(*byte)).sum::<u32>()).as_bytes(),
    );
    let many_parts = [
        b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec(),
        b"--b\r\nContent-Type: text/plain; name=x\r\n\r\nx\r\n".repeat(50_000),
    ]
    .concat();
    let cases = [
        ("gzip", FileKind::Gzip, gzipped),
        ("FAT, a circle", FileKind::DiskImage, circle()),
        ("deflate", FileKind::Zip, archive(8, 1, &deflated)),
        ("deflate, huge size", FileKind::Zip, archive(8, u32::MAX, &deflated)),
        ("bzip2", FileKind::Zip, archive(12, u32::MAX, &bzipped)),
        ("LZMA, huge dictionary", FileKind::Zip, archive(14, u32::MAX, &lzma)),
        ("stored, huge size", FileKind::Zip, archive(0, u32::MAX, b"x")),
        ("XZ, huge dictionary", FileKind::Compressed, xz),
        ("Zstandard, huge window", FileKind::Compressed, [&b"\x28\xb5\x2f\xfd\0\x88\x01\0\0"[..], &[0; 64]].concat()),
        ("LZ4 legacy, one large block", FileKind::Compressed, lz4),
        ("LZW", FileKind::Compressed, [&b"\x1f\x9d\x90"[..], &[0; 4096]].concat()),
        ("many tar headers", FileKind::Tar, tar.repeat(20_000)),
        ("many 7z folders", FileKind::SevenZip, seven_zip()),
        ("many records of an image", FileKind::Iso, image(1 << 20, 9)),
        ("a directory of OLE2 in a circle", FileKind::Ole2, compound()),
        (
            "many cpio headers",
            FileKind::Cpio,
            b"070707000000000000000644000000000000000001000000000000000000000200000000000a\0".repeat(60_000),
        ),
        ("many records", FileKind::Zip, listed(0, 1, b"x", 60_000)),
        ("many headers", FileKind::Zip, header(false, 8, 0, 0).repeat(100_000)),
        ("many parts", FileKind::Message, many_parts),
    ];
    let cell = b"<c t=\"s\"><v>1</v></c>".repeat(45_000);
    let sheet = [&b"<worksheet><sheetData>"[..], &cell, b"</sheetData></worksheet>"].concat();
    let parts = [&b"<pkg:package xmlns:pkg=\"http://schemas.microsoft.com/office/2006/xmlPackage\">"[..]];
    let part = b"<pkg:part pkg:name=\"a\"><pkg:binaryData>AAAA</pkg:binaryData></pkg:part>".repeat(20_000);
    let cases = cases.into_iter().chain([
        ("many cells", FileKind::Ooxml, archive(0, sheet.len() as u32, &sheet)),
        ("many parts of a flat package", FileKind::Xml, [parts.concat(), part].concat()),
        ("RTF, many groups", FileKind::Rtf, [&b"{\\rtf"[..], &b"{".repeat(1_000_000)].concat()),
        ("RTF, many objects", FileKind::Rtf, [&b"{\\rtf"[..], &b"{\\objdata 00}".repeat(50_000)].concat()),
        ("RTF, one object", FileKind::Rtf, [&b"{\\rtf{\\objdata "[..], &b"00".repeat(1_000_000)].concat()),
        (
            "OneNote, many marks",
            FileKind::OneNote,
            b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac".repeat(60_000),
        ),
    ]);
    for (what, kind, data) in cases {
        let peak = peak(kind, &data);
        println!("{what}: {} bytes in, {peak} bytes of memory", data.len());
        assert!(peak <= FACTOR * data.len() + CONSTANT, "{what}: {} bytes in, {peak} bytes of memory", data.len());
    }
    let data = vec![b'<'; 8 << 20];
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    detect(&data);
    assert!(PEAK.load(Ordering::Relaxed) - before < 1 << 20, "telling kinds apart needs no copy");
}
