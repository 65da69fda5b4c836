//! `mailward backup`, without a daemon.

use std::path::Path;

use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::untrusted::Untrusted;
use store::{NewEntry, SenderType};
use testkit::{Behaviour, Sink, sample};

use crate::support::{assert_harmless, files, hold_store, run, run_with, with_store};

/// 2025-11-21 18:00:00 UTC.
const EVENING: u64 = 1_763_748_000_000;

fn address(text: &str) -> Address {
    Address::parse(text).expect(text)
}

/// An entry of a message that was kept that evening.
pub(crate) fn entry(number: u8, subject: &str, size: usize) -> NewEntry {
    let text = |text: &str| Some(Untrusted::new(text.to_owned()));
    NewEntry {
        id: MessageId::new(EVENING, [number; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        mail_from: Some(address("alice@example.org")),
        recipients: vec![address("bob@example.com"), address("carol@example.com")],
        header_from: text("Alice <alice@example.org>"),
        header_to: text("Bob <bob@example.com>"),
        header_cc: None,
        subject: text(subject),
        date: None,
        objects: vec![Untrusted::new("eicar.com".to_owned())],
        status: "infected".to_owned(),
        reason: "2 » eicar.com: EICAR-Test-File (found by eicar; rule malware_infected): deleted".to_owned(),
        malware: vec![Untrusted::new("EICAR-Test-File".to_owned())],
        sender_type: SenderType::External,
        peer_ip: Some("192.0.2.7".parse().unwrap()),
        connection: 7,
        size: size as u64,
        spam: None,
        action: "object_deleted".to_owned(),
        received_ms: EVENING + u64::from(number) * 1000,
    }
}

/// A data directory `data` with these messages in Backup, by subject; and their entries' ids.
fn kept(messages: &[(&str, &[u8])]) -> (tempfile::TempDir, Vec<String>) {
    let dir = files(&[]);
    let ids = with_store(dir.path(), |store| {
        let keep = |(at, (subject, bytes)): (usize, &(&str, &[u8]))| {
            let entry = entry(at as u8 + 1, subject, bytes.len());
            store.keep(entry, &mut &bytes[..]).unwrap().backup_id().to_string()
        };
        messages.iter().enumerate().map(keep).collect()
    });
    (dir, ids)
}

fn backup(dir: &Path, args: &[&str]) -> crate::support::Ran {
    run(dir, &[&["backup", "--data-dir", "data"], args].concat())
}

#[test]
fn entries_are_listed_newest_first_and_filtered() {
    let hostile = "two \u{1b}[2J\u{202e}";
    let (dir, ids) = kept(&[("one", b"1"), (hostile, b"22"), ("three", b"333")]);
    let text = backup(dir.path(), &["list"]).exits(0).out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    for (line, id) in lines.iter().zip(ids.iter().rev()) {
        assert!(line.starts_with(id.as_str()) && line.contains("alice@example.org -> bob@example.com +1"), "{line}");
    }
    assert!(lines[0].contains("2025-11-21 18:00:03  infected"), "{}", lines[0]);
    assert_harmless(&text);
    let json = backup(dir.path(), &["list", "--format", "json", "--subject", "TWO"]).exits(0);
    assert_harmless(&json.out);
    let json = json.json();
    assert_eq!(json[0]["received"], "2025-11-21T18:00:02Z");
    assert_eq!((json.len(), json[0]["subject"].as_str(), json[0]["id"].as_str()), (1, Some(hostile), Some(&*ids[1])));
    let count = |args: &[&str]| backup(dir.path(), &[&["list"], args].concat()).exits(0).out.lines().count();
    assert_eq!(count(&["--since", "2025-11-21 18:00:02"]), 2);
    assert_eq!(count(&["--until", "2025-11-21 18:00:02"]), 1);
    assert_eq!(count(&["--status", "clean"]), 0);
    let mistyped = backup(dir.path(), &["list", "--status", "infectd"]).exits(2).err;
    assert!(mistyped.contains("probably_infected"), "{mistyped}");
    assert_eq!(count(&["--text", "eicar", "--recipient", "carol", "--sender", "ALICE"]), 3);
    let two = backup(dir.path(), &["list", "--limit", "2"]).exits(0);
    assert_eq!(two.out.lines().count(), 2);
    assert!(two.err.contains("There may be more"), "{}", two.err);
    assert!(backup(dir.path(), &["list", "--since", "soon"]).exits(2).err.contains("--since: write a date"));
}

#[test]
fn what_was_kept_as_spam_is_called_so_and_found_by_it() {
    let dir = files(&[]);
    let evidence = Untrusted::new("you won\u{1b}[2J".to_owned());
    let signs =
        || vec![store::KeptSign { id: "a_phrase".to_owned(), points: 450, counts: true, evidence: evidence.clone() }];
    let kept = |number: u8, status: &str, rating| NewEntry {
        status: "clean".to_owned(),
        spam: Some(store::KeptSpam { status: status.to_owned(), rating: Some(rating), why: None, signs: signs() }),
        ..entry(number, status, 1)
    };
    let large = store::KeptSpam {
        why: Some("size_exceeded".to_owned()),
        rating: None,
        ..kept(5, "not_scanned", 0).spam.unwrap()
    };
    with_store(dir.path(), |store| {
        let large = NewEntry { spam: Some(large), ..entry(0, "large", 1) };
        for entry in
            [large, kept(1, "spam", 100), kept(2, "probable_spam", 83), kept(3, "clean", 7), entry(4, "none", 1)]
        {
            let _ = store.keep(entry, &mut &b"x"[..]).unwrap();
        }
    });
    let all = backup(dir.path(), &["list"]).exits(0).out;
    let marked: Vec<bool> = all.lines().map(|line| line.contains("rating")).collect();
    assert_eq!(marked, [false, false, true, true, false], "{all}");
    assert!(all.contains("(probable spam, rating 83)") && all.contains("(spam, rating 100)"), "{all}");
    for (status, subjects) in [("spam", vec!["spam"]), ("probable_spam", vec!["probable_spam"]), ("mass_mail", vec![])]
    {
        let found = backup(dir.path(), &["list", "--spam", status, "--status", "clean", "--format", "json"]).exits(0);
        let found: Vec<String> = found.json().iter().map(|it| it["subject"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found, subjects, "{status}");
    }
    let json = backup(dir.path(), &["list", "--spam", "spam", "--format", "json"]).exits(0).json();
    assert_eq!((&json[0]["spam"], &json[0]["rating"]), (&serde_json::json!("spam"), &serde_json::json!(100)));
    let shown = backup(dir.path(), &["show", json[0]["id"].as_str().unwrap()]).exits(0).out;
    assert!(shown.contains("As to spam     spam, rating 100"), "{shown}");
    assert!(shown.contains("Signs of spam\n    4.50  a_phrase: you won"), "{shown}");
    assert_harmless(&shown);
    assert_eq!((&json[0]["signs"][0]["id"], &json[0]["signs"][0]["points"]), (&"a_phrase".into(), &4.5.into()));
    let large = backup(dir.path(), &["list", "--spam", "not_scanned", "--format", "json"]).exits(0).json();
    assert_eq!((&large[0]["spam_why"], &large[0]["rating"]), (&"size_exceeded".into(), &serde_json::Value::Null));
    let shown = backup(dir.path(), &["show", large[0]["id"].as_str().unwrap()]).exits(0).out;
    assert!(shown.contains("As to spam     not scanned: size exceeded"), "{shown}");
    assert!(backup(dir.path(), &["list", "--spam", "foobar"]).exits(2).err.contains("address_blacklisted"));
}

#[test]
fn an_entry_is_shown_by_its_own_id_or_the_messages() {
    let (dir, ids) = kept(&[("one", b"1")]);
    let message = MessageId::new(EVENING, [1; 10]).to_string();
    let shown = backup(dir.path(), &["show", &ids[0]]).exits(0).out;
    assert_eq!(backup(dir.path(), &["show", &message]).exits(0).out, shown);
    for part in [ids[0].as_str(), &message, "EICAR-Test-File", "carol@example.com", "192.0.2.7", "object_deleted"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = backup(dir.path(), &["show", &message, "--format", "json"]).exits(0).json();
    assert_eq!(json[0]["status"], "infected");
    assert!(backup(dir.path(), &["show", "nonsense\u{1b}"]).exits(2).err.contains("neither the id"));
    assert!(backup(dir.path(), &["show", "0000000000000"]).exits(2).err.contains("no such"));
}

#[test]
fn the_original_is_exported_byte_for_byte_and_never_over_another_file() {
    let mail = sample::eicar_zipped("bill");
    let large = sample::sized("large", 1_500_000);
    let (dir, ids) = kept(&[("bill", &mail), ("large", &large)]);
    let name = backup(dir.path(), &["export", &ids[0]]).exits(0).out;
    assert_eq!(name, "smtp-20251121-180001-7.eml\n");
    let path = dir.path().join(name.trim());
    assert_eq!(std::fs::read(&path).unwrap(), mail);
    let again = backup(dir.path(), &["export", &ids[0]]).exits(2);
    assert!(again.err.contains("exists"), "{}", again.err);
    backup(dir.path(), &["export", &ids[1], "-o", "x.eml"]).exits(0);
    assert_eq!(std::fs::read(dir.path().join("x.eml")).unwrap(), large);
    backup(dir.path(), &["export", &ids[0], "-o", "x.eml", "--force"]).exits(0);
    assert_eq!(std::fs::read(dir.path().join("x.eml")).unwrap(), mail);
    let piped = backup(dir.path(), &["export", &ids[0], "-o", "-"]).exits(0);
    assert_eq!(piped.out.as_bytes(), mail);
}

/// Damages the largest sealed file.
fn damage(dir: &Path) {
    let (mut pending, mut files) = (vec![dir.join("data/blobs")], Vec::new());
    while let Some(next) = pending.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => pending.push(entry.path()),
                false => files.push((entry.metadata().unwrap().len(), entry.path())),
            }
        }
    }
    let (_, path) = files.into_iter().max().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn damage_is_told_and_leaves_no_half_export() {
    let (dir, ids) = kept(&[("small", b"fine"), ("large", &sample::sized("large", 1_500_000))]);
    assert!(backup(dir.path(), &["verify"]).exits(0).out.starts_with("2 stored messages read, 0 entries damaged"));
    damage(dir.path());
    let failed = backup(dir.path(), &["export", &ids[1], "-o", "x.eml"]).exits(2);
    assert!(failed.err.starts_with("mailward: "), "{}", failed.err);
    assert!(!dir.path().join("x.eml").exists());
    let verified = backup(dir.path(), &["verify"]).exits(1).out;
    assert!(verified.contains(&ids[1]) && verified.ends_with("1 entries damaged\n"), "{verified}");
    assert!(backup(dir.path(), &["list"]).exits(0).out.contains("(damaged)"));
}

#[test]
fn deletion_wants_a_yes() {
    let (dir, ids) = kept(&[("one", b"1"), ("two", b"2")]);
    let asked = backup(dir.path(), &["delete", &ids[0]]).exits(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(backup(dir.path(), &["list"]).exits(0).out.lines().count(), 2);
    let deleted = backup(dir.path(), &["delete", "--yes", &ids[0], &ids[1]]).exits(0);
    assert_eq!(deleted.out, "2 deleted\n");
    let gone = backup(dir.path(), &["delete", "--yes", &ids[0]]).exits(2);
    assert!(gone.err.contains("(0 of 1 deleted)"), "{}", gone.err);
}

#[test]
fn the_key_is_exported_and_opens_backup_after_a_restore() {
    let (dir, ids) = kept(&[("one", b"the message")]);
    let key = backup(dir.path(), &["key", "export"]).exits(0).out;
    assert!(key.starts_with("MAILWARD-KEY-1:") && key.ends_with('\n'), "{key}");
    backup(dir.path(), &["key", "export", "-o", "key.txt"]).exits(0);
    let file = std::fs::metadata(dir.path().join("key.txt")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777, 0o600);

    std::fs::remove_file(dir.path().join("data/key")).unwrap();
    let lost = backup(dir.path(), &["list"]).exits(2);
    assert!(lost.err.contains("key") && lost.err.contains("missing"), "{}", lost.err);
    let args = ["backup", "--data-dir", "data", "key", "restore", "-"];
    assert!(run_with(dir.path(), &args, b"MAILWARD-KEY-1: nonsense").exits(2).err.contains("no exported"));
    run_with(dir.path(), &args, key.to_lowercase().as_bytes()).exits(0);
    assert_eq!(backup(dir.path(), &["export", &ids[0], "-o", "-"]).exits(0).out, "the message");
}

#[test]
fn a_lost_index_is_made_anew() {
    let (dir, ids) = kept(&[("one", b"the message")]);
    for name in ["backup.db", "backup.db-wal", "backup.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join("data").join(name));
    }
    let lost = backup(dir.path(), &["list"]).exits(2);
    assert!(lost.err.contains("rebuild-index"), "{}", lost.err);
    assert!(backup(dir.path(), &["rebuild-index"]).exits(0).out.contains("1 entries"));
    assert_eq!(backup(dir.path(), &["export", &ids[0], "-o", "-"]).exits(0).out, "the message");
}

#[test]
fn a_held_data_directory_is_not_used() {
    let (dir, _) = kept(&[("one", b"1")]);
    let held = hold_store(dir.path());
    let ran = backup(dir.path(), &["list"]).exits(2);
    assert!(ran.err.contains("in use by process"), "{}", ran.err);
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_released_to_the_next_hop() {
    let sink = Sink::start(Behaviour::accept()).await;
    let mail = sample::clean("lunch");
    let (dir, ids) = kept(&[("lunch", &mail)]);
    let config = format!(
        "data_dir = \"{}/data\"\n[next_hop]\naddress = \"{}\"\ntls = \"none\"\n",
        dir.path().display(),
        sink.address()
    );
    std::fs::write(dir.path().join("m.toml"), config).unwrap();
    let path = dir.path().to_owned();
    let id = ids[0].clone();
    let ran = tokio::task::spawn_blocking(move || {
        run(&path, &["backup", "--config", "m.toml", "release", &id, "--to", "dave@example.com"])
    });
    assert_eq!(ran.await.unwrap().exits(0).out, "released to dave@example.com\n");
    let received = sink.messages();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].addresses(), ["dave@example.com"]);
    assert!(received[0].content.ends_with(&mail), "the original follows below our marker");
    let shown = backup(dir.path(), &["show", &ids[0]]).exits(0).out;
    assert!(shown.contains("Released") && shown.contains("dave@example.com"), "{shown}");
    let none = backup(dir.path(), &["release", &ids[0]]).exits(2);
    assert!(none.err.contains("next_hop.address"), "{}", none.err);
}
