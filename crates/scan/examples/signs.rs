//! The signs of spam of every `.eml` below a directory, one line a message: path, bytes, nanoseconds, and
//! the signs. `cargo xtask evaluate spam` reads it; signs that have no points yet are among them.
//! With `--catalogue`: every sign's name, group, way of getting its points, the fewest, these, and the most
//! of its group.
//! `MAILWARD_CORPORA=DIR cargo run --release -p scan --example signs`

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use scan::{Context, EngineSpec, Engines, SpamContext, Step, StopFlag, start};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if std::env::args().any(|arg| arg == "--catalogue") {
        for row in engines::spam::all() {
            let (how, least) = match row.points {
                engines::spam::Points::Fitted(_) => ("fitted", 0),
                engines::spam::Points::AtLeast { least, .. } => ("at_least", least),
                engines::spam::Points::Fixed(points) => ("fixed", points),
            };
            let (group, most) = (row.group.name(), row.group.most());
            writeln!(out, "{}\t{group}\t{how}\t{least}\t{}\t{most}", row.id, row.value())?;
        }
        return Ok(());
    }
    let Some(root) = std::env::var_os("MAILWARD_CORPORA") else {
        eprintln!("skipped: MAILWARD_CORPORA names no directory");
        return Ok(());
    };
    let (engines, _) = Engines::load(&EngineSpec::default());
    let spam = SpamContext { fuel: u64::MAX, unrated: true, ..SpamContext::default() };
    let context = Context { spam: Some(spam), ..Context::default() };
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "eml") {
                continue;
            }
            let raw = std::fs::read(&path)?;
            let begun = Instant::now();
            let Step::Done(evidence) = start(&engines, &raw, &context, &StopFlag::new()) else { continue };
            let took = begun.elapsed().as_nanos();
            let signs: Vec<&str> = evidence.spam.signs().iter().map(|sign| sign.id.as_str()).collect();
            writeln!(out, "{}\t{}\t{took}\t{}", path.display(), raw.len(), signs.join(" "))?;
        }
    }
    Ok(())
}
