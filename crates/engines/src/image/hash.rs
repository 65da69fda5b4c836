//! Perceptual hashes: the signs of the low frequencies of brightness, and of edges.
//!
//! Both are DCT hashes of 16 by 16 frequencies. The first 64 bits are the lowest 8 by 8, by which an index
//! finds candidates; the constant term has no sign and is 0. Brightness tells pictures apart best; edges stay
//! the same when colours are exchanged.

use std::sync::LazyLock;

use mail::evidence::View;

use super::plane::{Plane, Rect};

/// Cells of a side of what is transformed.
const CELLS: usize = 32;
/// Frequencies of a side.
const LOW: usize = 16;
/// A frequency weaker than this is noise; in mean steps of brightness (0 to 255).
const FLOOR: f32 = 0.35;
/// Fewest frequencies above that, in either hash, of what is learnt: what has less is too plain to be told from others.
pub(super) const LEAST_LEARNT: usize = 80;
/// Fewest of what is looked up: a known picture may have become darker, or pale.
pub(super) const LEAST_SEEN: usize = 60;

/// The cosine of each frequency at each cell.
static WAVES: LazyLock<Vec<Vec<f32>>> = LazyLock::new(|| {
    let wave = |k: usize, x: usize| {
        let angle = std::f32::consts::PI * k as f32 * (2.0 * x as f32 + 1.0) / (2.0 * CELLS as f32);
        angle.cos()
    };
    (0..LOW).map(|k| (0..CELLS).map(|x| wave(k, x)).collect()).collect()
});

/// The description of a part of a picture; `None` if it has fewer than `least` frequencies above noise.
pub(super) fn view(plane: &Plane, rect: Rect, least: usize) -> Option<View> {
    let part = plane.part(rect, CELLS.saturating_mul(2));
    let (luma, strong) = hash(&halved(&part.brightness()));
    let (edge, strong_edges) = hash(&halved(&part.edges()));
    (strong >= least && strong_edges >= least).then_some(View { luma, edge })
}

/// Mean values of two by two cells.
fn halved(values: &[f32]) -> Vec<f32> {
    let wide = CELLS.saturating_mul(2);
    let mut out = Vec::new();
    for rows in values.chunks(wide.saturating_mul(2)) {
        let (upper, lower) = rows.split_at_checked(wide).unwrap_or((rows, &[]));
        for (a, b) in upper.chunks(2).zip(lower.chunks(2)) {
            out.push(a.iter().chain(b).sum::<f32>() / 4.0);
        }
    }
    out
}

/// The lowest frequencies of each line.
fn transform(lines: &[Vec<f32>], table: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let one = |line: &Vec<f32>| {
        let frequency = |waves: &Vec<f32>| line.iter().zip(waves).map(|(value, wave)| value * wave).sum::<f32>();
        table.iter().map(frequency).collect()
    };
    lines.iter().map(one).collect()
}

/// Rows become columns.
fn turned(lines: &[Vec<f32>], wide: usize) -> Vec<Vec<f32>> {
    (0..wide).map(|x| lines.iter().map(|line| line.get(x).copied().unwrap_or(0.0)).collect()).collect()
}

/// The hash of `CELLS` by `CELLS` values, and how many frequencies are more than noise.
fn hash(values: &[f32]) -> ([u64; 4], usize) {
    let lines: Vec<Vec<f32>> = values.chunks(CELLS).map(<[f32]>::to_vec).collect();
    let across = transform(&lines, &WAVES);
    let both = transform(&turned(&across, LOW), &WAVES);
    let scale = 1.0 / CELLS as f32;
    let (mut words, mut strong) = ([0u64; 4], 0usize);
    let mut filled = [0u32; 4];
    for (v, column) in turned(&both, LOW).into_iter().enumerate() {
        for (u, value) in column.into_iter().enumerate() {
            let constant = u == 0 && v == 0;
            let word = if u < LOW / 2 && v < LOW / 2 {
                0
            } else if v < LOW / 2 {
                1
            } else if u < LOW / 2 {
                2
            } else {
                3
            };
            let (Some(word), Some(at)) = (words.get_mut(word), filled.get_mut(word)) else { continue };
            let bit = u64::from(!constant && value > 0.0);
            *word |= bit.checked_shl(*at).unwrap_or(0);
            *at = at.saturating_add(1);
            strong = strong.saturating_add(usize::from(!constant && (value * scale).abs() > FLOOR));
        }
    }
    (words, strong)
}

/// In how many bits two hashes differ.
pub(super) fn distance(one: &[u64; 4], other: &[u64; 4]) -> u32 {
    one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum()
}
