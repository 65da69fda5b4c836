//! `mailward spam`: what is remembered of spam, and teaching it.

use std::path::PathBuf;

use clap::Subcommand;
use mail::evidence::{FileKind, Picture};
use mail::untrusted::escape;
use scan::Pictures;
use service::admin::{Request, Response, ShownPicture};
use service::examine::context;
use service::spool::Spool;
use tokio::time::Instant;

use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::looking::content::{Content, read_all};
use crate::looking::{Item, paths};
use crate::node;
use crate::place::{Place, PlaceArgs};
use crate::{terminal, when};

/// The exit code when nothing was learnt or forgotten.
const NOTHING: u8 = 1;
/// Most samples that a list shows.
const MAX_SHOWN: usize = 1_000;

/// Teach what spam looks like, or make it be forgotten.
///
/// Pictures of spam are kept as perceptual hashes and a copy of 96 by 96 cells: the same picture is found
/// again after it was resized, compressed anew, recoloured or cropped a little. A running daemon is
/// asked; without one the data directory is used itself.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Learn the pictures of messages, or picture files, as those of spam. Exit code 1 if there was
    /// nothing to learn.
    Learn(Which),
    /// Forget pictures that look like those of messages, or like picture files, and never take them
    /// for spam again. Exit code 1 if none of them was known.
    Forget(Which),
    /// Take single pictures out, by the numbers that `show` gives: what was learnt by mistake, and what was forgotten
    /// by mistake, so that it can be learnt again. Exit code 1 if there is none of these numbers.
    Remove {
        /// A number; may be repeated.
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<i64>,
    },
    /// Show what was learnt and how often it was found, and what is never taken for spam.
    Show,
}

#[derive(clap::Args, Debug)]
struct Which {
    /// Messages, mailboxes, or picture files.
    #[arg(value_name = "FILE", required_unless_present = "backup")]
    files: Vec<PathBuf>,
    /// A message in Backup, by its id or its entry's; may be repeated.
    #[arg(long, value_name = "ID")]
    backup: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// There is no installation, or something cannot be read.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let place = args.place.find()?;
    let mut administration = Administration::open(&place)?;
    match &args.verb {
        Verb::Show => show(&mut administration),
        Verb::Remove { numbers } => remove(&mut administration, numbers),
        Verb::Learn(which) => change(&place, &mut administration, which, Pictures::Learn),
        Verb::Forget(which) => change(&place, &mut administration, which, Pictures::Forget),
    }
}

fn show(administration: &mut Administration) -> Result<u8, Failure> {
    let Response::Pictures { samples, spared, hits } = administration.ask(Request::PicturesShow)?.0 else {
        return Err(unexpected());
    };
    let mut text = shown(&samples, "learnt", |sample| match sample.hits {
        0 => "never found".to_owned(),
        hits => format!("found {hits} times, last {}", when::shown(sample.used_ms)),
    });
    text.push_str(&shown(&spared, "forgotten", |_| "never taken for spam".to_owned()));
    text.push_str(&format!(
        "{} pictures of spam, found in {hits} messages; {} pictures that are never taken for spam\n",
        samples.len(),
        spared.len()
    ));
    terminal::put(&text)?;
    Ok(0)
}

/// A line a picture, the newest first, with when it came and how it stands.
fn shown(pictures: &[ShownPicture], came: &str, stands: impl Fn(&ShownPicture) -> String) -> String {
    let line = |it: &ShownPicture| {
        let (learnt, width, height) = (when::shown(it.learnt_ms), it.width, it.height);
        format!("{:>6}  {came} {learnt}  {width} by {height}  {}\n", it.id, stands(it))
    };
    let mut text: String = pictures.iter().rev().take(MAX_SHOWN).map(line).collect();
    if pictures.len() > MAX_SHOWN {
        text.push_str(&format!("        and {} more\n", pictures.len() - MAX_SHOWN));
    }
    text
}

fn remove(administration: &mut Administration, numbers: &[i64]) -> Result<u8, Failure> {
    let request = Request::PicturesRemove { ids: numbers.to_vec() };
    let Response::PicturesChanged { changed, unchanged, .. } = administration.ask(request)?.0 else {
        return Err(unexpected());
    };
    terminal::put(&format!("removed: {changed}; no such number: {unchanged}\n"))?;
    Ok(if changed == 0 { NOTHING } else { 0 })
}

/// What became of the pictures of several messages.
#[derive(Default)]
struct Sum {
    changed: u64,
    unchanged: u64,
    spared: u64,
    /// How many there were.
    seen: u64,
}

/// Learns or forgets pictures, which `how` says.
fn change(place: &Place, administration: &mut Administration, which: &Which, how: Pictures) -> Result<u8, Failure> {
    let learn = how == Pictures::Learn;
    let contents = contents(administration, which)?;
    let mut sum = Sum::default();
    for pictures in described(place, contents, how)? {
        sum.seen = sum.seen.saturating_add(pictures.len() as u64);
        if pictures.is_empty() {
            continue;
        }
        let request = if learn { Request::PicturesLearn { pictures } } else { Request::PicturesForget { pictures } };
        let Response::PicturesChanged { changed, unchanged, spared } = administration.ask(request)?.0 else {
            return Err(unexpected());
        };
        sum.changed = sum.changed.saturating_add(changed);
        sum.unchanged = sum.unchanged.saturating_add(unchanged);
        sum.spared = sum.spared.saturating_add(spared);
    }
    let Sum { changed, unchanged, spared, seen } = sum;
    let text = match (seen, learn) {
        (0, _) => "no picture that could be told from others: too small, too plain, or none\n".to_owned(),
        (_, true) => {
            let back = if spared > 0 { " (spam show has their numbers, spam remove takes them out)" } else { "" };
            format!("learnt: {changed}; known already: {unchanged}; never taken for spam: {spared}{back}\n")
        }
        (_, false) => format!("forgotten: {changed}; not known: {unchanged}\n"),
    };
    terminal::put(&text)?;
    Ok(if changed == 0 { NOTHING } else { 0 })
}

/// What is named, as bytes.
fn contents(administration: &mut Administration, which: &Which) -> Result<Vec<Content>, Failure> {
    let dir = std::env::temp_dir();
    let mut contents = Vec::new();
    let mut failed = None;
    paths::each(&which.files, &dir, &mut |Item { path, content, .. }| {
        match content {
            Ok(content) => contents.push(content),
            Err(why) => failed = Some(Failure::new(format!("{}: {}", escape(&path, 4096), escape(&why, 4096)))),
        }
        failed.is_none()
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    for id in &which.backup {
        let (_, Some(body)) = administration.ask(Request::BackupExport { id: id.clone() })? else {
            return Err(unexpected());
        };
        let spool: Spool = read_all(body, &dir).map_err(Failure::new)?;
        contents.push(Content { spool, input: scan::Input::Message, name: None });
    }
    Ok(contents)
}

/// What the pictures in each look like, described for this; workers decode them.
fn described(place: &Place, contents: Vec<Content>, how: Pictures) -> Result<Vec<Vec<Picture>>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(async {
        let examiner = node::examiner(place.config(), &[]).await.map_err(Failure::new)?;
        let policy = judge::policy::Policy::default();
        let mut all = Vec::new();
        for content in contents {
            let mut context = context(&policy, scan::Input::Message, None);
            let fuel = context.limits.fuel;
            context.spam = Some(scan::SpamContext { pictures: how, fuel, ..Default::default() });
            let deadline = Instant::now() + policy.limits.deadline.duration();
            let spool = match content.input {
                scan::Input::Message => content.spool,
                scan::Input::Detect => wrapped(&content.spool)?,
            };
            let report = examiner.examine(&spool, context, deadline).await;
            let unseen = report.objects().iter().all(|object| object.kind != FileKind::Message);
            if unseen || report.spam() == &mail::evidence::SpamSeen::NotAsked {
                return Err(Failure::new("a message could not be looked at"));
            }
            all.push(report.facts().pictures.clone());
        }
        examiner.pool().clone().shutdown().await;
        Ok(all)
    })
}

/// A file as the one attachment of a message: workers look for pictures in messages.
fn wrapped(file: &Spool) -> Result<Spool, Failure> {
    let bytes = file.bytes().map_err(Failure::new)?;
    let head = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    Ok(Spool::from([head.as_slice(), &bytes].concat()))
}
