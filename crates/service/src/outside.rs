//! What services outside say about whether a message is spam: lists in the DNS, and what follows from who
//! really sent it. Answers become signs, which stand in the report beside those of the examination.

use std::collections::HashSet;
use std::time::Duration;

use judge::origin;
use judge::origin::lists::{Listings, MAX_FILES, MAX_LISTS, Set, client, files};
use judge::policy::{DnsList, Policy};
use judge::site::Site;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{Links, MAX_ADDRESSES, MAX_URLS, Report, Sign};
use net::Resolver;
use net::lists::Subject;
use tokio::time::Instant;

use crate::metrics::{ListLabels, Metrics};

/// What lists in the DNS said about a message, for every group of its recipients.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    said: Vec<(Set, Listings)>,
}

/// Asks the lists that any of these policies names, each with the message as its recipients get it. They are
/// asked once for all.
pub async fn ask(
    resolver: Option<&Resolver>,
    parts: &[(&Policy, &Arrival)],
    site: &Site,
    report: &Report,
    deadline: Instant,
    metrics: Option<&Metrics>,
) -> Heard {
    let concerned = |part: &&(&Policy, &Arrival)| {
        part.1.direction == Direction::Incoming && judge::spam::excluded(part.0, part.1).is_none()
    };
    let parts: Vec<&(&Policy, &Arrival)> = parts.iter().filter(concerned).collect();
    let (Some(resolver), false) = (resolver, parts.is_empty()) else { return Heard::default() };
    let client = parts.iter().find_map(|(policy, arrival)| client(policy, arrival)).filter(|ip| !site.is_relay(*ip));
    let address: Vec<Subject> = client.map(Subject::Address).into_iter().collect();
    let (hosts, urls, emails) = (all(Set::Surbl, report), all(Set::Urls, report), all(Set::Emails, report));
    let files: Vec<Subject> = files(report).into_iter().take(MAX_FILES).map(Subject::File).collect();
    let limit = parts.iter().map(|(policy, _)| policy.spam.external.max_time.0).max().unwrap_or_default();
    let deadline = deadline.min(Instant::now() + Duration::from_millis(limit));
    let one = async |set: Set, subjects: &[Subject]| {
        let count = |said: net::lists::Said| {
            if let Some(metrics) = metrics {
                metrics.lists.get_or_create(&ListLabels { set: set.name(), said: said.name() }).inc();
            }
        };
        net::lists::ask(resolver, &union(set, &parts), subjects, deadline, count).await
    };
    let (dnsbl, surbl, urls, emails, files) = tokio::join!(
        one(Set::Dnsbl, &address),
        one(Set::Surbl, &hosts),
        one(Set::Urls, &urls),
        one(Set::Emails, &emails),
        one(Set::Files, &files)
    );
    let said =
        [(Set::Dnsbl, dnsbl), (Set::Surbl, surbl), (Set::Urls, urls), (Set::Emails, emails), (Set::Files, files)];
    Heard { said: said.into() }
}

/// What a set is asked about of what one look for spam saw; nothing for sets that have it from elsewhere.
fn seen(set: Set, links: &Links<'_>) -> Vec<Subject> {
    match set {
        Set::Surbl => links.hosts.iter().cloned().map(Subject::Host).collect(),
        Set::Urls => links.urls.iter().take(MAX_URLS).flat_map(|url| Subject::of_url(url)).collect(),
        Set::Emails => links.addresses.iter().take(MAX_ADDRESSES).cloned().map(Subject::Mail).collect(),
        Set::Dnsbl | Set::Files => Vec::new(),
    }
}

/// The same of all looks; each once.
fn all(set: Set, report: &Report) -> Vec<Subject> {
    let mut found: Vec<Subject> = Vec::new();
    for subject in report.evidence().links().flat_map(|links| seen(set, &links)) {
        if !found.contains(&subject) {
            found.push(subject);
        }
    }
    found
}

/// The lists of all of them, each once.
fn union(set: Set, parts: &[&(&Policy, &Arrival)]) -> Vec<DnsList> {
    let mut lists: Vec<DnsList> = Vec::new();
    for list in parts.iter().flat_map(|(policy, _)| set.lists(&policy.spam.external)) {
        if lists.len() < MAX_LISTS && !lists.iter().any(|known| known.zone == list.zone) {
            lists.push(list.clone());
        }
    }
    lists
}

/// The signs that follow for recipients with this policy, of a report as it is for them; none of what did not come from outside.
pub fn signs(heard: &Heard, policy: &Policy, site: &Site, arrival: &Arrival, report: &Report) -> Vec<Sign> {
    if arrival.direction != Direction::Incoming || judge::spam::excluded(policy, arrival).is_some() {
        return Vec::new();
    }
    let mut found = origin::signs(policy, site, arrival, report);
    for (set, listings) in &heard.said {
        let mut listings = listings.of(set.lists(&policy.spam.external));
        if !listings.listed.is_empty() && matches!(set, Set::Surbl | Set::Urls | Set::Emails) {
            // Others may have been shown more (D-21).
            let own: HashSet<String> = all(*set, report).iter().map(Subject::text).collect();
            listings.listed.retain(|(what, ..)| own.contains(what));
        }
        found.extend(origin::lists::signs(*set, &listings));
    }
    found
}

/// The name of a sign as its catalogue has it, for metrics; `None` for what is no sign.
pub fn sign_name(id: &str) -> Option<&'static str> {
    scan::sign_name(id).or_else(|| origin::sign_name(id))
}
