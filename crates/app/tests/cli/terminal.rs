//! What is shown on a terminal only: colours and progress. `script` gives the program one.

use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{peers, sample};

use crate::support::{files, forking, run};

/// Runs a scan of two files on a terminal; everything that was written to it.
fn on_terminal(script: &Path, dir: &Path, set: &[(&str, &str)]) -> String {
    let line = format!("'{}' scan clean.eml infected.eml; echo ended with $?", env!("CARGO_BIN_EXE_mailward"));
    let mut command = Command::new(script);
    command.args(["-q", "-f", "-c", &line, "/dev/null"]).current_dir(dir).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env("TERM", "xterm").envs(set.iter().copied());
    let child = forking(|| command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("script runs"));
    String::from_utf8_lossy(&child.wait_with_output().expect("it ends").stdout).into_owned()
}

#[test]
fn colours_and_progress_are_for_terminals_only() {
    let Some(script) = peers::find("script") else { return };
    let infected = sample::eicar_attached("x");
    let dir = files(&[("clean.eml", &sample::clean("x")), ("infected.eml", &infected)]);

    let said = on_terminal(&script, dir.path(), &[]);
    assert!(said.contains("infected.eml") && said.contains("ended with 1"), "{said:?}");
    assert!(said.contains("\u{1b}[31m"), "red is for what was found: {said:?}");
    let total = indicatif::HumanBytes((sample::clean("x").len() + infected.len()) as u64).to_string();
    assert!(said.contains(&format!("/{total}")), "a bar with its end: {said:?}");
    assert!(said.contains("\u{1b}[2K"), "the bar is taken away: {said:?}");

    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let said = on_terminal(&script, dir.path(), &[(name, value)]);
        assert!(said.contains("ended with 1") && !said.contains("\u{1b}[31m"), "{name}: {said:?}");
    }
    let piped = run(dir.path(), &["scan", "clean.eml", "infected.eml"]).exits(1);
    assert!(!piped.out.contains('\u{1b}') && !piped.err.contains('\u{1b}'), "{piped:?}");
}
