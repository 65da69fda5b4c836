//! Real programs to test against. A missing one is said aloud; where all must be there, the test
//! fails instead.
//!
//! `MAILWARD_REQUIRE_PEERS=1` makes a missing program a failure: continuous integration sets it,
//! so that a skipped test is never taken for a passed one.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Looked in after `PATH`: servers are often not in a user's path.
const ALSO: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/local/bin"];

/// The path of an installed program; prints `skipped: NAME (not installed)` and gives `None` when
/// there is none. Panics instead with `MAILWARD_REQUIRE_PEERS=1`.
pub fn find(name: &str) -> Option<PathBuf> {
    if let Some(path) = look_for(name) {
        return Some(path);
    }
    skipped(&format!("{name} (not installed)"));
    None
}

/// Says that a test, or a part of one, is skipped, and what for; with `MAILWARD_REQUIRE_PEERS=1` it
/// fails instead. Written past the test harness, which keeps what a passing test prints to itself.
pub fn skipped(what: &str) {
    let required = std::env::var_os("MAILWARD_REQUIRE_PEERS").is_some_and(|v| v == "1");
    assert!(!required, "skipped: {what}, and MAILWARD_REQUIRE_PEERS=1 asks for it");
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}

/// The same without a word.
fn look_for(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(ALSO.iter().map(|dir| Path::new(dir).to_path_buf()))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Postfix' own command.
pub fn postfix() -> Option<PathBuf> {
    find("postfix")
}

/// The Swiss army knife for SMTP.
pub fn swaks() -> Option<PathBuf> {
    find("swaks")
}

/// ClamAV's daemon.
pub fn clamd() -> Option<PathBuf> {
    find("clamd")
}

/// Postfix' load generator.
pub fn smtp_source() -> Option<PathBuf> {
    find("smtp-source")
}

/// Postfix' black hole.
pub fn smtp_sink() -> Option<PathBuf> {
    find("smtp-sink")
}

#[cfg(test)]
mod tests {
    use super::look_for;

    #[test]
    fn what_is_there_is_found_and_what_is_not_is_not() {
        assert!(look_for("sh").is_some_and(|p| p.is_absolute()));
        assert_eq!(look_for("no-such-program-as-this"), None);
    }
}
