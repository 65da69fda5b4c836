//! Brotli (RFC 7932), by the crate `brotli-decompressor`.
//!
//! Limits: windows of 16 MiB at most, as the RFC has them; the larger ones that some encoders write on
//! demand are damage here. The format has no magic and no checksum: [`starts`] reads its beginning.

use std::io::{self, BufRead, Read};

use brotli_decompressor::reader::StandardAlloc;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::{Guarded, Source};

/// How much is read of what may be Brotli, and how much of its content is made, in bytes.
const SAMPLE: usize = 16 * 1024;

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

fn state() -> State {
    BrotliState::new_strict(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default())
}

/// Whether bytes can be Brotli: the start of them gives content, or is a whole stream.
pub(crate) fn starts(data: &[u8]) -> bool {
    let sample = data.get(..SAMPLE).unwrap_or(data);
    let probe = || {
        let mut out = vec![0; SAMPLE];
        let (mut left, mut read) = (sample.len(), 0);
        let (mut room, mut made, mut all) = (out.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            sample,
            &mut room,
            &mut made,
            &mut out,
            &mut all,
            &mut state(),
        );
        match result {
            BrotliResult::ResultSuccess => made > 0 && read == data.len(),
            BrotliResult::NeedsMoreOutput => true,
            BrotliResult::NeedsMoreInput => made > 0 && sample.len() < data.len(),
            BrotliResult::ResultFailure => false,
        }
    };
    std::panic::catch_unwind(probe).unwrap_or(false)
}

/// The decoder.
pub(super) fn reader<'a>(source: Source<'a>) -> Box<dyn Read + 'a> {
    Box::new(Guarded(Some(Brotli { source, state: state(), done: false })))
}

struct Brotli<'a> {
    source: Source<'a>,
    state: State,
    done: bool,
}

impl Read for Brotli<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.done {
            let input = self.source.fill_buf()?;
            let (mut left, mut used) = (input.len(), 0);
            let (mut room, mut made, mut all) = (out.len(), 0, 0);
            let ended = input.is_empty();
            let result = BrotliDecompressStream(
                &mut left,
                &mut used,
                input,
                &mut room,
                &mut made,
                out,
                &mut all,
                &mut self.state,
            );
            self.source.consume(used);
            match result {
                BrotliResult::ResultSuccess => self.done = true,
                BrotliResult::ResultFailure if made == 0 => return Err(io::ErrorKind::InvalidData.into()),
                BrotliResult::NeedsMoreInput if ended && made == 0 => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                _ => {}
            }
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}
