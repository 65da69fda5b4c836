//! What there is in a picture beside its strongest outlines, and whether all of it is explained.
//!
//! A window, a card or a plot is one large rectangle, and by far the most that differs between its near cells is that: two
//! of them explain each other well, whatever is in them. So what is explained is looked at tile by tile, and once more
//! without all that goes on straight along its row or its column. And a picture of one outline, whatever its shape, cannot
//! be told from another: what is learnt has corners, places at which the picture changes in more than one direction
//! (Shi and Tomasi, "Good Features to Track", 1994). Limits: a fixed number of passes over [`COPY_SIDE`] squared cells.

use mail::evidence::COPY_SIDE;

use super::overlay::Told;
use super::sketch::Cell;

/// What compression and noise may do to a cell, in parts of 128 steps of brightness.
const NOISE: f32 = 0.02;
/// Cells of a side of a tile.
const TILE: usize = 8;
/// Fewest cells of a tile that both must have.
const LEAST_OF_TILE: f32 = 32.0;
/// What varies in a tile is more than noise by this factor.
const LIVELY: f32 = 2.0;
/// And by this one where it lasts when there are few colours left.
const STRONG: f32 = 10.0;
/// Fewest strong tiles of a picture that is learnt.
const LEAST_STRONG: usize = 20;
/// Fewest tiles with more than noise in them that are compared.
const LEAST_LIVELY: usize = 10;
/// Most that may not be explained of what is in a tile, or of the mean of all tiles where it has less.
const MOST_OF_TILE: f32 = 0.5;
/// Cells on each side of one, along its row or its column, over which a line or an edge is straight.
const STRAIGHT: usize = 8;
/// Most that may not be explained of what is not straight.
const MOST_OF_UNEVEN: f32 = 0.25;
/// Fewest tiles with a corner of a picture that is learnt.
const LEAST_CORNERS: usize = 6;
/// What changes at a corner from cell to cell in the direction of the least change, to the other, is at least this part of
/// it.
const CORNER: f32 = 0.1;

/// Values of the cells of each tile, summed up, and how many cells it has.
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
    tiles
}

/// Whether what varies in a tile is so many times noise.
fn is_more(energy: f32, count: f32, times: f32) -> bool {
    energy > times * count * NOISE * NOISE
}

/// What is seen, what is told of it and what is left, squared.
fn squares((seen, told): (f32, f32)) -> [f32; 3] {
    [seen * seen, told * told, (seen - told).powi(2)]
}

/// Whether what is seen in each tile is explained.
pub(super) fn are_tiles_alike(cells: &[Told]) -> bool {
    let mut tiles: Vec<(f32, f32)> = Vec::new();
    for ([seen, told, off], count) in by_tile(cells.iter().map(|cell| cell.map(squares))) {
        let energy = seen.max(told);
        if count >= LEAST_OF_TILE && is_more(energy, count, LIVELY) {
            tiles.push(((off / count - NOISE * NOISE).max(0.0), energy / count));
        }
    }
    let mean = tiles.iter().map(|(_, energy)| energy).sum::<f32>() / tiles.len().max(1) as f32;
    // What is faint beside the rest is compared as if it were not.
    let alike = |(off, energy): &(f32, f32)| *off <= MOST_OF_TILE * energy.max(mean);
    tiles.len() >= LEAST_LIVELY && tiles.iter().all(alike)
}

/// Whether what is not straight is explained.
pub(super) fn is_uneven_explained(cells: &[Told]) -> bool {
    let cells = uneven(cells);
    let [seen, told, off] = cells.into_iter().flatten().map(squares).fold([0.0f32; 3], |mut sums, values| {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        sums
    });
    off <= MOST_OF_UNEVEN * seen.max(told)
}

/// What is left without what the cells near one in its row, and then those in its column, have in common.
fn uneven(cells: &[Told]) -> Vec<Told> {
    // Rows become columns: twice is both ways.
    let along = |cells: &[Told]| -> Vec<Told> {
        let mut out = vec![None; cells.len()];
        for (y, row) in cells.chunks(COPY_SIDE).enumerate() {
            for (x, cell) in row.iter().enumerate() {
                let Some((seen, told)) = *cell else { continue };
                let from = x.saturating_sub(STRAIGHT);
                let near = row.iter().take(x.saturating_add(STRAIGHT).saturating_add(1)).skip(from).flatten();
                let (mut sums, mut count) = ((0.0f32, 0.0f32), 0.0f32);
                for (seen, told) in near {
                    (sums, count) = ((sums.0 + seen, sums.1 + told), count + 1.0);
                }
                if let Some(out) = out.get_mut(x.saturating_mul(COPY_SIDE).saturating_add(y)) {
                    *out = Some((seen - sums.0 / count.max(1.0), told - sums.1 / count.max(1.0)));
                }
            }
        }
        out
    };
    along(&along(cells))
}

/// Whether there is enough in a picture to be told from others: strong tiles, and corners.
pub(super) fn is_enough(fine: &[Cell]) -> bool {
    let tiles = by_tile(fine.iter().map(|[light, ..]| Some([light * light])));
    let strong = tiles.into_iter().filter(|([energy], count)| is_more(*energy, *count, STRONG)).count();
    let corners = by_tile(slopes(fine)).into_iter().filter(is_corner).count();
    strong >= LEAST_STRONG && corners >= LEAST_CORNERS
}

/// How brightness changes at each cell: the products of its changes to the right and down.
fn slopes(fine: &[Cell]) -> impl Iterator<Item = Option<[f32; 3]>> {
    let light = |at: Option<usize>| at.and_then(|at| fine.get(at)).map(|[light, ..]| *light);
    (0..fine.len()).map(move |at| {
        let inside = (1..COPY_SIDE.saturating_sub(1)).contains(&(at % COPY_SIDE));
        let change = |by: usize| Some((light(at.checked_add(by))? - light(at.checked_sub(by))?) / 2.0);
        let (across, down) = (change(1).filter(|_| inside)?, change(COPY_SIDE)?);
        Some([across * across, down * down, across * down])
    })
}

/// Whether a tile changes in more than one direction, and by more than noise.
fn is_corner(([across, down, both], count): &([f32; 3], f32)) -> bool {
    let (mean, apart) = ((across + down) / 2.0, ((across - down) / 2.0).hypot(*both));
    let (least, most) = (mean - apart, mean + apart);
    is_more(least, *count, 1.0) && least > CORNER * most
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: usize = COPY_SIDE * COPY_SIDE;

    /// One or minus one for each cell, alike in no two rows or columns.
    fn grain(seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { 1.0 } else { -1.0 }
        };
        (0..CELLS).map(next).collect()
    }

    #[test]
    fn half_of_what_is_in_a_tile_may_be_left_and_no_more() {
        for (left, expected) in [(0.48f32, true), (0.52, false)] {
            let mut cells: Vec<Told> = grain(1).iter().map(|value| Some((value * 0.5, value * 0.5))).collect();
            let tile = (0..CELLS).filter(|at| at % COPY_SIDE / TILE == 5 && at / COPY_SIDE / TILE == 7);
            tile.for_each(|at| cells[at] = cells[at].map(|(seen, _)| (seen, seen * (1.0 - left.sqrt()))));
            assert_eq!(are_tiles_alike(&cells), expected, "{left}");
        }
    }

    #[test]
    fn a_quarter_of_what_is_not_straight_may_be_left_and_no_more() {
        let (one, other) = (grain(1), grain(2));
        for (share, expected) in [(0.23f32, true), (0.27, false)] {
            let by = (share / (1.0 - share)).sqrt();
            let told = |(seen, other): (&f32, &f32)| Some((*seen, seen + other * by));
            let mut cells: Vec<Told> = one.iter().zip(&other).map(told).collect();
            assert_eq!(is_uneven_explained(&cells), expected, "{share}");
            // However strong an outline is that is explained.
            let rows = (0..CELLS).filter(|at| at / COPY_SIDE == 20);
            for at in rows.chain((0..CELLS).filter(|at| at % COPY_SIDE == 40)) {
                cells[at] = cells[at].map(|(seen, told)| (seen + 30.0, told + 30.0));
            }
            assert_eq!(is_uneven_explained(&cells), expected, "{share}, in an outline");
        }
    }

    #[test]
    fn what_goes_on_for_seventeen_cells_is_straight_and_what_ends_before_is_not() {
        let line = |length: usize| {
            let on =
                |at: usize| at / COPY_SIDE == 48 && (48 - length / 2..=48 + length / 2).contains(&(at % COPY_SIDE));
            let cells: Vec<Told> = (0..CELLS).map(|at| Some((if on(at) { 1.0 } else { 0.0 }, 0.0))).collect();
            uneven(&cells)[48 * COPY_SIDE + 48].unwrap().0.abs()
        };
        assert!(line(17) < 1e-6, "{}", line(17));
        assert!(line(15) > 0.05, "{}", line(15));
    }

    /// Stripes of this strength above and of that below, and so strong ones across them in some tiles below.
    fn striped(upper: f32, lower: f32, across: f32, tiles: usize) -> Vec<Cell> {
        let wave = |at: usize| if at % 4 < 2 { 1.0 } else { -1.0 };
        let cell = |at: usize| {
            let (x, y) = (at % COPY_SIDE, at / COPY_SIDE);
            let tile = (y / TILE).checked_sub(7).map(|row| row * (COPY_SIDE / TILE) + x / TILE);
            let by = upper + (lower - upper) * (y as f32 / 16.0 - 2.5).clamp(0.0, 1.0);
            // Tiles next to each other would make corners of one another's ends.
            let is_crossed = tile.is_some_and(|tile| tile % 2 == 0 && tile / 2 < tiles);
            let inside = (1..TILE - 1).contains(&(x % TILE)) && (1..TILE - 1).contains(&(y % TILE));
            let down = if is_crossed && inside { wave(y) * across } else { 0.0 };
            [wave(x) * by + down, 0.0, 0.0, 0.0]
        };
        (0..CELLS).map(cell).collect()
    }

    #[test]
    fn what_changes_in_one_direction_only_is_not_learnt() {
        let cases = [
            ("six corners", striped(0.2, 0.2, 0.2, 6), true),
            ("five corners", striped(0.2, 0.2, 0.2, 5), false),
            ("none", striped(0.2, 0.2, 0.0, 6), false),
            ("corners as faint as noise", striped(0.2, 0.035, 0.028, 6), false),
            ("faint corners", striped(0.2, 0.035, 0.032, 6), true),
            ("corners faint beside what they are on", striped(0.2, 0.2, 0.05, 6), false),
            ("nothing strong", striped(0.035, 0.035, 0.035, 12), false),
        ];
        for (what, cells, expected) in cases {
            assert_eq!(is_enough(&cells), expected, "{what}");
        }
    }
}
