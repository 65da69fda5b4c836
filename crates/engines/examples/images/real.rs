//! How well known pictures are found again among real ones: those of a folder, learnt, changed and compared.
//!
//! Which pictures are near-duplicates of each other is found out in another way than by what is measured: two are if
//! small copies of them correlate by [`SAME`]. They are learnt and counted as others only once; what became of the
//! rest is told apart. Pictures of one folder that were not told apart so (frames of one figure, dialogs of one program)
//! are told apart from those of different folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engines::image::{Base, Decoded, Known, NotDecoded, Views, decode, describe};
use mail::evidence::{Picture, View};

use super::changes::CHANGES;
use super::smaller;
use super::variants::{Canvas, Dice};

/// Two pictures whose small copies correlate by so much are near-duplicates.
const SAME: f32 = 0.95;
/// Cells of a side of a small copy.
const CELLS: usize = 12;
/// Most different pictures that are taken from one folder below the one that is given.
const MOST_OF_FOLDER: usize = 800;
/// Least side, in pixels: smaller ones are never learnt.
const SIDE: u32 = engines::image::MIN_SIDE;

/// A picture of the folder.
struct Real {
    path: PathBuf,
    seen: Picture,
    small: Vec<f32>,
    /// Which half it is of: thresholds were chosen on the first.
    second: bool,
}

/// What was found in the folder.
#[derive(Default)]
struct Found {
    different: Vec<Real>,
    /// Near-duplicates of one of them.
    alike: Vec<Real>,
    passed: BTreeMap<&'static str, usize>,
}

/// Measures with `learn` pictures of each half of a folder.
pub(crate) fn measure(dir: &Path, learn: usize, thresholds: bool) {
    let found = read(dir);
    println!("{} different pictures, {} near-duplicates of them", found.different.len(), found.alike.len());
    let passed: Vec<String> = found.passed.iter().map(|(why, count)| format!("{count} {why}")).collect();
    println!("passed over: {}", passed.join(", "));
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for real in &found.different {
        *folders.entry(top(dir, &real.path)).or_default() += 1;
    }
    let folders: Vec<String> = folders.iter().map(|(name, count)| format!("{} {count}", name.display())).collect();
    println!("from: {}", folders.join(", "));
    for second in [false, true] {
        println!("\n== {} half", if second { "second" } else { "first" });
        let half: Vec<&Real> = found.different.iter().filter(|real| real.second == second).collect();
        let alike: Vec<&Real> = found.alike.iter().filter(|real| real.second == second).collect();
        let (learnt, others) = half.split_at(learn.min(half.len() / 2));
        one_half(dir, learnt, others, &alike, thresholds);
    }
}

/// The folder below `dir` in which a file is.
fn top(dir: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(dir).unwrap_or(path).components().take(1).collect()
}

/// A number for a path, the same at every run.
fn number(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    Dice(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
        .next()
}

fn read(dir: &Path) -> Found {
    let mut files = super::files_in(dir);
    files.sort_by_key(|path| number(path.strip_prefix(dir).unwrap_or(path)));
    let mut found = Found::default();
    let mut taken: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in files {
        let of_folder = taken.entry(top(dir, &path)).or_default();
        if *of_folder >= MOST_OF_FOLDER {
            *found.passed.entry("more of one folder than are taken").or_default() += 1;
            continue;
        }
        let why = match look(dir, path) {
            Ok(real) if is_alike(&found.different, &real.small) => {
                found.alike.push(real);
                continue;
            }
            Ok(real) => {
                *of_folder += 1;
                found.different.push(real);
                continue;
            }
            Err(why) => why,
        };
        *found.passed.entry(why).or_default() += 1;
    }
    found
}

fn is_alike(known: &[Real], small: &[f32]) -> bool {
    known.iter().any(|real| correlation(&real.small, small) >= SAME)
}

fn look(dir: &Path, path: PathBuf) -> Result<Real, &'static str> {
    let frame = first_frame(&path)?;
    if frame.width < SIDE || frame.height < SIDE {
        return Err("too small");
    }
    let seen = describe(&frame, Views::Few).ok_or("too plain")?;
    let second = number(path.strip_prefix(dir).unwrap_or(&path)) >> 63 == 1;
    Ok(Real { seen, small: small(&smaller(&frame)), second, path })
}

fn first_frame(path: &Path) -> Result<Decoded, &'static str> {
    let bytes = std::fs::read(path).map_err(|_| "not read")?;
    let frames = decode(&bytes).map_err(|why| match why {
        NotDecoded::Format => "of another format",
        NotDecoded::TooLarge => "too large",
        NotDecoded::Damaged => "damaged",
    })?;
    frames.into_iter().next().ok_or("damaged")
}

/// A small copy, its values around zero and of length one together.
fn small(canvas: &Canvas) -> Vec<f32> {
    // In two steps: one look of four by four for each cell would pass over most of a large picture.
    let copy = canvas.resized(CELLS * 4, CELLS * 4).resized(CELLS, CELLS);
    let values = copy.pixels.as_flattened();
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let length = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>().sqrt().max(1e-3);
    values.iter().map(|v| (v - mean) / length).collect()
}

fn correlation(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums that the processor makes at once.
    let mut sums = [0.0f32; 8];
    for (a, b) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for at in 0..8 {
            sums[at] += a[at] * b[at];
        }
    }
    sums.iter().sum()
}

/// How far the nearest of these views is, by brightness and by edges.
fn apart(seen: &[View], known: &[View]) -> [u32; 2] {
    let bits = |one: &[u64; 4], other: &[u64; 4]| one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum();
    let mut least = [256u32; 2];
    for (one, other) in seen.iter().flat_map(|one| known.iter().map(move |other| (one, other))) {
        least[0] = least[0].min(bits(&one.luma, &other.luma));
        least[1] = least[1].min(bits(&one.edge, &other.edge));
    }
    least
}

/// Shares found, in all and for each change.
#[derive(Default)]
struct Tally(BTreeMap<String, (usize, usize)>);

impl Tally {
    fn add(&mut self, key: String, hit: bool) {
        let row = self.0.entry(key).or_default();
        *row = (row.0 + usize::from(hit), row.1 + 1);
    }
}

fn one_half(dir: &Path, learnt: &[&Real], others: &[&Real], alike: &[&Real], thresholds: bool) {
    let mut known: Vec<Known> = Vec::new();
    for (id, real) in learnt.iter().enumerate() {
        let views = first_frame(&real.path).ok().and_then(|frame| describe(&frame, Views::All));
        known.extend(views.map(|it| Known { id: id as i64, spam: true, views: it.views }));
    }
    let base = Base::new(known.clone());
    println!("{} learnt", base.len());
    let (mut tally, mut far) = (Tally::default(), Vec::new());
    let mut dice = Dice(11);
    for known in &known {
        let Ok(frame) = first_frame(&learnt[known.id as usize].path) else { continue };
        let canvas = smaller(&frame);
        for (group, name, change) in CHANGES {
            let changed = change(&canvas, &mut dice);
            if changed.width < SIDE || changed.height < SIDE {
                continue;
            }
            let seen = describe(&changed, Views::Few);
            let hit = seen.as_ref().is_some_and(|it| base.nearest(it).is_some());
            let own = seen.as_ref().map_or([256; 2], |it| apart(&it.views, &known.views));
            far.push(own);
            for key in [format!("{group}, {name}"), format!("{group} (all)"), "ALL".to_owned()] {
                tally.add(key, hit);
            }
        }
    }
    for (name, (hit, all)) in &tally.0 {
        println!("{:>6.2} %  {hit:>5} of {all:>5}  {name}", *hit as f64 * 100.0 / *all as f64);
    }
    hits(dir, &base, learnt, others, "other pictures", true);
    hits(dir, &base, learnt, alike, "near-duplicates (of any picture)", false);
    if thresholds {
        show_thresholds(&known, &far, others);
    }
}

fn hits(dir: &Path, base: &Base, learnt: &[&Real], looked: &[&Real], what: &str, name: bool) {
    let (mut near, mut of_folder, mut time) = (0, 0, Duration::ZERO);
    for real in looked {
        let start = Instant::now();
        let hit = base.nearest(&real.seen);
        time += start.elapsed();
        let Some(hit) = hit else { continue };
        let like = learnt[hit.id as usize];
        near += 1;
        let same = real.path.parent() == like.path.parent();
        of_folder += usize::from(same);
        if name {
            let short = |path: &Path| path.strip_prefix(dir).unwrap_or(path).display().to_string();
            let folder = if same { "same folder" } else { "elsewhere" };
            println!("near by {}, {folder}: {}\t{}", hit.distance, short(&real.path), short(&like.path));
        }
    }
    let each = time.as_secs_f64() * 1000.0 / looked.len().max(1) as f64;
    println!(
        "{near} of {} {what} taken for known ones, {of_folder} of them for one of the same folder; {each:.3} ms each",
        looked.len()
    );
}

/// What other limits would find, rightly and wrongly.
fn show_thresholds(known: &[Known], far: &[[u32; 2]], others: &[&Real]) {
    let all: Vec<View> = known.iter().flat_map(|known| known.views.iter().cloned()).collect();
    let wrong: Vec<[u32; 2]> = others.iter().map(|real| apart(&real.seen.views, &all)).collect();
    println!("limit: changed found by brightness, by edges, by either; others by brightness, by edges");
    for limit in (26..=78).step_by(4) {
        let share = |is: &dyn Fn(&[u32; 2]) -> bool| {
            far.iter().filter(|it| is(it)).count() as f64 * 100.0 / far.len().max(1) as f64
        };
        let count = |at: usize| wrong.iter().filter(|it| it[at] <= limit).count();
        let (luma, edge) = (share(&|it| it[0] <= limit), share(&|it| it[1] <= limit));
        let either = share(&|it| it[0] <= limit || it[1] <= limit);
        println!("{limit:>4}: {luma:.2} % {edge:.2} % {either:.2} %; {} {}", count(0), count(1));
    }
}
