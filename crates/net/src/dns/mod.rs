//! Questions to the DNS: one resolver for everything that asks, with a cache and a time limit a
//! question.
//!
//! It asks recursive servers (RFC 1034 section 5.3.1) over UDP, and over TCP what does not fit. An
//! answer counts only if it comes from the address that was asked, with the number and the question
//! that were sent. "There is no such name", "it has no such record", "ask again later" and "the
//! server refuses" are told apart, because authentication and lists need the difference.
//!
//! Not handled: validation of DNSSEC signatures. With `dns.trust_ad` the servers' word for it counts.

mod answer;
mod cache;
mod exchange;
mod rests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hickory_proto::rr::{Name, RData, RecordType};
use settings::config::Dns as Config;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

pub use self::answer::{Answer, DnsError, Mx, Tlsa};
use self::answer::{Outcome, Reply};
use self::cache::{Cache, Key};
use self::exchange::Servers;

/// The file with the system's DNS servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Most servers that are asked; the system's own resolver takes three.
const MAX_SERVERS: usize = 8;
/// Most questions that are under way at once.
const MAX_UNDER_WAY: usize = 512;

/// What a resolver did since the start of the program, for the metrics.
#[derive(Debug, Default)]
pub struct Figures {
    /// Questions that were asked of the resolver.
    pub questions: AtomicU64,
    /// Questions that the cache answered.
    pub hits: AtomicU64,
    /// Packets and TCP questions that were sent to servers.
    pub sent: AtomicU64,
    /// Questions that no server answered in time.
    pub timeouts: AtomicU64,
    /// Questions that failed in another way: refused, or the server could not find out.
    pub failures: AtomicU64,
    /// Packets that were no answer to what was asked: wrong number, wrong question, damaged.
    pub odd: AtomicU64,
    /// How often a server was found not to answer and left alone for a while.
    pub rests: AtomicU64,
    /// Servers that do not answer now.
    pub resting: AtomicU64,
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The resolver. Cloning gives another handle to the same cache.
#[derive(Clone, Debug)]
pub struct Resolver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    servers: Servers,
    limit: Duration,
    trust_ad: bool,
    cache: Cache,
    slots: Semaphore,
    figures: Arc<Figures>,
}

impl Resolver {
    /// A resolver with an empty cache. Nothing is asked yet; without any server each question fails
    /// at once. `figures` go on from a resolver that this one replaces.
    pub fn new(config: &Config, figures: Arc<Figures>) -> Self {
        let mut servers: Vec<SocketAddr> = config.servers.iter().map(|server| server.0).collect();
        if servers.is_empty() {
            servers = system_servers(&std::fs::read_to_string(RESOLV_CONF).unwrap_or_default());
        }
        servers.truncate(MAX_SERVERS);
        if servers.is_empty() {
            tracing::warn!("no DNS server is known: set dns.servers, or a nameserver in {RESOLV_CONF}");
        }
        let limit = config.timeout.duration();
        // Of these servers nothing is known yet.
        figures.resting.store(0, Ordering::Relaxed);
        Self {
            shared: Arc::new(Shared {
                servers: Servers::new(servers, limit),
                limit,
                trust_ad: config.trust_ad,
                cache: Cache::default(),
                slots: Semaphore::new(MAX_UNDER_WAY),
                figures,
            }),
        }
    }

    /// The servers that are asked.
    pub fn servers(&self) -> &[SocketAddr] {
        self.shared.servers.addresses()
    }

    /// Whether the servers' word on DNSSEC is believed (`dns.trust_ad`).
    pub fn trusts_ad(&self) -> bool {
        self.shared.trust_ad
    }

    /// What was asked so far.
    pub fn figures(&self) -> &Arc<Figures> {
        &self.shared.figures
    }

    /// The IPv4 addresses of a name.
    ///
    /// # Errors
    /// See [`DnsError`]; so for all that follow. Each ends by `deadline`, and within `dns.timeout`.
    pub async fn a(&self, name: &str, deadline: Instant) -> Result<Answer<Ipv4Addr>, DnsError> {
        let pick = |data: &RData| if let RData::A(a) = data { Some(a.0) } else { None };
        self.ask(name, RecordType::A, deadline).await?.pick(pick)
    }

    /// The IPv6 addresses of a name.
    ///
    /// # Errors
    /// As for [`Self::a`].
    pub async fn aaaa(&self, name: &str, deadline: Instant) -> Result<Answer<Ipv6Addr>, DnsError> {
        let pick = |data: &RData| if let RData::AAAA(a) = data { Some(a.0) } else { None };
        self.ask(name, RecordType::AAAA, deadline).await?.pick(pick)
    }

    /// The names of an address, in lower case without a final dot.
    ///
    /// # Errors
    /// As for [`Self::a`].
    pub async fn ptr(&self, address: IpAddr, deadline: Instant) -> Result<Answer<String>, DnsError> {
        let pick = |data: &RData| if let RData::PTR(name) = data { Some(answer::plain(&name.0)) } else { None };
        let name = Name::from(address.to_canonical()).to_ascii();
        self.ask(&name, RecordType::PTR, deadline).await?.pick(pick)
    }

    /// The mail servers of a domain, the most preferred first.
    ///
    /// # Errors
    /// As for [`Self::a`].
    pub async fn mx(&self, domain: &str, deadline: Instant) -> Result<Answer<Mx>, DnsError> {
        let pick = |data: &RData| match data {
            RData::MX(mx) => Some(Mx { preference: mx.preference, host: answer::plain(&mx.exchange) }),
            _ => None,
        };
        let mut answer = self.ask(domain, RecordType::MX, deadline).await?.pick(pick)?;
        answer.records.sort();
        Ok(answer)
    }

    /// The texts of a name, the strings of each put together (RFC 7208 section 3.3).
    ///
    /// # Errors
    /// As for [`Self::a`].
    pub async fn txt(&self, name: &str, deadline: Instant) -> Result<Answer<Vec<u8>>, DnsError> {
        let pick = |data: &RData| if let RData::TXT(txt) = data { Some(txt.txt_data.concat()) } else { None };
        self.ask(name, RecordType::TXT, deadline).await?.pick(pick)
    }

    /// The certificates that a service is to show (RFC 6698); `name` as in `_25._tcp.mx.example.org`.
    ///
    /// # Errors
    /// As for [`Self::a`].
    pub async fn tlsa(&self, name: &str, deadline: Instant) -> Result<Answer<Tlsa>, DnsError> {
        let pick = |data: &RData| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        };
        self.ask(name, RecordType::TLSA, deadline).await?.pick(pick)
    }

    /// What the cache has, or a server says.
    async fn ask(&self, name: &str, kind: RecordType, deadline: Instant) -> Result<Arc<Reply>, DnsError> {
        let shared = &self.shared;
        add(&shared.figures.questions);
        let key = Key::new(name, kind).ok_or_else(|| DnsError::BadName(name.to_owned()))?;
        if let Some(outcome) = shared.cache.get(&key, Instant::now()) {
            add(&shared.figures.hits);
            return outcome;
        }
        let started = Instant::now();
        let until = deadline.min(started + shared.limit);
        let found = timeout_at(until, self.ask_servers(&key, until)).await;
        let Ok(Some(Outcome { result, lifetime })) = found else {
            add(&shared.figures.timeouts);
            let failed = Err(DnsError::Temporary("no answer in time".to_owned()));
            // A caller with little time left says nothing about the name.
            if until >= started + shared.limit {
                shared.cache.put(key, &failed, cache::FAILURE, Instant::now());
            }
            return failed;
        };
        if matches!(result, Err(DnsError::Temporary(_) | DnsError::Refused(_))) {
            add(&shared.figures.failures);
        }
        shared.cache.put(key, &result, lifetime, Instant::now());
        result
    }

    async fn ask_servers(&self, key: &Key, until: Instant) -> Option<Outcome> {
        let shared = &self.shared;
        // Never closed.
        let _slot = shared.slots.acquire().await;
        shared.servers.ask(key, shared.trust_ad, until, &shared.figures).await
    }
}

/// The servers in a `resolv.conf`; port 53.
fn system_servers(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok()).flatten()
    };
    text.lines().filter_map(address).map(|ip| SocketAddr::new(ip, 53)).collect()
}

#[cfg(test)]
mod tests {
    use super::system_servers;

    #[test]
    fn the_systems_servers_are_read() {
        let text = "# comment\nsearch example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1 # x\nnameserver host\n";
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|text| text.parse().unwrap());
        assert_eq!(system_servers(text), expected);
    }
}
