//! The blocks of a RAR archive as they stand: where it ends, and the data in it that is no file's to the
//! decoder but is one to programs: streams of NTFS beside a file, data of folders and of entries that lead
//! elsewhere. Each of these is written as an archive of its own with a file in it.
//!
//! Limits: [`MAX_BLOCKS`], [`MAX_LOOSE`]. Not handled: archives whose headers are encrypted, RAR 1.3 (which
//! has none of this), the compressed comment.

use std::ops::Range;

use crate::bytes::{between, le16, le32, take};

/// Most blocks of an archive that are looked at.
const MAX_BLOCKS: usize = 65_536;
/// Most pieces of data that are no file's; more are told.
const MAX_LOOSE: usize = 1024;
/// How RAR 5 begins, and the versions from 1.5 to 4.
const MARK5: &[u8] = b"Rar!\x1a\x07\x01\0";
const MARK4: &[u8] = b"Rar!\x1a\x07\0";
/// Services of the archive itself: its comment, its index, its recovery record, rights, and who made it.
const OWN_SERVICES: [&[u8]; 7] = [b"CMT", b"QO", b"RR", b"ACL", b"AV", b"UOW", b"EA2"];
/// The service that keeps a stream of NTFS.
const STREAM: &[u8] = b"STM";

/// Data that is no file's.
pub(super) struct Loose {
    /// The header that makes a file of it.
    header: Vec<u8>,
    data: Range<usize>,
    /// The name under which programs show it.
    pub(super) name: Vec<u8>,
}

impl Loose {
    /// An archive with this as its one file.
    pub(super) fn archive(&self, data: &[u8]) -> Vec<u8> {
        let five = data.starts_with(MARK5);
        let mut out = if five { MARK5 } else { MARK4 }.to_vec();
        if five {
            out.extend(sealed5(&[1, 0, 0]));
        } else {
            out.extend(sealed4(&[0x73, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]));
        }
        out.extend(&self.header);
        out.extend(between(data, self.data.start, self.data.end));
        out
    }

    /// How many bytes of the archive it takes up.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }
}

/// What the blocks tell.
#[derive(Default)]
pub(super) struct Blocks {
    pub(super) loose: Vec<Loose>,
    /// Where the archive ends, if it says so.
    pub(super) end: Option<usize>,
    /// There were more than are looked at.
    pub(super) over: bool,
}

/// One block.
struct Block {
    next: usize,
    what: What,
}

enum What {
    File { name: Vec<u8>, loose: Option<Loose> },
    End,
    Other,
}

/// Reads the block at a place; the last argument is the name of the file in front.
type BlockReader = fn(&[u8], usize, &[u8]) -> Option<Block>;

impl Blocks {
    /// Reads the blocks of an archive that begins with its mark, up to the first that is none.
    pub(super) fn read(data: &[u8]) -> Self {
        let mut all = Self::default();
        let (read, mut at): (BlockReader, usize) = if data.starts_with(MARK5) {
            (block5, MARK5.len())
        } else if data.starts_with(MARK4) {
            (block4, MARK4.len())
        } else {
            return all;
        };
        let mut before = Vec::new();
        for _ in 0..MAX_BLOCKS {
            let Some(block) = read(data, at, &before).filter(|block| block.next > at) else { return all };
            at = block.next;
            match block.what {
                What::End => {
                    all.end = Some(at);
                    return all;
                }
                What::File { loose: Some(_), .. } if all.loose.len() >= MAX_LOOSE => all.over = true,
                What::File { name, loose } => {
                    all.loose.extend(loose);
                    before = name;
                }
                What::Other => {}
            }
        }
        // Those behind are read by nobody here.
        all.over = true;
        all
    }
}

/// A number of RAR 5: seven bits a byte, the lowest first; moves `at` behind it.
fn number(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..10_u32).map(|place| place.saturating_mul(7)) {
        let byte = *bytes.get(*at)?;
        *at = at.checked_add(1)?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A number as RAR 5 writes it.
fn written(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// A header of RAR 5 with its checksum and size in front.
fn sealed5(header: &[u8]) -> Vec<u8> {
    let sized = [&written(header.len() as u64)[..], header].concat();
    [&crc32fast::hash(&sized).to_le_bytes()[..], &sized].concat()
}

/// A header of the older versions, its checksum in front.
fn sealed4(header: &[u8]) -> Vec<u8> {
    let sum = crc32fast::hash(header).to_le_bytes();
    [between(&sum, 0, 2), header].concat()
}

/// A block of RAR 5; `before`: the name of the file in front.
fn block5(data: &[u8], start: usize, before: &[u8]) -> Option<Block> {
    let mut at = start.checked_add(4)?;
    let size = usize::try_from(number(data, &mut at)?).ok()?;
    let header = take(data, at, size)?;
    let behind = at.checked_add(size)?;
    let mut at = 0_usize;
    let (kind, flags) = (number(header, &mut at)?, number(header, &mut at)?);
    let extra = if flags & 1 != 0 { usize::try_from(number(header, &mut at)?).ok()? } else { 0 };
    let packed = if flags & 2 != 0 { usize::try_from(number(header, &mut at)?).ok()? } else { 0 };
    let next = behind.checked_add(packed)?.min(data.len());
    let fields = between(header, at, header.len().checked_sub(extra)?);
    let extra = between(header, header.len().checked_sub(extra)?, header.len());
    let what = match kind {
        2 | 3 => {
            let service = kind == 3;
            let loose = file5(flags, fields, extra, service.then_some(before), behind..next);
            loose.unwrap_or(What::Other)
        }
        // What follows is encrypted.
        4 => return None,
        5 => What::End,
        _ => What::Other,
    };
    Some(Block { next, what })
}

/// A file or a service of RAR 5; `owner`: of a service, the file that it belongs to.
fn file5(flags: u64, fields: &[u8], extra: &[u8], owner: Option<&[u8]>, data: Range<usize>) -> Option<What> {
    let mut at = 0_usize;
    let own = number(fields, &mut at)?;
    let rest_from = at;
    let (_size, _attributes) = (number(fields, &mut at)?, number(fields, &mut at)?);
    for flag in [2, 4] {
        at = at.checked_add(if own & flag != 0 { 4 } else { 0 })?;
    }
    let packing_from = at;
    let packing = number(fields, &mut at)?;
    let host_from = at;
    let (_host, length) = (number(fields, &mut at)?, number(fields, &mut at)?);
    let name = take(fields, at, usize::try_from(length).ok()?)?;
    // The records that stay, and what they say.
    let (mut kept, mut leads, mut stream) = (Vec::new(), false, &[][..]);
    let mut place = 0_usize;
    while let Some(size) = number(extra, &mut place) {
        let size = usize::try_from(size).ok()?;
        let record = take(extra, place, size)?;
        place = place.checked_add(size)?;
        let mut inner = 0_usize;
        match number(record, &mut inner)? {
            5 => leads = true,
            7 => stream = between(record, inner, record.len()),
            _ => kept.extend([&written(size as u64)[..], record].concat()),
        }
    }
    let counts = match owner {
        Some(_) => !OWN_SERVICES.contains(&name),
        None => leads || own & 1 != 0,
    };
    let shown = match owner {
        Some(owner) if name == STREAM => [owner, stream].concat(),
        _ => name.to_vec(),
    };
    let loose = (counts && !data.is_empty()).then(|| {
        // Neither a folder nor a part of what stands in front.
        let fields = [
            &written(own & !1)[..],
            between(fields, rest_from, packing_from),
            &written(packing & !0x40),
            between(fields, host_from, fields.len()),
        ];
        let mut header = vec![2];
        header.extend(written(flags & 0x18 | 2 | u64::from(!kept.is_empty())));
        if !kept.is_empty() {
            header.extend(written(kept.len() as u64));
        }
        header.extend(written(data.len() as u64));
        header.extend(fields.concat());
        header.extend(&kept);
        Loose { header: sealed5(&header), data, name: shown.clone() }
    });
    let name = owner.map_or(shown, <[u8]>::to_vec);
    Some(What::File { name, loose })
}

/// A block of the older versions.
fn block4(data: &[u8], start: usize, before: &[u8]) -> Option<Block> {
    let (kind, flags) = (*data.get(start.checked_add(2)?)?, le16(data, start.checked_add(3)?)?);
    let size = usize::from(le16(data, start.checked_add(5)?)?);
    let header = take(data, start.checked_add(2)?, size.checked_sub(2)?)?;
    let behind = start.checked_add(size)?;
    let is_file = matches!(kind, 0x74 | 0x7a);
    let low = if flags & 0x8000 != 0 || is_file { u64::from(le32(header, 5)?) } else { 0 };
    let high = if is_file && flags & 0x100 != 0 { u64::from(le32(header, 30)?) } else { 0 };
    let packed = usize::try_from(high.checked_shl(32)? | low).ok()?;
    let next = behind.checked_add(packed)?.min(data.len());
    let what = match kind {
        // Headers that follow are encrypted.
        0x73 if flags & 0x80 != 0 => return None,
        0x7b => What::End,
        0x74 | 0x7a => file4(header, flags, (kind == 0x7a).then_some(before), behind..next).unwrap_or(What::Other),
        0x72..=0x79 => What::Other,
        _ => return None,
    };
    Some(Block { next, what })
}

/// A file or a service of the older versions, by its header without the checksum.
fn file4(header: &[u8], flags: u16, owner: Option<&[u8]>, data: Range<usize>) -> Option<What> {
    let length = usize::from(le16(header, 24)?);
    let from = if flags & 0x100 != 0 { 38 } else { 30 };
    let name = take(header, from, length)?;
    let (host, attributes) = (*header.get(13)?, le32(header, 26)?);
    // A link of Unix; its target is its content, unless it is something else.
    let leads = host == 3 && attributes & 0xf000 == 0xa000;
    let folder = flags & 0xe0 == 0xe0;
    let counts = match owner {
        Some(_) => !OWN_SERVICES.contains(&name),
        None => leads || folder,
    };
    let shown = match owner {
        Some(owner) if name == STREAM => {
            let wide = between(header, from.checked_add(length)?, header.len());
            let units: Vec<u16> = wide.chunks_exact(2).filter_map(|pair| le16(pair, 0)).collect();
            [owner, String::from_utf16_lossy(&units).as_bytes()].concat()
        }
        // What Unicode adds stands behind a zero.
        _ => between(name, 0, memchr::memchr(0, name).unwrap_or(name.len())).to_vec(),
    };
    let loose = (counts && !data.is_empty()).then(|| {
        let mut header = header.to_vec();
        // A file of its own: not solid, and no folder, whose mark stands in place of the dictionary's size.
        let flags = if folder { flags & !0xe0 | 0xc0 } else { flags } & !0x10;
        let attributes = if leads { 0x81a4 } else { 0x20_u32 };
        let put = [(0, &[0x74][..]), (1, &flags.to_le_bytes()), (26, &attributes.to_le_bytes())];
        for (at, bytes) in put {
            for (place, byte) in header.iter_mut().skip(at).zip(bytes) {
                *place = *byte;
            }
        }
        Loose { header: sealed4(&header), data, name: shown.clone() }
    });
    let name = owner.map_or(shown, <[u8]>::to_vec);
    Some(What::File { name, loose })
}
