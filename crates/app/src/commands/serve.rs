//! `mailward serve`: the gateway in front of a real next hop.

use std::path::PathBuf;
use std::process::ExitCode;

use settings::{Loaded, Problems, Severity, check_environment};

use crate::logging;
use crate::node::Running;

/// Where the configuration is looked for when nobody says.
pub const DEFAULT_CONFIG: &str = "/etc/mailward/mailward.toml";

/// Run the gateway
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The configuration file
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

/// Runs until a signal ends it.
pub fn run(args: &Args) -> ExitCode {
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            crate::terminal::tell(&format!("mailward: {message}"));
            ExitCode::from(2)
        }
    }
}

fn start(args: &Args) -> Result<(), String> {
    let loaded = Loaded::load(&args.config).map_err(|problems| problems.to_string())?;
    let config = loaded.config;
    let mut problems = loaded.warnings.0;
    problems.extend(config.check_serve());
    problems.extend(check_environment(&config));
    let problems = Problems(problems);
    if problems.has_errors() {
        return Err(format!("{}: cannot serve\n{problems}", args.config.display()));
    }
    logging::start(&config.log);
    for problem in problems.0.iter().filter(|p| p.severity == Severity::Warning) {
        tracing::warn!(target: "config", "{problem}");
    }
    if let Some(warning) = crate::descriptors::allow(&config) {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start threads: {e}"))?;
    runtime.block_on(async {
        let running = Running::start(config).await?;
        for address in running.addresses() {
            tracing::info!(%address, "SMTP gateway ready");
        }
        for address in running.milter_addresses() {
            tracing::info!(%address, "milter ready");
        }
        if let Some(address) = running.http_address() {
            tracing::info!(%address, "HTTP ready: /healthz, /metrics");
        }
        running.run(Some(&args.config)).await
    })
}
