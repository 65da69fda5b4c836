//! Retention, verification and repair.

use std::fs;

use store::{Limits, Store};

use crate::{T0, blobs, keep, message, new_store, read_back};

const DAY: u64 = 86_400_000;

/// Limits that nothing reaches.
fn wide() -> Limits {
    Limits { max_objects: u64::MAX, max_bytes: u64::MAX, max_age_ms: u64::MAX }
}

/// The times of what is left, oldest first.
fn left(store: &Store) -> Vec<u64> {
    let mut times: Vec<_> =
        store.list(&Default::default(), None, 1_000).unwrap().entries.iter().map(|e| e.id.unix_ms() - T0).collect();
    times.reverse();
    times
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    assert_eq!(
        Limits::default(),
        Limits { max_objects: 1_000_000, max_bytes: 7_000_000_000, max_age_ms: 30 * DAY },
        "D-24"
    );
}

#[test]
fn the_oldest_go_first_by_number() {
    let (_dir, store) = new_store();
    for n in (0..150).rev() {
        keep(&store, T0 + n, &message(n as usize));
    }
    let retired = store.enforce_retention(T0, &Limits { max_objects: 20, ..wide() }).unwrap();
    assert_eq!(retired.objects, 130);
    assert_eq!(left(&store), (130..150).collect::<Vec<_>>());
    assert_eq!(blobs(&store).len(), 20);
    assert_eq!(store.enforce_retention(T0, &Limits { max_objects: 20, ..wide() }).unwrap().objects, 0);
}

#[test]
fn the_oldest_go_first_by_bytes_and_no_more_than_needed() {
    let (_dir, store) = new_store();
    for n in 0..20 {
        keep(&store, T0 + n, &message(n as usize + 1));
    }
    // Entries with shared bytes free nothing until the last of them goes.
    keep(&store, T0 + 20, &message(1));
    let before = store.usage().unwrap().bytes;
    let limit = before / 2;
    let retired = store.enforce_retention(T0, &Limits { max_bytes: limit, ..wide() }).unwrap();
    let after = store.usage().unwrap().bytes;
    let on_disk: u64 = blobs(&store).iter().map(|f| f.metadata().unwrap().len()).sum();
    assert_eq!((after, after), (on_disk, before - retired.bytes));
    assert!(after <= limit && after > limit - 4_000, "{after} of {limit}");
    let left = left(&store);
    assert_eq!(left, (21 - left.len() as u64..=20).collect::<Vec<_>>());
}

#[test]
fn what_is_too_old_goes() {
    let (_dir, store) = new_store();
    for day in 0..10 {
        keep(&store, T0 + day * DAY, &message(day as usize));
    }
    let retired = store.enforce_retention(T0 + 10 * DAY, &Limits { max_age_ms: 3 * DAY, ..wide() }).unwrap();
    assert_eq!(retired.objects, 7);
    assert_eq!(left(&store), [7 * DAY, 8 * DAY, 9 * DAY]);
}

#[test]
fn damage_is_found_named_and_remembered() {
    let (_dir, store) = new_store();
    let bad = keep(&store, T0, &message(400));
    let file = blobs(&store).remove(0);
    let same = keep(&store, T0 + 1, &message(400));
    let good = keep(&store, T0 + 2, &message(3));
    let lost = keep(&store, T0 + 3, &message(4));
    assert_eq!(store.verify_all().unwrap().entries, []);
    let mut bytes = fs::read(&file).unwrap();
    bytes[60] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let lost_file = blobs(&store).into_iter().find(|f| {
        fs::read(f).unwrap().len() < 2_000 && *f != file && {
            // Only one of the small files is the content of `lost`: the one whose removal makes it unreadable.
            let aside = f.with_extension("aside");
            fs::rename(f, &aside).unwrap();
            let missing = read_back(&store, lost).is_err();
            fs::rename(&aside, f).unwrap();
            missing
        }
    });
    fs::remove_file(lost_file.unwrap()).unwrap();
    let report = store.verify_all().unwrap();
    assert_eq!((report.checked, report.damaged), (3, 2));
    let mut named: Vec<_> = report.entries.iter().map(|(id, _)| *id).collect();
    named.sort();
    assert_eq!(named, [bad, same, lost]);
    assert!(store.verify(bad).is_err() && store.verify(good).is_ok());
    assert!(store.show(bad).unwrap().damaged.is_some());
    bytes[60] ^= 1;
    fs::write(&file, &bytes).unwrap();
    store.verify(bad).unwrap();
    assert_eq!(store.show(same).unwrap().damaged, None, "what is sound again is no longer marked");
}

#[test]
fn a_sealed_file_cannot_stand_in_for_another() {
    let (_dir, store) = new_store();
    let a = keep(&store, T0, &message(1));
    let first = blobs(&store).remove(0);
    let b = keep(&store, T0 + 1, &message(2));
    let second = blobs(&store).into_iter().find(|f| *f != first).unwrap();
    fs::copy(&second, &first).unwrap();
    assert!(store.open_original(a).is_err(), "noticed before the first byte");
    assert_eq!(read_back(&store, b).unwrap(), message(2));
}

#[test]
fn a_sweep_takes_up_files_without_rows_and_marks_rows_without_files() {
    let (_dir, store) = new_store();
    let lost = keep(&store, T0, &message(1));
    fs::remove_file(blobs(&store).remove(0)).unwrap();
    let report = store.sweep().unwrap();
    assert_eq!((report.adopted, report.removed, report.missing), (0, 0, 1));
    assert!(store.show(lost).unwrap().damaged.is_some());
    store.delete(lost).unwrap();

    // An index from an older copy: rows are missing, files are not.
    let dir = store.dir().to_path_buf();
    drop(store);
    let copy = fs::read(dir.join("backup.db")).unwrap();
    let store = Store::open(&dir, Default::default()).unwrap();
    let kept = [keep(&store, T0 + 1, &message(2)), keep(&store, T0 + 2, &message(2))];
    drop(store);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(dir.join(format!("backup.db{suffix}")));
    }
    fs::write(dir.join("backup.db"), copy).unwrap();
    let store = Store::open(&dir, Default::default()).unwrap();
    assert!(store.show(kept[0]).is_err());
    fs::write(dir.join("blobs/00").join("0".repeat(62)), b"rubbish").unwrap();
    let report = store.sweep().unwrap();
    assert_eq!((report.adopted, report.removed, report.unreadable.len()), (2, 0, 1));
    for id in kept {
        assert_eq!(read_back(&store, id).unwrap(), message(2));
        assert!(store.show(id).unwrap().recovered);
    }
    assert_eq!(store.sweep().unwrap().adopted, 0);
}

#[test]
fn an_unfinished_deletion_is_finished_at_start() {
    let (_dir, store) = new_store();
    let ids = [keep(&store, T0, &message(1)), keep(&store, T0 + 1, &message(2))];
    let saved: Vec<_> = blobs(&store).into_iter().map(|f| (fs::read(&f).unwrap(), f)).collect();
    store.delete(ids[0]).unwrap();
    let removed = saved.iter().find(|(_, f)| !f.exists()).unwrap();
    // As if the crash had come between the row's deletion and the file's.
    fs::write(&removed.1, &removed.0).unwrap();
    let dir = store.dir().to_path_buf();
    drop(store);
    let db = rusqlite::Connection::open(dir.join("backup.db")).unwrap();
    let name = removed.1.strip_prefix(dir.join("blobs")).unwrap().to_str().unwrap();
    db.execute("INSERT INTO doomed(name) VALUES (?1)", [name]).unwrap();
    drop(db);
    let store = Store::open(&dir, Default::default()).unwrap();
    assert!(!removed.1.exists());
    assert_eq!(store.sweep().unwrap().adopted, 0);
    assert_eq!(read_back(&store, ids[1]).unwrap(), message(2));
}

#[test]
fn a_file_kept_again_is_not_removed_by_an_old_deletion() {
    let (_dir, store) = new_store();
    keep(&store, T0, &message(1));
    let file = blobs(&store).remove(0);
    let dir = store.dir().to_path_buf();
    let name = file.strip_prefix(dir.join("blobs")).unwrap().to_str().unwrap().to_owned();
    store.delete(store.list(&Default::default(), None, 1).unwrap().entries[0].id).unwrap();
    let note = |store: &Store| {
        let db = rusqlite::Connection::open(store.dir().join("backup.db")).unwrap();
        db.execute("INSERT INTO doomed(name) VALUES (?1)", [&name]).unwrap();
    };
    note(&store);
    let id = keep(&store, T0 + 1, &message(1));
    drop(store);
    let store = Store::open(&dir, Default::default()).unwrap();
    assert_eq!(read_back(&store, id).unwrap(), message(1));
}
