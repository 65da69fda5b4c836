//! Asking Cargo and Git about the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// The root of the workspace: of the one that runs us, which need not be the one that we were
/// built in when both share a target directory.
pub(crate) fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&xtask).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Where Cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The `cargo` that runs us, or the one in the path.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end and gives what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let out = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if out.status.success() {
        return String::from_utf8(out.stdout).map_err(|e| format!("{command:?}: {e}"));
    }
    Err(format!("{command:?}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr)))
}

/// Runs a command that shows its own output.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

/// How one crate depends on another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

/// A dependency as a manifest names it.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// All members, from `cargo metadata --no-deps`.
pub(crate) fn members() -> Result<Vec<Member>, String> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|e| format!("cargo metadata: {e}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    packages.iter().map(|p| member(p).ok_or_else(|| "cargo metadata: a package without name".to_owned())).collect()
}

fn member(package: &Value) -> Option<Member> {
    let dependencies = package["dependencies"].as_array()?.iter().filter_map(|d| {
        let kind = match d["kind"].as_str() {
            None => Kind::Normal,
            Some("build") => Kind::Build,
            Some(_) => Kind::Dev,
        };
        Some(Dependency { name: d["name"].as_str()?.to_owned(), kind })
    });
    Some(Member {
        name: package["name"].as_str()?.to_owned(),
        folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_path_buf(),
        dependencies: dependencies.collect(),
    })
}

/// Every file that is tracked, or new and not ignored, relative to the root.
pub(crate) fn files() -> Result<Vec<PathBuf>, String> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let text = output(Command::new("git").current_dir(root()).args(args))?;
    let mut files: Vec<PathBuf> = text.split('\0').filter(|f| !f.is_empty()).map(PathBuf::from).collect();
    files.retain(|f| root().join(f).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}
