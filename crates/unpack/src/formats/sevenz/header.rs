//! The header of a 7z archive (7zFormat.txt of the LZMA SDK): where packed streams stand, how folders
//! (chains of coders) make streams of them, and the files in those.
//!
//! Limits: [`MAX_CODERS`] and [`MAX_STREAMS`] for a folder; folders, streams and files up to the limit
//! of objects. Not handled: external properties and additional streams, which nobody writes.

use std::ops::Range;

use crate::bytes::between;

/// Most coders of one folder.
pub(super) const MAX_CODERS: u64 = 8;
/// Most streams into one coder.
const MAX_STREAMS: u64 = 8;

/// Names of properties.
const END: u8 = 0;
const HEADER: u8 = 1;
const ARCHIVE: u8 = 2;
const MAIN_STREAMS: u8 = 4;
const FILES: u8 = 5;
const PACK: u8 = 6;
const UNPACK: u8 = 7;
const SUBSTREAMS: u8 = 8;
const SIZE: u8 = 9;
const CRC: u8 = 10;
const FOLDER: u8 = 11;
const UNPACK_SIZE: u8 = 12;
const COUNT: u8 = 13;
const EMPTY_STREAM: u8 = 14;
const EMPTY_FILE: u8 = 15;
const NAMES: u8 = 17;
const ENCODED: u8 = 23;

/// Why a header could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Damaged,
    TooMany,
}

/// One step of a folder.
#[derive(Clone, Debug)]
pub(super) struct Coder {
    /// The method's number.
    pub(super) id: u64,
    pub(super) properties: Vec<u8>,
    /// What feeds each of its inputs.
    pub(super) inputs: Vec<Input>,
    /// The size of what it gives, in bytes.
    pub(super) size: u64,
}

/// What feeds a coder.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// Bytes of the archive.
    Packed(Range<usize>),
    /// What another coder gives.
    Coder(usize),
}

/// Coders, and which of them gives the content.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    pub(super) last: usize,
    /// Size and checksum of each file in the content.
    pub(super) files: Vec<(u64, Option<u32>)>,
}

/// A header, read.
#[derive(Debug)]
pub(super) enum Header {
    /// What is in the archive.
    Plain { folders: Vec<Folder>, files: Files },
    /// The header itself is in this folder.
    Encoded(Folder),
}

/// The files: their names, and which have content.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) count: u64,
    /// Where in the header the next name stands, in UTF-16.
    pub(super) names: Range<usize>,
    empty: Range<usize>,
    /// Of those without content, which are files and no folders.
    empty_file: Range<usize>,
}

impl Files {
    /// Whether a file has no content.
    pub(super) fn is_empty(&self, header: &[u8], index: u64) -> bool {
        bit(header, &self.empty, index)
    }

    /// Whether the n-th of those without content is a file.
    pub(super) fn is_empty_file(&self, header: &[u8], number: u64) -> bool {
        bit(header, &self.empty_file, number)
    }

    /// Takes the next name.
    pub(super) fn next_name(&mut self, header: &[u8]) -> Option<String> {
        let rest = between(header, self.names.start, self.names.end);
        let units = rest.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
        let name: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        let len = name.len().saturating_add(1).saturating_mul(2);
        self.names.start = self.names.start.saturating_add(len);
        (!name.is_empty()).then(|| String::from_utf16_lossy(&name))
    }
}

fn bit(header: &[u8], bits: &Range<usize>, index: u64) -> bool {
    let byte = usize::try_from(index >> 3).ok().and_then(|at| between(header, bits.start, bits.end).get(at).copied());
    byte.is_some_and(|byte| byte & (0x80 >> (index & 7)) != 0)
}

/// Reads a header; `archive`: the length of the archive; `max`: most folders, streams and files.
pub(super) fn read(header: &[u8], archive: usize, max: u64) -> Result<Header, Fault> {
    let mut reader = Reader { header, at: 0, archive, max };
    match reader.byte()? {
        HEADER => {}
        ENCODED => {
            let folder = reader.streams()?.into_iter().next().ok_or(Fault::Damaged)?;
            return Ok(Header::Encoded(folder));
        }
        _ => return Err(Fault::Damaged),
    }
    let (mut folders, mut files) = (Vec::new(), Files::default());
    loop {
        match reader.byte()? {
            END => return Ok(Header::Plain { folders, files }),
            ARCHIVE => reader.skip_properties()?,
            MAIN_STREAMS => folders = reader.streams()?,
            FILES => files = reader.files()?,
            _ => return Err(Fault::Damaged),
        }
    }
}

/// Where the header is read.
struct Reader<'a> {
    header: &'a [u8],
    at: usize,
    archive: usize,
    max: u64,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.header.get(self.at).ok_or(Fault::Damaged)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    /// A number: the ones in front in the first byte tell how many bytes follow.
    fn number(&mut self) -> Result<u64, Fault> {
        let first = self.byte()?;
        let mut value = 0_u64;
        for place in 0..first.leading_ones() {
            value |= u64::from(self.byte()?) << place.saturating_mul(8);
        }
        let ones = first.leading_ones();
        if ones < 7 {
            let high = u64::from(first & (0x7f >> ones));
            value |= high << ones.saturating_mul(8);
        }
        Ok(value)
    }

    /// A number of things.
    fn count(&mut self) -> Result<u64, Fault> {
        let count = self.number()?;
        if count > self.max { Err(Fault::TooMany) } else { Ok(count) }
    }

    /// The next bytes, where they stand.
    fn take(&mut self, len: u64) -> Result<Range<usize>, Fault> {
        let start = self.at;
        let end = usize::try_from(len).ok().and_then(|len| start.checked_add(len)).ok_or(Fault::Damaged)?;
        if end > self.header.len() {
            return Err(Fault::Damaged);
        }
        self.at = end;
        Ok(start..end)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Fault> {
        if self.byte()? == wanted { Ok(()) } else { Err(Fault::Damaged) }
    }

    fn skip_properties(&mut self) -> Result<(), Fault> {
        while self.byte()? != END {
            let len = self.number()?;
            self.take(len)?;
        }
        Ok(())
    }

    /// Checksums: which of `count` are there, then those.
    fn digests(&mut self, count: u64) -> Result<Vec<Option<u32>>, Fault> {
        let all = self.byte()? != 0;
        let bits = self.take(if all { 0 } else { count.div_ceil(8) })?;
        let mut out = Vec::new();
        for index in 0..count {
            let stated = all || bit(self.header, &bits, index);
            out.push(if stated { Some(self.word()?) } else { None });
        }
        Ok(out)
    }

    fn word(&mut self) -> Result<u32, Fault> {
        let range = self.take(4)?;
        crate::bytes::le32(self.header, range.start).ok_or(Fault::Damaged)
    }

    /// Packed streams, folders, and the files in the folders.
    fn streams(&mut self) -> Result<Vec<Folder>, Fault> {
        let mut packed: Vec<Range<usize>> = Vec::new();
        let mut folders: Vec<Folder> = Vec::new();
        let mut sums: Vec<Option<u32>> = Vec::new();
        let mut divided = false;
        loop {
            match self.byte()? {
                END => break,
                PACK => packed = self.packed()?,
                UNPACK => (folders, sums) = self.folders(&packed)?,
                SUBSTREAMS => {
                    self.substreams(&mut folders, &sums)?;
                    divided = true;
                }
                _ => return Err(Fault::Damaged),
            }
        }
        if !divided {
            for (folder, sum) in folders.iter_mut().zip(&sums) {
                folder.files = vec![(folder.size(), *sum)];
            }
        }
        Ok(folders)
    }

    fn packed(&mut self) -> Result<Vec<Range<usize>>, Fault> {
        let start = usize::try_from(self.number()?).ok().and_then(|at| at.checked_add(32)).ok_or(Fault::Damaged)?;
        let count = self.count()?;
        let (mut out, mut at) = (Vec::new(), start);
        loop {
            match self.byte()? {
                END => return Ok(out),
                SIZE => {
                    for _ in 0..count {
                        let size = usize::try_from(self.number()?).map_err(|_| Fault::Damaged)?;
                        let end = at.checked_add(size).ok_or(Fault::Damaged)?;
                        // What is cut off is found out by the decoders.
                        out.push(at.min(self.archive)..end.min(self.archive));
                        at = end;
                    }
                }
                CRC => drop(self.digests(count)?),
                _ => return Err(Fault::Damaged),
            }
        }
    }

    /// All folders, and the checksums of their content.
    fn folders(&mut self, packed: &[Range<usize>]) -> Result<(Vec<Folder>, Vec<Option<u32>>), Fault> {
        self.expect(FOLDER)?;
        let count = self.count()?;
        // Not external.
        self.expect(0)?;
        let mut folders = Vec::new();
        let mut packed = packed.iter();
        for _ in 0..count {
            folders.push(self.folder(&mut packed)?);
        }
        self.expect(UNPACK_SIZE)?;
        for coder in folders.iter_mut().flat_map(|folder| &mut folder.coders) {
            coder.size = self.number()?;
        }
        let mut sums = vec![None; folders.len()];
        loop {
            match self.byte()? {
                END => return Ok((folders, sums)),
                CRC => sums = self.digests(count)?,
                _ => return Err(Fault::Damaged),
            }
        }
    }

    fn folder<'p>(&mut self, packed: &mut impl Iterator<Item = &'p Range<usize>>) -> Result<Folder, Fault> {
        let count = self.number()?;
        if count == 0 || count > MAX_CODERS {
            return Err(Fault::Damaged);
        }
        let (mut coders, mut inputs) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (coder, streams) = self.coder()?;
            coders.push(coder);
            inputs.push(streams);
        }
        // Each coder gives one stream, and all but the last feed another one.
        let total: u64 = inputs.iter().sum();
        let mut feeds: Vec<Option<usize>> = vec![None; usize::try_from(total).map_err(|_| Fault::Damaged)?];
        let mut last: Vec<usize> = (0..coders.len()).collect();
        let pairs = count.saturating_sub(1);
        for _ in 0..pairs {
            let (into, from) = (self.index(total)?, self.index(count)?);
            *feeds.get_mut(into).ok_or(Fault::Damaged)? = Some(from);
            last.retain(|coder| *coder != from);
        }
        let free = total.checked_sub(pairs).ok_or(Fault::Damaged)?;
        let mut order: Vec<usize> = Vec::new();
        if free == 1 {
            order.extend(feeds.iter().position(Option::is_none));
        } else {
            for _ in 0..free {
                order.push(self.index(total)?);
            }
        }
        let mut ranges: Vec<Range<usize>> = vec![0..0; feeds.len()];
        for place in order {
            *ranges.get_mut(place).ok_or(Fault::Damaged)? = packed.next().ok_or(Fault::Damaged)?.clone();
        }
        let mut all = feeds.into_iter().zip(ranges);
        for (coder, streams) in coders.iter_mut().zip(inputs) {
            for (feed, range) in all.by_ref().take(usize::try_from(streams).map_err(|_| Fault::Damaged)?) {
                coder.inputs.push(feed.map_or(Input::Packed(range), Input::Coder));
            }
        }
        Ok(Folder { coders, last: *last.first().ok_or(Fault::Damaged)?, files: Vec::new() })
    }

    /// A coder without its inputs, and how many it has.
    fn coder(&mut self) -> Result<(Coder, u64), Fault> {
        let flags = self.byte()?;
        let range = self.take(u64::from(flags & 15))?;
        let id = between(self.header, range.start, range.end);
        if id.len() > 8 || flags & 0xc0 != 0 {
            return Err(Fault::Damaged);
        }
        let id = id.iter().fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
        let mut inputs = 1;
        if flags & 0x10 != 0 {
            inputs = self.number()?;
            if inputs > MAX_STREAMS || self.number()? != 1 {
                return Err(Fault::Damaged);
            }
        }
        let mut properties = Vec::new();
        if flags & 0x20 != 0 {
            let len = self.number()?;
            let range = self.take(len)?;
            properties = between(self.header, range.start, range.end).to_vec();
        }
        Ok((Coder { id, properties, inputs: Vec::new(), size: 0 }, inputs))
    }

    fn index(&mut self, below: u64) -> Result<usize, Fault> {
        let index = self.number()?;
        if index < below { usize::try_from(index).map_err(|_| Fault::Damaged) } else { Err(Fault::Damaged) }
    }

    /// How many files are in each folder, their sizes and checksums.
    fn substreams(&mut self, folders: &mut [Folder], sums: &[Option<u32>]) -> Result<(), Fault> {
        let mut counts = vec![1_u64; folders.len()];
        let mut next = self.byte()?;
        if next == COUNT {
            for count in &mut counts {
                *count = self.count()?;
            }
            next = self.byte()?;
        }
        if counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count)) > self.max {
            return Err(Fault::TooMany);
        }
        let sized = next == SIZE;
        for (folder, count) in folders.iter_mut().zip(&counts) {
            let mut left = folder.size();
            for place in 1..=*count {
                let size = if place < *count && sized { self.number()? } else { left };
                left = left.saturating_sub(size);
                folder.files.push((size, None));
            }
        }
        if sized {
            next = self.byte()?;
        }
        // The checksum of a folder is that of its only file.
        let known = |folder: &Folder, sum: &Option<u32>| folder.files.len() == 1 && sum.is_some();
        let unknown = folders.iter().zip(sums).filter(|(folder, sum)| !known(folder, sum));
        let unknown: usize = unknown.map(|(folder, _)| folder.files.len()).sum();
        let mut digests = Vec::new();
        while next != END {
            match next {
                CRC => digests = self.digests(unknown as u64)?,
                _ => return Err(Fault::Damaged),
            }
            next = self.byte()?;
        }
        let mut digests = digests.into_iter();
        for (folder, sum) in folders.iter_mut().zip(sums) {
            let own = known(folder, sum);
            for file in &mut folder.files {
                file.1 = if own { *sum } else { digests.next().flatten() };
            }
        }
        Ok(())
    }

    fn files(&mut self) -> Result<Files, Fault> {
        let mut files = Files { count: self.count()?, ..Files::default() };
        loop {
            let property = self.byte()?;
            if property == END {
                return Ok(files);
            }
            let len = self.number()?;
            let range = self.take(len)?;
            match property {
                EMPTY_STREAM => files.empty = range,
                EMPTY_FILE => files.empty_file = range,
                // The first byte says that the names are not external.
                NAMES => files.names = range.start.saturating_add(1)..range.end,
                _ => {}
            }
        }
    }
}

impl Folder {
    /// The size of its content, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.coders.get(self.last).map_or(0, |coder| coder.size)
    }
}
