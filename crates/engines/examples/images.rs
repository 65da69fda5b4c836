//! Measures how well known pictures are found again, for `cargo xtask evaluate images`.
//!
//! With `--pictures FOLDER` real ones, those below the folder: see `images/real.rs`; `--learn N` of each half of them
//! (400), `--thresholds` shows what other limits would find, `--forms` which pictures were found that are forms of a learnt one. Otherwise learns pictures, half of them made here and half
//! found in the mail below the folders that are given as arguments; looks for variants of each, and for other pictures of
//! both sources. Prints figures.

#[path = "images/changes.rs"]
mod changes;
#[path = "images/collection.rs"]
mod collection;
#[path = "images/forms.rs"]
mod forms;
#[path = "images/real.rs"]
mod real;
#[path = "images/variants.rs"]
mod variants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use engines::image::{Base, Decoded, Known, Views, decode, describe};
use variants::{Canvas, Dice, picture, variants};

/// Pictures that are learnt, of each source.
const LEARNT: usize = 200;
/// Real pictures that are learnt, of each half.
const LEARNT_REAL: usize = 400;
/// Pictures made here that are not learnt.
const OTHERS: u64 = 5_000;
/// Longest side of what variants are made of: larger pictures only take longer.
const MOST: usize = 500;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    if let Some(dir) = value("--pictures") {
        let learn = value("--learn").and_then(|number| number.parse().ok()).unwrap_or(LEARNT_REAL);
        let has = |name: &str| words.iter().any(|word| word == name);
        let shown = real::Shown { thresholds: has("--thresholds"), forms: has("--forms") };
        return real::measure(Path::new(dir), learn, shown);
    }
    let found: Vec<Canvas> = words.iter().flat_map(|dir| pictures_in(Path::new(dir))).collect();
    println!("{} different pictures found in mail", found.len());
    let made: Vec<Canvas> = (0..LEARNT as u64).map(|n| picture(n + 1_000_000)).collect();
    let (learnt, rest) = found.split_at(found.len().min(LEARNT).min(found.len() / 2));
    let mut known = Vec::new();
    for canvas in made.iter().chain(learnt) {
        if let Some(it) = describe(&canvas.decoded(), Views::All) {
            known.push(Known { id: known.len() as i64, spam: true, views: it.views, copy: it.copy });
        }
    }
    let plain = made.len() + learnt.len() - known.len();
    println!("{} learnt, {plain} too plain or too small", known.len());
    let base = Base::new(known.clone());
    let mut tally: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut dice = Dice(7);
    for (canvas, source) in made.iter().map(|c| (c, "made")).chain(learnt.iter().map(|c| (c, "found"))) {
        if describe(&canvas.decoded(), Views::All).is_none() {
            continue;
        }
        for (name, variant) in variants(canvas, &mut dice) {
            let hit = describe(&variant.decoded(), Views::Few).is_some_and(|it| base.nearest(&it).is_some());
            for key in [name, source, "ALL"] {
                let row = tally.entry(key).or_default();
                row.0 += usize::from(hit);
                row.1 += 1;
            }
        }
    }
    for (name, (hit, all)) in &tally {
        println!("{:>6.2} %  {hit:>5} of {all:>5}  {name}", *hit as f64 * 100.0 / *all as f64);
    }
    others(&base, rest);
}

fn others(base: &Base, rest: &[Canvas]) {
    let (mut wrong, mut looked, mut nearest) = (0, 0, u32::MAX);
    let (mut describing, mut asking) = (std::time::Duration::ZERO, std::time::Duration::ZERO);
    let mut one = |canvas: &Canvas, what: String| {
        let decoded = canvas.decoded();
        let start = Instant::now();
        let Some(it) = describe(&decoded, Views::Few) else { return };
        describing += start.elapsed();
        let start = Instant::now();
        let hit = base.nearest(&it);
        asking += start.elapsed();
        looked += 1;
        if let Some(hit) = hit {
            wrong += 1;
            nearest = nearest.min(hit.distance);
            println!("wrong: {what} is near {} by {}", hit.id, hit.distance);
        }
    };
    for number in 0..OTHERS {
        one(&picture(number), format!("made {number}"));
    }
    for (at, canvas) in rest.iter().enumerate() {
        one(canvas, format!("found {at}, {} by {}", canvas.width, canvas.height));
    }
    println!("{wrong} of {looked} other pictures taken for known ones");
    let each = |all: std::time::Duration| all.as_secs_f64() * 1000.0 / f64::from(looked.max(1));
    println!("{:.2} ms for describing a decoded picture, {:.3} ms for looking it up", each(describing), each(asking));
}

/// All files below a folder, sorted.
fn files_in(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The different pictures in the mail of a folder.
fn pictures_in(dir: &Path) -> Vec<Canvas> {
    let files = files_in(dir);
    let mut seen: Vec<Known> = Vec::new();
    let mut found = Vec::new();
    for file in files {
        let Ok(raw) = std::fs::read(&file) else { continue };
        for bytes in pictures_of(raw) {
            let Some(frame) = decode(&bytes).ok().and_then(|frames| frames.into_iter().next()) else { continue };
            let Some(it) = describe(&frame, Views::Few) else { continue };
            // The same picture in several messages is one picture.
            if Base::new(seen.clone()).nearest(&it).is_none() {
                seen.push(Known { id: seen.len() as i64, spam: true, views: it.views, copy: it.copy });
                found.push(smaller(&frame));
            }
        }
    }
    found
}

/// The leaves of a message, or the file itself if it is no mail.
fn pictures_of(raw: Vec<u8>) -> Vec<Vec<u8>> {
    if decode(&raw).is_ok() {
        return vec![raw];
    }
    if !raw.windows(6).any(|word| word.eq_ignore_ascii_case(b"image/")) {
        return Vec::new();
    }
    let message = mail::graph::parse(&raw, &mail::graph::Limits::default());
    message.leaves().map(|leaf| message.content(leaf, 8 << 20).bytes.into_owned()).collect()
}

/// On white, and no larger than [`MOST`].
fn smaller(frame: &Decoded) -> Canvas {
    let each = frame.samples.len() / (frame.width as usize * frame.height as usize);
    let pixels = frame.samples.chunks(each).map(|pixel| {
        let (color, opaque) = match *pixel {
            [y] => ([y; 3], 255),
            [y, a] => ([y; 3], a),
            [r, g, b] => ([r, g, b], 255),
            [r, g, b, a] => ([r, g, b], a),
            _ => ([0; 3], 255),
        };
        // Transparent is white, as mail programs show it.
        color.map(|value| 255.0 + (f32::from(value) - 255.0) * f32::from(opaque) / 255.0)
    });
    let canvas = Canvas { width: frame.width as usize, height: frame.height as usize, pixels: pixels.collect() };
    let side = canvas.width.max(canvas.height);
    if side <= MOST {
        return canvas;
    }
    let part = |len: usize| (len * MOST / side).max(70);
    canvas.resized(part(canvas.width), part(canvas.height))
}
