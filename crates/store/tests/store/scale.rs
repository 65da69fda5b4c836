//! A large index: pages stay fast. The rows are put in through the database, without their files.

use std::time::{Duration, Instant};

use rusqlite::params;
use store::{Filter, Options, Store};

use crate::{T0, entry, keep, new_store};

/// Rows of the index.
const ROWS: u64 = 100_000;
/// What a page may take on a slow and busy machine, unoptimised; a scan of all rows takes many times that.
const BOUND: Duration = Duration::from_millis(700);

/// Copies the one row of a store into many.
fn multiply(dir: &std::path::Path) {
    let mut db = rusqlite::Connection::open(dir.join("backup.db")).unwrap();
    // Words are gathered in memory; merging them in small pieces takes most of the time.
    let settings = "PRAGMA synchronous = off; INSERT INTO search(search, rank) VALUES ('hashsize', 100000000);";
    db.execute_batch(settings).unwrap();
    let t = db.transaction().unwrap();
    let template = serde_json::to_string(&entry(T0, 1)).unwrap();
    {
        let address: Vec<u8> = t.query_row("SELECT address FROM blobs", [], |row| row.get(0)).unwrap();
        let sql =
            "INSERT INTO entries(id, address, message, status, detail, note, recovered) VALUES (?, ?, ?, ?, ?, 1, 0)";
        let mut add = t.prepare(sql).unwrap();
        let sql = "INSERT INTO search(rowid, sender, recipient, subject, other) VALUES (?, ?, ?, ?, ?)";
        let mut find = t.prepare(sql).unwrap();
        for n in 1..ROWS {
            let id = ((T0 + n) << 20) as i64;
            let status = if n.is_multiple_of(1_000) { "spam" } else { "infected" };
            let subject = format!("number {n} of many");
            let detail = template.replace("Quarterly figures", &subject);
            add.execute(params![id, address, n.to_be_bytes(), status, detail]).unwrap();
            // A word that all rows have, one that each has its own of, and two of some rows.
            let recipient = if n < 2_000 { "anna@example.org" } else { "" };
            let other = if n.is_multiple_of(20) { "figures.doc.exe" } else { "" };
            find.execute(params![id, "sender@example.net", recipient, subject, other]).unwrap();
        }
    }
    t.execute_batch("INSERT INTO search(search, rank) VALUES ('hashsize', 1048576)").unwrap();
    t.commit().unwrap();
}

#[test]
fn pages_of_a_hundred_thousand_entries_are_fast() {
    let (_dir, store) = new_store();
    keep(&store, T0, b"x");
    let dir = store.dir().to_path_buf();
    drop(store);
    multiply(&dir);
    let store = Store::open(&dir, Options::default()).unwrap();
    assert_eq!(store.usage().unwrap().objects, ROWS);
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    let cases = [
        (none(), 50),
        (Filter { since_ms: Some(T0 + 500), until_ms: Some(T0 + 510), ..none() }, 10),
        (Filter { status: some("spam"), ..none() }, 50),
        (Filter { sender: some("sender@example"), ..none() }, 50),
        (Filter { subject: some("number 77777 of"), ..none() }, 1),
        (Filter { subject: some("nowhere"), ..none() }, 0),
        (Filter { text: some("figures.doc"), status: some("spam"), ..none() }, 50),
        (Filter { recipient: some("anna"), until_ms: Some(T0 + 1_000), ..none() }, 50),
    ];
    for (filter, wanted) in cases {
        let start = Instant::now();
        let page = store.list(&filter, None, 50).unwrap();
        let first = start.elapsed();
        assert_eq!(page.entries.len(), wanted, "{filter:?}");
        assert!(first < BOUND, "{filter:?}: {first:?}");
        eprintln!("{first:?} {filter:?}");
    }
    // A word of two letters has no index: the work of a call is bounded, and says where to go on.
    let start = Instant::now();
    let page = store.list(&Filter { subject: some("zz"), ..none() }, None, 50).unwrap();
    eprintln!("{:?} two letters", start.elapsed());
    assert!(page.entries.is_empty() && page.next.is_some());
}
