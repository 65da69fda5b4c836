//! `mailward policy`: show, export and apply the policy in force.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use judge::policy::Policy;
use mail::untrusted::escape;
use service::admin::{Request, Response};
use settings::{LoadedPolicy, diff, policy_to_toml};

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

/// Show, export and apply the policy in force.
///
/// A running daemon is asked; without one the data directory is used itself.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Show the policy in force: what differs from its profile.
    Show {
        #[command(flatten)]
        place: PlaceArgs,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Form,
        /// Every setting, with its description.
        #[arg(long)]
        full: bool,
    },
    /// Write the policy in force to a file, with every setting and its description.
    Export {
        #[command(flatten)]
        place: PlaceArgs,
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
        #[command(flatten)]
        place: PlaceArgs,
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
}

/// Runs it.
///
/// # Errors
/// There is no installation, the file cannot be read, or the policy has errors.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    match &args.verb {
        Verb::Show { place, format, full } => {
            let (policy, origin) = in_force(place)?;
            terminal::put(&shown(&policy, *format, *full))?;
            terminal::tell(&format!("The policy in force: {}", escape(&origin, 1000)));
        }
        Verb::Export { place, output, force } => {
            let (policy, _) = in_force(place)?;
            let text = policy_to_toml(&policy, true);
            if output.as_os_str() == "-" {
                terminal::put(&text)?;
            } else {
                write_new(output, *force, &mut text.as_bytes())?;
            }
        }
        Verb::Apply { place, file, comment, author } => apply(place, file, comment, author.as_deref())?,
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
    let new = LoadedPolicy::parse(&text, &origin).map_err(refused)?;
    let mut administration = Administration::open(&place.find()?)?;
    let (old, _) = administration.policy()?;
    let author = author.map_or_else(caller, str::to_owned);
    let request = Request::PolicyApply { text, author, comment: comment.to_owned() };
    let Response::Policy { origin, .. } = administration.ask(request)?.0 else { return Err(unexpected()) };
    for warning in &new.warnings.0 {
        terminal::tell(&warning.to_string());
    }
    let changes = diff(&old, &new.policy);
    let mut text: String =
        changes.iter().map(|change| format!("{}: {} -> {}\n", change.key, change.old, change.new)).collect();
    if changes.is_empty() {
        text.push_str("No setting changes.\n");
    }
    text.push_str(&format!("In force: {}\n", escape(&origin, 1000)));
    Ok(terminal::put(&text)?)
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

/// The user behind sudo, or the user.
fn caller() -> String {
    let user = ["SUDO_USER", "USER"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}
