//! Archives on disks and discs where none of their files stands, whatever tables say of the place.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::detect;

use crate::support::{deflated, everything, gzip, noise};
use crate::tools::Folder;

const HIDDEN: &[u8] = b"what nobody is meant to see";
const SECTOR: usize = 512;

fn be32(data: &[u8], at: usize) -> usize {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    data[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A disk of FAT with one small file, or a large one, in some formats, and archives of some kinds with the hidden text.
struct Made {
    folder: Folder,
    archives: Vec<(&'static str, Vec<u8>)>,
}

impl Made {
    fn new(name: &str) -> Option<Self> {
        let folder = Folder::new(name);
        folder.write("hidden.txt", HIDDEN);
        folder.write("note.txt", b"a note");
        folder.run("7z", &["a", "a.7z", "hidden.txt"])?;
        folder.run("mkfs.fat", &["-C", "-F", "16", "disk", "16384"])?;
        folder.run("mcopy", &["-i", "disk", "note.txt", "::note.txt"])?;
        let archives = vec![
            ("7z", folder.read("a.7z")),
            ("gz", gzip(Some("hidden.txt"), HIDDEN)),
            ("zip", deflated(&[("hidden.txt", HIDDEN)])),
        ];
        Some(Self { folder, archives })
    }

    fn image(&self, format: &str) -> Option<Vec<u8>> {
        self.folder.run("qemu-img", &["convert", "-f", "raw", "-O", format, "disk", "out"])?;
        Some(self.folder.read("out"))
    }

    /// Each archive in its place is found, beside what the disk's file says.
    fn finds(&self, what: &str, hide: impl Fn(&[u8]) -> Vec<u8>) {
        for (name, archive) in &self.archives {
            let data = hide(archive);
            assert_eq!(detect(&data), FileKind::DiskImage, "{what}: {name}");
            let (found, reasons) = everything(&data);
            assert!(found.iter().any(|content| content == HIDDEN), "{what}: {name}, {reasons:?}");
            assert!(found.iter().any(|content| content.starts_with(b"a note")), "{what}: {name}, {reasons:?}");
        }
    }
}

/// An archive, up to a whole number of sectors.
fn padded(archive: &[u8]) -> Vec<u8> {
    let mut out = archive.to_vec();
    out.resize(out.len().next_multiple_of(SECTOR), 0);
    out
}

#[test]
fn blocks_that_hold_no_file_hide_nothing() {
    let Some(made) = Made::new("unused-vhd") else { return };
    let Some(vhd) = made.image("vpc") else { return };
    assert_eq!(everything(&vhd).1.into_iter().collect::<Vec<UnscannedReason>>(), []);
    let header = be32(&vhd, 20);
    let table = be32(&vhd, header + 20);
    let entries = be32(&vhd, header + 28);
    let free = (0..entries).map(|number| table + number * 4).find(|at| be32(&vhd, *at) == u32::MAX as usize);
    let free = free.expect("a block that the disk does not have");
    made.finds("a block beyond the end", |archive| {
        let mut data = [&vhd[..], archive].concat();
        put(&mut data, free, &0x7fff_ffff_u32.to_be_bytes());
        data
    });
    made.finds("a block in the archive's place", |archive| {
        let mut data = [&vhd[..], &padded(archive)].concat();
        // A sector with the block's bitmap stands in front of it.
        put(&mut data, free, &((vhd.len() / SECTOR) as u32 - 1).to_be_bytes());
        data
    });
    made.finds("between the tables and the first block", |archive| {
        let (archive, at) = (padded(archive), be32(&vhd, table) * SECTOR);
        let mut data = [&vhd[..at], &archive, &vhd[at..]].concat();
        for place in (0..entries).map(|number| table + number * 4) {
            let old = be32(&vhd, place);
            if old != u32::MAX as usize {
                put(&mut data, place, &((old + archive.len() / SECTOR) as u32).to_be_bytes());
            }
        }
        data
    });
    made.finds("in a block beside its file", |archive| {
        let mut data = vhd.clone();
        let at = data.len() - SECTOR - 100 * SECTOR;
        assert!(data[at..at + archive.len()].iter().all(|byte| *byte == 0));
        put(&mut data, at, archive);
        data
    });
}

#[test]
fn what_a_stale_log_covers_is_read() {
    let Some(made) = Made::new("unused-vhdx") else { return };
    let Some(vhdx) = made.image("vhdx") else { return };
    assert_eq!(everything(&vhdx).1.into_iter().collect::<Vec<UnscannedReason>>(), []);
    made.finds("a log", |archive| {
        let mut data = [&vhdx[..], archive].concat();
        put(&mut data, 65_536 + 68, &(1_u32 << 30).to_le_bytes());
        put(&mut data, 65_536 + 72, &(vhdx.len() as u64).to_le_bytes());
        data
    });
    made.finds("behind all", |archive| [&vhdx[..], archive].concat());
}

#[test]
fn a_file_at_the_end_of_a_disk_or_a_disc_hides_nothing_in_front_of_it() {
    let Some(made) = Made::new("unused-plain") else { return };
    let mut disk = made.folder.read("disk");
    // The folder's entry of the one file, behind two tables of the same length.
    let entry = memchr::memmem::find(&disk, b"NOTE    TXT").unwrap();
    let cluster = usize::from(disk[13]) * SECTOR;
    let start = memchr::memmem::find(&disk, b"a note").unwrap();
    let number = usize::from(u16::from_le_bytes(disk[entry + 26..entry + 28].try_into().unwrap()));
    let last = number + 400;
    let reserved = usize::from(disk[14]) * SECTOR;
    let length = usize::from(u16::from_le_bytes(disk[22..24].try_into().unwrap())) * SECTOR;
    for table in [reserved, reserved + length] {
        put(&mut disk, table + last * 2, b"\xff\xff");
    }
    put(&mut disk, entry + 26, &(last as u16).to_le_bytes());
    put(&mut disk, start + 400 * cluster, b"a note");
    put(&mut disk, start, &[0; 6]);
    assert_eq!(everything(&disk).1.into_iter().collect::<Vec<UnscannedReason>>(), []);
    made.finds("in free clusters", |archive| {
        let mut data = disk.clone();
        put(&mut data, start + 9 * cluster, archive);
        data
    });

    let Some(_) = made.folder.run("genisoimage", &["-quiet", "-o", "disc", "note.txt"]) else { return };
    let disc = made.folder.read("disc");
    let record = memchr::memmem::find(&disc, b"NOTE.TXT;1").unwrap() - 33;
    for (name, archive) in &made.archives {
        let mut data = disc.clone();
        data.resize(data.len().next_multiple_of(2048), 0);
        data.extend(archive);
        data.resize(data.len().next_multiple_of(2048), 0);
        let place = (data.len() / 2048) as u32;
        data.extend(b"a note");
        data.resize(data.len().next_multiple_of(2048), 0);
        put(&mut data, record + 2, &place.to_le_bytes());
        put(&mut data, record + 6, &place.to_be_bytes());
        let (found, reasons) = everything(&data);
        assert!(found.iter().any(|content| content == HIDDEN), "disc: {name}, {reasons:?}");
    }
}

#[test]
fn marks_beside_files_that_are_not_all_looked_at_are_told() {
    let folder = Folder::new("unused-marks");
    let Some(_) = folder.run("mkfs.fat", &["-C", "-F", "12", "disk", "1440"]) else { return };
    let marks = b"\x60\xea\x28\x0a".repeat(50_000);
    for format in ["raw", "vpc"] {
        let Some(_) = folder.run("qemu-img", &["convert", "-f", "raw", "-O", format, "disk", "out"]) else { return };
        let (_, reasons) = everything(&[&folder.read("out")[..], &marks, &noise(100, 3)].concat());
        assert!(reasons.contains(&UnscannedReason::LimitObjects), "{format}: {reasons:?}");
    }
}
