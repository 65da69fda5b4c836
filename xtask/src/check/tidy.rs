//! Tidiness of the files themselves.

use std::fs;
use std::path::Path;

use super::{Findings, rust};
use crate::cargo;

/// Most lines of a Rust source.
const LINES_MAX: usize = 500;

/// Sources that may be longer, with the reason.
const LONG: [(&str, &str); 0] = [];

/// Macros that no finished code has.
const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

/// Log fields with the name that the text of a log line itself has.
const LOST_TEXT: [&str; 2] = ["message = %", "message = ?"];

/// Kinds of files that people write by hand: no white space at the ends of their lines.
const WRITTEN: [&str; 9] = ["rs", "toml", "md", "sh", "yml", "yaml", "html", "css", "js"];

pub(crate) fn check() -> Result<Findings, String> {
    let files = cargo::files()?;
    let mut wrong = Vec::new();
    let mut counts = [0usize; 3];
    for file in &files {
        let bytes = fs::read(cargo::root().join(file)).map_err(|e| format!("{}: {e}", file.display()))?;
        let path = file.display().to_string();
        counts[0] += 1;
        if contains_test_file(&bytes) {
            wrong.push(format!("{path}: holds the plain EICAR string; store it encoded"));
        }
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let test_data = path.contains("testdata/") || path.starts_with("fuzz/seeds/");
        let test_data = test_data || path.contains("/tests/") && extension != "rs";
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if WRITTEN.contains(&extension) && !test_data {
            wrong.extend(trailing_space(&path, &text));
        }
        if extension == "rs" {
            counts[1] += 1;
            wrong.extend(source(&path, &text));
        }
        if extension == "md" && !test_data {
            let (links, dead) = dead_links(file, &text);
            counts[2] += links;
            wrong.extend(dead);
        }
    }
    let [all, sources, links] = counts;
    Ok(Findings { looked_at: format!("{all} files, {sources} sources, {links} local links"), wrong })
}

/// The telling half of the string: it finds escaped forms too. Put together here, because this
/// file is looked at as well.
fn contains_test_file(bytes: &[u8]) -> bool {
    let pattern = ["$EICAR-STANDARD", "-ANTIVIRUS-", "TEST-FILE!$H", "+H*"].concat();
    let mut starts = bytes.iter().enumerate().filter(|(_, b)| **b == b'$');
    starts.any(|(at, _)| bytes[at..].starts_with(pattern.as_bytes()))
}

fn trailing_space(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate().filter(|(_, l)| l.ends_with([' ', '\t', '\r']));
    lines.map(|(at, _)| format!("{path}:{}: white space at the end of the line", at + 1)).collect()
}

fn source(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let opening = if path.contains("/tests/") || path.starts_with("fuzz/") { "//" } else { "//!" };
    if !text.starts_with(opening) {
        wrong.push(format!("{path}:1: does not open with `{opening}` and its purpose"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX && !LONG.iter().any(|(p, _)| *p == path) {
        wrong.push(format!("{path}: {lines} lines, at most {LINES_MAX}"));
    }
    let code = rust::code_only(text);
    for (at, line) in code.lines().enumerate() {
        if LOST_TEXT.iter().any(|field| line.contains(field)) {
            wrong.push(format!(
                "{path}:{}: a log field `message` takes the place of the line's text; call it `id`",
                at + 1
            ));
        }
        for word in UNFINISHED.iter().filter(|w| contains_macro(line, w)) {
            wrong.push(format!("{path}:{}: `{word}`", at + 1));
        }
    }
    wrong
}

fn contains_macro(line: &str, name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    line.match_indices(name).any(|(at, _)| !at.checked_sub(1).is_some_and(|b| word(line.as_bytes()[b])))
}

/// How many links to local files a Markdown text has, and those that lead nowhere.
fn dead_links(file: &Path, text: &str) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut in_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        for target in if in_code { Vec::new() } else { local_targets(line) } {
            count += 1;
            let base = file.parent().unwrap_or(Path::new(""));
            if !cargo::root().join(base).join(target).exists() {
                wrong.push(format!("{}:{}: no file {target:?}", file.display(), at + 1));
            }
        }
    }
    (count, wrong)
}

/// The targets of `[text](target)` that are files: no scheme, no mere anchor.
fn local_targets(line: &str) -> Vec<&str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let files = targets.map(|t| t.trim_matches(['<', '>'])).map(|t| t.split('#').next().unwrap_or_default());
    files.filter(|t| !t.is_empty() && !t.contains("://") && !t.starts_with("mailto:")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_string_is_found_and_its_encoded_form_is_not() {
        let plain = ["X5O!", "$EICAR-STANDARD", "-ANTIVIRUS-TEST-", "FILE!$H+H*"].concat();
        assert!(contains_test_file(plain.as_bytes()));
        assert!(!contains_test_file(b"$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*"));
    }

    #[test]
    fn a_source_says_what_it_is_for_and_is_finished() {
        assert!(source("crates/x/src/a.rs", "//! Fine.\nfn f() {} // todo!\n").is_empty());
        assert_eq!(source("crates/x/src/a.rs", "fn f() { todo!() }\n").len(), 2);
        assert!(source("crates/x/tests/a.rs", "// Holds a test.\n").is_empty());
        assert_eq!(source("crates/x/src/a.rs", &format!("//! x\n{}", "\n".repeat(LINES_MAX))).len(), 1);
    }

    #[test]
    fn a_log_field_that_hides_its_line_is_found() {
        let line = |field: &str| format!("//! x\nfn f(x: u8) {{ info!({field} = %x, \"text\") }}\n");
        assert_eq!(source("crates/x/src/a.rs", &line("message")).len(), 1);
        assert!(source("crates/x/src/a.rs", &line("id")).is_empty());
    }

    #[test]
    fn only_links_to_files_are_looked_up() {
        let line = "[a](b.md) [c](https://example.org/x) [d](#e) [f](g/h.md#i \"title\") `x](y`";
        assert_eq!(local_targets(line), ["b.md", "g/h.md", "y`"]);
        assert_eq!(trailing_space("a.md", "x \ny\n"), ["a.md:1: white space at the end of the line"]);
    }
}
