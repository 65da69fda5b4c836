//! What engines are made from: files of hashes and rules, read and handed to the workers.

use std::path::{Path, PathBuf};

use mail::evidence::EngineId;
use scan::{EngineSpec, Secrets};
use settings::Config;

/// Largest file of hashes or rules, in bytes.
const MAX_FILE: u64 = 1 << 30;
/// Most rule files that are read from one directory.
const MAX_RULE_FILES: usize = 10_000;
/// Most passwords of one file.
const MAX_PASSWORDS: usize = 64;

/// Reads everything that the configuration names.
///
/// # Errors
/// All files that cannot be read, a line each: what, where, why.
pub fn engine_spec(config: &Config) -> Result<EngineSpec, String> {
    let mut problems = Vec::new();
    let mut hash_lists = Vec::new();
    for path in &config.engines.hash_lists {
        match read(path) {
            Ok(bytes) => hash_lists.push((path.display().to_string(), bytes)),
            Err(problem) => problems.push(format!("engines.hash_lists: {problem}")),
        }
    }
    let mut yara = Vec::new();
    for path in rule_files(&config.engines.yara, &mut problems) {
        match read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => yara.push((path.display().to_string(), text)),
            Ok(Err(_)) => problems.push(format!("engines.yara: {}: not UTF-8 text", path.display())),
            Err(problem) => problems.push(format!("engines.yara: {problem}")),
        }
    }
    let mut passwords = Vec::new();
    for path in config.engines.password_files.iter().map(|path| settings::secret_file(path)) {
        match read(&path) {
            Ok(bytes) => passwords.extend(lines(&bytes)),
            Err(problem) => problems.push(format!("engines.password_files: {problem}")),
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    let external = config.clamd.address.iter().map(|_| EngineId::Clamd).collect();
    Ok(EngineSpec {
        hash_lists,
        yara,
        builtin_rules: config.engines.builtin_rules,
        external,
        passwords: Secrets(passwords),
    })
}

/// The passwords of a file, one a line, each as it stands there.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter(|line| !line.is_empty()).take(MAX_PASSWORDS).map(str::to_owned).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let fail = |why: String| format!("{}: {why}", path.display());
    let size = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
    if size > MAX_FILE {
        return Err(fail(format!("larger than {MAX_FILE} bytes")));
    }
    std::fs::read(path).map_err(|e| fail(e.to_string()))
}

/// Files as named; of a directory, its `*.yar` and `*.yara` files in the order of their names.
fn rule_files(paths: &[PathBuf], problems: &mut Vec<String>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(format!("engines.yara: {}: {error}", path.display()));
                continue;
            }
        };
        let is_rule = |p: &PathBuf| p.extension().is_some_and(|e| e == "yar" || e == "yara");
        let mut found: Vec<PathBuf> =
            entries.filter_map(|e| Some(e.ok()?.path())).filter(is_rule).take(MAX_RULE_FILES).collect();
        found.sort();
        files.append(&mut found);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_lines_as_they_stand() {
        assert_eq!(lines(b"one\r\n two \n\n#three\n"), ["one", " two ", "#three"]);
        assert_eq!(lines(&b"x\n".repeat(1000)).len(), MAX_PASSWORDS);
    }
}
