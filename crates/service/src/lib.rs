//! The whole flow from an arrival to its outcome, and what runs beside it.
//!
//! A surface hands over a message and what it knows of its arrival ([`Service::decide`]), does what
//! the plan says, and tells how it ended ([`Service::finish`]). Everything that several surfaces
//! need stands here once: examination, decision, Backup, log, figures, release, retention.
#![forbid(unsafe_code)]

pub mod acme;
pub mod admin;
pub mod apart;
pub mod authenticate;
pub mod certificates;
mod crashes;
mod decide;
pub mod direct;
pub mod dmarc;
mod dns_figures;
mod early;
pub mod examine;
pub mod flow;
mod health;
pub mod id;
mod journal;
pub mod lists;
pub mod memory;
pub mod metrics;
pub mod outbox;
pub mod outside;
pub mod policy;
pub mod rates;
mod reach;
pub mod recipients;
pub mod record;
pub mod release;
pub mod render;
pub mod routes;
mod sign;
pub mod sources;
pub mod spool;
pub mod sts;
pub mod upkeep;
pub mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use judge::lists::{Coming, Lane, Lists, lane};
use judge::plan::{Fate, passing};
use judge::policy::{GroupId, Policy};
use judge::site::Site;
use mail::address::Address;
use mail::arrival::{Arrival, Direction, Envelope};
use net::auth::sign::Signers;
use store::{Logged, NewQueued, NewRecipient, QueueKind, Store};
use tokio::time::Instant;

use certificates::Certificates;
pub use decide::Part;
use examine::Examiner;
use flow::{Bench, Decided, Keeping};
use journal::Journal;
use memory::Recollection;
use metrics::Metrics;
use outbox::Outbox;
use policy::InForce;
use rates::Rates;
use recipients::RecipientList;
use record::{Ended, Outcome, Taken};
use render::Output;
use routes::Routes;
use spool::Spool;

/// What can change while the service runs.
#[derive(Debug)]
pub struct Current {
    /// Who examines.
    pub examiner: ArcSwap<Examiner>,
    /// The policy in force.
    pub policy: ArcSwap<InForce>,
    /// The lists of senders and recipients in force.
    pub lists: ArcSwap<Lists>,
    /// The organisation.
    pub site: ArcSwap<Site>,
    /// Where mail goes.
    pub routes: ArcSwap<Routes>,
    /// How mail of our own is tried.
    pub outbox: ArcSwap<settings::config::Outbox>,
    /// The list of our recipients, if there is one.
    pub recipients: ArcSwapOption<RecipientList>,
    /// Who is asked about names.
    pub resolver: ArcSwap<net::Resolver>,
    /// The keys that sign outgoing mail.
    pub signers: ArcSwap<Signers>,
    /// Leave addresses, subjects and names out of the log.
    pub redact: AtomicBool,
}

/// What one message is decided with, whatever is reloaded meanwhile.
struct InUse {
    examiner: Arc<Examiner>,
    lists: Arc<Lists>,
    site: Arc<Site>,
    resolver: Arc<net::Resolver>,
    signers: Arc<Signers>,
}

impl Current {
    fn in_use(&self) -> InUse {
        InUse {
            examiner: self.examiner.load_full(),
            lists: self.lists.load_full(),
            site: self.site.load_full(),
            resolver: self.resolver.load_full(),
            signers: self.signers.load_full(),
        }
    }
}

impl InUse {
    fn bench<'a>(&'a self, service: &'a Service, policy: &'a Arc<Policy>) -> Bench<'a> {
        Bench {
            examiner: &self.examiner,
            lists: &self.lists,
            resolver: Some(&self.resolver),
            signers: Some(&self.signers),
            metrics: Some(&service.metrics),
            store: Some(&service.store),
            recollection: Some(&service.recollection),
            policy,
            site: &self.site,
            crashes: 0,
            redact: service.current.redact.load(Ordering::Relaxed),
        }
    }
}

/// The service: one a process.
pub struct Service {
    store: Store,
    metrics: Arc<Metrics>,
    current: Current,
    policy_file: Option<PathBuf>,
    connections: AtomicU64,
    journal: Journal,
    outbox: Outbox,
    rates: Rates,
    certificates: Certificates,
    recollection: Arc<Recollection>,
    reader: dmarc::received::Reader,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// Puts a service together.
    pub fn new(store: Store, metrics: Arc<Metrics>, current: Current, policy_file: Option<PathBuf>) -> Arc<Self> {
        let journal = Journal::start(store.clone());
        lists::count(&metrics, &current.lists.load());
        Arc::new(Self {
            store,
            metrics,
            current,
            policy_file,
            connections: AtomicU64::new(0),
            journal,
            outbox: Outbox::default(),
            rates: Rates::default(),
            certificates: Certificates::default(),
            recollection: Arc::default(),
            reader: dmarc::received::Reader::default(),
        })
    }

    /// Figures.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What can change while the service runs.
    pub fn current(&self) -> &Current {
        &self.current
    }

    /// Puts other lists of senders and recipients into force.
    pub fn set_lists(&self, lists: Lists) {
        lists::count(&self.metrics, &lists);
        self.current.lists.store(Arc::new(lists));
    }

    /// Where things are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The certificates that we show.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The file that is the policy's only source, if one is configured.
    pub fn policy_file(&self) -> Option<&PathBuf> {
        self.policy_file.as_ref()
    }

    /// The number of the next connection.
    pub fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Decides about a message within the deadline. `received` is the value of our `Received`
    /// header, if the surface adds one.
    pub async fn decide(&self, spool: &Spool, arrival: &Arrival, received: Option<&str>, deadline: Instant) -> Decided {
        let started = Instant::now();
        let policy = self.current.policy.load_full();
        if release::is_released(self.store.release_marker(), spool, arrival).await {
            tracing::info!(id = %arrival.id, "mail that was released from Backup passes as it is");
            let (report, output, keeping) = (None, Output::Original, Keeping::None);
            return Decided { plan: passing(), report, output, keeping, signs: Vec::new() };
        }
        let in_use = self.current.in_use();
        let bench = in_use.bench(self, &policy.policy);
        let policies = of_recipients(&policy.policy, arrival);
        let decided = decide::decide(bench, &policies, spool, arrival, received, deadline).await;
        self.metrics.observe_examination(started.elapsed());
        decided
    }

    /// What sets a recipient apart from others with the same settings (D-21).
    pub fn lane(&self, policy: &Policy, group: GroupId, coming: &Coming<'_>, to: &Address) -> Lane {
        let (lists, site) = (self.current.lists.load(), self.current.site.load());
        lane(&lists, (policy.malware_of(group), policy.spam_of(group)), &site, coming, to)
    }

    /// Decides about a message for each group of its recipients (D-11): an arrival with the recipients of
    /// one group, and the settings of that group. It is examined once.
    pub async fn decide_each(
        &self,
        spool: &Spool,
        parts: &[(Arrival, Arc<Policy>)],
        received: Option<&str>,
        deadline: Instant,
    ) -> Vec<Decided> {
        let started = Instant::now();
        let policy = self.current.policy.load_full();
        let in_use = self.current.in_use();
        let bench = in_use.bench(self, &policy.policy);
        let mut decided = decide::decide_each(bench, parts, spool, received, deadline).await;
        forward_once(decided.iter_mut());
        self.metrics.observe_examination(started.elapsed());
        decided
    }

    /// Decides about a message whose recipients are in several groups, for a surface that can give each its own (D-11):
    /// a part for all those to whom exactly the same is done, at least one. It is examined once.
    pub async fn decide_apart(&self, spool: &Spool, arrival: &Arrival, deadline: Instant) -> Vec<Part> {
        let policy = Arc::clone(&self.current.policy.load_full().policy);
        let outgoing = arrival.direction == Direction::Outgoing;
        let coming = Coming {
            sender: arrival.envelope.mail_from.as_ref(),
            may_leave: outgoing,
            trusted: arrival.over_trusted_connection() || outgoing,
        };
        let mut groups: BTreeMap<(GroupId, Lane), Vec<Address>> = BTreeMap::new();
        for to in &arrival.envelope.rcpt_to {
            let group = policy.group_of(to);
            groups.entry((group, self.lane(&policy, group, &coming, to))).or_default().push(to.clone());
        }
        if groups.len() < 2 || release::is_released(self.store.release_marker(), spool, arrival).await {
            let decided = self.decide(spool, arrival, None, deadline).await;
            return vec![Part { arrival: arrival.clone(), policy, decided }];
        }
        let part = |((group, _), rcpt_to): ((GroupId, Lane), Vec<Address>)| {
            let envelope = Envelope { rcpt_to, ..arrival.envelope.clone() };
            (Arrival { envelope, ..arrival.clone() }, Arc::new(policy.for_group(group)))
        };
        let groups = groups.into_iter().map(part).collect();
        let started = Instant::now();
        let in_use = self.current.in_use();
        let bench = in_use.bench(self, &policy);
        let mut parts = decide::decide_apart(bench, groups, spool, deadline).await;
        forward_once(parts.iter_mut().map(|part| &mut part.decided));
        self.metrics.observe_examination(started.elapsed());
        parts
    }

    /// Keeps a copy of what is refused for some recipients while others get it: nobody else has it for them.
    /// `None` when it could not be kept; why stands in the log.
    pub async fn keep_refused(
        &self,
        spool: &Spool,
        arrival: &Arrival,
        policy: &Arc<Policy>,
        decided: &mut Decided,
    ) -> Option<()> {
        let in_use = self.current.in_use();
        let bench = Bench { resolver: None, signers: None, ..in_use.bench(self, policy) };
        let kept = decide::keep_refused(bench, spool, arrival, decided).await;
        if let Err(error) = &kept {
            tracing::error!(id = %arrival.id, %error, "a message that is refused for some of its recipients could not be kept; it is deferred");
        }
        kept.ok()
    }

    /// Sends the unmodified message to the addresses that the policy names (ACT-25), beside the
    /// message's own way. Not for a message that its sender will bring again: the addresses would get
    /// it once a try.
    async fn forward(&self, spool: &Spool, arrival: &Arrival, decided: &Decided, outcome: &Outcome) {
        let settled = outcome.taken == Taken::Yes || outcome.reply.starts_with('5');
        let to: Vec<Address> = decided.plan.forward_to.iter().filter_map(|text| Address::parse(text)).collect();
        if to.is_empty() || !settled {
            return;
        }
        let site = self.current.site.load_full();
        for direction in [Direction::Incoming, Direction::Outgoing] {
            let to = to.iter().filter(|address| outbox::direction(&site, address) == direction);
            let recipient = |address: &Address| NewRecipient { address: address.clone(), parameters: String::new() };
            let mail = NewQueued {
                message: arrival.id,
                kind: QueueKind::Forward,
                direction,
                mail_from: None,
                parameters: String::new(),
                created_ms: id::now_ms(),
                size: spool.len(),
                recipients: to.map(recipient).collect(),
            };
            if mail.recipients.is_empty() {
                continue;
            }
            match self.enqueue(mail, Box::new(spool.reader())).await {
                Ok(receipt) => {
                    tracing::info!(id = %arrival.id, queue = %receipt.id(), "the original will be forwarded")
                }
                Err(error) => {
                    tracing::error!(id = %arrival.id, %error, "the original cannot be forwarded; see the copy in Backup")
                }
            }
        }
    }

    /// Records how a message ended, for all groups of its recipients together: what counts messages counts one.
    pub async fn finish(&self, spool: &Spool, ends: Vec<Ended>) {
        dmarc::note(&self.store, &self.current.policy.load().policy, &ends);
        for end in ends {
            self.finish_one(spool, end).await;
        }
    }

    /// Records how a message ended for one group of its recipients. A copy that was made for changes nobody took is
    /// dropped: the sender keeps the message, and will bring it again. Where the next hop may have taken what we
    /// changed, the original stays.
    async fn finish_one(&self, spool: &Spool, end: Ended) {
        let Ended { arrival, decided, outcome } = end;
        let arrival = &arrival;
        self.forward(spool, arrival, &decided, &outcome).await;
        let report = decided.report.as_ref();
        let (site, redact) = (self.current.site.load_full(), self.current.redact.load(Ordering::Relaxed));
        let policy = Arc::clone(&self.current.policy.load().policy);
        record::log(arrival, &site, &decided.plan, report, &outcome, redact);
        record::count(&self.metrics, arrival, &decided.plan, report, &outcome);
        if let Some(report) = report {
            let rules = memory::rules(&policy, arrival);
            memory::note(&self.store, rules, arrival, &decided.plan, report, outcome.taken == Taken::Yes);
        }
        if outcome.taken == Taken::Yes && dmarc::received::is_wanted(&policy, arrival, &decided.plan) {
            let job = dmarc::received::Job {
                examiner: self.current.examiner.load_full(),
                store: self.store.clone(),
                site,
                metrics: Arc::clone(&self.metrics),
            };
            self.reader.read(arrival, report, spool, job);
        }
        let mut row = row(arrival, &decided, &outcome);
        // Where it could not be rendered the sender brings it again too.
        // So it does where these recipients are refused, and others of the same message are to be tried again.
        let refused_for_good = matches!(decided.plan.fate, Fate::Refuse(_)) && !outcome.reply.starts_with('4');
        let comes_again = outcome.taken == Taken::No && !refused_for_good;
        if let Some(copy) = comes_again.then(|| row.backup.take()).flatten() {
            let store = self.store.clone();
            let dropped = tokio::task::spawn_blocking(move || store.delete(copy)).await;
            if let Ok(Err(error)) = dropped {
                tracing::warn!(id = %arrival.id, %error, "a copy that is not needed could not be removed from Backup; retention will");
            }
        }
        self.journal.push(row);
    }

    /// Writes what is not written yet; after it nothing is recorded any more.
    pub fn close(&self) {
        self.journal.close();
    }
}

/// What the message log has of a message.
fn row(arrival: &Arrival, decided: &Decided, outcome: &Outcome) -> Logged {
    let report = decided.report.as_ref();
    let malware = report.map(record::malware).unwrap_or_default();
    Logged {
        id: arrival.id,
        time_ms: arrival.received_ms,
        surface: arrival.surface,
        direction: arrival.direction,
        peer_ip: arrival.peer.ip,
        sender: arrival.envelope.mail_from.clone(),
        recipients: journal::named(&arrival.envelope.rcpt_to),
        recipient_count: arrival.envelope.rcpt_to.len() as u64,
        subject: report.and_then(|r| r.facts().subject.clone()),
        size: arrival.size,
        status: decided.plan.status.name().to_owned(),
        action: decided.plan.action.name().to_owned(),
        reply: outcome.reply.clone(),
        backup: match &decided.keeping {
            Keeping::Kept(receipt) => Some(receipt.backup_id()),
            _ => None,
        },
        malware: malware.into_iter().map(mail::untrusted::Untrusted::new).collect(),
        duration_us: u64::try_from(outcome.took.as_micros()).unwrap_or(u64::MAX),
        rules: record::rules(&decided.plan).into_iter().map(str::to_owned).collect(),
        would: decided.plan.would.map(|action| action.name().to_owned()),
        opened: report.and_then(record::opened).map(|with| with.name().to_owned()),
        auth: report.and_then(mail::evidence::Report::auth).map(record::auth),
        spam: decided.plan.spam.map(|spam| spam.status.name().to_owned()),
        rating: decided.plan.spam.filter(|spam| spam.why.is_none()).map(|spam| spam.rating),
        spam_why: record::why(&decided.plan).map(str::to_owned),
        signs: decided.signs.clone(),
        listed: record::deciding(&decided.plan, report).map(record::listed_row),
    }
}

/// The administrator gets one original of a message, not one a group.
fn forward_once<'a>(decisions: impl Iterator<Item = &'a mut Decided>) {
    for decided in decisions.filter(|decided| !decided.plan.forward_to.is_empty()).skip(1) {
        decided.plan.forward_to.clear();
    }
}

/// The settings of a message's recipients, each once; at least one.
fn of_recipients(policy: &Arc<Policy>, arrival: &Arrival) -> Vec<Arc<Policy>> {
    if policy.group.is_empty() {
        return vec![Arc::clone(policy)];
    }
    let groups: BTreeSet<GroupId> = arrival.envelope.rcpt_to.iter().map(|to| policy.group_of(to)).collect();
    let mut policies: Vec<Arc<Policy>> = groups.into_iter().map(|id| Arc::new(policy.for_group(id))).collect();
    if policies.is_empty() {
        policies.push(Arc::new(policy.for_group(GroupId::Everybody)));
    }
    policies
}
