//! How much mail may be in work at once: back-pressure instead of buffers. A message that does not
//! fit is answered 452, and its sender tries again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use service::metrics::Metrics;

/// Permits grow in steps of this many bytes while a message of unknown size comes in.
pub(crate) const STEP: u64 = 256 * 1024;

/// All bytes of messages in work.
#[derive(Debug)]
pub(crate) struct Permits {
    max: AtomicU64,
    used: AtomicU64,
    metrics: Arc<Metrics>,
}

/// What one message holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Arc<Permits>,
    held: u64,
}

impl Permits {
    pub(crate) fn new(max: u64, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { max: AtomicU64::new(max), used: AtomicU64::new(0), metrics })
    }

    pub(crate) fn set_max(&self, max: u64) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// A permit for nothing, to be made larger.
    pub(crate) fn none(self: &Arc<Self>) -> Permit {
        Permit { permits: Arc::clone(self), held: 0 }
    }

    /// A permit for `bytes`; `None` when they are not free.
    pub(crate) fn take(self: &Arc<Self>, bytes: u64) -> Option<Permit> {
        let mut permit = self.none();
        permit.cover(bytes).then_some(permit)
    }

    fn add(&self, bytes: u64) -> bool {
        let max = self.max.load(Ordering::Relaxed);
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= max);
        let added = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        self.show();
        added
    }

    fn show(&self) {
        let used = self.used.load(Ordering::Relaxed);
        self.metrics.bytes_in_flight.set(i64::try_from(used).unwrap_or(i64::MAX));
    }
}

impl Permit {
    /// Makes the permit cover `bytes` in all; says whether it does.
    pub(crate) fn cover(&mut self, bytes: u64) -> bool {
        if bytes <= self.held {
            return true;
        }
        let wanted = bytes.div_ceil(STEP).saturating_mul(STEP);
        let more = wanted - self.held;
        if self.permits.add(more) {
            self.held = wanted;
            return true;
        }
        false
    }

    /// Gives everything back.
    pub(crate) fn give_back(&mut self) {
        self.permits.used.fetch_sub(std::mem::take(&mut self.held), Ordering::Relaxed);
        self.permits.show();
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

    #[test]
    fn what_does_not_fit_is_refused_and_what_ends_is_given_back() {
        let permits = Permits::new(4 * STEP, Arc::default());
        let mut first = permits.take(STEP).unwrap();
        assert!(first.cover(3 * STEP));
        assert!(permits.take(2 * STEP).is_none());
        let second = permits.take(1).unwrap();
        assert!(!first.cover(4 * STEP));
        drop(second);
        assert!(first.cover(4 * STEP));
        drop(first);
        assert!(permits.take(4 * STEP).is_some());
        assert_eq!(permits.used.load(Ordering::Relaxed), 0);
    }
}
