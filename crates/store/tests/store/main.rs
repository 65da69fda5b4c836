//! The store as its callers see it.

mod backup;
mod children;
mod crash;
mod full;
mod greylist;
mod lists;
mod log;
mod open;
mod order;
mod scale;
mod state;
mod upkeep;

use std::io::Read as _;

use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::untrusted::Untrusted;
use store::{BackupId, NewEntry, Options, SenderType, Store, StoreError};
use tempfile::TempDir;

/// A time of arrival: some day in 2026.
const T0: u64 = 1_790_000_000_000;

/// A foreign text.
fn foreign(text: &str) -> Untrusted<String> {
    Untrusted::new(text.to_owned())
}

/// An address.
fn mailbox(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// An ordinary entry of a message of `size` bytes.
fn entry(received_ms: u64, size: usize) -> NewEntry {
    NewEntry {
        id: MessageId::new(received_ms, [size as u8; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        mail_from: Some(mailbox("sender@example.net")),
        recipients: vec![mailbox("anna@example.org"), mailbox("bert@example.org")],
        header_from: Some(foreign("Sender <sender@example.net>")),
        header_to: Some(foreign("anna@example.org")),
        header_cc: None,
        subject: Some(foreign("Quarterly figures")),
        date: Some(foreign("Tue, 1 Sep 2026 10:00:00 +0200")),
        objects: vec![foreign("figures.doc.exe")],
        status: "infected".to_owned(),
        reason: "a test file was found".to_owned(),
        malware: vec![foreign("Test.File")],
        sender_type: SenderType::External,
        peer_ip: "192.0.2.7".parse().ok(),
        connection: 42,
        size: size as u64,
        spam: None,
        action: "refused".to_owned(),
        received_ms,
    }
}

/// A directory in memory where there is such a file system: nothing here depends on a disk, but waiting
/// for one hundreds of times takes minutes.
fn fast_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A new store.
fn new_store() -> (TempDir, Store) {
    let dir = fast_dir();
    let store = Store::open(&dir.path().join("data"), Options::default()).unwrap();
    (dir, store)
}

/// Keeps some bytes.
fn keep(store: &Store, received_ms: u64, body: &[u8]) -> BackupId {
    store.keep(entry(received_ms, body.len()), &mut &body[..]).unwrap().backup_id()
}

/// Reads an entry's message back.
fn read_back(store: &Store, id: BackupId) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    store.open_original(id)?.read_to_end(&mut out).map_err(StoreError::Body)?;
    Ok(out)
}

/// A message of which each number gives another.
fn message(number: usize) -> Vec<u8> {
    format!("Subject: number {number}\r\n\r\n{}\r\n", "some text ".repeat(number % 500)).into_bytes()
}

/// The files below a directory, by their paths in it, unfinished ones included.
fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { out.push(path) }
        }
    }
    out.sort();
    out
}

/// The sealed files of a store.
fn blobs(store: &Store) -> Vec<std::path::PathBuf> {
    files(&store.dir().join("blobs"))
}
