//! Results of DMARC, counted by day and policy domain until they are reported (RFC 9990).
//!
//! A memory, not a promise: a commit costs no fsync, and a damaged file is set aside. Limits: [`MAX_ROWS`]
//! and [`MAX_BYTES`] in all, [`MAX_ROWS_OF_DAY`] of one domain, [`MAX_WHAT`]; what comes beyond them is not counted.

use std::path::Path;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::{Db, Durability, Schema, signed, unsigned};
use crate::error::StoreError;

/// Most rows.
const MAX_ROWS: i64 = 200_000;
/// Most bytes of all rows, domains included.
const MAX_BYTES: i64 = 256 << 20;
/// Most rows of one domain on one day: whoever makes up rows of his own domain takes no room from others.
const MAX_ROWS_OF_DAY: i64 = 5_000;
/// Most bytes of rows that are read at once.
const MAX_READ: usize = 8 << 20;
/// Longest row, in bytes.
const MAX_WHAT: usize = 8 * 1024;

/// The database file.
const SCHEMA: Schema = Schema {
    file: "dmarc.db",
    durability: Durability::Normal,
    steps: &[
        include_str!("schema/dmarc-1.sql"),
        include_str!("schema/dmarc-2.sql"),
        include_str!("schema/dmarc-3.sql"),
    ],
};

/// A day of one domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DmarcDay {
    /// Days since 1970.
    pub day: u64,
    /// The domain whose policy holds.
    pub domain: String,
    /// How many different rows there are.
    pub rows: u64,
    /// How many messages they count.
    pub messages: u64,
}

/// Opens it; a damaged file is set aside.
pub(crate) fn open(dir: &Path) -> Result<Db, StoreError> {
    Db::open_or_anew(dir, &SCHEMA, "the results of DMARC")
}

impl Store {
    /// Counts a message; whether there was room. `what`: all that the report says of it.
    pub fn note_dmarc(&self, day: u64, domain: &str, what: &[u8]) -> Result<bool, StoreError> {
        if what.len() > MAX_WHAT || domain.len() > MAX_WHAT {
            return Ok(false);
        }
        self.inner.dmarc.write("count a result of DMARC", |t| {
            let known = "UPDATE seen SET count = count + 1 WHERE day = ?1 AND domain = ?2 AND what = ?3";
            let known = t.prepare_cached(known)?.execute(params![signed(day), domain, what])? > 0;
            if !known {
                let room = "SELECT held < ?1 AND bytes < ?2 AND \
                            coalesce((SELECT held FROM days WHERE day = ?4 AND domain = ?5), 0) < ?3 FROM totals";
                let limits = params![MAX_ROWS, MAX_BYTES, MAX_ROWS_OF_DAY, signed(day), domain];
                if !t.prepare_cached(room)?.query_row(limits, |row| row.get(0))? {
                    return Ok(false);
                }
                t.prepare_cached("INSERT INTO seen(day, domain, what, count) VALUES (?1, ?2, ?3, 1)")?
                    .execute(params![signed(day), domain, what])?;
            }
            let sql = "INSERT INTO days(day, domain, held, messages) VALUES (?1, ?2, ?3, 1) \
                       ON CONFLICT(day, domain) DO UPDATE SET held = held + ?3, messages = messages + 1";
            t.prepare_cached(sql)?.execute(params![signed(day), domain, i64::from(!known)])?;
            Ok(true)
        })
    }

    /// The days before this one, oldest first, and behind one day and domain if that is said; `limit` at most.
    pub fn dmarc_days(
        &self,
        before: u64,
        after: Option<(u64, &str)>,
        limit: usize,
    ) -> Result<Vec<DmarcDay>, StoreError> {
        let sql = "SELECT day, domain, held, messages FROM days WHERE day < ?1 AND (day, domain) > (?2, ?3) \
                   ORDER BY day, domain LIMIT ?4";
        let (day, domain) = after.map_or((-1, ""), |(day, domain)| (signed(day), domain));
        self.inner.dmarc.read("list results of DMARC", |c| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            c.prepare_cached(sql)?
                .query_map(params![signed(before), day, domain, limit], |row| {
                    let (day, rows, messages) = (unsigned(row, 0)?, unsigned(row, 2)?, unsigned(row, 3)?);
                    Ok(DmarcDay { day, domain: row.get(1)?, rows, messages })
                })?
                .collect()
        })
    }

    /// The rows of a day of one domain with their counts, the most frequent first; `limit` at most, and as
    /// many as [`MAX_READ`] bytes hold.
    pub fn dmarc_rows(&self, day: u64, domain: &str, limit: usize) -> Result<Vec<(Vec<u8>, u64)>, StoreError> {
        let sql = "SELECT what, count FROM seen WHERE day = ?1 AND domain = ?2 ORDER BY count DESC, what LIMIT ?3";
        self.inner.dmarc.read("read results of DMARC", |c| {
            let mut query = c.prepare_cached(sql)?;
            let mut found = query.query(params![signed(day), domain, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let (mut rows, mut bytes) = (Vec::new(), 0usize);
            while let Some(row) = found.next()? {
                let what: Vec<u8> = row.get(0)?;
                bytes = bytes.saturating_add(what.len());
                if bytes > MAX_READ {
                    break;
                }
                rows.push((what, unsigned(row, 1)?));
            }
            Ok(rows)
        })
    }

    /// Forgets a day of one domain.
    pub fn drop_dmarc(&self, day: u64, domain: &str) -> Result<(), StoreError> {
        self.inner.dmarc.write("forget results of DMARC", |t| {
            t.execute("DELETE FROM seen WHERE day = ?1 AND domain = ?2", params![signed(day), domain])?;
            t.execute("DELETE FROM days WHERE day = ?1 AND domain = ?2", params![signed(day), domain])?;
            Ok(())
        })
    }

    /// Forgets all days before this one; how many rows there were.
    pub fn expire_dmarc(&self, before: u64) -> Result<u64, StoreError> {
        self.inner.dmarc.write("expire results of DMARC", |t| {
            t.execute("DELETE FROM days WHERE day < ?1", [signed(before)])?;
            Ok(t.execute("DELETE FROM seen WHERE day < ?1", [signed(before)])? as u64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_by_day_and_domain() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        for (day, domain, what) in [
            (1, "a.example", b"x"),
            (1, "a.example", b"x"),
            (1, "a.example", b"y"),
            (2, "a.example", b"x"),
            (1, "b.example", b"x"),
        ] {
            assert!(store.note_dmarc(day, domain, what).unwrap());
        }
        assert!(!store.note_dmarc(1, "a.example", &[b'z'; MAX_WHAT + 1]).unwrap());
        let day = |domain: &str, rows, messages| DmarcDay { day: 1, domain: domain.to_owned(), rows, messages };
        assert_eq!(store.dmarc_days(2, None, 10).unwrap(), [day("a.example", 2, 3), day("b.example", 1, 1)]);
        assert_eq!(store.dmarc_days(2, Some((1, "a.example")), 10).unwrap(), [day("b.example", 1, 1)]);
        assert_eq!(store.dmarc_rows(1, "a.example", 1).unwrap(), [(b"x".to_vec(), 2)]);
        store.drop_dmarc(1, "a.example").unwrap();
        assert_eq!(store.dmarc_days(9, None, 10).unwrap().len(), 2);
        assert_eq!(store.expire_dmarc(9).unwrap(), 2);
    }

    #[test]
    fn what_was_counted_as_text_is_forgotten_and_counting_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let old = Schema { steps: &[include_str!("schema/dmarc-1.sql")], ..SCHEMA };
        let db = Db::open(dir.path(), &old).unwrap();
        db.write("fill", |t| t.execute("INSERT INTO seen VALUES (1, 'a.example', 'text', 1)", [])).unwrap();
        db.write("fill", |t| t.execute("INSERT INTO days VALUES (1, 'a.example', 1, 1)", [])).unwrap();
        drop(db);
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        assert!(store.dmarc_days(9, None, 10).unwrap().is_empty());
        assert!(store.note_dmarc(1, "a.example", b"\xff").unwrap());
        assert_eq!(store.dmarc_rows(1, "a.example", 1).unwrap(), [(vec![0xff], 1)]);
        let sizes = "SELECT held, bytes FROM totals";
        let held = store.inner.dmarc.read("look", |c| c.query_row(sizes, [], |row| Ok((row.get(0)?, row.get(1)?))));
        assert_eq!(held.unwrap(), (1, 10));
    }

    #[test]
    fn one_domain_and_all_together_take_only_so_much_room() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let fill = "INSERT INTO days(day, domain, held, messages) VALUES (1, 'a.example', ?1, ?1)";
        store.inner.dmarc.write("fill", |t| t.execute(fill, [MAX_ROWS_OF_DAY - 1])).unwrap();
        assert!(store.note_dmarc(1, "a.example", b"x").unwrap());
        assert!(!store.note_dmarc(1, "a.example", b"y").unwrap(), "its day is full");
        assert!(store.note_dmarc(1, "a.example", b"x").unwrap(), "what is known is counted on");
        assert!(store.note_dmarc(1, "b.example", b"y").unwrap(), "others have room");
        store.inner.dmarc.write("fill", |t| t.execute("UPDATE totals SET bytes = ?1", [MAX_BYTES])).unwrap();
        assert!(!store.note_dmarc(2, "c.example", b"y").unwrap(), "all of it is full");
        store.inner.dmarc.write("fill", |t| t.execute("UPDATE totals SET bytes = 20", [])).unwrap();
        assert_eq!(store.expire_dmarc(9).unwrap(), 2);
        let held: (i64, i64) = store
            .inner
            .dmarc
            .read("look", |c| c.query_row("SELECT held, bytes FROM totals", [], |row| Ok((row.get(0)?, row.get(1)?))))
            .unwrap();
        assert_eq!(held, (0, 0));
    }
}
