//! `mailward policy`: the policy in force, the ones before it, and what each setting means.

mod explain;
mod history;
mod watched;

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use judge::policy::Policy;
use mail::untrusted::escape;
use service::admin::{Request, Response};
use settings::{LoadedPolicy, diff, policy_to_toml};

use super::backup::Format;
use super::backup::file::write_new;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::terminal;

/// The form in which a policy is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Form {
    /// As a policy file.
    #[default]
    Toml,
    /// As one JSON object with every setting.
    Json,
}

/// Show, change, compare, take back and explain the policy in force.
///
/// A running daemon is asked; without one the data directory is used itself.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Show the policy in force: what differs from its profile.
    Show {
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Form,
        /// Every setting, with its description.
        #[arg(long)]
        full: bool,
    },
    /// Write the policy in force to a file, with every setting and its description.
    Export {
        /// The file; `-` is standard output. It must not exist.
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
        /// Write over a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// Put a policy in force as a new revision.
    ///
    /// A file with errors changes nothing; all its problems are shown.
    Apply {
        /// The policy file; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Why it changes.
        #[arg(long, value_name = "TEXT")]
        comment: String,
        /// Who changes it [default: the user that calls].
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
    },
    /// List the policies that were in force, newest first: number, time, author, comment.
    History {
        /// At most so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Show in which settings two policies differ.
    Diff {
        /// A revision; 0 is the defaults.
        #[arg(value_name = "FROM")]
        from: u64,
        /// Another one [default: the policy in force].
        #[arg(value_name = "TO")]
        to: Option<u64>,
    },
    /// Put an earlier policy in force again. It becomes a new revision: nothing is lost.
    Rollback {
        /// The revision; 0 is the defaults.
        #[arg(value_name = "REVISION")]
        revision: u64,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        comment: String,
        /// Who does it [default: the user that calls].
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
    },
    /// Explain a rule or setting: what it means, its value, its defaults, who set it when and why.
    Explain {
        /// A rule as in the log (`malware_infected`), a setting (`malware.action`) or a table of
        /// settings (`malware`).
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Count what monitor mode let through, by surface, rule and what would have been done.
    Watched(watched::Args),
}

/// Runs it.
///
/// # Errors
/// There is no installation, the file cannot be read, or the policy has errors.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let place = &args.place;
    match &args.verb {
        Verb::Show { format, full } => {
            let (policy, origin) = in_force(place)?;
            terminal::put(&shown(&policy, *format, *full))?;
            terminal::tell(&format!("The policy in force: {}", escape(&origin, 1000)));
        }
        Verb::Export { output, force } => {
            let (policy, _) = in_force(place)?;
            let text = policy_to_toml(&policy, true);
            if output.as_os_str() == "-" {
                terminal::put(&text)?;
            } else {
                write_new(output, *force, &mut text.as_bytes())?;
            }
        }
        Verb::Apply { file, comment, author } => apply(place, file, comment, author.as_deref())?,
        Verb::History { limit, format } => history::list(place, *limit, *format)?,
        Verb::Diff { from, to } => history::compare(place, *from, *to)?,
        Verb::Rollback { revision, comment, author } => {
            history::rollback(place, *revision, comment, author.as_deref())?;
        }
        Verb::Explain { name } => explain::run(place, name)?,
        Verb::Watched(args) => watched::run(place, args)?,
    }
    Ok(0)
}

fn in_force(place: &PlaceArgs) -> Result<(Policy, String), Failure> {
    Administration::open(&place.find()?)?.policy()
}

fn shown(policy: &Policy, form: Form, full: bool) -> String {
    match form {
        Form::Toml => policy_to_toml(policy, full),
        Form::Json => serde_json::to_string_pretty(policy).unwrap_or_default() + "\n",
    }
}

fn apply(place: &PlaceArgs, file: &Path, comment: &str, author: Option<&str>) -> Result<(), Failure> {
    let (text, origin) = read(file)?;
    let refused = |problems| Failure::new(format!("the policy is refused, and the old one stays:\n{problems}"));
    let new = LoadedPolicy::parse(&text, &origin, &service::policy::signs()).map_err(refused)?;
    let mut administration = Administration::open(&place.find()?)?;
    let (old, _) = administration.policy()?;
    let author = author.map_or_else(caller, str::to_owned);
    let request = Request::PolicyApply { text, author, comment: comment.to_owned() };
    let Response::Policy { origin, .. } = administration.ask(request)?.0 else { return Err(unexpected()) };
    for warning in &new.warnings.0 {
        terminal::tell(&warning.to_string());
    }
    let mut text = differences(&old, &new.policy);
    text.push_str(&format!("In force: {}\n", escape(&origin, 1000)));
    Ok(terminal::put(&text)?)
}

/// What differs, a line a setting.
fn differences(old: &Policy, new: &Policy) -> String {
    let changes = diff(old, new);
    if changes.is_empty() {
        return "No setting changes.\n".to_owned();
    }
    changes.iter().map(|change| format!("{}: {} -> {}\n", change.key, change.old, change.new)).collect()
}

fn read(file: &Path) -> Result<(String, String), Failure> {
    if file.as_os_str() != "-" {
        let text = settings::read_file(file).map_err(Failure::new)?;
        return Ok((text, file.display().to_string()));
    }
    let mut text = String::new();
    let limit = settings::MAX_FILE as u64 + 1;
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("standard input cannot be read as text: {error}")))?;
    if text.len() > settings::MAX_FILE {
        return Err(Failure::new(format!("standard input is longer than {} bytes: no policy", settings::MAX_FILE)));
    }
    Ok((text, "standard input".to_owned()))
}

/// Where accounts stand that have a name.
const PASSWD: &str = "/etc/passwd";

/// The user behind sudo, or the user; by number only where it has no name.
pub(crate) fn caller() -> String {
    let user = ["SUDO_USER", "USER"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    user.unwrap_or_else(|| {
        let uid = rustix::process::getuid().as_raw();
        let known = std::fs::read_to_string(PASSWD).ok().and_then(|accounts| name_of(uid, &accounts));
        known.unwrap_or_else(|| format!("uid {uid}"))
    })
}

/// The name of a user among these accounts (passwd(5)).
fn name_of(uid: u32, accounts: &str) -> Option<String> {
    let name = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let same = fields.nth(1).and_then(|id| id.parse::<u32>().ok()) == Some(uid);
        same.then(|| name.to_owned())
    };
    accounts.lines().find_map(name)
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn wl_07_bl_02_a_user_is_called_by_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7:7::/:\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n";
        for (uid, name) in [(0, Some("root")), (1000, Some("ann")), (7, None), (10, None)] {
            assert_eq!(name_of(uid, accounts).as_deref(), name, "{uid}");
        }
    }
}
