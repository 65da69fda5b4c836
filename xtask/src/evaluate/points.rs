//! Writes fitted points into the files of their signs: `FAMILY/ID.rs`, in the one line `points: …` of each.

use std::fs;
use std::path::{Path, PathBuf};

/// The two ways in which a fitted number stands in a sign's file, up to the number.
const FITTED: &str = "    points: Points::Fitted(";
const AT_LEAST: &str = "    points: Points::AtLeast {";
/// What the number is called in the second.
const NUMBER: &str = " fitted: ";

/// Puts the points, in hundredths, into the files of their signs below a folder of families. Only when every sign
/// has its file and its line, anything is written; the number of files that changed comes back.
pub(super) fn write(folder: &Path, points: &[(&str, i64)]) -> Result<usize, String> {
    let mut changed = Vec::new();
    for (id, number) in points {
        let path = file(folder, id)?;
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let new = replaced(&text, *number).map_err(|e| format!("{}: {e}", path.display()))?;
        if new != text {
            changed.push((path, new));
        }
    }
    for (path, text) in &changed {
        fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(changed.len())
}

/// The file of a sign: that of its name in one of the families.
fn file(folder: &Path, id: &str) -> Result<PathBuf, String> {
    let bad = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(bad)? {
        found.push(entry.map_err(bad)?.path().join(format!("{id}.rs")));
    }
    found.retain(|path| path.is_file());
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(format!("{}: no family has a file {id}.rs", folder.display())),
        _ => Err(format!("{}: several families have a file {id}.rs", folder.display())),
    }
}

/// A sign's source with another number.
fn replaced(text: &str, number: i64) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with(FITTED) || l.starts_with(AT_LEAST)).collect();
    let [line] = lines.as_slice() else { return Err(format!("{} lines with fitted points, not one", lines.len())) };
    let (before, rest) = match line.strip_prefix(FITTED) {
        Some(rest) => (FITTED, rest),
        None => line.split_once(NUMBER).ok_or("no fitted number in its line")?,
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
    let (old, after) = rest.split_at(end);
    old.parse::<i16>().map_err(|e| format!("{old:?}: {e}"))?;
    let gap = if before == FITTED { "" } else { NUMBER };
    Ok(text.replacen(line, &format!("{before}{gap}{number}{after}"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(points: &str) -> String {
        format!(
            "//! One.\n\nconst SIGN: Row = Row {{\n    id: \"one\",\n    points: Points::{points},\n    check,\n}};\n"
        )
    }

    /// A folder of its own, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("mailward-points-{name}-{}", std::process::id()));
            for (path, points) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, sign(points)).unwrap();
            }
            Self(root)
        }

        fn text(&self, path: &str) -> String {
            fs::read_to_string(self.0.join(path)).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_the_number_of_the_sign_changes() {
        let files = [
            ("sender/one.rs", "Fitted(64)"),
            ("sender/same.rs", "Fitted(-7)"),
            ("subject/two.rs", "AtLeast { least: 100, fitted: 113 }"),
            ("subject/three.rs", "Fitted(1)"),
        ];
        let folder = Folder::new("changes", &files);
        fs::write(folder.0.join("mod.rs"), "//! The catalogue.\n").unwrap();
        assert_eq!(write(&folder.0, &[("one", 101), ("two", -3), ("same", -7)]), Ok(2));
        assert_eq!(folder.text("sender/one.rs"), sign("Fitted(101)"));
        assert_eq!(folder.text("sender/same.rs"), sign("Fitted(-7)"));
        assert_eq!(folder.text("subject/two.rs"), sign("AtLeast { least: 100, fitted: -3 }"));
        assert_eq!(folder.text("subject/three.rs"), sign("Fitted(1)"));
    }

    #[test]
    fn nothing_is_written_when_a_sign_has_no_file_or_no_line() {
        let files = [
            ("a/one.rs", "Fitted(64)"),
            ("a/fixed.rs", "Fixed(20)"),
            ("a/broken.rs", "AtLeast { least: 100 }"),
            ("a/odd.rs", "Fitted(x)"),
            ("a/twice.rs", "Fitted(1)"),
            ("b/twice.rs", "Fitted(1)"),
        ];
        let folder = Folder::new("fails", &files);
        for (id, why) in [
            ("missing", "no family has a file missing.rs"),
            ("fixed", "0 lines with fitted points"),
            ("broken", "no fitted number"),
            ("odd", "cannot parse integer"),
            ("twice", "several families"),
        ] {
            let error = write(&folder.0, &[("one", 5), (id, 6)]).expect_err(id);
            assert!(error.contains(why), "{id}: {error}");
            assert_eq!(folder.text("a/one.rs"), sign("Fitted(64)"), "{id}");
        }
    }

    #[test]
    fn every_fitted_sign_of_the_catalogue_has_a_line_to_write_to() {
        let folder = crate::cargo::root().join(super::super::SIGNS);
        let mut fitted = 0;
        for family in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            for path in fs::read_dir(&family).unwrap().map(|entry| entry.unwrap().path()) {
                let text = fs::read_to_string(&path).unwrap();
                if !text.contains("points: Points::") || text.contains("points: Points::Fixed(") {
                    continue;
                }
                fitted += 1;
                let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
                assert_eq!(file(&folder, name), Ok(path.clone()));
                let new = replaced(&text, 32_000).expect(name);
                assert_eq!(new.matches("32000").count(), text.matches("32000").count() + 1, "{name}");
            }
        }
        assert!(fitted > 300, "only {fitted} signs");
    }
}
