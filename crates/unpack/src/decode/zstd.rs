//! Zstandard (RFC 8878), one frame.
//!
//! Limit: [`MAX_WINDOW`], as the reference decoder has it; a larger one is reported as a limit. Not
//! handled: the content's checksum, and dictionaries that stand outside of the file. Of a frame that
//! breaks off, the last window's worth of content is lost, which the decoder keeps until the end.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::FrameDecoderError;

use super::Guarded;

/// Largest window of a frame, in bytes.
const MAX_WINDOW: u64 = 128 * 1024 * 1024;

/// The decoder of the frame that stands at the start of `source`.
pub(crate) fn reader<'a>(source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let opened = catch_unwind(AssertUnwindSafe(|| StreamingDecoder::new_with_max_window_size(source, MAX_WINDOW)));
    match opened {
        Ok(Ok(decoder)) => Ok(Box::new(Guarded(Some(decoder)))),
        Ok(Err(FrameDecoderError::WindowSizeTooBig { .. })) => Err(io::ErrorKind::OutOfMemory.into()),
        Ok(Err(_)) | Err(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}
