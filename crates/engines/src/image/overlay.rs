//! How one picture lies over another, and what the one explains of the other: the geometry of the second look.
//!
//! One may be cropped, framed or stretched, so the sides of the place are looked for one after the other, in larger steps
//! first, and the best is refined by the slopes of what is explained. At each place the brightness of the seen picture is
//! explained from the colours of the known one by least squares. Limits: a fixed number of steps, each of at most
//! [`COPY_SIDE`] squared cells.

use mail::evidence::COPY_SIDE;

use super::plane::{Rect, WHOLE};
use super::sketch::{CHANNELS, Cell, Sketch, at};

/// What brightness is explained from: a constant and the channels.
const TERMS: usize = CHANNELS + 1;
/// The furthest that one side of a picture may lie outside of where it is first laid, in parts of its width or height.
const MOST_CUT: f32 = 0.14;
/// Ways to lay two copies over each other that are followed up.
const STARTS: usize = 3;
/// Most rounds of each step.
const ROUNDS: usize = 4;
/// Least part of the cells in which both have something.
const LEAST_COMMON: f32 = 0.2;
/// What near cells have in common cannot be said so close to a border, of the picture or of a frame.
const EDGE: f32 = 4.0 / COPY_SIDE as f32;
/// Where so much is explained, no other way to lay them over each other is looked for.
const ENOUGH: f32 = 0.9;
/// Least part that is explained at a place that is worth refining.
const WORTH_REFINING: f32 = 0.3;
/// Steps by which it is refined.
const REFINED: usize = 3;
/// The furthest that one of them goes, in parts of width or height.
const MOST_STEP: f32 = 0.02;

/// One cell in both.
#[derive(Clone, Copy)]
struct Pair {
    seen: f32,
    terms: [f32; TERMS],
    /// Where it lies in the seen picture, in parts of its width and height.
    here: [f32; 2],
    /// Where it lies in the known one, in cells.
    there: [f32; 2],
}

/// Which part of the known picture the seen one shows.
pub(super) type Place = [f32; 4];

/// The cells of both that are laid over each other, and how near to a border they are left out.
type Layer<'a> = (&'a [Cell], &'a [Cell], f32);

/// The cells of the seen picture that lie on the known one, every `each`th: `None` where there is nothing to compare.
fn laid<'a>(
    seen: &'a [Cell],
    known: &'a [Cell],
    [left, top, right, bottom]: Place,
    each: usize,
    edge: f32,
) -> impl Iterator<Item = Option<Pair>> + 'a {
    let side = COPY_SIDE as f32;
    let rows = seen.chunks(COPY_SIDE).enumerate().step_by(each.max(1));
    rows.flat_map(move |(row, cells)| {
        let y = top + (bottom - top) * (row as f32 + 0.5) / side;
        cells.iter().enumerate().step_by(each.max(1)).map(move |(column, [brightness, ..])| {
            let x = left + (right - left) * (column as f32 + 0.5) / side;
            let here = [(column as f32 + 0.5) / side, (row as f32 + 0.5) / side];
            let there = [x * side - 0.5, y * side - 0.5];
            let inside = here.iter().chain(&[x, y]).all(|at| (edge..=1.0 - edge).contains(at));
            inside.then(|| {
                let [a, b, c, d] = at(known, there);
                Pair { seen: *brightness, terms: [1.0, a, b, c, d], here, there }
            })
        })
    })
}

/// The factors of the terms that explain what is seen best.
fn explained(pairs: &[Option<Pair>]) -> [f32; TERMS] {
    let mut sums = [[0.0f32; TERMS]; TERMS];
    let mut right = [0.0f32; TERMS];
    for pair in pairs.iter().flatten() {
        for ((row, sum), one) in sums.iter_mut().zip(&mut right).zip(pair.terms) {
            *sum += one * pair.seen;
            for (cell, other) in row.iter_mut().zip(pair.terms) {
                *cell += one * other;
            }
        }
    }
    // A little on the diagonal: a gray picture has no colours to explain from.
    for (at, row) in sums.iter_mut().enumerate() {
        if let Some(own) = row.get_mut(at) {
            *own += 0.05;
        }
    }
    solved(sums, right)
}

/// The solution of linear equations of which the matrix is symmetric and positive.
fn solved<const N: usize>(mut rows: [[f32; N]; N], mut right: [f32; N]) -> [f32; N] {
    let value = |rows: &[[f32; N]; N], row: usize, column: usize| {
        rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0.0)
    };
    for at in 0..N {
        let (pivot, own) = (rows.get(at).copied().unwrap_or([0.0; N]), right.get(at).copied().unwrap_or(0.0));
        let by = value(&rows, at, at).max(1e-9);
        for ((row, sum), _) in rows.iter_mut().zip(&mut right).zip(0..).filter(|(_, other)| *other != at) {
            let factor = row.get(at).copied().unwrap_or(0.0) / by;
            row.iter_mut().zip(pivot).for_each(|(cell, pivot)| *cell -= pivot * factor);
            *sum -= own * factor;
        }
    }
    let mut out = [0.0; N];
    for (at, (out, right)) in out.iter_mut().zip(right).enumerate() {
        *out = right / value(&rows, at, at).max(1e-9);
    }
    out
}

fn told(factors: &[f32; TERMS], pair: &Pair) -> f32 {
    factors.iter().zip(pair.terms).map(|(factor, term)| factor * term).sum()
}

/// Which part of what varies in the first of each two values the second does not explain, from 0 to 1.
pub(super) fn unexplained(values: impl Iterator<Item = (f32, f32)>) -> f32 {
    let (mut count, mut sum, mut squares, mut left) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for (seen, told) in values {
        let off = seen - told;
        (count, sum, squares, left) = (count + 1.0, sum + seen, squares + seen * seen, left + off * off);
    }
    let all = squares - sum * sum / count.max(1.0);
    (left / all.max(1e-4)).min(1.0)
}

fn good((seen, known, edge): Layer, place: Place, each: usize) -> f32 {
    let pairs: Vec<Option<Pair>> = laid(seen, known, place, each, edge).collect();
    let common = pairs.iter().flatten().count();
    if (common as f32) < LEAST_COMMON * pairs.len() as f32 {
        return 0.0;
    }
    let factors = explained(&pairs);
    1.0 - unexplained(pairs.iter().flatten().map(|pair| (pair.seen, told(&factors, pair))))
}

/// Where in the known picture the seen one lies, if this part of the one is that part of the other.
fn place(seen: Rect, known: Rect) -> Place {
    let along = |from: f32, to: f32, low: f32, high: f32| {
        let scale = (high - low) / (to - from).max(0.1);
        let start = low - from * scale;
        (start, start + scale)
    };
    let (left, right) = along(seen.left, seen.right, known.left, known.right);
    let (top, bottom) = along(seen.top, seen.bottom, known.top, known.bottom);
    [left, top, right, bottom]
}

/// How a place may change: one side, to one direction, or larger and smaller.
const MOVES: [[f32; 4]; 8] = [
    [1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 0.0, 1.0],
    [1.0, 0.0, 1.0, 0.0],
    [0.0, 1.0, 0.0, 1.0],
    [1.0, 0.0, -1.0, 0.0],
    [0.0, 1.0, 0.0, -1.0],
];

/// Better places near one, by steps of this width.
fn nearer(layer: Layer, start: Place, from: Place, step: f32, each: usize) -> (Place, f32) {
    let mut best = (from, good(layer, from, each));
    for _ in 0..ROUNDS {
        let before = best.1;
        for by in MOVES.iter().flat_map(|change| [step, -step].map(|step| change.map(|part| part * step))) {
            let mut next = best.0;
            for ((side, by), start) in next.iter_mut().zip(by).zip(start) {
                *side = (*side + by).clamp(start - MOST_CUT, start + MOST_CUT);
            }
            let value = good(layer, next, each);
            if value > best.1 {
                best = (next, value);
            }
        }
        if best.1 <= before {
            break;
        }
    }
    best
}

/// What the factors make of each cell of the known picture.
fn predicted(known: &[Cell], factors: &[f32; TERMS]) -> Vec<f32> {
    let [constant, factors @ ..] = factors;
    known.iter().map(|cell| cell.iter().zip(factors).fold(*constant, |sum, (value, by)| sum + value * by)).collect()
}

/// A value between cells by the curve through four of them each way (Catmull and Rom): unlike the mean of the nearest
/// two, it does not blur.
fn between(cells: &[f32], [x, y]: [f32; 2]) -> f32 {
    let weights = |t: f32| {
        let (t2, t3) = (t * t, t * t * t);
        [t2 - 0.5 * (t + t3), 1.0 - 2.5 * t2 + 1.5 * t3, 0.5 * t + 2.0 * t2 - 1.5 * t3, 0.5 * (t3 - t2)]
    };
    let line = |at: f32| (at.floor() as isize).saturating_sub(1);
    let most = COPY_SIDE.saturating_sub(1);
    let inside = |at: isize| usize::try_from(at).unwrap_or(0).min(most);
    let mut sum = 0.0;
    for (row, down) in (line(y)..).zip(weights(y - y.floor())) {
        let start = inside(row).saturating_mul(COPY_SIDE);
        for (column, across) in (line(x)..).zip(weights(x - x.floor())) {
            sum += cells.get(start.saturating_add(inside(column))).copied().unwrap_or(0.0) * down * across;
        }
    }
    sum
}

/// A value between cells, by the mean of the nearest two each way.
fn mean_at(cells: &[f32], [x, y]: [f32; 2]) -> f32 {
    let most = COPY_SIDE.saturating_sub(1);
    let (x, y) = (x.clamp(0.0, most as f32), y.clamp(0.0, most as f32));
    let (left, top) = (x as usize, y as usize);
    let value = |x: usize, y: usize| cells.get(y.saturating_mul(COPY_SIDE).saturating_add(x)).copied().unwrap_or(0.0);
    let (right, below) = (left.saturating_add(1).min(most), top.saturating_add(1).min(most));
    let (dx, dy) = (x - left as f32, y - top as f32);
    let line = |y: usize| value(left, y) * (1.0 - dx) + value(right, y) * dx;
    line(top) * (1.0 - dy) + line(below) * dy
}

/// A better place near one, by one step of Gauss and Newton.
fn stepped((seen, known, edge): Layer, start: Place, from: Place) -> Place {
    let pairs: Vec<Option<Pair>> = laid(seen, known, from, 1, edge).collect();
    let image = predicted(known, &explained(&pairs));
    let mut sums = [[0.0f32; 4]; 4];
    let mut right = [0.0f32; 4];
    for Pair { seen, here: [u, v], there: [x, y], .. } in pairs.iter().flatten() {
        let look = |x: f32, y: f32| mean_at(&image, [x, y]);
        let (across, down) = (look(x + 0.5, *y) - look(x - 0.5, *y), look(*x, y + 0.5) - look(*x, y - 0.5));
        let off = seen - look(*x, *y);
        let slopes = [across * (1.0 - u), down * (1.0 - v), across * u, down * v];
        for ((row, sum), one) in sums.iter_mut().zip(&mut right).zip(slopes) {
            *sum += one * off;
            row.iter_mut().zip(slopes).for_each(|(cell, other)| *cell += one * other);
        }
    }
    // A little on the diagonal: stripes do not say where they lie along themselves.
    let trace: f32 = sums.iter().enumerate().filter_map(|(at, row)| row.get(at)).sum();
    for (at, row) in sums.iter_mut().enumerate() {
        if let Some(own) = row.get_mut(at) {
            *own += trace * 1e-3 + 1e-6;
        }
    }
    let mut next = from;
    for ((side, by), start) in next.iter_mut().zip(solved(sums, right)).zip(start) {
        let by = (by / COPY_SIDE as f32).clamp(-MOST_STEP, MOST_STEP);
        *side = (*side + by).clamp(start - MOST_CUT, start + MOST_CUT);
    }
    next
}

/// How one picture lies over another best; `None` where they have too little in common to look closer.
pub(super) fn aligned(seen: &Sketch, known: &Sketch) -> Option<Place> {
    let whole: Layer = (&seen.whole, &known.whole, 0.0);
    let fine: Layer = (&seen.fine, &known.fine, EDGE);
    let cut = |by: f32| Rect { left: by, top: by, right: 1.0 - by, bottom: 1.0 - by };
    let known_parts = [WHOLE, known.inner, cut(0.04), cut(0.08)];
    let parts = [WHOLE, seen.inner].into_iter().flat_map(|one| known_parts.map(|it| place(one, it)));
    let mut starts: Vec<(Place, f32)> = parts.map(|at| (at, good(whole, at, 6))).collect();
    starts.sort_by(|one, other| other.1.total_cmp(&one.1));
    starts.dedup_by(|one, other| one.0 == other.0);
    let mut best = ([0.0; 4], -1.0);
    for (start, _) in starts.into_iter().take(STARTS) {
        let mut at = start;
        for (step, each) in [(0.04, 6), (0.02, 3)] {
            at = nearer(whole, start, at, step, each).0;
        }
        let found = refined(fine, start, nearer(fine, start, at, 0.01, 3));
        if found.1 > best.1 {
            best = found;
        }
        if best.1 > ENOUGH {
            break;
        }
    }
    (best.1 >= WORTH_REFINING).then_some(best.0)
}

/// A better place near one where something is explained already.
fn refined(fine: Layer, start: Place, from: (Place, f32)) -> (Place, f32) {
    if from.1 < WORTH_REFINING {
        return from;
    }
    let (mut at, mut best) = (from.0, (from.0, good(fine, from.0, 1)));
    for _ in 0..REFINED {
        at = stepped(fine, start, at);
        let value = good(fine, at, 1);
        if value > best.1 {
            best = (at, value);
        }
    }
    best
}

/// Which part of the seen picture the known one shows, if the seen one shows this part of it.
pub(super) fn other_way([left, top, right, bottom]: Place) -> Place {
    let along = |low: f32, high: f32| {
        let scale = 1.0 / (high - low).max(0.1);
        (-low * scale, (1.0 - low) * scale)
    };
    let ((x1, x2), (y1, y2)) = (along(left, right), along(top, bottom));
    [x1, y1, x2, y2]
}

/// What is seen in a cell, and what another picture explains there; `None` where there is nothing to compare.
pub(super) type Told = Option<(f32, f32)>;

/// What is seen in each cell, and what the known picture explains there, laid over it so.
pub(super) fn told_cells(seen: &[Cell], known: &[Cell], place: Place) -> Vec<Told> {
    let pairs: Vec<Option<Pair>> = laid(seen, known, place, 1, EDGE).collect();
    let image = predicted(known, &explained(&pairs));
    pairs.into_iter().map(|pair| pair.map(|pair| (pair.seen, between(&image, pair.there)))).collect()
}
