//! The index of Backup: which entries there are, and which sealed file each of them is in.
//!
//! [`Index`] is narrow so that a shared database can stand in its place (spec BK-04). Every write is one
//! transaction that is durable when the call returns. Entries are ordered by [`BackupId`], which begins
//! with the time. Files that lose their last row are noted in the same transaction (`doomed`), so that a
//! crash before they are removed leaves nothing that could come back.

use std::path::{Path, PathBuf};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, named_params, params};

use crate::db::{Db, Durability, Schema, signed, unsigned};
use crate::entry::{BackupId, Entry, Filter, NewEntry, Page, Release, Texts, json};
use crate::error::StoreError;
use crate::files::BlobName;
use crate::query;
use crate::sealed::Address;

/// The database file of the index.
pub(crate) const SCHEMA: Schema = Schema {
    file: "backup.db",
    durability: Durability::Full,
    steps: &[include_str!("schema/backup-1.sql"), include_str!("schema/backup-2.sql")],
};
/// Columns of an entry, in the order that [`read_entry`] takes them.
pub(crate) const COLUMNS: &str = "e.id, e.detail, e.released, e.recovered, b.stored, b.damaged";

/// A row to be written, with the file that it stands for.
pub(crate) struct NewRow<'a> {
    pub(crate) id: BackupId,
    pub(crate) address: Address,
    pub(crate) entry: &'a NewEntry,
    /// Bytes of its note; `None` if it is in the content itself.
    pub(crate) note: Option<u64>,
    pub(crate) recovered: bool,
}

/// What is known of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct BlobRow {
    pub(crate) owner: BackupId,
    pub(crate) stored: u64,
    pub(crate) size: u64,
    pub(crate) damaged: Option<String>,
}

/// What is to be done with files after rows were deleted.
#[derive(Default)]
pub(crate) struct Forgotten {
    /// Entries that were deleted.
    pub(crate) ids: Vec<BackupId>,
    /// Bytes of the files in `remove`.
    pub(crate) freed: u64,
    /// Files to mark with first.
    pub(crate) mark: Vec<BlobName>,
    /// Files to remove then.
    pub(crate) remove: Vec<BlobName>,
}

/// How much Backup holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Totals {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// The rows of Backup.
pub(crate) trait Index: Send + Sync {
    /// Where it is, for messages.
    fn path(&self) -> &Path;
    /// Which key the contents are sealed with; `None` before [`Index::set_key_check`].
    fn key_check(&self) -> Result<Option<Vec<u8>>, StoreError>;
    /// Notes which key the contents are sealed with.
    fn set_key_check(&self, check: &[u8]) -> Result<(), StoreError>;
    /// Adds a content with its bytes on disk and of the message (or replaces what is known of it), and entries in it.
    fn insert(&self, content: Option<(Address, BlobRow)>, rows: &[NewRow<'_>]) -> Result<(), StoreError>;
    /// A content.
    fn blob(&self, address: Address) -> Result<Option<BlobRow>, StoreError>;
    /// The contents whose address begins with this byte, in order.
    fn addresses(&self, shard: u8) -> Result<Vec<Address>, StoreError>;
    /// The entries in a content.
    fn entries_of(&self, address: Address) -> Result<Vec<BackupId>, StoreError>;
    /// Says what is wrong with a content, or that nothing is.
    fn set_damaged(&self, address: Address, what: Option<&str>) -> Result<(), StoreError>;
    /// An entry and its content.
    fn entry(&self, id: BackupId) -> Result<Option<(Entry, Address)>, StoreError>;
    /// Entries before `before` that fit, newest first.
    fn page(&self, filter: &Filter, before: Option<BackupId>, limit: usize) -> Result<Page, StoreError>;
    /// The oldest entries, each with the bytes that its deletion frees at most.
    fn oldest(&self, limit: usize) -> Result<Vec<(BackupId, u64)>, StoreError>;
    /// Deletes rows; those that do not exist are left out of the answer.
    fn forget(&self, ids: &[BackupId]) -> Result<Forgotten, StoreError>;
    /// Files that were to be removed when something came between.
    fn doomed(&self) -> Result<Vec<BlobName>, StoreError>;
    /// Those files are removed.
    fn undoom(&self, names: &[BlobName]) -> Result<(), StoreError>;
    /// Adds to an entry's releases; `false` if there is no such entry.
    fn add_release(&self, id: BackupId, release: &Release) -> Result<bool, StoreError>;
    /// Says how many bytes an entry's own note has.
    fn set_note(&self, id: BackupId, bytes: u64) -> Result<(), StoreError>;
    /// How much there is.
    fn totals(&self) -> Result<Totals, StoreError>;
}

/// [`Index`] in an SQLite file.
pub(crate) struct SqliteIndex {
    db: Db,
}

impl SqliteIndex {
    /// Opens or creates it in a data directory.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: Db::open(dir, &SCHEMA)? })
    }

    /// Where it lies in a data directory.
    pub(crate) fn place(dir: &Path) -> PathBuf {
        dir.join(SCHEMA.file)
    }

    /// For tests of the queries.
    #[cfg(test)]
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }
}

/// A JSON column.
fn parsed<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(at)?.as_str()?;
    serde_json::from_str(text).map_err(|e| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(e)))
}

/// An address column.
fn address(row: &Row<'_>, at: usize) -> rusqlite::Result<Address> {
    let data = row.get_ref(at)?.as_blob()?;
    Address::from_slice(data).ok_or_else(|| rusqlite::Error::InvalidColumnType(at, "address".to_owned(), Type::Blob))
}

/// An entry from [`COLUMNS`].
pub(crate) fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: BackupId::from_key(row.get(0)?),
        entry: parsed(row, 1)?,
        released: parsed(row, 2)?,
        recovered: row.get(3)?,
        stored: unsigned(row, 4)?,
        damaged: row.get(5)?,
    })
}

/// A file's name as it is noted in `doomed`.
fn noted(name: BlobName) -> String {
    name.path().to_string_lossy().into_owned()
}

/// A content, inside or outside a transaction.
fn blob(connection: &Connection, address: Address) -> rusqlite::Result<Option<BlobRow>> {
    let mut query = connection.prepare_cached("SELECT owner, stored, size, damaged FROM blobs WHERE address = ?1")?;
    query
        .query_row([address.0], |row| {
            Ok(BlobRow {
                owner: BackupId::from_key(row.get(0)?),
                stored: unsigned(row, 1)?,
                size: unsigned(row, 2)?,
                damaged: row.get(3)?,
            })
        })
        .optional()
}

/// Writes one entry's row and its search words.
fn insert_row(transaction: &Transaction<'_>, row: &NewRow<'_>, detail: &str) -> rusqlite::Result<()> {
    let id = row.id.key();
    transaction
        .prepare_cached(
            "INSERT INTO entries(id, address, message, status, detail, note, recovered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            row.address.0,
            row.entry.id.as_bytes(),
            row.entry.status,
            detail,
            signed(row.note.unwrap_or(0)),
            row.recovered
        ])?;
    let texts = Texts::of(row.entry);
    transaction
        .prepare_cached("INSERT INTO search(rowid, sender, recipient, subject, other) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id, texts.sender, texts.recipient, texts.subject, texts.other])?;
    if row.note.is_some() {
        undoom_one(transaction, BlobName::Note(row.address, row.id))?;
    }
    Ok(())
}

/// A file is wanted again.
fn undoom_one(transaction: &Transaction<'_>, name: BlobName) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM doomed WHERE name = ?1")?.execute([noted(name)])?;
    Ok(())
}

/// Deletes one entry's row and says what that does to files.
fn forget_row(transaction: &Transaction<'_>, id: BackupId, out: &mut Forgotten) -> rusqlite::Result<()> {
    let mut find = transaction.prepare_cached("SELECT address, note FROM entries WHERE id = ?1")?;
    let found = find.query_row([id.key()], |row| Ok((address(row, 0)?, unsigned(row, 1)?))).optional()?;
    let Some((address, note)) = found else { return Ok(()) };
    let Some(content) = blob(transaction, address)? else { return Ok(()) };
    transaction.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([id.key()])?;
    transaction.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([id.key()])?;
    let mut others = transaction.prepare_cached("SELECT 1 FROM entries WHERE address = ?1 LIMIT 1")?;
    let last = !others.exists([address.0])?;
    out.ids.push(id);
    out.freed = out.freed.saturating_add(note);
    let mut remove = Vec::new();
    if content.owner != id {
        remove.push(BlobName::Note(address, id));
    } else if !last {
        out.mark.push(BlobName::Gone(address));
    }
    if last {
        transaction.prepare_cached("DELETE FROM blobs WHERE address = ?1")?.execute([address.0])?;
        out.freed = out.freed.saturating_add(content.stored);
        // The marker goes last: without its content it says nothing, and a content without it would speak.
        remove.extend([BlobName::Content(address), BlobName::Gone(address)]);
    }
    for name in &remove {
        transaction.prepare_cached("INSERT OR IGNORE INTO doomed(name) VALUES (?1)")?.execute([noted(*name)])?;
    }
    out.remove.extend(remove);
    Ok(())
}

impl Index for SqliteIndex {
    fn path(&self) -> &Path {
        self.db.path()
    }

    fn key_check(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.read("read which key is used", |c| {
            c.query_row("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0)).optional()
        })
    }

    fn set_key_check(&self, check: &[u8]) -> Result<(), StoreError> {
        self.db.write("note which key is used", |t| {
            t.execute("INSERT OR REPLACE INTO meta(name, value) VALUES ('key', ?1)", [check])?;
            Ok(())
        })
    }

    fn insert(&self, content: Option<(Address, BlobRow)>, rows: &[NewRow<'_>]) -> Result<(), StoreError> {
        let details = rows.iter().map(|row| json(row.entry)).collect::<Result<Vec<_>, _>>()?;
        self.db.write("add to the index of Backup", |t| {
            if let Some((address, blob)) = &content {
                t.prepare_cached(
                    "INSERT INTO blobs(address, owner, stored, size, damaged) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT(address) DO UPDATE SET owner = ?2, stored = ?3, size = ?4, damaged = ?5",
                )?
                .execute(params![
                    address.0,
                    blob.owner.key(),
                    signed(blob.stored),
                    signed(blob.size),
                    blob.damaged
                ])?;
                undoom_one(t, BlobName::Content(*address))?;
                undoom_one(t, BlobName::Gone(*address))?;
            }
            for (row, detail) in rows.iter().zip(&details) {
                insert_row(t, row, detail)?;
            }
            Ok(())
        })
    }

    fn blob(&self, address: Address) -> Result<Option<BlobRow>, StoreError> {
        self.db.read("look up a content", |c| blob(c, address))
    }

    fn addresses(&self, shard: u8) -> Result<Vec<Address>, StoreError> {
        let (mut low, mut high) = ([0u8; 32], [0xffu8; 32]);
        (low[0], high[0]) = (shard, shard);
        self.db.read("list contents", |c| {
            let mut query =
                c.prepare_cached("SELECT address FROM blobs WHERE address BETWEEN ?1 AND ?2 ORDER BY address")?;
            query.query_map([low, high], |row| address(row, 0))?.collect()
        })
    }

    fn entries_of(&self, address: Address) -> Result<Vec<BackupId>, StoreError> {
        self.db.read("list the entries of a content", |c| {
            let mut query = c.prepare_cached("SELECT id FROM entries WHERE address = ?1 ORDER BY id")?;
            query.query_map([address.0], |row| row.get(0).map(BackupId::from_key))?.collect()
        })
    }

    fn set_damaged(&self, address: Address, what: Option<&str>) -> Result<(), StoreError> {
        self.db.write("note what is damaged", |t| {
            t.prepare_cached("UPDATE blobs SET damaged = ?2 WHERE address = ?1 AND damaged IS NOT ?2")?
                .execute(params![address.0, what])?;
            Ok(())
        })
    }

    fn entry(&self, id: BackupId) -> Result<Option<(Entry, Address)>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, e.address FROM entries e JOIN blobs b USING (address) WHERE e.id = ?1");
        self.db.read("look up an entry", |c| {
            c.prepare_cached(&sql)?.query_row([id.key()], |row| Ok((read_entry(row)?, address(row, 6)?))).optional()
        })
    }

    fn page(&self, filter: &Filter, before: Option<BackupId>, limit: usize) -> Result<Page, StoreError> {
        self.db.read("list entries", |c| query::page(c, filter, before, limit))
    }

    fn oldest(&self, limit: usize) -> Result<Vec<(BackupId, u64)>, StoreError> {
        let sql = "SELECT e.id, b.stored + e.note FROM entries e JOIN blobs b USING (address) ORDER BY e.id LIMIT ?1";
        self.db.read("list the oldest entries", |c| {
            let mut query = c.prepare_cached(sql)?;
            let rows = query
                .query_map([signed(limit as u64)], |row| Ok((BackupId::from_key(row.get(0)?), unsigned(row, 1)?)))?;
            rows.collect()
        })
    }

    fn forget(&self, ids: &[BackupId]) -> Result<Forgotten, StoreError> {
        self.db.write("delete from the index of Backup", |t| {
            let mut out = Forgotten::default();
            ids.iter().try_for_each(|id| forget_row(t, *id, &mut out))?;
            Ok(out)
        })
    }

    fn doomed(&self) -> Result<Vec<BlobName>, StoreError> {
        let names: Vec<String> = self.db.read("list unfinished deletions", |c| {
            let mut query = c.prepare_cached("SELECT name FROM doomed ORDER BY rowid")?;
            query.query_map([], |row| row.get(0))?.collect()
        })?;
        Ok(names.iter().filter_map(|name| BlobName::from_path(name)).collect())
    }

    fn undoom(&self, names: &[BlobName]) -> Result<(), StoreError> {
        self.db.write("finish deletions", |t| names.iter().try_for_each(|name| undoom_one(t, *name)))
    }

    fn add_release(&self, id: BackupId, release: &Release) -> Result<bool, StoreError> {
        let release = json(release)?;
        self.db.write("note a release", |t| {
            let changed = t
                .prepare_cached("UPDATE entries SET released = json_insert(released, '$[#]', json(:r)) WHERE id = :id")?
                .execute(named_params! { ":r": release, ":id": id.key() })?;
            Ok(changed == 1)
        })
    }

    fn set_note(&self, id: BackupId, bytes: u64) -> Result<(), StoreError> {
        self.db.write("note the size of a note", |t| {
            let mut set = t.prepare_cached("UPDATE entries SET note = ?2 WHERE id = ?1")?;
            set.execute([id.key(), signed(bytes)])?;
            Ok(())
        })
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        self.db.read("count", |c| {
            c.prepare_cached("SELECT entries, bytes FROM totals")?
                .query_row([], |row| Ok(Totals { entries: unsigned(row, 0)?, bytes: unsigned(row, 1)? }))
        })
    }
}
