//! The second look: whether two pictures whose hashes are near are one picture.
//!
//! Of each picture a small copy is kept: brightness in [`COPY_SIDE`] by [`COPY_SIDE`] cells, colour in a third of that along
//! each side. Two copies are laid over each other as they fit best ([`super::overlay`]), since one may be cropped or framed;
//! then the brightness of one is explained from the colours of the other, by the best polynomial there is (recoloured
//! pictures, negatives and gray ones keep it, others do not). Only differences between near cells count: what two pages,
//! two portraits or two icons have in common is mostly coarse.
//!
//! How much must be explained depends on the picture. Stripes, crosses, disks and frames explain each other well, and their
//! own mirror images just as well: what the mirror images of a known picture explain of it says nothing. And one large
//! outline is most of what there is in some pictures: what else there is must be explained for itself
//! ([`super::detail`]). Limits: a fixed number of steps, each of at most [`COPY_SIDE`] squared cells.

use mail::evidence::{COPY_BYTES, COPY_SIDE};

use super::detail;
use super::overlay::{Place, aligned, other_way, told_cells, unexplained};
use super::plane::{Plane, Rect, WHOLE};

/// Cells of a side of the colours of a copy.
const COARSE: usize = COPY_SIDE / EACH;
/// Cells of brightness to one of colour, along a side.
const EACH: usize = 3;
/// Bytes of the rectangle inside of a plain border.
const RECT: usize = 4;
/// Channels of a cell: brightness, two colours, and the square of the first.
pub(super) const CHANNELS: usize = 4;
/// Cells on each side of one that are near it.
const NEAR: usize = 3;
/// Most that may not be explained of what differs between near cells; of changed pictures it is less, with few
/// exceptions.
const MOST_LEFT: f32 = 0.2;
/// Most that may not be explained in parts of what the picture's own mirror images leave of it.
const MOST_OF_OWN: f32 = 0.3;
/// Least that the mirror images of a picture that is learnt leave of it.
const LEAST_OWN: f32 = 0.2;
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

/// What is known of a cell.
pub(super) type Cell = [f32; CHANNELS];

/// A copy, ready for looking.
pub(super) struct Sketch {
    /// As it is.
    pub(super) whole: Vec<Cell>,
    /// Without what near cells have in common.
    pub(super) fine: Vec<Cell>,
    pub(super) inner: Rect,
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
pub(super) fn at(cells: &[Cell], [x, y]: [f32; 2]) -> Cell {
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

/// Whether a copy has enough in it to be told from others.
pub(super) fn has_detail(copy: &[u8]) -> bool {
    Sketch::read(copy).is_some_and(|sketch| detail::is_enough(&sketch.fine) && own(&sketch) >= LEAST_OWN)
}

/// A picture turned so that rows are columns (4), right is left (1), below is above (2), or several of these.
fn mirrored(cells: &[Cell], how: usize) -> Vec<Cell> {
    let last = COPY_SIDE.saturating_sub(1);
    let from = |at: usize| {
        let (x, y) = (at % COPY_SIDE, at / COPY_SIDE);
        let (x, y) = if how & 4 == 0 { (x, y) } else { (y, x) };
        let x = if how & 1 == 0 { x } else { last.saturating_sub(x) };
        let y = if how & 2 == 0 { y } else { last.saturating_sub(y) };
        cells.get(y.saturating_mul(COPY_SIDE).saturating_add(x)).copied().unwrap_or_default()
    };
    (0..cells.len()).map(from).collect()
}

/// What is a picture's own: the least part of it that one of its mirror images does not explain.
fn own(sketch: &Sketch) -> f32 {
    let left = |how: usize| {
        let cells = told_cells(&sketch.fine, &mirrored(&sketch.fine, how), [0.0, 0.0, 1.0, 1.0]);
        unexplained(cells.into_iter().flatten())
    };
    (1..8).map(left).fold(1.0, f32::min)
}

/// Whether two pictures are one: each explains nearly all that differs between near cells of the other, in every tile and
/// far better than a mirror image does, and so it is with what is left when all that is straight is taken away.
pub(super) fn are_one(seen: &Sketch, known: &Sketch) -> bool {
    let Some(place) = aligned(seen, known) else { return false };
    let Some(there) = left_of(seen, known, place) else { return false };
    // What the known one has and the seen one has not, nothing of the seen one can say.
    let Some(back) = left_of(known, seen, other_way(place)) else { return false };
    there.max(back) <= MOST_OF_OWN * own(known)
}

/// What a picture leaves unexplained of another that lies on it so; `None` if that is too much, of all or of a part.
fn left_of(seen: &Sketch, known: &Sketch, place: Place) -> Option<f32> {
    let cells = told_cells(&seen.fine, &known.fine, place);
    let left = unexplained(cells.iter().copied().flatten());
    let enough = left <= MOST_LEFT && detail::are_tiles_alike(&cells) && detail::is_uneven_explained(&cells);
    enough.then_some(left)
}
