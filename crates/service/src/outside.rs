//! What services outside say about whether a message is spam: lists in the DNS, and what follows from who
//! really sent it. Answers become signs, which stand in the report beside those of the examination.

use std::time::Duration;

use judge::origin;
use judge::origin::lists::{Set, client};
use judge::policy::Policy;
use judge::site::Site;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{Origin, Report, Sign};
use net::Resolver;
use net::lists::{Subject, ask};
use tokio::time::Instant;

use crate::metrics::{ListLabels, Metrics};

/// Most files of a message that lists are asked about.
const MAX_FILES: usize = 20;

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
    let passed_over = arrival.over_trusted_connection() && judge::spam::excluded(policy, arrival).is_some();
    if arrival.direction != Direction::Incoming || passed_over {
        return Vec::new();
    }
    let mut found = origin::signs(policy, site, arrival, report);
    let Some(resolver) = resolver.filter(|_| judge::spam::excluded(policy, arrival).is_none()) else { return found };
    let relay = arrival.peer.ip.is_some_and(|ip| site.is_relay(ip));
    let address: Vec<Subject> = client(policy, arrival).filter(|_| !relay).map(Subject::Address).into_iter().collect();
    let hosts: Vec<Subject> = report.facts().hosts.iter().cloned().map(Subject::Host).collect();
    let emails: Vec<Subject> = report.facts().addresses.iter().cloned().map(Subject::Mail).collect();
    let files: Vec<Subject> = files(report).into_iter().map(Subject::File).collect();
    let limit = Duration::from_millis(policy.spam.external.max_time.0);
    let deadline = deadline.min(Instant::now() + limit);
    let one = async |set: Set, subjects: &[Subject]| {
        let count = |said: net::lists::Said| {
            if let Some(metrics) = metrics {
                metrics.lists.get_or_create(&ListLabels { set: set.name(), said: said.name() }).inc();
            }
        };
        let listings = ask(resolver, set.lists(&policy.spam.external), subjects, deadline, count).await;
        origin::lists::signs(set, &listings)
    };
    let (dnsbl, surbl, emails, files) = tokio::join!(
        one(Set::Dnsbl, &address),
        one(Set::Surbl, &hosts),
        one(Set::Emails, &emails),
        one(Set::Files, &files)
    );
    [dnsbl, surbl, emails, files].into_iter().for_each(|signs| found.extend(signs));
    found
}

/// The SHA-256 of what is attached, and of what lies in it; each once.
fn files(report: &Report) -> Vec<[u8; 32]> {
    let mut found: Vec<[u8; 32]> = Vec::new();
    let objects = report.evidence().objects.iter().skip(1);
    let attached = objects.filter(|object| object.attachment || matches!(object.origin, Origin::Member(_)));
    for object in attached.filter(|object| object.size > 0 && object.sha256 != [0; 32]) {
        if found.len() == MAX_FILES {
            break;
        }
        if !found.contains(&object.sha256) {
            found.push(object.sha256);
        }
    }
    found
}

/// The name of a sign as its catalogue has it, for metrics; `None` for what is no sign.
pub fn sign_name(id: &str) -> Option<&'static str> {
    let listed = Set::ALL.into_iter().flat_map(|set| [set.signs().0, set.signs().1]);
    scan::sign_name(id).or_else(|| origin::sign_name(id)).or_else(|| listed.into_iter().find(|known| *known == id))
}
