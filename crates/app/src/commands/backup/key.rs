//! `mailward backup key`: the installation key, on its way to a safe and back.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use mail::untrusted::escape;
use service::admin::{Request, Response};
use store::{KeyText, Store};

use super::file::write_new;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::{Place, check_owner};
use crate::terminal;

/// Longest key that is read, in bytes.
const MAX_KEY: u64 = 4096;

/// What is done with the key.
#[derive(Subcommand, Debug)]
pub(super) enum Verb {
    /// Print the installation key, for a safe place away from this machine.
    ///
    /// Who has the key and the disk can read Backup; without the key nobody can.
    Export {
        /// A new file for it, readable by its owner only [default: standard output].
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Put an exported key in place; the daemon must not be running.
    Restore {
        /// The file with the key; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Also if Backup holds messages that this key cannot open.
        #[arg(long)]
        force: bool,
    },
}

/// Runs it.
pub(super) fn run(verb: &Verb, place: &Place) -> Result<(), Failure> {
    match verb {
        Verb::Export { output } => export(output.as_deref(), place),
        Verb::Restore { file, force } => restore(file, *force, place),
    }
}

fn export(output: Option<&Path>, place: &Place) -> Result<(), Failure> {
    let Response::Key { text } = Administration::open(place)?.ask(Request::KeyExport)?.0 else {
        return Err(unexpected());
    };
    let line = format!("{text}\n");
    match output {
        Some(path) => write_new(path, false, &mut line.as_bytes())?,
        None => {
            terminal::put(&line)?;
            if io::stdout().is_terminal() {
                terminal::tell(
                    "Keep this where neither this machine nor its backups are: it opens everything in Backup.",
                );
            }
        }
    }
    Ok(())
}

fn restore(file: &Path, force: bool, place: &Place) -> Result<(), Failure> {
    let dir = place.data_dir();
    if dir.exists() {
        check_owner(dir)?;
    }
    let shown = escape(&file.display().to_string(), 1000);
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().lock().take(MAX_KEY).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_KEY).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")))?;
    Store::restore_key(dir, &KeyText::new(text.trim()), force).map_err(Failure::new)?;
    Ok(terminal::put(&format!("The key of {} is in place.\n", dir.display()))?)
}
