//! The pool: who gets a worker when, what happens after a failure, generations.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::config::MAX_WORKERS;
use crate::exchange::Worker;
use crate::launch::{Host, lock};
use crate::{Body, Failure, PoolConfig, Reply, StartError};

/// Least time between two starts of a host that keeps dying.
const RESTART_INTERVAL: Duration = Duration::from_secs(1);

/// How long a shutdown waits for the processes to end after the last message.
const END_WAIT: Duration = Duration::from_secs(5);

/// What a pool did and does. Counters count from the start of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// How many workers there may be.
    pub workers: usize,
    /// How many are at work.
    pub busy: usize,
    /// Requests that wait for a worker.
    pub waiting: usize,
    /// Messages answered.
    pub answered: u64,
    /// Workers that ended unexpectedly, ran out of memory or answered nonsense.
    pub crashes: u64,
    /// Workers killed at a deadline, or because nobody waited for their answer any more.
    pub kills: u64,
    /// Workers replaced after their number of messages.
    pub retired: u64,
    /// The loads of rules and signatures so far, restarts included; 1 after the start.
    pub generation: u64,
    /// Hosts that died and were started again.
    pub host_restarts: u64,
}

/// Workers that run a [`crate::Job`]; clones are the same pool. When the last clone goes, the
/// processes are killed.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    config: PoolConfig,
    /// What the running generation was loaded from.
    init: Mutex<Arc<Vec<u8>>>,
    /// Held while a host starts.
    starting: tokio::sync::Mutex<()>,
    current: watch::Sender<Arc<Host>>,
    /// One permit a worker.
    any: Semaphore,
    /// What large bodies take before that: one less, so that they never hold all workers.
    large: Semaphore,
    closed: AtomicBool,
    waiting: AtomicUsize,
    last_error: Mutex<String>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    answered: AtomicU64,
    crashes: AtomicU64,
    kills: AtomicU64,
    retired: AtomicU64,
    host_restarts: AtomicU64,
    generation: AtomicU64,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("config", &self.config.program).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the host, lets it load, and forks the workers. Needs a tokio runtime with I/O and
    /// time.
    pub async fn start(mut config: PoolConfig) -> Result<Self, StartError> {
        config.workers = config.workers.clamp(1, MAX_WORKERS);
        let init = Arc::new(std::mem::take(&mut config.init));
        let counters = Counters::default();
        let host = Host::start(&config, &init, counters.next_generation(), 1).await?;
        let inner = Arc::new(Inner {
            any: Semaphore::new(config.workers),
            large: Semaphore::new((config.workers - 1).max(1)),
            config,
            init: Mutex::new(init),
            starting: tokio::sync::Mutex::new(()),
            current: watch::Sender::new(host),
            closed: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            last_error: Mutex::new("the worker host ended".into()),
            counters,
        });
        tokio::spawn(supervise(Arc::downgrade(&inner), inner.current.subscribe()));
        Ok(Self { inner })
    }

    /// Has a worker look at a message. Waits for a free one; all of it is over at the deadline,
    /// at which the worker is killed. Dropping the future also kills the worker. With less than half of
    /// its time left when its turn came, a message is [`Failure::Overloaded`] at the deadline.
    pub async fn run(&self, request: Vec<u8>, body: Body, deadline: Instant) -> Result<Reply, Failure> {
        self.run_of(request, body, deadline).await.map(|(reply, _)| reply)
    }

    /// The same, with the number of the [load](Self::load) that the worker was of.
    pub async fn run_of(&self, request: Vec<u8>, body: Body, deadline: Instant) -> Result<(Reply, u64), Failure> {
        let inner = &*self.inner;
        let budget = deadline.saturating_duration_since(Instant::now());
        let _permits = inner.permits(body.len(), deadline).await?;
        let found = match timeout_at(deadline, inner.worker()).await {
            Ok(found) => found.map_err(Failure::Unavailable)?,
            Err(_) => return Err(Failure::Unavailable(lock(&inner.last_error).clone())),
        };
        if Instant::now() >= deadline {
            found.0.give_back(found.1);
            return Err(Failure::Overloaded);
        }
        // Its turn came so late that reaching the deadline says more about us than about the message.
        let late = deadline.saturating_duration_since(Instant::now()) < budget / 2;
        let load = found.0.load;
        let mut use_of = Use { inner, worker: Some(found.1), host: found.0 };
        let exchange = use_of.exchange(&request, &body, deadline);
        match timeout_at(deadline, exchange).await {
            Ok(result) => use_of.end(result).map(|reply| (reply, load)),
            Err(_) => {
                let cut = use_of.end(Err(Failure::Deadline)).map(|reply| (reply, load));
                if late { Err(Failure::Overloaded) } else { cut }
            }
        }
    }

    /// Which bytes workers are loaded from now: counts the start and every reload that worked, from 1.
    pub fn load(&self) -> u64 {
        self.inner.current.borrow().load
    }

    /// Loads from new bytes. Only when that worked do messages go to the new generation; the old
    /// one finishes what it has, so for a while there is memory for both. On an error the old one
    /// stays.
    pub async fn reload(&self, init: Vec<u8>) -> Result<(), StartError> {
        let inner = &*self.inner;
        let _starting = inner.starting.lock().await;
        let init = Arc::new(init);
        inner.start_host(&init, self.load().saturating_add(1)).await?;
        *lock(&inner.init) = init;
        Ok(())
    }

    /// What the pool did and does.
    pub fn status(&self) -> Status {
        let inner = &*self.inner;
        let counters = &inner.counters;
        Status {
            workers: inner.config.workers,
            busy: inner.config.workers.saturating_sub(inner.any.available_permits()),
            waiting: inner.waiting.load(Relaxed),
            answered: counters.answered.load(Relaxed),
            crashes: counters.crashes.load(Relaxed),
            kills: counters.kills.load(Relaxed),
            retired: counters.retired.load(Relaxed),
            generation: inner.current.borrow().generation,
            host_restarts: counters.host_restarts.load(Relaxed),
        }
    }

    /// Takes no new messages, finishes those it has, at most until their deadlines, and ends the
    /// processes.
    pub async fn shutdown(self) {
        let inner = &*self.inner;
        inner.closed.store(true, Relaxed);
        let all = u32::try_from(inner.config.workers).unwrap_or(u32::MAX);
        let _all = inner.any.acquire_many(all).await;
        // A reload that is under way must not leave a host behind.
        let _starting = inner.starting.lock().await;
        let host = Arc::clone(&inner.current.borrow());
        let mut death = host.death();
        host.end();
        drop(host);
        let _ = timeout(END_WAIT, death.wait_for(|dead| *dead)).await;
    }
}

impl Inner {
    /// Waits for a turn. Turns are given in the order of asking; large bodies queue among
    /// themselves first.
    async fn permits(&self, length: u64, deadline: Instant) -> Result<[Option<SemaphorePermit<'_>>; 2], Failure> {
        if self.closed.load(Relaxed) {
            return Err(Failure::Unavailable("shutting down".into()));
        }
        if let (true, Ok(permit)) = (length <= self.config.small_lane_bytes, self.any.try_acquire()) {
            return Ok([Some(permit), None]);
        }
        let _place = Place::take(&self.waiting, self.config.queue).ok_or(Failure::Overloaded)?;
        let turn = async {
            let large = match length > self.config.small_lane_bytes {
                true => Some(self.large.acquire().await),
                false => None,
            };
            (large.and_then(Result::ok), self.any.acquire().await.ok())
        };
        match timeout_at(deadline, turn).await {
            Ok((large, any)) => Ok([any, large]),
            Err(_) => Err(Failure::Overloaded),
        }
    }

    /// A worker of the current generation; waits while its host is being started again.
    async fn worker(&self) -> Result<(Arc<Host>, Worker), String> {
        let mut current = self.current.subscribe();
        loop {
            let host = Arc::clone(&current.borrow_and_update());
            if host.is_dead() {
                if self.closed.load(Relaxed) || current.changed().await.is_err() {
                    return Err("shutting down".into());
                }
                continue;
            }
            if let Some(worker) = host.take_idle() {
                return Ok((host, worker));
            }
            match host.spawn().await {
                Ok(worker) => return Ok((host, worker)),
                Err(_) if host.is_dead() => {}
                Err(text) => return Err(text),
            }
        }
    }

    /// Starts a host and makes it the current one. The caller holds `starting`.
    async fn start_host(&self, init: &[u8], load: u64) -> Result<(), StartError> {
        if self.closed.load(Relaxed) {
            return Err(StartError::Closed);
        }
        let host = Host::start(&self.config, init, self.counters.next_generation(), load).await?;
        let old = self.current.send_replace(host);
        old.retire();
        Ok(())
    }

    /// Starts a host in place of one that died.
    async fn restart(&self) {
        let _starting = self.starting.lock().await;
        if !self.current.borrow().is_dead() {
            return;
        }
        let init = Arc::clone(&lock(&self.init));
        let load = self.current.borrow().load;
        match self.start_host(&init, load).await {
            Ok(()) => {
                add_one(&self.counters.host_restarts);
                tracing::warn!("the worker host had died and was started again");
            }
            Err(error) => {
                tracing::error!(%error, "the worker host died and does not start again");
                *lock(&self.last_error) = error.to_string();
            }
        }
    }
}

/// Starts the host again whenever it dies. Ends with the pool.
async fn supervise(pool: Weak<Inner>, mut current: watch::Receiver<Arc<Host>>) {
    let mut earliest = Instant::now();
    loop {
        let mut death = current.borrow_and_update().death();
        tokio::select! {
            changed = current.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            _ = death.wait_for(|dead| *dead) => {}
        }
        sleep_until(earliest).await;
        earliest = Instant::now() + RESTART_INTERVAL;
        let Some(inner) = pool.upgrade() else { return };
        if inner.closed.load(Relaxed) {
            return;
        }
        inner.restart().await;
    }
}

/// A worker at work. Dropped before its end, it takes the worker with it.
struct Use<'a> {
    inner: &'a Inner,
    host: Arc<Host>,
    worker: Option<Worker>,
}

impl Use<'_> {
    async fn exchange(&mut self, request: &[u8], body: &Body, deadline: Instant) -> Result<Reply, Failure> {
        match &mut self.worker {
            Some(worker) => worker.exchange(request, body, deadline, &self.inner.config.limits).await,
            None => Err(Failure::Unavailable("no worker".into())),
        }
    }

    /// Keeps the worker after a reply; counts and drops it otherwise.
    fn end(mut self, result: Result<Reply, Failure>) -> Result<Reply, Failure> {
        let worker = self.worker.take();
        let counters = &self.inner.counters;
        match &result {
            Ok(_) => {
                add_one(&counters.answered);
                match worker {
                    Some(worker) if worker.served() < self.inner.config.retire_after => self.host.give_back(worker),
                    _ => add_one(&counters.retired),
                }
            }
            Err(Failure::Deadline) => add_one(&counters.kills),
            Err(Failure::Crashed(_) | Failure::Memory | Failure::Protocol(_)) => add_one(&counters.crashes),
            Err(Failure::Overloaded | Failure::Unavailable(_)) => {}
        }
        result
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if self.worker.is_some() {
            add_one(&self.inner.counters.kills);
        }
    }
}

impl Counters {
    fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Relaxed) + 1
    }
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let room = |count: usize| (count < most).then_some(count + 1);
        waiting.fetch_update(Relaxed, Relaxed, room).ok().map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
