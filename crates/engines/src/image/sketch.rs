//! The second look: whether two pictures whose hashes are near are one picture.
//!
//! Of each picture a small copy is kept: brightness in [`COPY_SIDE`] by [`COPY_SIDE`] cells, colour in a quarter of that. Two
//! copies are laid over each other as they fit best, since one may be cropped or framed; then the brightness of one is
//! explained from the colours of the other, by the best polynomial there is (recoloured pictures, negatives and gray ones
//! keep it, others do not). Only differences between near cells count: what two pages, two portraits or two icons have
//! in common is mostly coarse. Limits: a fixed number of steps, each of at most [`COPY_SIDE`] squared cells.

use mail::evidence::{COPY_BYTES, COPY_SIDE};

use super::plane::{Plane, Rect, WHOLE};

/// Cells of a side of the colours of a copy.
const COARSE: usize = 16;
/// Cells of brightness to one of colour, along a side.
const EACH: usize = COPY_SIDE / COARSE;
/// Bytes of the rectangle inside of a plain border.
const RECT: usize = 4;
/// Channels of a cell: brightness, two colours, and the square of the first.
const CHANNELS: usize = 4;
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
/// Cells on each side of one that are near it.
const NEAR: usize = 3;
/// What near cells have in common cannot be said so close to a border, of the picture or of a frame.
const EDGE: f32 = 4.0 / COPY_SIDE as f32;
/// What compression and noise may do to a cell, in parts of 128 steps of brightness.
const NOISE: f32 = 0.02;
/// Fewest cells of a tile that both must have.
const LEAST_OF_TILE: f32 = 24.0;
/// Where so much is explained, no other way to lay them over each other is looked for.
const ENOUGH: f32 = 0.9;
/// Cells of a side of a tile.
const TILE: usize = 8;
/// Fewest tiles of a picture that is learnt that have more than noise in them.
const LEAST_TILES: usize = 6;
/// Least part of what differs between near cells that must be explained; changed pictures have 0.78 and more, with few
/// exceptions.
const LEAST_EXPLAINED: f32 = 0.7;
/// Most that may not be explained of what is in a tile.
const MOST_UNEXPLAINED: f32 = 0.35;
/// Tiles of which more may not be.
const UNLIKE_TILES: usize = 1;
/// A tile with less in it than this part of the mean is faint.
const FAINT: f32 = 0.6;

/// The copy that is kept of a picture: brightness, two colours, and where its plain border ends.
pub(super) fn copy(plane: &Plane) -> Vec<u8> {
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let fine = plane.part(WHOLE, COPY_SIDE);
    let coarse = plane.part(WHOLE, COARSE);
    let inner = plane.without_border().unwrap_or(WHOLE);
    let mut out: Vec<u8> = [inner.left, inner.top, inner.right, inner.bottom].map(|part| byte(part * 255.0)).to_vec();
    out.extend(fine.brightness().into_iter().map(byte));
    for channel in [2, 0] {
        let colors = coarse.cells().iter().zip(coarse.brightness());
        out.extend(colors.map(|(cell, light)| byte((cell.get(channel).unwrap_or(&light) - light) * 0.5 + 128.0)));
    }
    out
}

type Cell = [f32; CHANNELS];

/// A copy, ready for looking.
pub(super) struct Sketch {
    /// As it is.
    whole: Vec<Cell>,
    /// Without what near cells have in common.
    fine: Vec<Cell>,
    inner: Rect,
}

impl Sketch {
    /// Reads a copy; `None` if it is none.
    pub(super) fn read(copy: &[u8]) -> Option<Self> {
        let (rect, rest) = copy.split_at_checked(RECT).filter(|_| copy.len() == COPY_BYTES)?;
        let (light, colors) = rest.split_at_checked(COPY_SIDE.saturating_mul(COPY_SIDE))?;
        let (one, other) = colors.split_at_checked(COARSE.saturating_mul(COARSE))?;
        let color = |of: &[u8], at: usize| {
            let (x, y) = (at % COPY_SIDE / EACH, at / COPY_SIDE / EACH);
            f32::from(of.get(y.saturating_mul(COARSE).saturating_add(x)).copied().unwrap_or(128)) / 128.0 - 1.0
        };
        let cell = |(at, value): (usize, &u8)| {
            let light = f32::from(*value) / 128.0 - 1.0;
            [light, color(one, at), color(other, at), light * light]
        };
        let part = |at: usize| f32::from(rect.get(at).copied().unwrap_or(0)) / 255.0;
        let inner = Rect { left: part(0), top: part(1), right: part(2), bottom: part(3) };
        let whole: Vec<Cell> = light.iter().enumerate().map(cell).collect();
        let smooth = near(&whole, &[1.0, 2.0, 1.0]);
        let means = near(&whole, &[1.0; NEAR * 2 + 1]);
        let fine = smooth.iter().zip(&means).map(|(cell, mean)| less(*cell, mean)).collect();
        Some(Self { fine, whole, inner })
    }
}

/// What is left of a cell.
fn less(mut cell: Cell, mean: &Cell) -> Cell {
    cell.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
    cell
}

/// The mean of each cell and of those near it, by these weights of an odd number, along both ways.
fn near(cells: &[Cell], weights: &[f32]) -> Vec<Cell> {
    // Rows become columns: twice is both ways.
    let along = |cells: &[Cell]| -> Vec<Cell> {
        let mut out = vec![Cell::default(); cells.len()];
        let before = weights.len() / 2;
        for (y, row) in cells.chunks(COPY_SIDE).enumerate() {
            for x in 0..row.len() {
                let (mut sum, mut all) = (Cell::default(), 0.0f32);
                // The first weights lie outside of the row at its start.
                let weights = weights.iter().skip(before.saturating_sub(x));
                for (cell, weight) in row.iter().skip(x.saturating_sub(before)).zip(weights) {
                    sum.iter_mut().zip(cell).for_each(|(sum, value)| *sum += value * weight);
                    all += weight;
                }
                if let Some(out) = out.get_mut(x.saturating_mul(COPY_SIDE).saturating_add(y)) {
                    *out = sum.map(|value| value / all.max(1e-6));
                }
            }
        }
        out
    };
    along(&along(cells))
}

/// The channels at a place, between cells; places are in cells.
fn at(cells: &[Cell], x: f32, y: f32) -> Cell {
    let most = COPY_SIDE.saturating_sub(1);
    let (x, y) = (x.clamp(0.0, most as f32), y.clamp(0.0, most as f32));
    let (left, top) = (x as usize, y as usize);
    let (right, below) = (left.saturating_add(1).min(most), top.saturating_add(1).min(most));
    let cell =
        |x: usize, y: usize| cells.get(y.saturating_mul(COPY_SIDE).saturating_add(x)).copied().unwrap_or_default();
    let (dx, dy) = (x - left as f32, y - top as f32);
    let mix = |mut a: Cell, b: Cell, by: f32| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += (b - *a) * by);
        a
    };
    mix(mix(cell(left, top), cell(right, top), dx), mix(cell(left, below), cell(right, below), dx), dy)
}

/// One cell in both.
#[derive(Clone, Copy)]
struct Pair {
    seen: f32,
    terms: [f32; TERMS],
}

/// Which part of the known picture the seen one shows.
type Place = [f32; 4];

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
            let here = ((row as f32 + 0.5) / side, (column as f32 + 0.5) / side);
            let inside = [x, y, here.0, here.1].iter().all(|at| (edge..=1.0 - edge).contains(at));
            inside.then(|| {
                let [a, b, c, d] = at(known, x * side - 0.5, y * side - 0.5);
                Pair { seen: *brightness, terms: [1.0, a, b, c, d] }
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
fn solved(mut rows: [[f32; TERMS]; TERMS], mut right: [f32; TERMS]) -> [f32; TERMS] {
    let value = |rows: &[[f32; TERMS]; TERMS], row: usize, column: usize| {
        rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0.0)
    };
    for at in 0..TERMS {
        let (pivot, own) = (rows.get(at).copied().unwrap_or_default(), right.get(at).copied().unwrap_or(0.0));
        let by = value(&rows, at, at).max(1e-6);
        for ((row, sum), _) in rows.iter_mut().zip(&mut right).zip(0..).filter(|(_, other)| *other != at) {
            let factor = row.get(at).copied().unwrap_or(0.0) / by;
            row.iter_mut().zip(pivot).for_each(|(cell, pivot)| *cell -= pivot * factor);
            *sum -= own * factor;
        }
    }
    let mut out = [0.0; TERMS];
    for (at, (out, right)) in out.iter_mut().zip(right).enumerate() {
        *out = right / value(&rows, at, at).max(1e-6);
    }
    out
}

fn told(factors: &[f32; TERMS], pair: &Pair) -> f32 {
    factors.iter().zip(pair.terms).map(|(factor, term)| factor * term).sum()
}

/// Which part of what varies is explained.
fn share(pairs: &[Option<Pair>], factors: &[f32; TERMS]) -> f32 {
    let (mut count, mut sum, mut squares, mut left) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for pair in pairs.iter().flatten() {
        let off = pair.seen - told(factors, pair);
        (count, sum, squares, left) = (count + 1.0, sum + pair.seen, squares + pair.seen * pair.seen, left + off * off);
    }
    let all = squares - sum * sum / count.max(1.0);
    (1.0 - left / all.max(1e-4)).max(0.0)
}

fn good((seen, known, edge): Layer, place: Place, each: usize) -> f32 {
    let pairs: Vec<Option<Pair>> = laid(seen, known, place, each, edge).collect();
    let common = pairs.iter().flatten().count();
    if (common as f32) < LEAST_COMMON * pairs.len() as f32 {
        return 0.0;
    }
    share(&pairs, &explained(&pairs))
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

/// How one picture lies over another best.
fn aligned(seen: &Sketch, known: &Sketch) -> Place {
    let whole: Layer = (&seen.whole, &known.whole, 0.0);
    let fine: Layer = (&seen.fine, &known.fine, EDGE);
    let cut = |by: f32| Rect { left: by, top: by, right: 1.0 - by, bottom: 1.0 - by };
    let known_parts = [WHOLE, known.inner, cut(0.04), cut(0.08)];
    let parts = [WHOLE, seen.inner].into_iter().flat_map(|one| known_parts.map(|it| place(one, it)));
    let mut starts: Vec<(Place, f32)> = parts.map(|at| (at, good(whole, at, 4))).collect();
    starts.sort_by(|one, other| other.1.total_cmp(&one.1));
    starts.dedup_by(|one, other| one.0 == other.0);
    let mut best = ([0.0, 0.0, 1.0, 1.0], -1.0);
    for (start, _) in starts.into_iter().take(STARTS) {
        let mut at = start;
        for (step, each) in [(0.04, 4), (0.02, 2)] {
            at = nearer(whole, start, at, step, each).0;
        }
        let found = nearer(fine, start, at, 0.01, 2);
        if found.1 > best.1 {
            best = found;
        }
        if best.1 > ENOUGH {
            break;
        }
    }
    let at = nearer(fine, best.0, best.0, 0.005, 2).0;
    nearer(fine, at, at, 0.0025, 1).0
}

/// Values of the cells of each tile that has at least [`LEAST_OF_TILE`] of them, summed up.
fn by_tile<const N: usize>(cells: impl Iterator<Item = Option<[f32; N]>>) -> Vec<([f32; N], f32)> {
    let across = COPY_SIDE / TILE;
    let mut tiles = vec![([0.0f32; N], 0.0f32); across.saturating_mul(across)];
    for (at, values) in cells.enumerate() {
        let (row, column) = (at / COPY_SIDE / TILE, at % COPY_SIDE / TILE);
        if let (Some(values), Some((sums, count))) =
            (values, tiles.get_mut(row.saturating_mul(across).saturating_add(column)))
        {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            *count += 1.0;
        }
    }
    tiles.retain(|(_, count)| *count >= LEAST_OF_TILE);
    tiles
}

/// Whether what varies in a tile is more than noise.
fn is_lively(energy: f32, count: f32) -> bool {
    energy > 2.0 * count * NOISE * NOISE
}

/// Whether a copy has enough in it to be told from others.
pub(super) fn has_detail(copy: &[u8]) -> bool {
    let Some(sketch) = Sketch::read(copy) else { return false };
    let tiles = by_tile(sketch.fine.iter().map(|[light, ..]| Some([light * light])));
    tiles.into_iter().filter(|([energy], count)| is_lively(*energy, *count)).count() >= LEAST_TILES
}

/// Whether two pictures are one: nearly all that differs between near cells of the one is explained by the other, and
/// so it is in every tile but one.
pub(super) fn are_one(seen: &Sketch, known: &Sketch) -> bool {
    let place = aligned(seen, known);
    let pairs: Vec<Option<Pair>> = laid(&seen.fine, &known.fine, place, 1, EDGE).collect();
    let factors = explained(&pairs);
    if share(&pairs, &factors) < LEAST_EXPLAINED {
        return false;
    }
    let values = |pair: &Option<Pair>| {
        let (seen, told) = pair.map(|pair| (pair.seen, told(&factors, &pair)))?;
        Some([seen * seen, told * told, (seen - told).powi(2)])
    };
    let mut tiles: Vec<(f32, f32)> = Vec::new();
    for ([seen, told, off], count) in by_tile(pairs.iter().map(values)) {
        let energy = seen.max(told);
        if is_lively(energy, count) {
            tiles.push(((off / count - NOISE * NOISE).max(0.0), energy / count));
        }
    }
    let mean = tiles.iter().map(|(_, energy)| energy).sum::<f32>() / tiles.len().max(1) as f32;
    // What is faint beside the rest is compared as if it were not.
    let unlike = |(off, energy): &(f32, f32)| off / energy.max(FAINT * mean).max(1e-9) > MOST_UNEXPLAINED;
    tiles.iter().filter(|tile| unlike(tile)).count() <= UNLIKE_TILES
}
