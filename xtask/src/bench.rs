//! `cargo xtask bench`: what a message costs.
//!
//! The same load goes straight from source to sink, through a blind splice (the least that any
//! proxy costs), through Mailward that looks into nothing, that looks for spam only, and as it comes. All on
//! 127.0.0.1, with a DNS server that fails at once. Sink, splice and Mailward are processes of their own, so that
//! their CPU time can be read; each ends when its standard input does, so also when this program is killed.

pub(crate) mod load;
pub(crate) mod nameless;
mod parts;
pub(crate) mod procs;
mod report;
mod sample;
pub(crate) mod stand;

use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;
use load::{Load, Pace};
use report::Row;
use stand::{Path, Stand};

pub(crate) use parts::part;

/// Sizes of messages, in bytes, with how the table calls them.
const SIZES: [(usize, &str); 3] = [(4_000, "4 KB"), (100_000, "100 KB"), (5_000_000, "5 MB")];

/// Numbers of sessions at once.
const SESSIONS: [usize; 2] = [1, 20];

/// How long one measurement of throughput, and one of latency, lasts.
const FULL: Duration = Duration::from_secs(8);

/// The same with `--quick`.
const QUICK: Duration = Duration::from_secs(2);

/// How often the start is measured; the median counts.
const STARTS: usize = 5;

/// The share of its capacity at which latency is measured.
const HALF: f64 = 0.5;

/// What the command line asks for.
struct Options {
    duration: Duration,
    json: bool,
    binary: Option<PathBuf>,
    paths: Vec<Path>,
}

fn options(args: &[&str]) -> Result<Options, String> {
    let mut options = Options { duration: FULL, json: false, binary: None, paths: Path::ALL.to_vec() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--quick" => options.duration = QUICK,
            "--json" => options.json = true,
            "--binary" => options.binary = Some(args.next().ok_or("--binary needs a file")?.into()),
            "--only" => {
                let names = args.next().ok_or("--only needs a list")?.split(',');
                let paths: Option<Vec<Path>> = names.map(Path::from_name).collect();
                options.paths = paths.ok_or("--only: direct, splice, off, spam, default")?;
            }
            other => return Err(format!("bench: unknown argument {other:?}")),
        }
    }
    Ok(options)
}

/// Runs the benchmark and prints its table.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let options = options(args)?;
    let needs_binary = options.paths.iter().any(|p| p.is_mailward());
    let binary = match options.binary {
        None if needs_binary => stand::build()?,
        other => other.unwrap_or_default(),
    };
    let mut rows = Vec::new();
    let mut starts = Vec::new();
    for path in &options.paths {
        if path.is_mailward() {
            starts.push((path.name(), start_time(*path, &binary)?));
        }
        for (size, size_name) in SIZES {
            for sessions in SESSIONS {
                eprintln!("{}: {sessions} × {size_name}", path.name());
                rows.push(measure(*path, &binary, size, size_name, sessions, options.duration)?);
            }
        }
    }
    report::add_overhead(&mut rows);
    let text = if options.json { report::json(&rows, &starts) } else { report::markdown(&rows, &starts) };
    println!("{text}");
    Ok(())
}

/// What files cost by format: to examine them, to take something out of them, and to clamd beside us.
pub(crate) fn formats(args: &[&str]) -> Outcome {
    let example = ["run", "--release", "--locked", "--package", "scan", "--example", "beside_clamd", "--"];
    let folder = std::env::current_dir().map_err(|error| error.to_string())?;
    let mut command = crate::cargo::cargo();
    // Paths are those of whoever calls.
    crate::cargo::run(command.args(example).args(args).current_dir(folder))
}

/// One line of the table, with everything started afresh.
fn measure(
    path: Path,
    binary: &std::path::Path,
    size: usize,
    size_name: &'static str,
    sessions: usize,
    duration: Duration,
) -> Result<Row, String> {
    let stand = Stand::start(path, binary)?;
    let mut load = Load { port: stand.port(), sessions, size, pace: Pace::Full, duration };
    // Once without measuring: memory grows to its size, rules are loaded, connections are made.
    load::run(&Load { duration: duration / 4, ..load.clone() })?;
    let before = stand.cpu();
    let memory = stand.watch_memory();
    let full = load::run(&load)?;
    let cpu = stand.cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
    let peak = memory.finish();
    let rate = full.rate();
    load.pace = Pace::Rate(rate * HALF);
    let half = load::run(&load)?;
    let sent = u32::try_from(full.latencies.len()).unwrap_or(u32::MAX).max(1);
    Ok(Row {
        path: path.name(),
        sessions,
        size: size_name,
        messages: full.latencies.len(),
        rate,
        cpu: cpu.map(|c| c / sent),
        above_splice: None,
        p50: half.percentile(50),
        p99: half.percentile(99),
        peak_pss: peak,
        peak_main: stand.peak_main(),
    })
}

/// Median time from starting the program to its first banner.
fn start_time(path: Path, binary: &std::path::Path) -> Result<Duration, String> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(Stand::start(path, binary)?.ready_after());
    }
    times.sort();
    Ok(times[STARTS / 2])
}

/// Steady load on Mailward for `duration`; fails when its memory goes on growing.
pub(crate) fn soak(duration: Duration) -> Outcome {
    /// Between two looks at its memory.
    const LOOK: Duration = Duration::from_secs(5);
    /// What the last third may have more than the second: allocators need some room.
    const GROWTH_KIB: u64 = 16 * 1024;
    let binary = stand::build()?;
    let stand = Stand::start(Path::Default, &binary)?;
    let load = Load { port: stand.port(), sessions: 20, size: 100_000, pace: Pace::Full, duration: LOOK };
    let start = std::time::Instant::now();
    let (mut sizes, mut sent) = (Vec::new(), 0);
    while start.elapsed() < duration {
        sent += load::run(&load)?.latencies.len();
        sizes.push(stand.pss());
        println!("{:>6} s {sent:>9} messages {:>7} KiB", start.elapsed().as_secs(), sizes[sizes.len() - 1]);
    }
    let third = sizes.len() / 3;
    let mean = |part: &[u64]| part.iter().sum::<u64>() / u64::try_from(part.len().max(1)).unwrap_or(1);
    let (middle, last) = (mean(&sizes[third..2 * third]), mean(&sizes[2 * third..]));
    if third > 0 && last > middle + GROWTH_KIB {
        return Err(format!("memory grows: {middle} KiB in the middle third, {last} KiB in the last"));
    }
    println!("{sent} messages, memory {middle} KiB in the middle third, {last} KiB in the last");
    Ok(())
}
