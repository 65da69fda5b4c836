//! `mailward lists`, without a daemon.

use serde_json::json;
use testkit::sample;

use crate::support::{Ran, files, run, run_with};

const CHAPTER: &str = include_str!("../../../../docs/manual/lists.md");

fn with_data(more: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = files(more);
    std::fs::create_dir(dir.path().join("data")).unwrap();
    dir
}

fn lists(dir: &tempfile::TempDir, args: &[&str]) -> Ran {
    run(dir.path(), &[&["lists", "--data-dir", "data"], args].concat())
}

/// The commands of the chapter, each as its words.
fn commands() -> Vec<Vec<String>> {
    let blocks = CHAPTER.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let words = |line: &str| -> Vec<String> {
        let mut words = Vec::new();
        for (at, piece) in line.split('\'').enumerate() {
            match at % 2 {
                0 => words.extend(piece.split_whitespace().map(str::to_owned)),
                _ => words.push(piece.to_owned()),
            }
        }
        words
    };
    blocks.flat_map(str::lines).map(words).collect()
}

#[test]
fn the_commands_of_the_chapter_work() {
    let xml = CHAPTER.split("```xml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a file");
    let dir = with_data(&[
        ("ann.txt", b"friend@example.net\n*@*.club.example\n"),
        ("theirs.txt", b"# theirs\nnuisance@example.com\n198.51.100.0/24\n"),
        ("theirs.wlist", xml.as_bytes()),
    ]);
    let commands = commands();
    assert!(commands.len() >= 10, "{commands:?}");
    for words in &commands {
        assert_eq!(words[..2], ["mailward", "lists"], "{words:?}");
        let args: Vec<&str> = words[2..].iter().map(String::as_str).collect();
        lists(&dir, &args).exits(0);
    }
    let imported = lists(&dir, &["import", "allow", "theirs.wlist"]).exits(0).out;
    assert!(imported.ends_with("0 added, 1 changed, 0 removed, 0 as they were, 0 twice\n"), "{imported}");
    let all = lists(&dir, &["show", "--format", "json"]).exits(0).json();
    let told = |list: &str, owner: serde_json::Value| {
        let of_it = all.iter().filter(|entry| entry["list"] == list && entry["owner"] == owner);
        of_it.map(|entry| entry["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told("deny", json!(null)), ["nuisance@example.com", "*@*.bulk.example", "198.51.100.0/24"]);
    let allowed = ["partner@example.net", "*@news.example.net", "192.0.2.0/24", "abuse@example.org"];
    assert_eq!(told("allow", json!(null)), allowed);
    assert_eq!(told("allow", json!("ann@example.org")), ["friend@example.net", "*@*.club.example"]);
    assert_eq!(told("deny", json!("ann@example.org")), ["nuisance@example.net"]);
}

#[test]
fn wl_02_wl_07_entries_are_added_changed_removed_and_every_change_is_remembered() {
    let dir = with_data(&[]);
    let added = lists(&dir, &["add", "allow", "--bulk-only", "*@example.net", "--comment", "news", "--author", "ann"]);
    assert!(added.exits(0).out.contains("allow *@example.net, bulk mail only  (news)\n1 added, "));
    let entry = lists(&dir, &["show", "--format", "json"]).exits(0).json().remove(0);
    assert_eq!(
        (&entry["modified_by"], &entry["scope"], &entry["purpose"]),
        (&json!("ann"), &json!("mass"), &json!("sender"))
    );
    let id = entry["id"].as_str().unwrap();
    assert_eq!(id.len(), 36);
    assert!(entry["modified_ms"].as_u64().unwrap() > 1_700_000_000_000, "UTC, in milliseconds");
    lists(&dir, &["change", id, "--scope", "all", "--value", "*@example.org", "--author", "bob"]).exits(0);
    let found = lists(&dir, &["find", "x@example.org"]).exits(0).out;
    assert!(found.contains("allow *@example.org  (news)") && found.contains(" by bob\n"), "{found}");
    assert_eq!(lists(&dir, &["find", "x@example.net"]).exits(0).out, "");
    lists(&dir, &["remove", id]).exits(0);
    assert_eq!(lists(&dir, &["show"]).exits(0).out, "");
    let trail = lists(&dir, &["audit", "--format", "json"]).exits(0).json();
    let told: Vec<_> =
        trail.iter().map(|row| (row["author"].as_str().unwrap(), row["how"].as_str().unwrap())).collect();
    assert_eq!(told, [("tester", "remove"), ("bob", "change"), ("ann", "add")]);
    assert_eq!(
        (&trail[1]["before"]["value"], &trail[1]["after"]["value"]),
        (&json!("*@example.net"), &json!("*@example.org"))
    );
    let gone = lists(&dir, &["remove", id]).exits(2);
    assert!(gone.err.contains("there is no entry"), "{}", gone.err);
}

#[test]
fn bl_04_d14_one_bad_entry_refuses_all_of_them() {
    let dir = with_data(&[("bad.txt", b"a@example.org\nnonsense here\n*@*\n")]);
    let refused = lists(&dir, &["add", "deny", "a@example.org", "b@", "--owner", "ann@example.org"]).exits(2);
    assert!(refused.err.contains("b@: no domain"), "{}", refused.err);
    let refused = lists(&dir, &["import", "deny", "bad.txt"]).exits(1).out;
    assert!(refused.contains("line 2, column 1: ") && refused.contains("line 3, column 1: "), "{refused}");
    let latin = b"a@example.org\nnonsense here\n*@*\nj\xfcrgen@example.org\n";
    let refused = run_with(dir.path(), &["lists", "--data-dir", "data", "import", "deny", "-"], latin).exits(1).out;
    for line in ["line 2, column 1: nonsense", "line 3, column 1: *@*", "line 4, column 1: this line is neither UTF-8"]
    {
        assert!(refused.contains(line), "{refused}");
    }
    let xml = b"<blist version=\"1\">\n  <entry><value>a@example.org</value><colour/></entry></blist>";
    let refused = run_with(dir.path(), &["lists", "--data-dir", "data", "import", "deny", "-"], xml).exits(1).out;
    assert!(refused.contains("line 2, column 38: the element <colour> is not known"), "{refused}");
    for (args, why) in [
        (&["add", "deny", "--recipient", "a@example.org"][..], "senders only"),
        (&["add", "deny", "--bulk-only", "a@example.org"], "no scope"),
        (&["add", "allow", "192.0.2.1", "--owner", "ann@example.org"], "addresses of senders only"),
        (&["add", "allow", "a@example.org", "--owner", "nobody"], "not an address"),
    ] {
        let refused = lists(&dir, args).exits(2);
        assert!(refused.err.contains(why), "{}", refused.err);
    }
    assert_eq!(lists(&dir, &["show"]).exits(0).out, "", "nothing was changed");
}

#[test]
fn wl_09_wl_10_bl_03_what_is_exported_is_imported_elsewhere_and_a_preview_changes_nothing() {
    let (here, there) = (with_data(&[]), with_data(&[]));
    lists(&here, &["add", "deny", "a@example.org", "192.0.2.0/24", "--comment", "x & y"]).exits(0);
    lists(&here, &["export", "deny", "-o", "ours.blist"]).exits(0);
    assert!(lists(&here, &["export", "deny", "-o", "ours.blist"]).exits(2).err.contains("--force"));
    let file = std::fs::read(here.path().join("ours.blist")).unwrap();
    let args = ["lists", "--data-dir", "data", "import", "deny", "-"];
    let preview = run_with(there.path(), &[&args[..], &["--preview"]].concat(), &file).exits(0).out;
    assert!(preview.ends_with("2 would be added, 0 would be changed, 0 would be removed, 0 as they were, 0 twice\n"));
    assert_eq!(lists(&there, &["show"]).exits(0).out, "");
    run_with(there.path(), &args, &file).exits(0);
    let without_times = |dir| -> Vec<serde_json::Value> {
        let mut all = lists(dir, &["show", "--format", "json"]).exits(0).json();
        all.iter_mut().for_each(|entry| entry["modified_ms"] = json!(0));
        all
    };
    assert_eq!(without_times(&there), without_times(&here));
    let again = run_with(there.path(), &args, &file).exits(0).out;
    assert_eq!(again, "0 added, 0 changed, 0 removed, 2 as they were, 0 twice\n");
}

#[test]
fn scan_and_explain_say_which_entry_decided() {
    let dir = with_data(&[("m.eml", &sample::clean("lunch"))]);
    lists(&dir, &["add", "deny", "*@example.org"]).exits(0);
    let (at, common) = (dir.path(), ["--no-config", "--data-dir", "data", "--from", "alice@example.org"]);
    let line = run(at, &[&["scan", "--format", "json"], &common[..], &["m.eml"]].concat()).exits(0).json().remove(0);
    assert_eq!(
        (&line["spam"]["status"], &line["spam"]["list"]["list"]),
        (&json!("address_blacklisted"), &json!("deny"))
    );
    assert_eq!(
        (&line["spam"]["list"]["entry"], &line["spam"]["list"]["by"]),
        (&json!("*@example.org"), &json!("mail_from"))
    );
    let told = run(at, &[&["explain"], &common[..], &["m.eml"]].concat()).exits(0).out;
    assert!(told.contains("the denylist has *@example.org (the envelope's sender alice@example.org; entry "), "{told}");
    let id = line["spam"]["list"]["id"].as_str().unwrap().to_owned();
    lists(&dir, &["remove", &id]).exits(0);
    lists(&dir, &["add", "allow", "alice@example.org"]).exits(0);
    let spoofed = ["--no-config", "--data-dir", "data", "--from", "x@evil.example"];
    let told = run(at, &[&["explain"], &spoofed[..], &["m.eml"]].concat()).exits(0).out;
    assert!(told.contains("(From alice@example.org; entry ") && told.contains("nothing proves the sender"), "{told}");
    assert!(told.contains("  clean: rating "), "{told}");
}

#[test]
fn wl_12_d14_what_is_exported_is_valid_by_the_schema() {
    let Some(xmllint) = testkit::peers::find("xmllint") else { return testkit::peers::skipped("xmllint") };
    let dir = with_data(&[]);
    lists(&dir, &["add", "allow", "--bulk-only", "*@example.net", "--comment", "x & y <z> \"q\" ü"]).exits(0);
    lists(&dir, &["add", "allow", "--recipient", "abuse@example.org", "2001:db8::/32"]).exits(0);
    lists(&dir, &["add", "allow", "friend@example.net", "--owner", "ann@example.org"]).exits(0);
    lists(&dir, &["add", "deny", "*@*.bulk.example", "192.0.2.0/24", "a@xn--mller-kva.example"]).exits(0);
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/lists.xsd");
    let valid = |file: &str| {
        let checked = std::process::Command::new(&xmllint)
            .args(["--noout", "--nonet", "--schema", schema, file])
            .current_dir(dir.path())
            .output()
            .expect("it runs");
        (checked.status.success(), String::from_utf8_lossy(&checked.stderr).into_owned())
    };
    for (list, file) in [("allow", "ours.wlist"), ("deny", "ours.blist")] {
        lists(&dir, &["export", list, "-o", file]).exits(0);
        let (good, said) = valid(file);
        assert!(good, "{said}");
        let text = std::fs::read_to_string(dir.path().join(file)).unwrap();
        std::fs::write(dir.path().join("bad.xml"), text.replacen("<value>", "<colour/><value>", 1)).unwrap();
        assert!(!valid("bad.xml").0, "the schema refuses what we refuse");
    }
    let xml = CHAPTER.split("```xml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a file");
    std::fs::write(dir.path().join("chapter.wlist"), xml).unwrap();
    let (good, said) = valid("chapter.wlist");
    assert!(good, "{said}");
}

#[test]
fn doctor_tells_of_entries_that_never_count() {
    let dir = with_data(&[("mailward.toml", b"data_dir = \"data\"\n[trust]\ninternal_domains = [\"example.org\"]\n")]);
    lists(&dir, &["add", "allow", "a@example.net", "128.0.0.0/1"]).exits(0);
    lists(&dir, &["add", "deny", "a@example.net"]).exits(0);
    lists(&dir, &["add", "deny", "b@example.net", "--owner", "ann@example.com"]).exits(0);
    let found = run(dir.path(), &["doctor", "--config", "mailward.toml", "--format", "json"]).json();
    let told: Vec<&str> =
        found.iter().filter(|it| it["check"] == "lists").map(|it| it["text"].as_str().unwrap()).collect();
    let said = |entry: &str, why: &str| told.iter().any(|text| text.starts_with(entry) && text.contains(why));
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(said("allow a@example.net (entry ", "the denylist has the same"), "{told:?}");
    assert!(said("allow 128.0.0.0/1 ", "a large part of the Internet"), "{told:?}");
    assert!(said("deny b@example.net of ann@example.com ", "no mail comes for it"), "{told:?}");
}
