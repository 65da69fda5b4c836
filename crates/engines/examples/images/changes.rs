//! What happens to a real picture on its way from one spam to the next: each change with its name, of one strength.

use std::borrow::Cow;

use engines::image::{Decoded, decode};

use super::variants::{Canvas, Dice};

/// One change: a group, a name, and what comes of a picture.
pub(crate) type Change = (&'static str, &'static str, fn(&Canvas, &mut Dice) -> Decoded);

/// All of them.
pub(crate) const CHANGES: &[Change] = &[
    ("resized", "to 50 %", |c, _| scaled(c, 0.5).decoded()),
    ("resized", "to 75 %", |c, _| scaled(c, 0.75).decoded()),
    ("resized", "to 150 %", |c, _| scaled(c, 1.5).decoded()),
    ("resized", "stretched by 15 %", |c, _| c.resized((c.width as f32 * 1.15) as usize, c.height).decoded()),
    ("recompressed", "JPEG 70", |c, _| jpeg(c, 70.0).decoded()),
    ("recompressed", "JPEG 50", |c, _| jpeg(c, 50.0).decoded()),
    ("recompressed", "JPEG 30", |c, _| jpeg(c, 30.0).decoded()),
    ("recompressed", "as PNG", |c, _| through(c, as_png)),
    ("recompressed", "as WebP", |c, _| through(c, as_webp)),
    ("recompressed", "as GIF of 216 colours", |c, _| through(c, as_gif)),
    ("recoloured", "brighter by 40", |c, _| each(c, |v| v + 40.0)),
    ("recoloured", "darker by 40", |c, _| each(c, |v| v - 40.0)),
    ("recoloured", "contrast 140 %", |c, _| each(c, |v| (v - 128.0) * 1.4 + 128.0)),
    ("recoloured", "contrast 60 %", |c, _| each(c, |v| (v - 128.0) * 0.6 + 128.0)),
    ("recoloured", "gamma 0.6", |c, _| each(c, |v| 255.0 * (v / 255.0).powf(0.6))),
    ("recoloured", "gamma 1.6", |c, _| each(c, |v| 255.0 * (v / 255.0).powf(1.6))),
    ("recoloured", "hue by 60 degrees", |c, _| hue(c, 60.0)),
    ("recoloured", "hue by 180 degrees", |c, _| hue(c, 180.0)),
    ("recoloured", "gray", |c, _| c.recolored(|p| [luma(p); 3]).decoded()),
    ("cropped", "2 % of each side", |c, _| c.cropped(0.02, 0.02, 0.02, 0.02).decoded()),
    ("cropped", "3.5 % of each side", |c, _| c.cropped(0.035, 0.035, 0.035, 0.035).decoded()),
    ("cropped", "6.5 % of each side", |c, _| c.cropped(0.065, 0.065, 0.065, 0.065).decoded()),
    ("cropped", "5 % of each side", |c, _| c.cropped(0.05, 0.05, 0.05, 0.05).decoded()),
    ("cropped", "8 % of each side", |c, _| c.cropped(0.08, 0.08, 0.08, 0.08).decoded()),
    ("cropped", "5 % of one side", |c, dice| one_side(c, 0.05, dice)),
    ("cropped", "8 % of one side", |c, dice| one_side(c, 0.08, dice)),
    ("framed", "white, a twelfth", |c, _| c.framed(c.width.min(c.height) / 12, [255.0; 3]).decoded()),
    ("framed", "coloured, a twentieth", |c, _| c.framed(c.width.min(c.height) / 20, [200.0, 30.0, 60.0]).decoded()),
    ("noise", "of 12", |c, dice| noisy(c, 12.0, dice)),
    ("all at once", "cropped by 3 %, 75 %, brighter, JPEG 50", |c, _| {
        let small = scaled(&c.cropped(0.03, 0.03, 0.03, 0.03), 0.75);
        jpeg(&small.recolored(|p| p.map(|v| v * 0.9 + 20.0)), 50.0).decoded()
    }),
];

fn scaled(canvas: &Canvas, by: f32) -> Canvas {
    let side = |len: usize| ((len as f32 * by) as usize).max(1);
    canvas.resized(side(canvas.width), side(canvas.height))
}

fn each(canvas: &Canvas, change: impl Fn(f32) -> f32) -> Decoded {
    canvas.recolored(|p| p.map(&change)).decoded()
}

fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Turns the colours about the axis of grey.
fn hue(canvas: &Canvas, degrees: f32) -> Decoded {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (even, odd) = ((1.0 - cos) / 3.0, sin / 3.0f32.sqrt());
    let turned = canvas.recolored(|[r, g, b]| {
        let mix = |a: f32, b: f32, c: f32| a * (cos + even) + b * (even - odd) + c * (even + odd);
        [mix(r, g, b), mix(g, b, r), mix(b, r, g)]
    });
    turned.decoded()
}

fn one_side(canvas: &Canvas, part: f32, dice: &mut Dice) -> Decoded {
    let mut sides = [0.0f32; 4];
    sides[(dice.next() % 4) as usize] = part;
    let [left, top, right, bottom] = sides;
    canvas.cropped(left, top, right, bottom).decoded()
}

fn noisy(canvas: &Canvas, most: f32, dice: &mut Dice) -> Decoded {
    let mut out = canvas.clone();
    for value in out.pixels.as_flattened_mut() {
        *value = (*value + dice.between(-most, most) + dice.between(-most, most)).clamp(0.0, 255.0);
    }
    out.decoded()
}

/// Written as a file and read again; what cannot be stays as it is.
fn through(canvas: &Canvas, write: fn(&Decoded) -> Option<Vec<u8>>) -> Decoded {
    let decoded = canvas.decoded();
    let read = write(&decoded).and_then(|file| decode(&file).ok()?.into_iter().next());
    read.unwrap_or_else(|| panic!("a picture of {} by {} is not read as written", decoded.width, decoded.height))
}

fn as_png(picture: &Decoded) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().ok()?.write_image_data(&picture.samples).ok()?;
    Some(file)
}

fn as_webp(picture: &Decoded) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut file);
    encoder.encode(&picture.samples, picture.width, picture.height, image_webp::ColorType::Rgb8).ok()?;
    Some(file)
}

fn as_gif(picture: &Decoded) -> Option<Vec<u8>> {
    let step = |value: u8| (u16::from(value) * 5 + 127) / 255;
    let palette: Vec<u8> = (0..216u8).flat_map(|n| [n / 36 * 51, n / 6 % 6 * 51, n % 6 * 51]).collect();
    let index = |p: &[u8]| (step(p[0]) * 36 + step(p[1]) * 6 + step(p[2])) as u8;
    let pixels: Vec<u8> = picture.samples.chunks_exact(3).map(index).collect();
    let (width, height) = (u16::try_from(picture.width).ok()?, u16::try_from(picture.height).ok()?);
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, width, height, &palette).ok()?;
    let frame = gif::Frame { width, height, buffer: Cow::Owned(pixels), ..gif::Frame::default() };
    encoder.write_frame(&frame).ok()?;
    drop(encoder);
    Some(file)
}

/// The steps of brightness and of colour at quality 50 (ITU-T T.81, tables K.1 and K.2).
#[rustfmt::skip]
const STEPS: [[u8; 64]; 2] = [
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ],
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ],
];

/// As JPEG of this quality leaves it: colours at half the size, blocks of eight by eight, their frequencies in steps.
pub(crate) fn jpeg(canvas: &Canvas, quality: f32) -> Canvas {
    let scale = if quality < 50.0 { 50.0 / quality } else { (100.0 - quality) / 50.0 };
    let parts = Canvas {
        pixels: canvas
            .pixels
            .iter()
            .map(|p| [luma(*p) - 128.0, (p[2] - luma(*p)) * 0.564, (p[0] - luma(*p)) * 0.713])
            .collect(),
        ..*canvas
    };
    let half = parts.resized(canvas.width.div_ceil(2), canvas.height.div_ceil(2));
    let bright = coarse(&parts, &[0], STEPS[0], scale);
    let colors = coarse(&half, &[1, 2], STEPS[1], scale);
    let mut out = canvas.clone();
    for (at, pixel) in out.pixels.iter_mut().enumerate() {
        let (x, y) = (at % canvas.width, at / canvas.width);
        let light = bright.pixels[at][0] + 128.0;
        let [_, blue, red] = colors.pixels[(y / 2) * colors.width + x / 2];
        let (r, b) = (light + red / 0.713, light + blue / 0.564);
        *pixel = [r, (light - 0.299 * r - 0.114 * b) / 0.587, b].map(|v| v.clamp(0.0, 255.0));
    }
    out
}

/// Some channels with their frequencies in steps.
fn coarse(canvas: &Canvas, channels: &[usize], steps: [u8; 64], scale: f32) -> Canvas {
    let wave: [[f32; 8]; 8] = std::array::from_fn(|k| {
        let norm = if k == 0 { (1.0f32 / 8.0).sqrt() } else { 0.5 };
        std::array::from_fn(|x| norm * (std::f32::consts::PI * k as f32 * (2.0 * x as f32 + 1.0) / 16.0).cos())
    });
    let mut out = canvas.clone();
    for (top, left) in (0..canvas.height).step_by(8).flat_map(|y| (0..canvas.width).step_by(8).map(move |x| (y, x))) {
        for channel in channels {
            let mut block = [[0.0f32; 8]; 8];
            for (y, row) in block.iter_mut().enumerate() {
                for (x, value) in row.iter_mut().enumerate() {
                    let (px, py) = ((left + x).min(canvas.width - 1), (top + y).min(canvas.height - 1));
                    *value = canvas.pixels[py * canvas.width + px][*channel];
                }
            }
            let mut waves = twice(&block, |k, x| wave[k][x]);
            for (value, step) in waves.as_flattened_mut().iter_mut().zip(steps) {
                let step = (f32::from(step) * scale).clamp(1.0, 255.0);
                *value = (*value / step).round() * step;
            }
            let block = twice(&waves, |x, k| wave[k][x]);
            for (y, row) in block.iter().enumerate().take(canvas.height - top) {
                for (x, value) in row.iter().enumerate().take(canvas.width - left) {
                    out.pixels[(top + y) * canvas.width + left + x][*channel] = *value;
                }
            }
        }
    }
    out
}

/// A transformation along rows, then along columns.
fn twice(block: &[[f32; 8]; 8], factor: impl Fn(usize, usize) -> f32) -> [[f32; 8]; 8] {
    let once = |block: &[[f32; 8]; 8]| -> [[f32; 8]; 8] {
        // Row `k` of what comes is column `k` of what was: doing it twice turns it back.
        std::array::from_fn(|to| {
            std::array::from_fn(|row| (0..8).map(|from| block[row][from] * factor(to, from)).sum())
        })
    };
    once(&once(block))
}
