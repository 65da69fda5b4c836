//! SPF: may this address send mail for this domain? (RFC 7208)
//!
//! The limits of section 4.6.4 hold: ten terms that ask the DNS, two questions without an answer,
//! ten mail servers of one `mx`, ten names of one `ptr`. Includes are a stack, never a recursion.
//!
//! Not handled: the explanation that a domain offers for a refusal (`exp=`), which is foreign text
//! for our replies; it is only checked for its form.

mod macros;
mod record;

use std::net::IpAddr;

use mail::address::below;
use mail::evidence::{AuthResult, SpfCheck, short};
use tokio::time::Instant;

use self::macros::{Spec, Values};
use self::record::{Bits, Mechanism, Qualifier, Record};
use crate::dns::{DnsError, Resolver};

/// Most terms that ask the DNS.
const MAX_LOOKUPS: u32 = 10;
/// Most questions that may have no answer.
const MAX_VOID: u32 = 2;
/// Most mail servers of one `mx`, and most names of one `ptr`.
const MAX_NAMES: usize = 10;

/// Who is checked.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The client's address.
    pub ip: IpAddr,
    /// What it said in HELO or EHLO.
    pub helo: &'a str,
    /// The local part of the sender; empty stands for `postmaster`.
    pub local: &'a str,
    /// The domain that is checked.
    pub domain: &'a str,
}

/// Checks one identity. Always ends by `deadline`; what could not be found out is `temperror`.
pub async fn check(resolver: &Resolver, identity: Identity<'_>, deadline: Instant) -> SpfCheck {
    let domain = identity.domain.trim_end_matches('.').to_lowercase();
    let done = |result, why: String| SpfCheck { domain: short(domain.as_str()), result, why: short(why) };
    if !is_checkable(&domain) {
        return done(AuthResult::None, "there is no domain to check".to_owned());
    }
    let mut check = Check::new(resolver, identity, deadline);
    match check.host(&domain).await {
        Ok(None) => done(AuthResult::None, "the domain has no SPF record".to_owned()),
        Ok(Some(Qualifier::Pass)) => done(AuthResult::Pass, String::new()),
        Ok(Some(Qualifier::Fail)) => done(AuthResult::Fail, String::new()),
        Ok(Some(Qualifier::SoftFail)) => done(AuthResult::SoftFail, String::new()),
        Ok(Some(Qualifier::Neutral)) => done(AuthResult::Neutral, String::new()),
        Err(End::Temporary(why)) => done(AuthResult::TempError, why),
        Err(End::Permanent(why)) => done(AuthResult::PermError, why),
    }
}

/// A domain of more than one label, each of them right (RFC 7208 section 4.3).
fn is_checkable(domain: &str) -> bool {
    domain.contains('.')
        && domain.len() <= 253
        && domain.is_ascii()
        && domain.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// What ends a check early.
enum End {
    Temporary(String),
    Permanent(String),
}

/// A record that is worked on.
struct Frame {
    domain: String,
    record: Record,
    next: usize,
    /// What it means for the record above if this one passes.
    via: Qualifier,
}

struct Check<'a> {
    resolver: &'a Resolver,
    ip: IpAddr,
    helo: &'a str,
    local: &'a str,
    sender_domain: &'a str,
    /// The address as macros show it.
    ip_text: String,
    confirmed: Option<String>,
    lookups: u32,
    void: u32,
    deadline: Instant,
}

impl<'a> Check<'a> {
    fn new(resolver: &'a Resolver, identity: Identity<'a>, deadline: Instant) -> Self {
        let ip = identity.ip.to_canonical();
        let ip_text = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => {
                let nibbles = ip.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
                nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
            }
        };
        let local = if identity.local.is_empty() { "postmaster" } else { identity.local };
        let (helo, sender_domain) = (identity.helo, identity.domain);
        Self { resolver, ip, helo, local, sender_domain, ip_text, confirmed: None, lookups: 0, void: 0, deadline }
    }

    /// What the domain's record says; `None` if it has none.
    async fn host(&mut self, domain: &str) -> Result<Option<Qualifier>, End> {
        let Some(record) = self.record(domain).await? else { return Ok(None) };
        let mut stack = vec![Frame { domain: domain.to_owned(), record, next: 0, via: Qualifier::Pass }];
        loop {
            let Some(frame) = stack.last_mut() else { return Ok(Some(Qualifier::Neutral)) };
            let term = frame.record.terms.get(frame.next).cloned();
            frame.next += 1;
            let at = frame.domain.clone();
            let mut outcome = match term {
                Some((qualifier, Mechanism::Include(spec))) => {
                    let (domain, record) = self.follow(&spec, &at, "include").await?;
                    stack.push(Frame { domain, record, next: 0, via: qualifier });
                    None
                }
                Some((qualifier, mechanism)) => self.matches(&mechanism, &at).await?.then_some(qualifier),
                None => match frame.record.redirect.take() {
                    Some(spec) => {
                        let (domain, record) = self.follow(&spec, &at, "redirect").await?;
                        // It takes the place of the record, and answers for it.
                        (frame.domain, frame.record, frame.next) = (domain, record, 0);
                        None
                    }
                    None => Some(Qualifier::Neutral),
                },
            };
            while let Some(qualifier) = outcome.take() {
                let Some(done) = stack.pop() else { return Ok(Some(qualifier)) };
                if stack.is_empty() {
                    return Ok(Some(qualifier));
                }
                outcome = (qualifier == Qualifier::Pass).then_some(done.via);
            }
        }
    }

    /// The record of a domain; `None` if it has none.
    async fn record(&self, domain: &str) -> Result<Option<Record>, End> {
        let texts = match self.resolver.txt(domain, self.deadline).await {
            Ok(answer) => answer.records,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(End::Temporary(format!("{domain}: {error}"))),
        };
        let mut records = texts.iter().filter(|text| record::is_spf(text));
        let Some(text) = records.next() else { return Ok(None) };
        if records.next().is_some() {
            return Err(End::Permanent(format!("{domain} has more than one SPF record")));
        }
        let record = Record::parse(text).map_err(|why| End::Permanent(format!("{domain}: {why}")))?;
        Ok(Some(record))
    }

    /// The record that an `include` or `redirect` names.
    async fn follow(&mut self, spec: &Spec, at: &str, what: &str) -> Result<(String, Record), End> {
        self.count()?;
        let domain = self.expand(Some(spec), at).await;
        match self.record(&domain).await? {
            Some(record) => Ok((domain, record)),
            None => Err(End::Permanent(format!("{what}: {domain} has no SPF record"))),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, at: &str) -> Result<bool, End> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(address, bits) => Ok(same(self.ip, (*address).into(), *bits)),
            Mechanism::Ip6(address, bits) => Ok(same(self.ip, (*address).into(), *bits)),
            // Followed where the stack is.
            Mechanism::Include(_) => Ok(false),
            Mechanism::A(spec, bits) => {
                self.count()?;
                let target = self.expand(spec.as_ref(), at).await;
                self.has_address(&target, *bits).await
            }
            Mechanism::Mx(spec, bits) => {
                self.count()?;
                let target = self.expand(spec.as_ref(), at).await;
                let servers = self.resolver.mx(&target, self.deadline).await;
                let Some(servers) = self.found(servers)? else { return Ok(false) };
                if servers.records.len() > MAX_NAMES {
                    return Err(End::Permanent(format!("mx: {target} has more than {MAX_NAMES} mail servers")));
                }
                for server in servers.records.iter().filter(|server| !server.host.is_empty()) {
                    if self.has_address(&server.host, *bits).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Mechanism::Ptr(spec) => {
                self.count()?;
                let target = self.expand(spec.as_ref(), at).await.to_lowercase();
                Ok(self.confirmed_names().await.iter().any(|name| below(name, &target)))
            }
            Mechanism::Exists(spec) => {
                self.count()?;
                let target = self.expand(Some(spec), at).await;
                // Always an IPv4 address, whatever the client has (RFC 7208 section 5.7).
                let found = self.resolver.a(&target, self.deadline).await;
                Ok(self.found(found)?.is_some())
            }
        }
    }

    fn count(&mut self) -> Result<(), End> {
        self.lookups += 1;
        if self.lookups > MAX_LOOKUPS {
            return Err(End::Permanent(format!("more than {MAX_LOOKUPS} terms ask the DNS")));
        }
        Ok(())
    }

    /// An answer, or `None` where there is certainly none. Too many of those are an error.
    fn found<T>(&mut self, answer: Result<T, DnsError>) -> Result<Option<T>, End> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(DnsError::BadName(_)) => Ok(None),
            Err(error) if error.is_absent() => {
                self.void += 1;
                if self.void > MAX_VOID {
                    return Err(End::Permanent(format!("more than {MAX_VOID} questions to the DNS have no answer")));
                }
                Ok(None)
            }
            Err(error) => Err(End::Temporary(error.to_string())),
        }
    }

    /// Whether a name has an address in the client's network.
    async fn has_address(&mut self, name: &str, bits: Bits) -> Result<bool, End> {
        let ip = self.ip;
        if ip.is_ipv4() {
            let found = self.resolver.a(name, self.deadline).await;
            let found = self.found(found)?;
            Ok(found.is_some_and(|answer| answer.records.iter().any(|a| same(ip, (*a).into(), bits.v4))))
        } else {
            let found = self.resolver.aaaa(name, self.deadline).await;
            let found = self.found(found)?;
            Ok(found.is_some_and(|answer| answer.records.iter().any(|a| same(ip, (*a).into(), bits.v6))))
        }
    }

    /// The names of the client's address that lead back to it. Whatever goes wrong, there is none.
    async fn confirmed_names(&self) -> Vec<String> {
        let Ok(names) = self.resolver.ptr(self.ip, self.deadline).await else { return Vec::new() };
        let mut confirmed = Vec::new();
        for name in names.records.into_iter().take(MAX_NAMES) {
            let leads_back = match self.ip {
                IpAddr::V4(ip) => self.resolver.a(&name, self.deadline).await.is_ok_and(|a| a.records.contains(&ip)),
                IpAddr::V6(ip) => self.resolver.aaaa(&name, self.deadline).await.is_ok_and(|a| a.records.contains(&ip)),
            };
            if leads_back {
                confirmed.push(name);
            }
        }
        confirmed
    }

    /// The name that a term is about.
    async fn expand(&mut self, spec: Option<&Spec>, at: &str) -> String {
        let Some(spec) = spec else { return at.to_owned() };
        if spec.needs_name() && self.confirmed.is_none() {
            let names = self.confirmed_names().await;
            let same = names.iter().find(|name| *name == at);
            let best = same.or_else(|| names.iter().find(|name| below(name, at))).or(names.first());
            self.confirmed = Some(best.cloned().unwrap_or_else(|| "unknown".to_owned()));
        }
        spec.expand(&Values {
            local: self.local,
            sender_domain: self.sender_domain,
            domain: at,
            ip: &self.ip_text,
            version: if self.ip.is_ipv4() { "in-addr" } else { "ip6" },
            helo: self.helo,
            confirmed: self.confirmed.as_deref().unwrap_or("unknown"),
        })
    }
}

/// Whether two addresses are of one kind and have the same first bits.
fn same(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differ = (u32::from(one) ^ u32::from(other)).leading_zeros();
            differ >= u32::from(bits)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differ = (u128::from(one) ^ u128::from(other)).leading_zeros();
            differ >= u32::from(bits)
        }
        _ => false,
    }
}
