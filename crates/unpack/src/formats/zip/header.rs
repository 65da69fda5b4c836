//! The two kinds of header that tell of a member (APPNOTE 4.3.7 local, 4.3.12 central), and what
//! they say of it with the zip64 and Unicode path fields (4.5.3, 4.6.9) applied.

use std::ops::Range;

use crate::bytes::{between, le16, le32, le64, take};
use crate::decode::{Decoded, End, Method};
use crate::decrypt::zip::Aes;

/// Begins a local header.
pub(crate) const LOCAL_MAGIC: &[u8; 4] = b"PK\x03\x04";
/// Begins a record of the central directory.
pub(crate) const CENTRAL_MAGIC: &[u8; 4] = b"PK\x01\x02";
/// Begins a data descriptor.
const DESCRIPTOR_MAGIC: &[u8; 4] = b"PK\x07\x08";
/// Length of a local header without its names, in bytes.
const LOCAL_HEAD: usize = 30;
/// Length of a central record without its names, in bytes.
const CENTRAL_HEAD: usize = 46;
/// Highest version that any program needs (APPNOTE 4.4.3).
const MAX_VERSION: u8 = 63;
/// Most extra fields of one member that are looked at.
const MAX_EXTRA: usize = 64;

/// Encrypted: flag bits 0 (any), 6 (strong) and 13 (directory masked).
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Sizes and checksum stand behind the data: flag bit 3.
const STREAMED: u16 = 1 << 3;
/// LZMA data has an end mark: flag bit 1.
const END_MARK: u16 = 1 << 1;
/// Method 99: the real method stands in an extra field, the data is AES.
const METHOD_AES: u16 = 99;
/// The extra field of AES.
const AES_FIELD: u16 = 0x9901;
/// PKWARE's own strong encryption, of the data or of the directory.
const STRONG: u16 = 1 << 6 | 1 << 13;

/// What one header says of a member.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Where the header itself stands; a local one's end is where the data starts.
    pub(super) at: Range<usize>,
    pub(super) name: Range<usize>,
    extra: Range<usize>,
    version: u8,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// When it was changed, as a time of MS-DOS.
    time: u16,
    pub(super) crc: u32,
    /// Compressed size, in bytes.
    pub(super) packed: u64,
    /// Uncompressed size, in bytes.
    pub(super) size: u64,
    /// Central only: where the local header is said to stand.
    pub(super) offset: u64,
    /// Central only: what the offset is short of.
    pub(super) base: u64,
    /// Where the zip64 field holds that offset, when the header itself is too small for it.
    pub(super) offset_place: Option<usize>,
    /// Nothing is known of sizes and checksum (a streamed member that no directory lists).
    open: bool,
}

impl Header {
    /// The local header at `at`.
    pub(super) fn local(data: &[u8], at: usize) -> Option<Self> {
        let head = take(data, at, LOCAL_HEAD)?;
        if !head.starts_with(LOCAL_MAGIC) {
            return None;
        }
        let name_at = at.checked_add(LOCAL_HEAD)?;
        let extra_at = name_at.checked_add(usize::from(le16(head, 26)?))?;
        let end = extra_at.checked_add(usize::from(le16(head, 28)?))?;
        let header = Self {
            at: at..end,
            name: name_at..extra_at,
            extra: extra_at..end,
            version: *head.get(4)?,
            flags: le16(head, 6)?,
            method: le16(head, 8)?,
            time: le16(head, 10)?,
            crc: le32(head, 14)?,
            packed: le32(head, 18)?.into(),
            size: le32(head, 22)?.into(),
            offset: 0,
            base: 0,
            offset_place: None,
            open: false,
        };
        (end <= data.len()).then(|| header.with_zip64(data))
    }

    /// The central record at `at`.
    pub(super) fn central(data: &[u8], at: usize) -> Option<Self> {
        let head = take(data, at, CENTRAL_HEAD)?;
        if !head.starts_with(CENTRAL_MAGIC) {
            return None;
        }
        let name_at = at.checked_add(CENTRAL_HEAD)?;
        let extra_at = name_at.checked_add(usize::from(le16(head, 28)?))?;
        let comment_at = extra_at.checked_add(usize::from(le16(head, 30)?))?;
        let end = comment_at.checked_add(usize::from(le16(head, 32)?))?;
        let header = Self {
            at: at..end,
            name: name_at..extra_at,
            extra: extra_at..comment_at,
            version: *head.get(6)?,
            flags: le16(head, 8)?,
            method: le16(head, 10)?,
            time: le16(head, 12)?,
            crc: le32(head, 16)?,
            packed: le32(head, 20)?.into(),
            size: le32(head, 24)?.into(),
            offset: le32(head, 42)?.into(),
            base: 0,
            offset_place: None,
            open: false,
        };
        (end <= data.len()).then(|| header.with_zip64(data))
    }

    /// Where an extra field's content stands, by its number.
    fn field(&self, data: &[u8], number: u16) -> Option<Range<usize>> {
        let mut at = self.extra.start;
        for _ in 0..MAX_EXTRA {
            let start = at.checked_add(4)?;
            let end = start.checked_add(usize::from(le16(data, at.checked_add(2)?)?))?;
            if end > self.extra.end {
                return None;
            }
            if le16(data, at)? == number {
                return Some(start..end);
            }
            at = end;
        }
        None
    }

    /// Where the zip64 field holds each value that the header itself is too small for, in the
    /// order of APPNOTE 4.5.3: size, packed size, offset.
    fn zip64_places(&self, data: &[u8]) -> [Option<usize>; 3] {
        const FULL: u64 = u32::MAX as u64;
        let mut places = [None; 3];
        let Some(field) = self.field(data, 1) else { return places };
        let mut at = field.start;
        for (place, value) in places.iter_mut().zip([self.size, self.packed, self.offset]) {
            let next = at.saturating_add(8);
            if value == FULL && next <= field.end {
                *place = Some(at);
                at = next;
            }
        }
        places
    }

    fn with_zip64(mut self, data: &[u8]) -> Self {
        let places = self.zip64_places(data);
        self.offset_place = places[2];
        for (value, place) in [&mut self.size, &mut self.packed, &mut self.offset].into_iter().zip(places) {
            if let Some(large) = place.and_then(|at| le64(data, at)) {
                *value = large;
            }
        }
        self
    }

    /// The name as the header has it.
    pub(super) fn raw_name<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        between(data, self.name.start, self.name.end)
    }

    /// The name in the Unicode path field (APPNOTE 4.6.9), without regard to its checksum.
    pub(super) fn unicode_name<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        let field = self.field(data, 0x7075)?;
        Some(between(data, field.start.checked_add(5)?, field.end))
    }

    /// A folder: a name that ends with a slash, and no data.
    pub(super) fn is_folder(&self, data: &[u8]) -> bool {
        self.packed == 0 && self.size == 0 && self.raw_name(data).last() == Some(&b'/')
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0 || self.method == METHOD_AES
    }

    /// Encrypted in PKWARE's strong way.
    pub(super) fn is_strong(&self) -> bool {
        self.flags & STRONG != 0
    }

    /// Encrypted with AES in WinZip's way.
    pub(super) fn is_aes(&self) -> bool {
        self.method == METHOD_AES
    }

    /// What its extra field says of AES.
    pub(super) fn aes(&self, data: &[u8]) -> Option<Aes> {
        let field = self.field(data, AES_FIELD).filter(|_| self.is_aes())?;
        Aes::read(between(data, field.start, field.end))
    }

    /// What the old cipher's head may end with: of the checksum, or of the time where that is not known
    /// when writing begins.
    pub(super) fn checks(&self) -> [u8; 2] {
        let ([.., sum], [_, time]) = (self.crc.to_le_bytes(), self.time.to_le_bytes());
        [sum, time]
    }

    /// What it says of the content once that is decrypted; `None` where sizes are not known.
    pub(super) fn opened_as(&self, method: u16) -> Option<Self> {
        (!self.open).then(|| Self { method, flags: self.flags & !ENCRYPTED, ..self.clone() })
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.flags & STREAMED != 0
    }

    /// How the data is compressed; `None`: in a way that is not read here.
    pub(super) fn compression(&self) -> Option<Method> {
        Some(match self.method {
            0 => Method::Stored,
            8 => Method::Deflate,
            9 => Method::Deflate64,
            12 => Method::Bzip2,
            14 => {
                let known = self.flags & END_MARK == 0 && !self.open;
                Method::Lzma { size: known.then_some(self.size) }
            }
            1 => Method::Shrink { size: self.stated() },
            factor @ 2..=5 => Method::Reduce { factor: factor.to_le_bytes()[0].saturating_sub(1), size: self.stated() },
            6 => Method::Implode { flags: self.flags, size: self.stated() },
            // 20 is an earlier number of Zstandard.
            20 | 93 => Method::Zstd,
            95 => Method::Xz,
            98 => Method::PpmdOfZip { size: (!self.open).then_some(self.size) },
            _ => return None,
        })
    }

    /// The size that ends a stream without an end mark.
    fn stated(&self) -> u64 {
        if self.open { u64::MAX } else { self.size }
    }

    /// Whether a local header agrees with the central one on what both know.
    pub(super) fn agrees(&self, local: &Self, data: &[u8]) -> bool {
        let unknown = |value: u64| local.is_streamed() && value == 0;
        self.same_reading(local)
            && self.raw_name(data) == local.raw_name(data)
            && (self.crc == local.crc || unknown(local.crc.into()) || local.is_sealed_stream())
            && (self.size == local.size || unknown(local.size))
    }

    /// A stream encrypted in the old way, whose time stands in place of the checksum.
    fn is_sealed_stream(&self) -> bool {
        self.is_streamed() && self.is_encrypted() && self.crc == u32::from(self.time) << 16
    }

    /// Whether both headers lead to the same bytes and the same way of reading them.
    pub(super) fn same_reading(&self, local: &Self) -> bool {
        self.method == local.method
            && self.is_encrypted() == local.is_encrypted()
            && (self.packed == local.packed || local.is_streamed() && local.packed == 0)
    }

    /// Whether this could be the header of a member that ends before `end`, rather than four bytes
    /// that happen to look like one.
    pub(super) fn is_plausible(&self, end: usize) -> bool {
        let known = matches!(self.method, 0..=10 | 12 | 14 | 16 | 18..=20 | 93..=99);
        known && self.version <= MAX_VERSION && !self.name.is_empty() && self.at.end <= end
    }

    /// For a member that no directory lists and whose size its header does not tell: takes what
    /// there is up to `end`; for stored data up to the next header.
    pub(super) fn opened(mut self, data: &[u8], end: usize) -> Self {
        if !self.is_streamed() || self.packed != 0 {
            return self;
        }
        self.open = true;
        let rest = between(data, self.at.end, end);
        let ends = |at: &usize| {
            let magic = take(rest, *at, 4).unwrap_or_default();
            [&LOCAL_MAGIC[..], CENTRAL_MAGIC, DESCRIPTOR_MAGIC].contains(&magic)
        };
        let stored = (self.method == 0).then(|| memchr::memmem::find_iter(rest, b"PK").find(ends)).flatten();
        self.packed = stored.unwrap_or(rest.len()) as u64;
        self
    }

    /// Whether what was decoded is what the header says; `packed` is how many bytes there were.
    pub(super) fn is_met(&self, method: Method, decoded: &Decoded, packed: usize) -> bool {
        // An end mark may follow what makes up the size.
        let marked = matches!(method, Method::Lzma { .. } | Method::PpmdOfZip { .. } | Method::Xz);
        let whole = marked || decoded.consumed == packed;
        let told = decoded.crc == self.crc && decoded.content.len() as u64 == self.size && whole;
        decoded.end == End::Complete && (self.open || told)
    }
}
