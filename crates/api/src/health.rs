//! Whether the node does its work, found out by asking its parts: what `/healthz` says.
//!
//! The parts are asked at most every two seconds, however often somebody wants to know, and each
//! has a time limit. Details are our own words: no addresses, nothing from mail; reasons with more
//! in them go to the log when a state changes.

use std::sync::Arc;
use std::time::Duration;

use net::certificates::{Age, Held, age, now};
use net::{ClamdHealth, ClamdState};
use serde::Serialize;
use service::Service;
use service::examine::Examiner;
use service::routes::{Route, Routes, Target};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// Most routes that are named when their servers are all down.
const MAX_DOWN: usize = 5;
/// How long a report stays true.
const FRESH: Duration = Duration::from_secs(2);
/// How long one part may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// When a probe of the workers is given up and its worker ended. Longer than we wait for it: a
/// machine that is merely slow keeps its workers.
const PROBE_LIFE: Duration = Duration::from_secs(15);
/// All workers at work for so long without an answer is worth a word.
const STUCK: Duration = Duration::from_secs(60);
/// How long after a worker's failure the workers count as degraded.
const RECENT: Duration = Duration::from_secs(300);
/// Less free disk than this is degraded, in bytes.
const FREE_LOW: u64 = 512 << 20;
/// Less free disk than this is failing, in bytes: mail is soon refused for want of space.
const FREE_NONE: u64 = 16 << 20;
/// Most characters of what clamd says about itself.
const MAX_VERSION: usize = 120;
/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// How something is, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Ok,
    /// Mail is looked at, with less than there should be.
    Degraded,
    /// Mail is not looked at, or cannot be kept.
    Failing,
}

/// One part and how it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// `workers`, `clamd`, `signatures`, `store`, `next_hop` or `certificates`.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// Why, and what to do.
    pub detail: String,
}

/// The whole of it, as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The worst of the checks.
    pub status: State,
    /// The version that runs.
    pub version: &'static str,
    /// Seconds since the endpoints were started.
    pub uptime_s: u64,
    /// Where the policy in force comes from.
    pub policy: String,
    /// The parts.
    pub checks: Vec<Check>,
}

/// Knows how a service is.
#[derive(Debug)]
pub struct Health {
    service: Arc<Service>,
    started: Instant,
    memory: Mutex<Memory>,
}

/// What was seen before.
#[derive(Debug)]
struct Memory {
    /// When, and what of it was reported.
    last: Option<(Instant, Vec<Check>)>,
    /// Messages that workers had answered, and when that last grew.
    answered: (u64, Instant),
    /// Failures of workers so far, and when that last grew.
    failures: (u64, Option<Instant>),
}

fn check(name: &'static str, state: State, detail: impl Into<String>) -> Check {
    Check { name, state, detail: detail.into() }
}

impl Health {
    /// Of a service that starts now.
    pub fn new(service: Arc<Service>) -> Self {
        let examiner = service.current().examiner.load_full();
        let (answered, failures, now) = (examiner.pool().status().answered, failures(&examiner), Instant::now());
        let memory = Memory { last: None, answered: (answered, now), failures: (failures, None) };
        Self { service, started: now, memory: Mutex::new(memory) }
    }

    /// How the service is now, or was less than two seconds ago.
    pub async fn report(&self) -> Report {
        let checks = self.checks().await;
        Report {
            status: checks.iter().map(|check| check.state).max().unwrap_or(State::Ok),
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: self.started.elapsed().as_secs(),
            policy: self.service.current().policy.load().origin.to_string(),
            checks,
        }
    }

    /// One asks, the others wait for its result.
    async fn checks(&self) -> Vec<Check> {
        let mut memory = self.memory.lock().await;
        if let Some((at, checks)) = &memory.last
            && at.elapsed() < FRESH
        {
            return checks.clone();
        }
        let examiner = self.service.current().examiner.load_full();
        let (workers, clamd, store) =
            tokio::join!(workers(&examiner, &mut memory), ask_clamd(&examiner), store(&self.service));
        let mut checks = vec![workers];
        checks.extend(clamd.as_ref().map(clamd_check));
        checks.push(signatures(examiner.has_signatures(), clamd.as_ref()));
        checks.push(store);
        checks.push(next_hop(&self.service.current().routes.load()));
        checks.extend(certificates(&self.service.certificates().all()));
        tell_changes(memory.last.as_ref().map(|(_, checks)| checks.as_slice()), &checks);
        memory.last = Some((Instant::now(), checks.clone()));
        checks
    }
}

/// One log line for each state that changed.
fn tell_changes(before: Option<&[Check]>, now: &[Check]) {
    for check in now {
        let old = before.and_then(|checks| checks.iter().find(|old| old.name == check.name));
        let old = old.map_or(State::Ok, |old| old.state);
        match check.state {
            state if state == old => {}
            State::Ok => tracing::info!(part = check.name, detail = check.detail, "works again"),
            _ => tracing::warn!(part = check.name, detail = check.detail, "does not work as it should"),
        }
    }
}

/// Failures of workers and their host since the start.
fn failures(examiner: &Examiner) -> u64 {
    let status = examiner.pool().status();
    status.crashes.saturating_add(status.kills).saturating_add(status.host_restarts)
}

/// Answers since the last look show that workers work; otherwise a free one is asked something.
async fn workers(examiner: &Examiner, memory: &mut Memory) -> Check {
    let status = examiner.pool().status();
    let grown = status.answered != memory.answered.0;
    if !grown && status.busy < status.workers && !probe(examiner).await {
        return check("workers", State::Failing, "no scan worker answers; mail cannot be examined: see the log");
    }
    let (answered, failed) = (examiner.pool().status().answered, failures(examiner));
    if answered != memory.answered.0 {
        memory.answered = (answered, Instant::now());
    }
    if failed != memory.failures.0 {
        memory.failures = (failed, Some(Instant::now()));
    }
    let mut detail = format!(
        "{} workers, {} at work, {} messages waiting; since the start {} crashed, {} ended at a deadline, {} restarts of their host",
        status.workers, status.busy, status.waiting, status.crashes, status.kills, status.host_restarts
    );
    let stuck = status.busy >= status.workers && memory.answered.1.elapsed() > STUCK;
    let recent = memory.failures.1.is_some_and(|at| at.elapsed() < RECENT);
    if stuck {
        detail.push_str("; all are at work and none has answered for a minute");
    }
    if recent {
        detail.push_str("; some failed in the last minutes: see the log");
    }
    check("workers", if stuck || recent { State::Degraded } else { State::Ok }, detail)
}

/// Whether a worker answers; what it answers to an empty request does not matter.
async fn probe(examiner: &Examiner) -> bool {
    let pool = examiner.pool().clone();
    // A task of its own: a request that is dropped would take its worker with it.
    let asked = tokio::spawn(async move { pool.run(Vec::new(), Vec::new().into(), Instant::now() + PROBE_LIFE).await });
    match timeout(PATIENCE, asked).await {
        Ok(Ok(Ok(_))) => true,
        Ok(Ok(Err(failure))) => {
            tracing::warn!(%failure, "a scan worker was asked whether it works");
            false
        }
        Ok(Err(_)) | Err(_) => false,
    }
}

/// What clamd says; `None` without a clamd.
async fn ask_clamd(examiner: &Examiner) -> Option<ClamdHealth> {
    let clamd = examiner.clamd()?;
    match timeout(PATIENCE, clamd.check()).await {
        Ok(health) => Some(health),
        Err(_) => Some(ClamdHealth { state: ClamdState::Unknown, version: None }),
    }
}

/// Failing is degraded here: mail goes on as the policy says for what was not examined.
fn clamd_check(health: &ClamdHealth) -> Check {
    let version = health.version.as_ref();
    match (&health.state, version) {
        (ClamdState::Failing { since, .. }, _) => {
            let seconds = since.elapsed().unwrap_or_default().as_secs();
            check(
                "clamd",
                State::Degraded,
                format!("clamd has not answered for {seconds} s: see the log for the reason"),
            )
        }
        (ClamdState::Healthy, Some(version)) => {
            let text = mail::untrusted::escape(&version.text, MAX_VERSION);
            match version.database {
                Some(_) => check("clamd", State::Ok, text),
                None => check("clamd", State::Degraded, format!("{text}: no signature database; run freshclam")),
            }
        }
        _ => check("clamd", State::Degraded, "clamd has not said yet what it is"),
    }
}

/// Without signatures only the test virus and our few rules are found: that must be visible.
fn signatures(own: bool, clamd: Option<&ClamdHealth>) -> Check {
    const NAME: &str = "signatures";
    let clamd_has = clamd.map(|health| {
        let database = health.version.as_ref().is_some_and(|version| version.database.is_some());
        health.state == ClamdState::Healthy && database
    });
    match (own, clamd_has) {
        (true, Some(true)) => check(NAME, State::Ok, "hash lists or rules of your own, and clamd's database"),
        (true, _) => check(NAME, State::Ok, "hash lists or rules of your own"),
        (false, Some(true)) => check(NAME, State::Ok, "clamd's database"),
        (false, Some(false)) => {
            check(NAME, State::Degraded, "no signature database: clamd, the only source of signatures, offers none now")
        }
        (false, None) => check(
            NAME,
            State::Degraded,
            "no signature database: only the EICAR test file and the built-in rules are looked for; \
             set clamd.address, engines.hash_lists or engines.yara",
        ),
    }
}

/// Whether Backup can be read and the disk takes more.
async fn store(service: &Service) -> Check {
    const NAME: &str = "store";
    let store = service.store().clone();
    let usage = match timeout(PATIENCE, tokio::task::spawn_blocking(move || store.usage())).await {
        Ok(Ok(Ok(usage))) => usage,
        Ok(Ok(Err(error))) => {
            tracing::warn!(%error, "Backup was asked how much it holds");
            return check(NAME, State::Failing, "Backup cannot be read: see the log");
        }
        Ok(Err(_)) => return check(NAME, State::Failing, "Backup's reader crashed: see the log"),
        Err(_) => return check(NAME, State::Failing, "the data directory's disk does not answer"),
    };
    let held = format!("{} messages, {} MiB in Backup", usage.objects, usage.bytes / MIB);
    match usage.free {
        None => check(NAME, State::Ok, held),
        Some(free) => {
            let (state, advice) = disk(free);
            check(NAME, state, format!("{held}, {} MiB free{advice}", free / MIB))
        }
    }
}

fn disk(free: u64) -> (State, &'static str) {
    match free {
        0..FREE_NONE => (State::Failing, ": the disk is full; mail that has to be kept is put off"),
        FREE_NONE..FREE_LOW => (State::Degraded, ": the disk is nearly full"),
        _ => (State::Ok, ""),
    }
}

/// A route whose servers are all down holds up its mail: visible, and no failure of ours.
fn next_hop(routes: &Routes) -> Check {
    let up = |route: &Arc<Route>| route.targets.iter().any(Target::is_up);
    let down: Vec<&str> = routes.all().iter().filter(|r| !up(r)).map(|r| r.name.as_str()).take(MAX_DOWN).collect();
    match (routes.all().is_empty(), down.is_empty()) {
        (true, _) => check("next_hop", State::Degraded, "no next hop is configured: set next_hop.address"),
        (_, true) => check("next_hop", State::Ok, "configured"),
        _ => check("next_hop", State::Degraded, format!("no server is there of: {}", down.join(", "))),
    }
}

/// Our own certificates; `None` where there are none. Which one it is says the log.
fn certificates(all: &[Arc<Held>]) -> Option<Check> {
    const NAME: &str = "certificates";
    let (mut worst, mut soonest) = (None, u64::MAX);
    for held in all {
        let word = match held.facts().map(|facts| (age(&facts, now()), facts.not_after)) {
            None => Some("one is not there yet: TLS is not offered where it is to be used"),
            Some((Age::Over(_), _)) => Some("one has ended: peers that check it send no mail"),
            Some((Age::Early(_), _)) => Some("one does not count yet: is the clock right?"),
            Some((time, end)) => {
                soonest = soonest.min(end.saturating_sub(now()));
                let broken = "the files of one are of no use; the one loaded before is shown: see the log";
                let soon = matches!(time, Age::Soon(_)).then_some("one ends soon: renew it");
                held.problem().map(|_| broken).or(soon)
            }
        };
        worst = worst.or(word);
    }
    match (all.is_empty(), worst) {
        (true, _) => None,
        (false, Some(word)) => Some(check(NAME, State::Degraded, word)),
        (false, None) => {
            Some(check(NAME, State::Ok, format!("{} in use, good for {} days", all.len(), soonest / 86_400)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use net::ClamdVersion;

    use super::*;

    fn clamd(state: ClamdState, database: Option<u32>) -> ClamdHealth {
        let version = ClamdVersion { text: "ClamAV 1.4.6\u{1b}[2J".to_owned(), database };
        ClamdHealth { state, version: Some(version) }
    }

    fn failing() -> ClamdState {
        ClamdState::Failing { since: SystemTime::now(), why: "clamd at 192.0.2.1:3310: refused".to_owned() }
    }

    #[test]
    fn missing_signatures_are_visible_and_say_what_to_set() {
        let good = clamd(ClamdState::Healthy, Some(27700));
        let empty = clamd(ClamdState::Healthy, None);
        let cases = [
            (true, None, State::Ok),
            (true, Some(&empty), State::Ok),
            (false, Some(&good), State::Ok),
            (false, Some(&empty), State::Degraded),
            (false, Some(&clamd(failing(), Some(27700))), State::Degraded),
            (false, None, State::Degraded),
        ];
        for (own, clamd, state) in cases {
            let check = signatures(own, clamd);
            assert_eq!(check.state, state, "{own} {clamd:?}");
            assert_eq!(check.detail.contains("no signature database"), state != State::Ok, "{}", check.detail);
        }
        assert!(signatures(false, None).detail.contains("clamd.address"));
    }

    #[test]
    fn clamd_shows_its_state_without_its_address() {
        let cases = [
            (clamd(ClamdState::Healthy, Some(1)), State::Ok, "ClamAV 1.4.6\\u{1b}[2J"),
            (clamd(ClamdState::Healthy, None), State::Degraded, "no signature database"),
            (clamd(failing(), Some(1)), State::Degraded, "has not answered for 0 s"),
            (clamd(ClamdState::Unknown, None), State::Degraded, "not said yet"),
        ];
        for (health, state, text) in cases {
            let check = clamd_check(&health);
            assert_eq!(check.state, state, "{health:?}");
            assert!(check.detail.contains(text) && !check.detail.contains("192.0.2.1"), "{}", check.detail);
        }
    }

    #[test]
    fn a_disk_that_fills_up_is_told_before_it_is_full() {
        assert_eq!(disk(0).0, State::Failing);
        assert_eq!(disk(FREE_NONE - 1).0, State::Failing);
        assert_eq!(disk(FREE_NONE).0, State::Degraded);
        assert_eq!(disk(FREE_LOW).0, State::Ok);
    }

    #[test]
    fn the_worst_state_is_the_greatest() {
        assert!(State::Failing > State::Degraded && State::Degraded > State::Ok);
    }
}
