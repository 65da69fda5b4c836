//! Small state of this node that survives a restart: crash counts by message hash, times of last runs.
//!
//! Keys are made by us (`crash/…`); each has the time of its last change, by which it expires. A commit is
//! durable. Limits: [`MAX_KEY`], [`MAX_VALUE`], [`MAX_KEYS`].

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::Store;
use crate::db::signed;
use crate::error::StoreError;
use crate::revisions::within;

/// Most bytes of a key.
pub(crate) const MAX_KEY: usize = 256;
/// Most bytes of a value.
pub(crate) const MAX_VALUE: usize = 64 * 1024;
/// Most keys; the one changed longest ago makes room for a new one.
pub(crate) const MAX_KEYS: i64 = 100_000;

/// Writes a key and keeps their number within the limit.
fn put(t: &Transaction<'_>, key: &str, value: &[u8], now: i64, most: i64) -> rusqlite::Result<()> {
    let added = t
        .prepare_cached("UPDATE state SET value = ?2, at_ms = ?3 WHERE key = ?1")?
        .execute(params![key, value, now])?
        == 0;
    if added {
        t.prepare_cached("INSERT INTO state(key, value, at_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![key, value, now])?;
        let count: i64 = t.prepare_cached("SELECT count(*) FROM state")?.query_row([], |row| row.get(0))?;
        if count > most {
            let oldest = "DELETE FROM state WHERE key = (SELECT key FROM state WHERE key <> ?1 ORDER BY at_ms LIMIT 1)";
            t.prepare_cached(oldest)?.execute([key])?;
        }
    }
    Ok(())
}

impl Store {
    /// The value of a key.
    pub fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.state.read("read state", |c| {
            c.prepare_cached("SELECT value FROM state WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
        })
    }

    /// Sets a key. `now_ms`: milliseconds since 1970.
    pub fn set_state(&self, key: &str, value: &[u8], now_ms: u64) -> Result<(), StoreError> {
        within("the key", key.len(), MAX_KEY)?;
        within("the value", value.len(), MAX_VALUE)?;
        self.inner.state.write("write state", |t| put(t, key, value, signed(now_ms), MAX_KEYS))
    }

    /// Adds one to the number under a key and gives the new number; a key without a number counts from 0.
    pub fn count_state(&self, key: &str, now_ms: u64) -> Result<u64, StoreError> {
        within("the key", key.len(), MAX_KEY)?;
        self.inner.state.write("count", |t| {
            let mut find = t.prepare_cached("SELECT value FROM state WHERE key = ?1")?;
            let old: Option<Vec<u8>> = find.query_row([key], |row| row.get(0)).optional()?;
            let old = old.and_then(|v| v.try_into().ok()).map_or(0, u64::from_be_bytes);
            let new = old.saturating_add(1);
            put(t, key, &new.to_be_bytes(), signed(now_ms), MAX_KEYS)?;
            Ok(new)
        })
    }

    /// Removes a key; whether there was one.
    pub fn remove_state(&self, key: &str) -> Result<bool, StoreError> {
        self.inner.state.write("remove state", |t| Ok(t.execute("DELETE FROM state WHERE key = ?1", [key])? > 0))
    }

    /// Removes the keys that begin with `prefix` and were last changed before a time; how many there were.
    pub fn expire_state(&self, prefix: &str, before_ms: u64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM state WHERE at_ms < ?1 AND substr(key, 1, length(?2)) = ?2";
        self.inner.state.write("expire state", |t| Ok(t.execute(sql, params![signed(before_ms), prefix])? as u64))
    }
}
