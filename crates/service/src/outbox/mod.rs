//! The outbox at work: mail that is ours to deliver, tried until every recipient is settled (spec D-11).
//!
//! A mail is tried at once, then after `outbox.first_retry`, then after twice as long each time, at most
//! `outbox.longest_retry`, with a tenth of chance in it; after `outbox.max_age` it is given up. Mail for a
//! route of which every server is down is put off without an attempt, unless somebody is to be told of it.
//! Mail that is damaged is held; mail that cannot be read for another reason (a full disk) waits. What an
//! attempt brought is written
//! before anything else happens to the mail; if that fails it is written again until it succeeds, because
//! trying again what was delivered would double it.

mod attempt;
mod tell;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use judge::site::{ListenerDirection, Site};
use mail::address::Address;
use mail::arrival::Direction;
use settings::config;
use store::{NewQueued, Next, QueueId, QueueUsage, Queued, QueuedReceipt, Recipient, Standing, StoreError};
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinSet};
use tokio::time::timeout;

use crate::routes::Routes;
use crate::{Service, id};
use attempt::Told;
pub use tell::Asked;

/// Mails that are looked at for what can be tried now.
const LOOK: usize = 200;
/// Where there are more, so many of the latest are looked at as well: those before them may all wait for one
/// route that has its fill.
const LATEST: usize = 50;
/// The longest time between two looks.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long mail is put off that cannot be tried now, in milliseconds: its routes are down, or its file
/// cannot be read.
const PUT_OFF_MS: u64 = 20_000;
/// How long a stop waits for attempts; the recipients of one that is cut off may get their mail twice.
const STOP_WAIT: Duration = Duration::from_secs(20);
/// How long after a result could not be written comes the next try.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

/// What the runner shares with those who bring mail.
#[derive(Debug, Default)]
pub struct Outbox {
    wake: Notify,
}

impl Outbox {
    /// There may be something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Service {
    /// Takes a mail into the outbox. With the receipt it is ours to deliver.
    ///
    /// # Errors
    /// The outbox or the disk is full, or what the disk says. Nothing was kept then.
    pub async fn enqueue(&self, mail: NewQueued, mut body: Box<dyn Read + Send>) -> Result<QueuedReceipt, StoreError> {
        let (store, limits) = (self.store().clone(), Arc::clone(&self.current().outbox.load()));
        let work = move || {
            check_room(&store.queue_usage()?, 1, mail.size, &limits)?;
            store.enqueue(mail, body.as_mut())
        };
        let done = task::spawn_blocking(work).await;
        let receipt = done.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash))))?;
        self.outbox.wake();
        Ok(receipt)
    }

    /// Has the outbox look for work.
    pub fn wake_outbox(&self) {
        self.outbox.wake();
    }
}

/// Which way mail of our own goes to somebody: outgoing where the recipient is not one of ours, whatever way
/// the message went that it is about.
pub(crate) fn direction(site: &Site, to: &Address) -> Direction {
    site.direction(ListenerDirection::Auto, true, None, std::slice::from_ref(to))
}

/// Which way a message goes to one of its recipients alone. Where no domain counts as ours, all goes as it went.
pub(crate) fn way(site: &Site, went: Direction, to: &Address) -> Direction {
    match (direction(site, to), went) {
        _ if site.internal_domains.is_empty() => went,
        (Direction::Incoming, Direction::Internal) => Direction::Internal,
        (direction, _) => direction,
    }
}

/// Whether the outbox takes that many mails more, of these bytes together.
pub(crate) fn check_room(usage: &QueueUsage, more: u64, size: u64, limits: &config::Outbox) -> Result<(), StoreError> {
    if usage.mails.saturating_add(more) > u64::from(limits.max_mails) {
        return Err(StoreError::TooLarge { what: "the number of mails in the outbox", limit: limits.max_mails.into() });
    }
    if usage.bytes.saturating_add(size) > limits.max_size.0 {
        return Err(StoreError::TooLarge { what: "the outbox", limit: limits.max_size.0 });
    }
    Ok(())
}

/// How long until the attempt after `attempts` of them, in milliseconds. `chance` is 0 to 999.
fn pause_ms(limits: &config::Outbox, attempts: u32, chance: u32) -> u64 {
    let doubled = limits.first_retry.0.saturating_mul(1u64.checked_shl(attempts.min(40)).unwrap_or(u64::MAX));
    let pause = doubled.min(limits.longest_retry.0);
    pause.saturating_add((pause / 10).saturating_mul(u64::from(chance)) / 1000)
}

/// Attempts under way.
#[derive(Default)]
struct Work {
    tasks: JoinSet<()>,
    mails: HashMap<task::Id, (QueueId, String)>,
}

impl Work {
    fn busy(&self) -> HashSet<QueueId> {
        self.mails.values().map(|(id, _)| *id).collect()
    }

    /// How many share connections with this route's mail: see `Route::lane`.
    fn on_lane(&self, lane: &str) -> usize {
        self.mails.values().filter(|(_, other)| other == lane).count()
    }

    /// Takes leave of an attempt. Gives the mail of one that crashed: nothing was written about it.
    fn done(&mut self, ended: Result<(task::Id, ()), task::JoinError>) -> Option<QueueId> {
        match ended {
            Ok((id, ())) => {
                self.mails.remove(&id);
                None
            }
            Err(crash) => {
                tracing::error!(%crash, "an attempt to deliver from the outbox crashed; it is tried again much later");
                self.mails.remove(&crash.id()).map(|(mail, _)| mail)
            }
        }
    }
}

/// Delivers what is in the outbox until `stop` becomes true.
pub async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut work = Work::default();
    loop {
        let sleep = match dispatch(&service, &mut work).await {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read; it is tried again");
                LONGEST_SLEEP
            }
        };
        let crashed = tokio::select! {
            () = tokio::time::sleep(sleep) => None,
            () = service.outbox.wake.notified() => None,
            Some(ended) = work.tasks.join_next_with_id(), if !work.tasks.is_empty() => work.done(ended),
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if let Some(mail) = crashed {
            after_crash(&service, mail).await;
        }
    }
    let rest = async { while work.tasks.join_next().await.is_some() {} };
    if timeout(STOP_WAIT, rest).await.is_err() {
        tracing::warn!("the stop cuts off deliveries from the outbox; they are tried again after the next start");
    }
}

/// A mail whose attempt crashed may have been delivered, and would crash again: it is not tried at once.
async fn after_crash(service: &Service, mail: QueueId) {
    let pause = service.current().outbox.load().longest_retry.0;
    if let Err(error) = put_off(service, vec![mail], id::now_ms().saturating_add(pause)).await {
        tracing::error!(queue = %mail, %error, "a mail whose delivery crashed could not be put off");
        tokio::time::sleep(WRITE_AGAIN).await;
    }
}

/// Puts mails off until a time, without counting an attempt.
async fn put_off(service: &Service, mails: Vec<QueueId>, at_ms: u64) -> Result<(), StoreError> {
    let store = service.store().clone();
    let done = task::spawn_blocking(move || store.queue_postpone(&mails, at_ms)).await;
    done.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash))))
}

/// When mail that cannot be tried now is looked at again, in milliseconds since 1970.
fn put_off_until(now: u64) -> u64 {
    now.saturating_add(PUT_OFF_MS).saturating_add(u64::from(id::random_below(5_000)))
}

/// Starts attempts for what is due; how long to sleep then.
async fn dispatch(service: &Arc<Service>, work: &mut Work) -> Result<Duration, StoreError> {
    let limits = Arc::clone(&service.current().outbox.load());
    let now = id::now_ms();
    let free = (limits.connections as usize).saturating_sub(work.mails.len());
    let busy = work.busy();
    let (store, most) = (service.store().clone(), LOOK.saturating_add(busy.len()));
    let read =
        move || Ok::<_, StoreError>((store.queue_due(now, most, LATEST)?, store.queue_next()?, store.queue_usage()?));
    let read = task::spawn_blocking(read).await;
    let (due, next, usage) = read.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash))))?;
    figures(service, &usage, now);
    let (started, postponed) = start(service, work, due, &busy, free, &limits);
    if !postponed.is_empty() {
        put_off(service, postponed, put_off_until(now)).await?;
        return Ok(Duration::ZERO);
    }
    Ok(match next {
        // Full, or waiting for one route: the end of an attempt wakes us.
        Some(at) if at <= now && started == 0 => LONGEST_SLEEP,
        Some(at) => Duration::from_millis(at.saturating_sub(now).max(10)).min(LONGEST_SLEEP),
        None => LONGEST_SLEEP,
    })
}

/// Starts what there is room for. Gives how many, and the mails all of whose routes are down.
fn start(
    service: &Arc<Service>,
    work: &mut Work,
    due: Vec<Queued>,
    busy: &HashSet<QueueId>,
    free: usize,
    limits: &config::Outbox,
) -> (usize, Vec<QueueId>) {
    let routes = service.current().routes.load();
    let (mut started, mut postponed) = (0, Vec::new());
    for mail in due {
        if started >= free {
            break;
        }
        if busy.contains(&mail.id) {
            continue;
        }
        let first = mail.recipients.first().and_then(|to| routes.find(&to.address, mail.mail.direction));
        let lane = first.map_or_else(String::new, |route| route.lane());
        let now = id::now_ms();
        if is_stuck(&mail, &routes) && !is_expired(&mail, limits, now) && !is_to_be_told(&mail, limits, now) {
            postponed.push(mail.id);
            continue;
        }
        if work.on_lane(&lane) >= limits.connections_per_route as usize {
            continue;
        }
        let id = mail.id;
        let handle = work.tasks.spawn(deliver(Arc::clone(service), mail));
        work.mails.insert(handle.id(), (id, lane));
        started += 1;
    }
    (started, postponed)
}

/// Whether every recipient waits for a route of which every server is down.
fn is_stuck(mail: &Queued, routes: &Routes) -> bool {
    let down = |to: &Recipient| routes.find(&to.address, mail.mail.direction).is_some_and(|route| route.pauses());
    !mail.recipients.is_empty() && mail.recipients.iter().all(down)
}

fn is_expired(mail: &Queued, limits: &config::Outbox, now: u64) -> bool {
    now.saturating_sub(mail.mail.created_ms) > limits.max_age.0
}

/// Whether it waits for so long that its sender is to hear of it now.
fn is_to_be_told(mail: &Queued, limits: &config::Outbox, now: u64) -> bool {
    limits.warn_after.0 > 0 && !mail.warned && now.saturating_sub(mail.mail.created_ms) > limits.warn_after.0
}

/// Whether this says that the mail's file is damaged or gone: nothing that passes by itself.
fn is_damage(error: &StoreError) -> bool {
    match error {
        StoreError::Corrupted { .. } => true,
        StoreError::Body(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn figures(service: &Service, usage: &QueueUsage, now: u64) {
    let metrics = service.metrics();
    metrics.outbox_mails.set(usage.mails);
    metrics.outbox_bytes.set(usage.bytes);
    let age = usage.oldest_ms.map_or(0, |at| now.saturating_sub(at) / 1000);
    metrics.outbox_age.set(age);
}

/// One attempt and all that follows from it.
async fn deliver(service: Arc<Service>, mail: Queued) {
    let store = service.store().clone();
    let spool = match attempt::spool(&store, mail.id).await {
        Ok(spool) => spool,
        Err(error) => return unreadable(&service, &mail, &error).await,
    };
    let limits = Arc::clone(&service.current().outbox.load());
    // The last attempt is a real one.
    let last = is_expired(&mail, &limits, id::now_ms());
    let mut told = attempt::attempt(&service, &mail, &spool, last).await;
    let now = id::now_ms();
    if is_expired(&mail, &limits, now) {
        told.iter_mut().for_each(Told::give_up);
    }
    note(&service, &mail, &told);
    let warn = is_to_be_told(&mail, &limits, now);
    let reports = tell::reports(&service, &mail, &told, warn, &spool, now);
    let at_ms = match !told.is_empty() && told.iter().all(|one| one.untried) {
        true => put_off_until(now),
        false => now.saturating_add(pause_ms(&limits, mail.attempts, id::random_below(1000))),
    };
    let next = Next { at_ms, warned: mail.warned || warn };
    let settled: Vec<_> = told.iter().map(Told::settled).collect();
    loop {
        let (store, id, settled, reports) = (store.clone(), mail.id, settled.clone(), reports.clone());
        let write = move || store.queue_settle(id, &settled, next, reports, now);
        match task::spawn_blocking(write).await {
            Ok(Ok(_)) => break,
            Ok(Err(error)) => {
                tracing::error!(queue = %mail.id, %error, "what became of a mail in the outbox could not be written; it is written again, and not sent again");
            }
            Err(crash) => tracing::error!(queue = %mail.id, %crash, "writing what became of a mail crashed"),
        }
        tokio::time::sleep(WRITE_AGAIN).await;
    }
}

/// A mail that is damaged is held for somebody to look at it; any other reason may pass.
async fn unreadable(service: &Service, mail: &Queued, error: &StoreError) {
    let (store, queue) = (service.store().clone(), mail.id);
    let done = if is_damage(error) {
        tracing::error!(%queue, id = %mail.mail.message, %error, "a mail in the outbox cannot be read; it is held: see mailward queue show");
        let held = task::spawn_blocking(move || store.queue_hold(queue)).await;
        matches!(held, Ok(Ok(_)))
    } else {
        tracing::error!(%queue, id = %mail.mail.message, %error, "a mail in the outbox cannot be read now; it is tried again");
        put_off(service, vec![queue], put_off_until(id::now_ms())).await.is_ok()
    };
    if !done {
        tokio::time::sleep(LONGEST_SLEEP).await;
    }
}

/// One log line and one count a recipient.
fn note(service: &Service, mail: &Queued, told: &[Told]) {
    let redact = service.current().redact.load(std::sync::atomic::Ordering::Relaxed);
    let shown =
        |address: &Address| if redact { "-".to_owned() } else { mail::untrusted::escape(address.as_str(), 160) };
    for one in told.iter().filter(|one| !one.untried || one.standing != Standing::Waiting) {
        let result = match one.standing {
            Standing::Delivered => "delivered",
            Standing::Waiting => "deferred",
            Standing::Failed => "failed",
        };
        service.metrics().outbox_recipients.get_or_create(&crate::metrics::OutboxLabels { result }).inc();
        tracing::info!(
            target: "outbox",
            queue = %mail.id,
            id = %mail.mail.message,
            kind = mail.mail.kind.name(),
            to = %shown(&one.address),
            hop = one.hop,
            result,
            attempt = mail.attempts.saturating_add(1),
            said = %crate::record::without_addresses(&one.said, redact),
        );
        if one.standing == Standing::Failed && mail.mail.mail_from.is_none() {
            tracing::error!(queue = %mail.id, to = %shown(&one.address), "mail without a sender could not be delivered, and there is nobody to tell");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_its_limit() {
        let limits = config::Outbox::default();
        let minutes: Vec<u64> = (0..7).map(|attempts| pause_ms(&limits, attempts, 0) / 60_000).collect();
        assert_eq!(minutes, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(pause_ms(&limits, 0, 1000), 330_000, "a tenth more by chance");
        assert_eq!(pause_ms(&limits, u32::MAX, 0), 3_600_000);
    }

    #[tokio::test]
    async fn the_mail_of_an_attempt_that_crashes_is_known() {
        let mut work = Work::default();
        for (name, crashes) in [("0000000000001", false), ("0000000000002", true)] {
            let handle = work.tasks.spawn(async move { assert!(!crashes, "as it should") });
            work.mails.insert(handle.id(), (name.parse().unwrap(), String::new()));
        }
        let mut crashed = Vec::new();
        while let Some(ended) = work.tasks.join_next_with_id().await {
            crashed.extend(work.done(ended));
        }
        assert_eq!(crashed, ["0000000000002".parse().unwrap()]);
        assert!(work.mails.is_empty());
    }

    #[test]
    fn only_damage_is_damage() {
        let body = |kind: std::io::ErrorKind| StoreError::Body(kind.into());
        assert!(is_damage(&StoreError::Corrupted { what: "x", path: "x".into() }));
        assert!(is_damage(&body(std::io::ErrorKind::InvalidData)));
        for passes in [
            body(std::io::ErrorKind::StorageFull),
            StoreError::NoSpace { path: "x".into() },
            StoreError::Io { doing: "open", path: "x".into(), source: std::io::ErrorKind::Other.into() },
        ] {
            assert!(!is_damage(&passes), "{passes}");
        }
    }

    #[test]
    fn a_full_outbox_takes_nothing() {
        let limits = config::Outbox { max_mails: 2, max_size: judge::units::Bytes(100), ..config::Outbox::default() };
        let usage = |mails, bytes| QueueUsage { mails, bytes, ..QueueUsage::default() };
        assert!(check_room(&usage(1, 50), 1, 50, &limits).is_ok());
        assert!(check_room(&usage(0, 50), 2, 50, &limits).is_ok());
        assert!(check_room(&usage(1, 0), 2, 1, &limits).is_err());
        assert!(check_room(&usage(2, 0), 1, 1, &limits).is_err());
        assert!(check_room(&usage(1, 50), 1, 51, &limits).is_err());
    }
}
