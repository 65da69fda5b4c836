//! What is found in files, and what it costs, beside clamd in the same run:
//! `cargo xtask bench formats [--hash-list FILE] [--yara FILE] [--clamd SOCKET PID] [--password WORD] [PATH...]`
//! Without a path it makes its files itself, and starts clamd with one signature. One line a file (who finds
//! something), then a table by the files' extensions, or by the files that were made: MB/s of processor time, for the
//! examination, for clamd, and for taking out: what acts of a document, the first member of an archive.

mod set;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use disarm::Wish;
use mail::evidence::{Active, FindingKind, Role};
use scan::{Context, EngineSpec, Engines, Input, Step, StopFlag, start};
use sha2::{Digest, Sha256};
use unpack::{Budget, Limits, Opening, detect};

/// Each file is examined so often for the figures that this many bytes are, three times at least.
const BYTES: usize = 8 << 20;

/// Processor time of this thread, in seconds.
fn own_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Processor time of another process, all its threads, in seconds.
fn cpu_of(pid: &str) -> f64 {
    let mut all = 0.0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        all += text.split_ascii_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
    }
    all
}

/// What clamd says of some bytes.
fn clamd(socket: &str, data: &[u8]) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"zINSTREAM\0")?;
    for chunk in data.chunks(1 << 20) {
        stream.write_all(&(chunk.len() as u32).to_be_bytes())?;
        stream.write_all(chunk)?;
    }
    stream.write_all(&[0; 4])?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.trim_end_matches('\0').trim_start_matches("stream: ").to_owned())
}

#[derive(Default)]
struct Sum {
    files: usize,
    bytes: u64,
    ours: f64,
    theirs: f64,
    /// Bytes of files that were made anew, and what that took.
    anew: u64,
    taking: f64,
}

fn files(paths: &[String]) -> Vec<PathBuf> {
    let mut pending: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => pending.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => found.push(path),
        }
    }
    found.sort();
    found
}

/// What we find in a file, in words.
fn ours(engines: &Engines, data: &[u8], path: &Path) -> String {
    let message = path.extension().is_some_and(|extension| extension == "eml");
    let input = if message { Input::Message } else { Input::Detect };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let context = Context { input, name, ..Context::default() };
    let Step::Done(evidence) = start(engines, data, &context, &StopFlag::new()) else { return String::new() };
    let mut words: Vec<String> = evidence
        .findings
        .iter()
        .filter_map(|found| match &found.kind {
            FindingKind::Malware { name, .. } => Some(format!("FOUND {name}")),
            FindingKind::Unscanned { reason } => Some(format!("unscanned {}", reason.name())),
            FindingKind::Opened { with } => Some(format!("opened with {}", with.name())),
            FindingKind::Active { .. } => None,
        })
        .collect();
    words.sort();
    words.dedup();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn budget() -> Budget {
    Budget::new(Limits::default(), StopFlag::new())
}

/// What is to be taken out of a file: what acts, or its first member.
fn wish(data: &[u8]) -> Wish {
    let kind = detect(data);
    if disarm::formats::format(kind).is_some_and(|format| !format.active.is_empty()) {
        return Wish { active: Active::ALL.into_iter().collect(), ..Wish::default() };
    }
    let mut budget = budget();
    let Opening::Container(mut container) = unpack::open(kind, data, &mut budget) else { return Wish::default() };
    let first = std::iter::from_fn(|| container.next(data, &mut budget))
        .find(|member| member.role == Role::File && !member.content.is_empty());
    Wish { remove: first.map(|member| Sha256::digest(&member.content).into()).into_iter().collect(), ..Wish::default() }
}

/// Processor time of taking something out of a file once; `None` where there is nothing, or it is refused.
fn taking(data: &[u8], rounds: u32) -> Option<f64> {
    let (kind, wish) = (detect(data), wish(data));
    disarm::remove(kind, data, &wish, &mut budget()).ok()?;
    let begun = own_cpu();
    for _ in 0..rounds {
        let _ = std::hint::black_box(disarm::remove(kind, data, &wish, &mut budget()));
    }
    Some((own_cpu() - begun) / f64::from(rounds))
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut spec = EngineSpec { builtin_rules: true, ..EngineSpec::default() };
    let mut beside = None;
    while args.first().is_some_and(|first| first.starts_with("--")) {
        let flag = args.remove(0);
        let value = args.remove(0);
        match flag.as_str() {
            "--hash-list" => spec.hash_lists.push(("given".to_owned(), std::fs::read(value).expect("a readable list"))),
            "--yara" => spec.yara.push(("given".to_owned(), std::fs::read_to_string(value).expect("readable rules"))),
            "--password" => spec.passwords.0.push(value),
            _ => beside = Some((value, args.remove(0))),
        }
    }
    let own = tempfile::tempdir().expect("a folder");
    let mut daemon = None;
    if args.is_empty() {
        let files = own.path().join("files");
        std::fs::create_dir(&files).expect("a folder");
        set::make(&files);
        daemon = set::Clamd::start(own.path());
        beside = daemon.as_ref().map(|daemon| (daemon.socket.clone(), daemon.pid()));
        spec.passwords.0.push(testkit::packed::SECRET.to_owned());
        args.push(files.display().to_string());
    }
    let (engines, problems) = Engines::load(&spec);
    assert!(problems.is_empty(), "{problems:?}");
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for path in files(&args) {
        let Ok(data) = std::fs::read(&path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let extension = path.extension().map_or("-".to_owned(), |extension| extension.to_string_lossy().into_owned());
        let made = path.starts_with(own.path()) && extension != "eml";
        let sum = sums.entry(if made { name } else { extension }).or_default();
        (sum.files, sum.bytes) = (sum.files + 1, sum.bytes + data.len() as u64);
        let rounds = (BYTES / data.len().max(1)).clamp(3, 300) as u32;
        let said = ours(&engines, &data, &path);
        let begun = own_cpu();
        for _ in 0..rounds {
            std::hint::black_box(ours(&engines, &data, &path));
        }
        sum.ours += (own_cpu() - begun) / f64::from(rounds);
        if let Some(seconds) = taking(&data, rounds) {
            (sum.anew, sum.taking) = (sum.anew + data.len() as u64, sum.taking + seconds);
        }
        let mut answer = "-".to_owned();
        if let Some((socket, pid)) = &beside {
            answer = clamd(socket, &data).unwrap_or_else(|error| error.to_string());
            let begun = cpu_of(pid);
            for _ in 0..rounds {
                let _ = clamd(socket, &data);
            }
            sum.theirs += (cpu_of(pid) - begun) / f64::from(rounds);
        }
        println!("{}\t{said}\t{answer}", path.file_name().unwrap_or_default().to_string_lossy());
    }
    println!(
        "\n| Files | Number | MB | Mailward MB/s | ms a file | clamd MB/s | ms a file | taking out MB/s |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|"
    );
    drop(daemon);
    for (extension, sum) in sums {
        let (mb, files) = (sum.bytes as f64 / 1e6, sum.files as f64);
        let rate = |cpu: f64| {
            if cpu > 0.0 { format!("{:.1} | {:.2}", mb / cpu, cpu * 1e3 / files) } else { "– | –".into() }
        };
        let taken =
            if sum.taking > 0.0 { format!("{:.1}", sum.anew as f64 / 1e6 / sum.taking) } else { "–".to_owned() };
        println!("| {extension} | {} | {mb:.2} | {} | {} | {taken} |", sum.files, rate(sum.ours), rate(sum.theirs));
    }
}
