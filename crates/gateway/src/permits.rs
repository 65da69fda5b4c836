//! How much mail may be in work at once: back-pressure instead of buffers. A message that does not
//! fit is answered 452, and its sender tries again.
//!
//! Only what has come is held, never what a sender announces. Nobody waits for anybody: a message that cannot grow is
//! given up, and gives back what it held. One peer that is none of ours holds at most its share ([`SHARE`]), so that
//! a stranger who sends slowly does not hold everybody's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use service::metrics::Metrics;

/// Permits grow in steps of this many bytes while a message comes in.
pub(crate) const STEP: u64 = 256 * 1024;
/// A stranger's messages together hold at most one of so many parts of all bytes; one message of the largest size in
/// any case.
const SHARE: u64 = 4;

/// All bytes of messages in work.
#[derive(Debug)]
pub(crate) struct Permits {
    max: AtomicU64,
    /// The largest message that is taken.
    largest: AtomicU64,
    used: AtomicU64,
    by_peer: Mutex<HashMap<IpAddr, u64>>,
    metrics: Arc<Metrics>,
}

/// What one message holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Arc<Permits>,
    held: u64,
    /// Whose share it comes out of.
    peer: Option<IpAddr>,
}

impl Permits {
    pub(crate) fn new(max: u64, largest: u64, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            max: AtomicU64::new(max),
            largest: AtomicU64::new(largest),
            used: AtomicU64::new(0),
            by_peer: Mutex::default(),
            metrics,
        })
    }

    pub(crate) fn set_max(&self, max: u64, largest: u64) {
        self.max.store(max, Ordering::Relaxed);
        self.largest.store(largest, Ordering::Relaxed);
    }

    /// A permit for nothing, to be made larger; for a stranger, out of its share.
    pub(crate) fn none(self: &Arc<Self>, stranger: Option<IpAddr>) -> Permit {
        Permit { permits: Arc::clone(self), held: 0, peer: stranger }
    }

    /// Most bytes of one stranger, in whole steps.
    fn share(&self) -> u64 {
        let part = self.max.load(Ordering::Relaxed) / SHARE;
        in_steps(part.max(self.largest.load(Ordering::Relaxed)))
    }

    /// What a peer holds.
    fn of_peer(&self, peer: IpAddr) -> u64 {
        self.by_peer.lock().unwrap_or_else(PoisonError::into_inner).get(&peer).copied().unwrap_or(0)
    }

    fn add(&self, bytes: u64, peer: Option<IpAddr>) -> bool {
        // Held to the end: what is looked at is what is changed.
        let mut by_peer = self.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = peer.and_then(|peer| by_peer.get(&peer)).copied().unwrap_or(0).saturating_add(bytes);
        if peer.is_some() && of_peer > self.share() {
            return false;
        }
        let max = self.max.load(Ordering::Relaxed);
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= max);
        let added = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if let Some(peer) = peer.filter(|_| added) {
            by_peer.insert(peer, of_peer);
        }
        drop(by_peer);
        self.show();
        added
    }

    fn give_back(&self, bytes: u64, peer: Option<IpAddr>) {
        if let Some(peer) = peer {
            let mut by_peer = self.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
            match by_peer.get_mut(&peer) {
                Some(held) if *held > bytes => *held -= bytes,
                _ => {
                    by_peer.remove(&peer);
                }
            }
        }
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.show();
    }

    fn show(&self) {
        let used = self.used.load(Ordering::Relaxed);
        self.metrics.bytes_in_flight.set(i64::try_from(used).unwrap_or(i64::MAX));
    }
}

fn in_steps(bytes: u64) -> u64 {
    bytes.div_ceil(STEP).saturating_mul(STEP)
}

impl Permit {
    /// Whether it could cover `bytes` now; nothing is taken.
    pub(crate) fn could_cover(&self, bytes: u64) -> bool {
        let more = in_steps(bytes).saturating_sub(self.held);
        let permits = &self.permits;
        let all = permits.used.load(Ordering::Relaxed).saturating_add(more) <= permits.max.load(Ordering::Relaxed);
        all && self.peer.is_none_or(|peer| permits.of_peer(peer).saturating_add(more) <= permits.share())
    }

    /// Makes the permit cover `bytes` in all; says whether it does.
    pub(crate) fn cover(&mut self, bytes: u64) -> bool {
        if bytes <= self.held {
            return true;
        }
        let wanted = in_steps(bytes);
        if self.permits.add(wanted - self.held, self.peer) {
            self.held = wanted;
            return true;
        }
        false
    }

    /// Gives everything back.
    pub(crate) fn give_back(&mut self) {
        match std::mem::take(&mut self.held) {
            0 => {}
            held => self.permits.give_back(held, self.peer),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Permits {
        /// A permit for `bytes` of nobody in particular; `None` when they are not free.
        pub(crate) fn take(self: &Arc<Self>, bytes: u64) -> Option<Permit> {
            let mut permit = self.none(None);
            permit.cover(bytes).then_some(permit)
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_ends_is_given_back() {
        let permits = Permits::new(4 * STEP, STEP, Arc::default());
        let mut first = permits.take(STEP).unwrap();
        assert!(first.cover(3 * STEP));
        assert!(permits.take(2 * STEP).is_none());
        let second = permits.take(1).unwrap();
        assert!(!first.cover(4 * STEP) && !first.could_cover(4 * STEP));
        drop(second);
        assert!(first.could_cover(4 * STEP) && first.cover(4 * STEP));
        drop(first);
        assert!(permits.none(None).could_cover(4 * STEP) && !permits.none(None).could_cover(4 * STEP + 1));
        assert_eq!(permits.used.load(Ordering::Relaxed), 0, "asking takes nothing");
        assert!(permits.take(4 * STEP).is_some());
        assert_eq!(permits.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_stranger_holds_no_more_than_its_share() {
        let permits = Permits::new(16 * STEP, STEP, Arc::default());
        let (one, other) = (Some([192, 0, 2, 1].into()), Some([192, 0, 2, 2].into()));
        let mut held: Vec<Permit> = (0..4).map(|_| permits.none(one)).collect();
        assert!(held.iter_mut().all(|permit| permit.cover(1)), "a quarter of all");
        let mut fifth = permits.none(one);
        assert!(!fifth.could_cover(1) && !fifth.cover(1));
        assert!(!held[0].cover(STEP + 1), "nor can one of them grow");
        assert!(permits.none(other).cover(4 * STEP) && permits.none(None).cover(12 * STEP), "others are not touched");
        held.pop();
        assert!(fifth.cover(1) && !permits.none(one).cover(1));
        // The largest message always fits.
        permits.set_max(16 * STEP, 5 * STEP - 1);
        assert!(held[0].cover(2 * STEP) && !held[0].cover(2 * STEP + 1));
        drop((held, fifth));
        assert_eq!((permits.used.load(Ordering::Relaxed), permits.by_peer.lock().unwrap().len()), (0, 0));
    }
}
