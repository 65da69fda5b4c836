//! Lists of senders and recipients (spec sections 13 and 14), and the trail of who changed what in them.
//!
//! Entries are texts here; what they mean is the caller's affair. A commit is durable: all changes of a call, and
//! their rows in the trail, or none. Limits: [`MAX_TRAIL`]; the oldest rows of the trail make room.

use rusqlite::{Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::{Durability, Schema, signed, unsigned};
use crate::error::StoreError;
use crate::revisions::{MAX_COMMENT, within};

/// Most changes that are remembered.
const MAX_TRAIL: i64 = 1_000_000;
/// Most bytes of one entry.
const MAX_ENTRY: usize = 4_096;
/// Most changes that one call lists.
const MAX_PAGE: usize = 1_000;

/// The database file.
pub(crate) const SCHEMA: Schema =
    Schema { file: "lists.db", durability: Durability::Full, steps: &[include_str!("schema/lists-1.sql")] };

/// An entry of a list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ListRow {
    /// Its own name.
    pub id: String,
    /// In which list.
    pub list: String,
    /// Whose it is; empty: the organisation's.
    pub owner: String,
    /// Whom it is about.
    pub purpose: String,
    /// What it names.
    pub value: String,
    /// What it spares.
    pub scope: String,
    /// For people.
    pub comment: String,
    /// Who changed it last.
    pub modified_by: String,
    /// When, in milliseconds since 1970.
    pub modified_ms: u64,
}

/// One change: not both are `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListChange {
    /// What the entry was; `None`: it is new.
    pub before: Option<ListRow>,
    /// What it is; `None`: it is gone.
    pub after: Option<ListRow>,
}

/// One row of the trail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListAudit {
    /// Its number: 1 is the first.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who.
    pub author: String,
    /// By what: `add`, `change`, `remove` or `import`.
    pub how: String,
    /// The entry before; `None`: it was new.
    pub before: Option<ListRow>,
    /// The entry after; `None`: it was removed.
    pub after: Option<ListRow>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<ListRow> {
    Ok(ListRow {
        id: row.get(0)?,
        list: row.get(1)?,
        owner: row.get(2)?,
        purpose: row.get(3)?,
        value: row.get(4)?,
        scope: row.get(5)?,
        comment: row.get(6)?,
        modified_by: row.get(7)?,
        modified_ms: unsigned(row, 8)?,
    })
}

fn read_audit(row: &Row<'_>) -> rusqlite::Result<ListAudit> {
    let entry = |at: usize| -> rusqlite::Result<Option<ListRow>> {
        let text: Option<String> = row.get(at)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    };
    Ok(ListAudit {
        number: unsigned(row, 0)?,
        at_ms: unsigned(row, 1)?,
        author: row.get(2)?,
        how: row.get(3)?,
        before: entry(4)?,
        after: entry(5)?,
    })
}

fn json(row: Option<&ListRow>) -> Option<String> {
    row.and_then(|row| serde_json::to_string(row).ok())
}

/// One change and its row in the trail.
fn write(t: &Transaction<'_>, change: &ListChange, author: &str, how: &str, now: i64) -> rusqlite::Result<()> {
    if let Some(before) = &change.before {
        // An entry that is not there any more was changed by somebody else.
        let gone = t.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([&before.id])?;
        if gone == 0 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    if let Some(row) = &change.after {
        let sql = "INSERT INTO entries(id, list, owner, purpose, value, scope, comment, modified_by, modified_ms) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        t.prepare_cached(sql)?.execute(params![
            row.id,
            row.list,
            row.owner,
            row.purpose,
            row.value,
            row.scope,
            row.comment,
            row.modified_by,
            signed(row.modified_ms)
        ])?;
    }
    let entry = change.after.as_ref().or(change.before.as_ref()).map_or("", |row| row.id.as_str());
    let sql = "INSERT INTO changes(at_ms, author, how, entry, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (before, after) = (json(change.before.as_ref()), json(change.after.as_ref()));
    t.prepare_cached(sql)?.execute(params![now, author, how, entry, before, after])?;
    Ok(())
}

impl Store {
    /// Every entry of every list, in no order that means anything.
    pub fn lists(&self) -> Result<Vec<ListRow>, StoreError> {
        let sql = "SELECT id, list, owner, purpose, value, scope, comment, modified_by, modified_ms FROM entries";
        self.inner.lists.read("read the lists", |c| c.prepare_cached(sql)?.query_map([], read_row)?.collect())
    }

    /// Makes all of these changes, or none; each stands in the trail. `now_ms`: milliseconds since 1970.
    pub fn change_lists(&self, changes: &[ListChange], author: &str, how: &str, now_ms: u64) -> Result<(), StoreError> {
        within("the author's name", author.len(), MAX_COMMENT)?;
        for row in changes.iter().filter_map(|change| change.after.as_ref()) {
            within("the entry", row.value.len().saturating_add(row.comment.len()), MAX_ENTRY)?;
        }
        self.inner.lists.write("change the lists", |t| {
            for change in changes {
                write(t, change, author, how, signed(now_ms))?;
            }
            let sql = "DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?1";
            t.prepare_cached(sql)?.execute([MAX_TRAIL])?;
            Ok(())
        })
    }

    /// Changes of lists before a number (or the newest), newest first, at most 1,000; of one entry, if one is given.
    pub fn list_changes(
        &self,
        entry: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ListAudit>, StoreError> {
        let sql = "SELECT number, at_ms, author, how, before, after FROM changes \
                   WHERE number < ?1 AND (?2 IS NULL OR entry = ?2) ORDER BY number DESC LIMIT ?3";
        let (before, limit) = (before.map_or(i64::MAX, signed), signed(limit.min(MAX_PAGE) as u64));
        self.inner.lists.read("read the changes of lists", |c| {
            c.prepare_cached(sql)?.query_map(params![before, entry, limit], read_audit)?.collect()
        })
    }
}
