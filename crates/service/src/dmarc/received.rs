//! Aggregate reports that others send about domains of ours: read by a worker as their mail arrives, and kept as rows.
//!
//! The mail itself goes on as always, and nobody waits for this. What is in a report is its sender's word: it is
//! kept with whether DMARC proves the sender. Limits: mail of [`MAX_MAIL`], [`MAX_WAITING`] at once, what a worker
//! gives (`scan::protocol`), and those of the store. Not kept: reports about domains that are not ours, and those in
//! mail that is not delivered.

use std::sync::Arc;
use std::time::Duration;

use judge::plan::{Fate, Plan};
use judge::policy::Policy;
use judge::site::Site;
use judge::status::Status;
use mail::address::Address;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{AuthResult, Authentication, Report};
use store::{MAX_DETAIL, ReceivedReport, Store};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use unpack::dmarc::{Aggregate, Found};

use super::blocking;
use crate::examine::Examiner;
use crate::metrics::{Metrics, ReceivedLabels};
use crate::spool::Spool;

/// Largest mail that is read for reports, in bytes.
const MAX_MAIL: u64 = 16 << 20;
/// Most mails that are read, or wait to be.
const MAX_WAITING: usize = 8;
/// How long reading may take.
const READING: Duration = Duration::from_secs(30);

/// Who reads reports, a few at a time.
#[derive(Debug)]
pub(crate) struct Reader {
    room: Arc<Semaphore>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(MAX_WAITING)) }
    }
}

/// Everything that reading needs.
pub(crate) struct Job {
    pub(crate) examiner: Arc<Examiner>,
    pub(crate) store: Store,
    pub(crate) site: Arc<Site>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Whether reports are looked for in a message: it is delivered to one of the addresses for them.
pub(crate) fn is_wanted(policy: &Policy, arrival: &Arrival, plan: &Plan) -> bool {
    let addresses = &policy.authentication.reports.received_at;
    let named = |to: &Address| addresses.iter().any(|address| to.as_str().eq_ignore_ascii_case(address));
    arrival.direction != Direction::Outgoing
        && arrival.size <= MAX_MAIL
        && plan.fate == Fate::Deliver
        && matches!(plan.status, Status::Clean | Status::NotScanned)
        && arrival.envelope.rcpt_to.iter().any(named)
}

impl Reader {
    /// Looks for reports in a message that somebody took, and in which they are wanted.
    pub(crate) fn read(&self, arrival: &Arrival, report: Option<&Report>, spool: &Spool, job: Job) {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!(id = %arrival.id, "too many reports of DMARC at once: this one is not kept");
            count(&job.metrics, "busy");
            return;
        };
        let proven = report.and_then(Report::auth).and_then(proven);
        let (arrival, spool) = (arrival.clone(), spool.clone());
        tokio::spawn(async move {
            keep(&arrival, proven.as_deref(), &spool, job).await;
            drop(room);
        });
    }
}

/// The author's domain, where DMARC proves it.
fn proven(auth: &Authentication) -> Option<String> {
    let [check] = auth.dmarc.as_slice() else { return None };
    (auth.dmarc() == AuthResult::Pass).then(|| check.domain.escaped(253))
}

fn count(metrics: &Metrics, result: &'static str) {
    metrics.dmarc_received.get_or_create(&ReceivedLabels { result }).inc();
}

async fn keep(arrival: &Arrival, proven: Option<&str>, spool: &Spool, job: Job) {
    let id = arrival.id;
    let Found { reports, more } = match job.examiner.reports(spool, Instant::now() + READING).await {
        Ok(found) => found,
        Err(why) => {
            tracing::warn!(%id, why, "reports of DMARC could not be read");
            return count(&job.metrics, "failed");
        }
    };
    if more {
        tracing::warn!(%id, "not all of a message was read for reports of DMARC: what else there is is not kept");
        count(&job.metrics, "cut");
    } else if reports.is_empty() {
        count(&job.metrics, "none");
    }
    for report in reports {
        let result = match row(arrival, proven, &job.site, report) {
            None => "foreign",
            Some((row, detail)) => {
                let store = job.store.clone();
                match blocking(move || store.keep_report(&row, &detail)).await {
                    Ok(true) => "kept",
                    Ok(false) => "known",
                    Err(why) => {
                        tracing::warn!(%id, %why, "a report of DMARC could not be kept");
                        "failed"
                    }
                }
            }
        };
        count(&job.metrics, result);
    }
}

/// A report as it is kept; `None` if it is about no domain of ours.
fn row(
    arrival: &Arrival,
    proven: Option<&str>,
    site: &Site,
    mut report: Aggregate,
) -> Option<(ReceivedReport, String)> {
    let domain = report.domain.trim_end_matches('.').to_lowercase();
    let known = Address::parse(&format!("postmaster@{domain}")).is_some_and(|address| site.is_internal(&address));
    let own = arrival.envelope.rcpt_to.iter().any(|to| to.domain() == domain);
    if !known && !own {
        return None;
    }
    let (passed, failed) = report.sums();
    let detail = detail(&mut report)?;
    let claimed = arrival.envelope.mail_from.as_ref().map_or("", |from| from.domain());
    let row = ReceivedReport {
        at_ms: arrival.received_ms,
        domain,
        org: report.org.clone(),
        report: report.id.clone(),
        begin: report.begin,
        end: report.end,
        passed,
        failed,
        proven: proven.is_some(),
        sender: proven.unwrap_or(claimed).to_owned(),
    };
    Some((row, detail))
}

/// A report as a text of [`MAX_DETAIL`] bytes at most: with fewer records where it is too long. What else is in a valid
/// one always fits.
fn detail(report: &mut Aggregate) -> Option<String> {
    let mut detail = serde_json::to_string(report).ok()?;
    while detail.len() > MAX_DETAIL && !report.records.is_empty() {
        report.shorten(report.records.len() / 2);
        detail = serde_json::to_string(report).ok()?;
    }
    Some(detail)
}

#[cfg(test)]
mod tests {
    use mail::evidence::{DmarcCheck, short};

    use unpack::dmarc::{AuthSeen, MAX_AUTH, MAX_POLICY, MAX_REASONS, MAX_TEXT, Record};

    use super::*;

    #[test]
    fn the_largest_report_fits_in_what_is_kept() {
        // A character that takes six bytes in JSON.
        let text = || "\u{1}".repeat(MAX_TEXT);
        let seen = || vec![AuthSeen { domain: text(), detail: text(), result: text() }; MAX_AUTH];
        let record = Record {
            source: text(),
            count: u64::MAX,
            disposition: text(),
            dkim: text(),
            spf: text(),
            reasons: vec![text(); MAX_REASONS],
            header_from: text(),
            envelope_from: text(),
            dkim_seen: seen(),
            spf_seen: seen(),
        };
        let policy = vec![(text(), text()); MAX_POLICY];
        let (begin, end, left_out) = (u64::MAX, u64::MAX, (u64::MAX, u64::MAX));
        let records = vec![record; 3];
        let (org, email, id, domain) = (text(), text(), text(), text());
        let mut report = Aggregate { org, email, id, begin, end, domain, policy, records, left_out, damaged: false };
        assert!(report.is_valid());
        let kept = detail(&mut report).unwrap();
        assert!(kept.len() <= MAX_DETAIL && report.policy.len() == MAX_POLICY, "{}", kept.len());
        report.org.push('a');
        assert!(!report.is_valid());
    }

    #[test]
    fn what_is_proven_is_the_author_and_not_the_envelope() {
        let check = |result| DmarcCheck { domain: short("evil.example"), result, ..DmarcCheck::default() };
        let auth = |checks: &[AuthResult], one_author| Authentication {
            dmarc: checks.iter().map(|result| check(*result)).collect(),
            one_author,
            ..Authentication::default()
        };
        let pass = AuthResult::Pass;
        assert_eq!(proven(&auth(&[pass], true)).as_deref(), Some("evil.example"));
        for (checks, one) in [(&[AuthResult::Fail][..], true), (&[pass], false), (&[pass, pass], true), (&[], true)] {
            assert_eq!(proven(&auth(checks, one)), None, "{checks:?} {one}");
        }
    }
}
