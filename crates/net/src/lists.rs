//! Questions to lists in the DNS: is this address, is this domain on it (RFC 5782)?
//!
//! All questions of a message go out at once and end by one deadline. What a list says in 127.255.255.0/24
//! or outside of 127.0.0.0/8, and what it does not say in time, is an error of the list and never a listing
//! (D-1, EX-12).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use judge::origin::lists::{Listings, MAX_LISTS, means_listed};
use judge::policy::DnsList;
use mail::address::canonical;
use mail::evidence::{Extent, MAX_HOSTS};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::dns::{DnsError, Resolver};

/// Most subjects that come of one thing: an address of a link as written, without its query, and its host.
const MAX_FORMS: usize = 3;
/// Most questions about one message and set: enough for all that a policy and a message can have, which may show more to
/// some recipients than to others.
const MAX_QUESTIONS: usize = MAX_FORMS * MAX_HOSTS * MAX_LISTS * Extent::COUNT;
/// How often an error of one list is logged.
const LOG_EVERY: Duration = Duration::from_secs(3600);
/// Most lists whose last error is remembered.
const MAX_REMEMBERED: usize = 1000;

/// What became of questions to lists, for the metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Said {
    /// It is on the list.
    Listed,
    /// It is not.
    Absent,
    /// The list gave an answer that is none, or the DNS failed.
    Error,
}

impl Said {
    /// The word for it in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Absent => "absent",
            Self::Error => "error",
        }
    }
}

/// What a list is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A client's address.
    Address(IpAddr),
    /// The domain of a link, or an address that stands in one.
    Host(String),
    /// A form of a link's address, as `host/path?query` with a host as the DNS has it: asked for by its SHA-256, as
    /// files are.
    Url(String),
    /// A mail address: asked for by the SHA-1 of its small letters, as lists of addresses have them.
    Mail(String),
    /// A file, by its SHA-256: in base32, since a label has 63 bytes at most (RFC 1035, 2.3.4).
    File([u8; 32]),
}

impl Subject {
    /// What is asked about a link's address, `host[:port]/path?query`: all of it, without its query, and its host
    /// alone; each once.
    pub fn of_url(url: &str) -> Vec<Self> {
        let (authority, rest) = url.split_once('/').unwrap_or((url, ""));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (authority, ""),
        };
        let host = if host.starts_with('[') { Cow::Borrowed(host) } else { canonical(host) };
        let colon = if port.is_empty() { "" } else { ":" };
        let page = rest.split('?').next().unwrap_or_default();
        let mut forms = vec![format!("{host}{colon}{port}/{rest}"), format!("{host}{colon}{port}/{page}")];
        forms.push(format!("{host}/"));
        forms.dedup();
        forms.into_iter().map(Self::Url).collect()
    }

    /// The name that is asked for, below the list's zone; `None` where that cannot be one.
    fn name(&self, zone: &str) -> Option<String> {
        let reversed = |ip: &IpAddr| match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                format!("{d}.{c}.{b}.{a}")
            }
            IpAddr::V6(ip) => {
                let nibbles = ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
                nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
            }
        };
        let front = match self {
            Self::Mail(address) => {
                let lower = address.trim().to_lowercase();
                hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, lower.as_bytes()).as_ref())
            }
            Self::Url(form) => base32(digest::digest(&digest::SHA256, form.as_bytes()).as_ref()),
            Self::File(sha256) => base32(sha256),
            Self::Address(ip) => reversed(ip),
            Self::Host(host) => match host.parse::<IpAddr>() {
                Ok(ip) => reversed(&ip),
                Err(_) if host.contains('.') => canonical(host).into_owned(),
                Err(_) => return None,
            },
        };
        Some(format!("{front}.{}", zone.trim_matches('.')))
    }

    /// What it is called in what lists said.
    pub fn text(&self) -> String {
        match self {
            Self::Address(ip) => ip.to_string(),
            Self::Host(host) => host.clone(),
            Self::Url(form) => form.clone(),
            Self::Mail(address) => address.clone(),
            Self::File(sha256) => hex(sha256.get(..6).unwrap_or_default()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Base32 in small letters, without padding (RFC 4648, 6).
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| (byte >> (7 - at % 8)) & 1 == 1);
    let value = |from: usize| (0..5).fold(0_usize, |value, at| (value << 1) | usize::from(bit(from + at)));
    let letters = (0..bytes.len() * 8).step_by(5).map(|from| LETTERS.get(value(from)).copied().unwrap_or(b'a'));
    letters.map(char::from).collect()
}

/// Asks every list about every subject. `count` hears what each question came to.
pub async fn ask(
    resolver: &Resolver,
    lists: &[DnsList],
    subjects: &[Subject],
    deadline: Instant,
    mut count: impl FnMut(Said),
) -> Listings {
    let mut questions = JoinSet::new();
    let pairs = subjects.iter().flat_map(|subject| lists.iter().map(move |list| (list, subject)));
    for (list, subject) in pairs.take(MAX_QUESTIONS) {
        let Some(name) = subject.name(&list.zone) else { continue };
        let (resolver, list, subject) = (resolver.clone(), list.clone(), subject.text());
        questions.spawn(async move { (resolver.a(&name, deadline).await, list, subject) });
    }
    let mut listings = Listings::default();
    while let Some(answered) = questions.join_next().await {
        let Ok((answer, list, subject)) = answered else { continue };
        let said = match answer {
            Ok(answer) if answer.records.iter().all(|ip| means_listed(*ip)) => {
                listings.listed.push((subject, list.zone.clone(), list.weight));
                Said::Listed
            }
            Ok(answer) => {
                let odd = answer.records.iter().find(|ip| !means_listed(**ip));
                complain(&list.zone, &odd.map_or_else(String::new, |ip| format!("it answered {ip}")));
                Said::Error
            }
            Err(error) if error.is_absent() => Said::Absent,
            Err(error @ DnsError::BadName(_)) => {
                tracing::debug!(%error, "a name that no list can be asked about");
                Said::Absent
            }
            Err(error) => {
                complain(&list.zone, &error.to_string());
                Said::Error
            }
        };
        count(said);
    }
    listings.listed.sort();
    listings
}

/// Logs an error of a list, once an hour for each.
fn complain(zone: &str, error: &str) {
    static LAST: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.get(zone).is_some_and(|at| at.elapsed() < LOG_EVERY) {
        return;
    }
    if last.len() >= MAX_REMEMBERED {
        last.clear();
    }
    last.insert(zone.to_owned(), Instant::now());
    tracing::warn!(zone, error, "a DNS list answers with an error; it counts as not listed (told once an hour)");
}
