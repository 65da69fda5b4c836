//! Finding the entries that name an address, at a cost that does not grow with their number.
//!
//! Exact addresses, whole domains and all below a domain are each one look into a hash table, or one for each
//! level of the domain. Other masks lie in buckets by the whole labels at the end of their domain, at most
//! [`MAX_ALIKE`] in one. Networks are one look for each length of prefix that there is.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::value::{MAX_COMPARED, MAX_VALUE, Rank, Subject, Value};
use super::{List, Record};

/// Most masks with other wildcards than a whole domain that end in the same labels.
pub const MAX_ALIKE: usize = 500;

/// The entries for one value: at most one a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Slots {
    allow: Option<u32>,
    deny: Option<u32>,
}

impl Slots {
    fn put(&mut self, list: List, at: u32) {
        match list {
            List::Allow => self.allow = Some(at),
            List::Deny => self.deny = Some(at),
        }
    }
}

/// Entries by what they name.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Index {
    exact: HashMap<Box<str>, Slots>,
    whole: HashMap<Box<str>, Slots>,
    below: HashMap<Box<str>, Slots>,
    masks: HashMap<Box<str>, Vec<(Value, Slots)>>,
    networks: HashMap<IpNet, Slots>,
    /// The lengths of prefixes that networks have, for each kind of address, the longest first.
    lengths: [Vec<u8>; 2],
}

/// The most specific entries of both lists that name something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Best {
    pub(super) allow: Option<(Rank, u32)>,
    pub(super) deny: Option<(Rank, u32)>,
    /// How many hash tables and masks were looked at.
    pub(super) looks: u32,
}

impl Best {
    fn take(&mut self, slots: Slots, rank: Rank) {
        let better = |held: Option<(Rank, u32)>, new: Option<u32>| match (held, new) {
            (Some((than, _)), Some(at)) if rank > than => Some((rank, at)),
            (None, Some(at)) => Some((rank, at)),
            (held, _) => held,
        };
        self.allow = better(self.allow, slots.allow);
        self.deny = better(self.deny, slots.deny);
    }

    fn look(&mut self) {
        self.looks = self.looks.saturating_add(1);
    }
}

/// The bucket of a mask: the whole labels at the end of its domain, perhaps none.
fn bucket(domain: &str) -> &str {
    let Some(wild) = domain.rfind(['*', '?']) else { return domain };
    let rest = domain.get(wild..).unwrap_or_default();
    rest.split_once('.').map_or("", |(_, labels)| labels)
}

fn family(ip: IpAddr) -> usize {
    usize::from(ip.is_ipv6())
}

impl Index {
    /// Adds an entry; `false` if its bucket is full.
    pub(super) fn add(&mut self, record: &Record, at: u32) -> bool {
        let slots = match &record.value {
            Value::Exact { local, domain } => self.exact.entry(format!("{local}@{domain}").into()).or_default(),
            Value::Mask { local, domain } if local == "*" && !domain.contains(['*', '?']) => {
                self.whole.entry(domain.as_str().into()).or_default()
            }
            Value::Mask { local, domain } => {
                match domain.strip_prefix("*.").filter(|rest| !rest.contains(['*', '?'])) {
                    Some(rest) if local == "*" => self.below.entry(rest.into()).or_default(),
                    _ => return self.add_mask(record, bucket(domain), at),
                }
            }
            Value::Network(network) => {
                if let Some(lengths) = self.lengths.get_mut(family(network.addr()))
                    && let Err(place) = lengths.binary_search_by(|length| network.prefix_len().cmp(length))
                {
                    lengths.insert(place, network.prefix_len());
                }
                self.networks.entry(*network).or_default()
            }
        };
        slots.put(record.list, at);
        true
    }

    fn add_mask(&mut self, record: &Record, bucket: &str, at: u32) -> bool {
        let masks = self.masks.entry(bucket.into()).or_default();
        if let Some((_, slots)) = masks.iter_mut().find(|(value, _)| *value == record.value) {
            slots.put(record.list, at);
            return true;
        }
        if masks.len() >= MAX_ALIKE {
            return false;
        }
        let mut slots = Slots::default();
        slots.put(record.list, at);
        masks.push((record.value.clone(), slots));
        true
    }

    /// The most specific entries that name this address.
    pub(super) fn find(&self, subject: &Subject) -> Best {
        let mut best = Best::default();
        if subject.local.len().saturating_add(subject.domain.len()) < MAX_VALUE {
            best.look();
            let key = format!("{}@{}", subject.local, subject.domain);
            if let Some(slots) = self.exact.get(key.as_str()) {
                let value = Value::Exact { local: subject.local.clone(), domain: subject.domain.clone() };
                best.take(*slots, value.rank());
            }
        }
        best.look();
        if let Some(slots) = self.whole.get(subject.domain.as_str()) {
            let value = Value::Mask { local: "*".to_owned(), domain: subject.domain.clone() };
            best.take(*slots, value.rank());
        }
        let comparable = subject.local.len().saturating_add(subject.domain.len()) <= MAX_COMPARED;
        let mut above = Some(subject.domain.as_str());
        while let Some(end) = above.filter(|end| !end.is_empty()) {
            let next = end.split_once('.').map(|(_, rest)| rest);
            // No entry ends in more than an entry can have.
            if end.len() <= MAX_VALUE {
                if end.len() < subject.domain.len() {
                    best.look();
                    if let Some(slots) = self.below.get(end) {
                        let value = Value::Mask { local: "*".to_owned(), domain: format!("*.{end}") };
                        best.take(*slots, value.rank());
                    }
                }
                if comparable {
                    self.compare(end, subject, &mut best);
                }
            }
            above = next;
        }
        if comparable {
            self.compare("", subject, &mut best);
        }
        best
    }

    fn compare(&self, bucket: &str, subject: &Subject, best: &mut Best) {
        best.look();
        for (value, slots) in self.masks.get(bucket).into_iter().flatten() {
            best.look();
            if value.fits(subject) {
                best.take(*slots, value.rank());
            }
        }
    }

    /// The most specific entries that name this IP address.
    pub(super) fn find_ip(&self, ip: IpAddr) -> Best {
        let mut best = Best::default();
        let ip = ip.to_canonical();
        for length in self.lengths.get(family(ip)).into_iter().flatten() {
            best.look();
            let Ok(network) = IpNet::new(ip, *length) else { continue };
            let network = network.trunc();
            if let Some(slots) = self.networks.get(&network) {
                best.take(*slots, Value::Network(network).rank());
            }
        }
        best
    }
}
