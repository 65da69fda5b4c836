//! What was answered lately. Bounded in entries and bytes; what does not fit is asked again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use tokio::time::Instant;

use super::answer::{DnsError, Reply};

/// Most answers that are kept.
const MAX_ENTRIES: usize = 20_000;
/// Most bytes of all answers that are kept.
const MAX_BYTES: usize = 32 << 20;
/// The longest that an answer is believed, whatever the server says.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
/// How long a failure holds, so that a broken domain is not asked for with each message (RFC 9520
/// section 3.2).
pub(super) const FAILURE: Duration = Duration::from_secs(5);
/// What an entry costs beside its packet.
const OVERHEAD: usize = 200;

/// A question: a name in lower case with a final dot, and a type.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    name: Name,
    kind: RecordType,
}

impl Key {
    /// `None` if it is no name: an empty label or one over 63 bytes, a name over 255, not printable ASCII.
    /// Any other character may stand in a name of the DNS (RFC 2181 section 11).
    pub(super) fn new(name: &str, kind: RecordType) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let labels: Vec<&[u8]> = name.split('.').map(str::as_bytes).collect();
        if labels.iter().any(|label| label.is_empty()) || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return None;
        }
        let mut name = Name::from_labels(labels).ok()?.to_lowercase();
        name.set_fqdn(true);
        Some(Self { name, kind })
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn kind(&self) -> RecordType {
        self.kind
    }
}

#[derive(Debug)]
struct Entry {
    result: Result<Arc<Reply>, DnsError>,
    until: Instant,
    cost: usize,
}

#[derive(Debug, Default)]
struct Entries {
    map: HashMap<Key, Entry>,
    bytes: usize,
}

/// The cache.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: Mutex<Entries>,
}

impl Cache {
    /// What is still valid at `now`.
    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<Result<Arc<Reply>, DnsError>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.map.get(key)?;
        (entry.until > now).then(|| entry.result.clone())
    }

    /// Keeps an answer for so long.
    pub(super) fn put(&self, key: Key, result: &Result<Arc<Reply>, DnsError>, lifetime: Duration, now: Instant) {
        if lifetime.is_zero() {
            return;
        }
        let cost = OVERHEAD + result.as_ref().map_or(0, |reply| reply.size);
        let entry = Entry { result: result.clone(), until: now + lifetime.min(MAX_LIFETIME), cost };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.map.len() >= MAX_ENTRIES || entries.bytes.saturating_add(cost) > MAX_BYTES {
            entries.make_room(now);
        }
        entries.bytes = entries.bytes.saturating_add(cost);
        if let Some(old) = entries.map.insert(key, entry) {
            entries.bytes = entries.bytes.saturating_sub(old.cost);
        }
    }
}

impl Entries {
    /// Drops what is over, and half of the rest if that is not enough: which half is chance, so that
    /// nobody can choose it.
    fn make_room(&mut self, now: Instant) {
        self.map.retain(|_, entry| entry.until > now);
        if self.map.len() > MAX_ENTRIES / 2 || self.map.values().map(|entry| entry.cost).sum::<usize>() > MAX_BYTES / 2
        {
            let mut keep = false;
            self.map.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        self.bytes = self.map.values().map(|entry| entry.cost).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(name, RecordType::A).unwrap()
    }

    #[test]
    fn an_entry_ends_with_its_time() {
        let (cache, now) = (Cache::default(), Instant::now());
        cache.put(key("example.org"), &Err(DnsError::NoName), Duration::from_secs(10), now);
        assert_eq!(cache.get(&key("EXAMPLE.org."), now), Some(Err(DnsError::NoName)));
        assert_eq!(cache.get(&key("example.org"), now + Duration::from_secs(10)), None);
        assert_eq!(cache.get(&Key::new("example.org", RecordType::MX).unwrap(), now), None);
        cache.put(key("zero.example.org"), &Err(DnsError::NoName), Duration::ZERO, now);
        assert_eq!(cache.get(&key("zero.example.org"), now), None);
    }

    #[test]
    fn the_cache_stays_within_its_bounds() {
        let (cache, now) = (Cache::default(), Instant::now());
        for at in 0..MAX_ENTRIES + 100 {
            cache.put(key(&format!("n{at}.example.org")), &Err(DnsError::NoData), Duration::from_secs(60), now);
        }
        let size = 60_000;
        let large = Reply { records: Vec::new(), ttl: Duration::from_secs(60), authenticated: false, size };
        let large = Ok(Arc::new(large));
        for at in 0..2_000 {
            cache.put(key(&format!("l{at}.example.org")), &large, Duration::from_secs(60), now);
        }
        let entries = cache.entries.lock().unwrap();
        assert!(entries.map.len() <= MAX_ENTRIES && entries.bytes <= MAX_BYTES);
        assert_eq!(entries.bytes, entries.map.values().map(|entry| entry.cost).sum::<usize>());
        assert!(entries.map.len() > 100);
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        let long = format!("{}.example.org", "a".repeat(64));
        for name in ["", ".", "a..example.org", "\u{e9}.example.org", &long, &"a.".repeat(200)] {
            assert_eq!(Key::new(name, RecordType::A), None, "{name}");
        }
        for name in ["s1._domainkey.Example.ORG", "foo:bar/baz.example.org", "a b.example.org."] {
            assert!(Key::new(name, RecordType::TXT).is_some(), "{name}");
        }
    }
}
