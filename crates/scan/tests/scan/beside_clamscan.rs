//! Beside clamscan: files of every format that programs here write, packed once more into each kind of container,
//! and locked ones; and the test files of ClamAV's own package. Whatever clamscan finds in them is found here too.
//!
//! Both look for the same file by its SHA-256, so that it counts only where it was really unpacked, and both are told
//! the password.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mail::evidence::FindingKind;
use scan::{Context, EngineSpec, Engines, Input, Secrets};
use sha2::{Digest, Sha256};
use testkit::packed::{self, SECRET};

use crate::support::{examine, message_with, zip};

/// Where Debian's package puts ClamAV's test files.
const TEST_FILES: &str = "/usr/share/clamav-testfiles";

/// The file that is looked for: text that every method really packs.
fn content() -> Vec<u8> {
    (0..200)
        .map(|line| format!("line {} of a file that is looked for\r\n", line * line))
        .collect::<String>()
        .into_bytes()
}

/// Every format, each in so many of the containers, by name.
fn samples(folder: &Path, share: usize) -> BTreeSet<String> {
    packed::begin(folder, &content());
    let mut all = BTreeSet::new();
    for (number, (inner, command)) in packed::FORMATS.iter().enumerate() {
        assert!(packed::make(folder, command, "", inner), "{inner}: {command}");
        let content = std::fs::read(folder.join(inner)).unwrap();
        // Others for each, so that all of them have their turn.
        let turn = packed::CONTAINERS.iter().cycle().skip(number * share).take(share);
        for (outer, command) in turn {
            let out = format!("{inner}.{outer}");
            assert!(packed::make(folder, command, inner, &out), "{out}: {command}");
            all.insert(out);
        }
        let message = format!("{inner}.eml");
        std::fs::write(folder.join(&message), message_with(inner, &content)).unwrap();
        let document = format!("{inner}.docx");
        let parts: [(&str, &[u8]); 3] = [
            ("[Content_Types].xml", b"<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>"),
            (
                "word/document.xml",
                b"<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'/>",
            ),
            ("word/embeddings/x.bin", &content),
        ];
        std::fs::write(folder.join(&document), zip(&parts)).unwrap();
        all.extend([(*inner).to_owned(), message, document]);
    }
    all
}

/// The files in which clamscan finds something.
fn theirs(clamscan: &Path, folder: &Path, hashes: &str) -> BTreeSet<String> {
    let database = tempfile::tempdir().unwrap();
    std::fs::write(database.path().join("files.hsb"), hashes).unwrap();
    let passwords = format!("Given;Engine:81-255;0;{SECRET}\n");
    std::fs::write(database.path().join("words.pwdb"), passwords).unwrap();
    let mut command = Command::new(clamscan);
    command.arg("--no-summary").arg("--infected").arg("-d").arg(database.path()).arg(folder);
    let said = command.output().unwrap();
    // 0: nothing found, 1: something found.
    assert!(matches!(said.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let found = text.lines().filter_map(|line| line.strip_suffix(" FOUND")?.rsplit_once(": "));
    found.filter_map(|(path, _)| Some(PathBuf::from(path).file_name()?.to_string_lossy().into_owned())).collect()
}

/// Whether we find one of the files in this one; else what we say of it.
fn ours(engines: &Engines, path: &Path) -> Result<(), String> {
    let data = std::fs::read(path).unwrap();
    let message = path.extension().is_some_and(|extension| extension == "eml");
    let input = if message { Input::Message } else { Input::Detect };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let evidence = examine(engines, &data, &Context { input, name, ..Context::default() });
    let mut said = String::new();
    for found in &evidence.findings {
        match &found.kind {
            FindingKind::Malware { .. } => return Ok(()),
            FindingKind::Unscanned { reason } => write!(said, " {}", reason.name()).unwrap(),
            _ => {}
        }
    }
    Err(said)
}

/// A line of a hash list of ClamAV's, and of ours, for a file.
fn hash(content: &[u8]) -> (String, String) {
    let sum: String = Sha256::digest(content).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    (format!("{sum}:{}:Test\n", content.len()), format!("{sum}\n"))
}

fn engines(list: String) -> Engines {
    let spec = EngineSpec {
        hash_lists: vec![("files".to_owned(), list.into_bytes())],
        passwords: Secrets(vec![SECRET.to_owned()]),
        ..EngineSpec::default()
    };
    let (engines, problems) = Engines::load(&spec);
    assert!(problems.is_empty(), "{problems:?}");
    engines
}

/// Compares both on formats in so many containers each.
fn compare(share: usize) {
    let Some(clamscan) = testkit::peers::find("clamscan").filter(|_| packed::can_make()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let all = samples(folder.path(), share);
    let (theirs_list, ours_list) = hash(&content());
    let theirs = theirs(&clamscan, folder.path(), &theirs_list);
    let engines = engines(ours_list);
    let mut missed = Vec::new();
    for name in &all {
        if let Err(said) = ours(&engines, &folder.path().join(name)) {
            missed.push(format!("{name}:{said}{}", if theirs.contains(name) { " (clamscan finds it)" } else { "" }));
        }
    }
    let found = all.len() - missed.len();
    println!("{} files: Mailward {found}, clamscan {}", all.len(), theirs.intersection(&all).count());
    // clamscan finds enough for the comparison to say something.
    assert!(theirs.len() > all.len() / 3, "{}", theirs.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_clamscan_finds_in_formats_by_nesting_and_password_is_found() {
    compare(1);
}

/// The whole of it: `cargo xtask campaign containers`.
#[test]
#[ignore = "a campaign"]
fn what_clamscan_finds_in_every_format_in_every_container_is_found() {
    compare(packed::CONTAINERS.len());
}

#[test]
fn what_clamscan_finds_in_its_test_files_is_found_or_told_as_packed() {
    let Some(clamscan) = testkit::peers::find("clamscan") else { return };
    let folder = Path::new(TEST_FILES);
    if !folder.exists() {
        return testkit::peers::skipped("clamav-testfiles");
    }
    let program = std::fs::read(folder.join("clam.exe")).unwrap();
    let (theirs_list, ours_list) = hash(&program);
    let theirs = theirs(&clamscan, folder, &theirs_list);
    assert!(theirs.len() >= 40, "{theirs:?}");
    let engines = engines(ours_list);
    let said: Vec<(String, String)> =
        theirs.iter().filter_map(|name| Some((name.clone(), ours(&engines, &folder.join(name)).err()?))).collect();
    println!("{} files of ClamAV: Mailward finds {}, tells {}", theirs.len(), theirs.len() - said.len(), said.len());
    for (name, said) in &said {
        // Other packers are told as packed, installers and compiled scripts as unknown.
        let packer = ["aspack", "pespin", "petite", "upack", "wwpack", "yc"].iter().any(|packer| name.contains(packer));
        let expected = if packer { " packed" } else { " unknown_format" };
        let installer = ["nsis", "ea05", "ea06", "_IS", ".sis"].iter().any(|part| name.contains(part));
        assert!((packer || installer) && said.contains(expected), "{name}:{said}");
    }
}
