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

#[test]
fn a_policy_has_a_history_is_compared_and_taken_back() {
    let dir = with_data();
    let policy = |args: &[&str]| run(dir.path(), &[&["policy"], args, &["--data-dir", "data"]].concat());
    let none = policy(&["history"]).exits(0);
    assert!(none.out.is_empty() && none.err.contains("Nobody has set a policy"), "{none:?}");
    run(dir.path(), &[&APPLY[..], &["--comment", "stricter", "block.toml"]].concat()).exits(0);
    let text = b"[malware]\naction = \"delete_message\"\n[unscannable]\ncrash_limit = 7\n";
    run_with(dir.path(), &[&APPLY[..], &["--comment", "harder\u{1b}[2J", "--author", "anna", "-"]].concat(), text)
        .exits(0);

    let history = policy(&["history"]).exits(0).out;
    let lines: Vec<&str> = history.lines().collect();
    assert!(lines[0].starts_with("    2  20") && lines[0].contains("anna  harder"), "{history}");
    assert!(lines[1].starts_with("    1  20") && lines[1].ends_with("tester  stricter"), "{history}");
    crate::support::assert_harmless(&history);
    let json = policy(&["history", "--format", "json", "--limit", "1"]).exits(0).json();
    assert_eq!((json.len(), &json[0]["revision"], &json[0]["author"]), (1, &json!(2), &json!("anna")));

    let diff = policy(&["diff", "0", "1"]).exits(0).out;
    assert_eq!(diff, "malware.action: \"automatic\" -> \"block\"\n");
    let diff = policy(&["diff", "1"]).exits(0).out;
    assert!(
        diff.contains("malware.action: \"block\" -> \"delete_message\"\n") && diff.contains("unscannable.crash_limit")
    );
    assert_eq!(policy(&["diff", "2", "2"]).exits(0).out, "No setting changes.\n");
    let wrong = policy(&["diff", "1", "9"]).exits(2);
    assert!(wrong.err.contains("no revision 9"), "{}", wrong.err);

    let back = policy(&["rollback", "1", "--comment", "too hard"]).exits(0).out;
    assert!(back.contains("\"delete_message\" -> \"block\"") && back.ends_with("In force: revision 3\n"), "{back}");
    assert_eq!(policy(&["diff", "1", "3"]).exits(0).out, "No setting changes.\n");
    assert!(policy(&["rollback", "0", "--comment", "start again"]).exits(0).out.ends_with("revision 4\n"));
    assert_eq!(policy(&["show"]).exits(0).out, "profile = \"reference\"\n");
}

#[test]
fn a_setting_or_rule_is_explained_with_who_set_it() {
    let dir = with_data();
    let explain = |name: &str| run(dir.path(), &["policy", "explain", name, "--data-dir", "data"]);
    run(dir.path(), &[&APPLY[..], &["--comment", "stricter", "block.toml"]].concat()).exits(0);
    let more = b"[malware]\naction = \"block\"\n[unscannable]\ncrash_limit = 7\n";
    run_with(dir.path(), &[&APPLY[..], &["--comment", "more", "-"]].concat(), more).exits(0);
    let told = explain("malware.action").exits(0).out;
    assert!(told.starts_with("malware.action = \"block\"\n"), "{told}");
    assert!(told.contains("Default: reference \"automatic\"") && told.contains("  block: "), "{told}");
    assert!(told.contains("Since revision 1,") && told.contains("by tester: stricter"), "{told}");
    let told = explain("malware_infected").exits(0).out;
    assert!(told.starts_with("malware_infected: Infected objects.") && told.contains("malware.action = \"block\""));
    assert!(explain("unscannable").exits(0).out.lines().filter(|line| line.starts_with("unscannable.")).count() > 5);
    assert!(explain("malware.acton").exits(2).err.contains("no rule, setting or table"));
}
