//! Closed pipes, signals of a lost reader, help and version.

use std::io::Read;
use std::process::Stdio;

use crate::support::{files, forking, program, run, spawn};

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..200 {
        std::fs::write(dir.path().join(format!("{number}")), "hello").unwrap();
    }
    for format in ["text", "json"] {
        let mut child = spawn(
            program(dir.path())
                .args(["scan", "--no-config", "-q", "-v", "--format", format, "--hash-list", "/dev/null", "."])
                .stdin(Stdio::null()),
        );
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = child.wait().unwrap().code();
        assert!(!err.contains("panic"), "{err}");
        // With nothing to show it never meets the closed pipe.
        assert!(code == Some(141) || code == Some(0), "{code:?}: {err}");
    }
}

#[test]
fn a_closed_pipe_is_met_by_every_kind_of_output() {
    let dir = files(&[("a.txt", b"hello"), ("z.eml", &testkit::sample::eicar_zipped("x"))]);
    let cases: [&[&str]; 5] = [
        &["scan", "--no-config", "a.txt"],
        &["explain", "--no-config", "z.eml"],
        &["config", "init"],
        &["config", "schema", "--policy"],
        &["config", "show"],
    ];
    for args in cases {
        // Nobody reads from the start: a pipe closed after the start would be met or not, by chance.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(dir.path());
        command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let mut child = forking(|| command.spawn().unwrap());
        drop(command);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(141), "{args:?}: {err}");
        assert!(!err.contains("panic") && !err.contains("mailward:"), "{args:?}: {err}");
    }
}

#[test]
fn a_closed_standard_error_stops_nothing() {
    let dir = files(&[("a.txt", b"hello")]);
    let mut child = spawn(program(dir.path()).args(["scan", "--no-config", "a.txt", "missing"]).stdin(Stdio::null()));
    drop(child.stderr.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.starts_with(b"a.txt: clean\n"));
}

#[test]
fn help_and_version_are_there() {
    let dir = files(&[]);
    assert!(run(dir.path(), &["--version"]).exits(0).out.starts_with("mailward "));
    let help = run(dir.path(), &["--help"]).exits(0).out;
    for verb in ["scan", "explain", "backup", "config", "policy"] {
        assert!(help.contains(verb), "{help}");
    }
    assert!(!help.contains("worker-host"), "{help}");
    assert!(run(dir.path(), &["scan", "--help"]).exits(0).out.contains("Exit code"));
}

#[test]
fn the_worker_host_is_not_for_people() {
    let dir = files(&[]);
    let ran = run(dir.path(), &["worker-host"]).exits(2);
    assert!(ran.err.contains("started by"), "{}", ran.err);
}
