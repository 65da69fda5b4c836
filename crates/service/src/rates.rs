//! How much came from whom in the last while: token buckets, in memory.
//!
//! A bucket holds as many tokens as the limit allows and fills again evenly. Limits: [`MAX_BUCKETS`] in each
//! of two generations; when the younger is full it becomes the older, and what nobody used since is
//! forgotten, as if it were full again. Somebody who uses very many addresses can so make us forget, never
//! make us refuse others.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use judge::early::Charge;

/// Most buckets of a generation.
const MAX_BUCKETS: usize = 100_000;

/// What is left, and when that was true. A millisecond brings as many parts as the limit has tokens, and a
/// token has as many parts as the period has milliseconds: nothing is ever rounded.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    parts: u128,
    at_ms: u64,
    limit: u32,
    period_ms: u64,
}

impl Bucket {
    fn full(charge: &Charge, now_ms: u64) -> Self {
        let period_ms = charge.period.0.max(1);
        let parts = u128::from(charge.limit).saturating_mul(u128::from(period_ms));
        Self { parts, at_ms: now_ms, limit: charge.limit, period_ms }
    }

    fn is_of(&self, charge: &Charge) -> bool {
        self.limit == charge.limit && self.period_ms == charge.period.0.max(1)
    }

    fn take(&mut self, now_ms: u64) -> bool {
        let (limit, period) = (u128::from(self.limit), u128::from(self.period_ms));
        let gained = u128::from(now_ms.saturating_sub(self.at_ms)).saturating_mul(limit);
        self.parts = self.parts.saturating_add(gained).min(limit.saturating_mul(period));
        self.at_ms = now_ms.max(self.at_ms);
        let left = self.parts.checked_sub(period);
        self.parts = left.unwrap_or(self.parts);
        left.is_some()
    }
}

/// Who a bucket belongs to: a hash of the setting, and whose it is, under a key of this process. However long
/// the addresses are that somebody makes up, a bucket takes the same room.
type Key = u64;

#[derive(Debug, Default)]
struct Generations {
    hash: RandomState,
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
        let key = self.hash.hash_one((charge.what, &charge.whose));
        if self.young.len() >= MAX_BUCKETS && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        // Another limit begins anew.
        let known = self.old.remove(&key).filter(|bucket| bucket.is_of(charge));
        let bucket = self.young.entry(key).or_insert_with(|| known.unwrap_or_else(|| Bucket::full(charge, now_ms)));
        if !bucket.is_of(charge) {
            *bucket = Bucket::full(charge, now_ms);
        }
        bucket.take(now_ms)
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
    fn who_asks_very_often_gets_no_less_than_who_waits() {
        let month = Time(30 * 86_400_000);
        let charge = Charge { limit: 1, period: month, ..charge("a") };
        for step in [1, 7, 997] {
            let rates = Rates::default();
            let take = |now| rates.take(std::slice::from_ref(&charge), now).is_none();
            assert!(take(0));
            assert!((1..1_000).all(|count| !take(count * step)), "far too early");
            assert!(!take(month.0 - 1) && take(month.0), "asked every {step} ms");
        }
    }

    #[test]
    fn another_limit_begins_anew() {
        let rates = Rates::default();
        let take = |charge: &Charge, now| rates.take(std::slice::from_ref(charge), now).is_none();
        assert_eq!([0; 4].map(|now| take(&charge("a"), now)), [true, true, true, false]);
        let longer = Charge { period: Time(3_600_000), ..charge("a") };
        assert_eq!([1; 4].map(|now| take(&longer, now)), [true, true, true, false]);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let rates = Rates::default();
        let take = |now| rates.take(&[charge("a")], now).is_none();
        assert_eq!([100_000, 100_000, 100_000, 50_000, 100_000].map(take), [true, true, true, false, false]);
    }
}
