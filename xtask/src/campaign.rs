//! `cargo xtask campaign`: tests that take too long for every change.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Outcome, bench, cargo};

/// How long each fuzz target runs unless told otherwise, in seconds.
const FUZZ: u64 = 60;

/// How long the soak lasts unless told otherwise, in seconds.
const SOAK: u64 = 600;

/// How many mutated messages are compared with other parsers unless told otherwise.
const READINGS: u64 = 20_000;

/// Longest input that the fuzzer tries, in bytes.
const FUZZ_INPUT_MAX: usize = 64 * 1024;

/// Longest input that is kept of what fuzzing has grown, and most of a target's, in bytes.
const KEPT_INPUT_MAX: usize = 1024;
const KEPT_MAX: usize = 48 * 1024;

/// Runs one campaign.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let number = |rest: &[&str], usual: u64| match rest {
        [] => Ok(usual),
        [number] => number.parse().map_err(|e| format!("{number}: {e}")),
        _ => Err("one number at most".to_owned()),
    };
    match args {
        ["fuzz"] => fuzz(FUZZ, &[]),
        ["fuzz", seconds, named @ ..] => fuzz(number(&[seconds], FUZZ)?, named),
        ["keep", named @ ..] => keep(named),
        ["bounds"] => bounds(),
        ["containers"] => containers(),
        ["faults", rest @ ..] => rows("faults", "", rest),
        ["sizes", rest @ ..] => rows("sizes", "sizes::", rest),
        ["readings", rest @ ..] => readings(number(rest, READINGS)?),
        ["soak", rest @ ..] => bench::soak(Duration::from_secs(number(rest, SOAK)?)),
        _ => Err(
            "campaign: fuzz [SECONDS [TARGET ..]], keep [TARGET ..], bounds, containers, faults [TEST ..], sizes [TEST ..], readings [MESSAGES], \
                  soak [SECONDS]"
                .to_owned(),
        ),
    }
}

/// The named fuzz targets, or all of them, for so many seconds each, from their seeds; what is found
/// stays in `fuzz/corpus`.
fn fuzz(seconds: u64, named: &[&str]) -> Outcome {
    let failed: Vec<String> = chosen(named)?.iter().filter_map(|target| fuzz_one(target, seconds).err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// The named fuzz targets, or all of them, ready to run; none, which is said, without cargo-fuzz.
fn chosen(named: &[&str]) -> Result<Vec<String>, String> {
    if cargo::output(cargo::cargo().args(["fuzz", "--version"])).is_err() {
        println!("skipped: fuzz (cargo-fuzz is not installed: cargo install cargo-fuzz)");
        return Ok(Vec::new());
    }
    // The targets use the versions of the workspace.
    let [from, to] = ["Cargo.lock", "fuzz/Cargo.lock"].map(|f| cargo::root().join(f));
    fs::copy(&from, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    let all = targets()?;
    if let Some(unknown) = named.iter().find(|n| !all.iter().any(|known| known == *n)) {
        return Err(format!("{unknown}: no fuzz target; there are: {}", all.join(" ")));
    }
    Ok(all.into_iter().filter(|target| named.is_empty() || named.contains(&target.as_str())).collect())
}

/// One fuzz target for so many seconds.
fn fuzz_one(target: &str, seconds: u64) -> Outcome {
    println!("fuzz: {target} for {seconds} s");
    let [corpus, found] = ["corpus", "artifacts"].map(|d| cargo::root().join("fuzz").join(d).join(target));
    for dir in [&corpus, &found] {
        fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    let mut command = cargo::cargo();
    // The sanitizer needs a nightly compiler; what we look for are panics, and a stable one
    // finds those as well. Coverage is a flag that it lets through under this name only.
    command.env("RUSTC_BOOTSTRAP", "1").env("MAILWARD_FUZZ", target);
    command.args(["fuzz", "run", "--sanitizer", "none", "any"]);
    command.arg(&corpus).arg(cargo::root().join("fuzz/seeds").join(target)).arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={FUZZ_INPUT_MAX}"));
    command.arg(format!("-artifact_prefix={}/", found.display()));
    command.args(["-timeout=10", "-rss_limit_mb=2048"]);
    cargo::run(&mut command)
}

/// Keeps what fuzzing has grown in `fuzz/corpus`: of each target a set of short inputs that reaches as much of the code
/// as all do, in one file of `fuzz/grown`, which the tests run.
fn keep(named: &[&str]) -> Outcome {
    let fuzz = cargo::root().join("fuzz");
    for target in &chosen(named)? {
        let corpus = fuzz.join("corpus").join(target);
        if !corpus.exists() {
            continue;
        }
        let least = fuzz.join("corpus").join(format!("least.{target}"));
        let told = |e: std::io::Error| format!("{}: {e}", least.display());
        fs::create_dir_all(&least).map_err(told)?;
        let mut command = cargo::cargo();
        command.env("RUSTC_BOOTSTRAP", "1").env("MAILWARD_FUZZ", target);
        command.args(["fuzz", "run", "--sanitizer", "none", "any"]).arg(&least).arg(corpus);
        cargo::run(command.args(["--", "-merge=1"]).arg(format!("-max_len={KEPT_INPUT_MAX}")))?;
        let file = fuzz.join("grown").join(target);
        let packed = packed(&least).map_err(told)?;
        fs::create_dir_all(fuzz.join("grown")).and_then(|()| fs::write(&file, packed)).map_err(told)?;
        fs::remove_dir_all(&least).map_err(told)?;
    }
    Ok(())
}

/// The inputs of a folder in one file: each behind its length in four bytes, least first. Their names are hashes of
/// what they hold: the first of them by name, as many as [`KEPT_MAX`] holds, are of all sizes.
fn packed(folder: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    let mut out = Vec::new();
    for path in paths {
        let input = fs::read(path)?;
        if out.len() + 4 + input.len() <= KEPT_MAX {
            out.extend(u32::try_from(input.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend(input);
        }
    }
    Ok(out)
}

/// The names of the fuzz targets: the folders in `fuzz/seeds`, which a test holds against the table.
fn targets() -> Result<Vec<String>, String> {
    let dir = cargo::root().join("fuzz/seeds");
    let entries = fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The tests of the program among its peers that begin so, all of them and in their long form where they have one, with
/// the program as it is shipped; `only` names some of them. What they measured is shown as a table at the end.
fn rows(name: &str, prefix: &str, only: &[&str]) -> Outcome {
    let mut command: Command = cargo::cargo();
    command.args(["test", "--release", "--locked", "--package", "mailward", "--test", "faults", "--"]);
    command.args(["--include-ignored", "--nocapture", "--test-threads=1"]);
    match only {
        [] if prefix.is_empty() => command.args(["--skip", "sizes::"]),
        [] => command.arg(prefix),
        names => command.args(names),
    };
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let output = child.stdout.take().ok_or("no output")?;
    let mut table = Vec::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        println!("{line}");
        // Behind the name of a test, if it is the first line that it writes.
        if let Some(at) = line.find("| ").filter(|_| line.ends_with(" |")) {
            table.push(line.split_at(at).1.to_owned());
        }
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    println!("\n| {name} | result |\n|---|---|\n{}", table.join("\n"));
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

/// Hostile files of every format, each within 10 s of processor time and 512 MB; prints the table.
fn bounds() -> Outcome {
    let args = ["test", "--release", "--locked", "--package", "scan", "--test", "bounds", "--"];
    cargo::run(cargo::cargo().args(args).args(["--ignored", "--nocapture"]))
}

/// Every format that Debian's programs write, in every container and locked, beside clamscan.
fn containers() -> Outcome {
    let args = ["test", "--release", "--locked", "--package", "scan", "--test", "scan", "--"];
    cargo::run(cargo::cargo().args(args).args(["--include-ignored", "--nocapture", "beside_clamscan"]))
}

/// Mutated mail, ours and that of `MAILWARD_CORPORA`, read by every other MIME parser that is there:
/// whatever one of them extracts must be among our leaves. The test says which variables it takes.
fn readings(messages: u64) -> Outcome {
    let args = ["test", "--release", "--locked", "--package", "mail", "--test", "it", "--"];
    let mut command: Command = cargo::cargo();
    command.env("MAILWARD_READINGS", messages.to_string());
    cargo::run(command.args(args).args(["--ignored", "--nocapture", "readings_campaign"]))
}
