//! Reports of DMARC that others sent about domains of ours, as rows of `dmarc.db`.
//!
//! A memory, not a promise. Limits: [`MAX_RECEIVED`] reports and [`MAX_BYTES`] of them together; beyond these those
//! go first whose senders nothing proves, the oldest of them: whoever floods the mailbox with made-up reports takes
//! away no true one. One report is [`MAX_DETAIL`] long at most, and is there once. How old they get says whoever calls
//! [`Store::expire_reports`].

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::{signed, unsigned};
use crate::error::StoreError;

/// Most reports.
const MAX_RECEIVED: i64 = 20_000;
/// Most bytes of all reports.
const MAX_BYTES: i64 = 256 << 20;
/// Longest report, in bytes.
pub const MAX_DETAIL: usize = 512 * 1024;
/// Most rows of one page.
const MAX_PAGE: usize = 1_000;
/// Most rows that make room for one.
const MAX_GONE: usize = 1_000;
/// Old rows that go in one transaction; keeping a report waits for so long.
const BATCH: i64 = 200;

/// A report that somebody sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReceivedReport {
    /// When it came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The domain of ours that it is about.
    pub domain: String,
    /// Who reports, as the report says.
    pub org: String,
    /// Its name there.
    pub report: String,
    /// From when on, in seconds since 1970.
    pub begin: u64,
    /// Until when, in seconds since 1970.
    pub end: u64,
    /// How many messages passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// DMARC proves that the mail is from `sender`.
    pub proven: bool,
    /// The author's domain where it is proven, else that of the envelope's sender.
    pub sender: String,
}

/// Which reports are wanted; every field that is set must fit.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportFilter {
    /// About this domain, in any case.
    pub domain: Option<String>,
    /// Only those with messages that failed.
    pub failed: bool,
    /// Came at this time or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<(i64, ReceivedReport)> {
    let report = ReceivedReport {
        at_ms: unsigned(row, 1)?,
        domain: row.get(2)?,
        org: row.get(3)?,
        report: row.get(4)?,
        begin: unsigned(row, 5)?,
        end: unsigned(row, 6)?,
        passed: unsigned(row, 7)?,
        failed: unsigned(row, 8)?,
        proven: row.get(9)?,
        sender: row.get(10)?,
    };
    Ok((row.get(0)?, report))
}

/// The columns of a report.
const COLUMNS: &str = "id, at_ms, domain, org, report, begin_s, end_s, passed, failed, proven, sender";

impl Store {
    /// Keeps a report; whether it is there now and was not before. What is proven and what is not are two. `detail`: all of it, as a text of [`MAX_DETAIL`] bytes at most.
    pub fn keep_report(&self, report: &ReceivedReport, detail: &str) -> Result<bool, StoreError> {
        if detail.len() > MAX_DETAIL {
            return Err(StoreError::TooLarge { what: "a report of DMARC", limit: MAX_DETAIL as u64 });
        }
        self.inner.dmarc.write("keep a report of DMARC", |t| {
            let sql = "INSERT INTO received(at_ms, domain, org, report, begin_s, end_s, passed, failed, proven, sender, \
                       detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
            let new = t.prepare_cached(sql)?.execute(params![
                signed(report.at_ms),
                report.domain,
                report.org,
                report.report,
                signed(report.begin),
                signed(report.end),
                signed(report.passed),
                signed(report.failed),
                report.proven,
                report.sender,
                detail
            ])?;
            let id = t.last_insert_rowid();
            let full = format!("SELECT held > {MAX_RECEIVED} OR bytes > {MAX_BYTES} FROM received_totals");
            let oldest = "DELETE FROM received WHERE id = (SELECT id FROM received ORDER BY proven, id LIMIT 1)";
            for _ in 0..MAX_GONE {
                if !t.prepare_cached(&full)?.query_row([], |row| row.get(0))? {
                    break;
                }
                t.prepare_cached(oldest)?.execute([])?;
            }
            Ok(new > 0 && t.prepare_cached("SELECT 1 FROM received WHERE id = ?1")?.exists([id])?)
        })
    }

    /// Reports with their numbers, newest first: those before this number, if one is given, `limit` at most (1,000).
    pub fn received_reports(
        &self,
        filter: &ReportFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, ReceivedReport)>, StoreError> {
        let mut sql = format!("SELECT {COLUMNS} FROM received WHERE id < ? AND at_ms >= ?");
        let mut values =
            vec![Value::Integer(before.unwrap_or(i64::MAX)), Value::Integer(filter.since_ms.map_or(0, signed))];
        if let Some(domain) = &filter.domain {
            sql.push_str(" AND domain = ?");
            values.push(Value::Text(domain.trim().trim_end_matches('.').to_lowercase()));
        }
        if filter.failed {
            sql.push_str(" AND failed > 0");
        }
        sql.push_str(" ORDER BY id DESC LIMIT ?");
        values.push(Value::Integer(i64::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(1)));
        self.inner.dmarc.read("list reports of DMARC", |c| {
            c.prepare_cached(&sql)?.query_map(params_from_iter(&values), read_row)?.collect()
        })
    }

    /// Deletes reports that came before a time (milliseconds since 1970) and says how many.
    pub fn expire_reports(&self, before_ms: u64) -> Result<u64, StoreError> {
        let old = "DELETE FROM received WHERE id IN \
                   (SELECT id FROM received WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)";
        self.inner.dmarc.write_in_parts("delete old reports of DMARC", |t| {
            t.prepare_cached(old)?.execute(params![signed(before_ms), BATCH])
        })
    }

    /// All of a report, as it was kept.
    pub fn received_report(&self, id: i64) -> Result<Option<(ReceivedReport, String)>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, detail FROM received WHERE id = ?1");
        self.inner.dmarc.read("read a report of DMARC", |c| {
            c.prepare_cached(&sql)?.query_row([id], |row| Ok((read_row(row)?.1, row.get(11)?))).optional()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(number: u64, proven: bool) -> ReceivedReport {
        ReceivedReport {
            at_ms: number,
            domain: "example.org".to_owned(),
            org: "them".to_owned(),
            report: number.to_string(),
            begin: 1,
            end: 2,
            passed: 3,
            failed: number % 2,
            proven,
            sender: "them.example".to_owned(),
        }
    }

    #[test]
    fn reports_are_kept_once_and_found_by_what_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        for number in [1, 2, 3] {
            assert!(store.keep_report(&report(number, true), "detail").unwrap());
        }
        assert!(!store.keep_report(&report(2, true), "other").unwrap(), "it is there already");
        assert!(
            store.keep_report(&report(2, false), "made up").unwrap(),
            "a made-up one keeps no true one out, nor that it"
        );
        store.inner.dmarc.write("drop", |t| t.execute("DELETE FROM received WHERE NOT proven", [])).unwrap();
        let other = ReceivedReport { domain: "example.net".to_owned(), ..report(4, true) };
        assert!(store.keep_report(&other, "detail").unwrap());
        let found = |filter: ReportFilter, before| -> Vec<u64> {
            let all = store.received_reports(&filter, before, 10).unwrap();
            all.into_iter().map(|(_, report)| report.at_ms).collect()
        };
        let none = ReportFilter::default;
        assert_eq!(found(none(), None), [4, 3, 2, 1]);
        assert_eq!(found(ReportFilter { domain: Some("Example.ORG.".to_owned()), ..none() }, None), [3, 2, 1]);
        assert_eq!(found(ReportFilter { failed: true, ..none() }, None), [3, 1]);
        assert_eq!(found(ReportFilter { since_ms: Some(3), ..none() }, None), [4, 3]);
        let first = store.received_reports(&none(), None, 1).unwrap().remove(0).0;
        assert_eq!(found(none(), Some(first)), [3, 2, 1]);
        assert_eq!(store.received_report(first).unwrap(), Some((other, "detail".to_owned())));
        assert_eq!(store.received_report(first + 1).unwrap(), None);
        assert!(store.keep_report(&report(9, true), &"x".repeat(MAX_DETAIL + 1)).is_err());
    }

    #[test]
    fn reports_go_when_they_are_old_whatever_proves_them() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let some = 2 * BATCH as u64 + 3;
        for number in 0..some {
            // They come in any order: a worker may be slow with one.
            let number = (number * 7) % some;
            assert!(store.keep_report(&report(number, number.is_multiple_of(2)), "detail").unwrap());
        }
        let times = || -> Vec<u64> {
            let all = store.received_reports(&ReportFilter::default(), None, MAX_PAGE).unwrap();
            let mut times: Vec<u64> = all.into_iter().map(|(_, report)| report.at_ms).collect();
            times.sort_unstable();
            times
        };
        assert_eq!(store.expire_reports(0).unwrap(), 0);
        assert_eq!(times().len() as u64, some);
        assert_eq!(store.expire_reports(some - 2).unwrap(), some - 2, "in more than one step");
        assert_eq!(times(), [some - 2, some - 1], "who came at that time stays");
        assert_eq!(store.expire_reports(some - 2).unwrap(), 0);
        let bytes = "SELECT held, bytes > 0 FROM received_totals";
        let held = store.inner.dmarc.read("totals", |c| c.query_row(bytes, [], |row| Ok((row.get(0)?, row.get(1)?))));
        assert_eq!(held.unwrap(), (2_i64, true), "room is counted back");
    }

    #[test]
    fn old_reports_are_found_by_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        let sql = "EXPLAIN QUERY PLAN SELECT id FROM received WHERE at_ms < 1 ORDER BY at_ms LIMIT 1";
        let plan: String = store.inner.dmarc.read("plan", |c| c.query_row(sql, [], |row| row.get(3))).unwrap();
        assert!(plan.contains("received_by_age"), "{plan}");
    }

    #[test]
    fn made_up_reports_take_no_room_from_proven_ones() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::Options::default()).unwrap();
        assert!(store.keep_report(&report(1, true), "true").unwrap());
        let fill = "UPDATE received_totals SET held = ?1";
        for number in 2..5 {
            store.inner.dmarc.write("fill", |t| t.execute(fill, [MAX_RECEIVED - 1])).unwrap();
            assert!(store.keep_report(&report(number, false), "made up").unwrap());
            store.inner.dmarc.write("fill", |t| t.execute(fill, [MAX_RECEIVED])).unwrap();
            assert!(store.keep_report(&report(number + 100, false), "made up").unwrap());
        }
        let all = store.received_reports(&ReportFilter::default(), None, 100).unwrap();
        assert!(all.iter().any(|(_, report)| report.proven), "{all:?}");
        store.inner.dmarc.write("fill", |t| t.execute("DELETE FROM received WHERE NOT proven", [])).unwrap();
        store.inner.dmarc.write("fill", |t| t.execute(fill, [MAX_RECEIVED])).unwrap();
        assert!(!store.keep_report(&report(200, false), "made up").unwrap(), "there is no room beside proven ones");
        assert_eq!(all.len(), 4, "each that was too much pushed out one that is not proven: {all:?}");
    }
}
