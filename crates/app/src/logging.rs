//! The log: lines for people or JSON for machines, on standard error, or the systemd journal.

use settings::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Starts the log. `RUST_LOG` overrides the configured level.
pub fn start(config: &Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(config.level.name()));
    let registry = tracing_subscriber::registry().with(filter);
    // A second start changes nothing; there is only one process-wide log.
    let lines = || tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let _ = match config.format {
        LogFormat::Text => registry.with(lines()).try_init(),
        LogFormat::Journal => match tracing_journald::layer() {
            // Our names as they are: `journalctl ID=…`, without a prefix.
            Ok(journal) => registry.with(journal.with_field_prefix(None)).try_init(),
            Err(error) => {
                let started = registry.with(lines()).try_init();
                tracing::error!(%error, "there is no systemd journal (log.format): the log goes to standard error");
                started
            }
        },
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
    };
}
