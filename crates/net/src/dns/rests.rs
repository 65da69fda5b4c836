//! Servers that do not answer: after a few silent attempts each is left alone for a while, and asked only when
//! no other one knows.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Figures, add};

/// After so many attempts in a row without an answer a server is left alone.
const SILENT: u32 = 3;
/// For so long at first; each further attempt without an answer doubles it.
const FIRST_REST: Duration = Duration::from_secs(10);
/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(300);

/// What is known of one server.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    silent: u32,
    until: Option<Instant>,
}

/// What is known of each server.
#[derive(Debug)]
pub(super) struct Rests(Mutex<Vec<State>>);

impl Rests {
    pub(super) fn new(servers: usize) -> Self {
        Self(Mutex::new(vec![State::default(); servers]))
    }

    /// Whether a server is to be left alone now.
    pub(super) fn rests(&self, at: usize, now: Instant) -> bool {
        self.states().get(at).and_then(|state| state.until).is_some_and(|until| until > now)
    }

    /// Notes whether a server answered.
    pub(super) fn note(&self, at: usize, server: SocketAddr, answered: bool, now: Instant, figures: &Figures) {
        let mut states = self.states();
        let Some(state) = states.get_mut(at) else { return };
        let rested = state.until.is_some();
        if answered {
            *state = State::default();
        } else {
            state.silent = state.silent.saturating_add(1);
            if let Some(more) = state.silent.checked_sub(SILENT) {
                let rest = FIRST_REST.saturating_mul(1u32.checked_shl(more.min(16)).unwrap_or(u32::MAX));
                state.until = Some(now + rest.min(MAX_REST));
            }
        }
        let rests = state.until.is_some();
        figures.resting.store(states.iter().filter(|state| state.until.is_some()).count() as u64, Ordering::Relaxed);
        drop(states);
        match (rested, rests) {
            (false, true) => {
                add(&figures.rests);
                tracing::warn!(%server, "a DNS server does not answer and is left alone for a while");
            }
            (true, false) => tracing::info!(%server, "a DNS server answers again"),
            _ => {}
        }
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_rests_longer_each_time_and_who_answers_is_asked_again() {
        let (rests, figures, server) = (Rests::new(2), Figures::default(), "192.0.2.1:53".parse().unwrap());
        let start = Instant::now();
        for _ in 0..SILENT {
            assert!(!rests.rests(0, start));
            rests.note(0, server, false, start, &figures);
        }
        assert!(rests.rests(0, start) && !rests.rests(1, start));
        assert!(!rests.rests(0, start + FIRST_REST), "it is tried again then");
        let later = start + FIRST_REST;
        rests.note(0, server, false, later, &figures);
        assert!(rests.rests(0, later + FIRST_REST) && !rests.rests(0, later + FIRST_REST * 2));
        assert_eq!((figures.rests.load(Ordering::Relaxed), figures.resting.load(Ordering::Relaxed)), (1, 1));
        for _ in 0..100 {
            rests.note(0, server, false, later, &figures);
        }
        assert!(!rests.rests(0, later + MAX_REST), "never for longer");
        rests.note(0, server, true, later, &figures);
        assert!(!rests.rests(0, later));
        assert_eq!((figures.rests.load(Ordering::Relaxed), figures.resting.load(Ordering::Relaxed)), (1, 0));
        // One slow answer now and then is nothing.
        for _ in 0..10 {
            rests.note(1, server, false, later, &figures);
            rests.note(1, server, true, later, &figures);
        }
        assert!(!rests.rests(1, later));
    }
}
