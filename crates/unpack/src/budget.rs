//! The one budget of an examination: depth, objects, bytes, ratio and work.
//!
//! Every decoder asks it before it keeps what it made, a chunk at a time, so that a bomb ends early
//! and the limit that ended it is known. Work is counted in *fuel*, about one unit a byte produced or
//! scanned; it is deterministic. Beside it a watchdog outside may set the [`StopFlag`].

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mail::evidence::UnscannedReason;
use serde::{Deserialize, Serialize};

use crate::passwords::{Hint, Hints, Passwords, Place};

/// The ratio is judged once a container gave more than this, in bytes.
const RATIO_FLOOR: u64 = 1024 * 1024;
/// The ratio of one object so far (not yet of the whole container) is judged once it gave more than
/// this, in bytes: a long run of zeros at the start of a large, honest disk image is no bomb.
const RATIO_EARLY: u64 = 32 * 1024 * 1024;

/// Of all fuel, this part at most goes into passwords: it must not keep the rest of a message from
/// being looked at.
const TRIAL_SHARE: u64 = 4;
/// Most fuel that goes into passwords, whatever the limit is: about ten seconds.
const MAX_TRIAL: u64 = 512 * 1024 * 1024;

/// Limits of one examination.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Deepest level of objects; the root is 0 (spec AR-06).
    pub depth: u16,
    /// Most objects in all, the root counted.
    pub objects: u32,
    /// Most bytes that all containers together may give.
    pub bytes_out: u64,
    /// Most bytes of one object.
    pub object_bytes: u64,
    /// Most bytes out for one byte in, of a container; judged above 1 MiB out.
    pub ratio: u32,
    /// Most work, in fuel: about one unit a byte produced or scanned.
    pub fuel: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 32, objects: 10_000, bytes_out: 1 << 30, object_bytes: 512 << 20, ratio: 1000, fuel: 8 << 30 }
    }
}

/// Set from outside when time is up; everything that works within a budget then ends soon.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets it, for good.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A flag that somebody else sets, such as a worker's timer.
impl From<Arc<AtomicBool>> for StopFlag {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Nested too deep.
    Depth,
    /// Too many objects.
    Objects,
    /// Too many bytes, in one object or in all.
    Bytes,
    /// Expands too much.
    Ratio,
    /// Too much work, or the stop flag is set.
    Time,
}

impl Limit {
    /// The word for it in logs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Objects => "objects",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Time => "time",
        }
    }
}

impl From<Limit> for UnscannedReason {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Depth => Self::LimitDepth,
            Limit::Objects => Self::LimitObjects,
            Limit::Bytes => Self::LimitBytes,
            Limit::Ratio => Self::LimitRatio,
            Limit::Time => Self::LimitTime,
        }
    }
}

/// What one container has given so far; each container has its own.
#[derive(Clone, Debug)]
pub struct Meter {
    /// The container's own size.
    input: u64,
    /// What all of its objects gave.
    out: u64,
    /// What the present object gave.
    object: u64,
    /// What was read for the present object in the streams before the present one.
    taken: u64,
}

impl Meter {
    /// For a container of `input` bytes.
    pub fn new(input: u64) -> Self {
        Self { input, out: 0, object: 0, taken: 0 }
    }

    /// The container's own size, in bytes.
    pub fn input(&self) -> u64 {
        self.input
    }

    /// The next object begins.
    pub fn next_object(&mut self) {
        self.object = 0;
        self.taken = 0;
    }

    /// One of the streams that make up the present object has ended, `consumed` bytes long.
    pub fn end_stream(&mut self, consumed: u64) {
        self.taken = self.taken.saturating_add(consumed);
    }
}

/// What a [`Budget::fence`] replaced; handed back to [`Budget::unfence`].
#[derive(Debug)]
#[must_use]
pub struct Fence(u64);

/// What is left of the limits of one examination. There is no `Debug`: it holds passwords.
#[derive(Clone)]
pub struct Budget {
    limits: Limits,
    stop: StopFlag,
    objects: u32,
    bytes: u64,
    fuel: u64,
    /// Fuel beyond which work ends: the limit, or a fence below it.
    ceiling: u64,
    /// What is tried on what is encrypted: as it was given, and with what the message tells.
    given: Arc<Passwords>,
    passwords: RefCell<Arc<Passwords>>,
    hints: RefCell<Hints>,
    /// Fuel that may still go into trying.
    trial: u64,
}

impl Budget {
    /// A whole budget, with the empty password alone.
    pub fn new(limits: Limits, stop: StopFlag) -> Self {
        let passwords = Arc::new(Passwords::empty());
        let trial = (limits.fuel / TRIAL_SHARE).min(MAX_TRIAL);
        Self {
            limits,
            stop,
            objects: 0,
            bytes: 0,
            fuel: 0,
            ceiling: limits.fuel,
            given: Arc::clone(&passwords),
            passwords: RefCell::new(passwords),
            hints: RefCell::default(),
            trial,
        }
    }

    /// The same with these passwords. Trying one costs fuel, so they are part of what may be spent.
    pub fn with_passwords(mut self, passwords: Passwords) -> Self {
        self.given = Arc::new(passwords);
        self.passwords = RefCell::new(Arc::clone(&self.given));
        self
    }

    /// The passwords to try, in order. What the message tells is looked for now, for the first time or
    /// once more when there is more of it.
    pub fn passwords(&self) -> Arc<Passwords> {
        let mut hints = self.hints.borrow_mut();
        if hints.is_fresh() {
            *self.passwords.borrow_mut() = Arc::new(self.given.with_hints(&mut hints));
        }
        Arc::clone(&self.passwords.borrow())
    }

    /// Keeps a text that may tell a password.
    pub(crate) fn hint(&self, hint: Hint) {
        self.hints.borrow_mut().add(hint);
    }

    /// Keeps the name of a file: it may tell a password.
    pub fn hint_name(&self, name: &str) {
        self.hint(Hint::plain(Place::Name, name));
    }

    /// Keeps a subject: it may tell a password.
    pub(crate) fn hint_subject(&self, subject: &str) {
        self.hint(Hint::plain(Place::Subject, subject));
    }

    /// Keeps a text, as far as it is small: it may tell a password.
    pub fn hint_text(&self, text: &str) {
        self.hint(Hint::plain(Place::Body, text));
    }

    /// How much fuel may still go into trying passwords.
    pub(crate) fn trial_left(&self) -> u64 {
        self.trial.min(self.fuel_left())
    }

    /// Counts the work of trying one password. All trials of an examination together have a share of
    /// its fuel; once that is used up nothing more is tried, and what is encrypted stays so.
    pub fn may_try(&mut self, fuel: u64) -> bool {
        let Some(left) = self.trial.checked_sub(fuel).filter(|_| fuel <= self.fuel_left()) else { return false };
        self.trial = left;
        self.burn(fuel).is_ok()
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The flag that ends it from outside.
    pub fn stop_flag(&self) -> &StopFlag {
        &self.stop
    }

    /// Counts one object at a depth (the root is 0). Whoever walks calls this once for each object;
    /// containers do not.
    ///
    /// # Errors
    /// [`Limit::Depth`], [`Limit::Objects`], or [`Limit::Time`] when there is no fuel left.
    pub fn enter_object(&mut self, depth: u16) -> Result<(), Limit> {
        if depth > self.limits.depth {
            return Err(Limit::Depth);
        }
        if self.objects >= self.limits.objects {
            return Err(Limit::Objects);
        }
        self.objects = self.objects.saturating_add(1);
        self.burn(1)
    }

    /// Counts `bytes` more that a container has made; `consumed` is how much of the present stream
    /// was read so far. To be called before the bytes are kept.
    ///
    /// # Errors
    /// [`Limit::Ratio`], [`Limit::Bytes`] or [`Limit::Time`]; the bytes are not to be kept then.
    pub fn produce(&mut self, meter: &mut Meter, bytes: u64, consumed: u64) -> Result<(), Limit> {
        let consumed = meter.taken.saturating_add(consumed);
        meter.out = meter.out.saturating_add(bytes);
        meter.object = meter.object.saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        let over = |out: u64, input: u64| out > u64::from(self.limits.ratio).saturating_mul(input.max(1));
        if meter.out > RATIO_FLOOR && over(meter.out, meter.input) {
            return Err(Limit::Ratio);
        }
        if meter.object > RATIO_EARLY && over(meter.object, consumed) {
            return Err(Limit::Ratio);
        }
        if meter.object > self.limits.object_bytes || self.bytes > self.limits.bytes_out {
            let steep = meter.object > RATIO_FLOOR && over(meter.object, consumed);
            return Err(if steep { Limit::Ratio } else { Limit::Bytes });
        }
        self.burn(bytes)
    }

    /// How many bytes a container may still make before a limit ends it, for decoders that cannot be
    /// asked piece by piece.
    pub(crate) fn room(&self, meter: &Meter) -> u64 {
        let steep = u64::from(self.limits.ratio).saturating_mul(meter.input.max(1)).max(RATIO_FLOOR);
        let room = steep.saturating_sub(meter.out).min(self.bytes_left()).min(self.fuel_left());
        room.min(self.limits.object_bytes)
    }

    /// Counts work: about one unit a byte looked at.
    ///
    /// # Errors
    /// [`Limit::Time`] when the fuel is used up, a fence is reached, or the stop flag is set.
    pub fn burn(&mut self, fuel: u64) -> Result<(), Limit> {
        self.fuel = self.fuel.saturating_add(fuel);
        if self.fuel > self.ceiling || self.stop.is_set() { Err(Limit::Time) } else { Ok(()) }
    }

    /// What would end any further work at once, if anything.
    pub fn exhausted(&self) -> Option<Limit> {
        if self.fuel > self.ceiling || self.stop.is_set() {
            Some(Limit::Time)
        } else if self.bytes > self.limits.bytes_out {
            Some(Limit::Bytes)
        } else if self.objects >= self.limits.objects {
            Some(Limit::Objects)
        } else {
            None
        }
    }

    /// Until the matching [`Budget::unfence`], at most `fuel` more may be burnt: the time limit of
    /// one archive (spec AR-02). A fence never widens the one around it.
    pub fn fence(&mut self, fuel: u64) -> Fence {
        let outer = Fence(self.ceiling);
        self.ceiling = self.ceiling.min(self.fuel.saturating_add(fuel));
        outer
    }

    /// Ends a fence; what was burnt inside stays burnt.
    pub fn unfence(&mut self, outer: Fence) {
        self.ceiling = outer.0;
    }

    /// Fuel burnt so far.
    pub fn fuel_used(&self) -> u64 {
        self.fuel
    }

    /// Fuel left, up to the present fence.
    pub fn fuel_left(&self) -> u64 {
        self.ceiling.saturating_sub(self.fuel)
    }

    /// Objects counted so far.
    pub fn objects(&self) -> u32 {
        self.objects
    }

    /// Bytes given by containers so far.
    pub fn bytes_used(&self) -> u64 {
        self.bytes
    }

    /// Bytes that may still be given.
    pub fn bytes_left(&self) -> u64 {
        self.limits.bytes_out.saturating_sub(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: Limits) -> Budget {
        Budget::new(limits, StopFlag::new())
    }

    #[test]
    fn depth_and_objects_are_counted() {
        let mut budget = budget(Limits { depth: 2, objects: 3, ..Limits::default() });
        assert_eq!(budget.enter_object(2), Ok(()));
        assert_eq!(budget.enter_object(3), Err(Limit::Depth));
        assert_eq!(budget.enter_object(0), Ok(()));
        assert_eq!(budget.enter_object(0), Ok(()));
        assert_eq!(budget.enter_object(0), Err(Limit::Objects));
        assert_eq!(budget.exhausted(), Some(Limit::Objects));
    }

    #[test]
    fn bytes_are_limited_for_one_object_and_for_all() {
        let limits = Limits { bytes_out: 100, object_bytes: 60, ..Limits::default() };
        let mut budget = budget(limits);
        let mut meter = Meter::new(1000);
        assert_eq!(budget.produce(&mut meter, 60, 60), Ok(()));
        assert_eq!(budget.produce(&mut meter, 1, 61), Err(Limit::Bytes));
        meter.next_object();
        assert_eq!(budget.produce(&mut meter, 39, 39), Ok(()));
        assert_eq!(budget.produce(&mut meter, 1, 40), Err(Limit::Bytes));
        assert_eq!(budget.exhausted(), Some(Limit::Bytes));
    }

    #[test]
    fn the_ratio_is_judged_above_its_floor_only() {
        let mut budget = budget(Limits::default());
        let mut small = Meter::new(10);
        assert_eq!(budget.produce(&mut small, RATIO_FLOOR, 10), Ok(()));
        assert_eq!(budget.produce(&mut small, 1, 10), Err(Limit::Ratio));
        let mut honest = Meter::new(RATIO_FLOOR);
        assert_eq!(budget.produce(&mut honest, 2 * RATIO_FLOOR, 10), Ok(()));
        assert_eq!(budget.produce(&mut honest, RATIO_EARLY, 10), Err(Limit::Ratio));
    }

    #[test]
    fn fences_nest_and_never_widen() {
        let mut budget = budget(Limits { fuel: 100, ..Limits::default() });
        let outer = budget.fence(50);
        let inner = budget.fence(70);
        assert_eq!(budget.fuel_left(), 50);
        assert_eq!(budget.burn(51), Err(Limit::Time));
        assert_eq!(budget.exhausted(), Some(Limit::Time));
        budget.unfence(inner);
        budget.unfence(outer);
        assert_eq!(budget.exhausted(), None);
        assert_eq!(budget.fuel_left(), 49);
    }

    #[test]
    fn the_stop_flag_ends_everything() {
        let stop = StopFlag::new();
        let mut budget = Budget::new(Limits::default(), stop.clone());
        assert_eq!(budget.burn(1), Ok(()));
        stop.stop();
        assert_eq!(budget.burn(1), Err(Limit::Time));
        assert_eq!(budget.enter_object(0), Err(Limit::Time));
        assert_eq!(budget.exhausted(), Some(Limit::Time));
    }
}
