//! `mailward completions`, and the manual pages for packages: both made from the definitions of the verbs.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::terminal;

/// Write the completions of a shell to standard output.
///
/// For bash: `mailward completions bash > /etc/bash_completion.d/mailward`.
#[derive(clap::Args, Debug)]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Write the manual pages of every verb into a directory.
#[derive(clap::Args, Debug)]
pub(crate) struct PageArgs {
    /// The directory; it must exist.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the completions.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn completions(args: &CompletionArgs, mut root: Command) -> Result<u8, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut root, "mailward", &mut out);
    terminal::put(&String::from_utf8_lossy(&out))?;
    Ok(0)
}

/// Writes the pages: `mailward.1`, `mailward-scan.1`, ….
///
/// # Errors
/// A page cannot be written.
pub(crate) fn pages(args: &PageArgs, mut root: Command) -> Result<u8, Failure> {
    root = root.disable_help_subcommand(true);
    root.build();
    // A stack instead of recursion, as everywhere.
    let mut pending = vec![("mailward".to_owned(), &root)];
    while let Some((name, command)) = pending.pop() {
        page(&args.dir, &name, command)?;
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        pending.extend(verbs.map(|verb| (format!("{name}-{}", verb.get_name()), verb)));
    }
    Ok(0)
}

fn page(dir: &Path, name: &str, command: &Command) -> Result<(), Failure> {
    let path = dir.join(format!("{name}.1"));
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title(name.to_uppercase());
    let written = man.render(&mut text).and_then(|()| std::fs::write(&path, &text));
    written.map_err(|error| Failure::new(format!("{}: cannot be written: {error}", path.display())))
}
