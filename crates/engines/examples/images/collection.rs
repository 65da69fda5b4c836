//! The real pictures of a folder, as they are measured with: which are taken, and which half each is of.
//!
//! What is taken is decided by names and sizes, and by the bytes of pixels that are equal, never by what is measured. Of
//! files of one folder whose names differ in digits only (frames of an animation, steps of a figure) one is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use engines::image::{Decoded, NotDecoded, Views, decode, describe, probe};
use mail::evidence::Picture;

use super::variants::Dice;

/// Most pictures of each half that are taken from one folder below the one that is given.
const MOST_OF_FOLDER: usize = 400;
/// Least side, in pixels: smaller ones are never learnt.
pub(crate) const SIDE: u32 = engines::image::MIN_SIDE;

/// A picture of the folder.
pub(crate) struct Real {
    pub(crate) path: PathBuf,
    pub(crate) seen: Picture,
    /// Which half it is of: limits were chosen on the first.
    pub(crate) second: bool,
    pixels: u64,
}

/// What was found in the folder.
#[derive(Default)]
pub(crate) struct Collection {
    pub(crate) pictures: Vec<Real>,
    pub(crate) passed: BTreeMap<&'static str, usize>,
    pub(crate) folders: BTreeMap<PathBuf, usize>,
}

/// A number for a path, the same at every run.
fn number(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    Dice(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
        .next()
}

/// Reads the folder, in an order that has nothing to do with its own.
pub(crate) fn read(dir: &Path) -> Collection {
    let inside = |path: &Path| path.strip_prefix(dir).unwrap_or(path).to_owned();
    let mut files = super::files_in(dir);
    files.sort_by_key(|path| number(&inside(path)));
    let mut found = Collection::default();
    let (mut taken, mut series) = (BTreeMap::<(PathBuf, bool), usize>::new(), BTreeSet::new());
    let mut chosen = Vec::new();
    for path in files {
        let second = number(&inside(&path)) >> 63 == 1;
        let folder: PathBuf = inside(&path).components().take(1).collect();
        let of_folder = taken.entry((folder, second)).or_default();
        let name: String = path.to_string_lossy().chars().filter(|c| !c.is_ascii_digit()).collect();
        let why = match header(&path) {
            Err(why) => why,
            Ok(()) if series.contains(&name) => "of a series of which one was taken",
            Ok(()) if *of_folder >= MOST_OF_FOLDER => "more of one folder than are taken",
            Ok(()) => {
                *of_folder += 1;
                series.insert(name);
                chosen.push((path, second));
                continue;
            }
        };
        *found.passed.entry(why).or_default() += 1;
    }
    let mut pixels = BTreeSet::new();
    for looked in in_parallel(&chosen, |(path, second)| look(path, *second)) {
        let why = match looked {
            Ok(real) if pixels.insert(real.pixels) => {
                let folder = inside(&real.path).components().take(1).collect();
                *found.folders.entry(folder).or_default() += 1;
                found.pictures.push(real);
                continue;
            }
            Ok(_) => "the same pixels as another",
            Err(why) => why,
        };
        *found.passed.entry(why).or_default() += 1;
    }
    found
}

/// Does the same with each, on two threads; results in the order of what is given.
pub(crate) fn in_parallel<T: Sync, R: Send>(all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (first, second) = all.split_at(all.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| second.iter().map(&each).collect::<Vec<R>>());
        let mut results: Vec<R> = first.iter().map(&each).collect();
        results.extend(other.join().expect("the thread ends"));
        results
    })
}

fn why(not: NotDecoded) -> &'static str {
    match not {
        NotDecoded::Format => "of another format",
        NotDecoded::TooLarge => "too large",
        NotDecoded::Damaged => "damaged",
    }
}

fn header(path: &Path) -> Result<(), &'static str> {
    let bytes = std::fs::read(path).map_err(|_| "not read")?;
    let (width, height) = probe(&bytes).map_err(why)?.size();
    if width < SIDE || height < SIDE { Err("too small") } else { Ok(()) }
}

/// The first picture of a file.
pub(crate) fn first_frame(path: &Path) -> Result<Decoded, &'static str> {
    let bytes = std::fs::read(path).map_err(|_| "not read")?;
    decode(&bytes).map_err(why)?.into_iter().next().ok_or("damaged")
}

fn look(path: &Path, second: bool) -> Result<Real, &'static str> {
    let frame = first_frame(path)?;
    let seen = describe(&frame, Views::Few).ok_or("too plain")?;
    let mut hasher = DefaultHasher::new();
    (frame.width, frame.height, &frame.samples).hash(&mut hasher);
    Ok(Real { seen, second, pixels: hasher.finish(), path: path.to_owned() })
}
