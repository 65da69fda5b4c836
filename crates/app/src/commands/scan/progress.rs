//! The progress of a long scan, on a terminal only.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mail::untrusted::escape;

/// How often it is drawn a second.
const RATE: u8 = 8;
/// Most characters of a path in it.
const MAX_PATH: usize = 60;

/// A bar, where there is a terminal to draw it on.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// With a known end if all paths are files, else as a count.
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        if !io::stderr().is_terminal() {
            return Self::hidden();
        }
        let size = |path: &PathBuf| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
        let total: Option<u64> = paths.iter().map(size).sum();
        let target = ProgressDrawTarget::stderr_with_hz(RATE);
        let bar = ProgressBar::with_draw_target(total, target);
        let template = match total {
            Some(_) => "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left  {msg}",
            None => "{spinner} {bytes}, {bytes_per_sec}  {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_secs(1) / u32::from(RATE));
        Self(Some(bar))
    }

    /// None.
    pub(super) fn hidden() -> Self {
        Self(None)
    }

    /// A message or file is done.
    pub(super) fn advance(&self, bytes: u64, path: &str) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
            bar.set_message(escape(path, MAX_PATH));
        }
    }

    /// Writes something that must not mix with the bar.
    pub(super) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes it away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
