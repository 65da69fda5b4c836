//! UDF on discs that are written once, piece by piece: virtual partitions. mkudffs makes the empty volume;
//! what a second session adds to it is put behind it here.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Budget, Limits, StopFlag, detect, open};

use crate::disks::{TEXT, listed, row};
use crate::support::{members, noise, walk};
use crate::tools::Folder;

const BLOCK: usize = 2048;
/// Where the partition begins on a CD, in blocks.
const START: usize = 257;

fn le32(data: &[u8], at: usize) -> usize {
    u32::from_le_bytes(data[at..at + 4].try_into().unwrap()) as usize
}

/// An empty volume of that revision, without what is not written yet.
fn empty(folder: &Folder, revision: &str) -> Option<Vec<u8>> {
    folder.write("cd.udf", &vec![0; 1 << 20]);
    folder.run("mkudffs", &["--media-type=cdr", &format!("--udfrev={revision}"), "cd.udf"])?;
    let mut data = folder.read("cd.udf");
    let last = data.iter().rposition(|byte| *byte != 0).unwrap();
    data.truncate((last / BLOCK + 1) * BLOCK);
    Some(data)
}

/// Where the attributes and the descriptors of a file entry have their lengths, and where they begin.
fn places(entry: &[u8]) -> (usize, usize, usize) {
    if entry[0] == 5 { (168, 172, 176) } else { (208, 212, 216) }
}

/// What stands in a file entry itself.
fn inside(entry: &[u8]) -> &[u8] {
    let (attributes, descriptors, start) = places(entry);
    let from = start + le32(entry, attributes);
    &entry[from..from + le32(entry, descriptors)]
}

/// The disc that grows by a block at a time.
struct Disc(Vec<u8>);

impl Disc {
    /// Writes a block; its number in the partition.
    fn write(&mut self, bytes: &[u8]) -> u32 {
        let number = (self.0.len() / BLOCK - START) as u32;
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        number
    }

    /// Writes a file entry like another, with this in it.
    fn entry(&mut self, like: &[u8], kind: u8, flags: u8, size: u64, content: &[u8]) -> u32 {
        let (attributes, descriptors, start) = places(like);
        let mut entry = like[..start].to_vec();
        entry[12..16].copy_from_slice(&((self.0.len() / BLOCK - START) as u32).to_le_bytes());
        entry[27] = kind;
        entry[34] = entry[34] & 0xf8 | flags;
        entry[56..64].copy_from_slice(&size.to_le_bytes());
        entry[attributes..attributes + 4].fill(0);
        entry[descriptors..descriptors + 4].copy_from_slice(&(content.len() as u32).to_le_bytes());
        entry[4] = 0;
        entry[4] = entry[..16].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        entry.extend(content);
        self.write(&entry)
    }
}

/// A name in a folder, for the file at a virtual block.
fn name_of(name: &str, block: u32) -> Vec<u8> {
    let mut out = vec![0; 38];
    out[..2].copy_from_slice(&257_u16.to_le_bytes());
    (out[16], out[19]) = (1, name.len() as u8 + 1);
    out[20..24].copy_from_slice(&2048_u32.to_le_bytes());
    out[24..28].copy_from_slice(&block.to_le_bytes());
    out[28] = 1;
    out.push(8);
    out.extend(name.as_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// Adds two files: one in its entry, one in a block of its own.
fn with_files(data: Vec<u8>) -> Vec<u8> {
    let block = |number: usize| data[number * BLOCK..][..BLOCK].to_vec();
    let (root, table) = (block(START + 1), block(data.len() / BLOCK - 1));
    let new = root[0] != 5;
    let mut disc = Disc(data);
    let text = disc.entry(&root, 5, 3, TEXT.len() as u64, TEXT);
    let content = disc.write(&noise(3000, 4));
    let extent = [3000_u32.to_le_bytes(), 4_u32.to_le_bytes()].concat();
    let file = disc.entry(&root, 5, 0, 3000, &extent);
    let names = [inside(&root).to_vec(), name_of("a.txt", 2), name_of("two.bin", 3)].concat();
    let folder = disc.entry(&root, 4, 3, names.len() as u64, &names);
    let numbers: Vec<u8> = [0, folder, text, file, content].into_iter().flat_map(u32::to_le_bytes).collect();
    let old = inside(&table);
    let list = if new { [&old[..152], &numbers].concat() } else { [&numbers, &old[old.len() - 36..]].concat() };
    disc.entry(&table, table[27], 3, list.len() as u64, &list);
    disc.0
}

#[test]
fn virtual_partitions_give_their_files() {
    let folder = Folder::new("virtual");
    for revision in ["0x0150", "0x0200", "0x0201"] {
        let Some(data) = empty(&folder, revision) else { return };
        assert_eq!(detect(&data), FileKind::Iso, "{revision}");
        assert_eq!(listed(&data), [], "{revision}");
        let data = with_files(data);
        let expected = [row("a.txt", TEXT, false), row("two.bin", &noise(3000, 4), false)];
        assert_eq!(listed(&data), expected, "{revision}");
        let padded = [&data[..], &vec![0; 150 * BLOCK]].concat();
        assert_eq!(listed(&padded), expected, "{revision}: what is not written yet");
        let behind = [&data[..], &noise(7 * BLOCK, 2)].concat();
        assert_eq!(listed(&behind), expected, "{revision}: what drives write behind it");
        // A disc that can still be written on has its anchor further back only.
        let mut open = data.clone();
        let anchor = open[256 * BLOCK..257 * BLOCK].to_vec();
        open[256 * BLOCK..257 * BLOCK].fill(0);
        let mut open = [open, vec![0; (512 - data.len() / BLOCK) * BLOCK], anchor].concat();
        open[512 * BLOCK + 12..][..4].copy_from_slice(&512_u32.to_le_bytes());
        assert_eq!(listed(&open), expected, "{revision}: the second anchor");
    }
}

#[test]
fn a_virtual_partition_without_its_table_is_reported() {
    let folder = Folder::new("virtual-hostile");
    let Some(data) = empty(&folder, "0x0201") else { return };
    let data = with_files(data);
    let table = data.len() - BLOCK;
    let problems = |data: &[u8]| members(FileKind::Iso, data).1;
    let mut none = data.clone();
    for at in (START * BLOCK..none.len()).step_by(BLOCK).filter(|at| data[at + 27] == 248) {
        none[at + 4] ^= 1;
    }
    assert!(problems(&none).contains(&UnscannedReason::UnknownFormat), "{:?}", problems(&none));
    // Blocks that are not there, and the root folder in place of all.
    for (entry, block) in [(1, u32::MAX), (2, 0x00ff_ffff), (3, 1)] {
        let mut wrong = data.clone();
        wrong[table + 216 + 152 + entry * 4..][..4].copy_from_slice(&block.to_le_bytes());
        let walk = walk(&wrong, Limits::default());
        assert!(
            walk.reasons.contains(&UnscannedReason::Damaged) || walk.names.len() < 3,
            "{entry}: {:?}",
            walk.reasons
        );
    }
    // Most of the image is the table, again and again.
    let mut huge = data.clone();
    huge[table + 56..][..8].copy_from_slice(&u64::MAX.to_le_bytes());
    huge[table + 34] &= 0xf8;
    huge[table + 216..][..1800].fill(0x3f);
    assert!(!problems(&huge).is_empty());
}

#[test]
fn tables_and_folders_beyond_their_limits_are_told() {
    let folder = Folder::new("virtual-limits");
    let Some(data) = empty(&folder, "0x0201") else { return };
    let block = |number: usize| data[number * BLOCK..][..BLOCK].to_vec();
    let (root, table) = (block(START + 1), block(data.len() / BLOCK - 1));
    let pieces =
        |count: u64, block: u32| [(1_u32 << 20).to_le_bytes(), block.to_le_bytes()].concat().repeat(count as usize);
    for (in_table, in_folder, told) in [(4, 16, false), (5, 16, true), (4, 17, true)] {
        let mut disc = Disc(data.clone());
        let names = disc.write(&vec![0; 1 << 20]);
        let folder = disc.entry(&root, 4, 0, in_folder << 20, &pieces(in_folder, 2));
        let numbers: Vec<u8> = [0, folder, names].into_iter().flat_map(u32::to_le_bytes).collect();
        let mut list = [&inside(&table)[..152], &numbers].concat();
        list.resize(1 << 20, 0);
        let list = disc.write(&list);
        disc.entry(&table, table[27], 0, in_table << 20, &pieces(in_table, list));
        let (_, problems) = members(FileKind::Iso, &disc.0);
        // There is no name in the folder.
        assert!(problems.contains(&UnscannedReason::Damaged), "{in_table} {in_folder}: {problems:?}");
        assert_eq!(problems.contains(&UnscannedReason::LimitBytes), told, "{in_table} {in_folder}: {problems:?}");
    }
}

#[test]
fn files_that_are_no_table_are_not_read_in_search_of_one() {
    let folder = Folder::new("virtual-search");
    let Some(data) = empty(&folder, "0x0201") else { return };
    let block = |number: usize| data[number * BLOCK..][..BLOCK].to_vec();
    let (root, table) = (block(START + 1), block(data.len() / BLOCK - 1));
    let mut disc = Disc(data.clone());
    let content = disc.write(&vec![1; 1 << 20]);
    let extent = [(1_u32 << 20).to_le_bytes(), content.to_le_bytes()].concat();
    disc.entry(&table, table[27], 3, inside(&table).len() as u64, inside(&table));
    for _ in 0..300 {
        disc.entry(&root, 5, 0, 1 << 20, &extent);
    }
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    open(FileKind::Iso, &disc.0, &mut budget);
    // Each look at one of the files in full would be a mebibyte.
    assert!(budget.fuel_used() < 100 << 20, "{}", budget.fuel_used());
}
