//! `mailward lists`: whose mail is not examined for spam, and whose is always blacklisted.

mod line;

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use judge::lists::exchange::{self, Entry, MAX_FILE, MAX_PROBLEMS, write};
use judge::lists::{List, MAX_ENTRIES, Purpose, Record, Scope, Subject, Value, decoded};
use mail::untrusted::escape;
use service::admin::{EntryChange, EntryFilter, Request, Response, entries, form_of};

use super::backup::Format;
use super::backup::file::write_new;
use super::policy::caller;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::terminal;

/// Which list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Which {
    /// Whose mail is not examined for spam.
    Allow,
    /// Whose mail is "address blacklisted".
    Deny,
}

impl From<Which> for List {
    fn from(which: Which) -> Self {
        match which {
            Which::Allow => Self::Allow,
            Which::Deny => Self::Deny,
        }
    }
}

/// Show, change, search, export and import the lists of senders and recipients.
///
/// A running daemon is asked, and uses what changes at once; without one the data directory is used itself.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

/// Whose list.
#[derive(clap::Args, Clone, Debug, Default)]
struct Whose {
    /// The list of this recipient, in place of the organisation's.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
}

/// Who changes something.
#[derive(clap::Args, Clone, Debug)]
struct Author {
    /// Who changes it [default: the user that calls].
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
}

impl Author {
    fn name(&self) -> String {
        self.author.clone().unwrap_or_else(caller)
    }
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Show entries: id, list, what they name, and all that is known of them.
    Show {
        /// Only of this list.
        #[arg(value_enum, value_name = "LIST")]
        list: Option<Which>,
        #[command(flatten)]
        whose: Whose,
        /// Only entries of the organisation.
        #[arg(long, conflicts_with = "owner")]
        organisation: bool,
        /// Only entries with this in what they name or in the comment.
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
        limit: usize,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Put entries into a list; all of them, or none if one is wrong.
    Add {
        /// Which list.
        #[arg(value_enum, value_name = "LIST")]
        list: Which,
        /// An address, a mask (`*@example.org`, `*.example.org`), an IP address or a network.
        #[arg(required = true, value_name = "ENTRY")]
        values: Vec<String>,
        /// Recipients, whose mail is then not examined; only in the allowlist.
        #[arg(long)]
        recipient: bool,
        /// Spare them from being called bulk mail only; only in the allowlist.
        #[arg(long)]
        bulk_only: bool,
        #[command(flatten)]
        whose: Whose,
        /// A note for people.
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
        #[command(flatten)]
        author: Author,
    },
    /// Change an entry.
    Change {
        /// Its id.
        #[arg(value_name = "ID")]
        id: String,
        /// What it names from now on.
        #[arg(long, value_name = "ENTRY")]
        value: Option<String>,
        /// Spare from spam and bulk mail (all), or from bulk mail only (mass).
        #[arg(long, value_name = "SCOPE", value_parser = scope)]
        scope: Option<Scope>,
        /// A note for people.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
        #[command(flatten)]
        author: Author,
    },
    /// Take entries out of their lists; all of them, or none if one is not there.
    Remove {
        /// Their ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        author: Author,
    },
    /// Show the entries that name an address, the most specific first.
    Find {
        /// An address or IP address.
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Write a list to a file: `wlist` or `blist`, as XML.
    Export {
        /// Which list.
        #[arg(value_enum, value_name = "LIST")]
        list: Which,
        #[command(flatten)]
        whose: Whose,
        /// The file; `-` is standard output. It must not exist.
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
        /// Write over a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// Put the entries of a file into a list: XML as exported, or text with one entry a line.
    ///
    /// All of the file or nothing: every bad line is shown. It is UTF-8, or UTF-16 with a byte order mark. What is there already stays; what is there twice is
    /// one. Exit code 1 if the file is refused.
    Import {
        /// Which list.
        #[arg(value_enum, value_name = "LIST")]
        list: Which,
        /// The file; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only show what would change.
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        author: Author,
    },
    /// Show who changed what, newest first.
    Audit {
        /// Only changes of this entry.
        #[arg(long, value_name = "ID")]
        entry: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::named(text).ok_or_else(|| "all or mass".to_owned())
}

fn owner(text: &Option<String>) -> Result<Option<String>, Failure> {
    let read = |text: &String| {
        let wrong = || Failure::new(format!("\"{}\" is not an address", escape(text, 80)));
        Subject::parse(text).map(|owner| owner.to_string()).ok_or_else(wrong)
    };
    text.as_ref().map(read).transpose()
}

/// Runs it.
///
/// # Errors
/// There is no installation, or what is asked for cannot be done.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let mut administration = Administration::open(&args.place.find()?)?;
    match &args.verb {
        Verb::Show { list, whose, organisation, text, limit, format } => {
            let owner = if *organisation { Some(String::new()) } else { owner(&whose.owner)? };
            let filter = EntryFilter { list: list.map(List::from), owner, text: text.clone() };
            let found = administration.entries(&filter, limit.saturating_add(1))?;
            line::entries(found.get(..found.len().min(*limit)).unwrap_or_default(), *format)?;
            if found.len() > *limit {
                terminal::tell("There may be more: see --limit.");
            }
        }
        Verb::Add { list, values, recipient, bulk_only, whose, comment, author } => {
            let list = List::from(*list);
            let purpose = if *recipient { Purpose::Recipient } else { Purpose::Sender };
            let scope = if *bulk_only { Scope::Mass } else { Scope::All };
            let like = Entry { purpose, scope, owner: owner(&whose.owner)?, comment: comment.clone(), ..blank(list)? };
            let entries = entries(list, values, &like).map_err(Failure::new)?;
            return changed(administration.ask(Request::ListsAdd { entries, author: author.name() })?.0);
        }
        Verb::Change { id, value, scope, comment, author } => {
            let change = EntryChange { value: value.clone(), scope: *scope, comment: comment.clone() };
            let request = Request::ListsChange { id: id.clone(), change, author: author.name() };
            return changed(administration.ask(request)?.0);
        }
        Verb::Remove { ids, author } => {
            let request = Request::ListsRemove { ids: ids.clone(), author: author.name() };
            return changed(administration.ask(request)?.0);
        }
        Verb::Find { address, format } => {
            let request = Request::ListsFind { address: address.clone() };
            let Response::ListEntries { entries, .. } = administration.ask(request)?.0 else {
                return Err(unexpected());
            };
            line::entries(&entries, *format)?;
        }
        Verb::Export { list, whose, output, force } => {
            let filter = EntryFilter { list: Some((*list).into()), owner: owner(&whose.owner)?, text: None };
            export((*list).into(), &administration.entries(&filter, MAX_ENTRIES)?, output, *force)?;
        }
        Verb::Import { list, file, preview, whose, author } => {
            let (bytes, owner) = (read(file)?, owner(&whose.owner)?);
            let (text, undecoded) = decoded(&bytes, MAX_PROBLEMS);
            let form = form_of(&text);
            if !undecoded.is_empty() {
                // A question is text. What is none is refused here, with all that is wrong with the file.
                let refused = exchange::read(&bytes, form, (*list).into(), None).err().unwrap_or_default();
                return changed(Response::ListsRefused { problems: refused });
            }
            let request = Request::ListsImport {
                list: (*list).into(),
                form,
                text: text.into_owned(),
                owner,
                preview: *preview,
                author: author.name(),
            };
            return changed(administration.ask(request)?.0);
        }
        Verb::Audit { entry, limit, format } => audit(&mut administration, entry.as_ref(), *limit, *format)?,
    }
    Ok(0)
}

/// An entry with nothing said about it yet; its value is replaced.
fn blank(list: List) -> Result<Entry, Failure> {
    let value = Value::parse("user@example.org").map_err(Failure::new)?;
    Ok(Entry::new(list, value))
}

/// Says what a change came to.
fn changed(response: Response) -> Result<u8, Failure> {
    match response {
        Response::ListsChanged { added, changed, removed, unchanged, merged, shown, preview } => {
            let mut out: String = shown.iter().map(line::change).collect();
            let total = added.saturating_add(changed).saturating_add(removed);
            if total > shown.len() {
                out.push_str(&format!("and {} more\n", total.saturating_sub(shown.len())));
            }
            let would = if preview { "would be " } else { "" };
            out.push_str(&format!(
                "{added} {would}added, {changed} {would}changed, {removed} {would}removed, {unchanged} as they were, {merged} twice\n"
            ));
            terminal::put(&out)?;
            Ok(0)
        }
        Response::ListsRefused { problems } => {
            let told: String = problems
                .iter()
                .map(|it| format!("line {}, column {}: {}\n", it.line, it.column, escape(&it.what, 400)))
                .collect();
            terminal::put(&format!("{told}the file is refused, and nothing was changed\n"))?;
            Ok(1)
        }
        _ => Err(unexpected()),
    }
}

fn export(list: List, records: &[Record], output: &Path, force: bool) -> Result<(), Failure> {
    let text = write(list, records);
    if output.as_os_str() == "-" {
        terminal::put(&text)?;
    } else {
        write_new(output, force, &mut text.as_bytes())?;
    }
    Ok(())
}

fn audit(
    administration: &mut Administration,
    entry: Option<&String>,
    limit: usize,
    format: Format,
) -> Result<(), Failure> {
    let (mut before, mut left) = (None, limit);
    while left > 0 {
        let request = Request::ListsTrail { entry: entry.cloned(), before, limit: left };
        let Response::ListsTrail { changes } = administration.ask(request)?.0 else { return Err(unexpected()) };
        let Some(last) = changes.last() else { return Ok(()) };
        before = Some(last.number);
        let text: String = changes.iter().take(left).map(|change| line::audit(change, format)).collect();
        terminal::put(&text)?;
        left = left.saturating_sub(changes.len());
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE as u64 + 1;
    let failed = |error: std::io::Error| Failure::new(format!("{}: cannot be read: {error}", file.display()));
    let size = match file.as_os_str() == "-" {
        true => std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?,
        false => {
            let mut open = std::fs::File::open(file).map_err(failed)?.take(limit);
            open.read_to_end(&mut bytes).map_err(failed)?
        }
    };
    if size > MAX_FILE {
        return Err(Failure::new(format!("{}: longer than {} MiB", file.display(), MAX_FILE >> 20)));
    }
    Ok(bytes)
}
