//! Keeping and reading back.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;

use mail::edit::Kept;
use proptest::prelude::*;
use store::{Filter, NewEntry, Store, StoreError, Waiver};

use crate::{T0, blobs, entry, foreign, keep, mailbox, message, new_store, read_back};

#[test]
fn a_kept_message_reads_back_with_all_that_was_known() {
    let (_dir, store) = new_store();
    let body = message(77);
    let mut told = entry(T0, body.len());
    told.mail_from = None;
    told.subject = Some(foreign("bad\r\n\0 \u{202e} subject"));
    let receipt = store.keep(told.clone(), &mut &body[..]).unwrap();
    assert_eq!(Kept::message(&receipt), told.id);
    assert_eq!(read_back(&store, receipt.backup_id()).unwrap(), body);
    let shown = store.show(receipt.backup_id()).unwrap();
    assert_eq!(shown.entry, told);
    assert_eq!((shown.damaged, shown.recovered, shown.released.len()), (None, false, 0));
    store.verify(receipt.backup_id()).unwrap();
}

#[test]
fn a_store_can_be_shared_by_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Store>();
}

#[test]
fn a_waived_copy_says_so() {
    let (_dir, store) = new_store();
    let id = entry(T0, 0).id;
    let receipt = store.waive(id, Waiver::CopyOffByPolicy);
    assert_eq!((Kept::message(&receipt), receipt.why()), (id, Waiver::CopyOffByPolicy));
    assert_eq!(store.usage().unwrap().objects, 0);
}

#[test]
fn sizes_around_chunks_read_back() {
    let (_dir, store) = new_store();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) };
    let sizes = prop_oneof![Just(0usize), 0..200usize, 65_500..65_600usize, 131_000..131_100usize];
    proptest!(config, |(size in sizes, seed in any::<u8>(), flat in any::<bool>())| {
        let body: Vec<u8> = (0..size).map(|at| if flat { seed } else { (at * at / 7) as u8 ^ seed }).collect();
        let id = keep(&store, T0, &body);
        prop_assert!(read_back(&store, id).unwrap() == body);
    });
}

#[test]
fn the_same_bytes_are_stored_once_and_go_with_the_last_entry() {
    let (_dir, store) = new_store();
    let body = message(1);
    let ids: Vec<_> = (0..3).map(|n| keep(&store, T0 + n, &body)).collect();
    assert_eq!(blobs(&store).len(), 3, "one content, two notes");
    for order in [1, 0, 2] {
        assert_eq!(read_back(&store, ids[order]).unwrap(), body);
        store.delete(ids[order]).unwrap();
        assert!(matches!(store.show(ids[order]), Err(StoreError::NotFound { .. })));
        assert!(matches!(store.delete(ids[order]), Err(StoreError::NotFound { .. })));
    }
    assert_eq!(blobs(&store), Vec::<std::path::PathBuf>::new());
    let usage = store.usage().unwrap();
    assert_eq!((usage.objects, usage.bytes), (0, 0));
}

#[test]
fn a_damaged_content_is_not_relied_on_but_replaced() {
    let (_dir, store) = new_store();
    let body = message(2);
    let first = keep(&store, T0, &body);
    let file = blobs(&store).remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&file, bytes).unwrap();
    assert!(read_back(&store, first).is_err());
    let second = keep(&store, T0 + 1, &body);
    for id in [first, second] {
        assert_eq!(read_back(&store, id).unwrap(), body, "the new copy heals the old entry");
        store.verify(id).unwrap();
    }
    let on_disk: u64 = blobs(&store).iter().map(|f| f.metadata().unwrap().len()).sum();
    assert_eq!(store.usage().unwrap().bytes, on_disk);
    let dir = store.dir().to_path_buf();
    drop(store);
    assert_eq!(Store::rebuild_index(&dir).unwrap().adopted, 2, "each has its description in a file");
}

/// A source that fails after some bytes.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let now = self.0.min(out.len());
        self.0 -= now;
        if now == 0 { Err(io::Error::other("gone")) } else { Ok(now) }
    }
}

#[test]
fn a_message_of_another_length_or_from_a_failing_source_is_not_kept() {
    let (_dir, store) = new_store();
    let body = [b'x'; 1_000];
    let wrong = |said: usize| store.keep(entry(T0, said), &mut &body[..]).unwrap_err();
    assert!(matches!(wrong(999), StoreError::SizeMismatch { said: 999, read: 1000 }));
    assert!(matches!(wrong(1_001), StoreError::SizeMismatch { said: 1001, read: 1000 }));
    assert!(matches!(wrong(0), StoreError::SizeMismatch { said: 0, read: 1 }));
    let failed = store.keep(entry(T0, 200_000), &mut Failing(150_000)).unwrap_err();
    assert!(matches!(failed, StoreError::Body(_)), "{failed}");
    assert_eq!(blobs(&store), Vec::<std::path::PathBuf>::new());
    assert_eq!(store.usage().unwrap().objects, 0);
}

#[test]
fn texts_are_cut_and_an_endless_envelope_is_refused() {
    let (_dir, store) = new_store();
    let long = foreign(&"ä".repeat(100_000));
    let told = NewEntry {
        subject: Some(long.clone()),
        header_to: Some(long.clone()),
        objects: vec![long; 1_000],
        ..entry(T0, 1)
    };
    let shown = store.show(store.keep(told, &mut &b"x"[..]).unwrap().backup_id()).unwrap().entry;
    assert_eq!(shown.subject.unwrap().raw().chars().count(), 1_000);
    assert_eq!(shown.header_to.unwrap().raw().chars().count(), 8_000);
    assert_eq!((shown.objects.len(), shown.objects[0].raw().chars().count()), (100, 1_000));
    let recipient = mailbox(&format!("{}@example.org", "a".repeat(900)));
    let told = NewEntry { recipients: vec![recipient; 10_000], ..entry(T0, 1) };
    let refused = store.keep(told, &mut &b"x"[..]).unwrap_err();
    assert!(matches!(refused, StoreError::TooLarge { .. }), "{refused}");
    assert_eq!(store.usage().unwrap().objects, 1);
}

#[test]
fn releases_are_noted() {
    let (_dir, store) = new_store();
    let id = keep(&store, T0, b"x");
    store.mark_released(id, vec![mailbox("anna@example.org")], T0 + 5).unwrap();
    store.mark_released(id, vec![mailbox("carl@example.org"), mailbox("bert@example.org")], T0 + 6).unwrap();
    let released = store.show(id).unwrap().released;
    assert_eq!(released.iter().map(|r| (r.to.len(), r.when_ms)).collect::<Vec<_>>(), [(1, T0 + 5), (2, T0 + 6)]);
    store.delete(id).unwrap();
    assert!(store.mark_released(id, vec![], T0).is_err());
}

#[test]
fn filters_find_what_they_say() {
    let (_dir, store) = new_store();
    let vary = |n: u64, change: &dyn Fn(&mut NewEntry)| {
        let body = message(n as usize + 1);
        let mut told = entry(T0 + n * 1_000, body.len());
        change(&mut told);
        store.keep(told, &mut &body[..]).unwrap().backup_id()
    };
    let a = vary(0, &|e| e.mail_from = Some(mailbox("Boss@Example.com")));
    let b = vary(1, &|e| e.subject = Some(foreign("Überweisung 100% \"now\" '; DROP")));
    let c = vary(2, &|e| e.status = "spam".to_owned());
    let d = vary(3, &|e| e.recipients = vec![mailbox("zoe@example.com")]);
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    let cases = [
        (none(), vec![d, c, b, a]),
        (Filter { sender: some("boss@example"), ..none() }, vec![a]),
        (Filter { sender: some("example.net"), ..none() }, vec![d, c, b, a]),
        (Filter { sender: some("anna"), ..none() }, vec![]),
        (Filter { recipient: some("ZOE@"), ..none() }, vec![d]),
        (Filter { recipient: some("zo"), ..none() }, vec![d]),
        (Filter { subject: some("überweisung"), ..none() }, vec![b]),
        (Filter { subject: some("100% \"now\" ';"), ..none() }, vec![b]),
        (Filter { subject: some("Ü"), ..none() }, vec![b]),
        (Filter { text: some("zoe"), status: some("infected"), ..none() }, vec![d]),
        (Filter { text: some("192.0.2.7"), ..none() }, vec![d, c, b, a]),
        (Filter { text: some("\" OR sender:x"), ..none() }, vec![]),
        (Filter { status: some("spam"), ..none() }, vec![c]),
        (Filter { message: Some(store.show(c).unwrap().entry.id), ..none() }, vec![c]),
        (Filter { since_ms: Some(T0 + 1_000), until_ms: Some(T0 + 3_000), ..none() }, vec![c, b]),
        (Filter { since_ms: Some(T0 + 3_001), ..none() }, vec![]),
        (Filter { subject: some("figures"), since_ms: Some(T0 + 2_000), ..none() }, vec![d, c]),
    ];
    for (filter, wanted) in cases {
        let page = store.list(&filter, None, 10).unwrap();
        let got: Vec<_> = page.entries.iter().map(|e| e.id).collect();
        assert_eq!((got, page.next), (wanted, None), "{filter:?}");
    }
}

#[test]
fn pages_join_without_gap_or_double() {
    let (_dir, store) = new_store();
    let mut kept: Vec<_> = (0..25).map(|n| keep(&store, T0 + n / 10, &message(n as usize))).collect();
    kept.sort();
    kept.reverse();
    for filter in [Filter::default(), Filter { text: Some("figures".to_owned()), ..Filter::default() }] {
        let (mut got, mut before) = (Vec::new(), None);
        loop {
            let page = store.list(&filter, before, 7).unwrap();
            got.extend(page.entries.iter().map(|e| e.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(got, kept);
    }
}

#[test]
fn eight_threads_keep_at_once_also_the_same_bytes() {
    let (_dir, store) = new_store();
    let keep_some = |thread: usize, store: &Store| -> Vec<_> {
        let number = |n: usize| if n.is_multiple_of(3) { n } else { thread * 1_000 + n };
        (0..30).map(|n| (keep(store, T0, &message(number(n))), number(n))).collect()
    };
    let kept: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=8).map(|t| (t, store.clone())).collect();
        let threads: Vec<_> = threads.into_iter().map(|(t, store)| scope.spawn(move || keep_some(t, &store))).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    let distinct: std::collections::BTreeSet<_> = kept.iter().map(|(id, _)| *id).collect();
    assert_eq!(distinct.len(), 240);
    for (id, number) in kept {
        assert_eq!(read_back(&store, id).unwrap(), message(number));
    }
    assert_eq!(store.verify_all().unwrap().entries, []);
    assert_eq!(blobs(&store).len(), 240);
}

#[test]
fn keeping_and_deleting_the_same_bytes_at_once_loses_no_receipt() {
    let (_dir, store) = new_store();
    let body = message(3);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..40 {
                    let id = keep(&store, T0 + n, &body);
                    assert_eq!(read_back(&store, id).unwrap(), body);
                    store.delete(id).unwrap();
                }
            });
        }
    });
    assert_eq!(blobs(&store), Vec::<std::path::PathBuf>::new());
}

#[test]
fn only_this_user_can_look() {
    let (_dir, store) = new_store();
    keep(&store, T0, b"x");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.dir()), 0o700);
    for file in crate::files(store.dir()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
