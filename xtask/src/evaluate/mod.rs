//! `cargo xtask evaluate spam`: how well the signs of spam tell spam from ham, and their points.
//!
//! `MAILWARD_CORPORA` names a folder with `SET/ham/*.eml` and `SET/spam/*.eml`; without it nothing is
//! done, and that is said. Points are fitted (`fit`) on every set but those of [`MEASURED_ONLY`], and on
//! ordinary mail of our own ([`ORDINARY_SET`]). Beside what comes of that, two honest figures: points fitted
//! on one half of each set, measured on the other; and for each set, points fitted without it. `--write` writes
//! the points that were fitted on all into the file of each sign (`points`). `--folds` shows what the numbers of
//! the fit lead to by cross-validation inside the first half of each set, and names the false alarms there;
//! `--with NAME=NUMBER,…` what others would.
//! `--from FILE` takes the output of the example `signs` instead of running it. `--peers` runs SpamAssassin and
//! rspamd on the same messages, and the release build as an SMTP gateway; `--sample N` on N of each set and kind only, `--slow N` SpamAssassin alone on N;
//! `--keep FILE` keeps what they said, `--kept FILE` takes that instead of asking.
//! `images` measures how well known pictures are found again: pictures made here and those in mail, or with
//! `--pictures` real ones of a folder.

mod beside;
mod envelope;
mod figures;
mod fit;
mod folds;
mod installed;
mod mend;
mod peers;
mod points;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::{Outcome, cargo};
use figures::Figures;
use fit::{Bound, Knobs, fit};

/// Sets that are measured only: the terms of one allow no more, and the header of the other was damaged (see
/// `mend`, which has it whole).
const MEASURED_ONLY: [&str; 2] = ["phishpot-old", mend::SCRUBBED];
/// Where the families of signs stand, a file a sign.
const SIGNS: &str = "crates/engines/src/spam/signs";
/// Mail of our own that must stay below every threshold: of scripts, devices, services and people.
pub(crate) const ORDINARY_SET: &str = "ordinary";
/// Groups that decide about something else than spam.
const APART: [&str; 2] = ["bulk", "automatic"];
/// Most points of one sign: none alone makes a message probable spam, and three of one collection do not make
/// one of another. Chosen by `--folds`, like the numbers of a fit.
const MOST: f64 = 1.5;
/// The same for one phrase of a family, and for conjunctions of signs.
const MOST_WORD: f64 = 1.2;
const MOST_COMPOSITE: f64 = 2.0;
/// The same for signs about single fields of the header, and about the way and the name of a message.
const MOST_HEADER: f64 = 1.2;
const MOST_ROUTE: f64 = 1.7;

/// One message.
pub(crate) struct Mail {
    pub(crate) set: String,
    pub(crate) spam: bool,
    /// Newsletters, for which the goal is another.
    pub(crate) hard: bool,
    pub(crate) signs: Vec<usize>,
    pub(crate) bytes: u64,
    pub(crate) nanos: u64,
    /// Which of the halves that are measured apart it belongs to.
    pub(crate) second_half: bool,
    /// Which of [`folds::FOLDS`] of its half.
    pub(crate) fold: u64,
    pub(crate) path: String,
}

/// One sign of the catalogue.
pub(crate) struct Sign {
    pub(crate) id: String,
    /// `fitted`, `at_least` or `fixed`.
    how: String,
    /// The fewest points; of a fixed one, its points.
    least: f64,
    group: String,
    /// Its points as they are.
    now: f64,
    /// Most points of the group together.
    most_of_group: f64,
}

impl Sign {
    /// Whether its points come from fitting.
    fn is_fitted(&self) -> bool {
        self.how != "fixed" && !APART.contains(&self.group.as_str())
    }
}

const USAGE: &str = "cargo xtask evaluate spam [--write] [--folds] [--with NAME=NUMBER,..] [--peers] [--sample N] [--slow N] [--keep FILE | --kept FILE] [--from FILE] | images [FOLDER].. | images --pictures FOLDER [--learn N] [--forms] [--thresholds]";

pub(crate) fn run(args: &[&str]) -> Outcome {
    let rest = match args.split_first() {
        Some((&"spam", rest)) => rest,
        Some((&"images", folders)) => return images(folders),
        _ => return Err(USAGE.to_owned()),
    };
    let value = |name: &str| rest.iter().position(|arg| *arg == name).and_then(|at| rest.get(at + 1)).copied();
    let corpora = std::env::var_os("MAILWARD_CORPORA").map(std::path::PathBuf::from);
    let Some(corpora) = corpora.filter(|folder| folder.is_dir()) else {
        println!("skipped: MAILWARD_CORPORA names no folder with corpora");
        return Ok(());
    };
    let profile: &[&str] = if rest.contains(&"--dev") { &[] } else { &["--release"] };
    let signs = match value("--catalogue") {
        Some(file) => catalogue(&std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?)?,
        None => catalogue(&cargo::output(example(profile).args(["--example", "signs", "--", "--catalogue"]))?)?,
    };
    let text = match value("--from") {
        Some(file) => std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?,
        None => seen(profile, &corpora)?,
    };
    let mails = read(&text, &signs)?;
    if rest.contains(&"--peers") {
        let number = |name: &str| value(name).map_or(Ok(usize::MAX), str::parse).map_err(|_| USAGE.to_owned());
        let (sample, slow) = (number("--sample")?, number("--slow")?);
        let bounds = bounds(&signs);
        // What is decided apart, and languages that are off, count nothing.
        let points: Vec<f64> = signs.iter().zip(&bounds).map(|(sign, bound)| sign.now.min(bound.most)).collect();
        let asked = beside::Asked { sample, slow, keep: value("--keep"), kept: value("--kept") };
        return beside::run(&mails, &points, &bounds, &asked);
    }
    let knobs = Knobs::with(value("--with").unwrap_or(""))?;
    if rest.contains(&"--folds") {
        folds::show(&mails, &bounds(&signs), &knobs);
        return Ok(());
    }
    show(&signs, &mails, &knobs, rest.contains(&"--write"))
}

/// What the example sees in the corpora, in the mended set, and in mail of our own.
fn seen(profile: &[&str], corpora: &std::path::Path) -> Result<String, String> {
    let own = cargo::root().join("crates/scan/tests/ordinary");
    let mut text = String::new();
    for folder in [Some(corpora.to_path_buf()), mend::write(corpora)?, Some(own)].into_iter().flatten() {
        let mut command = example(profile);
        text.push_str(&cargo::output(command.args(["--example", "signs"]).env("MAILWARD_CORPORA", &folder))?);
    }
    Ok(text)
}

fn show(signs: &[Sign], mails: &[Mail], knobs: &Knobs, to_write: bool) -> Outcome {
    let sets: BTreeSet<&str> = mails.iter().map(|mail| mail.set.as_str()).filter(|set| *set != ORDINARY_SET).collect();
    let all: Vec<&Mail> = mails.iter().filter(|mail| !MEASURED_ONLY.contains(&mail.set.as_str())).collect();
    let whole: Vec<&Mail> = mails.iter().collect();
    let bounds = bounds(signs);
    let points = fit(&all, &bounds, knobs);
    println!("{} messages, {} signs; {}", mails.len(), signs.len(), cost(mails));
    println!("\nFitted on all sets but {}:\n{}", MEASURED_ONLY.join(", "), Figures::header());
    for set in &sets {
        println!("{}", Figures::of(&whole, set, |mail| fit::sum(&mail.signs, &points, &bounds), Figures::OURS));
    }
    let first: Vec<&Mail> = all.iter().copied().filter(|m| !m.second_half || m.set == ORDINARY_SET).collect();
    let second: Vec<&Mail> = whole.iter().copied().filter(|mail| mail.second_half).collect();
    let of_half = fit(&first, &bounds, knobs);
    println!("\nHalves: fitted on one half of each set, measured on the other:\n{}", Figures::header());
    for set in &sets {
        println!("{}", Figures::of(&second, set, |mail| fit::sum(&mail.signs, &of_half, &bounds), Figures::OURS));
    }
    println!("\nUnseen: fitted without the set itself:\n{}", Figures::header());
    for set in &sets {
        let others: Vec<&Mail> = all.iter().copied().filter(|mail| mail.set != *set).collect();
        let points = fit(&others, &bounds, knobs);
        println!("{}", Figures::of(&whole, set, |mail| fit::sum(&mail.signs, &points, &bounds), Figures::OURS));
    }
    println!("\n{}", table(signs, mails, &points, &sets));
    if to_write { write(signs, &points) } else { Ok(()) }
}

/// How well known pictures are found again (LM-06): pictures made by code, and those in the mail of
/// `MAILWARD_CORPORA` and of more folders.
fn images(folders: &[&str]) -> Outcome {
    let real = folders.iter().position(|word| *word == "--pictures");
    if real.is_some_and(|at| !folders.get(at + 1).is_some_and(|dir| std::path::Path::new(dir).is_dir())) {
        println!("skipped: --pictures names no folder with pictures");
        return Ok(());
    }
    let corpora = std::env::var("MAILWARD_CORPORA").ok().filter(|_| real.is_none());
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--release", "--package", "engines", "--example", "images", "--"]);
    print!("{}", cargo::output(command.args(corpora.iter()).args(folders))?);
    Ok(())
}

fn example(profile: &[&str]) -> std::process::Command {
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--package", "scan"]).args(profile);
    command
}

/// Reads the catalogue as the example writes it.
fn catalogue(text: &str) -> Result<Vec<Sign>, String> {
    let sign = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        let [id, group, how, least, points, most] = words.as_slice() else { return None };
        let hundredths = |word: &str| word.parse::<f64>().ok().map(|number| number / 100.0);
        let now = hundredths(points)?;
        let least = if *how == "fixed" { now } else { hundredths(least)? };
        let (id, how, group) = ((*id).to_owned(), (*how).to_owned(), (*group).to_owned());
        Some(Sign { id, how, least, group, now, most_of_group: hundredths(most)? })
    };
    text.lines().map(|line| sign(line).ok_or_else(|| format!("catalogue: {line:?}"))).collect()
}

/// What each sign may come to. What is missing in a header says little in a place that the sets do not
/// come from: programs of one's own write such mail, too.
fn bounds(signs: &[Sign]) -> Vec<Bound> {
    let groups: Vec<&str> = signs.iter().map(|sign| sign.group.as_str()).collect();
    let one = |sign: &Sign| {
        let group = groups.iter().position(|group| *group == sign.group).unwrap_or(0);
        let most = match sign.group.as_str() {
            _ if sign.is_fitted() && sign.least > MOST_HEADER => sign.least,
            // Languages are off by default; bulk and automatic notices are decided apart.
            "language" if !sign.is_fitted() => 0.0,
            group if APART.contains(&group) => 0.0,
            _ if !sign.is_fitted() => sign.least,
            "header" => MOST_HEADER,
            "route" | "identity" | "recipient" => MOST_ROUTE,
            // One phrase is a mention.
            "phrase" if !sign.id.ends_with(['2', '4']) => MOST_WORD,
            "composite" => MOST_COMPOSITE,
            _ => MOST,
        };
        Bound { least: sign.least.min(most), most, group, most_of_group: sign.most_of_group }
    };
    signs.iter().map(one).collect()
}

/// Reads what the example wrote. A message's set and kind stand in its path: `…/SET/spam/NAME.eml`.
fn read(text: &str, signs: &[Sign]) -> Result<Vec<Mail>, String> {
    let places: BTreeMap<&str, usize> = signs.iter().enumerate().map(|(at, sign)| (sign.id.as_str(), at)).collect();
    let mut mails = Vec::new();
    for line in text.lines() {
        let bad = || format!("not a line of the example: {line:?}");
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, bytes, nanos, found] = fields.as_slice() else { return Err(bad()) };
        let steps: Vec<&str> = path.rsplit('/').take(3).collect();
        let [name, kind, set] = steps.as_slice() else { return Err(bad()) };
        let signs = found.split(' ').filter_map(|id| places.get(id).copied()).collect();
        mails.push(Mail {
            set: (*set).to_owned(),
            spam: *kind == "spam",
            hard: name.starts_with("hard-ham"),
            signs,
            bytes: bytes.parse().map_err(|_| bad())?,
            nanos: nanos.parse().map_err(|_| bad())?,
            second_half: (spread(name) >> 3) & 1 == 1,
            fold: (spread(name) >> 17) % folds::FOLDS,
            path: (*path).to_owned(),
        });
    }
    Ok(mails)
}

/// A hash of a file's name (FNV-1a), so that halves and folds stay what they are.
fn spread(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn cost(mails: &[Mail]) -> String {
    let nanos: u64 = mails.iter().map(|mail| mail.nanos).sum();
    let bytes: u64 = mails.iter().map(|mail| mail.bytes).sum();
    let count = mails.len().max(1) as f64;
    let each = nanos as f64 / count / 1e6;
    format!("{each:.2} ms a message of {:.0} bytes (the whole examination, on one core)", bytes as f64 / count)
}

/// How often each sign is seen, in percent, in ham and spam of each set.
fn table(signs: &[Sign], mails: &[Mail], points: &[f64], sets: &BTreeSet<&str>) -> String {
    let mut out = "Points and, for each set, percent of ham / spam with the sign:\n".to_owned();
    let mut counts: BTreeMap<(&str, bool), (usize, Vec<usize>)> = BTreeMap::new();
    for mail in mails {
        let entry = counts.entry((&mail.set, mail.spam)).or_insert_with(|| (0, vec![0; signs.len()]));
        entry.0 += 1;
        mail.signs.iter().for_each(|at| entry.1[*at] += 1);
    }
    for (at, sign) in signs.iter().enumerate() {
        let _ = write!(out, "{:>6.2} {:<32}", points[at], sign.id);
        for set in sets {
            let percent = |spam| match counts.get(&(*set, spam)) {
                Some((all, seen)) => format!("{:.1}", seen[at] as f64 * 100.0 / *all as f64),
                None => "-".to_owned(),
            };
            let _ = write!(out, " {set} {}/{}", percent(false), percent(true));
        }
        out.push('\n');
    }
    out
}

/// Writes the points of every sign that takes them from the corpora into its file.
fn write(signs: &[Sign], points: &[f64]) -> Outcome {
    let hundredths = |sign: &Sign, points: f64| if sign.is_fitted() { (points * 100.0).round() as i64 } else { 0 };
    let open = signs.iter().zip(points).filter(|(sign, _)| sign.how != "fixed");
    let rows: Vec<(&str, i64)> =
        open.map(|(sign, points)| (sign.id.as_str(), hundredths(sign, *points).max(0))).collect();
    let changed = points::write(&cargo::root().join(SIGNS), &rows)?;
    println!("Points of {changed} signs changed in {SIGNS}");
    Ok(())
}
