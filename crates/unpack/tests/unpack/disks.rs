//! Images of disks, by the programs that users have, and by hand where there is none.

use std::time::Duration;

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::support::{members, name, noise, walk};
use crate::tools::Folder;

pub(crate) const TEXT: &[u8] = b"a text on a disk";

/// Hostile images end within this.
const SOON: Duration = Duration::from_secs(20);

/// Name, length and checksum of the content, and whether it is unlisted.
type Row = (String, usize, u32, bool);

pub(crate) fn row(name: &str, content: &[u8], hidden: bool) -> Row {
    (name.to_owned(), content.len(), crc32fast::hash(content), hidden)
}

/// All members, sorted; nothing may be wrong.
pub(crate) fn listed(data: &[u8]) -> Vec<Row> {
    let (found, problems) = members(detect(data), data);
    assert_eq!(problems, []);
    let whole = |member: &Member| {
        assert_eq!(member.problems, [], "{}", name(member));
        row(name(member), &member.content, member.hidden)
    };
    let mut rows: Vec<Row> = found.iter().map(whole).collect();
    rows.sort();
    rows
}

/// What is on the volumes made here.
fn expected() -> Vec<Row> {
    vec![
        row("A long name for a file.txt", TEXT, false),
        row("_one.bin", &noise(3000, 5), true),
        row("folder/grüße.bin", &noise(70_000, 4), false),
    ]
}

/// A volume of FAT with a file that was deleted; its length in KiB.
fn fat(folder: &Folder, bits: &str, size: u32) -> Option<Vec<u8>> {
    folder.write("A long name for a file.txt", TEXT);
    folder.write("folder/grüße.bin", &noise(70_000, 4));
    folder.write("gone.bin", &noise(3000, 5));
    let size = size.to_string();
    folder.run("mkfs.fat", &["-C", "-F", bits, "fat.img", &size])?;
    let line = "export LC_ALL=C.UTF-8; mcopy -s -i fat.img 'A long name for a file.txt' folder gone.bin :: && \
                mdel -i fat.img ::gone.bin";
    folder.shell("mcopy", line)?;
    let data = folder.read("fat.img");
    folder.remove("fat.img");
    Some(data)
}

#[test]
fn fat_of_all_kinds_gives_its_files_and_deleted_ones() {
    let folder = Folder::new("disk-fat");
    for (bits, size) in [("12", 1440), ("16", 9_000), ("32", 40_000)] {
        let Some(data) = fat(&folder, bits, size) else { return };
        assert_eq!(detect(&data), FileKind::DiskImage);
        assert_eq!(listed(&data), expected(), "FAT{bits}");
    }
}

#[test]
fn virtual_disks_are_read_block_by_block() {
    let folder = Folder::new("disk-virtual");
    let Some(data) = fat(&folder, "16", 9_000) else { return };
    folder.write("raw.img", &data);
    for arguments in [
        &["-O", "vpc", "-o", "subformat=dynamic,force_size=on"][..],
        &["-O", "vpc", "-o", "subformat=fixed,force_size=on"],
        &["-O", "vhdx", "-o", "subformat=dynamic"],
        &["-O", "vhdx", "-o", "subformat=fixed"],
    ] {
        let all = [&["convert", "-f", "raw"][..], arguments, &["raw.img", "out"]].concat();
        if folder.run("qemu-img", &all).is_none() {
            return;
        }
        let data = folder.read("out");
        assert_eq!(detect(&data), FileKind::DiskImage, "{arguments:?}");
        assert_eq!(listed(&data), expected(), "{arguments:?}");
        folder.remove("out");
    }
}

/// A sector with a partition table.
fn table(entries: &[(u8, u32, u32)]) -> Vec<u8> {
    let mut sector = vec![0; 512];
    for (number, (kind, start, len)) in entries.iter().enumerate() {
        let entry = &mut sector[446 + number * 16..][..16];
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&start.to_le_bytes());
        entry[12..16].copy_from_slice(&len.to_le_bytes());
    }
    sector[510..].copy_from_slice(b"\x55\xaa");
    sector
}

#[test]
fn partitions_and_logical_drives_are_found() {
    let folder = Folder::new("disk-mbr");
    let Some(volume) = fat(&folder, "12", 1440) else { return };
    let len = (volume.len() / 512) as u32;
    // One partition, and an extended one with two drives.
    let mut disk = table(&[(1, 1, len), (5, 1 + len, 2 * len + 2)]);
    disk.extend(&volume);
    disk.extend(table(&[(1, 1, len), (5, 1 + len, len + 1)]));
    disk.extend(&volume);
    disk.extend(table(&[(1, 1, len)]));
    disk.extend(&volume);
    assert_eq!(detect(&disk), FileKind::DiskImage);
    assert_eq!(listed(&disk).len(), 3 * expected().len());

    let mut gpt = table(&[(0xee, 1, 100 + len)]);
    let mut header = b"EFI PART".to_vec();
    header.resize(512, 0);
    header[72..80].copy_from_slice(&2_u64.to_le_bytes());
    header[80..84].copy_from_slice(&128_u32.to_le_bytes());
    header[84..88].copy_from_slice(&128_u32.to_le_bytes());
    gpt.extend(header);
    gpt.extend([7; 16]);
    gpt.extend([0; 16]);
    gpt.extend(34_u64.to_le_bytes());
    gpt.resize(34 * 512, 0);
    gpt.extend(&volume);
    assert_eq!(listed(&gpt), expected());
}

#[test]
fn volumes_of_other_kinds_are_told() {
    let mut ntfs = vec![0; 4096];
    ntfs[..11].copy_from_slice(b"\xeb\x52\x90NTFS    ");
    ntfs[510..512].copy_from_slice(b"\x55\xaa");
    assert_eq!(members(detect(&ntfs), &ntfs).1, [UnscannedReason::UnknownFormat]);
    let mut disk = table(&[(0x83, 1, 8)]);
    disk.extend(noise(4096, 1));
    assert_eq!(members(detect(&disk), &disk).1, [UnscannedReason::UnknownFormat]);
}

#[test]
fn a_file_system_in_front_of_what_a_table_tells_of_is_told() {
    let zeros = vec![0; 64 * 1024];
    let disk = [table(&[(7, 64, 16)]), zeros.clone()].concat();
    assert_eq!(members(detect(&disk), &disk), (Vec::new(), Vec::new()));
    let mut ntfs = disk.clone();
    ntfs[..11].copy_from_slice(b"\xeb\x52\x90NTFS    ");
    let mut hfs = disk;
    hfs[1024..1026].copy_from_slice(b"BD");
    (hfs[1024 + 19], hfs[1024 + 22]) = (1, 2);
    let without = |mut disk: Vec<u8>| {
        disk[446 + 12..446 + 16].fill(0);
        disk
    };
    for disk in [without(ntfs.clone()), without(hfs.clone()), ntfs, hfs] {
        assert_eq!(members(detect(&disk), &disk), (Vec::new(), vec![UnscannedReason::UnknownFormat]));
    }
}

/// A disk of zeros with a GPT of these first and last sectors.
fn gpt(volumes: &[(u64, u64)], len: usize) -> Vec<u8> {
    let mut disk = table(&[(0xee, 1, 100)]);
    disk.extend(b"EFI PART");
    disk.resize(1024, 0);
    disk[512 + 72] = 2;
    disk[512 + 80..512 + 84].copy_from_slice(&(volumes.len() as u32).to_le_bytes());
    disk[512 + 84] = 128;
    for (first, last) in volumes {
        let from = disk.len();
        disk.extend([7; 16]);
        disk.resize(from + 32, 0);
        disk.extend(first.to_le_bytes());
        disk.extend(last.to_le_bytes());
        disk.resize(from + 128, 0);
    }
    disk.resize(len, 0);
    disk
}

#[test]
fn volumes_that_stand_in_one_another_are_looked_at_once() {
    let len = 1 << 20;
    let honest = gpt(&[(100, 199), (200, 2047)], len);
    assert_eq!(members(detect(&honest), &honest), (Vec::new(), Vec::new()));
    let backwards = gpt(&[(100, 199), (300, 250)], len);
    assert_eq!(members(detect(&backwards), &backwards).1, [UnscannedReason::UnknownFormat]);
    let all: Vec<_> = (0..128).map(|number| (100 + number, 2047)).collect();
    let hostile = gpt(&all, len);
    assert_eq!(members(detect(&hostile), &hostile).1, [UnscannedReason::UnknownFormat]);
    // And the work counts.
    let fuel = |disk: &[u8]| walk(disk, Limits::default()).fuel;
    assert!(fuel(&honest) > fuel(&gpt(&[], len)) + 900_000);
    assert!(fuel(&hostile) < fuel(&honest) + 1_000_000);
}

/// A volume of exFAT with one cluster a sector: a file in a chain, one without, one deleted, a folder.
pub(crate) fn exfat() -> Vec<u8> {
    let mut disk = vec![0_u8; 512 * 64];
    disk[..11].copy_from_slice(b"\xeb\x76\x90EXFAT   ");
    for (at, value) in [(80, 2_u32), (84, 1), (88, 4), (92, 60), (96, 2)] {
        disk[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    (disk[108], disk[109]) = (9, 0);
    disk[510..512].copy_from_slice(b"\x55\xaa");
    let cluster = |number: usize| (4 + number - 2) * 512;
    // The chain of the first file: 4, 6, 5.
    for (at, next) in [(2, u32::MAX), (4, 6), (6, 5), (5, u32::MAX)] {
        disk[1024 + at * 4..][..4].copy_from_slice(&next.to_le_bytes());
    }
    let content = noise(1300, 9);
    for (place, piece) in [4, 6, 5].into_iter().zip(content.chunks(512)) {
        disk[cluster(place)..][..piece.len()].copy_from_slice(piece);
    }
    disk[cluster(10)..][..TEXT.len()].copy_from_slice(TEXT);
    let mut put = |folder: usize, at: usize, used: u8, attributes: u16, flags: u8, first: u32, len: u64, name: &str| {
        let entry = &mut disk[cluster(folder) + at * 32..][..96];
        (entry[0], entry[1]) = (0x05 | used, 2);
        entry[4..6].copy_from_slice(&attributes.to_le_bytes());
        (entry[32], entry[33], entry[35]) = (0x40 | used, flags, name.len() as u8);
        entry[52..56].copy_from_slice(&first.to_le_bytes());
        entry[56..64].copy_from_slice(&len.to_le_bytes());
        entry[64] = 0x41 | used;
        for (place, unit) in name.encode_utf16().enumerate() {
            entry[66 + place * 2..][..2].copy_from_slice(&unit.to_le_bytes());
        }
    };
    put(2, 0, 0x80, 0x20, 1, 4, 1300, "chain.bin");
    put(2, 3, 0x80, 0x10, 3, 8, 512, "dir");
    put(2, 6, 0, 0x20, 1, 10, TEXT.len() as u64, "gone.txt");
    put(8, 0, 0x80, 0x20, 3, 10, TEXT.len() as u64, "plain.txt");
    disk
}

/// The same in a partition.
pub(crate) fn partitioned() -> Vec<u8> {
    [table(&[(7, 1, 64)]), exfat()].concat()
}

#[test]
fn exfat_gives_its_files_and_deleted_ones() {
    let expected =
        [row("chain.bin", &noise(1300, 9), false), row("dir/plain.txt", TEXT, false), row("gone.txt", TEXT, true)];
    assert_eq!(listed(&exfat()), expected);
}

#[test]
fn udf_gives_the_files_that_windows_shows() {
    let folder = Folder::new("disk-udf");
    folder.write("tree/A long name for a file.txt", TEXT);
    folder.write("tree/folder/two.bin", &noise(70_000, 4));
    let arguments = ["-quiet", "-udf", "-J", "-joliet-long", "-R", "-o", "udf.iso", "tree"];
    if folder.run("genisoimage", &arguments).is_none() {
        return;
    }
    let mut data = folder.read("udf.iso");
    let expected = [row("A long name for a file.txt", TEXT, false), row("folder/two.bin", &noise(70_000, 4), false)];
    assert_eq!(listed(&data), expected, "beside ISO 9660");
    // Without ISO 9660.
    for sector in 16..20 {
        if &data[sector * 2048 + 1..][..5] == b"CD001" {
            data[sector * 2048..][..2048].fill(0);
        }
    }
    let marks = data.windows(5).position(|window| window == b"BEA01").unwrap();
    let mark = data[marks - 1..][..3 * 2048].to_vec();
    data[32768..][..mark.len()].copy_from_slice(&mark);
    assert_eq!(detect(&data), FileKind::Iso);
    assert_eq!(listed(&data), expected, "alone");
    // A name that only UDF has.
    let long: Vec<u8> = b"two.bin".to_vec();
    assert!(data.windows(long.len()).any(|window| window == long));
}

#[test]
fn an_empty_volume_of_udf_has_no_files_and_no_problems() {
    let folder = Folder::new("disk-mkudffs");
    for revision in ["0x0102", "0x0150", "0x0201"] {
        for block in ["512", "2048"] {
            folder.write("udf.img", &vec![0; 2 << 20]);
            let arguments =
                ["--media-type=hd", &format!("--blocksize={block}"), &format!("--udfrev={revision}"), "udf.img"];
            if folder.run("mkudffs", &arguments).is_none() {
                return;
            }
            let data = folder.read("udf.img");
            assert_eq!(detect(&data), FileKind::Iso, "{revision} {block}");
            assert_eq!(listed(&data), [], "{revision} {block}");
        }
    }
}

#[test]
fn hostile_images_end_soon_and_say_so() {
    let begin = testkit::CpuClock::now();
    let volume = exfat();
    // A folder in a circle.
    let mut circle = volume.clone();
    circle[1024 + 2 * 4..][..4].copy_from_slice(&2_u32.to_le_bytes());
    let (_, problems) = members(detect(&circle), &circle);
    assert!(problems.contains(&UnscannedReason::Damaged), "{problems:?}");
    // A file that is larger than the disk, and a chain in a circle.
    let mut huge = volume.clone();
    let stream = huge.windows(18).position(|window| window == b"c\0h\0a\0i\0n\0.\0b\0i\0n\0").unwrap() - 34;
    huge[stream + 24..][..8].copy_from_slice(&(1_u64 << 50).to_le_bytes());
    huge[1024 + 5 * 4..][..4].copy_from_slice(&4_u32.to_le_bytes());
    let reasons = walk(&huge, Limits::default()).reasons;
    assert!(!reasons.is_empty());
    // Virtual disks that say they are huge, with few blocks, or with one block again and again.
    for size in [1_u64 << 40, u64::MAX] {
        let mut vhd = b"conectix".to_vec();
        vhd.resize(2048, 0);
        vhd[16..24].copy_from_slice(&512_u64.to_be_bytes());
        vhd[48..56].copy_from_slice(&size.to_be_bytes());
        vhd[60..64].copy_from_slice(&3_u32.to_be_bytes());
        vhd[512..520].copy_from_slice(b"cxsparse");
        vhd[528..536].copy_from_slice(&1536_u64.to_be_bytes());
        vhd[540..544].copy_from_slice(&u32::MAX.to_be_bytes());
        vhd[544..548].copy_from_slice(&(2_u32 << 20).to_be_bytes());
        let (found, problems) = members(detect(&vhd), &vhd);
        assert!(found.is_empty() && problems.contains(&UnscannedReason::Damaged), "{problems:?}");
    }
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn chains_that_all_files_share_end() {
    let folder = Folder::new("disk-shared");
    let Some(mut data) = fat(&folder, "16", 9_000) else { return };
    // A thousand entries of the root folder, each the same megabyte in a circle of two clusters.
    let sector = |at: usize| u64::from(u16::from_le_bytes(data[at..at + 2].try_into().unwrap())) as usize;
    let (reserved, length, entries) = (sector(14), sector(22), sector(17));
    let (table, root) = (reserved * 512, (reserved + 2 * length) * 512);
    data[table + 4..table + 8].copy_from_slice(&[3, 0, 2, 0]);
    for number in 0..entries {
        let entry = &mut data[root + number * 32..][..32];
        entry.fill(0);
        entry[..11].copy_from_slice(format!("F{number:07}BIN").as_bytes());
        entry[26] = 2;
        entry[28..32].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    }
    let begin = testkit::CpuClock::now();
    let walk = walk(&data, Limits::default());
    assert!(walk.reasons.contains(&UnscannedReason::LimitRatio) || walk.reasons.contains(&UnscannedReason::LimitBytes));
    assert!(walk.bytes < 64 << 20, "{}", walk.bytes);
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}
