//! One compressed file with other content: compressed again by the same method where there is an
//! encoder (gzip, bzip2, xz, zstd, lzma), else as gzip.

use std::io::{self, Write};

use lzma_rust2::{LzmaOptions, LzmaWriter, XzOptions, XzWriter};
use unpack::Member;

use crate::DisarmError;
use crate::remove::{Change, Changes};

/// Level of LZMA: quick, and small enough.
const LEVEL: u32 = 3;

/// The file with the content that its one member gets, and what is put behind its name.
///
/// # Errors
/// [`DisarmError::NothingLeft`] when its member goes: nothing else is in it.
pub(crate) fn recompress(
    data: &[u8],
    members: &[Member],
    changes: &Changes,
) -> Result<(Vec<u8>, &'static str), DisarmError> {
    let [_] = members else { return Err(DisarmError::Unlisted) };
    let Some(Change::Content { bytes, suffix }) = changes.values().next() else {
        return Err(DisarmError::NothingLeft);
    };
    // What is in it is no longer what its name says: the whole becomes plain.
    if !suffix.is_empty() {
        return Ok((bytes.clone(), suffix));
    }
    compress(data, bytes).map_err(|_| DisarmError::TooLarge)
}

fn compress(data: &[u8], content: &[u8]) -> io::Result<(Vec<u8>, &'static str)> {
    Ok(match data {
        [0x1f, 0x8b, ..] => (gzip(content)?, ""),
        [b'B', b'Z', b'h', ..] => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
            encoder.write_all(content)?;
            (encoder.finish()?, "")
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(LEVEL))?;
            encoder.write_all(content)?;
            (encoder.finish()?, "")
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            (ruzstd::encoding::compress_to_vec(content, level), "")
        }
        [0x5d, 0, 0, ..] => {
            let options = LzmaOptions::with_preset(LEVEL);
            let mut encoder = LzmaWriter::new_use_header(Vec::new(), &options, Some(content.len() as u64))?;
            encoder.write_all(content)?;
            (encoder.finish()?, "")
        }
        _ => (gzip(content)?, ".gz"),
    })
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}
