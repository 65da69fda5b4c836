//! Asks who really sent a message, and for the name of its client's address, beside its examination.

use std::sync::Arc;
use std::time::Duration;

use judge::auth::{asks, asks_reverse};
use judge::policy::Policy;
use mail::address::Address;
use mail::arrival::Arrival;
use mail::evidence::{
    ArcCheck, AuthResult, Authentication, Claim, DkimCheck, DmarcCheck, ReverseCheck, SpfCheck, short,
};
use mail::untrusted::Untrusted;
use net::Resolver;
use net::auth::{MAX_HEAD, reverse_name};
use tokio::time::Instant;

use crate::flow::Bench;
use crate::spool::Spool;

/// How long it may take in all; what is not known by then is `temperror`.
const LIMIT: Duration = Duration::from_secs(20);

/// What is to be found out about where a message comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Who really sent it (EX-09).
    pub sender: bool,
    /// The name of its client's address (EX-08, EX-10), and for how long it may be looked for (EX-11).
    pub reverse: Option<Duration>,
}

/// Finds out where a message comes from, as far as any of these policies wants to know and somebody can be asked.
/// Ends by `deadline`.
pub(crate) async fn authenticate(
    bench: Bench<'_>,
    policies: &[(&Policy, &Arrival)],
    spool: &Spool,
    arrival: &Arrival,
    deadline: Instant,
) -> Option<Authentication> {
    let resolver = bench.resolver?;
    let of_reverse = policies.iter().filter(|(policy, arrival)| asks_reverse(policy, bench.site, arrival));
    let wanted = Wanted {
        sender: policies.iter().any(|(policy, arrival)| asks(policy, bench.site, arrival)),
        reverse: of_reverse.map(|(policy, _)| policy.spam.external.max_time.duration()).max(),
    };
    if !wanted.sender && wanted.reverse.is_none() {
        return None;
    }
    Some(find_out(resolver, spool, arrival, wanted, deadline).await)
}

/// Finds out where a message comes from, whatever the policy says.
pub async fn find_out(
    resolver: &Resolver,
    spool: &Spool,
    arrival: &Arrival,
    wanted: Wanted,
    deadline: Instant,
) -> Authentication {
    let deadline = deadline.min(Instant::now() + LIMIT);
    let ip = arrival.peer.ip;
    let sender = async {
        match wanted.sender {
            true => ask_sender(resolver, spool, arrival, deadline).await,
            false => Authentication { ip, reverse_only: true, ..Authentication::default() },
        }
    };
    let reverse = async {
        match ip.zip(wanted.reverse) {
            Some((ip, limit)) => reverse_name(resolver, ip, deadline.min(Instant::now() + limit)).await,
            None => ReverseCheck::default(),
        }
    };
    let (sender, reverse) = tokio::join!(sender, reverse);
    Authentication { reverse, ..sender }
}

/// Finds out who really sent a message.
async fn ask_sender(resolver: &Resolver, spool: &Spool, arrival: &Arrival, deadline: Instant) -> Authentication {
    let claim = Claim {
        ip: arrival.peer.ip,
        helo: arrival.peer.helo.clone().unwrap_or_default(),
        mail_from: Untrusted::new(arrival.envelope.mail_from.as_ref().map_or("", |a| a.as_str()).to_owned()),
    };
    let head = match spool.read_at(0, MAX_HEAD) {
        Ok(head) => head,
        Err(error) => {
            tracing::warn!(id = %arrival.id, %error, "the header could not be read; who sent the message is not known");
            return unknown(&claim);
        }
    };
    let whole = async {
        match spool {
            Spool::Memory(bytes) => Ok(Arc::clone(bytes)),
            Spool::File { .. } => {
                let spool = spool.clone();
                let read = tokio::task::spawn_blocking(move || spool.bytes()).await;
                read.unwrap_or_else(|crash| Err(std::io::Error::other(crash)))
            }
        }
    };
    net::auth::authenticate(resolver, &claim, &head, whole, deadline).await
}

/// Of a message that could not be read: nothing was found out, which is not the same as that there is nothing.
fn unknown(claim: &Claim) -> Authentication {
    const LATER: AuthResult = AuthResult::TempError;
    let why = || short("the header could not be read");
    let spf = |domain: &str| SpfCheck { domain: short(domain), result: LATER, why: why() };
    let sender = Address::parse(claim.mail_from.raw());
    let helo = spf(claim.helo.raw());
    Authentication {
        ip: claim.ip,
        spf: sender.map_or_else(|| helo.clone(), |sender| spf(sender.domain())),
        helo,
        dkim: vec![DkimCheck { result: LATER, why: why(), ..DkimCheck::default() }],
        dmarc: vec![DmarcCheck { result: LATER, why: why(), ..DmarcCheck::default() }],
        arc: ArcCheck { result: LATER, why: why(), ..ArcCheck::default() },
        ..Authentication::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_cannot_be_read_is_unknown_and_not_without_anything() {
        let claim = Claim {
            ip: None,
            helo: Untrusted::new("mail.example.com".to_owned()),
            mail_from: Untrusted::new("ann@example.org".to_owned()),
        };
        let found = unknown(&claim);
        let results = [found.dkim(), found.dmarc(), found.spf.result, found.helo.result, found.arc.result];
        assert_eq!(results, [AuthResult::TempError; 5]);
        assert_eq!(found.spf.domain.raw(), "example.org");
    }
}
