//! Shortcuts that are lines of `key=value` below a section: addresses (`.url`, `.website`), desktop
//! entries (`.desktop`), `autorun.inf`, Explorer commands (`.scf`).
//!
//! Limit: [`MAX_LINES`].

use mail::evidence::Active;

use crate::formats::html::Found;

/// Most lines that are read.
const MAX_LINES: usize = 10_000;
/// Sections that make a file a shortcut, in lower case; one of them stands within its first bytes.
const SECTIONS: [&str; 6] =
    ["[internetshortcut]", "[internetshortcut.w]", "[desktop entry]", "[autorun]", "[shell]", "[defaultinstall]"];
/// How far into a file its section may stand, in bytes.
const HEAD: usize = 2048;

/// Whether a text in lower case is a shortcut to an address.
pub(crate) fn is_internet_shortcut(lower: &[u8]) -> bool {
    let head = lower.get(..HEAD).unwrap_or(lower);
    head.trim_ascii_start().starts_with(b"[") && memchr::memmem::find(head, b"[internetshortcut").is_some()
}

/// Reads a shortcut; other texts have none of the sections. `lower`: its start in lower case.
pub(crate) fn read(text: &[u8], lower: &[u8], found: &mut Found) {
    let head = lower.get(..HEAD).unwrap_or(lower);
    let is_one = || SECTIONS.iter().any(|section| memchr::memmem::find(head, section.as_bytes()).is_some());
    if !matches!(head.trim_ascii_start().first(), Some(b'[' | b';' | b'#')) || !is_one() {
        return;
    }
    let mut inside = false;
    for (number, line) in String::from_utf8_lossy(text).lines().enumerate() {
        if number >= MAX_LINES {
            found.over = true;
            return;
        }
        let line = line.trim();
        if line.starts_with('[') {
            inside = SECTIONS.contains(&line.to_ascii_lowercase().as_str());
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
        let value = value.trim();
        let remote = value.starts_with("\\\\") || value.starts_with("//") || value.contains("://");
        match key.trim().to_ascii_lowercase().as_str() {
            "url" => found.opens(value),
            "iconfile" | "icon" | "workingdirectory" if remote => found.opens(value),
            "exec" | "open" | "shellexecute" | "shell\\open\\command" | "runpreinstallcommands"
                if !value.is_empty() =>
            {
                found.acts(Active::CommandLine, value);
            }
            _ => {}
        }
    }
}
