//! Whether clamd works: fails fast while it does not, and lets one request at a time find out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// After so many failures in a row requests fail at once.
const FAILURES: u32 = 3;
/// How long they do so before one request is let through.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of clamd.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClamdState {
    /// Nobody has asked it anything yet.
    Unknown,
    /// It answered the last request.
    Healthy,
    /// It did not answer the last requests.
    Failing {
        /// When the first of them failed.
        since: SystemTime,
        /// Why the last one failed.
        why: String,
    },
}

#[derive(Debug)]
struct Inner {
    state: ClamdState,
    failures: u32,
    /// Until when requests fail at once.
    closed_until: Option<Instant>,
    /// Whether a request is out to find out.
    probing: bool,
}

/// The circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker(Mutex<Inner>);

/// The right to ask. Its end without a result counts neither as a success nor as a failure.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    probe: bool,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Inner { state: ClamdState::Unknown, failures: 0, closed_until: None, probing: false }))
    }

    /// Asks for the right to send a request; the error is why the last ones failed.
    pub(super) fn pass(&self) -> Result<Pass<'_>, String> {
        let mut inner = self.lock();
        let Some(until) = inner.closed_until else { return Ok(Pass { breaker: self, probe: false }) };
        if inner.probing || Instant::now() < until {
            return Err(match &inner.state {
                ClamdState::Failing { why, .. } => why.clone(),
                _ => "clamd is failing".to_owned(),
            });
        }
        inner.probing = true;
        Ok(Pass { breaker: self, probe: true })
    }

    pub(super) fn state(&self) -> ClamdState {
        self.lock().state.clone()
    }

    /// Every change is whole in itself, so what a panicking thread left is usable.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// clamd answered.
    pub(super) fn succeeded(self) {
        let mut inner = self.breaker.lock();
        if let ClamdState::Failing { .. } = inner.state {
            tracing::info!("clamd answers again");
        }
        inner.state = ClamdState::Healthy;
        inner.failures = 0;
        inner.closed_until = None;
    }

    /// clamd did not answer, or answered nonsense.
    pub(super) fn failed(self, why: &str) {
        let mut inner = self.breaker.lock();
        let since = match &inner.state {
            ClamdState::Failing { since, .. } => *since,
            _ => SystemTime::now(),
        };
        inner.state = ClamdState::Failing { since, why: why.to_owned() };
        inner.failures = inner.failures.saturating_add(1);
        if inner.failures == FAILURES {
            tracing::warn!(why, "clamd is failing; mail is not scanned by it until it answers");
        }
        if inner.failures >= FAILURES {
            inner.closed_until = Some(Instant::now() + PAUSE);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.lock().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_three_failures_one_request_a_second_finds_out() {
        let breaker = Breaker::new();
        assert_eq!(breaker.state(), ClamdState::Unknown);
        for _ in 0..FAILURES {
            breaker.pass().expect("still open").failed("refused");
        }
        assert_eq!(breaker.pass().unwrap_err(), "refused");
        assert!(matches!(breaker.state(), ClamdState::Failing { .. }));

        tokio::time::advance(PAUSE).await;
        let probe = breaker.pass().expect("the probe");
        breaker.pass().expect_err("one at a time");
        probe.failed("refused again");
        assert_eq!(breaker.pass().unwrap_err(), "refused again");

        tokio::time::advance(PAUSE).await;
        drop(breaker.pass().expect("a probe that is given up"));
        breaker.pass().expect("the next probe").succeeded();
        assert_eq!(breaker.state(), ClamdState::Healthy);
        let (_one, _two) = (breaker.pass().unwrap(), breaker.pass().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_keeps_it_open() {
        let breaker = Breaker::new();
        for _ in 0..10 {
            breaker.pass().unwrap().failed("x");
            breaker.pass().unwrap().failed("x");
            breaker.pass().unwrap().succeeded();
        }
        assert_eq!(breaker.state(), ClamdState::Healthy);
    }
}
