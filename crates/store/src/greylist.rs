//! Greylisting's memory: which client's network tried sender and recipient when, and how often it came
//! through.
//!
//! A memory, not a promise: a commit costs no fsync, and a damaged file is set aside. Addresses are kept as
//! keyed hashes. Limits: [`MAX_ROWS`] of each kind; the oldest make room.

use std::path::Path;

use aws_lc_rs::hmac;
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::Store;
use crate::db::{Db, Durability, Schema, signed};
use crate::error::StoreError;

/// Most pairs, and most clients.
const MAX_ROWS: i64 = 1_000_000;
/// What passes within this time of what was counted for a client last is not counted again, in milliseconds:
/// the recipients of one message come one after the other.
const SAME_MESSAGE_MS: i64 = 60_000;
/// Bytes of a key.
const KEY: usize = 16;

/// The database file.
const SCHEMA: Schema =
    Schema { file: "greylist.db", durability: Durability::Normal, steps: &[include_str!("schema/greylist-1.sql")] };

/// How greylisting works, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GreyRules {
    /// How long the first attempt must be past.
    pub delay_ms: u64,
    /// How long a second attempt may take to come.
    pub window_ms: u64,
    /// How long somebody who came again is remembered.
    pub remember_ms: u64,
    /// After how many messages that passed a client is no longer asked; 0: never.
    pub trust_after: u32,
}

/// What greylisting holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GreyUsage {
    /// Pairs that wait or have passed.
    pub pairs: u64,
    /// Clients that have passed.
    pub clients: u64,
}

/// Opens it; a damaged file is set aside.
pub(crate) fn open(dir: &Path) -> Result<Db, StoreError> {
    Db::open_or_anew(dir, &SCHEMA, "greylisting's memory")
}

/// One attempt; whether it may pass.
fn attempt(t: &Transaction<'_>, client: &[u8], pair: &[u8], rules: &GreyRules, now: i64) -> rusqlite::Result<bool> {
    let (delay, window) = (signed(rules.delay_ms), signed(rules.window_ms));
    let remembered = now.saturating_sub(signed(rules.remember_ms));
    let known: Option<i64> = t
        .prepare_cached("SELECT passed FROM clients WHERE key = ?1 AND last_ms >= ?2")?
        .query_row(params![client, remembered], |row| row.get(0))
        .optional()?;
    let trusted = rules.trust_after > 0 && known.is_some_and(|passed| passed >= i64::from(rules.trust_after));
    let row: Option<(i64, i64, i64)> = t
        .prepare_cached("SELECT first_ms, last_ms, passed FROM pairs WHERE key = ?1")?
        .query_row([pair], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    // Who waited too long, or was not seen for long, begins again.
    let row = row.filter(|(first, last, passed)| match passed {
        0 => now.saturating_sub(*first) <= window,
        _ => *last >= remembered,
    });
    let passes = trusted || row.is_some_and(|(first, _, passed)| passed > 0 || now.saturating_sub(first) >= delay);
    let (first, passed) = row.map_or((now, 0), |(first, _, passed)| (first, passed));
    t.prepare_cached(
        "INSERT INTO pairs(key, first_ms, last_ms, passed) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT(key) DO UPDATE SET first_ms = ?2, last_ms = ?3, passed = ?4",
    )?
    .execute(params![pair, first, now, passed.saturating_add(i64::from(passes))])?;
    if passes {
        t.prepare_cached(
            "INSERT INTO clients(key, last_ms, passed) VALUES (?1, ?2, 1) \
             ON CONFLICT(key) DO UPDATE SET last_ms = ?2, \
             passed = CASE WHEN last_ms < ?3 THEN 1 ELSE passed + 1 END WHERE last_ms <= ?2 - ?4",
        )?
        .execute(params![client, now, remembered, SAME_MESSAGE_MS])?;
    }
    Ok(passes)
}

impl Store {
    /// Notes an attempt and says whether it may pass. `client`: its network; `pair`: sender and recipient;
    /// `now_ms`: milliseconds since 1970.
    pub fn greylist(&self, client: &str, pair: &str, rules: &GreyRules, now_ms: u64) -> Result<bool, StoreError> {
        let key = |text: &str| {
            let tag = hmac::sign(&self.inner.keys.greylist, text.as_bytes());
            tag.as_ref().get(..KEY).map(<[u8]>::to_vec).unwrap_or_default()
        };
        let (pair, client) = (key(&format!("pair\n{client}\n{pair}")), key(&format!("client\n{client}")));
        self.inner.greylist.write("greylist", |t| attempt(t, &client, &pair, rules, signed(now_ms)))
    }

    /// What greylisting holds.
    pub fn greylist_usage(&self) -> Result<GreyUsage, StoreError> {
        let count = |sql: &'static str| {
            let found =
                self.inner.greylist.read("count greylisting", |c| c.query_row(sql, [], |row| row.get::<_, i64>(0)));
            found.map(|count| u64::try_from(count).unwrap_or(0))
        };
        Ok(GreyUsage { pairs: count("SELECT count(*) FROM pairs")?, clients: count("SELECT count(*) FROM clients")? })
    }

    /// Forgets everything; how many pairs there were.
    pub fn forget_greylist(&self) -> Result<u64, StoreError> {
        self.inner.greylist.write("forget greylisting", |t| {
            t.execute("DELETE FROM clients", [])?;
            Ok(t.execute("DELETE FROM pairs", [])? as u64)
        })
    }

    /// Removes who was not seen since a time, and the oldest beyond the limit.
    pub fn expire_greylist(&self, before_ms: u64) -> Result<(), StoreError> {
        self.inner.greylist.write("expire greylisting", |t| {
            for table in ["pairs", "clients"] {
                t.execute(&format!("DELETE FROM {table} WHERE last_ms < ?1"), [signed(before_ms)])?;
                let oldest = format!(
                    "DELETE FROM {table} WHERE key IN (SELECT key FROM {table} ORDER BY last_ms LIMIT \
                     max(0, (SELECT count(*) FROM {table}) - ?1))"
                );
                t.execute(&oldest, [MAX_ROWS])?;
            }
            Ok(())
        })
    }
}
