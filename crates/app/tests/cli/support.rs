//! Running the program, and things for it to look at.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock};

use serde_json::Value;
use store::{Options, Store};

/// Between fork and exec a child holds a copy of everything that is open here, the lock of a data
/// directory included: nothing is forked while a test has a store open.
static FORKS: RwLock<()> = RwLock::new(());

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Panics with everything that was said unless it exited so.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The lines of standard output as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// The program, in a directory of its own, away from this machine's settings.
pub(crate) fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
    command.current_dir(dir).env_remove("RUST_LOG").env("USER", "tester").env_remove("SUDO_USER");
    command
}

/// Starts it with pipes for its output.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    forking(|| command.spawn().expect("the program runs"))
}

/// Does something that forks.
pub(crate) fn forking<T>(fork: impl FnOnce() -> T) -> T {
    let _guard = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    fork()
}

/// Uses the store in `data` of a directory, and closes it again.
pub(crate) fn with_store<T>(dir: &Path, work: impl FnOnce(&Store) -> T) -> T {
    let _guard = FORKS.write().unwrap_or_else(PoisonError::into_inner);
    work(&Store::open(&dir.join("data"), Options { create: true }).expect("the store opens"))
}

/// Holds the store in `data` of a directory. Nobody may open it in this test afterwards.
pub(crate) fn hold_store(dir: &Path) -> Store {
    let _guard = FORKS.write().unwrap_or_else(PoisonError::into_inner);
    Store::open(&dir.join("data"), Options { create: true }).expect("the store opens")
}

/// Runs it with these bytes on standard input.
pub(crate) fn run_with(dir: &Path, args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = spawn(program(dir).args(args).stdin(Stdio::piped()));
    let mut input = child.stdin.take().expect("a pipe");
    let bytes = stdin.to_vec();
    // A program that does not read its input closes the pipe.
    let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
        err: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
    }
}

/// Runs it.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Ran {
    run_with(dir, args, b"")
}

/// Scans without this machine's configuration.
pub(crate) fn scan(dir: &Path, args: &[&str]) -> Ran {
    run(dir, &[&["scan", "--no-config"], args].concat())
}

/// A directory with these files.
pub(crate) fn files(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, bytes) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, bytes).expect("written");
    }
    dir
}

/// Compares with a golden file; `MAILWARD_BLESS=1` writes it anew.
#[track_caller]
pub(crate) fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("MAILWARD_BLESS").is_some() {
        std::fs::write(&path, text).expect("written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} differs; MAILWARD_BLESS=1 writes it anew");
}

/// Every character of a text is harmless on a terminal, line ends aside.
#[track_caller]
pub(crate) fn assert_harmless(text: &str) {
    let plain = text.replace(['\n', '\\'], "");
    assert_eq!(mail::untrusted::escape(&plain, usize::MAX), plain, "{text:?}");
}
