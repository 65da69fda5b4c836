//! The rows of the outbox. Every write is one transaction, durable when it returns.

use std::collections::BTreeSet;

use mail::address::Address;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{MAX_SAID, NewQueued, Next, QueueId, QueueUsage, Queued, Recipient, Settled, Standing};
use crate::db::{Durability, Schema, signed, unsigned};
use crate::entry::BackupId;

/// The database file.
pub(crate) const SCHEMA: Schema =
    Schema { file: "outbox.db", durability: Durability::Full, steps: &[include_str!("../schema/outbox-1.sql")] };

/// Columns of a mail, in the order that [`read_mail`] takes them.
const COLUMNS: &str = "id, detail, stored, next_ms, attempts, held, warned";
/// Most recipients of one mail that a list shows.
const SHOWN: i64 = 20;

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

fn code(standing: Standing) -> i64 {
    match standing {
        Standing::Waiting => 0,
        Standing::Delivered => 1,
        Standing::Failed => 2,
    }
}

fn read_mail(row: &Row<'_>) -> rusqlite::Result<Queued> {
    let detail: String = row.get(1)?;
    Ok(Queued {
        id: QueueId(BackupId::from_key(row.get(0)?)),
        mail: serde_json::from_str(&detail).map_err(|e| unreadable(1, e))?,
        stored: unsigned(row, 2)?,
        next_ms: unsigned(row, 3)?,
        attempts: u32::try_from(unsigned(row, 4)?).unwrap_or(u32::MAX),
        held: row.get(5)?,
        warned: row.get(6)?,
        waiting: 0,
        recipients: Vec::new(),
    })
}

/// Whether an error is about what a row says: the others of a page can be read.
fn is_of_row(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

/// What can be read of a mail, or its id and why it cannot.
type Found = Result<Queued, (QueueId, String)>;

fn found(id: QueueId, read: rusqlite::Result<Queued>) -> rusqlite::Result<Found> {
    match read {
        Ok(mail) => Ok(Ok(mail)),
        Err(error) if is_of_row(&error) => Ok(Err((id, error.to_string()))),
        Err(error) => Err(error),
    }
}

fn read_page(row: &Row<'_>) -> rusqlite::Result<Found> {
    found(QueueId(BackupId::from_key(row.get(0)?)), read_mail(row))
}

/// An address that cannot be read, as somebody is shown it.
fn shown(address: &str) -> Option<Address> {
    Address::parse(&format!("unreadable:{}", address.escape_debug())).or_else(|| Address::parse("unreadable"))
}

fn read_recipient(row: &Row<'_>, lenient: bool) -> rusqlite::Result<Recipient> {
    let address: String = row.get(1)?;
    let missing = || unreadable(1, std::io::Error::other("a recipient is not an address"));
    let parsed = Address::parse(&address).or_else(|| shown(&address).filter(|_| lenient));
    Ok(Recipient {
        number: u32::try_from(unsigned(row, 0)?).unwrap_or(u32::MAX),
        address: parsed.ok_or_else(missing)?,
        parameters: row.get(2)?,
        standing: match row.get::<_, i64>(3)? {
            0 => Standing::Waiting,
            1 => Standing::Delivered,
            _ => Standing::Failed,
        },
        at_ms: unsigned(row, 4)?,
        said: row.get(5)?,
        hop: row.get(6)?,
    })
}

/// Which recipients of a mail are read.
#[derive(Clone, Copy)]
enum Which {
    /// Those that wait, to be delivered to: each must be an address.
    Due,
    /// Some of those that wait, to be shown.
    Waiting,
    /// All of them, to be shown.
    All,
}

fn recipients(c: &Connection, id: QueueId, which: Which) -> rusqlite::Result<Vec<Recipient>> {
    let sql = "SELECT number, address, parameters, state, at_ms, said, hop FROM recipients \
               WHERE mail = ?1 AND (?2 OR state = 0) ORDER BY number LIMIT ?3";
    let limit = if matches!(which, Which::Waiting) { SHOWN } else { i64::MAX };
    let all = matches!(which, Which::All);
    let lenient = !matches!(which, Which::Due);
    c.prepare_cached(sql)?.query_map(params![id.0.key(), all, limit], |row| read_recipient(row, lenient))?.collect()
}

fn waiting(c: &Connection, id: QueueId) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM recipients WHERE mail = ?1 AND state = 0";
    c.prepare_cached(sql)?.query_row([id.0.key()], |row| unsigned(row, 0))
}

fn with_recipients(c: &Connection, mails: Vec<Found>, which: Which) -> rusqlite::Result<Vec<Found>> {
    let add = |mut mail: Queued| -> rusqlite::Result<Queued> {
        mail.recipients = recipients(c, mail.id, which)?;
        mail.waiting = mail.recipients.len() as u64;
        if matches!(which, Which::Waiting) && mail.waiting >= SHOWN as u64 {
            mail.waiting = waiting(c, mail.id)?;
        }
        Ok(mail)
    };
    let each = mails.into_iter().map(|mail| match mail {
        Ok(mail) => found(mail.id, add(mail)),
        unreadable => Ok(unreadable),
    });
    each.collect()
}

pub(super) fn insert(t: &Transaction<'_>, id: QueueId, mail: &NewQueued, stored: u64) -> rusqlite::Result<()> {
    let detail = serde_json::to_string(mail).map_err(|e| unreadable(1, e))?;
    let sql = "INSERT INTO mails(id, detail, size, stored, next_ms, held) VALUES (?1, ?2, ?3, ?4, ?5, 0)";
    let values = params![id.0.key(), detail, signed(mail.size), signed(stored), signed(mail.created_ms)];
    t.prepare_cached(sql)?.execute(values)?;
    let mut add =
        t.prepare_cached("INSERT INTO recipients(mail, number, address, parameters) VALUES (?1, ?2, ?3, ?4)")?;
    for (number, to) in mail.recipients.iter().enumerate() {
        add.execute(params![id.0.key(), signed(number as u64), to.address.as_str(), to.parameters])?;
    }
    Ok(())
}

pub(super) fn exists(t: &Transaction<'_>, id: QueueId) -> rusqlite::Result<bool> {
    t.prepare_cached("SELECT 1 FROM mails WHERE id = ?1")?.exists([id.0.key()])
}

/// Mails that are due, and those of which that cannot be said: their rows cannot be read.
pub(super) fn due(c: &Connection, now_ms: u64, limit: usize, latest: usize) -> rusqlite::Result<Vec<Found>> {
    let some = |order: &str, limit: usize| -> rusqlite::Result<Vec<Found>> {
        let sql = format!("SELECT {COLUMNS} FROM mails WHERE held = 0 AND next_ms <= ?1 ORDER BY {order} LIMIT ?2");
        c.prepare_cached(&sql)?.query_map(params![signed(now_ms), signed(limit as u64)], read_page)?.collect()
    };
    let id = |mail: &Found| mail.as_ref().map_or_else(|(id, _)| *id, |mail| mail.id);
    let mut mails = some("next_ms, id", limit)?;
    if mails.len() == limit {
        let known: BTreeSet<QueueId> = mails.iter().map(id).collect();
        mails.extend(some("next_ms DESC, id DESC", latest)?.into_iter().filter(|mail| !known.contains(&id(mail))));
    }
    with_recipients(c, mails, Which::Due)
}

pub(super) fn next(c: &Connection) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT next_ms FROM mails WHERE held = 0 ORDER BY next_ms LIMIT 1";
    c.prepare_cached(sql)?.query_row([], |row| unsigned(row, 0)).optional()
}

pub(super) fn list(c: &Connection, after: Option<QueueId>, limit: usize) -> rusqlite::Result<Vec<Found>> {
    let sql = format!("SELECT {COLUMNS} FROM mails WHERE id > ?1 ORDER BY id LIMIT ?2");
    let after = after.map_or(i64::MIN, |id| id.0.key());
    let mails: rusqlite::Result<Vec<Found>> =
        c.prepare_cached(&sql)?.query_map(params![after, signed(limit as u64)], read_page)?.collect();
    with_recipients(c, mails?, Which::Waiting)
}

pub(super) fn show(c: &Connection, id: QueueId) -> rusqlite::Result<Option<Queued>> {
    let sql = format!("SELECT {COLUMNS} FROM mails WHERE id = ?1");
    let Some(mut mail) = c.prepare_cached(&sql)?.query_row([id.0.key()], read_mail).optional()? else {
        return Ok(None);
    };
    mail.recipients = recipients(c, id, Which::All)?;
    mail.waiting = mail.recipients.iter().filter(|to| to.standing == Standing::Waiting).count() as u64;
    Ok(Some(mail))
}

pub(super) fn ids(c: &Connection) -> rusqlite::Result<BTreeSet<QueueId>> {
    let id = |row: &Row<'_>| Ok(QueueId(BackupId::from_key(row.get(0)?)));
    c.prepare_cached("SELECT id FROM mails")?.query_map([], id)?.collect()
}

pub(super) fn usage(c: &Connection) -> rusqlite::Result<QueueUsage> {
    let sql = "SELECT count(*), coalesce(sum(held), 0), coalesce(sum(stored), 0), min(id) FROM mails";
    c.prepare_cached(sql)?.query_row([], |row| {
        let oldest: Option<i64> = row.get(3)?;
        Ok(QueueUsage {
            mails: unsigned(row, 0)?,
            held: unsigned(row, 1)?,
            bytes: unsigned(row, 2)?,
            oldest_ms: oldest.map(|key| BackupId::from_key(key).unix_ms()),
        })
    })
}

/// Settles recipients; whether the mail is done with and gone. One that is settled stays so.
pub(super) fn settle(
    t: &Transaction<'_>,
    id: QueueId,
    settled: &[Settled],
    next: Next,
    now_ms: u64,
) -> rusqlite::Result<bool> {
    let key = id.0.key();
    let sql = "UPDATE recipients SET state = ?3, at_ms = ?4, said = ?5, hop = ?6 \
               WHERE mail = ?1 AND number = ?2 AND state = 0";
    for one in settled {
        let said: String = one.said.chars().take(MAX_SAID).collect();
        let values = params![key, one.number, code(one.standing), signed(now_ms), said, one.hop];
        t.prepare_cached(sql)?.execute(values)?;
    }
    let waits = t.prepare_cached("SELECT 1 FROM recipients WHERE mail = ?1 AND state = 0 LIMIT 1")?.exists([key])?;
    if !waits {
        return delete(t, id);
    }
    let sql = "UPDATE mails SET next_ms = ?2, attempts = attempts + 1, warned = ?3 WHERE id = ?1";
    t.prepare_cached(sql)?.execute(params![key, signed(next.at_ms), next.warned])?;
    Ok(false)
}

pub(super) fn postpone(t: &Transaction<'_>, ids: &[QueueId], at_ms: u64) -> rusqlite::Result<()> {
    for id in ids {
        let sql = "UPDATE mails SET next_ms = ?2 WHERE id = ?1";
        t.prepare_cached(sql)?.execute(params![id.0.key(), signed(at_ms)])?;
    }
    Ok(())
}

pub(super) fn retry(t: &Transaction<'_>, id: Option<QueueId>, now_ms: u64) -> rusqlite::Result<u64> {
    let changed = match id {
        Some(id) => {
            t.execute("UPDATE mails SET next_ms = ?2, held = 0 WHERE id = ?1", params![id.0.key(), signed(now_ms)])?
        }
        None => t.execute("UPDATE mails SET next_ms = ?1 WHERE held = 0", [signed(now_ms)])?,
    };
    Ok(changed as u64)
}

pub(super) fn hold(t: &Transaction<'_>, id: QueueId) -> rusqlite::Result<bool> {
    Ok(t.execute("UPDATE mails SET held = 1 WHERE id = ?1", [id.0.key()])? > 0)
}

pub(super) fn delete(t: &Transaction<'_>, id: QueueId) -> rusqlite::Result<bool> {
    Ok(t.execute("DELETE FROM mails WHERE id = ?1", [id.0.key()])? > 0)
}
