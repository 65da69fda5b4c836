//! What services outside say about whether a message is spam: lists in the DNS, and what follows from who
//! really sent it. Answers become signs, which stand in the report beside those of the examination.

use std::time::Duration;

use judge::origin;
use judge::origin::lists::{Set, client};
use judge::policy::Policy;
use judge::site::Site;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{Report, Sign};
use net::Resolver;
use net::lists::{Subject, ask};
use tokio::time::Instant;

use crate::metrics::{ListLabels, Metrics};

/// The signs of a message that came from outside; none of others.
pub async fn signs(
    resolver: Option<&Resolver>,
    policy: &Policy,
    site: &Site,
    arrival: &Arrival,
    report: &Report,
    deadline: Instant,
    metrics: Option<&Metrics>,
) -> Vec<Sign> {
    if arrival.direction != Direction::Incoming || arrival.over_trusted_connection() {
        return Vec::new();
    }
    let mut found = origin::signs(policy, site, report);
    let Some(resolver) = resolver.filter(|_| judge::spam::excluded(policy, arrival).is_none()) else { return found };
    let relay = arrival.peer.ip.is_some_and(|ip| site.is_relay(ip));
    let address: Vec<Subject> = client(policy, arrival).filter(|_| !relay).map(Subject::Address).into_iter().collect();
    let hosts: Vec<Subject> = report.facts().hosts.iter().cloned().map(Subject::Host).collect();
    let limit = Duration::from_millis(policy.spam.external.max_time.0);
    let deadline = deadline.min(Instant::now() + limit);
    let one = async |set: Set, subjects: &[Subject]| {
        let count = |said: net::lists::Said| {
            if let Some(metrics) = metrics {
                let set = if set == Set::Dnsbl { "dnsbl" } else { "surbl" };
                metrics.lists.get_or_create(&ListLabels { set, said: said.name() }).inc();
            }
        };
        let listings = ask(resolver, set.lists(&policy.spam.external), subjects, deadline, count).await;
        origin::lists::signs(set, &listings)
    };
    let (dnsbl, surbl) = tokio::join!(one(Set::Dnsbl, &address), one(Set::Surbl, &hosts));
    found.extend(dnsbl);
    found.extend(surbl);
    found
}

/// The name of a sign as its catalogue has it, for metrics; `None` for what is no sign.
pub fn sign_name(id: &str) -> Option<&'static str> {
    let listed = [Set::Dnsbl, Set::Surbl].into_iter().flat_map(|set| [set.signs().0, set.signs().1]);
    scan::sign_name(id).or_else(|| origin::sign_name(id)).or_else(|| listed.into_iter().find(|known| *known == id))
}
