//! `mailward log` and what monitor mode let through, without a daemon.

use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::evidence::AuthResult;
use mail::untrusted::Untrusted;
use serde_json::json;
use store::{KeptSign, Logged, LoggedAuth, LoggedEntry};

use crate::support::{Ran, assert_harmless, files, run, with_store};

/// 2025-11-21, in milliseconds since 1970.
const DAY: u64 = 1_763_683_200_000;

fn row(number: u8, to: &str, subject: &str, status: &str, action: &str) -> Logged {
    let time_ms = DAY + u64::from(number) * 3_600_000;
    Logged {
        id: MessageId::new(time_ms, [number; 10]),
        time_ms,
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        peer_ip: "192.0.2.7".parse().ok(),
        sender: Address::parse("alice@example.org"),
        recipients: vec![Address::parse(to).unwrap()],
        recipient_count: 3,
        subject: Some(Untrusted::new(subject.to_owned())),
        size: 1234,
        status: status.to_owned(),
        action: action.to_owned(),
        reply: "250 2.0.0 Ok".to_owned(),
        backup: None,
        malware: Vec::new(),
        duration_us: 5_000,
        rules: Vec::new(),
        would: None,
        opened: None,
        auth: None,
        spam: None,
        rating: None,
        spam_why: None,
        signs: Vec::new(),
        listed: None,
    }
}

fn logged() -> tempfile::TempDir {
    let dir = files(&[]);
    let infected = Logged {
        malware: vec![Untrusted::new("Eicar-Test".to_owned())],
        opened: Some("message".to_owned()),
        auth: Some(LoggedAuth { spf: AuthResult::Pass, dmarc: AuthResult::Fail, ..LoggedAuth::default() }),
        spam: Some("not_scanned".to_owned()),
        spam_why: Some("size_exceeded".to_owned()),
        rules: vec!["malware_infected".to_owned()],
        ..row(2, "bob@example.com", "invoice\u{1b}[2J", "infected", "object_deleted")
    };
    let watched = Logged {
        would: Some("blocked".to_owned()),
        spam: Some("probable_spam".to_owned()),
        rating: Some(84),
        signs: vec![
            KeptSign {
                id: "a_phrase".to_owned(),
                points: 450,
                counts: true,
                evidence: Untrusted::new("x\u{1b}[2J".repeat(30)),
            },
            KeptSign { id: "off".to_owned(), points: -20, counts: false, evidence: Untrusted::new("y".to_owned()) },
        ],
        listed: Some(LoggedEntry {
            list: "deny".to_owned(),
            id: "00000000-0000-4000-8000-000000000001".to_owned(),
            entry: "*@example.org".to_owned(),
            owner: None,
            by: "mail_from".to_owned(),
        }),
        rules: vec!["malware_infected".to_owned(), "unscannable_limit".to_owned()],
        ..row(3, "carol@example.net", "watched", "infected", "delivered")
    };
    with_store(dir.path(), |store| {
        store.log_messages(vec![row(1, "bob@example.com", "Hello", "clean", "delivered"), infected, watched])
    })
    .unwrap();
    dir
}

fn log(dir: &std::path::Path, args: &[&str]) -> Ran {
    run(dir, &[&["log", "--data-dir", "data"], args].concat()).exits(0)
}

#[test]
fn rows_are_shown_newest_first_and_are_harmless() {
    let dir = logged();
    let text = log(dir.path(), &[]).out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("delivered (would be blocked)  alice@example.org -> carol@example.net +2  watched"));
    assert!(lines[1].starts_with("2025-11-21 02:00:00  ") && lines[1].contains("infected          object_deleted"));
    let told =
        "[Eicar-Test]  opened with a password that stands in it  dmarc=fail  not examined for spam: size exceeded";
    assert!(lines[1].ends_with(told), "{text}");
    let rows = log(dir.path(), &["--format", "json"]).json();
    let opened: Vec<Option<&str>> = rows.iter().map(|row| row["opened"].as_str()).collect();
    assert_eq!(opened, [None, Some("message"), None]);
    let auth: Vec<Option<&str>> = rows.iter().map(|row| row["auth"]["dmarc"].as_str()).collect();
    assert_eq!(auth, [None, Some("fail"), None]);
    assert_eq!((&rows[0]["listed"]["entry"], &rows[1]["listed"]), (&json!("*@example.org"), &json!(null)));
    assert!(lines[0].ends_with("  list: deny *@example.org"), "{text}");
    assert_harmless(&text);
    let whys: Vec<Option<&str>> = rows.iter().map(|row| row["spam_why"].as_str()).collect();
    assert_eq!(whys, [None, Some("size_exceeded"), None]);
}

#[test]
fn d_10_who_asks_for_one_message_sees_its_signs_with_points_and_evidence() {
    let dir = logged();
    let json = log(dir.path(), &["--format", "json"]).json();
    let signs = json[0]["signs"].as_array().unwrap();
    assert_eq!(
        (&signs[0]["id"], &signs[0]["points"], &signs[0]["counts"]),
        (&json!("a_phrase"), &json!(4.5), &json!(true))
    );
    let evidence = signs[0]["evidence"].as_str().unwrap();
    assert!(evidence.chars().count() == 80 && evidence.ends_with('…'), "what is cut says so: {evidence:?}");
    let one = log(dir.path(), &["--id", json[0]["id"].as_str().unwrap()]).out;
    assert!(one.contains("\n      4.50  a_phrase: x"), "{one}");
    assert!(one.ends_with("\n     -0.20  off (does not count): y\n"), "{one}");
    assert_harmless(&one);
    assert!(!log(dir.path(), &[]).out.contains("a_phrase"), "a list has a line a message");
}

#[test]
fn every_filter_finds_its_rows() {
    let dir = logged();
    let id = MessageId::new(DAY + 3_600_000, [1; 10]).to_string();
    let cases: [(&[&str], &[&str]); 19] = [
        (&["--address", "bob@example.com"], &["invoice\u{1b}[2J", "Hello"]),
        (&["--address", "@EXAMPLE.net"], &["watched"]),
        (&["--address", "dave@example.com"], &[]),
        (&["--subject", "HELL"], &["Hello"]),
        (&["--status", "infected"], &["watched", "invoice\u{1b}[2J"]),
        (&["--action", "delivered"], &["watched", "Hello"]),
        (&["--rule", "unscannable_limit"], &["watched"]),
        (&["--monitored"], &["watched"]),
        (&["--auth", "dmarc=fail"], &["invoice\u{1b}[2J"]),
        (&["--auth", "DMARC=Fail", "--auth", "arc=none"], &["invoice\u{1b}[2J"]),
        (&["--auth", "dmarc=fail", "--auth", "spf=fail"], &[]),
        (&["--id", &id], &["Hello"]),
        (&["--list", "deny"], &["watched"]),
        (&["--list", "*@EXAMPLE.org"], &["watched"]),
        (&["--list", "00000000-0000-4000-8000-000000000001"], &["watched"]),
        (&["--list", "allow"], &[]),
        (&["--since", "2025-11-21 02:00"], &["watched", "invoice\u{1b}[2J"]),
        (&["--until", "2025-11-21 02:00"], &["Hello"]),
        (&["--status", "infected", "--action", "delivered"], &["watched"]),
    ];
    for (args, subjects) in cases {
        let rows = log(dir.path(), &[args, &["--format", "json"]].concat()).json();
        let found: Vec<&str> = rows.iter().map(|row| row["subject"].as_str().unwrap()).collect();
        assert_eq!(found, subjects, "{args:?}");
    }
    let wrong = run(dir.path(), &["log", "--data-dir", "data", "--id", "x"]).exits(2);
    assert!(wrong.err.contains("26 characters"), "{}", wrong.err);
    let wrong = run(dir.path(), &["log", "--data-dir", "data", "--auth", "dmarc"]).exits(2);
    assert!(wrong.err.contains("write it like dmarc=fail"), "{}", wrong.err);
}

#[test]
fn a_row_for_programs_has_everything_and_a_limit_says_that_there_is_more() {
    let dir = logged();
    let ran = log(dir.path(), &["--format", "json", "--limit", "1"]);
    let row = &ran.json()[0];
    assert_eq!(
        (&row["would"], &row["client"], &row["recipient_count"]),
        (&json!("blocked"), &json!("192.0.2.7"), &json!(3))
    );
    assert_eq!((&row["time"], &row["milliseconds"]), (&json!("2025-11-21T03:00:00Z"), &json!(5)));
    assert!(ran.err.contains("There may be more"), "{}", ran.err);
}

#[test]
fn what_monitor_mode_let_through_is_counted_by_rule() {
    let dir = logged();
    let watched =
        |args: &[&str]| run(dir.path(), &[&["policy", "watched", "--data-dir", "data"], args].concat()).exits(0);
    let rows = watched(&["--since", "2025-11-01", "--format", "json"]).json();
    let counts: Vec<_> =
        rows.iter().map(|row| (row["rule"].as_str().unwrap(), row["messages"].as_u64().unwrap())).collect();
    assert_eq!(counts, [("malware_infected", 1), ("unscannable_limit", 1)]);
    assert_eq!((&rows[0]["surface"], &rows[0]["would"]), (&json!("smtp"), &json!("blocked")));
    let none = watched(&["--since", "1h"]);
    assert!(none.out.is_empty() && none.err.contains("let nothing through"), "{none:?}");
}

#[test]
fn greylisting_is_counted_and_made_to_forget() {
    let dir = files(&[]);
    let rules = store::GreyRules { delay_ms: 0, window_ms: 1000, remember_ms: 1000, trust_after: 0 };
    with_store(dir.path(), |store| {
        for pair in ["a", "b"] {
            store.greylist("192.0.2.0/24", pair, &rules, DAY).unwrap();
        }
    });
    let greylist = |verb| run(dir.path(), &["greylist", "--data-dir", "data", verb]).exits(0).out;
    assert!(greylist("show").starts_with("2 pairs"));
    assert!(greylist("forget").starts_with("forgotten: 2 pairs"));
    assert!(greylist("show").starts_with("0 pairs"));
}
