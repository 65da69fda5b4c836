//! PNG, GIF, JPEG, WebP and BMP to rows of colours, within limits.
//!
//! The decoders are told limits of their own before they make room for anything; the size that a file claims is
//! read first, and refused above [`MAX_PIXELS`]. A progressive JPEG has at most [`MAX_SCANS`]
//! passes. Transparent is shown on white. Not handled: frames after the [`MAX_FRAMES`]th, colour profiles,
//! CMYK in JPEG other than as its decoder turns it into RGB, BMP with run lengths.

use std::borrow::Cow;
use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::bmp;

/// Largest file that is decoded, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most pixels of one picture: 12 million, as a telephone takes.
pub const MAX_PIXELS: u64 = 12_582_912;
/// Most frames of an animation that are looked at: what is advertised may not be in the first.
pub const MAX_FRAMES: usize = 4;
/// Most that a decoder may allocate beside the picture itself, in bytes.
const MAX_MEMORY: usize = 96 * 1024 * 1024;
/// Most passes of a progressive JPEG; usual are ten.
const MAX_SCANS: usize = 40;
/// Longest side, in pixels.
const MAX_SIDE: usize = 32_768;

/// Why there is no picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotDecoded {
    /// It is none of the known formats.
    Format,
    /// The file or the picture is too large.
    TooLarge,
    /// It is damaged.
    Damaged,
}

/// How the samples of a pixel lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// Brightness.
    Gray,
    /// Brightness, opacity.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity.
    Rgba,
}

impl Layout {
    fn samples(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// One picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How the samples lie.
    pub layout: Layout,
    /// Eight bits a sample, row by row without gaps.
    pub samples: Vec<u8>,
}

impl Decoded {
    /// The colours of one row, on white.
    pub(super) fn row(&self, at: usize) -> Vec<[f32; 3]> {
        let each = self.layout.samples();
        let length = (self.width as usize).saturating_mul(each);
        let row = self.samples.chunks(length.max(1)).nth(at).unwrap_or_default();
        let color = |pixel: &[u8]| {
            let (values, alpha) = match *pixel {
                [y] => ([y, y, y], 255),
                [y, a] => ([y, y, y], a),
                [r, g, b] => ([r, g, b], 255),
                [r, g, b, a] => ([r, g, b], a),
                _ => ([255; 3], 255),
            };
            let alpha = f32::from(alpha) / 255.0;
            values.map(|value| f32::from(value) * alpha + 255.0 * (1.0 - alpha))
        };
        row.chunks(each).map(color).collect()
    }
}

/// The format of a file, by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Png,
    Gif,
    Jpeg,
    WebP,
    Bmp,
}

fn format(bytes: &[u8]) -> Option<Format> {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Format::Png),
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some(Format::Gif),
        _ if bytes.starts_with(b"\xff\xd8\xff") => Some(Format::Jpeg),
        _ if webp => Some(Format::WebP),
        _ if bytes.starts_with(b"BM") => Some(Format::Bmp),
        _ => None,
    }
}

/// A file that says that it is a picture, and what it says of its size: nothing of it is decoded yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probed<'a> {
    bytes: &'a [u8],
    format: Format,
    width: u32,
    height: u32,
}

/// Reads what a file says of itself.
///
/// # Errors
/// Why there is no picture to decode.
pub fn probe(bytes: &[u8]) -> Result<Probed<'_>, NotDecoded> {
    if bytes.len() > MAX_BYTES {
        return Err(NotDecoded::TooLarge);
    }
    let format = format(bytes).ok_or(NotDecoded::Format)?;
    let (width, height) = size(bytes, format)?;
    match u64::from(width).saturating_mul(u64::from(height)) {
        0 => Err(NotDecoded::Damaged),
        pixels if pixels > MAX_PIXELS => Err(NotDecoded::TooLarge),
        _ => Ok(Probed { bytes, format, width, height }),
    }
}

fn size(bytes: &[u8], format: Format) -> Result<(u32, u32), NotDecoded> {
    match format {
        Format::Png => {
            let mut decoder = png_decoder(bytes);
            let info = decoder.read_header_info().map_err(|_| NotDecoded::Damaged)?;
            Ok((info.width, info.height))
        }
        Format::Gif => {
            let at = |place: usize| bytes.get(place..place.saturating_add(2)).and_then(|two| two.try_into().ok());
            let number = |place| at(place).map(u16::from_le_bytes).map(u32::from).ok_or(NotDecoded::Damaged);
            Ok((number(6)?, number(8)?))
        }
        Format::Jpeg => {
            let mut decoder = jpeg_decoder(bytes);
            decoder.decode_headers().map_err(|_| NotDecoded::Damaged)?;
            let info = decoder.info().ok_or(NotDecoded::Damaged)?;
            Ok((u32::from(info.width), u32::from(info.height)))
        }
        Format::WebP => Ok(webp_decoder(bytes)?.dimensions()),
        Format::Bmp => bmp::size(bytes).ok_or(NotDecoded::Damaged),
    }
}

impl Probed<'_> {
    /// Width and height as the file says them, in pixels; both at least 1.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The work of decoding and describing it, in units of fuel: all frames that are looked at together.
    pub fn cost(&self) -> u64 {
        let frames = if self.format == Format::Gif { MAX_FRAMES as u64 } else { 1 };
        let pixels = u64::from(self.width).saturating_mul(u64::from(self.height)).saturating_mul(frames);
        pixels.saturating_mul(4).saturating_add(self.bytes.len() as u64)
    }

    /// Decodes it: one picture, or the first frames of an animation.
    ///
    /// # Errors
    /// Why there is none. A file that breaks off in the middle is damaged, unless its decoder gives what came.
    pub fn decode(&self) -> Result<Vec<Decoded>, NotDecoded> {
        let Self { bytes, format, width, height } = *self;
        match format {
            Format::Png => png(bytes).map(|picture| vec![picture]),
            Format::Gif => gif(bytes, width, height),
            Format::Jpeg => jpeg(bytes, width, height).map(|picture| vec![picture]),
            Format::WebP => webp(bytes, width, height).map(|picture| vec![picture]),
            Format::Bmp => bmp::decode(bytes).map(|picture| vec![picture]).ok_or(NotDecoded::Damaged),
        }
    }
}

/// Probes a file and decodes it.
///
/// # Errors
/// Those of both.
pub fn decode(bytes: &[u8]) -> Result<Vec<Decoded>, NotDecoded> {
    probe(bytes)?.decode()
}

fn png_decoder(bytes: &[u8]) -> png::Decoder<Cursor<&[u8]>> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: MAX_MEMORY });
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder
}

fn png(bytes: &[u8]) -> Result<Decoded, NotDecoded> {
    let mut reader = png_decoder(bytes).read_info().map_err(|_| NotDecoded::Damaged)?;
    let size = reader.output_buffer_size().ok_or(NotDecoded::TooLarge)?;
    // An animation's first frame may claim a size of its own, within that of the picture.
    if size > usize::try_from(MAX_PIXELS.saturating_mul(4)).unwrap_or(usize::MAX) {
        return Err(NotDecoded::TooLarge);
    }
    let mut samples = vec![0; size];
    let info = reader.next_frame(&mut samples).map_err(|_| NotDecoded::Damaged)?;
    samples.truncate(info.buffer_size());
    let layout = match info.color_type {
        png::ColorType::Grayscale => Layout::Gray,
        png::ColorType::GrayscaleAlpha => Layout::GrayAlpha,
        png::ColorType::Rgb => Layout::Rgb,
        png::ColorType::Rgba => Layout::Rgba,
        png::ColorType::Indexed => return Err(NotDecoded::Damaged),
    };
    Ok(Decoded { width: info.width, height: info.height, layout, samples })
}

fn jpeg_decoder(bytes: &[u8]) -> JpegDecoder<ZCursor<&[u8]>> {
    let options = DecoderOptions::new_safe()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options)
}

fn jpeg(bytes: &[u8], width: u32, height: u32) -> Result<Decoded, NotDecoded> {
    let samples = jpeg_decoder(bytes).decode().map_err(|_| NotDecoded::Damaged)?;
    Ok(Decoded { width, height, layout: Layout::Rgb, samples })
}

fn webp_decoder(bytes: &[u8]) -> Result<image_webp::WebPDecoder<Cursor<&[u8]>>, NotDecoded> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(|_| NotDecoded::Damaged)?;
    decoder.set_memory_limit(MAX_MEMORY);
    Ok(decoder)
}

fn webp(bytes: &[u8], width: u32, height: u32) -> Result<Decoded, NotDecoded> {
    let mut decoder = webp_decoder(bytes)?;
    let layout = if decoder.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let mut samples = vec![0; decoder.output_buffer_size().ok_or(NotDecoded::TooLarge)?];
    decoder.read_image(&mut samples).map_err(|_| NotDecoded::Damaged)?;
    Ok(Decoded { width, height, layout, samples })
}

/// The canvas after each of the first frames.
fn gif(bytes: &[u8], width: u32, height: u32) -> Result<Vec<Decoded>, NotDecoded> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let most = u64::try_from(MAX_MEMORY).ok().and_then(std::num::NonZeroU64::new).ok_or(NotDecoded::TooLarge)?;
    options.set_memory_limit(gif::MemoryLimit::Bytes(most));
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(|_| NotDecoded::Damaged)?;
    let wide = width as usize;
    let mut canvas: Vec<[u8; 3]> = vec![[255; 3]; wide.saturating_mul(height as usize)];
    let mut frames = Vec::new();
    while frames.len() < MAX_FRAMES {
        let frame = match decoder.read_next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(_) if frames.is_empty() => return Err(NotDecoded::Damaged),
            Err(_) => break,
        };
        paint(&mut canvas, wide, frame);
        let samples = canvas.as_flattened().to_vec();
        frames.push(Decoded { width, height, layout: Layout::Rgb, samples });
    }
    Ok(frames)
}

/// Paints one frame over what stood there.
fn paint(canvas: &mut [[u8; 3]], wide: usize, frame: &gif::Frame<'_>) {
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let line = usize::from(frame.width).saturating_mul(4);
    let pixels: &Cow<'_, [u8]> = &frame.buffer;
    for (row, old) in pixels.chunks(line.max(4)).zip(canvas.chunks_mut(wide.max(1)).skip(top)) {
        for (pixel, old) in row.chunks_exact(4).zip(old.iter_mut().skip(left)) {
            if let [r, g, b, opaque] = *pixel
                && opaque > 0
            {
                *old = [r, g, b];
            }
        }
    }
}
