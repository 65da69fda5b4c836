//! The message log: one row a message, whatever became of it.
//!
//! A log, not a promise: a commit costs no fsync, and after a power cut the last seconds may be missing. If
//! the file is damaged it is set aside and a new one begun, because mail must flow. Searches go newest
//! first; by address, domain, status and id through an index, by anything else by reading rows, at most
//! [`MAX_EXAMINED`] a call.

use std::net::IpAddr;
use std::path::Path;

use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::evidence::AuthResult;
use mail::untrusted::Untrusted;
use rusqlite::types::{Type, Value};
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::{Db, Durability, Schema};
use crate::entry::{BackupId, KeptSign, MAX_NAMES, MAX_SHORT, bounded_signs, json, shortened};
use crate::error::StoreError;

/// How long rows are kept by default (spec D-24): 90 days, in milliseconds.
pub const LOG_AGE_MS: u64 = 90 * 24 * 60 * 60 * 1000;
/// Most recipients that a row names.
pub const MAX_LOGGED: usize = 100;
/// Most rows of one search that are read and thrown away.
const MAX_EXAMINED: usize = 50_000;
/// Most rows of one page.
const MAX_PAGE: usize = 1_000;
/// Rows deleted in one transaction.
const BATCH: i64 = 1_000;

/// The database file of the log.
const SCHEMA: Schema =
    Schema { file: "messages.db", durability: Durability::Normal, steps: &[include_str!("schema/messages-1.sql")] };

/// One message in the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Logged {
    /// Our name for the message.
    pub id: MessageId,
    /// When it came, in milliseconds since 1970.
    pub time_ms: u64,
    /// Where it crossed us.
    pub surface: Surface,
    /// Which way it went.
    pub direction: Direction,
    /// The client's address.
    pub peer_ip: Option<IpAddr>,
    /// The reverse-path; `None` is the null sender.
    pub sender: Option<Address>,
    /// The recipients of the envelope; the first 100 are logged.
    pub recipients: Vec<Address>,
    /// How many recipients there were.
    pub recipient_count: u64,
    /// The subject, decoded.
    pub subject: Option<Untrusted<String>>,
    /// Bytes of the message.
    pub size: u64,
    /// The status, one word (spec section 4).
    pub status: String,
    /// What was done, one word.
    pub action: String,
    /// The reply that the client got, first line, made safe to show.
    pub reply: String,
    /// The entry of Backup, if it was kept.
    pub backup: Option<BackupId>,
    /// Names of what was found.
    pub malware: Vec<Untrusted<String>>,
    /// From the message's end to our decision, in microseconds.
    pub duration_us: u64,
    /// Names of the rules that decided.
    pub rules: Vec<String>,
    /// What would have been done but for monitor mode, one word (D-26); only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<String>,
    /// Where the password came from that opened something in it, one word: `message` or `configured`;
    /// only then. A password itself is never kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<String>,
    /// What was found out about who sent it; only where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<LoggedAuth>,
    /// What it is as to spam, one word (spec section 7); none where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spam: Option<String>,
    /// Its rating, 0 to 100 (D-10); only where it was examined for spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// Why it was not examined for spam, one word (D-19, LM-02); only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spam_why: Option<String>,
    /// The signs of spam that were seen (D-10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<KeptSign>,
    /// The entry of a list of senders or recipients that decided; only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<LoggedEntry>,
}

/// An entry of a list of senders or recipients that decided about a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoggedEntry {
    /// `allow` or `deny`.
    pub list: String,
    /// Its own name.
    pub id: String,
    /// What it names.
    pub entry: String,
    /// The recipient whose own entry it is; `None`: the organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By what it fits: `mail_from`, `header_from`, `client` or `recipient`.
    pub by: String,
}

impl LoggedEntry {
    /// Whether a word names it: its own name, what it names, or its list.
    fn is(&self, word: &str) -> bool {
        [&self.id, &self.entry, &self.list].into_iter().any(|name| name.eq_ignore_ascii_case(word.trim()))
    }
}

/// Who really sent a message, a word a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LoggedAuth {
    /// SPF of the sender.
    pub spf: AuthResult,
    /// DKIM: a pass if any signature counts.
    pub dkim: AuthResult,
    /// DMARC: the worst of all authors.
    pub dmarc: AuthResult,
    /// The ARC chain.
    pub arc: AuthResult,
}

impl LoggedAuth {
    /// What one of them says.
    pub fn result(&self, check: AuthCheck) -> AuthResult {
        match check {
            AuthCheck::Spf => self.spf,
            AuthCheck::Dkim => self.dkim,
            AuthCheck::Dmarc => self.dmarc,
            AuthCheck::Arc => self.arc,
        }
    }
}

/// A check of who really sent a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthCheck {
    /// RFC 7208.
    Spf,
    /// RFC 6376.
    Dkim,
    /// RFC 9989.
    Dmarc,
    /// RFC 8617.
    Arc,
}

impl AuthCheck {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spf, Self::Dkim, Self::Dmarc, Self::Arc];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::Arc => "arc",
        }
    }
}

impl Logged {
    /// The same with every text and list within its limit.
    fn bounded(mut self) -> Self {
        self.recipients.truncate(MAX_LOGGED);
        self.subject = self.subject.map(|text| shortened(&text, MAX_SHORT));
        self.malware.truncate(MAX_NAMES);
        self.malware.iter_mut().for_each(|name| *name = shortened(name, MAX_SHORT));
        self.rules.truncate(MAX_NAMES);
        bounded_signs(&mut self.signs);
        for text in self.rules.iter_mut().chain([&mut self.status, &mut self.action, &mut self.reply]) {
            *text = text.chars().take(MAX_SHORT).collect();
        }
        self
    }
}

/// Which messages are wanted; every field that is set must fit.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogFilter {
    /// Sender or recipient: a whole address, or `@domain`; in any case.
    pub address: Option<String>,
    /// Anywhere in the subject, in any case.
    pub subject: Option<String>,
    /// The status, exactly.
    pub status: Option<String>,
    /// The message, exactly.
    pub id: Option<MessageId>,
    /// What was done, exactly.
    pub action: Option<String>,
    /// The name of a rule that applied.
    pub rule: Option<String>,
    /// The status as to spam, exactly.
    pub spam: Option<String>,
    /// Only messages that monitor mode let through.
    pub monitored: bool,
    /// An entry of a list of senders or recipients that decided: by its own name, by what it names, or any of `allow`
    /// or `deny`.
    pub list: Option<String>,
    /// What checks of who sent it said; all of them.
    pub auth: Vec<(AuthCheck, AuthResult)>,
    /// Came at this time or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Came before this time, in milliseconds since 1970.
    pub until_ms: Option<u64>,
}

/// Some messages, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPage {
    /// At most as many as were asked for; fewer (even none) if the search stopped at its limit of work.
    pub messages: Vec<Logged>,
    /// Where the next page begins: give it to the next call. `None` at the end.
    pub next: Option<i64>,
}

/// Opens the log; a damaged one is set aside.
pub(crate) fn open(dir: &Path) -> Result<Db, StoreError> {
    Db::open_or_anew(dir, &SCHEMA, "the message log")
}

/// The key of the first row of a millisecond: rows of the same millisecond are told apart by 20 bits.
fn first_key(unix_ms: u64) -> i64 {
    BackupId::first_of(unix_ms).key()
}

/// One message from its column.
fn read_row(row: &Row<'_>) -> rusqlite::Result<(i64, Logged)> {
    let text = row.get_ref(1)?.as_str()?;
    let logged = serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(e)))?;
    Ok((row.get(0)?, logged))
}

/// What an address is found by: itself and its domain, in lower case.
fn index_words(logged: &Logged) -> Vec<String> {
    let each = logged.sender.iter().chain(&logged.recipients);
    let mut words: Vec<String> = each.flat_map(|a| [a.as_str().to_lowercase(), format!("@{}", a.domain())]).collect();
    words.sort();
    words.dedup();
    words
}

/// The query of a filter, without a limit.
fn build(filter: &LogFilter, before: Option<i64>) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut wanted: Vec<&str> = Vec::new();
    let mut want = |condition, value| {
        wanted.push(condition);
        values.push(value);
    };
    let (tables, key) = match filter.address {
        Some(_) => ("addresses a CROSS JOIN messages m ON m.key = a.key", "a.key"),
        None => ("messages m", "m.key"),
    };
    if let Some(address) = &filter.address {
        want("a.address = ?", Value::Text(address.trim().to_lowercase()));
    }
    if let Some(id) = filter.id {
        want("m.id = ?", Value::Blob(id.as_bytes().to_vec()));
    }
    if let Some(status) = &filter.status {
        want("m.status = ?", Value::Text(status.clone()));
    }
    let (low, high) = (format!("{key} >= ?"), format!("{key} < ?"));
    want(&low, Value::Integer(filter.since_ms.map_or(0, first_key)));
    let until = filter.until_ms.map_or(i64::MAX, first_key);
    want(&high, Value::Integer(before.unwrap_or(i64::MAX).min(until)));
    let wanted = wanted.join(" AND ");
    (format!("SELECT m.key, m.detail FROM {tables} WHERE {wanted} ORDER BY {key} DESC"), values)
}

impl Store {
    /// Writes one message into the log. A message may have several rows (one a group of recipients).
    pub fn log_message(&self, logged: Logged) -> Result<(), StoreError> {
        self.log_messages(vec![logged])
    }

    /// Writes messages into the log, all in one transaction: much cheaper than one by one.
    pub fn log_messages(&self, logged: Vec<Logged>) -> Result<(), StoreError> {
        let rows = logged.into_iter().map(Logged::bounded).map(|row| Ok((json(&row)?, index_words(&row), row)));
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        self.inner.log.write("add to the message log", |t| {
            let mut last =
                t.prepare_cached("SELECT coalesce(max(key) + 1, ?1) FROM messages WHERE key >= ?1 AND key < ?2")?;
            let mut insert =
                t.prepare_cached("INSERT INTO messages(key, id, status, detail) VALUES (?1, ?2, ?3, ?4)")?;
            let mut add = t.prepare_cached("INSERT INTO addresses(address, key) VALUES (?1, ?2)")?;
            for (detail, words, row) in &rows {
                let first = first_key(row.time_ms);
                let next = first.saturating_add(1 << 20);
                let key: i64 = last.query_row([first, next], |row| row.get(0))?;
                insert.execute(params![key, row.id.as_bytes(), row.status, detail])?;
                for word in words {
                    add.execute(params![word, key])?;
                }
            }
            Ok(())
        })
    }

    /// Messages that fit, newest first; `before` is [`LogPage::next`] of the page before, `limit` at most 1,000.
    pub fn search_messages(
        &self,
        filter: &LogFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let (sql, values) = build(filter, before);
        let subject = filter.subject.as_ref().map(|s| s.to_lowercase());
        let in_subject = |logged: &Logged| match (&subject, &logged.subject) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(text)) => text.raw().to_lowercase().contains(wanted),
        };
        let fits = |logged: &Logged| {
            in_subject(logged)
                && filter.action.as_ref().is_none_or(|action| logged.action == *action)
                && filter.rule.as_ref().is_none_or(|rule| logged.rules.contains(rule))
                && filter.spam.as_ref().is_none_or(|spam| logged.spam.as_ref() == Some(spam))
                && (!filter.monitored || logged.would.is_some())
                && filter.list.as_ref().is_none_or(|list| logged.listed.as_ref().is_some_and(|it| it.is(list)))
                && filter
                    .auth
                    .iter()
                    .all(|(check, result)| logged.auth.is_some_and(|auth| auth.result(*check) == *result))
        };
        self.inner.log.read("search the message log", |c| {
            let mut query = c.prepare_cached(&sql)?;
            let mut rows = query.query(params_from_iter(&values))?;
            let mut page = LogPage { messages: Vec::new(), next: None };
            let (mut examined, mut last) = (0usize, None);
            while let Some(row) = rows.next()? {
                if page.messages.len() == limit || examined == MAX_EXAMINED {
                    page.next = last;
                    break;
                }
                examined = examined.saturating_add(1);
                let (key, logged) = read_row(row)?;
                last = Some(key);
                if fits(&logged) {
                    page.messages.push(logged);
                }
            }
            Ok(page)
        })
    }

    /// The newest row of a message.
    pub fn find_message(&self, id: MessageId) -> Result<Option<Logged>, StoreError> {
        let sql = "SELECT key, detail FROM messages WHERE id = ?1 ORDER BY key DESC LIMIT 1";
        let found = self
            .inner
            .log
            .read("look up a message", |c| c.prepare_cached(sql)?.query_row([id.as_bytes()], read_row).optional())?;
        Ok(found.map(|(_, logged)| logged))
    }

    /// Deletes rows of messages that came before a time (milliseconds since 1970) and says how many.
    /// By default a row is kept for [`LOG_AGE_MS`].
    pub fn expire_messages(&self, before_ms: u64) -> Result<u64, StoreError> {
        let before = first_key(before_ms);
        self.inner.log.write_in_parts("delete from the message log", |t| {
            let oldest = "SELECT key FROM messages WHERE key < ?1 ORDER BY key LIMIT ?2";
            let of_addresses = format!("DELETE FROM addresses WHERE key IN ({oldest})");
            t.prepare_cached(&of_addresses)?.execute([before, BATCH])?;
            t.prepare_cached(&format!("DELETE FROM messages WHERE key IN ({oldest})"))?.execute([before, BATCH])
        })
    }
}

#[cfg(test)]
mod tests {
    use mail::arrival::MessageId;
    use rusqlite::params_from_iter;

    use super::{LogFilter, build, open};

    #[test]
    fn the_common_filters_use_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).unwrap();
        let word = || Some("anna@example.org".to_owned());
        let none = LogFilter::default;
        let cases = [
            (none(), "m USING INTEGER PRIMARY KEY"),
            (LogFilter { since_ms: Some(1), until_ms: Some(2), ..none() }, "m USING INTEGER PRIMARY KEY"),
            (LogFilter { address: word(), since_ms: Some(1), ..none() }, "a USING PRIMARY KEY"),
            (LogFilter { address: word(), status: word(), ..none() }, "a USING PRIMARY KEY"),
            (LogFilter { status: word(), ..none() }, "m USING INDEX messages_by_status"),
            (LogFilter { id: Some(MessageId::new(1, [0; 10])), ..none() }, "m USING INDEX messages_by_id"),
        ];
        for (filter, wanted) in cases {
            let (sql, values) = build(&filter, Some(1 << 40));
            let steps = db.read("explain", |c| {
                let mut query = c.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                query.query_map(params_from_iter(&values), |row| row.get::<_, String>(3))?.collect()
            });
            let steps: Vec<String> = steps.unwrap();
            assert!(steps[0].contains(wanted), "{filter:?}: {steps:?}");
            assert!(steps.iter().all(|s| s.starts_with("SEARCH")), "{filter:?}: {steps:?}");
        }
    }
}
