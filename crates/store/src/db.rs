//! One SQLite file: opened, checked, brought to our schema, with one connection for writes and one for reads.
//!
//! Write-ahead log throughout. `synchronous=FULL` where a promise rests on a commit, `NORMAL` (no fsync a
//! commit, last seconds may be lost in a power cut, never the file) where not. Schema version: `user_version`,
//! brought forward in one transaction; a file of a newer version is refused and not touched.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior};

use crate::error::{StoreError, io_error, sql_error};
use crate::files::{free_name, sync_dir};

/// Marks our files ("MLWD"), so that others are not taken for an empty database of ours.
const APPLICATION: i64 = 0x4d4c_5744;
/// How long a connection waits for the other one.
const BUSY: Duration = Duration::from_secs(10);

/// How durable a commit is when it returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// On the disk.
    Full,
    /// Ordered, on the disk within seconds.
    Normal,
}

/// What a database file is for.
pub(crate) struct Schema {
    /// Its file name in the data directory.
    pub(crate) file: &'static str,
    /// What its commits promise.
    pub(crate) durability: Durability,
    /// Step N brings version N to N + 1.
    pub(crate) steps: &'static [&'static str],
}

/// An open database file.
pub(crate) struct Db {
    path: PathBuf,
    write: Mutex<Connection>,
    read: Mutex<Connection>,
}

impl Db {
    /// Opens or creates the file in a data directory.
    pub(crate) fn open(dir: &Path, schema: &Schema) -> Result<Self, StoreError> {
        let path = dir.join(schema.file);
        if !path.exists() {
            let create = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
            create.map_err(|e| io_error("create", &path, e))?;
            sync_dir(dir)?;
        }
        let fail = |e| sql_error("open the database", &path, e);
        let mut write = connect(&path, schema.durability).map_err(fail)?;
        migrate(&mut write, &path, schema)?;
        let read = connect(&path, schema.durability).map_err(fail)?;
        read.pragma_update(None, "query_only", true).map_err(fail)?;
        Ok(Self { path, write: Mutex::new(write), read: Mutex::new(read) })
    }

    /// Opens what can be lost: a damaged file is set aside, and a new one begins. `what`: for the log.
    pub(crate) fn open_or_anew(dir: &Path, schema: &Schema, what: &str) -> Result<Self, StoreError> {
        match Self::open(dir, schema) {
            Err(StoreError::IndexDamaged { path, source }) => {
                tracing::warn!(path = %path.display(), error = %source, "damaged: {what}; beginning anew");
                set_aside(dir, schema.file)?;
                Self::open(dir, schema)
            }
            other => other,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs reads on the connection for reads.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&held(&self.read)).map_err(|e| sql_error(doing, &self.path, e))
    }

    /// Runs one transaction; it is committed when `work` succeeds, as durable as the schema says.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = held(&self.write);
        let run = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|e| sql_error(doing, &self.path, e))
    }

    /// Writes until there is nothing left to do, each time a part of it, so that others need not wait for all of it;
    /// and says how much it was. `work` says how much it did.
    pub(crate) fn write_in_parts(
        &self,
        doing: &'static str,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<usize>,
    ) -> Result<u64, StoreError> {
        let mut all = 0u64;
        loop {
            let now = self.write(doing, &work)?;
            all = all.saturating_add(now as u64);
            if now == 0 {
                return Ok(all);
            }
        }
    }
}

/// A number as SQLite keeps it; beyond its range the greatest.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The number in a column; below zero, which we never write, zero.
pub(crate) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0))
}

/// Moves a database file and what belongs to it out of the way, as `FILE.replaced-N`.
pub(crate) fn set_aside(dir: &Path, file: &str) -> Result<(), StoreError> {
    let to = free_name(dir, &format!("{file}.replaced"));
    for suffix in ["", "-wal", "-shm"] {
        let from = dir.join(format!("{file}{suffix}"));
        let mut to = to.clone().into_os_string();
        to.push(suffix);
        match fs::rename(&from, &to) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io_error("set aside", &from, e)),
            _ => {}
        }
    }
    sync_dir(dir)
}

/// Takes a connection. One whose thread panicked is whole: its transaction was rolled back on the way.
fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection with our settings.
fn connect(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let level = if durability == Durability::Full { "full" } else { "normal" };
    connection.pragma_update(None, "synchronous", level)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Checks whose file it is and of which version, and brings it forward.
fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), StoreError> {
    let fail = |e| sql_error("bring the schema forward", path, e);
    let pragma = |connection: &Connection, name: &str| -> Result<i64, StoreError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(fail)
    };
    let found = pragma(connection, "user_version")?;
    let known = i64::try_from(schema.steps.len()).unwrap_or(i64::MAX);
    let ours = pragma(connection, "application_id")? == APPLICATION;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    if !ours && (found != 0 || tables != 0) {
        return Err(StoreError::NotOurs { path: path.to_path_buf() });
    }
    if found > known {
        return Err(StoreError::TooNew { path: path.to_path_buf(), found, known });
    }
    if found == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(fail)?;
    for step in schema.steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(fail)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(fail)?;
    transaction.pragma_update(None, "user_version", known).map_err(fail)?;
    transaction.commit().map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::{Db, Durability, Schema};
    use crate::StoreError;

    const ONE: &[&str] = &["CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES (1);"];
    const TWO: &[&str] = &[ONE[0], "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;"];
    const BROKEN: &[&str] = &[ONE[0], "ALTER TABLE a ADD COLUMN z INTEGER; SELECT no_such_thing;"];

    fn schema(steps: &'static [&'static str]) -> Schema {
        Schema { file: "x.db", durability: Durability::Full, steps }
    }

    fn value(db: &Db, sql: &str) -> i64 {
        db.read("read", |c| c.query_row(sql, [], |row| row.get(0))).unwrap()
    }

    #[test]
    fn an_older_schema_is_brought_forward_and_a_newer_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Db::open(dir.path(), &schema(ONE)).unwrap());
        assert!(Db::open(dir.path(), &schema(BROKEN)).is_err());
        let db = Db::open(dir.path(), &schema(ONE)).unwrap();
        assert_eq!(value(&db, "SELECT count(*) FROM pragma_table_info('a')"), 1, "the failed step left nothing");
        drop(db);
        let db = Db::open(dir.path(), &schema(TWO)).unwrap();
        assert_eq!(value(&db, "SELECT y FROM a"), 2);
        drop(db);
        let refused = Db::open(dir.path(), &schema(ONE));
        assert!(matches!(refused, Err(StoreError::TooNew { found: 2, known: 1, .. })));
    }

    #[test]
    fn a_foreign_database_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let foreign = rusqlite::Connection::open(dir.path().join("x.db")).unwrap();
        foreign.execute_batch("CREATE TABLE theirs(x)").unwrap();
        drop(foreign);
        assert!(matches!(Db::open(dir.path(), &schema(ONE)), Err(StoreError::NotOurs { .. })));
    }

    #[test]
    fn what_is_no_database_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x.db"), vec![b'x'; 8192]).unwrap();
        let error = Db::open(dir.path(), &schema(ONE)).err().unwrap();
        assert!(matches!(error, StoreError::IndexDamaged { .. }), "{error}");
        assert!(error.to_string().contains("x.db"));
    }
}
