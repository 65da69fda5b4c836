//! Policy revisions: every policy that was ever in force, with its author, time and comment.
//!
//! Revisions are only added. Going back is saving an old text again. A commit is durable.

use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::{Durability, Schema, signed, unsigned};
use crate::error::StoreError;

/// Most bytes of a policy.
pub(crate) const MAX_POLICY: usize = 4 * 1024 * 1024;
/// Most bytes of an author or a comment.
pub(crate) const MAX_COMMENT: usize = 4_096;
/// Most revisions that one call lists.
const MAX_PAGE: usize = 1_000;

/// The database file of revisions and state.
pub(crate) const SCHEMA: Schema =
    Schema { file: "state.db", durability: Durability::Full, steps: &[include_str!("schema/state-1.sql")] };

/// A revision without its text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RevisionHead {
    /// Its number: 1 is the first.
    pub number: u64,
    /// When it was saved, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who saved it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// A revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// What is known of it.
    pub head: RevisionHead,
    /// The policy as text.
    pub text: String,
}

/// The columns number, at_ms, author, comment.
fn read_head(row: &Row<'_>) -> rusqlite::Result<RevisionHead> {
    Ok(RevisionHead { number: unsigned(row, 0)?, at_ms: unsigned(row, 1)?, author: row.get(2)?, comment: row.get(3)? })
}

/// Refuses a text over its limit.
pub(crate) fn within(what: &'static str, length: usize, limit: usize) -> Result<(), StoreError> {
    if length > limit { Err(StoreError::TooLarge { what, limit: limit as u64 }) } else { Ok(()) }
}

impl Store {
    /// Saves a policy as the newest revision and gives its number. `now_ms`: milliseconds since 1970.
    pub fn save_policy(&self, text: &str, author: &str, comment: &str, now_ms: u64) -> Result<u64, StoreError> {
        within("the policy", text.len(), MAX_POLICY)?;
        within("the author's name", author.len(), MAX_COMMENT)?;
        within("the comment", comment.len(), MAX_COMMENT)?;
        let number = self.inner.state.write("save the policy", |t| {
            t.prepare_cached("INSERT INTO revisions(at_ms, author, comment, text) VALUES (?1, ?2, ?3, ?4)")?
                .insert(params![signed(now_ms), author, comment, text])
        })?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// The newest revision; `None` before the first.
    pub fn current_policy(&self) -> Result<Option<Revision>, StoreError> {
        self.revision("SELECT number, at_ms, author, comment, text FROM revisions ORDER BY number DESC LIMIT 1", &[])
    }

    /// A revision by its number.
    pub fn policy(&self, number: u64) -> Result<Option<Revision>, StoreError> {
        let sql = "SELECT number, at_ms, author, comment, text FROM revisions WHERE number = ?1";
        self.revision(sql, &[signed(number)])
    }

    /// One revision of a query.
    fn revision(&self, sql: &str, values: &[i64]) -> Result<Option<Revision>, StoreError> {
        self.inner.state.read("read the policy", |c| {
            let mut query = c.prepare_cached(sql)?;
            let values = rusqlite::params_from_iter(values);
            query.query_row(values, |row| Ok(Revision { head: read_head(row)?, text: row.get(4)? })).optional()
        })
    }

    /// Revisions before a number (or the newest), newest first, at most 1,000.
    pub fn policies(&self, before: Option<u64>, limit: usize) -> Result<Vec<RevisionHead>, StoreError> {
        let sql =
            "SELECT number, at_ms, author, comment FROM revisions WHERE number < ?1 ORDER BY number DESC LIMIT ?2";
        let before = before.map_or(i64::MAX, signed);
        let limit = signed(limit.min(MAX_PAGE) as u64);
        self.inner.state.read("list policies", |c| {
            let mut query = c.prepare_cached(sql)?;
            query.query_map([before, limit], read_head)?.collect()
        })
    }
}
