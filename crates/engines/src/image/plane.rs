//! A picture shrunk to a small square of mean colours, whatever its size and shape were.

use super::decode::Decoded;

/// Cells of a side.
const SIDE: usize = 128;
/// A border is cut off where no cell of a line is further from the corner's colour than this (0 to 255).
const BORDER: f32 = 12.0;
/// Least part of the width and height that stays when a border is cut off.
const LEAST_INNER: f32 = 0.3;

/// A part of a picture, in parts of its width and height.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Rect {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

/// All of it.
pub(super) const WHOLE: Rect = Rect { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

/// Mean colours, row by row, each channel from 0 to 255.
pub(super) struct Plane {
    side: usize,
    cells: Vec<[f32; 3]>,
}

/// What one cell takes of a line: from which place on, and how much of each.
struct Taps {
    start: usize,
    weights: Vec<f32>,
}

/// Divides the stretch from `from` to `to` of a line of `len` into `cells` equal parts.
fn taps(len: usize, from: f32, to: f32, cells: usize) -> Vec<Taps> {
    let step = (to - from) * len as f32 / cells as f32;
    let base = from * len as f32;
    let mut all = Vec::new();
    for cell in 0..cells {
        let low = (base + step * cell as f32).clamp(0.0, len as f32);
        let high = (base + step * (cell as f32 + 1.0)).clamp(low, len as f32);
        let start = (low.floor() as usize).min(len.saturating_sub(1));
        let end = (high.ceil() as usize).clamp(start.saturating_add(1), len.max(1));
        let width = (high - low).max(1e-6);
        let share = |at: usize| ((high.min(at as f32 + 1.0) - low.max(at as f32)) / width).max(0.0);
        all.push(Taps { start, weights: (start..end).map(share).collect() });
    }
    all
}

/// The mean colours of the cells of one line.
fn line(pixels: &[[f32; 3]], taps: &[Taps]) -> Vec<[f32; 3]> {
    let one = |tap: &Taps| {
        let mut sum = [0.0f32; 3];
        for (pixel, weight) in pixels.iter().skip(tap.start).zip(&tap.weights) {
            add(&mut sum, pixel, *weight);
        }
        sum
    };
    taps.iter().map(one).collect()
}

fn add(sum: &mut [f32; 3], pixel: &[f32; 3], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(pixel) {
        *sum += value * weight;
    }
}

/// Shrinks lines that `row` gives one after the other; each is asked for at most twice, or once a cell.
fn resample(height: usize, across: &[Taps], down: &[Taps], row: &dyn Fn(usize) -> Vec<[f32; 3]>) -> Vec<[f32; 3]> {
    let mut cells = Vec::new();
    let mut last: Option<(usize, Vec<[f32; 3]>)> = None;
    for tap in down {
        let mut sums = vec![[0.0f32; 3]; across.len()];
        for (at, weight) in (tap.start..height).zip(&tap.weights) {
            let known = last.take().filter(|(known, _)| *known == at).map(|(_, cells)| cells);
            let cells = known.unwrap_or_else(|| line(&row(at), across));
            for (sum, cell) in sums.iter_mut().zip(&cells) {
                add(sum, cell, *weight);
            }
            last = Some((at, cells));
        }
        cells.extend(sums);
    }
    cells
}

impl Plane {
    /// A decoded picture, shrunk.
    pub(super) fn shrink(frame: &Decoded) -> Self {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let (across, down) = (taps(width, 0.0, 1.0, SIDE), taps(height, 0.0, 1.0, SIDE));
        let row = |at: usize| frame.row(at);
        Self { side: SIDE, cells: resample(height, &across, &down, &row) }
    }

    /// A part of it, as a square of `side` cells.
    pub(super) fn part(&self, rect: Rect, side: usize) -> Self {
        let across = taps(self.side, rect.left, rect.right, side);
        let down = taps(self.side, rect.top, rect.bottom, side);
        let row = |at: usize| self.line(at).to_vec();
        Self { side, cells: resample(self.side, &across, &down, &row) }
    }

    /// Its cells, row by row.
    pub(super) fn cells(&self) -> &[[f32; 3]] {
        &self.cells
    }

    fn line(&self, at: usize) -> &[[f32; 3]] {
        self.cells.chunks(self.side.max(1)).nth(at).unwrap_or_default()
    }

    /// Brightness of each cell.
    pub(super) fn brightness(&self) -> Vec<f32> {
        self.cells.iter().map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b).collect()
    }

    /// How much the colour changes at each cell, to the right and down: the same whatever the colours are
    /// exchanged for, and in a negative.
    pub(super) fn edges(&self) -> Vec<f32> {
        let apart = |one: &[f32; 3], other: Option<&[f32; 3]>| {
            let other = other.unwrap_or(one);
            one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max)
        };
        let mut edges = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            let last = at.checked_rem(self.side).is_some_and(|x| x.saturating_add(1) == self.side);
            let right = self.cells.get(at.saturating_add(1)).filter(|_| !last);
            let below = self.cells.get(at.saturating_add(self.side));
            // The root keeps one strong edge from hiding all others.
            edges.push((apart(cell, right) + apart(cell, below)).sqrt() * 16.0);
        }
        edges
    }

    /// What is left without a plain border, if it has one and enough is left.
    pub(super) fn without_border(&self) -> Option<Rect> {
        let corner = *self.cells.first()?;
        let plain = |cell: &[f32; 3]| cell.iter().zip(corner).all(|(a, b)| (a - b).abs() <= BORDER);
        let is_plain_row = |y: &usize| self.line(*y).iter().all(plain);
        let is_plain_column = |x: &usize| self.cells.iter().skip(*x).step_by(self.side.max(1)).all(plain);
        let count = |found: usize| found as f32 / self.side.max(1) as f32;
        let rect = Rect {
            left: count((0..self.side).take_while(is_plain_column).count()),
            top: count((0..self.side).take_while(is_plain_row).count()),
            right: 1.0 - count((0..self.side).rev().take_while(is_plain_column).count()),
            bottom: 1.0 - count((0..self.side).rev().take_while(is_plain_row).count()),
        };
        let enough = rect.right - rect.left >= LEAST_INNER && rect.bottom - rect.top >= LEAST_INNER;
        (enough && rect != WHOLE).then_some(rect)
    }
}
