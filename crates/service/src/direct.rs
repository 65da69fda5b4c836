//! Delivery to servers that stand in the DNS: who takes a domain's mail (MX, RFC 5321 section 5.1), and what
//! their certificates must be (DANE, RFC 7672; MTA-STS, RFC 8461).
//!
//! Limits: [`MAX_SERVERS`] servers of a domain, [`MAX_ADDRESSES`] addresses of one, [`LOOK_LIMIT`] for all
//! questions about one session. DANE counts where the resolver's word on DNSSEC is believed, and nowhere else.
//!
//! Whoever owns a domain writes what stands there. So mail for it never goes to this machine itself or to its
//! link: such addresses of a server are passed over.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use net::dns::{Answer, DnsError, Mx, Tlsa};
use net::upstream::{Hop, UpstreamError};
use net::{Resolver, dane, tls};
use rustls::ClientConfig;
use settings::config::HopTls;
use settings::values::{HopPlace, HostPort};
use tokio::time::Instant;
use wire::sts::{Mode, Policy};

use crate::health::Known;
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
    local_servers: bool,
    /// The servers that failed lately.
    known: Arc<Known>,
}

/// Where a server is.
struct Addresses {
    all: Vec<SocketAddr>,
    /// The answers are authenticated.
    secure: bool,
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
        Self { resolver, policies, verified, local_servers: false, known: Arc::default() }
    }

    /// Which servers failed lately.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// The same, and servers of a domain may be on this machine: for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_local_servers(self) -> Self {
        Self { local_servers: true, ..self }
    }

    /// The servers of a domain, in the order in which they are to be tried, each with its addresses and the
    /// TLS that it must have. `like` says the rest.
    ///
    /// # Errors
    /// The domain takes no mail, or that cannot be found out now, or no server may be used.
    pub(crate) async fn of_domain(&self, like: &Hop, domain: &str, until: Instant) -> Result<Vec<Hop>, UpstreamError> {
        let until = until.min(Instant::now() + LOOK_LIMIT);
        let domain = &*mail::address::canonical(domain);
        let servers = self.servers(like, domain, until).await?;
        let policy = match like.tls {
            HopTls::MtaSts => self.policies.policy(domain, &self.resolver, until).await,
            _ => None,
        };
        let mut found = Vec::new();
        let mut failed = None;
        for name in servers.names {
            let addresses = match self.addresses(&name, like.address.port(), until).await {
                Ok(addresses) => addresses,
                Err(error) => {
                    failed = Some(UpstreamError::Connect(format!("{name}: {error}")));
                    continue;
                }
            };
            let all = self.outside(addresses.all);
            if all.is_empty() {
                failed = Some(UpstreamError::Connect(format!("{name} has no address but such of this machine")));
                continue;
            }
            let address = HopPlace::Tcp(HostPort { host: name.clone(), port: like.address.port() });
            let hop = Hop { address, label: Some(Arc::from("mx")), addresses: all, ..like.clone() };
            let secured = match like.tls {
                HopTls::MtaSts => self.by_policy(hop, domain, policy.as_ref()),
                _ => self.secured(hop, Some(domain), servers.secure && addresses.secure, until).await,
            };
            match secured {
                Ok(hop) => found.push(hop),
                Err(error) => {
                    tracing::warn!(domain, hop = name, policy = like.tls.name(), %error, "no mail goes to a server of a domain: TLS is not as it has to be");
                    failed = Some(error);
                }
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
            // Without a record the domain is its own server (RFC 5321 section 5.1). Its name is the one that the
            // sender wrote: whether its addresses and TLSA records count they say themselves.
            Err(DnsError::NoData) => return Ok(Servers { names: vec![domain.to_owned()], secure: true }),
            Err(DnsError::NoName) => {
                return Err(UpstreamError::NoMail { status: "5.1.2", why: format!("there is no domain {domain}") });
            }
            Err(error @ DnsError::BadName(_)) => {
                return Err(UpstreamError::NoMail { status: "5.1.3", why: error.to_string() });
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
    async fn addresses(&self, name: &str, port: u16, until: Instant) -> Result<Addresses, DnsError> {
        let (six, four) = tokio::join!(self.resolver.aaaa(name, until), self.resolver.a(name, until));
        let secure = six.iter().all(|answer| answer.authenticated) && four.iter().all(|answer| answer.authenticated);
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
        let all = found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Ok(Addresses { all, secure })
    }

    /// Those of a server's addresses that somebody else may name for us.
    fn outside(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        addresses.retain(|address| self.local_servers || is_outside(address.ip()));
        addresses
    }

    /// A server that the configuration names, with the TLS that its policy comes to.
    ///
    /// # Errors
    /// As [`Finder::secured`].
    pub(crate) async fn named(&self, hop: Hop, until: Instant) -> Result<Hop, UpstreamError> {
        let dane = matches!(hop.tls, HopTls::Dane | HopTls::DaneOnly);
        if !dane || hop.address.tcp().is_none_or(|tcp| tcp.ip().is_some()) || !self.resolver.trusts_ad() {
            return self.secured(hop, None, false, until).await;
        }
        let secure = match self.addresses(hop.address.host(), hop.address.port(), until).await {
            Ok(addresses) => addresses.secure,
            Err(error) if error.is_absent() => false,
            Err(error) => {
                return Err(UpstreamError::Tls(format!("whether its zone is signed cannot be looked up: {error}")));
            }
        };
        self.secured(hop, None, secure, until).await
    }

    /// The server with the TLS that its policy comes to. `domain` is whose mail it takes, if its name comes
    /// from the DNS; `secure` says that this name and its addresses are authenticated: nobody is asked for TLSA
    /// records otherwise (RFC 7672 section 2.2.2).
    ///
    /// # Errors
    /// It must not be used, or that cannot be found out now.
    async fn secured(
        &self,
        hop: Hop,
        domain: Option<&str>,
        secure: bool,
        until: Instant,
    ) -> Result<Hop, UpstreamError> {
        match hop.tls {
            HopTls::Dane | HopTls::DaneOnly => self.by_dane(hop, domain, secure, until).await,
            HopTls::MtaSts => self.by_policy(hop, domain.unwrap_or_default(), None),
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
            return Ok(otherwise(hop));
        };
        if !records.iter().any(dane::is_usable) {
            if only {
                return Err(UpstreamError::Tls("no TLSA record is of use".to_owned()));
            }
            // Such records still say that there is TLS (RFC 7672 section 2.2).
            return Ok(Hop { tls: HopTls::Required, ..hop });
        }
        let names = [Some(hop.address.host()).filter(|name| !name.is_empty()), domain];
        let names = names.into_iter().flatten().filter_map(|name| tls::server_name(name).ok()).collect();
        let tls_config = dane::client_config(&records, names, hop.own.clone())
            .map_err(|error| UpstreamError::Tls(error.to_string()))?;
        Ok(Hop { tls: HopTls::Verify, verify: true, tls_config, ..hop })
    }

    /// The TLSA records of a server; `None` if there are none that count. What cannot be found out puts the
    /// mail off: somebody may be hiding them (RFC 7672 section 2.1.1).
    async fn records(&self, server: &HopPlace, until: Instant) -> Result<Option<Vec<Tlsa>>, UpstreamError> {
        let Some(server) = server.tcp() else { return Ok(None) };
        if !self.resolver.trusts_ad() || server.ip().is_some() {
            return Ok(None);
        }
        match self.resolver.tlsa(&format!("_{}._tcp.{}", server.port, server.host), until).await {
            Ok(answer) => Ok(answer.authenticated.then_some(answer.records)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(UpstreamError::Tls(format!("its TLSA records cannot be looked up: {error}"))),
        }
    }

    /// What the domain's policy (RFC 8461) says of a server.
    fn by_policy(&self, hop: Hop, domain: &str, policy: Option<&Policy>) -> Result<Hop, UpstreamError> {
        let name = hop.address.host().to_owned();
        let plain = otherwise(hop);
        let Some(policy) = policy else { return Ok(plain) };
        let allowed = policy.allows(&name);
        match policy.mode {
            Mode::Enforce if allowed => {
                let tls_config = match plain.own.clone() {
                    None => Arc::clone(&self.verified),
                    own => {
                        tls::client_config(true, None, own).map_err(|error| UpstreamError::Tls(error.to_string()))?
                    }
                };
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

/// A server of which nothing stands in the DNS: TLS as it goes; with `verify` beside the policy, as it has to be.
fn otherwise(hop: Hop) -> Hop {
    let tls = if hop.verify { HopTls::Verify } else { HopTls::Opportunistic };
    Hop { tls, ..hop }
}

/// Whether an address can be that of a server of somebody else. Networks of an organisation count as outside:
/// its own zone may well name servers there.
fn is_outside(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let first = ip.octets().first().copied().unwrap_or_default();
            !(first == 0 || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast())
        }
        IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast()),
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
    fn addresses_of_this_machine_and_its_link_are_not_outside() {
        for (ip, outside) in [
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("169.254.169.254", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("10.0.0.1", true),
            ("192.0.2.1", true),
            ("2001:db8::1", true),
        ] {
            assert_eq!(is_outside(ip.parse().unwrap()), outside, "{ip}");
        }
    }

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
