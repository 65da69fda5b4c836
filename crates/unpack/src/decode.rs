//! The compressed streams: one stream of bytes in, its content out, a chunk at a time within the
//! budget.
//!
//! Limits: [`CHUNK`], [`MAX_DICTIONARY`], and those of the decoders in `decode/`. A decoder that
//! panics has found its stream broken.

mod arj;
pub(crate) mod brotli;
mod implode;
mod lh2;
mod lh3;
mod lha;
pub(crate) mod lz4;
mod lzfse;
mod lzfu;
mod lzma;
mod lzw;
pub(crate) mod ppmd;
mod reduce;
mod shrink;
mod window;
pub(crate) mod zstd;

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::{Decompress, FlushDecompress, Status};
use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Limit, Meter, StopFlag};
use crate::bytes::between;
use crate::container::Member;

/// How much is decoded between two looks at the budget, in bytes.
pub(crate) const CHUNK: usize = 64 * 1024;
/// Largest LZMA dictionary, in bytes: what 7-Zip writes at its highest level.
pub(crate) const MAX_DICTIONARY: u32 = 64 * 1024 * 1024;
/// What an XZ decoder may use beside its dictionary, in KiB.
const XZ_OVERHEAD: u32 = 1024;

/// How a stream is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    /// Not at all.
    Stored,
    /// Deflate, RFC 1951.
    Deflate,
    /// Deflate with a 64 KB window (zip method 9).
    Deflate64,
    /// bzip2.
    Bzip2,
    /// LZMA with the head that zip gives it (APPNOTE 5.8).
    Lzma {
        /// The uncompressed size, when the stream has no end mark.
        size: Option<u64>,
    },
    /// XZ.
    Xz,
    /// LZMA as it stands, without a head.
    RawLzma {
        /// The byte of properties.
        properties: u8,
        /// The dictionary, in bytes, as stated.
        dictionary: u32,
        /// The uncompressed size, when the stream has no end mark.
        size: Option<u64>,
    },
    /// PPMd, variant I, with the head that zip gives it.
    PpmdOfZip {
        /// The uncompressed size, when the stream has no end mark.
        size: Option<u64>,
    },
    /// A method of LHA, by its five letters; ARJ's methods 1 to 3 are `-lh7-` with a smaller window.
    Lha {
        /// The letters.
        method: [u8; 5],
        /// The uncompressed size.
        size: u64,
    },
    /// ARJ's method 4.
    ArjFastest {
        /// The uncompressed size.
        size: u64,
    },
    /// Shrink, zip's method 1.
    Shrink {
        /// The uncompressed size.
        size: u64,
    },
    /// Reduce, zip's methods 2 to 5.
    Reduce {
        /// 1 to 4: the method less one.
        factor: u8,
        /// The uncompressed size.
        size: u64,
    },
    /// Brotli, RFC 7932.
    Brotli,
    /// Implode, zip's method 6.
    Implode {
        /// The member's flags.
        flags: u16,
        /// The uncompressed size.
        size: u64,
    },
    /// LZFSE, with LZVN in it.
    Lzfse,
    /// Compressed RTF, behind its head.
    CompressedRtf,
    /// One Zstandard frame.
    Zstd,
    /// One LZ4 frame.
    Lz4,
    /// A file of `compress`, behind its head of three bytes.
    Lzw {
        /// The third byte: the longest code in bits, and whether codes start anew.
        flags: u8,
    },
}

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// At its end.
    Complete,
    /// It is damaged or cut off.
    Broken,
    /// A limit was reached.
    Limit(Limit),
    /// The method is one that is not read here.
    Unknown,
}

/// What a stream gave.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The content, as far as it could be read.
    pub(crate) content: Vec<u8>,
    /// How many bytes of the input were read; exact but for zip's LZMA, which reads ahead.
    pub(crate) consumed: usize,
    /// CRC-32 of the content.
    pub(crate) crc: u32,
    /// How it ended.
    pub(crate) end: End,
}

/// Decodes one stream that stands at the start of `input`, after a [`Meter::next_object`].
pub(crate) fn decode(method: Method, input: &[u8], budget: &mut Budget, meter: &mut Meter) -> Decoded {
    meter.next_object();
    append(method, input, Vec::new(), budget, meter)
}

/// Like [`decode`], for a further stream of the same object: puts its content behind `content`.
pub(crate) fn append(
    method: Method,
    input: &[u8],
    content: Vec<u8>,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Decoded {
    let taken = Cell::new(0);
    let mut hash = crc32fast::Hasher::new();
    let mut decoded = Decoded { content, consumed: 0, crc: 0, end: End::Complete };
    let source = Source { rest: input, taken: &taken, stop: budget.stop_flag().clone() };
    decoded.end = match prepare(method, input, budget).and_then(|()| reader(method, source)) {
        Err(error) => broken(&error, budget),
        Ok(mut reader) => pump(&mut *reader, &taken, &mut decoded.content, &mut hash, budget, meter),
    };
    // What was read is work too: a stream may read much and give nothing.
    if let (Err(limit), End::Complete | End::Broken) = (budget.burn(taken.get() as u64), decoded.end) {
        decoded.end = End::Limit(limit);
    }
    decoded.consumed = taken.get();
    meter.end_stream(taken.get() as u64);
    decoded.crc = hash.finalize();
    decoded
}

/// Counts what it costs to make a decoder.
fn prepare(method: Method, input: &[u8], budget: &mut Budget) -> io::Result<()> {
    let fuel = match method {
        Method::PpmdOfZip { .. } => ppmd::fuel_of_zip(input),
        // Its window, and the tables and literals of a first block that breaks.
        Method::Lzfse => lzfse::WINDOW as u64,
        _ => 0,
    };
    let fuel = fuel.min(budget.fuel_left().saturating_add(1));
    // Once the fuel is used up, so it stays: that tells the reason.
    budget.burn(fuel).map_err(|_| io::ErrorKind::TimedOut.into())
}

/// Puts bytes that are not compressed behind a member's content; false when a limit ended it.
pub(crate) fn stored(member: &mut Member, bytes: &[u8], budget: &mut Budget, meter: &mut Meter) -> bool {
    let decoded = append(Method::Stored, bytes, std::mem::take(&mut member.content), budget, meter);
    member.content = decoded.content;
    if let End::Limit(limit) = decoded.end {
        member.problem(limit.into());
    }
    decoded.end == End::Complete
}

/// How [`fill`] ended.
pub(crate) struct Filled {
    /// CRC-32 of the content.
    pub(crate) crc: u32,
    /// The decoder stands at the end of the member, and can go on with the next.
    pub(crate) ended: bool,
}

/// Moves the next `size` bytes of a decoder that holds several members to one of them; `taken` tells
/// how much the decoder has read. Of a member that is over a limit the rest is passed over, as far as
/// the fuel goes.
pub(crate) fn fill(
    member: &mut Member,
    reader: &mut dyn Read,
    size: u64,
    taken: &dyn Fn() -> u64,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Filled {
    let mut hash = crc32fast::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let read = match reader.read(chunk.get_mut(..most).unwrap_or_default()) {
            Ok(read) if read > 0 => read,
            Ok(_) => break,
            Err(error) => {
                member.problem(match broken(&error, budget) {
                    End::Limit(limit) => limit.into(),
                    _ => UnscannedReason::Damaged,
                });
                return Filled { crc: hash.finalize(), ended: false };
            }
        };
        left = left.saturating_sub(read as u64);
        if !member.problems.is_empty() {
            if budget.burn(read as u64).is_err() {
                return Filled { crc: 0, ended: false };
            }
            continue;
        }
        match budget.produce(meter, read as u64, taken()) {
            Ok(()) => {
                let made = between(&chunk, 0, read);
                hash.update(made);
                member.content.extend_from_slice(made);
            }
            Err(limit) => member.problem(limit.into()),
        }
    }
    if left > 0 {
        member.problem(UnscannedReason::Damaged);
    }
    Filled { crc: hash.finalize(), ended: left == 0 }
}

/// Moves content from a decoder to `content`.
fn pump(
    reader: &mut dyn Read,
    taken: &Cell<usize>,
    content: &mut Vec<u8>,
    hash: &mut crc32fast::Hasher,
    budget: &mut Budget,
    meter: &mut Meter,
) -> End {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match reader.read(&mut chunk) {
            Ok(0) => return End::Complete,
            Ok(read) => read,
            Err(error) => return broken(&error, budget),
        };
        if let Err(limit) = budget.produce(meter, read as u64, taken.get() as u64) {
            return End::Limit(limit);
        }
        let made = between(&chunk, 0, read);
        hash.update(made);
        content.extend_from_slice(made);
    }
}

/// Why a decoder gave up.
fn broken(error: &io::Error, budget: &Budget) -> End {
    if budget.stop_flag().is_set() || error.kind() == io::ErrorKind::TimedOut {
        End::Limit(Limit::Time)
    } else if error.kind() == io::ErrorKind::Unsupported {
        End::Unknown
    } else if error.kind() == io::ErrorKind::OutOfMemory {
        End::Limit(Limit::Bytes)
    } else {
        End::Broken
    }
}

/// The decoder of a method.
fn reader<'a>(method: Method, source: Source<'a>) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match method {
        Method::Stored => Box::new(source),
        Method::Deflate => Box::new(Inflate { source, state: Decompress::new(false), done: false }),
        Method::Deflate64 => Box::new(deflate64::Deflate64Decoder::with_buffer(source)),
        Method::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(source)),
        Method::Lzma { size } => lzma::of_zip(source, size)?,
        Method::Xz => {
            let memory = (MAX_DICTIONARY / 1024).saturating_add(XZ_OVERHEAD);
            Box::new(Guarded(Some(lzma_rust2::XzReader::new_mem_limit(source, false, memory))))
        }
        Method::RawLzma { properties, dictionary, size } => lzma::raw(source, properties, dictionary, size)?,
        Method::PpmdOfZip { size } => ppmd::of_zip(source, size)?,
        Method::Lha { method, size } => lha::reader(source, method, size)?,
        Method::ArjFastest { size } => Box::new(arj::Fastest::open(source, size)),
        Method::Shrink { size } => Box::new(shrink::Shrink::new(source, size)),
        Method::Reduce { factor, size } => Box::new(reduce::Reduce::open(source, factor, size)?),
        Method::Brotli => brotli::reader(source),
        Method::Implode { flags, size } => Box::new(implode::Implode::open(source, flags, size)?),
        Method::Lzfse => Box::new(lzfse::Lzfse::open(source)),
        Method::CompressedRtf => Box::new(lzfu::Lzfu::new(source)),
        Method::Zstd => zstd::reader(source)?,
        Method::Lz4 => Box::new(lz4::Lz4::new(source)),
        Method::Lzw { flags } => Box::new(lzw::Lzw::new(source, flags)?),
    })
}

/// A decoder that we did not write: a panic of it is a broken stream, and it is not asked again.
pub(crate) struct Guarded<R>(pub(crate) Option<R>);

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(mut inner) = self.0.take() else { return Err(io::ErrorKind::InvalidData.into()) };
        let read = catch_unwind(AssertUnwindSafe(|| inner.read(out)));
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))??;
        self.0 = Some(inner);
        Ok(read)
    }
}

/// The input of a decoder: counts what was read, and fails once the stop flag is set, so that a
/// stream that gives nothing ends too.
struct Source<'a> {
    rest: &'a [u8],
    taken: &'a Cell<usize>,
    stop: StopFlag,
}

impl Source<'_> {
    /// The last `amount` bytes that were read were not used.
    fn give_back(&self, amount: usize) {
        self.taken.set(self.taken.get().saturating_sub(amount));
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.stop.is_set() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(between(self.rest, 0, CHUNK))
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.rest.len());
        self.rest = self.rest.get(amount..).unwrap_or(&[]);
        self.taken.set(self.taken.get().saturating_add(amount));
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut chunk = self.fill_buf()?;
        let read = chunk.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

/// Deflate. Unlike flate2's own reader it tells a stream that was cut off from a complete one.
struct Inflate<'a> {
    source: Source<'a>,
    state: Decompress,
    done: bool,
}

impl Read for Inflate<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.done {
            let input = self.source.fill_buf()?;
            let ended = input.is_empty();
            let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(input, out, FlushDecompress::None)
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            let used = self.state.total_in().saturating_sub(before_in) as usize;
            let made = self.state.total_out().saturating_sub(before_out) as usize;
            self.source.consume(used);
            self.done = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made);
            }
            if !self.done && (ended || used == 0) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}
