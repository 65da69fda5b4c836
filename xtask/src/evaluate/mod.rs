//! `cargo xtask evaluate spam`: how well the signs of spam tell spam from ham, and their points.
//!
//! `MAILWARD_CORPORA` names a folder with `SET/ham/*.eml` and `SET/spam/*.eml`; without it nothing is
//! done, and that is said. Points are fitted (`fit`) on every set but those of [`MEASURED_ONLY`]; for each
//! set it is done once more without that set, so that the figures of "unseen" are of mail that the points
//! do not come from. `--write` writes the points that were fitted on
//! all into the source. `images` measures how well known pictures are found again. `--from FILE` takes the output of the example `signs` instead of running it.

mod figures;
mod fit;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::{Outcome, cargo};
use figures::Figures;
use fit::{Bound, fit};

/// Sets whose terms allow measuring only.
const MEASURED_ONLY: [&str; 1] = ["phishpot-old"];
/// Groups that decide about something else than spam.
const APART: [&str; 2] = ["bulk", "automatic"];
/// Most points of one sign: none alone makes a message probable spam.
const MOST: f64 = 3.0;
/// The same for signs about single fields of the header, and about the way and the name of a message.
const MOST_HEADER: f64 = 1.0;
const MOST_ROUTE: f64 = 1.5;

/// One message.
pub(crate) struct Mail {
    pub(crate) set: String,
    pub(crate) spam: bool,
    /// Newsletters, for which the goal is another.
    pub(crate) hard: bool,
    pub(crate) signs: Vec<usize>,
    pub(crate) bytes: u64,
    pub(crate) nanos: u64,
}

/// One sign of the catalogue.
pub(crate) struct Sign {
    pub(crate) id: String,
    /// `fitted`, `at_least` or `fixed`.
    how: String,
    /// The fewest points; of a fixed one, its points.
    least: f64,
    group: String,
    /// Most points of the group together.
    most_of_group: f64,
}

impl Sign {
    /// Whether its points come from fitting.
    fn is_fitted(&self) -> bool {
        self.how != "fixed" && !APART.contains(&self.group.as_str())
    }
}

pub(crate) fn run(args: &[&str]) -> Outcome {
    let rest = match args.split_first() {
        Some((&"spam", rest)) => rest,
        Some((&"images", folders)) => return images(folders),
        _ => return Err("cargo xtask evaluate spam [--write] [--from FILE] | images [FOLDER]...".to_owned()),
    };
    let from = rest.iter().position(|arg| *arg == "--from").and_then(|at| rest.get(at + 1));
    if from.is_none() && std::env::var_os("MAILWARD_CORPORA").is_none() {
        println!("skipped: MAILWARD_CORPORA names no folder with corpora");
        return Ok(());
    }
    let profile: &[&str] = if rest.contains(&"--dev") { &[] } else { &["--release"] };
    let known = rest.iter().position(|arg| *arg == "--catalogue").and_then(|at| rest.get(at + 1));
    let signs = match known {
        Some(file) => catalogue(&std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?)?,
        None => catalogue(&cargo::output(example(profile).args(["--example", "signs", "--", "--catalogue"]))?)?,
    };
    let text = match from {
        Some(file) => std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?,
        None => cargo::output(example(profile).args(["--example", "signs"]))?,
    };
    let mails = read(&text, &signs)?;
    let sets: BTreeSet<&str> = mails.iter().map(|mail| mail.set.as_str()).collect();
    let fitted_on = |mail: &&Mail| !MEASURED_ONLY.contains(&mail.set.as_str());
    let all: Vec<&Mail> = mails.iter().filter(fitted_on).collect();
    let bounds = bounds(&signs);
    let points = fit(&all, &bounds);
    println!("{} messages, {} signs; {}", mails.len(), signs.len(), cost(&mails));
    println!("\nFitted on all sets but {}:\n{}", MEASURED_ONLY.join(", "), Figures::header());
    for set in &sets {
        println!("{}", Figures::of(&mails, set, &points, &bounds));
    }
    println!("\nUnseen: fitted without the set itself:\n{}", Figures::header());
    for set in &sets {
        let others: Vec<&Mail> = all.iter().copied().filter(|mail| mail.set != *set).collect();
        println!("{}", Figures::of(&mails, set, &fit(&others, &bounds), &bounds));
    }
    println!("\n{}", table(&signs, &mails, &points, &sets));
    if rest.contains(&"--write") {
        write(&signs, &points)?;
    }
    Ok(())
}

/// How well known pictures are found again (LM-06): pictures made by code, and those in the mail of
/// `MAILWARD_CORPORA` and of more folders.
fn images(folders: &[&str]) -> Outcome {
    let corpora = std::env::var("MAILWARD_CORPORA").ok();
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
        let least = hundredths(if *how == "fixed" { points } else { least })?;
        let (id, how, group) = ((*id).to_owned(), (*how).to_owned(), (*group).to_owned());
        Some(Sign { id, how, least, group, most_of_group: hundredths(most)? })
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
        });
    }
    Ok(mails)
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

fn write(signs: &[Sign], points: &[f64]) -> Outcome {
    let mut rows: Vec<(&str, i64)> = signs
        .iter()
        .zip(points)
        .filter(|(sign, _)| sign.is_fitted())
        .map(|(sign, points)| (sign.id.as_str(), (*points * 100.0).round() as i64))
        .filter(|(_, points)| *points > 0)
        .collect();
    rows.sort_unstable();
    let mut text =
        "//! The points of the signs, in hundredths. Made by `cargo xtask evaluate spam --write`; do not edit.\n\n\
                    /// Sorted by name.\npub(crate) const POINTS: &[(&str, i16)] = &[\n"
            .to_owned();
    for (id, points) in rows {
        let _ = writeln!(text, "    (\"{id}\", {points}),");
    }
    text.push_str("];\n");
    let path = cargo::root().join("crates/engines/src/spam/points.rs");
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
}
