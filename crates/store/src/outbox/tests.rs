//! The outbox on disk: what is promised, what leaves, and what a crash leaves behind.

use std::io::{Cursor, Read as _};

use mail::address::Address;
use mail::arrival::{Direction, MessageId};

use super::*;
use crate::Options;

const NOW: u64 = 1_700_000_000_000;

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("data"), Options::default()).unwrap();
    (dir, store)
}

fn mail(to: &[&str], size: usize) -> NewQueued {
    let recipient = |text: &&str| NewRecipient { address: Address::parse(text).unwrap(), parameters: String::new() };
    NewQueued {
        message: MessageId::new(NOW, [7; 10]),
        kind: QueueKind::Remainder,
        direction: Direction::Incoming,
        mail_from: Address::parse("alice@example.org"),
        parameters: " BODY=8BITMIME".to_owned(),
        created_ms: NOW,
        size: size as u64,
        recipients: to.iter().map(recipient).collect(),
    }
}

fn put(store: &Store, to: &[&str], body: &[u8]) -> QueueId {
    store.enqueue(mail(to, body.len()), &mut Cursor::new(body)).unwrap().id()
}

fn read(store: &Store, id: QueueId) -> Vec<u8> {
    let mut out = Vec::new();
    store.queue_open(id).unwrap().read_to_end(&mut out).unwrap();
    out
}

fn one(number: u32, standing: Standing) -> Settled {
    Settled { number, standing, said: "250 2.0.0 Ok".to_owned(), hop: "mail:25".to_owned() }
}

const LATER: Next = Next { at_ms: NOW + 300_000, warned: false };

fn files(store: &Store) -> usize {
    std::fs::read_dir(store.dir().join("outbox")).unwrap().count() - 1
}

#[test]
fn what_was_put_in_is_there_after_a_restart_and_sealed() {
    let (dir, store) = open();
    let body = b"Subject: not for everybody's eyes\r\n\r\nbody\r\n".repeat(100);
    let id = put(&store, &["a@example.com", "b@example.com"], &body);
    let shown = store.queue_show(id).unwrap();
    drop(store);
    let store = Store::open(&dir.path().join("data"), Options::default()).unwrap();
    assert_eq!(store.queue_show(id).unwrap(), shown);
    assert_eq!((shown.recipients.len(), shown.mail.parameters.as_str(), shown.attempts), (2, " BODY=8BITMIME", 0));
    assert_eq!(read(&store, id), body);
    let raw = std::fs::read(store.dir().join("outbox").join(id.to_string())).unwrap();
    assert!(!raw.windows(8).any(|w| w == b"everybod"));
    assert_eq!(store.queue_usage().unwrap().mails, 1);
    assert_eq!(store.queue_usage().unwrap().oldest_ms, Some(NOW));
}

#[test]
fn several_mails_come_in_together_or_not_at_all() {
    let (_dir, store) = open();
    let stage = |to: &str| store.queue_stage(mail(&[to], 1), &mut Cursor::new(b"x")).unwrap();
    let staged = vec![stage("a@example.com"), stage("b@example.com")];
    assert_eq!((files(&store), store.queue_usage().unwrap().mails), (2, 0), "nothing is promised yet");
    drop(staged);
    assert_eq!(files(&store), 0, "what nobody promised leaves nothing");
    let staged = vec![stage("a@example.com"), stage("b@example.com")];
    let names: Vec<QueueId> = staged.iter().map(StagedMail::id).collect();
    let receipts = store.queue_commit(staged).unwrap();
    assert_eq!(receipts.iter().map(QueuedReceipt::id).collect::<Vec<_>>(), names);
    assert_eq!((files(&store), store.queue_usage().unwrap().mails), (2, 2));
    // One row that cannot be written takes the others with it.
    let (good, mut bad) = (stage("c@example.com"), stage("d@example.com"));
    let own = std::mem::replace(&mut bad.id, names[0]);
    assert!(store.queue_commit(vec![good, bad]).is_err());
    assert_eq!(store.queue_usage().unwrap().mails, 2);
    store.inner.queue_files.remove(own);
}

#[test]
fn a_mail_leaves_when_its_last_recipient_is_settled() {
    let (_dir, store) = open();
    let id = put(&store, &["a@example.com", "b@example.com", "c@example.com"], b"x");
    assert_eq!(store.queue_due(NOW, 10, 0).unwrap().len(), 1);
    let settled = [one(0, Standing::Delivered), one(1, Standing::Waiting)];
    assert!(!store.queue_settle(id, &settled, LATER, Vec::new(), NOW).unwrap());
    let shown = store.queue_show(id).unwrap();
    let standings: Vec<Standing> = shown.recipients.iter().map(|r| r.standing).collect();
    assert_eq!(standings, [Standing::Delivered, Standing::Waiting, Standing::Waiting]);
    assert_eq!((shown.attempts, shown.next_ms), (1, LATER.at_ms));
    assert!(store.queue_due(NOW, 10, 0).unwrap().is_empty());
    let due = store.queue_due(LATER.at_ms, 10, 0).unwrap();
    assert_eq!(due[0].recipients.iter().map(|r| r.number).collect::<Vec<_>>(), [1, 2], "only those that wait");
    // What is settled stays so.
    store.queue_settle(id, &[one(0, Standing::Waiting)], LATER, Vec::new(), NOW).unwrap();
    assert_eq!(store.queue_show(id).unwrap().recipients[0].standing, Standing::Delivered);
    assert!(
        store
            .queue_settle(id, &[one(1, Standing::Failed), one(2, Standing::Delivered)], LATER, Vec::new(), NOW)
            .unwrap()
    );
    assert!(store.queue_show(id).is_err());
    assert_eq!((files(&store), store.queue_usage().unwrap().mails), (0, 0));
}

#[test]
fn a_report_comes_with_the_settling_or_not_at_all() {
    let (_dir, store) = open();
    let id = put(&store, &["a@example.com"], b"x");
    let report = |to: &[&str]| NewQueued { kind: QueueKind::Report, mail_from: None, ..mail(to, 6) };
    let failed = [one(0, Standing::Failed)];
    let nobody = store.queue_settle(
        id,
        &failed,
        LATER,
        vec![(report(&["x@example.org"]), b"report".to_vec()), (report(&[]), b"report".to_vec())],
        NOW,
    );
    assert!(nobody.is_err());
    assert_eq!((files(&store), store.queue_show(id).unwrap().recipients[0].standing), (1, Standing::Waiting));
    assert!(
        store
            .queue_settle(id, &failed, LATER, vec![(report(&["alice@example.org"]), b"report".to_vec())], NOW)
            .unwrap()
    );
    let left = store.queue_list(None, 10).unwrap();
    assert_eq!((left.len(), left[0].mail.kind, read(&store, left[0].id)), (1, QueueKind::Report, b"report".to_vec()));
    // About a mail that was deleted meanwhile nothing is reported.
    assert!(
        !store
            .queue_settle(id, &failed, LATER, vec![(report(&["alice@example.org"]), b"report".to_vec())], NOW)
            .unwrap()
    );
    assert_eq!((files(&store), store.queue_usage().unwrap().mails), (1, 1));
}

#[test]
fn a_mail_that_cannot_be_read_is_held_and_holds_up_no_other() {
    let (_dir, store) = open();
    let ids: Vec<QueueId> =
        (0..3).map(|n| put(&store, &[&format!("u{n}@example.com"), "v@example.com"], b"x")).collect();
    let spoil = |sql: &str, id: QueueId| {
        store.inner.outbox.write("spoil", |t| t.execute(sql, [id.0.key()]).map(drop)).unwrap();
    };
    spoil("UPDATE recipients SET address = '@b:' WHERE mail = ?1 AND number = 0", ids[0]);
    spoil("UPDATE mails SET detail = 'x' WHERE id = ?1", ids[1]);
    let due = || store.queue_due(NOW, 10, 0).unwrap().iter().map(|mail| mail.id).collect::<Vec<_>>();
    assert_eq!(due(), [ids[2]]);
    assert_eq!(store.queue_usage().unwrap().held, 2);
    let listed = store.queue_list(None, 10).unwrap();
    assert_eq!(listed.iter().map(|mail| (mail.id, mail.held)).collect::<Vec<_>>(), [(ids[0], true), (ids[2], false)]);
    assert_eq!(store.queue_show(ids[0]).unwrap().recipients[0].address.as_str(), "unreadable:@b:");
    // Tried again by hand, it is held again.
    assert_eq!((store.queue_retry(Some(ids[0]), NOW).unwrap(), due()), (1, vec![ids[2]]));
    assert_eq!(store.queue_usage().unwrap().held, 2);
}

#[test]
fn a_list_counts_the_recipients_that_it_does_not_name() {
    let (_dir, store) = open();
    let to: Vec<String> = (0..500).map(|n| format!("u{n}@example.com")).collect();
    let id = put(&store, &to.iter().map(String::as_str).collect::<Vec<_>>(), b"x");
    let settled: Vec<Settled> = (0..10).map(|number| one(number, Standing::Delivered)).collect();
    store.queue_settle(id, &settled, LATER, Vec::new(), NOW).unwrap();
    let listed = store.queue_list(None, 10).unwrap().remove(0);
    assert_eq!((listed.recipients.len(), listed.waiting), (20, 490));
    assert_eq!((store.queue_show(id).unwrap().recipients.len(), store.queue_show(id).unwrap().waiting), (500, 490));
}

#[test]
fn behind_those_that_have_waited_longest_stand_the_latest() {
    let (_dir, store) = open();
    let all: Vec<QueueId> = (0..6).map(|n| put(&store, &[&format!("u{n}@example.com")], b"x")).collect();
    for (n, id) in all.iter().enumerate() {
        store.queue_postpone(&[*id], NOW + n as u64).unwrap();
    }
    let due = |limit, latest| {
        let mails = store.queue_due(NOW + 10, limit, latest).unwrap();
        assert!(mails.iter().all(|mail| mail.recipients.len() == 1));
        mails.iter().map(|mail| all.iter().position(|id| *id == mail.id).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(due(2, 2), [0, 1, 5, 4]);
    assert_eq!(due(5, 3), [0, 1, 2, 3, 4, 5]);
    assert_eq!(due(10, 3), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn held_mail_waits_for_a_hand() {
    let (_dir, store) = open();
    let (a, b) = (put(&store, &["a@example.com"], b"a"), put(&store, &["b@example.com"], b"b"));
    assert!(store.queue_hold(a).unwrap());
    assert_eq!(store.queue_due(NOW, 10, 0).unwrap().iter().map(|m| m.id).collect::<Vec<_>>(), [b]);
    store.queue_postpone(&[a, b], NOW + 5).unwrap();
    assert_eq!((store.queue_retry(None, NOW).unwrap(), store.queue_due(NOW, 10, 0).unwrap().len()), (1, 1));
    assert_eq!((store.queue_retry(Some(a), NOW).unwrap(), store.queue_due(NOW, 10, 0).unwrap().len()), (1, 2));
    assert_eq!(store.queue_next().unwrap(), Some(NOW));
    assert!(store.queue_delete(a).unwrap() && !store.queue_delete(a).unwrap() && !store.queue_hold(a).unwrap());
    assert_eq!(files(&store), 1);
}

#[test]
fn what_a_crash_left_is_taken_care_of() {
    let (dir, store) = open();
    let id = put(&store, &["a@example.com"], b"promised");
    let data = store.dir().to_path_buf();
    drop(store);
    let orphan = QueueId(BackupId::new(NOW, 99));
    std::fs::copy(data.join("outbox").join(id.to_string()), data.join("outbox").join(orphan.to_string())).unwrap();
    std::fs::write(data.join("outbox/tmp/half"), b"half").unwrap();
    let store = Store::open(&dir.path().join("data"), Options::default()).unwrap();
    assert_eq!((files(&store), read(&store, id)), (1, b"promised".to_vec()));
    // A file cannot stand in for another, and a lost one is said.
    let other = put(&store, &["b@example.com"], b"other");
    std::fs::copy(data.join("outbox").join(id.to_string()), data.join("outbox").join(other.to_string())).unwrap();
    assert!(matches!(store.queue_open(other), Err(StoreError::Corrupted { .. })));
    std::fs::remove_file(data.join("outbox").join(id.to_string())).unwrap();
    assert!(matches!(store.queue_open(id), Err(StoreError::Corrupted { .. })));
}

#[test]
fn mail_that_waits_is_not_thrown_away_with_its_database() {
    let (dir, store) = open();
    let id = put(&store, &["a@example.com"], b"promised");
    let data = dir.path().join("data");
    drop(store);
    let aside = data.join("aside");
    std::fs::rename(data.join("outbox.db"), &aside).unwrap();
    let refused = || Store::open(&data, Options::default()).err().unwrap();
    assert!(matches!(refused(), StoreError::OutboxMissing { .. }));
    assert!(refused().to_string().contains("outbox.db is missing"));
    assert!(Store::rebuild_index(&data).is_err(), "the index of Backup is another one");
    std::fs::rename(&aside, data.join("outbox.db")).unwrap();
    let store = Store::open(&data, Options::default()).unwrap();
    assert_eq!(read(&store, id), b"promised");
    // Without mail there is nothing to lose.
    assert!(store.queue_delete(id).unwrap());
    drop(store);
    std::fs::remove_file(data.join("outbox.db")).unwrap();
    assert!(Store::open(&data, Options::default()).is_ok());
}

#[test]
fn a_body_of_another_length_leaves_nothing() {
    let (_dir, store) = open();
    let short = store.enqueue(mail(&["a@example.com"], 9), &mut Cursor::new(b"short"));
    assert!(matches!(short, Err(StoreError::SizeMismatch { .. })));
    assert_eq!((files(&store), store.queue_usage().unwrap().mails), (0, 0));
    assert_eq!(std::fs::read_dir(store.dir().join("outbox/tmp")).unwrap().count(), 0);
}

#[test]
#[ignore = "takes a while to fill: run with --release or by hand"]
fn opening_with_ten_thousand_mails_takes_seconds() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let data = dir.path().join("data");
    let store = Store::open(&data, Options::default()).unwrap();
    for n in 0..10_000 {
        put(&store, &[&format!("u{n}@example.com")], &[b'x'; 4096]);
    }
    drop(store);
    let started = std::time::Instant::now();
    let store = Store::open(&data, Options::default()).unwrap();
    let due = store.queue_due(NOW, 200, 0).unwrap();
    let took = started.elapsed();
    println!("10,000 mails: open and first look took {took:?}");
    assert_eq!((due.len(), store.queue_usage().unwrap().mails), (200, 10_000));
    assert!(took < std::time::Duration::from_secs(10));
}
