//! Who has written to us before, and whom we have written to.
//!
//! A memory, not a promise: a commit costs no fsync, and a damaged file is set aside. Addresses are kept as
//! keyed hashes. Limit: [`MAX_ROWS`]; the oldest make room.

use std::path::Path;

use aws_lc_rs::hmac;
use mail::evidence::Contact;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::Store;
use crate::db::{Db, Durability, Schema, signed};
use crate::error::StoreError;

/// Most rows: a sender makes three at least.
const MAX_ROWS: i64 = 1_000_000;
/// Most recipients of one message that are remembered.
const MAX_RECIPIENTS: usize = 50;
/// Bytes of a key.
const KEY: usize = 16;

/// The database file.
const SCHEMA: Schema =
    Schema { file: "contacts.db", durability: Durability::Normal, steps: &[include_str!("schema/contacts-1.sql")] };

/// Somebody who writes to us. Addresses as `mail::address::Address::folded` writes them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Writer {
    /// The address.
    pub address: String,
    /// Its domain, as `mail::address::canonical` writes it.
    pub domain: String,
    /// Whether it is proven that the message comes from that domain.
    pub proven: bool,
    /// Whether the address counts as one that we wrote to: not where its domain says that it is forged.
    pub may_answer: bool,
    /// To whom.
    pub recipients: Vec<String>,
}

/// Opens it; a damaged file is set aside.
pub(crate) fn open(dir: &Path) -> Result<Db, StoreError> {
    Db::open_or_anew(dir, &SCHEMA, "the memory of contacts")
}

/// The rows of a writer: of the address, of its domain, and of it with each recipient. What is proven and
/// what is not are two different writers. `forms`: in what forms an address or a domain may stand there.
fn rows(writer: &Writer, forms: fn(&str) -> Vec<String>) -> [Vec<String>; 3] {
    let standing = if writer.proven { "proven" } else { "claimed" };
    let recipients: Vec<String> = writer.recipients.iter().take(MAX_RECIPIENTS).flat_map(|to| forms(to)).collect();
    let addresses = forms(&writer.address);
    let pairs = addresses
        .iter()
        .flat_map(|address| recipients.iter().map(move |to| format!("pair\n{standing}\n{address}\n{to}")));
    [
        addresses.iter().map(|address| format!("address\n{standing}\n{address}")).collect(),
        forms(&writer.domain).iter().map(|domain| format!("domain\n{standing}\n{domain}")).collect(),
        pairs.collect(),
    ]
}

/// The row of somebody whom we wrote to.
fn written_row(address: &str) -> String {
    format!("written\n{address}")
}

/// The one form in which an address or a domain is noted.
fn form(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

/// The forms in which it may have been noted: earlier versions kept a domain in the letters that people read. Rows in
/// that form end with the time that contacts are remembered for.
fn forms(name: &str) -> Vec<String> {
    let (local, domain) = name.split_at(name.rfind('@').map_or(0, |at| at.saturating_add(1)));
    let before = mail::address::unicode(domain).map(|domain| [local, &domain].concat());
    form(name).into_iter().chain(before).collect()
}

fn has(c: &Connection, key: &[u8], since: i64) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT 1 FROM contacts WHERE key = ?1 AND last_ms >= ?2")?.exists(params![key, since])
}

fn put(t: &Transaction<'_>, keys: &[Vec<u8>], now: i64) -> rusqlite::Result<()> {
    let began: Option<i64> = t.prepare_cached("SELECT at_ms FROM since")?.query_row([], |row| row.get(0)).optional()?;
    if began.is_none() {
        t.execute("INSERT INTO since(at_ms) VALUES (?1)", [now])?;
    }
    let sql = "INSERT INTO contacts(key, last_ms) VALUES (?1, ?2) \
               ON CONFLICT(key) DO UPDATE SET last_ms = max(last_ms, ?2)";
    let mut insert = t.prepare_cached(sql)?;
    for key in keys {
        insert.execute(params![key, now])?;
    }
    Ok(())
}

impl Store {
    fn contact_key(&self, text: &str) -> Vec<u8> {
        let tag = hmac::sign(&self.inner.keys.contacts, text.as_bytes());
        tag.as_ref().get(..KEY).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// What is known of somebody who writes. `learning_ms`: how long the memory must have been kept before it
    /// says anything; `since_ms`: what was not seen since then is forgotten. Milliseconds since 1970.
    pub fn contact(
        &self,
        writer: &Writer,
        now_ms: u64,
        learning_ms: u64,
        since_ms: u64,
    ) -> Result<Contact, StoreError> {
        let keys = |rows: Vec<String>| rows.iter().map(|row| self.contact_key(row)).collect::<Vec<_>>();
        let [address, domain, pairs] = rows(writer, forms).map(keys);
        let written = keys(forms(&writer.address).iter().map(|address| written_row(address)).collect());
        let since = signed(since_ms);
        self.inner.contacts.read("look a contact up", |c| {
            let any = |keys: &[Vec<u8>]| -> rusqlite::Result<bool> {
                for key in keys {
                    if has(c, key, since)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            let began: Option<i64> =
                c.prepare_cached("SELECT at_ms FROM since")?.query_row([], |row| row.get(0)).optional()?;
            let age = began.map(|began| signed(now_ms).saturating_sub(began));
            Ok(Contact {
                settled: age.is_some_and(|age| age >= signed(learning_ms)),
                address: any(&address)?,
                domain: any(&domain)?,
                recipient: any(&pairs)?,
                written: writer.may_answer && any(&written)?,
            })
        })
    }

    /// Remembers that somebody wrote.
    pub fn note_contact(&self, writer: &Writer, now_ms: u64) -> Result<(), StoreError> {
        let keys: Vec<Vec<u8>> = rows(writer, form).iter().flatten().map(|row| self.contact_key(row)).collect();
        self.inner.contacts.write("note a contact", |t| put(t, &keys, signed(now_ms)))
    }

    /// Remembers whom we wrote to; addresses as those of a [`Writer`].
    pub fn note_written(&self, addresses: &[String], now_ms: u64) -> Result<(), StoreError> {
        let keys = addresses.iter().take(MAX_RECIPIENTS).map(|to| self.contact_key(&written_row(to)));
        let keys: Vec<Vec<u8>> = keys.collect();
        self.inner.contacts.write("note whom we wrote to", |t| put(t, &keys, signed(now_ms)))
    }

    /// Removes who was not seen since a time, and the oldest beyond the limit.
    pub fn expire_contacts(&self, before_ms: u64) -> Result<(), StoreError> {
        self.inner.contacts.write("expire contacts", |t| expire(t, signed(before_ms), MAX_ROWS))
    }
}

fn expire(t: &Transaction<'_>, before: i64, most: i64) -> rusqlite::Result<()> {
    t.execute("DELETE FROM contacts WHERE last_ms < ?1", [before])?;
    t.execute(
        "DELETE FROM contacts WHERE key IN (SELECT key FROM contacts ORDER BY last_ms \
         LIMIT max(0, (SELECT count(*) FROM contacts) - ?1))",
        [most],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(address: &str, proven: bool) -> Writer {
        let domain = address.rsplit('@').next().unwrap().to_owned();
        let recipients = vec!["ann@example.com".to_owned()];
        Writer { address: address.to_owned(), domain, proven, may_answer: true, recipients }
    }

    #[test]
    fn who_wrote_before_is_known_and_nobody_in_their_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let ask = |writer: &Writer, now| store.contact(writer, now, 100, 0).unwrap();
        assert_eq!(ask(&writer("bob@example.org", true), 50), Contact::default());
        store.note_contact(&writer("bob@example.org", true), 1_000).unwrap();
        let known = Contact { settled: false, address: true, domain: true, recipient: true, written: false };
        assert_eq!(ask(&writer("bob@example.org", true), 1_050), known);
        assert_eq!(ask(&writer("bob@example.org", true), 1_100), Contact { settled: true, ..known });
        let forged = ask(&writer("bob@example.org", false), 1_100);
        assert_eq!(forged, Contact { settled: true, ..Contact::default() });
        let other = Writer { recipients: vec!["carl@example.com".to_owned()], ..writer("eve@example.org", true) };
        assert_eq!(ask(&other, 1_100), Contact { settled: true, domain: true, ..Contact::default() });
        store.note_written(&["eve@example.org".to_owned()], 1_100).unwrap();
        assert!(ask(&other, 1_100).written && !ask(&Writer { may_answer: false, ..other }, 1_100).written);
        assert!(!store.contact(&writer("bob@example.org", true), 1_100, 0, 1_001).unwrap().address);
        let file = std::fs::read(dir.path().join("contacts.db")).unwrap();
        let log = std::fs::read(dir.path().join("contacts.db-wal")).unwrap_or_default();
        assert!(!file.windows(3).chain(log.windows(3)).any(|bytes| bytes == b"bob"), "an address stands in clear");
    }

    #[test]
    fn what_earlier_versions_noted_of_a_domain_in_letters_of_people_is_still_known() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let to = |writer: Writer, to: &str| Writer { recipients: vec![to.to_owned()], ..writer };
        let readable = to(writer("ann@bücher.example", true), "bob@exämple.org");
        store.note_contact(&readable, 10).unwrap();
        store.note_written(std::slice::from_ref(&readable.address), 10).unwrap();
        let now = to(writer("ann@xn--bcher-kva.example", true), "bob@xn--exmple-cua.org");
        let all = Contact { settled: true, address: true, domain: true, recipient: true, written: true };
        assert_eq!(store.contact(&now, 20, 0, 0).unwrap(), all);
        let another = to(writer("ann@xn--bcher-kva.example.org", true), "bob@xn--exmple-cua.org");
        assert_eq!(store.contact(&another, 20, 0, 0).unwrap(), Contact { settled: true, ..Contact::default() });
        // What is noted from now on has one form.
        store.note_contact(&now, 30).unwrap();
        assert!(store.contact(&now, 40, 0, 30).unwrap().recipient);
        assert!(!store.contact(&readable, 40, 0, 30).unwrap().address);
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let addresses: Vec<String> = (0..4).map(|n| format!("p{n}@example.org")).collect();
        for (now, address) in addresses.iter().enumerate() {
            store.note_written(std::slice::from_ref(address), now as u64 * 10).unwrap();
        }
        store.inner.contacts.write("expire", |t| expire(t, 10, 2)).unwrap();
        let left = addresses.iter().map(|a| store.contact(&writer(a, true), 50, 0, 0).unwrap().written);
        assert_eq!(left.collect::<Vec<_>>(), [false, false, true, true]);
    }
}
