//! `mailward backup`: what was kept, and what to do with it.

pub(crate) mod file;
mod key;
mod line;
mod list;
mod release;
mod show;

use std::io::Write;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use service::admin::{Request, Response};
use store::Store;

use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::{PlaceArgs, check_owner};
use crate::terminal;

/// The exit code when something in Backup is damaged.
const DAMAGED: u8 = 1;

/// The form of lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// List, show, export, release and delete what was kept in Backup.
///
/// A running daemon is asked; without one the data directory is used itself, as its owner. An ID is
/// that of an entry (13 characters) or of a message (26 characters, as in headers and log).
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    List(list::Args),
    /// Show all that is known of an entry.
    Show {
        /// The entry or message.
        #[arg(value_name = "ID")]
        id: String,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Write the original message to a file. It may be dangerous: it was kept for a reason.
    Export {
        /// The entry or message.
        #[arg(value_name = "ID")]
        id: String,
        /// The file; `-` is standard output [default: named by protocol, time and connection].
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write over a file that exists.
        #[arg(long)]
        force: bool,
    },
    Release(release::Args),
    /// Delete entries for good.
    Delete {
        /// The entries or messages.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Read every stored message to its end. Exit code 1 if one is damaged.
    Verify,
    /// Make the index anew from the stored messages; the daemon must not be running.
    RebuildIndex,
    /// Export or restore the installation key, without which Backup cannot be read.
    #[command(subcommand)]
    Key(key::Verb),
}

/// Runs it.
///
/// # Errors
/// There is no installation, no such entry, or it cannot be done.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let place = args.place.find()?;
    let open = || Administration::open(&place);
    match &args.verb {
        Verb::List(list) => list::run(list, &mut open()?)?,
        Verb::Show { id, format } => show::run(id, *format, &mut open()?)?,
        Verb::Export { id, output, force } => export(id, output.as_deref(), *force, &mut open()?)?,
        Verb::Release(release) => return release::run(release, &mut open()?),
        Verb::Delete { ids, yes } => delete(ids, *yes, &mut open()?)?,
        Verb::Verify => return verify(&mut open()?),
        Verb::RebuildIndex => rebuild_index(&place)?,
        Verb::Key(key) => key::run(key, &place)?,
    }
    Ok(0)
}

fn export(
    id: &str,
    output: Option<&std::path::Path>,
    force: bool,
    administration: &mut Administration,
) -> Result<(), Failure> {
    let request = Request::BackupExport { id: id.to_owned() };
    let (Response::Body { file_name, .. }, Some(mut body)) = administration.ask(request)? else {
        return Err(unexpected());
    };
    match output {
        Some(path) if path.as_os_str() == "-" => file::copy(&mut body, &mut std::io::stdout().lock()),
        Some(path) => file::write_new(path, force, &mut body),
        None => {
            let path = file::plain_name(&file_name)?;
            file::write_new(&path, force, &mut body)?;
            Ok(terminal::put(&format!("{}\n", path.display()))?)
        }
    }
}

fn delete(ids: &[String], yes: bool, administration: &mut Administration) -> Result<(), Failure> {
    if !yes {
        let question = match ids {
            [id] => format!("Delete {} for good?", mail::untrusted::escape(id, 60)),
            ids => format!("Delete {} entries for good?", ids.len()),
        };
        match terminal::confirm(&question) {
            Some(true) => {}
            Some(false) => return Err(Failure::new("nothing was deleted")),
            None => return Err(Failure::new("nothing was deleted: without a terminal to ask at, say --yes")),
        }
    }
    for (done, id) in ids.iter().enumerate() {
        let answer = administration.ask(Request::BackupDelete { id: id.clone() }).map_err(|failure| match failure {
            Failure::Said(why) => Failure::new(format!("{why} ({done} of {} deleted)", ids.len())),
            other => other,
        });
        let (Response::Deleted, _) = answer? else { return Err(unexpected()) };
    }
    Ok(terminal::put(&format!("{} deleted\n", ids.len()))?)
}

fn verify(administration: &mut Administration) -> Result<u8, Failure> {
    let Response::Verified { checked, damaged } = administration.ask(Request::BackupVerify)?.0 else {
        return Err(unexpected());
    };
    let mut out = std::io::stdout().lock();
    for (id, why) in &damaged {
        writeln!(out, "{id}: {}", mail::untrusted::escape(why, 500))?;
    }
    writeln!(out, "{checked} stored messages read, {} entries damaged", damaged.len())?;
    Ok(if damaged.is_empty() { 0 } else { DAMAGED })
}

fn rebuild_index(place: &crate::place::Place) -> Result<(), Failure> {
    check_owner(place.data_dir())?;
    let sweep = Store::rebuild_index(place.data_dir()).map_err(Failure::new)?;
    let mut text = format!("The index was made anew: {} entries.\n", sweep.adopted);
    for path in &sweep.unreadable {
        text.push_str(&format!("cannot be opened, and stays where it is: {}\n", path.display()));
    }
    Ok(terminal::put(&text)?)
}
