//! `mailward explain`: what is in a message, what was found, what the policy does and why.

mod decision;
mod seen;

use std::path::PathBuf;

use judge::status::Status;
use mail::arrival::Arrival;
use mail::untrusted::escape;

use crate::failure::{ERROR, Failure};
use crate::looking::bench::{Bench, BenchArgs, Looked};
use crate::looking::circumstances::CircumstancesArgs;
use crate::looking::content::Content;
use crate::looking::{Item, paths, spam};
use crate::terminal::{self, Colour, Paint};

/// The exit code when malware was found.
const THREAT: u8 = 1;
/// Most characters of a path that are shown.
const MAX_PATH: usize = 4096;

/// Explain one message in plain words: what is in it, what was found where, what the policy does
/// about it and why.
///
/// Nothing is changed: the decision is that of the gateway for such a message, as far as its circumstances are
/// told: from where it came, who sent it to whom, and when (`--at now`). Exit code: 0 if it is clean; 1 if malware
/// was found; 2 if something could not be scanned or read.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A message or another file; `-` is standard input.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Which message of an mbox, from 1.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    index: u64,
    #[command(flatten)]
    bench: BenchArgs,
    #[command(flatten)]
    circumstances: CircumstancesArgs,
}

/// Runs it.
///
/// # Errors
/// The file cannot be read; engines or policy cannot be loaded.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    if args.path.is_dir() {
        return Err(Failure::new(format!(
            "{} is a directory: explain takes one message, `mailward scan` takes directories",
            escape(&args.path.display().to_string(), MAX_PATH)
        )));
    }
    let (config, policy, site, lists) = args.bench.read()?;
    let mut arrival = args.circumstances.arrival(&site)?;
    let item = choose(args)?;
    let place = name(&item);
    let content = item.content.map_err(|why| Failure::new(format!("{place}: {}", escape(&why, MAX_PATH))))?;
    arrival.size = content.spool.len();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(async {
        let bench = Bench::start(&config, policy, site, lists, &args.bench).await?;
        let looked = bench.look(&content, &arrival).await;
        let text = explanation(&place, &content, &arrival, &bench, &looked);
        bench.stop().await;
        terminal::put(&text)?;
        Ok(exit_code(looked.status))
    })
}

/// The one message that is meant.
fn choose(args: &Args) -> Result<Item, Failure> {
    let mut chosen = None;
    paths::each(std::slice::from_ref(&args.path), &std::env::temp_dir(), &mut |item| {
        if item.index.is_none_or(|index| index == args.index) {
            chosen = Some(item);
        }
        chosen.is_none()
    });
    chosen.ok_or_else(|| {
        let shown = escape(&args.path.display().to_string(), MAX_PATH);
        Failure::new(format!("{shown} has no message {}: --index counts from 1", args.index))
    })
}

fn name(item: &Item) -> String {
    let path = escape(&item.path, MAX_PATH);
    match item.index {
        Some(index) => format!("{path} [{index}]"),
        None => path,
    }
}

fn exit_code(status: Status) -> u8 {
    match status {
        Status::Clean => 0,
        Status::Infected | Status::Disinfected | Status::ProbablyInfected => THREAT,
        Status::Unscannable | Status::Error | Status::NotScanned => ERROR,
    }
}

fn explanation(place: &str, content: &Content, arrival: &Arrival, bench: &Bench, looked: &Looked) -> String {
    let paint = Paint::stdout();
    let (words, colour) = match looked.status {
        Status::Clean => ("clean", Colour::Green),
        Status::Infected => ("infected", Colour::Red),
        Status::Disinfected => ("infected; the gateway can disinfect it", Colour::Red),
        Status::ProbablyInfected => ("probably infected", Colour::Red),
        Status::Unscannable => ("something in it could not be scanned", Colour::Yellow),
        Status::Error | Status::NotScanned => ("an engine could not look at it", Colour::Red),
    };
    let shown = paint.paint(colour, words);
    let mut out = format!("{place}: {}\n", spam::headline(looked, shown, paint, str::to_owned));
    seen::header(content, &looked.report, &mut out);
    seen::objects(&looked.report, &mut out);
    seen::findings(&looked.report, &mut out);
    seen::unscanned(looked, &mut out);
    seen::defects(&looked.report, &mut out);
    seen::sender(&looked.report, &mut out);
    out.push_str("\nWhether it is spam\n");
    spam::spam(looked, "  ", &mut out);
    decision::decision(arrival, bench, looked, &mut out);
    if !bench.has_signatures {
        let text =
            "No signature database is in use: only the EICAR test file and a few built-in rules were looked for.";
        out.push_str(&format!("\n{}\n", paint.paint(Colour::Yellow, text)));
    }
    out
}
