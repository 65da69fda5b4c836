//! Pictures made by code, and what senders do to a picture: for tests and for measuring. No clock and no
//! randomness: the same number gives the same picture.

use engines::image::{Decoded, Layout};

/// Numbers that look random.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    pub(crate) fn part(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Between two values.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.part()
    }

    fn color(&mut self) -> [f32; 3] {
        [self.between(0.0, 255.0), self.between(0.0, 255.0), self.between(0.0, 255.0)]
    }
}

/// A picture that is easy to change.
#[derive(Clone)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[f32; 3]>,
}

impl Canvas {
    fn filled(width: usize, height: usize, color: [f32; 3]) -> Self {
        Self { width, height, pixels: vec![color; width * height] }
    }

    /// As a decoded picture.
    pub(crate) fn decoded(&self) -> Decoded {
        let samples = self.pixels.iter().flatten().map(|v| v.round().clamp(0.0, 255.0) as u8).collect();
        Decoded { width: self.width as u32, height: self.height as u32, layout: Layout::Rgb, samples }
    }

    fn rect(&mut self, x: f32, y: f32, w: f32, h: f32, color: [f32; 3]) {
        let end = |from: f32, len: f32, most: usize| ((from + len).max(0.0) as usize).min(most);
        for row in (y.max(0.0) as usize)..end(y, h, self.height) {
            for at in (x.max(0.0) as usize)..end(x, w, self.width) {
                self.pixels[row * self.width + at] = color;
            }
        }
    }

    fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, below) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (dx, dy) = (x - left as f32, y - top as f32);
        let pixel = |x: usize, y: usize| self.pixels[y * self.width + x];
        std::array::from_fn(|c| {
            let upper = pixel(left, top)[c] * (1.0 - dx) + pixel(right, top)[c] * dx;
            let lower = pixel(left, below)[c] * (1.0 - dx) + pixel(right, below)[c] * dx;
            upper * (1.0 - dy) + lower * dy
        })
    }

    /// At another size.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        let (sx, sy) = (self.width as f32 / width as f32, self.height as f32 / height as f32);
        // Several looks for each pixel, as programs that shrink well do.
        let looks = (sx.max(sy).ceil() as usize).clamp(1, 4);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = [0.0f32; 3];
                for n in 0..looks * looks {
                    let (ox, oy) = ((n % looks) as f32 + 0.5, (n / looks) as f32 + 0.5);
                    let place = |at: usize, off: f32, scale: f32| (at as f32 + off / looks as f32) * scale - 0.5;
                    let seen = self.at(place(x, ox, sx), place(y, oy, sy));
                    sum.iter_mut().zip(seen).for_each(|(sum, value)| *sum += value);
                }
                pixels.push(sum.map(|value| value / (looks * looks) as f32));
            }
        }
        Self { width, height, pixels }
    }

    /// Without parts of its sides.
    pub(crate) fn cropped(&self, left: f32, top: f32, right: f32, bottom: f32) -> Self {
        let part = |share: f32, of: usize| (share * of as f32) as usize;
        let (x0, y0) = (part(left, self.width), part(top, self.height));
        let (x1, y1) = (self.width - part(right, self.width), self.height - part(bottom, self.height));
        let rows = (y0..y1).flat_map(|y| self.pixels[y * self.width + x0..y * self.width + x1].iter().copied());
        Self { width: x1 - x0, height: y1 - y0, pixels: rows.collect() }
    }

    /// In a plain frame.
    pub(crate) fn framed(&self, wide: usize, color: [f32; 3]) -> Self {
        let mut out = Self::filled(self.width + 2 * wide, self.height + 2 * wide, color);
        for y in 0..self.height {
            let to = (y + wide) * out.width + wide;
            out.pixels[to..to + self.width].copy_from_slice(&self.pixels[y * self.width..(y + 1) * self.width]);
        }
        out
    }

    /// With other colours.
    pub(crate) fn recolored(&self, change: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        let pixels = self.pixels.iter().map(|p| change(*p).map(|v| v.clamp(0.0, 255.0))).collect();
        Self { pixels, ..*self }
    }

    /// As JPEG of this quality leaves it: blocks of eight by eight, their frequencies made coarse.
    pub(crate) fn compressed(&self, quality: f32) -> Self {
        let scale = if quality < 50.0 { 50.0 / quality } else { (100.0 - quality) / 50.0 };
        let wave: Vec<[f32; 8]> = (0..8)
            .map(|k| {
                let norm = if k == 0 { (1.0f32 / 8.0).sqrt() } else { 0.5 };
                std::array::from_fn(|x| norm * (std::f32::consts::PI * k as f32 * (2.0 * x as f32 + 1.0) / 16.0).cos())
            })
            .collect();
        let mut out = self.clone();
        for (by, bx, c) in (0..self.height.div_ceil(8))
            .flat_map(|y| (0..self.width.div_ceil(8)).flat_map(move |x| (0..3).map(move |c| (y * 8, x * 8, c))))
        {
            let mut block = [[0.0f32; 8]; 8];
            for (y, row) in block.iter_mut().enumerate() {
                for (x, value) in row.iter_mut().enumerate() {
                    let (px, py) = ((bx + x).min(self.width - 1), (by + y).min(self.height - 1));
                    *value = self.pixels[py * self.width + px][c] - 128.0;
                }
            }
            let mut coarse = [[0.0f32; 8]; 8];
            for (v, row) in coarse.iter_mut().enumerate() {
                for (u, value) in row.iter_mut().enumerate() {
                    let sum: f32 = (0..64).map(|n| block[n / 8][n % 8] * wave[v][n / 8] * wave[u][n % 8]).sum();
                    let step = ((10.0 + 7.0 * (u + v) as f32) * scale).max(1.0);
                    *value = (sum / step).round() * step;
                }
            }
            for y in 0..8.min(self.height - by) {
                for x in 0..8.min(self.width - bx) {
                    let sum: f32 = (0..64).map(|n| coarse[n / 8][n % 8] * wave[n / 8][y] * wave[n % 8][x]).sum();
                    out.pixels[(by + y) * self.width + bx + x][c] = sum + 128.0;
                }
            }
        }
        out.recolored(|p| p)
    }
}

/// A picture of one of five kinds: an advertisement, a page of text, a photograph, a chart, a scene of shapes.
pub(crate) fn picture(number: u64) -> Canvas {
    let mut dice = Dice(number.wrapping_mul(0x1234_5678_9abc_def1));
    let (width, height) = (dice.between(160.0, 420.0) as usize, dice.between(120.0, 420.0) as usize);
    match number % 5 {
        0 => advertisement(&mut dice, width, height),
        1 => page(&mut dice, width, height),
        2 => photograph(&mut dice, width, height),
        3 => chart(&mut dice, width, height),
        _ => shapes(&mut dice, width, height),
    }
}

fn words(canvas: &mut Canvas, dice: &mut Dice, area: [f32; 4], letter: f32, color: [f32; 3]) {
    let [left, top, right, bottom] = area;
    let mut y = top;
    while y + letter < bottom {
        let (mut x, end) = (left, right - dice.part() * (right - left) * 0.4);
        while x < end {
            let long = letter * dice.between(1.0, 6.0);
            let mut at = x;
            while at < (x + long).min(end) {
                let high = letter * dice.between(0.4, 1.0);
                canvas.rect(at, y + letter - high, letter * dice.between(0.15, 0.5), high, color);
                at += letter * 0.6;
            }
            x += long + letter * 0.7;
        }
        y += letter * 1.7;
    }
}

fn advertisement(dice: &mut Dice, width: usize, height: usize) -> Canvas {
    let (w, h) = (width as f32, height as f32);
    let ground = dice.color();
    let mut canvas = Canvas::filled(width, height, ground);
    for _ in 0..3 + dice.next() % 4 {
        let (x, y) = (dice.part() * w * 0.8, dice.part() * h * 0.8);
        let (wide, high, color) = (w * dice.between(0.1, 0.5), h * dice.between(0.1, 0.4), dice.color());
        canvas.rect(x, y, wide, high, color);
    }
    for _ in 0..2 + dice.next() % 3 {
        let (left, top) = (dice.part() * w * 0.5, dice.part() * h * 0.7);
        let (letter, color) = (h * dice.between(0.06, 0.14), dice.color());
        let area = [left, top, w * dice.between(0.7, 1.0), top + letter * dice.between(1.1, 4.0)];
        words(&mut canvas, dice, area, letter, color);
    }
    canvas
}

fn page(dice: &mut Dice, width: usize, height: usize) -> Canvas {
    let (w, h) = (width as f32, height as f32);
    let mut canvas = Canvas::filled(width, height, [250.0; 3]);
    let mut y = h * dice.between(0.03, 0.12);
    while y < h * 0.92 {
        let (high, letter) = (h * dice.between(0.06, 0.3), h * dice.between(0.02, 0.05));
        let left = w * dice.between(0.04, 0.2);
        let area = [left, y, w * dice.between(0.6, 0.96), (y + high).min(h * 0.95)];
        words(&mut canvas, dice, area, letter, [30.0; 3]);
        y += high + h * dice.between(0.02, 0.1);
    }
    canvas
}

fn photograph(dice: &mut Dice, width: usize, height: usize) -> Canvas {
    let mut canvas = Canvas::filled(width, height, dice.color());
    let blobs: Vec<([f32; 4], [f32; 3])> = (0..60)
        .map(|n| {
            let size = 0.5 / (1.0 + n as f32 * 0.15);
            let shape = [dice.part(), dice.part(), size * dice.between(0.4, 1.0), size * dice.between(0.4, 1.0)];
            (shape, dice.color())
        })
        .collect();
    for (at, pixel) in canvas.pixels.iter_mut().enumerate() {
        let (x, y) = ((at % width) as f32 / width as f32, (at / width) as f32 / height as f32);
        for ([cx, cy, sx, sy], color) in &blobs {
            let far = ((x - cx) / sx).powi(2) + ((y - cy) / sy).powi(2);
            let share = if far < 1.0 { 0.75 * (1.0 - far).sqrt() } else { 0.0 };
            pixel.iter_mut().zip(color).for_each(|(old, new)| *old += (new - *old) * share);
        }
        let noise = dice.between(-6.0, 6.0);
        pixel.iter_mut().for_each(|value| *value = (*value + noise).clamp(0.0, 255.0));
    }
    canvas
}

fn chart(dice: &mut Dice, width: usize, height: usize) -> Canvas {
    let (w, h) = (width as f32, height as f32);
    let mut canvas = Canvas::filled(width, height, [255.0; 3]);
    let bars = 5 + dice.next() % 12;
    let wide = w * 0.85 / bars as f32;
    for bar in 0..bars {
        let (high, color) = (h * dice.between(0.1, 0.8), dice.color());
        canvas.rect(w * 0.1 + bar as f32 * wide, h * 0.9 - high, wide * 0.75, high, color);
    }
    canvas.rect(w * 0.08, h * 0.05, 2.0, h * 0.86, [0.0; 3]);
    canvas.rect(w * 0.08, h * 0.9, w * 0.9, 2.0, [0.0; 3]);
    words(&mut canvas, dice, [w * 0.2, 0.0, w * 0.8, h * 0.1], h * 0.06, [20.0; 3]);
    canvas
}

fn shapes(dice: &mut Dice, width: usize, height: usize) -> Canvas {
    let mut canvas = Canvas::filled(width, height, dice.color());
    for _ in 0..14 {
        let (cx, cy, color) = (dice.part(), dice.part(), dice.color());
        let (rx, ry) = (dice.between(0.04, 0.3), dice.between(0.04, 0.3));
        for at in 0..canvas.pixels.len() {
            let (x, y) = ((at % width) as f32 / width as f32, (at / width) as f32 / height as f32);
            if ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0 {
                canvas.pixels[at] = color;
            }
        }
    }
    canvas
}

/// What senders do to a picture: a name, and what comes of it.
pub(crate) fn variants(original: &Canvas, dice: &mut Dice) -> Vec<(&'static str, Canvas)> {
    let (w, h) = (original.width, original.height);
    let scaled = |by: f32, stretch: f32| {
        original.resized(((w as f32 * by * stretch) as usize).max(70), ((h as f32 * by) as usize).max(70))
    };
    let (less, more) = (dice.between(0.4, 0.95), dice.between(1.1, 2.0));
    let (gain, lift, power) = (dice.between(0.6, 1.4), dice.between(-40.0, 40.0), dice.between(0.6, 1.6));
    let tint: [f32; 3] = std::array::from_fn(|_| dice.between(0.6, 1.2));
    let gray = |[r, g, b]: [f32; 3]| [0.3 * r + 0.59 * g + 0.11 * b; 3];
    let mut cut = || dice.between(0.0, 0.08);
    let crops = [[cut(), 0.0, 0.0, 0.0], [0.0, cut(), 0.0, cut()], [cut(), cut(), cut(), cut()]];
    let [one, two, four] = crops.map(|[l, t, r, b]| original.cropped(l, t, r, b));
    let mixed = original.cropped(crops[2][0] * 0.6, crops[2][1] * 0.6, crops[2][2] * 0.6, crops[2][3] * 0.6);
    let mixed =
        mixed.resized((mixed.width as f32 * less).max(70.0) as usize, (mixed.height as f32 * less).max(70.0) as usize);
    vec![
        ("smaller", scaled(less, 1.0)),
        ("larger", scaled(more, 1.0)),
        ("stretched", scaled(1.0, dice.between(0.85, 1.18))),
        ("compressed", original.compressed(dice.between(15.0, 60.0))),
        ("brighter or darker", original.recolored(|p| p.map(|v| (v - 128.0) * gain + 128.0 + lift))),
        ("other gamma", original.recolored(|p| p.map(|v| 255.0 * (v / 255.0).powf(power)))),
        ("tinted", original.recolored(|[r, g, b]| [r * tint[0], g * tint[1], b * tint[2]])),
        ("gray", original.recolored(gray)),
        ("channels exchanged", original.recolored(|[r, g, b]| [b, r, g])),
        ("negative", original.recolored(|p| p.map(|v| 255.0 - v))),
        ("one side cropped", one),
        ("two sides cropped", two),
        ("four sides cropped", four),
        ("framed", original.framed(w.min(h) / 12, [255.0; 3])),
        ("cropped, smaller, brighter, compressed", mixed.recolored(|p| p.map(|v| v * 0.9 + 20.0)).compressed(40.0)),
    ]
}
