//! Files of settings: what is wrong with each is told in full, and what is right reads back.

use std::fs;
use std::path::{Path, PathBuf};

use judge::policy::{Policy, Profile};
use settings::{
    Config, Loaded, LoadedPolicy, Source, What, check_policy, config_with_docs, diff, parse_policy, policy_to_toml,
    reference_config, reference_policy, schema_config, schema_policy, show,
};

/// Files with this ending, by stem, sorted.
fn inputs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    found.sort();
    found
}

/// Compares with the golden file; `MAILWARD_BLESS=1` writes it.
fn golden(path: &Path, actual: &str) {
    if std::env::var_os("MAILWARD_BLESS").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{} (MAILWARD_BLESS=1 writes it)", path.display());
}

#[test]
fn every_mistake_in_a_configuration_is_told_with_its_place() {
    let files = inputs("config");
    assert!(files.len() >= 10, "the files are gone");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let told = match Loaded::parse(&text, "mailward.toml", &[]) {
            Ok(loaded) => format!("accepted\n{}\n", loaded.warnings),
            Err(problems) => format!("refused\n{problems}\n"),
        };
        golden(&path.with_extension("txt"), &told);
    }
}

#[test]
fn every_mistake_in_a_policy_is_told_with_its_place() {
    let files = inputs("policy");
    assert!(files.len() >= 3, "the files are gone");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let told = match LoadedPolicy::parse(&text, "policy.toml", &["empty_subject", "short_link"]) {
            Ok(loaded) => format!("accepted\n{}\n{}", loaded.warnings, policy_to_toml(&loaded.policy, false)),
            Err(problems) => format!("refused\n{problems}\n"),
        };
        golden(&path.with_extension("txt"), &told);
    }
}

#[test]
fn the_commented_file_is_the_default_with_and_without_its_comments() {
    let text = config_with_docs();
    assert_eq!(Config::parse(&text, "docs").unwrap(), Config::default());
    let is_setting = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let open: Vec<&str> = text.lines().map(|line| if is_setting(line) { &line[1..] } else { line }).collect();
    let loaded = Loaded::parse(&open.join("\n"), "docs", &[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    for key in ["hostname", "smtp[0].line_ends", "next_hop.address", "log.redact"] {
        assert_eq!(loaded.source(key), Source::File, "{key}");
    }
}

#[test]
fn the_defaults_have_no_errors_and_serve_needs_a_next_hop() {
    let errors: Vec<_> = Config::default().check();
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    let missing: Vec<_> = Config::default().check_serve().into_iter().map(|problem| problem.key).collect();
    assert_eq!(missing, ["next_hop.address"]);
}

#[test]
fn every_setting_has_a_description() {
    fn walk(schema: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        let has = |value: &serde_json::Value| value["description"].as_str().is_some_and(|text| !text.is_empty());
        if let Some(properties) = schema["properties"].as_object() {
            for (name, property) in properties {
                if !has(property) {
                    missing.push(format!("{path}/{name}"));
                }
            }
        }
        for word in schema["oneOf"].as_array().into_iter().flatten() {
            if !has(word) {
                missing.push(format!("{path}: {word}"));
            }
        }
        if schema["enum"].is_array() {
            missing.push(format!("{path}: words without descriptions"));
        }
        for (name, inner) in schema["$defs"].as_object().into_iter().flatten() {
            walk(inner, &format!("{path}/{name}"), missing);
        }
    }
    for text in [schema_config(), schema_policy()] {
        let mut missing = Vec::new();
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(schema["properties"].as_object().unwrap().len() > 8);
        walk(&schema, "", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}

#[test]
fn references_name_every_key_and_stay_the_same() {
    let config = reference_config();
    assert_eq!(config, reference_config());
    for text in ["## `[[smtp]]`", "| `spool_threshold` | size | `\"256 KiB\"` |", "`MAILWARD__LIMITS__CONNECTIONS`"] {
        assert!(config.contains(text), "{text}\n{config}");
    }
    let policy = reference_policy();
    for text in ["| Key | Type | reference | recommended | Meaning |", "| `\"automatic\"` | `\"delete_message\"` |"] {
        assert!(policy.contains(text), "{text}\n{policy}");
    }
    let mut rows = 0;
    for line in config.lines().chain(policy.lines()).filter(|line| line.starts_with('|')) {
        rows += 1;
        assert!(line.ends_with('|') && !line.contains("|  |"), "empty cell: {line}");
    }
    assert!(rows > 100, "{rows}");
}

#[test]
fn a_policy_file_says_what_differs_from_its_profile() {
    let mut policy = Policy::of(Profile::Recommended);
    assert_eq!(policy_to_toml(&policy, false), "profile = \"recommended\"\n");
    policy.refusal.code = 554;
    policy.malware.labels.internal = false;
    let text = policy_to_toml(&policy, false);
    let expected = "profile = \"recommended\"\n\n[malware.labels]\ninternal = false\n\n[refusal]\ncode = 554\n";
    assert_eq!(text, expected);
    assert_eq!(parse_policy(&text, "x").unwrap(), policy);
    let full = policy_to_toml(&policy, true);
    assert_eq!(parse_policy(&full, "x").unwrap(), policy);
    assert!(full.contains("# The reply code: 500 to 599 (D-4).\ncode = 554\n"), "{full}");
    let changes = diff(&Policy::of(Profile::Recommended), &policy);
    let told: Vec<String> = changes.iter().map(|c| format!("{}: {} -> {}", c.key, c.old, c.new)).collect();
    assert_eq!(told, ["malware.labels.internal: true -> false", "refusal.code: 550 -> 554"]);
}

#[test]
fn both_profiles_read_back_and_have_no_problem() {
    for profile in Profile::ALL {
        let policy = Policy::of(profile);
        assert_eq!(parse_policy(&policy_to_toml(&policy, true), "x").unwrap(), policy);
        assert_eq!(parse_policy(&format!("profile = \"{}\"", profile.name()), "x").unwrap(), policy);
        assert_eq!(check_policy(&policy), []);
    }
}

#[test]
fn the_environment_stands_over_the_file() {
    let set = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let text = "[limits]\nerrors = 5\nconnections = 7\n";
    let environment = set(&[
        ("MAILWARD__LIMITS__CONNECTIONS", "9"),
        ("MAILWARD__NEXT_HOP__ADDRESS", "mail.example.org:25"),
        ("MAILWARD__HOSTNAME", "mx.example.org"),
        ("MAILWARD__LIMITS__COMMAND_TIMEOUT", "1 min"),
        ("MAILWARD__LOG__REDACT", "true"),
        ("MAILWARD_REQUIRE_PEERS", "1"),
        ("PATH", "/bin"),
    ]);
    let loaded = Loaded::parse(text, "mailward.toml", &environment).unwrap();
    assert_eq!((loaded.config.limits.connections, loaded.config.limits.errors), (9, 5));
    assert_eq!(loaded.config.next_hop.address.as_ref().unwrap().to_string(), "mail.example.org:25");
    assert_eq!(loaded.config.hostname(), "mx.example.org");
    assert!(loaded.config.log.redact);
    let expected = "hostname = \"mx.example.org\"   # environment\n\
                    next_hop.address = \"mail.example.org:25\"   # environment\n\
                    limits.connections = 9   # environment\n\
                    limits.errors = 5   # file\n\
                    limits.command_timeout = \"1 min\"   # environment\n\
                    log.redact = true   # environment\n";
    assert_eq!(show(&loaded, What::Changed), expected);
    assert!(show(&loaded, What::All).contains("smtp[0].listen = \"127.0.0.1:10024\"   # default\n"));

    let wrong = set(&[
        ("MAILWARD__LIMITS__CONNECTION", "9"),
        ("MAILWARD__LIMITS__ERRORS", "many"),
        ("MAILWARD__CLAMD__METHOD", "fildis"),
        ("MAILWARD__NEXT_HOP__ADDRESS", "mail"),
    ]);
    let told = Loaded::parse("", "mailward.toml", &wrong).unwrap_err().to_string();
    golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/environment.txt"), &format!("{told}\n"));
}

#[test]
fn a_file_that_is_too_large_or_not_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mailward.toml");
    let error = || Config::load(&path).unwrap_err().to_string();
    assert!(error().contains("cannot be read"));
    fs::write(&path, vec![b'#'; settings::MAX_FILE + 1]).unwrap();
    assert!(error().contains("larger than 1048576 bytes"), "{}", error());
    fs::write(&path, b"hostname = \"a\"\n# \xff\n").unwrap();
    assert!(error().contains("line 2 is not UTF-8"), "{}", error());
}

#[test]
fn no_text_makes_the_reader_panic_or_run_on() {
    let deep = format!("hostname = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    let dotted = format!("{}a = 1", "a.".repeat(50_000));
    let many: String = (0..50_000).map(|at| format!("key{at} = 1\n")).collect();
    let wrong: String = (0..2_000).map(|_| "[[smtp]]\nlisten = 1\n").collect();
    for text in [deep.as_str(), &dotted, &many, &wrong, "[[[", "a = \"", "\u{feff}hostname=1", "[smtp]\n[[smtp]]"] {
        let problems = Loaded::parse(text, "x", &[]).unwrap_err();
        assert!((1..=settings::MAX_PROBLEMS).contains(&problems.0.len()), "{}", problems.0.len());
        parse_policy(text, "x").unwrap_err();
    }
}
