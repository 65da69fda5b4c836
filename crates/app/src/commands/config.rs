//! `mailward config`: check, show and document the configuration of this machine.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use judge::policy::Policy;
use settings::{Config, Loaded, LoadedPolicy, Problem, Problems, Severity, What};

use crate::failure::Failure;
use crate::place::{DEFAULT_CONFIG, PlaceArgs};
use crate::terminal::{self, Colour, Paint};

/// The exit code when a configuration has errors.
const WRONG: u8 = 1;

/// Check, show and document the configuration of this machine.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Find everything that is wrong with a configuration, what it names included.
    ///
    /// Reads the file and the environment, then looks whether files can be read, names resolved and
    /// rules loaded, and reads the policy file if one is named. Exit code: 0 without errors
    /// (warnings may be shown), 1 with errors, 2 if there is no configuration.
    Check {
        /// The configuration [default: /etc/mailward/mailward.toml].
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Show the settings in effect, and where each comes from.
    Show {
        #[command(flatten)]
        place: PlaceArgs,
        /// Every setting; this is the default.
        #[arg(long, conflicts_with = "changed")]
        all: bool,
        /// Only what is written, and what differs from the default.
        #[arg(long)]
        changed: bool,
    },
    /// Print the JSON schema of the configuration.
    Schema {
        /// That of a policy file instead.
        #[arg(long)]
        policy: bool,
    },
    /// Print a configuration with every setting, its description and its default.
    Init,
}

/// Runs it.
///
/// # Errors
/// There is no configuration to look at.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    match &args.verb {
        Verb::Check { config } => return check(config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG))),
        Verb::Show { place, changed, .. } => {
            let place = place.find()?;
            if place.file.is_none() {
                terminal::tell(&format!("There is no {DEFAULT_CONFIG}: these are the defaults."));
            }
            terminal::put(&settings::show(&place.loaded, if *changed { What::Changed } else { What::All }))?;
        }
        Verb::Schema { policy: false } => terminal::put(&settings::schema_config())?,
        Verb::Schema { policy: true } => terminal::put(&settings::schema_policy())?,
        Verb::Init => terminal::put(&settings::config_with_docs())?,
    }
    Ok(0)
}

fn check(path: &Path) -> Result<u8, Failure> {
    if !path.exists() {
        return Err(Failure::new(format!(
            "there is no {}: name a file with --config, or begin with `mailward config init`",
            path.display()
        )));
    }
    let mut problems = match Loaded::load(path) {
        Err(problems) => problems,
        Ok(loaded) => outside(&loaded),
    };
    let wrong = problems.has_errors();
    let shown = path.display();
    if problems.0.is_empty() {
        terminal::put(&format!("{shown}: no problems\n"))?;
        return Ok(0);
    }
    problems.0.sort_by_key(|problem| problem.severity);
    let paint = Paint::stdout();
    let mut text = String::new();
    for problem in &problems.0 {
        text.push_str(&line(problem, paint));
    }
    let errors = problems.0.iter().filter(|problem| problem.severity == Severity::Error).count();
    let rest = problems.0.len() - errors;
    text.push_str(&format!("{shown}: {errors} errors, {rest} warnings and advice\n"));
    terminal::put(&text)?;
    Ok(if wrong { WRONG } else { 0 })
}

/// What a correct file has to say, and what it names.
fn outside(loaded: &Loaded) -> Problems {
    let mut problems = loaded.warnings.clone();
    problems.0.extend(settings::check_environment(&loaded.config));
    if problems.has_errors() {
        return problems;
    }
    if let Some(file) = &loaded.config.policy.file {
        match LoadedPolicy::load(file, &service::policy::signs()) {
            Ok(policy) => {
                problems.0.extend(policy.warnings.0);
                problems.0.extend(together(&loaded.config, &policy.policy));
            }
            Err(found) => problems.0.extend(found.0),
        }
    }
    problems.0.extend(super::doctor::certificates::problems(&loaded.config));
    problems.0.extend(super::doctor::signing::problems(&loaded.config));
    match service::sources::engine_spec(&loaded.config) {
        Err(lines) => problems.0.extend(lines.lines().map(|line| Problem::error("engines", line))),
        Ok(spec) => {
            let (_, found) = scan::Engines::load(&spec);
            problems.0.extend(found.iter().map(|problem| Problem::error("engines", problem.to_string())));
        }
    }
    problems
}

/// What configuration and policy are only together.
pub(super) fn together(config: &Config, policy: &Policy) -> Vec<Problem> {
    kept(config, policy).into_iter().chain(sealed(config, policy)).collect()
}

/// A seal says what was found out about a message; where nothing is, there are none.
fn sealed(config: &Config, policy: &Policy) -> Option<Problem> {
    (!config.signing.seal_domain.is_empty() && !policy.authentication.enabled).then(|| {
        let text = "signing.seal_domain has no effect: authentication.enabled = false in the policy";
        Problem::warning("signing.seal_domain", text)
    })
}

/// A message that Backup could never keep is deferred for ever where the policy wants it kept.
fn kept(config: &Config, policy: &Policy) -> Option<Problem> {
    let (room, message) = (policy.backup.max_size, config.limits.max_message_size);
    // 0 is no limit.
    (1..message.0).contains(&room.0).then(|| {
        let text = format!(
            "backup.max_size ({room}) in the policy is less than limits.max_message_size ({message}): larger messages cannot be kept"
        );
        Problem::warning("limits.max_message_size", text)
    })
}

fn line(problem: &Problem, paint: Paint) -> String {
    let colour = match problem.severity {
        Severity::Error => Colour::Red,
        Severity::Warning | Severity::Advice => Colour::Yellow,
    };
    let severity = match problem.severity {
        // `Display` says the other severities itself.
        Severity::Error => paint.paint(colour, "error: "),
        Severity::Warning | Severity::Advice => String::new(),
    };
    let key = if problem.key.is_empty() { String::new() } else { format!(" [{}]", problem.key) };
    format!("{severity}{problem}{key}\n")
}
