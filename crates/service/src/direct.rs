//! Delivery to servers that stand in the DNS: who takes a domain's mail (MX, RFC 5321 section 5.1), and what
//! their certificates must be (DANE, RFC 7672; MTA-STS, RFC 8461).
//!
//! Limits: [`MAX_SERVERS`] servers of a domain, [`MAX_ADDRESSES`] addresses of one, [`LOOK_LIMIT`] for all
//! questions about one session. DANE counts where the resolver's word on DNSSEC is believed, and nowhere else.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use net::dns::{Answer, DnsError, Mx, Tlsa};
use net::upstream::{Hop, UpstreamError};
use net::{Resolver, dane, tls};
use rustls::ClientConfig;
use settings::config::HopTls;
use settings::values::HostPort;
use tokio::time::Instant;
use wire::sts::Mode;

use crate::id;
use crate::sts;

/// Most servers of a domain that are tried.
pub const MAX_SERVERS: usize = 10;
/// Most addresses of one server that are tried.
pub const MAX_ADDRESSES: usize = 8;
/// How long all questions to the DNS about one session may take.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// Finds servers and what is known of their certificates.
#[derive(Clone, Debug)]
pub struct Finder {
    resolver: Resolver,
    policies: sts::Finder,
    verified: Arc<ClientConfig>,
}

/// A domain's servers.
struct Servers {
    /// The most preferred first, those of one preference in any order.
    names: Vec<String>,
    /// Their names are authenticated.
    secure: bool,
}

impl Finder {
    /// With these policies; `verified` are the settings of TLS that check names and issuers.
    pub fn new(resolver: Resolver, policies: sts::Finder, verified: Arc<ClientConfig>) -> Self {
        Self { resolver, policies, verified }
    }

    /// The servers of a domain, in the order in which they are to be tried, each with its addresses and the
    /// TLS that it must have. `like` says the rest.
    ///
    /// # Errors
    /// The domain takes no mail, or that cannot be found out now, or no server may be used.
    pub(crate) async fn of_domain(&self, like: &Hop, domain: &str, until: Instant) -> Result<Vec<Hop>, UpstreamError> {
        let until = until.min(Instant::now() + LOOK_LIMIT);
        let servers = self.servers(like, domain, until).await?;
        let mut found = Vec::new();
        let mut failed = None;
        for name in servers.names {
            let address = HostPort { host: name.clone(), port: like.address.port };
            let hop = Hop { address, label: Some(Arc::from("mx")), ..like.clone() };
            let hop = match self.secured(hop, Some(domain), servers.secure, until).await {
                Ok(hop) => hop,
                Err(error) => {
                    tracing::warn!(domain, hop = name, policy = like.tls.name(), %error, "no mail goes to a server of a domain: TLS is not as it has to be");
                    failed = Some(error);
                    continue;
                }
            };
            match self.addresses(&name, like.address.port, until).await {
                Ok(addresses) => found.push(Hop { addresses, ..hop }),
                Err(error) => failed = Some(UpstreamError::Connect(format!("{name}: {error}"))),
            }
        }
        match (found.is_empty(), failed) {
            (true, Some(error)) => Err(error),
            (true, None) => Err(UpstreamError::Connect(format!("{domain} has no mail server"))),
            (false, _) => Ok(found),
        }
    }

    async fn servers(&self, like: &Hop, domain: &str, until: Instant) -> Result<Servers, UpstreamError> {
        let mut answer = match self.resolver.mx(domain, until).await {
            Ok(answer) => answer,
            // Without a record the domain is its own server (RFC 5321 section 5.1). What is no DNSSEC proof
            // that there is none is none.
            Err(DnsError::NoData) => return Ok(Servers { names: vec![domain.to_owned()], secure: false }),
            Err(DnsError::NoName) => {
                return Err(UpstreamError::NoMail { status: "5.1.2", why: format!("there is no domain {domain}") });
            }
            Err(error) if error.is_absent() => {
                return Err(UpstreamError::NoMail { status: "5.1.2", why: format!("{domain}: {error}") });
            }
            Err(error) => return Err(UpstreamError::Connect(format!("the mail servers of {domain}: {error}"))),
        };
        if answer.records.iter().all(|mx| mx.host.is_empty()) {
            let why = format!("{domain} takes no mail (RFC 7505)");
            return Err(UpstreamError::NoMail { status: "5.1.10", why });
        }
        // Those that are no better than ourselves would give it back (RFC 5321 section 5.1).
        let ours = answer.records.iter().filter(|mx| mx.host.eq_ignore_ascii_case(&like.hostname));
        if let Some(limit) = ours.map(|mx| mx.preference).min() {
            answer.records.retain(|mx| mx.preference < limit);
            if answer.records.is_empty() {
                return Err(UpstreamError::Loop);
            }
        }
        Ok(Servers { names: order(&answer, &mut id::random_below), secure: answer.authenticated })
    }

    /// The addresses of a server. One kind that cannot be found out does not hide the other.
    async fn addresses(&self, name: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, DnsError> {
        let (six, four) = tokio::join!(self.resolver.aaaa(name, until), self.resolver.a(name, until));
        let mut found: Vec<IpAddr> =
            six.iter().flat_map(|answer| &answer.records).map(|ip| IpAddr::from(*ip)).collect();
        found.truncate(MAX_ADDRESSES / 2);
        found.extend(four.iter().flat_map(|answer| &answer.records).map(|ip| IpAddr::from(*ip)));
        found.truncate(MAX_ADDRESSES);
        if found.is_empty() {
            let temporary = |error: &DnsError| !error.is_absent();
            let why = six.err().filter(temporary).or(four.err());
            return Err(why.unwrap_or(DnsError::NoData));
        }
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    /// The server with the TLS that its policy comes to. `domain` is whose mail it takes, if its name comes
    /// from the DNS; `secure` says that this name is authenticated.
    ///
    /// # Errors
    /// It must not be used, or that cannot be found out now.
    pub(crate) async fn secured(
        &self,
        hop: Hop,
        domain: Option<&str>,
        secure: bool,
        until: Instant,
    ) -> Result<Hop, UpstreamError> {
        match hop.tls {
            HopTls::Dane | HopTls::DaneOnly => self.by_dane(hop, domain, secure, until).await,
            HopTls::MtaSts => self.by_policy(hop, domain, until).await,
            _ => Ok(hop),
        }
    }

    async fn by_dane(
        &self,
        hop: Hop,
        domain: Option<&str>,
        secure: bool,
        until: Instant,
    ) -> Result<Hop, UpstreamError> {
        let only = hop.tls == HopTls::DaneOnly;
        let records = match secure {
            true => self.records(&hop.address, until).await?,
            false => None,
        };
        let Some(records) = records else {
            if only {
                return Err(UpstreamError::Tls("there is no authenticated TLSA record".to_owned()));
            }
            return Ok(Hop { tls: HopTls::Opportunistic, verify: false, ..hop });
        };
        if !records.iter().any(dane::is_usable) {
            if only {
                return Err(UpstreamError::Tls("no TLSA record is of use".to_owned()));
            }
            // Such records still say that there is TLS (RFC 7672 section 2.2).
            return Ok(Hop { tls: HopTls::Required, verify: false, ..hop });
        }
        let names = [Some(hop.address.host.as_str()), domain];
        let names = names.into_iter().flatten().filter_map(|name| tls::server_name(name).ok()).collect();
        let tls_config = dane::client_config(&records, names).map_err(|error| UpstreamError::Tls(error.to_string()))?;
        Ok(Hop { tls: HopTls::Verify, verify: true, tls_config, ..hop })
    }

    /// The TLSA records of a server; `None` if there are none that count. What cannot be found out puts the
    /// mail off: somebody may be hiding them (RFC 7672 section 2.1.1).
    async fn records(&self, server: &HostPort, until: Instant) -> Result<Option<Vec<Tlsa>>, UpstreamError> {
        if !self.resolver.trusts_ad() || server.ip().is_some() {
            return Ok(None);
        }
        match self.resolver.tlsa(&format!("_{}._tcp.{}", server.port, server.host), until).await {
            Ok(answer) => Ok(answer.authenticated.then_some(answer.records)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(UpstreamError::Tls(format!("its TLSA records cannot be looked up: {error}"))),
        }
    }

    async fn by_policy(&self, hop: Hop, domain: Option<&str>, until: Instant) -> Result<Hop, UpstreamError> {
        let policy = match domain {
            Some(domain) => self.policies.policy(domain, &self.resolver, until).await,
            None => None,
        };
        let name = hop.address.host.clone();
        let plain = Hop { tls: HopTls::Opportunistic, verify: false, ..hop };
        let Some(policy) = policy else { return Ok(plain) };
        let allowed = policy.allows(&name);
        match policy.mode {
            Mode::Enforce if allowed => {
                let tls_config = Arc::clone(&self.verified);
                Ok(Hop { tls: HopTls::Verify, verify: true, tls_config, ..plain })
            }
            Mode::Enforce => Err(UpstreamError::Tls(format!("the domain's MTA-STS policy does not name {name}"))),
            Mode::Testing | Mode::None => {
                if !allowed {
                    tracing::warn!(
                        domain,
                        hop = name,
                        "a server is not in the domain's MTA-STS policy, which is in testing: mail goes there"
                    );
                }
                Ok(plain)
            }
        }
    }
}

/// The names of servers: by preference, within one preference in random order. `random` gives a number
/// below its argument.
fn order(answer: &Answer<Mx>, random: &mut dyn FnMut(u32) -> u32) -> Vec<String> {
    let mut left: Vec<(u16, u32, &Mx)> = answer
        .records
        .iter()
        .filter(|mx| !mx.host.is_empty())
        .map(|mx| (mx.preference, random(u32::MAX), mx))
        .collect();
    left.sort_by_key(|(preference, by_chance, _)| (*preference, *by_chance));
    left.into_iter().map(|(_, _, mx)| mx.host.clone()).take(MAX_SERVERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_come_by_preference_and_then_by_chance() {
        let mx = |preference: u16, host: &str| Mx { preference, host: host.to_owned() };
        let records = vec![mx(20, "c"), mx(10, "a"), mx(10, "b"), mx(5, "")];
        let answer = Answer { records, ttl: Duration::from_secs(1), authenticated: false };
        let with = |numbers: [u32; 3]| {
            let mut numbers = numbers.into_iter();
            order(&answer, &mut |_| numbers.next().unwrap()).concat()
        };
        assert_eq!((with([0, 1, 2]), with([0, 2, 1])), ("abc".to_owned(), "bac".to_owned()));
    }
}
