//! DMARC aggregate reports (RFC 9990; RFC 7489 appendix C as it is in use): read, and written.
//!
//! A report is XML, mostly in gzip or zip, mostly in a mail; [`find`] takes any of these. What is written by
//! strangers is never believed to be well formed: what is missing is empty, what is damaged is said. Limits:
//! [`MAX_RECORDS`], [`MAX_AUTH`], [`MAX_TEXT`], and those of [`find`]. Not handled: failure reports (RFC 9991),
//! extensions.

mod read;
pub(crate) mod record;
mod write;

use mail::evidence::FileKind;
use mail::graph::looks_like_message;
use serde::{Deserialize, Serialize};

use crate::{Budget, Limits, Opening, StopFlag, detect, open};

pub use read::read;
pub use record::{Published, Target};
pub use write::to_xml;

/// Most records of a report that are read.
pub const MAX_RECORDS: usize = 100_000;
/// Most results of one method in a record.
pub const MAX_AUTH: usize = 20;
/// Longest text of a field, in bytes.
pub const MAX_TEXT: usize = 512;
/// Most fields of a policy.
pub const MAX_POLICY: usize = 20;
/// Most reasons of a record.
pub const MAX_REASONS: usize = 20;
/// Deepest level at which a report is looked for: a mail, an attached mail, an archive, the file.
const MAX_DEPTH: u16 = 5;
/// Most reports that are read out of one file.
const MAX_REPORTS: usize = 100;
/// Limits of the search.
const LIMITS: Limits = Limits {
    depth: MAX_DEPTH,
    objects: 1_000,
    bytes_out: 256 << 20,
    object_bytes: 128 << 20,
    ratio: 1_000,
    fuel: 2 << 30,
};

/// What a method found: of SPF or of a signature.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct AuthSeen {
    /// The domain that was checked.
    pub domain: String,
    /// The selector of a signature; the scope of SPF (`mfrom`, `helo`).
    pub detail: String,
    /// What came out.
    pub result: String,
}

/// Messages from one source that were treated alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// The address that they came from.
    pub source: String,
    /// How many.
    pub count: u64,
    /// What was done: `none`, `pass`, `quarantine`, `reject`.
    pub disposition: String,
    /// DMARC by signatures: `pass` or `fail`.
    pub dkim: String,
    /// DMARC by SPF: `pass` or `fail`.
    pub spf: String,
    /// Why the policy was not followed: types of reasons.
    pub reasons: Vec<String>,
    /// The author's domain.
    pub header_from: String,
    /// The domain of the envelope's sender.
    pub envelope_from: String,
    /// The signatures.
    pub dkim_seen: Vec<AuthSeen>,
    /// SPF.
    pub spf_seen: Vec<AuthSeen>,
}

impl AuthSeen {
    fn is_valid(&self) -> bool {
        [&self.domain, &self.detail, &self.result].iter().all(|text| text.len() <= MAX_TEXT)
    }
}

impl Record {
    fn is_valid(&self) -> bool {
        let own = [&self.source, &self.disposition, &self.dkim, &self.spf, &self.header_from, &self.envelope_from];
        own.into_iter().chain(&self.reasons).all(|text| text.len() <= MAX_TEXT)
            && self.reasons.len() <= MAX_REASONS
            && [&self.dkim_seen, &self.spf_seen]
                .iter()
                .all(|seen| seen.len() <= MAX_AUTH && seen.iter().all(AuthSeen::is_valid))
    }

    /// Whether DMARC passed.
    pub fn passes(&self) -> bool {
        self.dkim == "pass" || self.spf == "pass"
    }
}

/// A report.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Aggregate {
    /// Who reports.
    pub org: String,
    /// Where to ask them.
    pub email: String,
    /// Its name.
    pub id: String,
    /// From when on, in seconds since 1970.
    pub begin: u64,
    /// Until when, in seconds since 1970.
    pub end: u64,
    /// The domain whose policy it is about.
    pub domain: String,
    /// What the policy says: names and values, `p` first.
    pub policy: Vec<(String, String)>,
    /// What was seen.
    pub records: Vec<Record>,
    /// Messages of records that are left out here: how many passed, and how many failed.
    pub left_out: (u64, u64),
    /// Something in it is not as it should be, or more than is read.
    pub damaged: bool,
}

impl Aggregate {
    /// How many messages passed, and how many failed; those of records that are left out count.
    pub fn sums(&self) -> (u64, u64) {
        let sum = |pass: bool| {
            let fitting = self.records.iter().filter(|record| record.passes() == pass);
            fitting.fold(0u64, |sum, record| sum.saturating_add(record.count))
        };
        let (passed, failed) = self.left_out;
        (sum(true).saturating_add(passed), sum(false).saturating_add(failed))
    }

    /// Whether it is within the limits of what is read: of one that comes from who is not believed.
    pub fn is_valid(&self) -> bool {
        let own = [&self.org, &self.email, &self.id, &self.domain];
        let policy = self.policy.iter().flat_map(|(name, value)| [name, value]);
        own.into_iter().chain(policy).all(|text| text.len() <= MAX_TEXT)
            && self.policy.len() <= MAX_POLICY
            && self.records.len() <= MAX_RECORDS
            && self.records.iter().all(Record::is_valid)
    }

    /// At most so many records: those that fail first, the most frequent of them. That some are missing is said.
    pub fn shorten(&mut self, most: usize) {
        if self.records.len() > most {
            self.records.sort_by_key(|record| (record.passes(), std::cmp::Reverse(record.count)));
            let whole = self.sums();
            self.records.truncate(most);
            self.left_out = (0, 0);
            let kept = self.sums();
            self.left_out = (whole.0.saturating_sub(kept.0), whole.1.saturating_sub(kept.1));
            self.damaged = true;
        }
    }
}

/// What [`find`] finds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    /// The reports, in order.
    pub reports: Vec<Aggregate>,
    /// Not everything was looked at, because of a limit, a password, or damage: there may be more.
    pub more: bool,
}

/// The reports in a file: XML, gzip, zip, or a message with any of them.
pub fn find(bytes: &[u8]) -> Found {
    let mut budget = Budget::new(LIMITS, StopFlag::default());
    let mut found = Found::default();
    let mut waiting: Vec<(Vec<u8>, u16)> = vec![(bytes.to_vec(), 0)];
    while let Some((content, depth)) = waiting.pop() {
        if budget.enter_object(depth).is_err() || found.reports.len() >= MAX_REPORTS {
            found.more = true;
            break;
        }
        if let Some(report) = read(&content) {
            found.reports.push(report);
            continue;
        }
        let message = looks_like_message(&content);
        let kind = if message { FileKind::Message } else { detect(&content) };
        if !matches!(kind, FileKind::Message | FileKind::Zip | FileKind::Gzip | FileKind::Compressed) {
            continue;
        }
        let mut container = match open(kind, &content, &mut budget) {
            Opening::Container(container) => container,
            Opening::Unscanned(_) => {
                found.more = true;
                continue;
            }
            Opening::Leaf => continue,
        };
        let mut members = Vec::new();
        while let Some(member) = container.next(&content, &mut budget) {
            found.more |= !member.problems.is_empty();
            if member.kind.is_some() {
                continue;
            }
            if depth < MAX_DEPTH && members.len() < LIMITS.objects as usize {
                members.push((member.content, depth.saturating_add(1)));
            } else {
                found.more = true;
            }
        }
        found.more |= !container.problems().is_empty();
        waiting.extend(members.into_iter().rev());
    }
    found
}

#[cfg(test)]
mod tests;
