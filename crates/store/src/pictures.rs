//! The sample base of pictures (LM-06): what known spam looks like, and what must not be taken for it.
//!
//! Perceptual hashes are kept, 64 bytes a view, and a copy of 96 by 96 cells, never the picture itself. A commit is
//! durable: somebody taught it. Limit: [`MAX_SAMPLES`]; the one that was not seen for longest makes room.

use std::path::Path;
use std::sync::atomic::Ordering;

use mail::evidence::{COPY_BYTES, MAX_VIEWS, Picture, View};
use rusqlite::{Connection, Row, Transaction, params};

use crate::Store;
use crate::db::{Db, Durability, Schema, signed, unsigned};
use crate::error::StoreError;

/// Most pictures.
const MAX_SAMPLES: i64 = 5_000;
/// Bytes of one view.
const VIEW: usize = 64;

/// The database file.
const SCHEMA: Schema = Schema {
    file: "pictures.db",
    durability: Durability::Full,
    steps: &[include_str!("schema/pictures-1.sql"), include_str!("schema/pictures-2.sql")],
};

/// A picture of the base.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Its number; never given twice.
    pub id: i64,
    /// Whether it is one of spam; else it is one that must not be taken for spam.
    pub spam: bool,
    /// When it was learnt, in milliseconds since 1970.
    pub learnt_ms: u64,
    /// When it was found last, or learnt, in milliseconds since 1970.
    pub used_ms: u64,
    /// In how many messages it was found.
    pub hits: u64,
    /// What it looks like.
    pub picture: Picture,
}

/// What the base holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SampleUsage {
    /// Pictures of spam.
    pub spam: u64,
    /// Pictures that must not be taken for spam.
    pub spared: u64,
    /// In how many messages pictures of spam were found.
    pub hits: u64,
}

/// Opens it.
pub(crate) fn open(dir: &Path) -> Result<Db, StoreError> {
    Db::open(dir, &SCHEMA)
}

fn bytes(views: &[View]) -> Vec<u8> {
    let words = views.iter().take(MAX_VIEWS).flat_map(|view| view.luma.iter().chain(&view.edge));
    words.flat_map(|word| word.to_be_bytes()).collect()
}

fn views(bytes: &[u8]) -> Vec<View> {
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
    let one = |bytes: &[u8]| {
        let words: Vec<u64> = bytes.chunks_exact(8).map(word).collect();
        let (luma, edge) = words.split_at_checked(4)?;
        Some(View { luma: luma.try_into().ok()?, edge: edge.try_into().ok()? })
    };
    bytes.chunks_exact(VIEW).filter_map(one).collect()
}

fn sample(row: &Row<'_>) -> rusqlite::Result<Sample> {
    let side = |value: i64| u32::try_from(value).unwrap_or(0);
    let packed: Vec<u8> = row.get(7)?;
    let (width, height, copy) = (side(row.get(5)?), side(row.get(6)?), row.get(8)?);
    let picture = Picture { width, height, views: views(&packed), copy };
    let (learnt_ms, used_ms, hits) = (unsigned(row, 2)?, unsigned(row, 3)?, unsigned(row, 4)?);
    Ok(Sample { id: row.get(0)?, spam: row.get(1)?, learnt_ms, used_ms, hits, picture })
}

fn insert(t: &Transaction<'_>, picture: &Picture, spam: bool, now: i64, most: i64) -> rusqlite::Result<i64> {
    let copy = picture.copy.get(..COPY_BYTES).unwrap_or_default();
    t.prepare_cached(
        "INSERT INTO pictures(spam, learnt_ms, used_ms, hits, width, height, views, copy) \
         VALUES (?1, ?2, ?2, 0, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![spam, now, picture.width, picture.height, bytes(&picture.views), copy])?;
    let id = t.last_insert_rowid();
    t.execute(
        "DELETE FROM pictures WHERE id IN (SELECT id FROM pictures WHERE id <> ?1 ORDER BY used_ms, id \
         LIMIT max(0, (SELECT count(*) FROM pictures) - ?2))",
        [id, most],
    )?;
    Ok(id)
}

/// Takes pictures out; how many were there.
fn remove(t: &Transaction<'_>, ids: &[i64]) -> rusqlite::Result<u64> {
    let mut statement = t.prepare_cached("DELETE FROM pictures WHERE id = ?1")?;
    let mut gone = 0u64;
    for id in ids {
        gone = gone.saturating_add(statement.execute([id])? as u64);
    }
    Ok(gone)
}

fn usage(c: &Connection) -> rusqlite::Result<SampleUsage> {
    let sql = "SELECT count(*) FILTER (WHERE spam), count(*) FILTER (WHERE NOT spam), \
               coalesce(sum(hits) FILTER (WHERE spam), 0) FROM pictures";
    c.query_row(sql, [], |row| {
        Ok(SampleUsage { spam: unsigned(row, 0)?, spared: unsigned(row, 1)?, hits: unsigned(row, 2)? })
    })
}

impl Store {
    /// Adds a picture to the base; its number. `spam`: of spam, or one that must not be taken for it.
    pub fn learn_picture(&self, picture: &Picture, spam: bool, now_ms: u64) -> Result<i64, StoreError> {
        self.change_pictures("learn a picture", |t| insert(t, picture, spam, signed(now_ms), MAX_SAMPLES))
    }

    /// Adds a picture to the base, and takes others out whose place it takes: both, or nothing. How many of them were
    /// there.
    pub fn replace_pictures(
        &self,
        gone: &[i64],
        picture: &Picture,
        spam: bool,
        now_ms: u64,
    ) -> Result<u64, StoreError> {
        self.change_pictures("replace pictures", |t| {
            let count = remove(t, gone)?;
            insert(t, picture, spam, signed(now_ms), MAX_SAMPLES).map(|_| count)
        })
    }

    /// Takes pictures out of the base; how many were there.
    pub fn forget_pictures(&self, ids: &[i64]) -> Result<u64, StoreError> {
        self.change_pictures("forget pictures", |t| remove(t, ids))
    }

    /// A change of the base in one commit, after which it is read again.
    fn change_pictures<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let done = self.inner.pictures.write(what, work)?;
        self.inner.picture_changes.fetch_add(1, Ordering::Release);
        Ok(done)
    }

    /// Notes that a picture was found in a message.
    pub fn note_picture(&self, id: i64, now_ms: u64) -> Result<(), StoreError> {
        self.inner.pictures.write("note a picture", |t| {
            let sql = "UPDATE pictures SET hits = hits + 1, used_ms = max(used_ms, ?2) WHERE id = ?1";
            t.prepare_cached(sql)?.execute(params![id, signed(now_ms)]).map(|_| ())
        })
    }

    /// Every picture of the base, oldest first.
    pub fn pictures(&self) -> Result<Vec<Sample>, StoreError> {
        let sql = "SELECT id, spam, learnt_ms, used_ms, hits, width, height, views, copy FROM pictures ORDER BY id";
        self.inner.pictures.read("read pictures", |c| c.prepare(sql)?.query_map([], sample)?.collect())
    }

    /// What the base holds.
    pub fn picture_usage(&self) -> Result<SampleUsage, StoreError> {
        self.inner.pictures.read("count pictures", usage)
    }

    /// A number that is another one after every change of the base.
    pub fn picture_changes(&self) -> u64 {
        self.inner.picture_changes.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(number: u64) -> Picture {
        let view = View { luma: [number, 2, 3, u64::MAX], edge: [5, 6, 7, 8] };
        let views = vec![view, View { luma: [9; 4], edge: [number; 4] }];
        Picture { width: 640, height: 480, views, copy: vec![number as u8; COPY_BYTES] }
    }

    #[test]
    fn what_was_learnt_is_there_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let before = store.picture_changes();
        let one = store.learn_picture(&picture(1), true, 10).unwrap();
        let two = store.learn_picture(&picture(2), false, 20).unwrap();
        assert_ne!(store.picture_changes(), before);
        store.note_picture(one, 30).unwrap();
        drop(store);
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let all = store.pictures().unwrap();
        assert_eq!(
            all.iter().map(|it| (it.id, it.spam, it.used_ms, it.hits)).collect::<Vec<_>>(),
            [(one, true, 30, 1), (two, false, 20, 0)]
        );
        assert_eq!(all[0].picture, picture(1));
        assert_eq!(store.picture_usage().unwrap(), SampleUsage { spam: 1, spared: 1, hits: 1 });
        assert_eq!(store.forget_pictures(&[one, 99]).unwrap(), 1);
        assert_eq!(store.pictures().unwrap().len(), 1);
    }

    #[test]
    fn a_picture_takes_the_place_of_others_or_nothing_changes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let old = store.learn_picture(&picture(1), true, 10).unwrap();
        let before = store.picture_changes();
        assert_eq!(store.replace_pictures(&[old, 99], &picture(2), true, 20).unwrap(), 1);
        assert_ne!(store.picture_changes(), before);
        let all = store.pictures().unwrap();
        assert_eq!(all.iter().map(|it| &it.picture).collect::<Vec<_>>(), [&picture(2)]);
        // A disk that is full between the two.
        let sql = "CREATE TRIGGER full BEFORE INSERT ON pictures BEGIN SELECT raise(ABORT, 'full'); END";
        store.inner.pictures.write("fill the disk", |t| t.execute_batch(sql)).unwrap();
        assert!(store.replace_pictures(&[all[0].id], &picture(3), true, 30).is_err());
        assert_eq!(store.pictures().unwrap(), all);
    }

    #[test]
    fn what_was_learnt_before_there_were_copies_is_still_there_without_one() {
        let dir = tempfile::tempdir().unwrap();
        let old = Schema { steps: &[include_str!("schema/pictures-1.sql")], ..SCHEMA };
        let db = Db::open(dir.path(), &old).unwrap();
        let sql = "INSERT INTO pictures(spam, learnt_ms, used_ms, hits, width, height, views) \
                   VALUES (1, 10, 20, 3, 640, 480, ?1)";
        db.write("learn as before", |t| t.execute(sql, [bytes(&picture(7).views)])).unwrap();
        drop(db);
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let all = store.pictures().unwrap();
        assert_eq!(all.iter().map(|it| (it.spam, it.used_ms, it.hits)).collect::<Vec<_>>(), [(true, 20, 3)]);
        assert_eq!(all[0].picture, Picture { copy: Vec::new(), ..picture(7) });
    }

    #[test]
    fn what_was_not_seen_for_longest_makes_room() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let add =
            |number, now| store.inner.pictures.write("learn", |t| insert(t, &picture(number), true, now, 2)).unwrap();
        let (old, seen) = (add(1, 1), add(2, 2));
        store.note_picture(old, 50).unwrap();
        let new = add(3, 3);
        let left: Vec<i64> = store.pictures().unwrap().iter().map(|it| it.id).collect();
        assert_eq!(left, [old, new], "{seen} was not seen since it was learnt");
    }
}
