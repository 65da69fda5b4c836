//! Whether two pictures are forms of one: the slow and strict comparison that says which of the pictures that were
//! taken for a learnt one are others.
//!
//! It has nothing in common with what is measured: no hashes, no colours. Brightness of both is laid over each other at
//! [`SIDE`] by [`SIDE`], cropped by up to [`MOST_CUT`] on each side of either, as it correlates best. Then each tile of
//! [`TILE`] by [`TILE`] in which there is anything at all is compared by itself, moved by up to [`SHIFT`]: two pictures
//! are forms of one if [`SHARE`] of these tiles correlate by [`ALIKE`], all in the same direction (or all against it,
//! as a negative does). A word that reads otherwise, another pip of a card or another object on the same ground is a
//! tile that does not. What it cannot tell is no form: too few tiles with anything in them, above all.

use super::variants::Canvas;

/// Both pictures have so many points a side when they are compared.
const SIDE: usize = 192;
/// And so many while it is looked for how they lie over each other.
const COARSE: usize = 48;
/// Most that may be missing on each side, in parts of it.
const MOST_CUT: f32 = 0.12;
/// Points of a side of a tile.
const TILE: usize = 16;
/// How far a tile may have moved, in points.
const SHIFT: isize = 3;
/// A tile with less contrast than this (standard deviation of brightness, 0 to 255) in both pictures is plain.
const PLAIN: f32 = 4.0;
/// Tiles correlate at least by this.
const ALIKE: f32 = 0.8;
/// So many of the tiles, in parts of all that are not plain.
const SHARE: f32 = 0.97;
/// Fewest tiles that are not plain.
const LEAST: usize = 12;

/// Brightness, row by row.
struct Gray {
    side: usize,
    values: Vec<f32>,
}

impl Gray {
    fn new(canvas: &Canvas, side: usize) -> Self {
        let copy = canvas.resized(side * 2, side * 2).resized(side, side);
        let values = copy.pixels.iter().map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b).collect();
        Self { side, values }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let most = (self.side - 1) as f32;
        let (x, y) = (x.clamp(0.0, most), y.clamp(0.0, most));
        let (left, top) = (x as usize, y as usize);
        let (right, below) = ((left + 1).min(self.side - 1), (top + 1).min(self.side - 1));
        let value = |x: usize, y: usize| self.values[y * self.side + x];
        let (dx, dy) = (x - left as f32, y - top as f32);
        let (upper, lower) = (
            value(left, top) * (1.0 - dx) + value(right, top) * dx,
            value(left, below) * (1.0 - dx) + value(right, below) * dx,
        );
        upper * (1.0 - dy) + lower * dy
    }
}

/// How two lie over each other: what is cut off one on the left, right, top and bottom; less than nothing is cut off the
/// other.
type Cut = [f32; 4];

/// Where a point of the cut-out of one lies in it and in the other, from 0 to 1.
fn places(cut: Cut, x: f32, y: f32) -> ([f32; 2], [f32; 2]) {
    let along = |low: f32, high: f32, at: f32| {
        let one = (low.max(0.0), 1.0 - high.max(0.0));
        let other = ((-low).max(0.0), 1.0 - (-high).max(0.0));
        (one.0 + (one.1 - one.0) * at, other.0 + (other.1 - other.0) * at)
    };
    let ((x1, x2), (y1, y2)) = (along(cut[0], cut[1], x), along(cut[2], cut[3], y));
    ([x1, y1], [x2, y2])
}

/// Both as they lie over each other.
fn laid(one: &Gray, other: &Gray, cut: Cut) -> (Vec<f32>, Vec<f32>) {
    let side = one.side;
    let point = |at: usize| (at as f32 + 0.5) / side as f32;
    let look = |gray: &Gray, [x, y]: [f32; 2]| gray.at(x * side as f32 - 0.5, y * side as f32 - 0.5);
    let both = (0..side * side).map(|at| {
        let (here, there) = places(cut, point(at % side), point(at / side));
        (look(one, here), look(other, there))
    });
    both.unzip()
}

/// Correlation, and the contrast of both.
fn compared(pairs: impl Iterator<Item = (f32, f32)> + Clone) -> (f32, f32, f32) {
    let count = pairs.clone().count().max(1) as f32;
    let (mut sum_one, mut sum_other) = (0.0, 0.0);
    pairs.clone().for_each(|(a, b)| (sum_one, sum_other) = (sum_one + a, sum_other + b));
    let (one, other) = (sum_one / count, sum_other / count);
    let (mut aa, mut bb, mut ab) = (0.0f32, 0.0f32, 0.0f32);
    for (a, b) in pairs {
        let (a, b) = (a - one, b - other);
        (aa, bb, ab) = (aa + a * a, bb + b * b, ab + a * b);
    }
    (ab / (aa * bb).sqrt().max(1e-3), (aa / count).sqrt(), (bb / count).sqrt())
}

/// How they lie over each other best.
fn aligned(one: &Gray, other: &Gray) -> Cut {
    let good = |cut: Cut| {
        let (a, b) = laid(one, other, cut);
        compared(a.iter().copied().zip(b.iter().copied())).0.abs()
    };
    let mut best = ([0.0; 4], good([0.0; 4]));
    for start in [-0.08, -0.04, 0.04, 0.08] {
        let value = good([start; 4]);
        if value > best.1 {
            best = ([start; 4], value);
        }
    }
    for step in [0.04f32, 0.02, 0.01, 0.005] {
        let mut better = true;
        while better {
            better = false;
            for (side, move_by) in (0..4).flat_map(|side| [(side, step), (side, -step)]) {
                let mut cut = best.0;
                cut[side] = (cut[side] + move_by).clamp(-MOST_CUT, MOST_CUT);
                let value = good(cut);
                if value > best.1 + 1e-5 {
                    (best, better) = ((cut, value), true);
                }
            }
        }
    }
    best.0
}

/// The correlation of a tile, moved as it is best, in the given direction; `None` for a plain one.
fn tile(one: &[f32], other: &[f32], left: usize, top: usize, sign: f32) -> Option<f32> {
    let moved = |dx: isize, dy: isize| {
        let there = move |at: usize, by: isize| at.checked_add_signed(by).filter(|at| *at < SIDE);
        let points = (0..TILE * TILE).map(move |at| (left + at % TILE, top + at / TILE));
        compared(
            points.filter_map(move |(x, y)| Some((one[y * SIDE + x], other[there(y, dy)? * SIDE + there(x, dx)?]))),
        )
    };
    let (_, here, there) = moved(0, 0);
    if here < PLAIN && there < PLAIN {
        return None;
    }
    let shifts = (-SHIFT..=SHIFT).flat_map(|dy| (-SHIFT..=SHIFT).map(move |dx| (dx, dy)));
    Some(shifts.map(|(dx, dy)| moved(dx, dy).0 * sign).fold(-1.0, f32::max))
}

/// Which share of the tiles of two pictures are alike; `None` if too few have anything in them.
pub(crate) fn share_alike(one: &Canvas, other: &Canvas) -> Option<f32> {
    let cut = aligned(&Gray::new(one, COARSE), &Gray::new(other, COARSE));
    let (one, other) = laid(&Gray::new(one, SIDE), &Gray::new(other, SIDE), cut);
    let sign = compared(one.iter().copied().zip(other.iter().copied())).0.signum();
    let places = (0..SIDE / TILE).flat_map(|y| (0..SIDE / TILE).map(move |x| (x * TILE, y * TILE)));
    let tiles: Vec<f32> = places.filter_map(|(left, top)| tile(&one, &other, left, top, sign)).collect();
    let alike = tiles.iter().filter(|correlation| **correlation >= ALIKE).count();
    (tiles.len() >= LEAST).then(|| alike as f32 / tiles.len() as f32)
}

/// Whether two pictures are forms of one.
pub(crate) fn are_forms(share: Option<f32>) -> bool {
    share.is_some_and(|share| share >= SHARE)
}
