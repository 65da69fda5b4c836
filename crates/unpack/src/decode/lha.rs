//! The methods of LHA, by the crate `delharc`; it lacks two early ones, which are our own.
//!
//! Limits: windows are those of the formats, 512 KiB at most. The stated size ends a stream.

use std::fmt;
use std::io::{self, Read};

use delharc::decode::{Decoder, DecoderAny};
use delharc::header::CompressionMethod;

use super::{Guarded, Source, lh2, lh3};

/// How much is decoded at once, in bytes: what an error takes with it.
const STEP: usize = 4096;

/// The decoder of a method, by its five letters.
pub(super) fn reader<'a>(source: Source<'a>, method: [u8; 5], size: u64) -> io::Result<Box<dyn Read + 'a>> {
    match &method {
        b"-lh2-" => return Ok(Box::new(lh2::Lh2::open(source, size))),
        b"-lh3-" => return Ok(Box::new(lh3::Lh3::open(source, size))),
        _ => {}
    }
    let unknown = || io::Error::from(io::ErrorKind::Unsupported);
    let method = CompressionMethod::try_from(&method).map_err(|_| unknown())?;
    let decoder = DecoderAny::new_from_compression(method, Input(source));
    if !decoder.is_supported() {
        return Err(unknown());
    }
    Ok(Box::new(Guarded(Some(Lha { decoder, left: size }))))
}

struct Lha<'a> {
    decoder: DecoderAny<Input<'a>>,
    left: u64,
}

impl Read for Lha<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(STEP).min(STEP).min(out.len());
        let out = out.get_mut(..most).unwrap_or_default();
        self.decoder.fill_buffer(out).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.left = self.left.saturating_sub(most as u64);
        Ok(most)
    }
}

/// The source, as the crate reads without the standard library.
struct Input<'a>(Source<'a>);

/// The source failed, or ended.
#[derive(Debug)]
pub(super) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no more input")
    }
}

impl std::error::Error for Failed {}

impl delharc::Read for Input<'_> {
    type Error = Failed;

    fn unexpected_eof() -> Failed {
        Failed
    }

    fn read_all(&mut self, out: &mut [u8]) -> Result<usize, Failed> {
        let mut read = 0_usize;
        while let Some(rest) = out.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest) {
                Ok(0) => break,
                Ok(more) => read = read.saturating_add(more),
                Err(_) => return Err(Failed),
            }
        }
        Ok(read)
    }
}
