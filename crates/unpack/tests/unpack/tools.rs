//! Archives made by the programs that users have, where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder of its own under the build's temporary one, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("unpack-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
    }

    /// Runs a program in the folder; what it writes, or `None` with a word about it when it is not
    /// installed. A program that is there must not fail.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
        let run = Command::new(program).args(arguments).current_dir(&self.0).stdin(Stdio::null()).output();
        let Ok(output) = run else {
            testkit::peers::skipped(program);
            return None;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        Some(output.stdout)
    }

    /// Like [`Folder::run`], for a line of the shell that needs this program.
    pub(crate) fn shell(&self, program: &str, line: &str) -> Option<Vec<u8>> {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()));
        if !found {
            testkit::peers::skipped(program);
            return None;
        }
        self.run("sh", &["-c", line])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
