//! The log: lines for people or JSON for machines, on standard error.

use settings::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Starts the log. `RUST_LOG` overrides the configured level.
pub fn start(config: &Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(config.level.name()));
    let registry = tracing_subscriber::registry().with(filter);
    // A second start changes nothing; there is only one process-wide log.
    let _ = match config.format {
        LogFormat::Text => {
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
            registry.with(lines).try_init()
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
    };
}
