//! What is known of servers: whether they were reached lately, how long they are left alone otherwise, and how much time
//! each of several has.
//! Limit: [`MAX_KNOWN`] servers of the DNS that are remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a server that failed once is left alone; each further failure doubles it.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(300);
/// Most servers of the DNS that are remembered because they failed.
const MAX_KNOWN: usize = 10_000;

/// What is known of a server. One of which nothing is known is up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    until: Option<Instant>,
}

impl Health {
    /// Whether the last attempt to reach it succeeded, or none was made.
    pub(crate) fn is_up(&self) -> bool {
        self.failures == 0
    }

    /// Whether it is to be tried only when nothing else is left.
    pub(crate) fn pauses(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// Notes how an attempt ended; whether that is news.
    pub(crate) fn note(&mut self, reached: bool, now: Instant) -> bool {
        let was_up = self.is_up();
        if reached {
            *self = Self::default();
        } else {
            let pause = FIRST_PAUSE.saturating_mul(1u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX));
            self.failures = self.failures.saturating_add(1);
            self.until = Some(now + pause.min(MAX_PAUSE));
        }
        was_up != reached
    }
}

/// The servers that the DNS names and that failed lately, by name and port.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<String, Health>>);

impl Known {
    /// Whether it is to be tried only when nothing else is left.
    pub(crate) fn pauses(&self, server: &str, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(server).is_some_and(|health| health.pauses(now))
    }

    /// Notes how an attempt ended. Only those that failed are kept.
    pub(crate) fn note(&self, server: &str, reached: bool, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reached {
            known.remove(server);
            return;
        }
        if known.len() >= MAX_KNOWN && !known.contains_key(server) {
            known.retain(|_, health| health.pauses(now));
            if known.len() >= MAX_KNOWN {
                return;
            }
        }
        known.entry(server.to_owned()).or_default().note(false, now);
    }
}

/// Until when one of several servers has time, with `left` behind it: its own limit, and no more than its share of
/// what is left, so that every one of them is asked. The last has all of it.
pub(crate) fn share(now: Instant, until: Instant, limit: Duration, left: usize) -> Instant {
    if left == 0 {
        return until;
    }
    let parts = u32::try_from(left).unwrap_or(u32::MAX).saturating_add(1);
    now + limit.min(until.saturating_duration_since(now) / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_its_share_of_the_time() {
        let now = Instant::now();
        let seconds = |n| Duration::from_secs(n);
        let of = |until, limit, left| share(now, now + seconds(until), seconds(limit), left) - now;
        assert_eq!(of(1_800, 60, 9), seconds(60), "time enough for each");
        assert_eq!(of(60, 60, 1), seconds(30));
        assert_eq!(of(240, 60, 9), seconds(24));
        assert_eq!(of(240, 60, 0), seconds(240), "nobody is behind the last");
        assert_eq!(share(now, now, seconds(60), 3), now);
    }

    #[test]
    fn servers_that_failed_are_remembered_until_they_answer_and_not_too_many() {
        let (known, now) = (Known::default(), Instant::now());
        known.note("a:25", true, now);
        assert!(!known.pauses("a:25", now) && known.0.lock().unwrap().is_empty());
        known.note("a:25", false, now);
        assert!(known.pauses("a:25", now) && !known.pauses("b:25", now));
        assert!(!known.pauses("a:25", now + FIRST_PAUSE));
        known.note("a:25", false, now);
        assert!(known.pauses("a:25", now + FIRST_PAUSE), "longer each time");
        known.note("a:25", true, now);
        assert!(!known.pauses("a:25", now));
        for n in 0..MAX_KNOWN + 10 {
            known.note(&format!("s{n}:25"), false, now);
        }
        assert_eq!(known.0.lock().unwrap().len(), MAX_KNOWN);
        known.note("later:25", false, now + MAX_PAUSE * 2);
        assert_eq!(known.0.lock().unwrap().len(), 1, "whose pause is over is forgotten");
    }
}
