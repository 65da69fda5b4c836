//! How much came from whom in the last while: token buckets, in memory.
//!
//! A bucket holds as many tokens as the limit allows and fills again evenly. Limits: [`MAX_BUCKETS`] in each
//! of two generations; when the younger is full it becomes the older, and what nobody used since is
//! forgotten, as if it were full again. Somebody who uses very many addresses can so make us forget, never
//! make us refuse others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use judge::early::Charge;

/// Most buckets of a generation.
const MAX_BUCKETS: usize = 100_000;
/// Parts of a token that are counted.
const PARTS: u64 = 1_000_000;

/// What is left, and when that was true.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    parts: u64,
    at_ms: u64,
}

/// Who a bucket belongs to: the setting, and whose.
type Key = (&'static str, String);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Bucket>,
    old: HashMap<Key, Bucket>,
}

/// All buckets.
#[derive(Debug, Default)]
pub struct Rates {
    buckets: Mutex<Generations>,
}

impl Rates {
    /// Takes a token for each; the first setting whose bucket was empty. Nothing is taken from a bucket
    /// that is empty, so that who waits gets through. `now_ms`: milliseconds on any clock that goes on.
    pub fn take(&self, charges: &[Charge], now_ms: u64) -> Option<&'static str> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut over = None;
        for charge in charges {
            if !buckets.take(charge, now_ms) && over.is_none() {
                over = Some(charge.what);
            }
        }
        over
    }
}

impl Generations {
    fn take(&mut self, charge: &Charge, now_ms: u64) -> bool {
        let full = u64::from(charge.limit).saturating_mul(PARTS);
        let key = (charge.what, charge.whose.clone());
        if self.young.len() >= MAX_BUCKETS && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        let fresh = Bucket { parts: full, at_ms: now_ms };
        let known = self.old.remove(&key).unwrap_or(fresh);
        let bucket = self.young.entry(key).or_insert(known);
        let passed = u128::from(now_ms.saturating_sub(bucket.at_ms));
        let gained = u128::from(full).saturating_mul(passed) / u128::from(charge.period.0.max(1));
        let parts = u128::from(bucket.parts).saturating_add(gained).min(u128::from(full));
        bucket.parts = u64::try_from(parts).unwrap_or(full);
        bucket.at_ms = now_ms.max(bucket.at_ms);
        match bucket.parts.checked_sub(PARTS) {
            Some(left) => {
                bucket.parts = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use judge::units::Time;

    use super::*;

    fn charge(whose: &str) -> Charge {
        Charge { what: "messages_per_peer", whose: whose.to_owned(), limit: 3, period: Time(60_000) }
    }

    #[test]
    fn a_limit_holds_and_comes_back_evenly() {
        let rates = Rates::default();
        let take = |now| rates.take(&[charge("a")], now).is_none();
        assert_eq!([0, 0, 0, 0].map(take), [true, true, true, false]);
        assert!(!take(19_999) && take(20_000) && !take(20_001), "one in twenty seconds");
        assert_eq!([200_000; 4].map(take), [true, true, true, false], "never more than the limit");
    }

    #[test]
    fn everybody_has_a_bucket_of_their_own() {
        let rates = Rates::default();
        for _ in 0..3 {
            assert_eq!(rates.take(&[charge("a")], 0), None);
        }
        assert_eq!(rates.take(&[charge("b")], 0), None);
        assert_eq!(rates.take(&[charge("b"), charge("a")], 0), Some("messages_per_peer"));
    }

    #[test]
    fn there_are_never_more_than_two_generations() {
        let rates = Rates::default();
        for number in 0..3 * MAX_BUCKETS {
            rates.take(&[charge(&number.to_string())], 0);
        }
        let held = rates.buckets.lock().unwrap();
        assert!(held.young.len() <= MAX_BUCKETS && held.old.len() <= MAX_BUCKETS);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let rates = Rates::default();
        let take = |now| rates.take(&[charge("a")], now).is_none();
        assert_eq!([100_000, 100_000, 100_000, 50_000, 100_000].map(take), [true, true, true, false, false]);
    }
}
