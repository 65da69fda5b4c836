//! `mailward scan`: look for malware in files, directories, mailboxes and standard input.

mod auth;
mod line;
mod progress;
mod show;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use mail::arrival::Arrival;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::failure::{ERROR, Failure};
use crate::looking::bench::{Bench, BenchArgs, Looked};
use crate::looking::circumstances::CircumstancesArgs;
use crate::looking::{Item, paths};
use crate::terminal;
use line::ScanLine;
use progress::Progress;
use show::Summary;

#[cfg(test)]
pub(crate) use line::schema;

/// Messages that are read ahead for each worker: enough that none waits while a slow one holds up the
/// order of the results. Each takes at most 256 KB of memory; what is larger is in a file.
const AHEAD: usize = 8;
/// The exit code when malware was found.
const THREAT: u8 = 1;

/// The form of the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// One line a file, for people.
    #[default]
    Text,
    /// One JSON object a line, for programs (docs/reference/scan-output.schema.json).
    Json,
}

/// Look for malware and spam in files, directories, mailboxes and standard input.
///
/// Files that are messages are read as messages, all others as files. An mbox gives one result a
/// message; its messages are scanned as they stand in the file, without turning `>From ` back. In a
/// directory everything is scanned, a Maildir's messages as messages; symbolic links in directories
/// are not followed. Nothing is changed: the action is what the gateway would do with such a
/// message.
///
/// Exit code, which is about malware alone: 0 if there is none; 1 if some was found, also where it could
/// be removed; else 2 if something could not be scanned (encrypted, damaged, over a limit) or read, and
/// for errors. Whether a message is spam is told, and is in `spam` of the JSON, but changes no code.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Files, directories, mbox files, Maildirs; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Say where things were found, what was not scanned, every sign of spam, and what the gateway would do.
    #[arg(short, long)]
    verbose: bool,
    /// Show only what is not clean or is spam, and no summary.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    bench: BenchArgs,
    #[command(flatten)]
    circumstances: CircumstancesArgs,
}

/// Runs it.
///
/// # Errors
/// Engines or policy that cannot be loaded; standard output that cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let (config, policy, site, lists) = args.bench.read()?;
    let arrival = args.circumstances.arrival(&site)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    let result = runtime.block_on(async {
        let bench = Bench::start(&config, policy, site, lists, &args.bench).await?;
        scan(args, bench, arrival).await
    });
    // A reader may hang on a pipe that nobody writes to; the program ends all the same.
    runtime.shutdown_background();
    result
}

/// A message in work.
type InWork = JoinHandle<Done>;

/// A message that was looked at.
struct Done {
    path: String,
    index: Option<u64>,
    size: u64,
    looked: Result<Looked, String>,
}

async fn scan(args: &Args, bench: Bench, arrival: Arrival) -> Result<u8, Failure> {
    let bench = Arc::new(bench);
    let started = Instant::now();
    let most = bench.workers.saturating_mul(AHEAD);
    let (give, mut items) = mpsc::channel::<Item>(1);
    let (paths, spool_dir) = (args.paths.clone(), std::env::temp_dir());
    let reader = tokio::task::spawn_blocking(move || {
        paths::each(&paths, &spool_dir, &mut |item| give.blocking_send(item).is_ok())
    });
    let mut output = Output::new(args);
    let mut in_work: VecDeque<InWork> = VecDeque::new();
    let mut more = true;
    while more || !in_work.is_empty() {
        if more && in_work.len() < most {
            match items.recv().await {
                Some(item) => in_work.push_back(tokio::spawn(look(Arc::clone(&bench), item, arrival.clone()))),
                None => more = false,
            }
            continue;
        }
        if let Some(next) = in_work.pop_front() {
            let done = next.await.map_err(|crash| Failure::new(format!("looking at a message crashed: {crash}")))?;
            output.done(&done)?;
        }
    }
    let passed = reader.await.unwrap_or_default();
    output.end(started.elapsed(), passed, bench.has_signatures);
    if let Some(bench) = Arc::into_inner(bench) {
        bench.stop().await;
    }
    Ok(output.summary.exit_code())
}

async fn look(bench: Arc<Bench>, item: Item, mut arrival: Arrival) -> Done {
    let Item { path, index, content } = item;
    let mut size = 0;
    let looked = match content {
        Ok(content) => {
            size = content.spool.len();
            arrival.id = service::id::message_id();
            arrival.size = size;
            Ok(bench.look(&content, &arrival).await)
        }
        Err(why) => Err(why),
    };
    Done { path, index, size, looked }
}

/// What is shown, and what is counted.
struct Output<'a> {
    args: &'a Args,
    progress: Progress,
    summary: Summary,
    paint: terminal::Paint,
    /// Whether the policy asks lists in the DNS about any of it, and they were not asked.
    lists_not_asked: bool,
}

impl<'a> Output<'a> {
    fn new(args: &'a Args) -> Self {
        let progress = if args.quiet { Progress::hidden() } else { Progress::new(&args.paths) };
        Self { args, progress, summary: Summary::default(), paint: terminal::Paint::stdout(), lists_not_asked: false }
    }

    fn done(&mut self, done: &Done) -> Result<(), Failure> {
        let line = ScanLine::of(done);
        self.summary.count(done, &line);
        self.lists_not_asked |= done.looked.as_ref().is_ok_and(|looked| looked.not_asked.iter().any(|it| it.is_list()));
        let clean = show::is_clean(done, &line);
        let text = match self.args.format {
            Format::Json => terminal::json_line(&line),
            Format::Text => show::text(done, &line, self.args.verbose, self.paint),
        };
        if !(clean && self.args.quiet) {
            self.progress.beside(|| terminal::put(&text))?;
        }
        self.progress.advance(done.size, &done.path);
        Ok(())
    }

    fn end(&mut self, took: std::time::Duration, passed: paths::PassedOver, has_signatures: bool) {
        self.progress.end();
        if !self.args.quiet {
            show::summary(&self.summary, took, passed);
            if self.lists_not_asked {
                show::lists_not_asked();
            }
        }
        if !has_signatures {
            show::no_signatures();
        }
    }
}

impl Summary {
    fn exit_code(&self) -> u8 {
        if self.threats() > 0 {
            THREAT
        } else if self.failures() > 0 {
            ERROR
        } else {
            0
        }
    }
}
