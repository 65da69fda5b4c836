//! Opening a data directory: lock, key, schema, damage.

use std::fs;

use store::{Filter, KeptSpam, KeyText, NewEntry, Options, Store, StoreError};

use crate::{T0, blobs, entry, files, keep, message, new_store, read_back};

fn reopen(store: Store) -> Store {
    let dir = store.dir().to_path_buf();
    drop(store);
    Store::open(&dir, Options::default()).unwrap()
}

/// Opens and must fail.
fn refused(dir: &std::path::Path) -> StoreError {
    Store::open(dir, Options::default()).err().expect("refused")
}

#[test]
fn a_directory_has_one_holder() {
    let (_dir, store) = new_store();
    let error = refused(store.dir());
    assert!(matches!(&error, StoreError::Locked { pid: Some(pid), .. } if *pid == std::process::id()), "{error}");
    assert!(error.to_string().contains(&store.dir().display().to_string()));
    let clone = store.clone();
    let dir = store.dir().to_path_buf();
    drop(store);
    assert!(matches!(refused(&dir), StoreError::Locked { .. }), "a clone holds it as well");
    reopen(clone);
}

#[test]
fn what_was_kept_is_there_after_a_restart() {
    let (_dir, store) = new_store();
    let id = keep(&store, T0, &message(5));
    let number = store.save_policy("a = 1", "anna", "first", T0).unwrap();
    let store = reopen(store);
    assert_eq!(read_back(&store, id).unwrap(), message(5));
    assert_eq!(store.current_policy().unwrap().unwrap().head.number, number);
}

#[test]
fn nothing_is_created_where_nothing_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none");
    assert!(matches!(Store::open(&none, Options { create: false }), Err(StoreError::Io { .. })));
    assert!(!none.exists());
    assert!(matches!(Store::open(dir.path(), Options { create: false }), Err(StoreError::KeyMissing { .. })));
}

#[test]
fn a_newer_schema_is_refused_and_untouched() {
    for (name, known) in [("backup.db", 2), ("state.db", 1), ("messages.db", 1)] {
        let (_dir, store) = new_store();
        keep(&store, T0, b"x");
        let dir = store.dir().to_path_buf();
        drop(store);
        let db = rusqlite::Connection::open(dir.join(name)).unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        let error = refused(&dir);
        assert!(matches!(&error, StoreError::TooNew { found: 99, known: now, .. } if *now == known), "{error}");
        assert!(error.to_string().contains(name));
        let db = rusqlite::Connection::open(dir.join(name)).unwrap();
        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 99);
    }
}

#[test]
fn entries_from_before_they_said_what_they_are_as_to_spam_stay_and_new_ones_are_found_by_it() {
    let (_dir, store) = new_store();
    let old = keep(&store, T0, b"x");
    let dir = store.dir().to_path_buf();
    drop(store);
    // As the version before left it.
    let db = rusqlite::Connection::open(dir.join("backup.db")).unwrap();
    db.execute_batch("DROP INDEX entries_by_spam; ALTER TABLE entries DROP COLUMN spam; PRAGMA user_version = 1")
        .unwrap();
    drop(db);
    let store = Store::open(&dir, Options::default()).unwrap();
    let spam = Some(KeptSpam { status: "spam".to_owned(), rating: Some(93), why: None, signs: Vec::new() });
    let new = store.keep(NewEntry { spam: spam.clone(), ..entry(T0 + 1, 1) }, &mut &b"y"[..]).unwrap().backup_id();
    let found = |spam: Option<&str>| {
        let filter = Filter { spam: spam.map(str::to_owned), ..Filter::default() };
        let page = store.list(&filter, None, 10).unwrap();
        page.entries.into_iter().map(|entry| (entry.id, entry.entry.spam)).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("spam")), [(new, spam.clone())]);
    assert_eq!(found(Some("clean")), []);
    assert_eq!(found(None), [(new, spam), (old, None)]);
}

#[test]
fn an_exported_key_brings_backup_back() {
    let (_dir, store) = new_store();
    let id = keep(&store, T0, &message(9));
    let text = store.export_key();
    let dir = store.dir().to_path_buf();
    drop(store);
    fs::remove_file(dir.join("key")).unwrap();
    let error = refused(&dir);
    assert!(matches!(error, StoreError::KeyMissing { .. }), "{error}");
    assert!(!dir.join("key").exists(), "no new key is made over old messages");
    Store::restore_key(&dir, &text, false).unwrap();
    let store = Store::open(&dir, Options::default()).unwrap();
    assert_eq!(read_back(&store, id).unwrap(), message(9));
    drop(store);
    Store::restore_key(&dir, &text, false).unwrap();
    assert!(!dir.join("key.replaced-1").exists(), "the same key replaces nothing");
}

#[test]
fn a_wrong_key_is_noticed_and_not_put_in_place_without_force() {
    let (_other_dir, other) = new_store();
    let wrong = other.export_key();
    let (_dir, store) = new_store();
    let id = keep(&store, T0, &message(9));
    let right = store.export_key();
    let dir = store.dir().to_path_buf();
    assert!(matches!(Store::restore_key(&dir, &wrong, true), Err(StoreError::Locked { .. })));
    drop(store);

    assert!(matches!(Store::restore_key(&dir, &wrong, false), Err(StoreError::KeyInUse { .. })));
    let key = fs::read(dir.join("key")).unwrap();
    fs::write(dir.join("key"), [7; 32]).unwrap();
    assert!(matches!(refused(&dir), StoreError::WrongKey { .. }));
    fs::write(dir.join("key"), [7; 31]).unwrap();
    assert!(matches!(refused(&dir), StoreError::KeyDamaged { .. }));
    fs::write(dir.join("key"), &key).unwrap();

    Store::restore_key(&dir, &wrong, true).unwrap();
    assert_eq!(fs::read(dir.join("key.replaced-1")).unwrap(), key, "the old key is never thrown away");
    let store = Store::open(&dir, Options::default()).unwrap();
    assert!(matches!(read_back(&store, id), Err(StoreError::Corrupted { .. })));
    drop(store);
    Store::restore_key(&dir, &right, false).unwrap();
    let store = Store::open(&dir, Options::default()).unwrap();
    assert_eq!(read_back(&store, id).unwrap(), message(9));
    assert!(matches!(Store::restore_key(&dir, &KeyText::new("x"), true), Err(StoreError::Locked { .. })));
}

#[test]
fn a_lost_or_damaged_index_is_named_and_made_anew() {
    let (_dir, store) = new_store();
    let same: Vec<_> = (0..3).map(|n| keep(&store, T0 + n, &message(1))).collect();
    let alone = keep(&store, T0 + 9, &message(2));
    let deleted = keep(&store, T0 + 10, &message(3));
    store.delete(deleted).unwrap();
    store.delete(same[0]).unwrap();
    let before: Vec<_> = store.list(&Default::default(), None, 10).unwrap().entries;
    let bytes = store.usage().unwrap().bytes;
    let dir = store.dir().to_path_buf();
    drop(store);

    let index = dir.join("backup.db");
    let mut damaged = fs::read(&index).unwrap();
    damaged[..100].fill(0xaa);
    fs::write(&index, &damaged).unwrap();
    let error = refused(&dir);
    assert!(matches!(error, StoreError::IndexDamaged { .. }), "{error}");
    assert!(error.to_string().contains("backup.db") && error.to_string().contains("rebuild"));
    fs::remove_file(&index).unwrap();
    let error = refused(&dir);
    assert!(matches!(error, StoreError::IndexMissing { .. }), "{error}");

    fs::write(&index, &damaged).unwrap();
    let report = Store::rebuild_index(&dir).unwrap();
    assert_eq!((report.adopted, report.unreadable.len()), (3, 0));
    assert_eq!(fs::read(dir.join("backup.db.replaced-1")).unwrap(), damaged);
    let store = Store::open(&dir, Options::default()).unwrap();
    let after: Vec<_> = store.list(&Default::default(), None, 10).unwrap().entries;
    assert_eq!(
        after.iter().map(|e| (e.id, &e.entry)).collect::<Vec<_>>(),
        before.iter().map(|e| (e.id, &e.entry)).collect::<Vec<_>>()
    );
    assert!(after.iter().all(|e| e.recovered));
    assert_eq!(store.usage().unwrap().bytes, bytes);
    assert_eq!(read_back(&store, same[2]).unwrap(), message(1));
    assert_eq!(read_back(&store, alone).unwrap(), message(2));
    for id in [same[1], same[2], alone] {
        store.delete(id).unwrap();
    }
    assert_eq!(blobs(&store), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_damaged_log_does_not_stop_mail() {
    let (_dir, store) = new_store();
    let dir = store.dir().to_path_buf();
    drop(store);
    fs::write(dir.join("messages.db"), vec![b'x'; 10_000]).unwrap();
    let store = Store::open(&dir, Options::default()).unwrap();
    keep(&store, T0, b"x");
    assert!(files(&dir).iter().any(|f| f.ends_with("messages.db.replaced-1")));
}

#[test]
fn unfinished_files_are_removed_at_start() {
    let (_dir, store) = new_store();
    let dir = store.dir().to_path_buf();
    drop(store);
    fs::write(dir.join("blobs/tmp/7"), b"half").unwrap();
    let store = Store::open(&dir, Options::default()).unwrap();
    assert_eq!(blobs(&store), Vec::<std::path::PathBuf>::new());
}
