//! What a server's packet says, as a value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use super::cache::{FAILURE, Key};

/// Most records of one answer that are used.
const MAX_RECORDS: usize = 256;
/// Most aliases that are followed inside one answer.
const MAX_ALIASES: usize = 16;
/// How long "there is no such thing" holds when the server does not say how long (RFC 2308).
const NEGATIVE: Duration = Duration::from_secs(60);
/// The longest that "there is no such thing" holds (RFC 2308 section 5).
const MAX_NEGATIVE: Duration = Duration::from_secs(3600);

/// What there is under a name. Never without a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer<T> {
    /// The records.
    pub records: Vec<T>,
    /// How long they hold, as the server said it.
    pub ttl: Duration,
    /// A server whose word is believed has checked their signatures (`dns.trust_ad`).
    pub authenticated: bool,
}

/// A mail server of a domain (RFC 5321 section 5.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mx {
    /// The lower, the sooner it is tried.
    pub preference: u16,
    /// Its name, in lower case without a final dot; empty says that the domain takes no mail (RFC 7505).
    pub host: String,
}

/// What a certificate has to be (RFC 6698 section 2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tlsa {
    /// Certificate usage: 2 is a trust anchor, 3 the server's own (RFC 7671).
    pub usage: u8,
    /// 0: the whole certificate, 1: its public key.
    pub selector: u8,
    /// 0: as it is, 1: SHA-256, 2: SHA-512.
    pub matching: u8,
    /// What it must match.
    pub data: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DnsError {
    /// The name does not exist (NXDOMAIN).
    NoName,
    /// The name exists, but has no such record.
    NoData,
    /// It could not be found out now: no answer in time, or the server failed. Ask again later.
    Temporary(String),
    /// The servers refuse to answer us.
    Refused(String),
    /// It is no name that can be asked for.
    BadName(String),
}

impl DnsError {
    /// Whether it is certain that there is no such record.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NoName | Self::NoData | Self::BadName(_))
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("there is no such name"),
            Self::NoData => f.write_str("the name has no such record"),
            Self::Temporary(why) => write!(f, "it could not be looked up: {why}"),
            Self::Refused(why) => write!(f, "the DNS server refuses to answer: {why}"),
            Self::BadName(name) => write!(f, "{name:?} is not a name in the DNS"),
        }
    }
}

impl std::error::Error for DnsError {}

/// What a server said, with how long it holds.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) result: Result<Arc<Reply>, DnsError>,
    pub(super) lifetime: Duration,
}

impl Outcome {
    pub(super) fn failed(error: DnsError) -> Self {
        Self { result: Err(error), lifetime: FAILURE }
    }
}

/// The records that answer a question; all of the type that was asked for.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reply {
    pub(super) records: Vec<RData>,
    pub(super) ttl: Duration,
    pub(super) authenticated: bool,
    /// Bytes of the packet it came in, for the size of the cache.
    pub(super) size: usize,
}

impl Reply {
    /// The records as plain values.
    pub(super) fn pick<T>(&self, pick: impl Fn(&RData) -> Option<T>) -> Result<Answer<T>, DnsError> {
        let records: Vec<T> = self.records.iter().filter_map(pick).collect();
        if records.is_empty() {
            return Err(DnsError::NoData);
        }
        Ok(Answer { records, ttl: self.ttl, authenticated: self.authenticated })
    }
}

/// A name in lower case without its final dot. What could be taken for something else in it is escaped
/// (RFC 1035 section 5.1).
pub(super) fn plain(name: &Name) -> String {
    let is_plain = |label: &&[u8]| label.iter().all(|byte| byte.is_ascii_graphic() && !b".\\".contains(byte));
    if name.iter().all(|label| is_plain(&label)) {
        let labels: Vec<String> =
            name.iter().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect();
        return labels.join(".");
    }
    name.to_ascii().to_ascii_lowercase().trim_end_matches('.').to_owned()
}

/// Reads a response that fits its question.
pub(super) fn read(message: &Message, key: &Key, size: usize, trust_ad: bool) -> Outcome {
    let absent = |error| Outcome { result: Err(error), lifetime: negative_lifetime(message) };
    match message.metadata.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return absent(DnsError::NoName),
        ResponseCode::Refused => return Outcome::failed(DnsError::Refused("REFUSED".to_owned())),
        code => return Outcome::failed(DnsError::Temporary(format!("the server says {code}"))),
    }
    let (records, ttl) = records(message, key.name(), key.kind());
    if records.is_empty() {
        return absent(DnsError::NoData);
    }
    let authenticated = trust_ad && message.metadata.authentic_data;
    Outcome { result: Ok(Arc::new(Reply { records, ttl, authenticated, size })), lifetime: ttl }
}

/// The records of the name and of what it is an alias of, and the shortest time that any of them holds.
fn records(message: &Message, name: &Name, kind: RecordType) -> (Vec<RData>, Duration) {
    let mut owner = name.clone();
    let mut ttl = u32::MAX;
    for _ in 0..MAX_ALIASES {
        let of_owner = || message.answers.iter().filter(|record| record.name == owner);
        let found: Vec<&_> = of_owner().filter(|record| record.data.record_type() == kind).take(MAX_RECORDS).collect();
        if !found.is_empty() {
            ttl = found.iter().map(|record| record.ttl).fold(ttl, u32::min);
            return (found.into_iter().map(|record| record.data.clone()).collect(), seconds(ttl));
        }
        let alias = of_owner().find_map(|record| match &record.data {
            RData::CNAME(to) => Some((to.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((to, holds)) = alias else { break };
        ttl = ttl.min(holds);
        owner = to;
    }
    (Vec::new(), Duration::ZERO)
}

/// How long "there is none" holds: what the zone's SOA says (RFC 2308 section 5).
fn negative_lifetime(message: &Message) -> Duration {
    let soa = message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(seconds(soa.minimum.min(record.ttl))),
        _ => None,
    });
    soa.unwrap_or(NEGATIVE).min(MAX_NEGATIVE)
}

fn seconds(ttl: u32) -> Duration {
    // The highest bit makes a time-to-live zero (RFC 2181 section 8).
    Duration::from_secs(u64::from(if ttl > i32::MAX as u32 { 0 } else { ttl }))
}
