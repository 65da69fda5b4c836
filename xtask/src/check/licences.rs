//! The crates that become part of the program: their licences, their number, their duplicates.
//!
//! From `cargo tree`, because it follows features exactly: `cargo metadata` also lists crates that
//! only an unused optional feature names. Normal and build dependencies on Linux; tests may use
//! what is not listed here.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, spdx};
use crate::cargo;

/// The target whose dependencies count.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Most crates from elsewhere. A new dependency raises it, in a change that says why it is worth it.
const CRATES_MAX: usize = 300;

/// Most crates that are there in more than one version.
const DUPLICATES_MAX: usize = 11;

/// Crates that must never come in, with the reason.
const BANNED: [(&str, &str); 4] = [
    ("ring", "one crypto stack: aws-lc-rs"),
    ("openssl-sys", "one crypto stack: aws-lc-rs"),
    ("native-tls", "one TLS stack: rustls"),
    ("unarc-rs", "forces heavy features on others"),
];

/// Name, version and licence of one crate.
type Crate = (String, String, String);

pub(crate) fn check() -> Result<Findings, String> {
    let args = ["tree", "--locked", "--package", "mailward", "--edges", "normal,build", "--target", TARGET];
    let text = cargo::output(cargo::cargo().args(args).args(["--prefix", "none", "--format", "{p}\t{l}"]))?;
    let crates: BTreeSet<Crate> = text.lines().filter_map(read).collect();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version, _) in &crates {
        versions.entry(name).or_default().push(version);
    }
    let duplicates: Vec<_> = versions.iter().filter(|(_, v)| v.len() > 1).collect();

    let mut wrong = Vec::new();
    for (name, version, licence) in &crates {
        match spdx::acceptable(name, licence) {
            Ok(true) => {}
            Ok(false) => wrong.push(format!("{name} {version}: licence {licence:?} is not accepted")),
            Err(e) => wrong.push(format!("{name} {version}: {e}")),
        }
        wrong.extend(BANNED.iter().filter(|(b, _)| b == name).map(|(_, why)| format!("{name} is banned: {why}")));
    }
    if crates.len() > CRATES_MAX {
        wrong.push(format!("{} crates, {CRATES_MAX} are recorded (CRATES_MAX in xtask)", crates.len()));
    }
    if duplicates.len() > DUPLICATES_MAX {
        let list: Vec<String> = duplicates.iter().map(|(name, v)| format!("{name} {}", v.join(" and "))).collect();
        let count = duplicates.len();
        wrong.push(format!("{count} duplicates, {DUPLICATES_MAX} are recorded (DUPLICATES_MAX): {}", list.join(", ")));
    }
    let looked_at = format!(
        "{} crates of {CRATES_MAX} recorded, {} duplicates of {DUPLICATES_MAX}",
        crates.len(),
        duplicates.len()
    );
    Ok(Findings { looked_at, wrong })
}

/// A line `name vVERSION [(note)]<tab>licence`; `None` for crates of our own, which name a path.
fn read(line: &str) -> Option<Crate> {
    let (package, licence) = line.split_once('\t')?;
    if package.contains("(/") {
        return None;
    }
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    // A crate that was listed before is marked so; it is the same crate.
    Some((name.to_owned(), version.to_owned(), licence.trim_end_matches(" (*)").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_line_of_cargo_tree_is_a_crate_unless_it_is_ours() {
        let zip = ("zip".to_owned(), "v9.4.0".to_owned(), "MIT".to_owned());
        assert_eq!(read("zip v9.4.0\tMIT"), Some(zip.clone()));
        assert_eq!(read("zip v9.4.0\tMIT (*)"), Some(zip));
        assert_eq!(read("mail v0.1.0 (/somewhere/crates/mail)\tMIT OR Apache-2.0"), None);
        assert_eq!(read(""), None);
    }
}
