//! BMP without compression: 1, 4, 8, 24 and 32 bits a pixel.
//!
//! Limits: those of [`super::decode`]; rows are taken only as far as the file has them. Not handled: run
//! lengths, bit fields other than the usual order, 16 bits, the header of OS/2.

use super::decode::{Decoded, Layout};

/// What the header says.
struct Header {
    width: u32,
    height: u32,
    /// The first row in the file is the upmost.
    down: bool,
    bits: u16,
    data: usize,
    palette: usize,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.try_into().ok().map(u32::from_le_bytes)
}

fn header(bytes: &[u8]) -> Option<Header> {
    let info = number(bytes, 14)? as usize;
    let (width, height) = (number(bytes, 18)?.cast_signed(), number(bytes, 22)?.cast_signed());
    let bits = u16::try_from(number(bytes, 26)?.checked_shr(16)?).ok()?;
    let compression = number(bytes, 30)?;
    let plain = compression == 0 || compression == 3 && bits == 32;
    let known = info >= 40 && plain && matches!(bits, 1 | 4 | 8 | 24 | 32) && width > 0 && height != 0;
    known.then_some(Header {
        width: width.unsigned_abs(),
        height: height.unsigned_abs(),
        down: height < 0,
        bits,
        data: number(bytes, 10)? as usize,
        palette: info.checked_add(14)?,
    })
}

/// Width and height, in pixels.
pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    header(bytes).map(|header| (header.width, header.height))
}

/// The picture, whose [`size`] is within the limits; `None` if it is damaged, or written in a way that is not
/// handled.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let header = header(bytes)?;
    let (width, height) = (header.width as usize, header.height as usize);
    let bits = usize::from(header.bits);
    // Rows are filled up to four bytes.
    let row = width.checked_mul(bits)?.div_ceil(32).checked_mul(4)?;
    let data = bytes.get(header.data..)?.get(..row.checked_mul(height)?)?;
    let palette = bytes.get(header.palette..).unwrap_or_default();
    let color = |index: usize| -> [u8; 3] {
        let place = index.saturating_mul(4);
        match palette.get(place..place.saturating_add(3)) {
            Some([b, g, r]) => [*r, *g, *b],
            _ => [0; 3],
        }
    };
    let mut samples = Vec::with_capacity(width.checked_mul(height)?.checked_mul(3)?);
    let rows: Vec<&[u8]> = data.chunks_exact(row).collect();
    let ordered: Box<dyn Iterator<Item = &&[u8]>> =
        if header.down { Box::new(rows.iter()) } else { Box::new(rows.iter().rev()) };
    for line in ordered {
        match bits {
            24 | 32 => {
                for pixel in line.chunks_exact(bits / 8).take(width) {
                    if let [b, g, r, ..] = *pixel {
                        samples.extend([r, g, b]);
                    }
                }
            }
            8 => samples.extend(line.iter().take(width).flat_map(|index| color(usize::from(*index)))),
            4 => {
                let halves = line.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                samples.extend(halves.take(width).flat_map(|index| color(usize::from(index))));
            }
            _ => {
                let single =
                    line.iter().flat_map(|byte| (0..8u32).rev().map(move |at| byte.checked_shr(at).unwrap_or(0) & 1));
                samples.extend(single.take(width).flat_map(|index| color(usize::from(index))));
            }
        }
    }
    Some(Decoded { width: header.width, height: header.height, layout: Layout::Rgb, samples })
}
