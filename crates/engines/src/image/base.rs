//! The sample base: which of the known pictures a picture is.
//!
//! Multi-index hashing: the first 64 bits of a hash are cut into [`BANDS`] pieces of 16 bits, and each piece
//! has a table of who has it. Two hashes that differ in up to 11 of the 64 bits differ in up to
//! two in one piece, so looking up every piece that differs in up to two bits finds them. What is found so is
//! compared as a whole, and the nearest [`MAX_LOOKED`] get a second look ([`super::sketch`]), which decides. A look-up
//! costs a fixed number of steps, what the tables hold at them, at most [`MAX_CANDIDATES`], and those looks.

use mail::evidence::{COPY_BYTES, Picture, View};

use super::hash::distance;
use super::sketch::{Sketch, are_one};

/// Pieces of the first 64 bits.
const BANDS: usize = 4;
/// Values of a piece.
const VALUES: usize = 1 << 16;
/// Most that is compared as a whole for one view.
const MAX_CANDIDATES: usize = 20_000;
/// Most known pictures that are looked at a second time for one that is seen.
const MAX_LOOKED: usize = 6;
/// Most bits in which brightness or edges may differ for a second look.
const WORTH_A_LOOK: u32 = 70;
/// Bits of a hash.
const BITS: u32 = 255;
/// Most bits in which brightness may differ where hashes decide alone, as do all limits below.
const NEAR_LUMA: u32 = 46;
/// Most bits in which edges may differ.
const NEAR_EDGE: u32 = 46;
/// Where brightness is near, edges may not be further apart than this: a glow, a disk and a star have one brightness.
/// Different pictures have 76 and more, recoloured ones 69 at most.
const FAR_EDGE: u32 = 72;
/// Where edges are near, brightness may not be further apart than this, of the picture or of its negative.
const FAR_LUMA: u32 = 85;
/// But edges so near do alone: colours may have been exchanged.
const CLOSE_EDGE: u32 = 30;

/// A picture that is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Its number in the store.
    pub id: i64,
    /// Whether it is one of spam; else it is one that must not be taken for spam.
    pub spam: bool,
    /// What it looks like.
    pub views: Vec<View>,
    /// Its small copy; empty or shorter if it was learnt before there were copies as they are now: then hashes decide alone.
    pub copy: Vec<u8>,
}

/// A known picture that was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Match {
    /// In how many bits of 255 they differ, in brightness or in edges, whichever are fewer.
    pub distance: u32,
    /// Whether it is one of spam.
    pub spam: bool,
    /// Its number in the store.
    pub id: i64,
}

/// A known picture without its views.
#[derive(Debug)]
struct Sample {
    id: i64,
    spam: bool,
    copy: Vec<u8>,
}

/// A known picture that may be the one that is seen.
struct Candidate {
    distance: u32,
    /// Hashes alone would say so.
    near: bool,
    sample: u32,
}

/// One piece's table: for each value, where in `views` its owners begin.
#[derive(Debug, Default)]
struct Table {
    starts: Vec<u32>,
    views: Vec<u32>,
}

/// The known pictures, ready for looking up.
#[derive(Debug, Default)]
pub struct Base {
    views: Vec<(u32, View)>,
    samples: Vec<Sample>,
    luma: Vec<Table>,
    edge: Vec<Table>,
}

/// The pieces of a hash.
fn pieces(hash: &[u64; 4]) -> impl Iterator<Item = usize> {
    let first = hash.first().copied().unwrap_or(0);
    (0..BANDS as u32)
        .map(move |band| usize::from((first.checked_shr(band.saturating_mul(16)).unwrap_or(0) & 0xffff) as u16))
}

impl Table {
    /// Sorts the views by the value of their piece.
    fn new(values: &[usize]) -> Self {
        let mut starts = vec![0u32; VALUES.saturating_add(1)];
        for value in values {
            if let Some(count) = starts.get_mut(value.saturating_add(1)) {
                *count = count.saturating_add(1);
            }
        }
        let mut sum = 0u32;
        for count in &mut starts {
            sum = sum.saturating_add(*count);
            *count = sum;
        }
        let mut next = starts.clone();
        let mut views = vec![0u32; values.len()];
        for (view, value) in values.iter().enumerate() {
            let Some(place) = next.get_mut(*value) else { continue };
            if let (Some(slot), Ok(view)) = (views.get_mut(*place as usize), u32::try_from(view)) {
                *slot = view;
            }
            *place = place.saturating_add(1);
        }
        Self { starts, views }
    }

    /// Who has this value.
    fn owners(&self, value: usize) -> &[u32] {
        let from = self.starts.get(value).copied().unwrap_or(0) as usize;
        let to = self.starts.get(value.saturating_add(1)).copied().unwrap_or(0) as usize;
        self.views.get(from..to).unwrap_or_default()
    }
}

impl Base {
    /// A base of these pictures.
    pub fn new(known: Vec<Known>) -> Self {
        let (mut samples, mut views) = (Vec::new(), Vec::new());
        for (at, known) in (0u32..).zip(known) {
            views.extend(known.views.into_iter().map(|view| (at, view)));
            // A copy of another size cannot be compared, and only takes room.
            let copy = if known.copy.len() == COPY_BYTES { known.copy } else { Vec::new() };
            samples.push(Sample { id: known.id, spam: known.spam, copy });
        }
        let tables = |pick: fn(&View) -> &[u64; 4]| -> Vec<Table> {
            let values: Vec<Vec<usize>> = views.iter().map(|(_, view)| pieces(pick(view)).collect()).collect();
            let band = |band: usize| -> Vec<usize> {
                values.iter().map(|pieces| pieces.get(band).copied().unwrap_or(0)).collect()
            };
            (0..BANDS).map(|at| Table::new(&band(at))).collect()
        };
        let (luma, edge) = (tables(|view| &view.luma), tables(|view| &view.edge));
        Self { views, samples, luma, edge }
    }

    /// How many pictures it has.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The known picture that this one is, the nearest if there are several; between two that are equally near, the one
    /// that is not spam.
    pub fn nearest(&self, picture: &Picture) -> Option<Match> {
        self.found(picture).next()
    }

    /// The known pictures that this one is, nearest first, of the [`MAX_LOOKED`] whose hashes are nearest.
    pub fn all_near(&self, picture: &Picture) -> Vec<Match> {
        self.found(picture).collect()
    }

    fn found(&self, picture: &Picture) -> impl Iterator<Item = Match> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for view in picture.views.iter().filter(|_| !self.views.is_empty()) {
            self.probe(&self.luma, &view.luma, view, &mut candidates);
            self.probe(&self.edge, &view.edge, view, &mut candidates);
        }
        let known = |it: Candidate| {
            let sample = self.samples.get(it.sample as usize)?;
            // Without a copy nothing more is known than what hashes say.
            (it.near || !sample.copy.is_empty() && !picture.copy.is_empty()).then_some((
                Match { distance: it.distance, spam: sample.spam, id: sample.id },
                it.near,
                sample,
            ))
        };
        let mut worth: Vec<(Match, bool, &Sample)> = candidates.into_iter().filter_map(known).collect();
        worth.sort_by_key(|(found, ..)| *found);
        worth.truncate(MAX_LOOKED);
        let seen = if worth.is_empty() { None } else { Sketch::read(&picture.copy) };
        let one = move |(found, near, sample): (Match, bool, &Sample)| {
            let known = seen.as_ref().and_then(|seen| Some((seen, Sketch::read(&sample.copy)?)));
            known.map_or(near, |(seen, known)| are_one(seen, &known)).then_some(found)
        };
        worth.into_iter().filter_map(one)
    }

    /// Compares with those that have a piece of this hash of the view.
    fn probe(&self, tables: &[Table], hash: &[u64; 4], seen: &View, found: &mut Vec<Candidate>) {
        let mut compared = 0usize;
        for (table, piece) in tables.iter().zip(pieces(hash)) {
            for value in neighbours(piece) {
                for owner in table.owners(value) {
                    compared = compared.saturating_add(1);
                    if compared > MAX_CANDIDATES {
                        return;
                    }
                    let Some((sample, view)) = self.views.get(*owner as usize) else { continue };
                    let (luma, edge) = (distance(&seen.luma, &view.luma), distance(&seen.edge, &view.edge));
                    let (distance, near) = (luma.min(edge), are_near(luma, edge));
                    if !near && distance > WORTH_A_LOOK {
                        continue;
                    }
                    match found.iter_mut().find(|known| known.sample == *sample) {
                        Some(known) => {
                            known.distance = known.distance.min(distance);
                            known.near |= near;
                        }
                        None => found.push(Candidate { distance, near, sample: *sample }),
                    }
                }
            }
        }
    }
}

/// Whether views of which the hashes differ in so many bits are of one picture, as far as hashes can say. What one
/// says, the other may not speak against.
fn are_near(luma: u32, edge: u32) -> bool {
    let either = luma.min(BITS.saturating_sub(luma));
    let by_luma = luma <= NEAR_LUMA && edge <= FAR_EDGE;
    by_luma || edge <= CLOSE_EDGE || (edge <= NEAR_EDGE && either <= FAR_LUMA)
}

/// The values that differ from one in up to two bits, itself first.
fn neighbours(value: usize) -> impl Iterator<Item = usize> {
    let bit = |at: u32| 1usize.checked_shl(at).unwrap_or(0);
    let ones = (0..16).map(bit);
    let twos = (0..16).flat_map(move |one| (0..one).map(move |two| bit(one) | bit(two)));
    std::iter::once(0).chain(ones).chain(twos).map(move |mask| value ^ mask)
}
