//! `cargo xtask package`: the Debian package, with manual pages and completions made by the program
//! itself. The package is put together by cargo-deb.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, cargo};

/// The version of cargo-deb that the package is made with; `.ci/run` installs it.
const INSTALL: &str = "cargo install cargo-deb --locked";

/// Makes the package from a build of this profile; it stands in `packaging/made/mailward.deb`.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let profile = match args {
        [] => "release",
        ["--profile", profile] => profile,
        _ => return Err("package: [--profile NAME]".to_owned()),
    };
    if cargo::output(cargo::cargo().args(["deb", "--version"])).is_err() {
        return Err(format!("cargo-deb is not installed: {INSTALL}"));
    }
    cargo::run(cargo::cargo().args(["build", "--locked", "-p", "mailward", "--profile", profile]))?;
    let program = program(profile)?;
    let folder = cargo::root().join("packaging/made");
    prepare(&program, &folder)?;
    let package = folder.join("mailward.deb");
    let mut deb = cargo::cargo();
    deb.args(["deb", "--no-build", "--locked", "-p", "mailward", "--profile", profile, "--output"]).arg(&package);
    cargo::run(&mut deb)?;
    println!("{}", package.display());
    Ok(())
}

/// Where Cargo puts the program.
fn program(profile: &str) -> Result<PathBuf, String> {
    let text = cargo::output(cargo::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| format!("cargo metadata: {e}"))?;
    let target =
        value.get("target_directory").and_then(|dir| dir.as_str()).ok_or("cargo metadata: no target_directory")?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(Path::new(target).join(folder).join("mailward"))
}

/// Everything in the package that the program makes itself.
fn prepare(program: &Path, folder: &Path) -> Outcome {
    let man = folder.join("man");
    let _ = fs::remove_dir_all(&man);
    fs::create_dir_all(&man).map_err(|e| format!("{}: {e}", man.display()))?;
    cargo::run(Command::new(program).arg("manual-pages").arg(&man))?;
    let made: [(&str, &[&str]); 4] = [
        ("mailward.toml", &["config", "init"]),
        ("mailward.bash", &["completions", "bash"]),
        ("_mailward", &["completions", "zsh"]),
        ("mailward.fish", &["completions", "fish"]),
    ];
    for (name, args) in made {
        let path = folder.join(name);
        let text = cargo::output(Command::new(program).args(args))?;
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}
