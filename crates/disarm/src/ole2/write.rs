//! A compound file written from its tree (MS-CFB, version 3), with nothing in it but the tree: no freed
//! sectors, no times. Siblings form balanced trees, so that every reader finds them.

use super::tree::{Node, Tree};
use crate::DisarmError;

/// Bytes of a sector, and of one in the mini stream.
const SECTOR: usize = 512;
const MINI: usize = 64;
/// Streams shorter than this stand in the mini stream.
const CUTOFF: usize = 4096;
/// Numbers in a sector, and tables that the header itself lists.
const PER_SECTOR: usize = 128;
const IN_HEADER: usize = 109;
/// What stands in tables for no sector, the end of a chain, and sectors of the tables themselves.
const FREE: u32 = 0xffff_ffff;
const END: u32 = 0xffff_fffe;
const FAT: u32 = 0xffff_fffd;
const DIFAT: u32 = 0xffff_fffc;
/// Longest name, in UTF-16 units.
const MAX_NAME: usize = 31;
/// Most sectors: 2 GiB.
const MAX_SECTORS: usize = 1 << 22;

/// Sectors and their chains.
#[derive(Default)]
struct Sectors {
    bytes: Vec<u8>,
    next: Vec<u32>,
}

impl Sectors {
    /// Adds a chain; its first sector.
    fn chain(&mut self, content: &[u8], size: usize) -> u32 {
        if content.is_empty() {
            return END;
        }
        let first = self.next.len();
        for chunk in content.chunks(size) {
            self.bytes.extend_from_slice(chunk);
            self.next.push(number(self.next.len().saturating_add(1)));
        }
        self.bytes.resize(self.next.len().saturating_mul(size), 0);
        if let Some(last) = self.next.last_mut() {
            *last = END;
        }
        number(first)
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(END)
}

/// The file.
///
/// # Errors
/// [`DisarmError::TooLarge`] for more than the format holds.
pub(super) fn write(tree: &Tree) -> Result<Vec<u8>, DisarmError> {
    let kept: Vec<usize> = (0..tree.nodes.len()).filter(|at| tree.node(*at).is_some_and(|node| !node.gone)).collect();
    let mut places = vec![FREE; tree.nodes.len()];
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); kept.len()];
    let nodes: Vec<&Node> = kept.iter().filter_map(|at| tree.node(*at)).collect();
    for (place, (at, node)) in kept.iter().zip(&nodes).enumerate() {
        if let Some(slot) = places.get_mut(*at) {
            *slot = number(place);
        }
        if place > 0 {
            let above = places.get(node.parent).copied().unwrap_or(FREE) as usize;
            children.get_mut(above).ok_or(DisarmError::NotSound)?.push(number(place));
        }
    }
    let mut links = vec![Links::default(); nodes.len()];
    for (storage, mut list) in children.into_iter().enumerate() {
        list.sort_by_cached_key(|place| nodes.get(*place as usize).map(|node| order(&node.name)));
        balance(storage, &list, &mut links);
    }
    let (mut large, mut small) = (Sectors::default(), Sectors::default());
    let mut starts = Vec::new();
    for node in &nodes {
        starts.push(match node.content.len() {
            _ if !node.stream => 0,
            0 => END,
            size if size < CUTOFF => small.chain(&node.content, MINI),
            _ => large.chain(&node.content, SECTOR),
        });
    }
    let mini = large.chain(&small.bytes, SECTOR);
    let mini_fat: Vec<u8> = small.next.iter().flat_map(|next| next.to_le_bytes()).collect();
    let mini_sectors = mini_fat.len().div_ceil(SECTOR);
    let mini_table = large.chain(&padded(mini_fat), SECTOR);
    let mut directory = Vec::new();
    for ((node, links), start) in nodes.iter().zip(&links).zip(starts) {
        let (start, size) = if directory.is_empty() { (mini, small.bytes.len()) } else { (start, node.content.len()) };
        entry(node, directory.is_empty(), links, start, size, &mut directory)?;
    }
    directory.resize(directory.len().next_multiple_of(SECTOR), 0);
    let directory = large.chain(&directory, SECTOR);
    close(large, directory, mini_table, mini_sectors)
}

/// A file with nothing in it.
///
/// # Errors
/// None in practice.
pub(super) fn empty() -> Result<Vec<u8>, DisarmError> {
    write(&Tree::empty())
}

/// A table of numbers with free ones up to the end of its sector.
fn padded(mut table: Vec<u8>) -> Vec<u8> {
    table.resize(table.len().next_multiple_of(SECTOR), 0xff);
    table
}

/// Left, right and child of an entry, and whether it is red.
#[derive(Clone)]
struct Links {
    all: [u32; 3],
    red: bool,
}

impl Default for Links {
    fn default() -> Self {
        Self { all: [FREE; 3], red: false }
    }
}

/// Siblings stand by the length of their names, then by their letters without case (2.6.4).
fn order(name: &str) -> (usize, Vec<u16>) {
    let upper = |letter: char| {
        let mut all = letter.to_uppercase();
        all.next().filter(|_| all.next().is_none()).unwrap_or(letter)
    };
    (name.encode_utf16().count(), name.chars().map(upper).collect::<String>().encode_utf16().collect())
}

/// Makes a tree of a storage's children, which are in order. Every path is equally long but for the
/// lowest row, which is red.
fn balance(storage: usize, list: &[u32], links: &mut [Links]) {
    let rows = list.len().checked_add(1).map_or(0, usize::ilog2);
    // A range, its row, and where its middle is to be noted: an entry, and which of its links.
    let mut waiting = vec![(0, list.len(), 0_u32, storage, 2_usize)];
    while let Some((start, end, row, holder, which)) = waiting.pop() {
        if start >= end {
            continue;
        }
        let middle = start.midpoint(end);
        let Some(place) = list.get(middle).copied() else { continue };
        if let Some(link) = links.get_mut(holder).and_then(|links| links.all.get_mut(which)) {
            *link = place;
        }
        let at = place as usize;
        if let Some(own) = links.get_mut(at) {
            own.red = row >= rows && row > 0;
        }
        let below = row.saturating_add(1);
        waiting.push((start, middle, below, at, 0));
        waiting.push((middle.saturating_add(1), end, below, at, 1));
    }
}

/// Adds a directory entry (2.6.1).
fn entry(
    node: &Node,
    root: bool,
    links: &Links,
    start: u32,
    size: usize,
    out: &mut Vec<u8>,
) -> Result<(), DisarmError> {
    let mut name: Vec<u16> = node.name.encode_utf16().collect();
    if name.len() > MAX_NAME {
        return Err(DisarmError::NotSound);
    }
    let length = u16::try_from(name.len()).unwrap_or(0).saturating_add(1).saturating_mul(2);
    name.resize(32, 0);
    out.extend(name.into_iter().flat_map(u16::to_le_bytes));
    out.extend(length.to_le_bytes());
    out.push(match (root, node.stream) {
        (true, _) => 5,
        (_, true) => 2,
        (_, false) => 1,
    });
    out.push(u8::from(!links.red));
    out.extend(links.all.iter().flat_map(|link| link.to_le_bytes()));
    out.extend(node.class);
    out.extend([0; 20]);
    out.extend(start.to_le_bytes());
    out.extend(u64::from(number(size)).to_le_bytes());
    Ok(())
}

/// Adds the tables, and puts the header in front.
fn close(mut large: Sectors, directory: u32, mini_table: u32, mini_sectors: usize) -> Result<Vec<u8>, DisarmError> {
    let content = large.next.len();
    if content > MAX_SECTORS {
        return Err(DisarmError::TooLarge);
    }
    let (mut tables, mut lists) = (0_usize, 0_usize);
    // Tables tell of their own sectors too; some rounds settle it.
    loop {
        let all = content.saturating_add(tables).saturating_add(lists);
        let needed = all.div_ceil(PER_SECTOR);
        let further = needed.saturating_sub(IN_HEADER).div_ceil(PER_SECTOR.saturating_sub(1));
        if needed == tables && further == lists {
            break;
        }
        (tables, lists) = (needed.max(tables), further.max(lists));
    }
    let first_list = content.saturating_add(tables);
    large.next.extend(std::iter::repeat_n(FAT, tables));
    large.next.extend(std::iter::repeat_n(DIFAT, lists));
    let table: Vec<u8> = large.next.iter().flat_map(|next| next.to_le_bytes()).collect();
    large.bytes.extend(padded(table));
    let numbers: Vec<u32> = (content..first_list).map(number).collect();
    let beyond = numbers.get(IN_HEADER..).unwrap_or_default();
    for (at, chunk) in beyond.chunks(PER_SECTOR.saturating_sub(1)).enumerate() {
        let mut list = chunk.to_vec();
        list.resize(PER_SECTOR.saturating_sub(1), FREE);
        let next = at.saturating_add(1);
        list.push(if next < lists { number(first_list.saturating_add(next)) } else { END });
        large.bytes.extend(list.into_iter().flat_map(u32::to_le_bytes));
    }
    let mut out = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    out.extend([0; 16]);
    out.extend([0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let list = if lists > 0 { number(first_list) } else { END };
    let cutoff = number(CUTOFF);
    for field in [number(tables), directory, 0, cutoff, mini_table, number(mini_sectors), list, number(lists)] {
        out.extend(field.to_le_bytes());
    }
    let header = (0..IN_HEADER).map(|at| numbers.get(at).copied().unwrap_or(FREE));
    out.extend(header.flat_map(u32::to_le_bytes));
    out.extend(large.bytes);
    Ok(out)
}
