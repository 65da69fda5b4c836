//! `mailward config`.

use crate::support::{files, program, run, spawn};

#[test]
fn every_problem_is_shown_with_its_place_and_what_to_do() {
    let text = b"hostnme = \"mx.example.org\"\n[limits]\nconnections = \"many\"\n";
    let dir = files(&[("m.toml", text)]);
    let ran = run(dir.path(), &["config", "check", "--config", "m.toml"]).exits(1);
    assert!(ran.out.contains("m.toml:1:") && ran.out.contains("did you mean \"hostname\"?"), "{}", ran.out);
    assert!(ran.out.contains("m.toml:3:"), "{}", ran.out);
    assert!(ran.out.ends_with("2 errors, 0 warnings and advice\n"), "{}", ran.out);
}

#[test]
fn what_a_configuration_names_is_looked_at() {
    let text = "data_dir = \"@/data\"\npolicy.file = \"@/p.toml\"\n[next_hop]\naddress = \"127.0.0.1:2525\"\n\
                [engines]\nyara = [\"@/bad.yar\"]\n";
    let dir = files(&[("p.toml", b"[malware]\naction = \"explode\"\n"), ("bad.yar", b"rule {")]);
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let path = dir.path().join("m.toml");
    std::fs::write(&path, text.replace('@', &dir.path().display().to_string())).unwrap();
    let ran = run(dir.path(), &["config", "check", "--config", "m.toml"]).exits(1);
    assert!(ran.out.contains("p.toml:2:") && ran.out.contains("explode"), "{}", ran.out);
    assert!(ran.out.contains("bad.yar"), "{}", ran.out);
}

#[test]
fn a_correct_configuration_passes() {
    let dir = files(&[]);
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let text = format!(
        "hostname = \"mx.example.org\"\ndata_dir = \"{}/data\"\n[next_hop]\naddress = \"127.0.0.1:2525\"\n\
         [trust]\ninternal_domains = [\"example.org\"]\n",
        dir.path().display()
    );
    std::fs::write(dir.path().join("m.toml"), text).unwrap();
    let ran = run(dir.path(), &["config", "check", "--config", "m.toml"]).exits(0);
    assert!(!ran.out.contains("error:"), "{}", ran.out);
}

#[test]
fn no_configuration_is_said_with_what_to_do() {
    let dir = files(&[]);
    let ran = run(dir.path(), &["config", "check", "--config", "none.toml"]).exits(2);
    assert!(ran.err.contains("mailward: there is no none.toml") && ran.err.contains("config init"), "{}", ran.err);
}

#[test]
fn the_printed_configuration_is_one() {
    let dir = files(&[]);
    let printed = run(dir.path(), &["config", "init"]).exits(0).out;
    std::fs::write(dir.path().join("m.toml"), &printed).unwrap();
    let changed = run(dir.path(), &["config", "show", "--config", "m.toml", "--changed"]).exits(0).out;
    assert_eq!(changed, "", "the printed file changes no default");
}

#[test]
fn settings_are_shown_with_their_sources() {
    let dir = files(&[("m.toml", b"hostname = \"mx.example.org\"\n")]);
    let mut command = program(dir.path());
    command.args(["config", "show", "--config", "m.toml", "--changed"]).env("MAILWARD__LIMITS__CONNECTIONS", "77");
    let output = spawn(&mut command).wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("hostname = \"mx.example.org\"   # file\n"), "{out}");
    assert!(out.contains("limits.connections = 77   # environment\n"), "{out}");
    let all = run(dir.path(), &["config", "show", "--config", "m.toml", "--all"]).exits(0).out;
    assert!(all.lines().count() > 40 && all.contains("# default"), "{all}");
}

#[test]
fn schemas_are_json() {
    let dir = files(&[]);
    for (args, key) in [(&["config", "schema"][..], "next_hop"), (&["config", "schema", "--policy"], "malware")] {
        let schema: serde_json::Value = serde_json::from_str(&run(dir.path(), args).exits(0).out).unwrap();
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
}
