//! Where each listed member of a plain, sound archive stands: for rebuilding it without some.

use std::ops::Range;

use super::directory::Directory;
use super::header::Header;
use crate::bytes::le32;

/// Most members of an archive that is laid out.
const MAX_MEMBERS: u32 = 100_000;

/// One listed member; ranges are bytes of the archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number, as in [`crate::Member::index`].
    pub index: u32,
    /// Its record in the central directory.
    pub central: Range<usize>,
    /// Its local header.
    pub local: Range<usize>,
    /// Its data, compressed.
    pub data: Range<usize>,
    /// A data descriptor follows the data (flag bit 3 in the local header).
    pub streamed: bool,
    /// It is a folder: it has no data, and its name ends with a slash.
    pub folder: bool,
    /// The data's checksum, as the directory has it.
    pub crc: u32,
    /// The content's size in bytes, as the directory has it.
    pub size: u64,
    /// Where the 64-bit offset of the local header stands, when the record's own field is too small.
    pub offset64: Option<usize>,
}

/// Where everything in an archive stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The members in the directory's order.
    pub entries: Vec<Entry>,
    /// All central records.
    pub directory: Range<usize>,
    /// The end records with the archive's comment.
    pub tail: Range<usize>,
    /// The archive's comment.
    pub comment: Range<usize>,
}

/// The layout of an archive whose directory is sound and agrees with every local header; `None` for
/// any other. Looks only at headers: costs about one unit a byte of them.
pub fn layout(data: &[u8]) -> Option<Layout> {
    let directory = Directory::read(data, MAX_MEMBERS);
    if !directory.sound || directory.cut {
        return None;
    }
    let entries = directory.records.iter().enumerate();
    let entries = entries.map(|(index, record)| entry(index, record, data)).collect::<Option<_>>()?;
    Some(Layout { entries, directory: directory.at, tail: directory.tail, comment: directory.comment })
}

fn entry(index: usize, record: &Header, data: &[u8]) -> Option<Entry> {
    let local = Directory::local(data, record).filter(|local| record.agrees(local, data))?;
    let end = local.at.end.checked_add(usize::try_from(record.packed).ok()?).filter(|&end| end <= data.len())?;
    let stated = le32(data, record.at.start.checked_add(42)?)?;
    Some(Entry {
        index: u32::try_from(index).ok()?,
        central: record.at.clone(),
        local: local.at.clone(),
        data: local.at.end..end,
        streamed: local.is_streamed(),
        folder: record.is_folder(data),
        crc: record.crc,
        size: record.size,
        offset64: if stated == u32::MAX { Some(record.offset_place?) } else { None },
    })
}
