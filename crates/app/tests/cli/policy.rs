//! `mailward policy`, without a daemon.

use serde_json::json;
use testkit::sample;

use crate::support::{files, hold_store, run, run_with, with_store};

const APPLY: [&str; 4] = ["policy", "apply", "--data-dir", "data"];

fn with_data() -> tempfile::TempDir {
    let dir = files(&[("block.toml", b"[malware]\naction = \"block\"\n"), ("e.eml", &sample::eicar_attached("x"))]);
    std::fs::create_dir(dir.path().join("data")).unwrap();
    dir
}

#[test]
fn a_policy_is_applied_shown_and_exported() {
    let dir = with_data();
    let shown = run(dir.path(), &["policy", "show", "--data-dir", "data"]).exits(0);
    assert_eq!(shown.out, "profile = \"reference\"\n");
    assert!(shown.err.contains("in force: defaults"), "{}", shown.err);

    let applied = run(dir.path(), &[&APPLY[..], &["--comment", "stricter", "block.toml"]].concat()).exits(0);
    assert_eq!(applied.out, "malware.action: \"automatic\" -> \"block\"\nIn force: revision 1\n");
    let shown = run(dir.path(), &["policy", "show", "--data-dir", "data"]).exits(0);
    assert_eq!(shown.out, "profile = \"reference\"\n\n[malware]\naction = \"block\"\n");
    let json = run(dir.path(), &["policy", "show", "--data-dir", "data", "--format", "json"]).exits(0).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["malware"]["action"], json!("block"));

    run(dir.path(), &["policy", "export", "--data-dir", "data", "-o", "full.toml"]).exits(0);
    let again = run(dir.path(), &[&APPLY[..], &["--comment", "again", "full.toml"]].concat()).exits(0);
    assert_eq!(again.out, "No setting changes.\nIn force: revision 2\n");
    let exists = run(dir.path(), &["policy", "export", "--data-dir", "data", "-o", "full.toml"]).exits(2);
    assert!(exists.err.contains("--force"), "{}", exists.err);

    let first = with_store(dir.path(), |store| store.policy(1)).unwrap().unwrap();
    assert_eq!((first.head.author.as_str(), first.head.comment.as_str()), ("tester", "stricter"));
}

#[test]
fn scan_judges_by_the_policy_in_force() {
    let dir = with_data();
    let scan = || {
        let ran = run(dir.path(), &["scan", "--no-config", "--data-dir", "data", "--format", "json", "e.eml"]);
        ran.exits(1).json()[0]["action"].clone()
    };
    assert_eq!(scan(), "object_deleted");
    let text = b"[malware]\naction = \"block\"\n";
    run_with(dir.path(), &[&APPLY[..], &["--comment", "x", "-"]].concat(), text).exits(0);
    assert_eq!(scan(), "blocked");
    let held = hold_store(dir.path());
    let ran = run(dir.path(), &["scan", "--no-config", "--data-dir", "data", "e.eml"]).exits(1);
    assert!(ran.err.contains("judges by the defaults"), "{}", ran.err);
    drop(held);
}

#[test]
fn a_policy_with_errors_changes_nothing_and_all_are_shown() {
    let dir = with_data();
    let text = b"[malware]\nacton = \"block\"\nprobable_action = \"explode\"\n";
    let ran = run_with(dir.path(), &[&APPLY[..], &["--comment", "x", "-"]].concat(), text).exits(2);
    assert!(ran.err.contains("did you mean \"action\"?") && ran.err.contains("explode"), "{}", ran.err);
    assert!(run(dir.path(), &["policy", "show", "--data-dir", "data"]).exits(0).err.contains("defaults"));
}

#[test]
fn a_policy_that_is_kept_in_a_file_is_not_applied_over() {
    let dir = with_data();
    let config = format!("data_dir = \"{0}/data\"\npolicy.file = \"{0}/block.toml\"\n", dir.path().display());
    std::fs::write(dir.path().join("m.toml"), config).unwrap();
    let shown = run(dir.path(), &["policy", "show", "--config", "m.toml"]).exits(0);
    assert!(shown.err.contains("block.toml"), "{}", shown.err);
    let ran = run(dir.path(), &["policy", "apply", "--config", "m.toml", "--comment", "x", "block.toml"]).exits(2);
    assert!(ran.err.contains("policy.file"), "{}", ran.err);
}

#[test]
fn a_missing_data_directory_is_said_with_what_to_do() {
    let dir = files(&[]);
    let ran = run(dir.path(), &["policy", "show", "--data-dir", "nowhere"]).exits(2);
    assert!(ran.err.contains("nowhere") && ran.err.contains("--data-dir"), "{}", ran.err);
    assert!(!dir.path().join("nowhere").exists());
}
