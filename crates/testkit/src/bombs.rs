//! Hostile files that several crates measure themselves against: structures that go in circles, and
//! archives that hold themselves.

use crate::sample::crc32;

/// Bytes of one instruction of a [quine](quine_gzip) in Deflate.
const UNIT: usize = 10;

/// A compound file (OLE2) whose directory goes on in itself: streams without end, each as long as the file.
pub fn compound() -> Vec<u8> {
    let mut out = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    out.resize(24, 0);
    out.extend([0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    out.resize(48, 0);
    for number in [1_u32, 0, 4096, u32::MAX, 0, u32::MAX, 0, 0] {
        out.extend(number.to_le_bytes());
    }
    out.resize(512, 0xff);
    out.extend([0xfd, 0xff, 0xff, 0xff, 1, 0, 0, 0]);
    out.resize(1024, 0);
    for _ in 0..4 {
        let mut entry = vec![0; 128];
        (entry[0], entry[64], entry[66]) = (b'a', 4, 2);
        entry[68..80].fill(0xff);
        (entry[116], entry[123]) = (1, 0x40);
        out.extend(entry);
    }
    out.resize(8 << 20, 0);
    out
}

/// A volume of FAT16 whose files all go in one circle of two clusters that are apart.
pub fn circle() -> Vec<u8> {
    let mut out = vec![0_u8; 9_000 * 1024];
    out[..3].copy_from_slice(b"\xeb\x3c\x90");
    for (at, value) in [(11, 512_u16), (13, 1), (14, 1), (16, 1), (17, 512), (19, 18_000), (22, 70)] {
        out[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    out[510..512].copy_from_slice(b"\x55\xaa");
    out[512 + 4..512 + 10].copy_from_slice(&[4, 0, 0, 0, 2, 0]);
    for number in 0..512 {
        let entry = &mut out[(1 + 70) * 512 + number * 32..][..32];
        entry[..11].copy_from_slice(b"FILE    BIN");
        entry[26] = 2;
        entry[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    out
}

/// An ISO 9660 image whose root has 30,000 records of files, each at this sector and of this size in bytes.
pub fn image(sector: u32, size: u32) -> Vec<u8> {
    let record = |flags: u8, sector: u32, size: u32, name: u8| {
        let mut out = vec![0; 34];
        out[0] = 34;
        out[2..6].copy_from_slice(&sector.to_le_bytes());
        out[6..10].copy_from_slice(&sector.to_be_bytes());
        out[10..14].copy_from_slice(&size.to_le_bytes());
        out[14..18].copy_from_slice(&size.to_be_bytes());
        (out[25], out[32], out[33]) = (flags, 1, name);
        out
    };
    let mut out = vec![0; 17 * 2048];
    out[16 * 2048..16 * 2048 + 6].copy_from_slice(b"\x01CD001");
    out[16 * 2048 + 156..16 * 2048 + 190].copy_from_slice(&record(2, 17, 500 * 2048, 0));
    let mut records = record(0, sector, size, b'a').repeat(60);
    records.resize(2048, 0);
    [out, records.repeat(500)].concat()
}

/// A gzip file that holds exactly itself.
pub fn quine_gzip() -> Vec<u8> {
    fixed_point(&|crc, time| {
        let head = [&b"\x1f\x8b\x08\0"[..], &time.to_le_bytes(), b"\0\x03"].concat();
        let total = quine(&head, &[0; 8]).len() as u32;
        quine(&head, &[crc.to_le_bytes(), total.to_le_bytes()].concat())
    })
}

/// A zip archive whose one member is exactly the archive itself.
pub fn quine_zip() -> Vec<u8> {
    const NAME: &[u8] = b"again.zip";
    let common = |time: u32, crc: u32, packed: u32, total: u32| {
        let mut out = b"\x14\0\0\0\x08\0".to_vec();
        for number in [time, crc, packed, total] {
            out.extend(number.to_le_bytes());
        }
        out.extend([NAME.len() as u8, 0, 0, 0]);
        out
    };
    let build = |time: u32, crc: u32, packed: u32, total: u32| {
        let common = common(time, crc, packed, total);
        let head = [&b"PK\x03\x04"[..], &common, NAME].concat();
        let record = [&b"PK\x01\x02\x14\0"[..], &common, &[0; 14], NAME].concat();
        let sizes = [record.len() as u32, head.len() as u32 + packed].map(u32::to_le_bytes).concat();
        let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &sizes, &[0; 2]].concat();
        let behind = record.len() + end.len();
        let out = quine(&head, &[record, end].concat());
        let packed = (out.len() - head.len() - behind) as u32;
        (packed, out)
    };
    fixed_point(&|crc, time| {
        let (packed, out) = build(time, 0, 0, 0);
        build(time, crc, packed, out.len() as u32).1
    })
}

/// A file that is what its Deflate stream makes: `head`, the stream, and `tail` behind it.
///
/// Two instructions are enough: one gives what follows it, the other repeats what was given last. Where the
/// output is one instruction ahead of the code, what an instruction gives lies exactly on its own text in the
/// code, and may be anything; so the last repetition can give itself and the tail.
fn quine(head: &[u8], tail: &[u8]) -> Vec<u8> {
    let last = [b"\x01\0\0\xff\xff", tail].concat();
    let (h, t) = (head.len() + UNIT, last.len() + UNIT);
    let n = |units: usize| units * UNIT;
    [
        head.to_vec(),
        [give(h), head.to_vec(), give(h)].concat(),
        again(h),
        [give(n(1)), again(h)].concat(),
        [give(n(1)), give(n(1))].concat(),
        [give(n(4)), again(h), give(n(1)), give(n(1)), give(n(4))].concat(),
        again(n(4)),
        [give(n(4)), again(n(4)), give(n(4)), again(n(4)), give(n(4))].concat(),
        again(n(4)),
        [give(n(4)), give(0), give(0), again(n(2)), give(t)].concat(),
        again(n(2)),
        [give(t), again(t), last.clone()].concat(),
        again(t),
        last,
    ]
    .concat()
}

/// Gives the `len` bytes that follow: an empty stored block, to be as long as [`again`], and a stored block.
fn give(len: usize) -> Vec<u8> {
    let len = u16::try_from(len).expect("a short text");
    [&b"\0\0\0\xff\xff\0"[..], &len.to_le_bytes(), &(!len).to_le_bytes()].concat()
}

/// Gives the last `len` bytes once more: a block with fixed codes, and an empty stored block behind it, which
/// brings the stream to a whole byte. One copy or two, and an empty block or none in front, so that it is as
/// long as it has to be.
fn again(len: usize) -> Vec<u8> {
    for (first, empty) in (3..len.saturating_sub(2)).chain([len]).flat_map(|first| [(first, 0), (first, 1)]) {
        let mut bits = Bits::default();
        bits.put(0b010, 10 * empty);
        bits.put(0b010, 3);
        [first, len - first].into_iter().filter(|length| *length > 0).for_each(|length| bits.copy(length, len));
        bits.put(0, 7);
        bits.put(0, 3);
        if bits.count.div_ceil(8) == UNIT - 4 {
            return [&bits.bytes()[..], &[0, 0, 0xff, 0xff]].concat();
        }
    }
    panic!("{len} bytes are not repeated in {UNIT} bytes");
}

/// Bits, the first one lowest.
#[derive(Default)]
struct Bits {
    held: u64,
    count: usize,
}

impl Bits {
    fn put(&mut self, value: usize, count: usize) {
        self.held |= (value as u64) << self.count;
        self.count += count;
    }

    /// A code of Huffman's kind, whose highest bit comes first.
    fn code(&mut self, value: usize, count: usize) {
        (0..count).rev().for_each(|bit| self.put(value >> bit & 1, 1));
    }

    /// A copy (RFC 1951, section 3.2.5); lengths of 3 to 114, distances of 5 to 256.
    fn copy(&mut self, length: usize, distance: usize) {
        assert!((3..115).contains(&length) && (5..257).contains(&distance), "{length} bytes from {distance} back");
        let (more, code) = if length < 11 { (0, length - 3 + 1) } else { steps(length - 3, 4, 1) };
        self.code(code, 7);
        self.put((length - 3) & ((1 << more) - 1), more);
        let (more, code) = steps(distance - 1, 2, 0);
        self.code(code, 5);
        self.put((distance - 1) & ((1 << more) - 1), more);
    }

    fn bytes(&self) -> Vec<u8> {
        self.held.to_le_bytes()[..self.count.div_ceil(8)].to_vec()
    }
}

/// Of a value in `per` codes for each power of two: how many bits follow the code, and which code it is, the
/// first being `from`.
fn steps(value: usize, per: usize, from: usize) -> (usize, usize) {
    let more = value.ilog2() as usize - per.ilog2() as usize;
    (more, from + per * more + (value >> more))
}

/// What `build` makes of a checksum that is its own: the file is an affine function of its checksum over the
/// field of two elements, so 32 equations say which. Not every file has a solution; its time is changed then.
fn fixed_point(build: &dyn Fn(u32, u32) -> Vec<u8>) -> Vec<u8> {
    for time in 0..64 {
        let sum = |crc: u32| crc32(&build(crc, time));
        let constant = sum(0);
        // Row `bit`: which bits of the unknown have a part in that bit of `sum(x) ^ x ^ constant`.
        let mut rows: Vec<(u32, bool)> = (0..32).map(|bit| (0, constant >> bit & 1 == 1)).collect();
        for unknown in 0..32 {
            let column = sum(1 << unknown) ^ constant ^ (1 << unknown);
            rows.iter_mut().enumerate().for_each(|(bit, row)| row.0 |= (column >> bit & 1) << unknown);
        }
        if let Some(crc) = solve(rows) {
            let file = build(crc, time);
            assert_eq!(crc32(&file), crc, "it is its own checksum");
            return file;
        }
    }
    panic!("no time gives a checksum that fits");
}

/// Solves equations by elimination; `None` when there is no single solution.
fn solve(mut rows: Vec<(u32, bool)>) -> Option<u32> {
    for unknown in 0..32 {
        let at = (unknown..32).find(|at| rows[*at].0 >> unknown & 1 == 1)?;
        rows.swap(unknown, at);
        let (mask, right) = rows[unknown];
        for (other, row) in rows.iter_mut().enumerate() {
            if other != unknown && row.0 >> unknown & 1 == 1 {
                *row = (row.0 ^ mask, row.1 ^ right);
            }
        }
    }
    Some(rows.iter().enumerate().map(|(bit, row)| u32::from(row.1) << bit).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program makes of a file.
    fn made(program: &str, arguments: &[&str], name: &str, file: &[u8]) -> Option<Vec<u8>> {
        let program = crate::peers::find(program)?;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(name);
        std::fs::write(&path, file).expect("written");
        let out = std::process::Command::new(program).args(arguments).arg(&path).output().expect("it runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Some(out.stdout)
    }

    #[test]
    fn quines_hold_themselves() {
        let cases: [(&str, &[&str], &str, Vec<u8>); 2] =
            [("gzip", &["-dc"], "again.gz", quine_gzip()), ("unzip", &["-p"], "again.zip", quine_zip())];
        for (program, arguments, name, file) in cases {
            assert!(file.len() < 1024, "{name}: {} bytes", file.len());
            let Some(inner) = made(program, arguments, name, &file) else { continue };
            assert!(inner == file, "{name} holds something else");
        }
    }
}
