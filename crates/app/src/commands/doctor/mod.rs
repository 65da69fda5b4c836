//! `mailward doctor`: whether this installation can do its work, and what is not protected.
//!
//! One function a check; each gives findings. Nothing is changed. Peers are asked as mail would ask them,
//! each within a time limit.

pub(super) mod certificates;
mod lists;
mod machine;
mod peers;
mod postfix;
mod protection;
pub(super) mod signing;

use judge::policy::Policy;
use mail::untrusted::escape;
use serde::Serialize;
use settings::{Problem, Severity};

use super::backup::Format;
use crate::ask::Administration;
use crate::failure::Failure;
use crate::place::{Place, PlaceArgs};
use crate::terminal::{self, Colour, Paint};

/// The exit code when something does not work.
const BROKEN: u8 = 1;
/// Most characters of one finding.
const MAX_TEXT: usize = 1000;

/// Check whether everything that mail needs is there, and say what is not protected.
///
/// Looks at the configuration, name resolution, next hops, listeners, clock, disk, databases,
/// certificates, permissions, Postfix beside it, the policy, and lists of senders. Exits with 1 if something does not
/// work.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// The form.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// How bad a finding is, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// It is as it should be.
    Ok,
    /// Worth knowing; nothing is wrong.
    Note,
    /// It works, with a risk.
    Warning,
    /// It does not work.
    Broken,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Finding {
    /// Which check: `configuration`, `next_hop`, `clock`, ….
    pub(crate) check: &'static str,
    /// How bad it is.
    pub(crate) level: Level,
    /// What was found, and what to do.
    pub(crate) text: String,
}

impl Finding {
    /// A finding.
    pub(crate) fn new(check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { check, level, text: text.into() }
    }
}

/// Runs it.
///
/// # Errors
/// Standard output is closed. What is wrong with the installation is a finding.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let findings = match args.place.find() {
        Ok(place) => examine(&place)?,
        Err(failure) => vec![Finding::new("configuration", Level::Broken, failure.text().to_owned())],
    };
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    let text: String = match args.format {
        Format::Json => findings.iter().map(terminal::json_line).collect(),
        Format::Text => findings.iter().map(|finding| line(finding, Paint::stdout())).collect(),
    };
    terminal::put(&text)?;
    Ok(if worst == Level::Broken { BROKEN } else { 0 })
}

fn examine(place: &Place) -> Result<Vec<Finding>, Failure> {
    let config = place.config();
    let mut found = configuration(place);
    found.extend(machine::all(config));
    found.extend(certificates::all(config));
    found.extend(signing::all(config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    found.extend(runtime.block_on(peers::all(config)));
    found.extend(postfix::all(config));
    let policy = policy(place);
    found.extend(protection::all(config, &policy));
    found.extend(lists::all(place, &policy));
    Ok(found)
}

/// The policy in force: the daemon's, the data directory's, or before the first start the defaults.
fn policy(place: &Place) -> Result<Policy, String> {
    if !place.data_dir().exists() && place.config().policy.file.is_none() {
        return Ok(Policy::default());
    }
    let asked = Administration::open(place).and_then(|mut administration| administration.policy());
    asked.map(|(policy, _)| policy).map_err(|failure| failure.text().to_owned())
}

fn configuration(place: &Place) -> Vec<Finding> {
    let shown = |problem: &Problem| {
        let level = match problem.severity {
            Severity::Error => Level::Broken,
            Severity::Warning => Level::Warning,
            Severity::Advice => Level::Note,
        };
        Finding::new("configuration", level, problem.to_string())
    };
    let mut problems = place.loaded.warnings.0.clone();
    problems.extend(place.config().check_serve());
    problems.extend(settings::check_environment(place.config()));
    if problems.is_empty() {
        let from = place.file.as_ref().map_or_else(|| "the defaults".to_owned(), |file| file.display().to_string());
        return vec![Finding::new("configuration", Level::Ok, format!("{from}: no problems"))];
    }
    problems.iter().map(shown).collect()
}

fn line(finding: &Finding, paint: Paint) -> String {
    let mark = match finding.level {
        Level::Ok => paint.paint(Colour::Green, "ok     "),
        Level::Note => "note   ".to_owned(),
        Level::Warning => paint.paint(Colour::Yellow, "warning"),
        Level::Broken => paint.paint(Colour::Red, "BROKEN "),
    };
    format!("{mark}  {:<13}  {}\n", finding.check, escape(&finding.text, MAX_TEXT))
}
