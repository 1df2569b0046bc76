//! One issuer's key set: the set in use, its age, and the issuer's state.
//! Never serves keys that their issuer has not confirmed within the configured age.
//!
//! See `issuer_keys/renewal.rs` for how a newer set replaces it.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use login_common::UnixTime;
use login_protocols::jose::KeySet;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use self::decisions::{Confirmation, Decisions, InUse};
use super::{
    fetch::{Fetcher, Version},
    persisted::Persisted,
    refresh_schedule::{Circuit, KeySetIntervals},
};
use crate::system::clock::Clock;

mod decisions;
#[cfg(test)]
mod model;
mod renewal;

/// A key set in use. `generation` changes when, and only when, its bytes do.
#[derive(Debug)]
pub struct Snapshot {
    /// The keys, ready for verification.
    pub keys: KeySet,
    /// Numbers the different sets that this process has seen for the issuer.
    pub generation: u64,
    document: Vec<u8>,
}

/// What is known about a token that no key in use verified.
#[derive(Debug)]
pub enum Renewal {
    /// The issuer was asked after the token arrived: it did not sign what these keys do not verify.
    Confirmed(Arc<Snapshot>),
    /// These keys are in use, but the issuer may have published others since it was last asked.
    Unconfirmed(Arc<Snapshot>),
    /// The issuer cannot be asked, or too many reviews wait for it.
    Unavailable,
}

/// Why the last fetch brought no keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// In few words, without an address.
    pub(super) kind: &'static str,
    /// The whole chain of causes.
    pub(super) error: String,
}

/// Where an issuer's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The issuer runs in this process.
    Embedded,
    /// The operator configured them.
    Offline,
    /// They are fetched.
    Fetched,
}

/// How fetches ended, since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchCounts {
    /// With a new key set.
    pub changed: u64,
    /// With the set in use, in full or as 304.
    pub unchanged: u64,
    /// Without a usable key set.
    pub failed: u64,
}

#[derive(Debug)]
pub(crate) struct IssuerKeys {
    pub(super) origin: Origin,
    clock: Clock,
    fetcher: Option<Fetcher>,
    persisted: Option<Persisted>,
    /// The set in use according to `deciding`; reviews read it without a lock.
    current: ArcSwapOption<InUse<Arc<Snapshot>>>,
    /// Seconds. A reload may change it while the keys stay.
    max_age: AtomicU64,
    deciding: Mutex<Deciding>,
    changed: AtomicU64,
    unchanged: AtomicU64,
    failed: AtomicU64,
    pub(super) unknown_key_ids: AtomicU64,
    /// Reviews that wait for a fetch.
    waiting: AtomicUsize,
    /// Counts finished fetches; reviews that wait for one watch this. It closes when this is dropped.
    finished: watch::Sender<u64>,
    /// The background task has to wake up earlier than planned.
    sooner: Arc<Notify>,
    is_kept_fresh: AtomicBool,
    storing: Mutex<()>,
}

#[derive(Debug)]
struct Deciding {
    decisions: Decisions<Arc<Snapshot>>,
    generations: u64,
    version: Option<Version>,
    trouble: Option<Trouble>,
    stored_at: Option<Instant>,
    clock_skew: Option<i64>,
}

impl IssuerKeys {
    /// Given keys: nothing is ever fetched, and they do not age.
    pub(crate) fn given(origin: Origin, keys: KeySet, clock: Clock) -> Self {
        let issuer_keys =
            Self::empty(origin, None, None, KeySetIntervals::default(), Duration::MAX, clock);
        let now = Instant::now();
        issuer_keys.start_with(
            keys,
            Vec::new(),
            Confirmation::of_age(Duration::ZERO, clock.now(), now),
        );
        issuer_keys
    }

    /// The keys of a remote issuer. A stored set is used at once, if it is not too old.
    pub(crate) fn remote(
        fetcher: Fetcher,
        persisted: Option<Persisted>,
        intervals: KeySetIntervals,
        max_age: Duration,
        clock: Clock,
    ) -> Self {
        let now = clock.now();
        let stored = persisted.as_ref().and_then(|file| file.load(now));
        let issuer_keys =
            Self::empty(Origin::Fetched, Some(fetcher), persisted, intervals, max_age, clock);
        if let Some(stored) = stored {
            let confirmed = Confirmation::by_wall(stored.confirmed_at, now, Instant::now());
            issuer_keys.start_with(stored.keys, stored.document, confirmed);
        }
        issuer_keys
    }

    /// The same keys, without fetching newer ones.
    pub(super) fn never_asking(self) -> Self {
        Self { fetcher: None, ..self }
    }

    fn empty(
        origin: Origin,
        fetcher: Option<Fetcher>,
        persisted: Option<Persisted>,
        intervals: KeySetIntervals,
        max_age: Duration,
        clock: Clock,
    ) -> Self {
        // A hash under random keys, so that two servers with the same issuers do not fetch in step.
        let name = fetcher.as_ref().map(Fetcher::origin);
        let spread = u32::try_from(RandomState::new().hash_one(name) % 32).unwrap_or_default();
        Self {
            origin,
            clock,
            fetcher,
            persisted,
            current: ArcSwapOption::empty(),
            max_age: AtomicU64::new(max_age.as_secs()),
            deciding: Mutex::new(Deciding {
                decisions: Decisions::new(intervals, max_age, spread),
                generations: 0,
                version: None,
                trouble: None,
                stored_at: None,
                clock_skew: None,
            }),
            changed: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            unknown_key_ids: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            finished: watch::Sender::new(0),
            sooner: Arc::default(),
            is_kept_fresh: AtomicBool::new(false),
            storing: Mutex::default(),
        }
    }

    fn start_with(&self, keys: KeySet, document: Vec<u8>, confirmed: Confirmation) {
        let mut deciding = self.lock();
        let snapshot = deciding.snapshot(keys, document);
        deciding.decisions.start_with(snapshot, confirmed, Instant::now());
        self.publish(&deciding);
    }

    /// Whether these are the keys of `fetcher`'s issuer under the same conditions, so that a reload
    /// may keep it.
    pub(super) fn continues(&self, fetcher: &Fetcher, intervals: &KeySetIntervals) -> bool {
        self.lock().decisions.intervals() == intervals
            && self.fetcher.as_ref().is_some_and(|own| own.origin() == fetcher.origin())
    }

    /// Applies a reload that changed the maximum age and nothing else that these keys depend on.
    pub(super) fn set_max_age(&self, max_age: Duration) {
        self.max_age.store(max_age.as_secs(), Ordering::Relaxed);
        self.lock().decisions.limit(max_age);
        self.sooner.notify_one();
    }

    /// The set in use, if it is young enough.
    pub(crate) fn current(&self) -> Option<Arc<Snapshot>> {
        let current = self.current.load();
        let set = current.as_ref()?;
        (!self.is_too_old(set)).then(|| Arc::clone(&set.keys))
    }

    /// The generation of the set in use. The background task retires sets that are too old, so that
    /// cached answers based on one end, too.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.current.load().as_ref().map(|set| set.keys.generation)
    }

    /// When the issuer last confirmed its set, and how long ago that was.
    pub(super) fn confirmed(&self) -> Option<(UnixTime, Duration)> {
        let confirmed = self.lock().decisions.last_confirmed()?;
        Some((confirmed.wall, confirmed.age(Instant::now())))
            .filter(|_| self.origin == Origin::Fetched)
    }

    fn is_too_old<K>(&self, set: &InUse<K>) -> bool {
        let max_age = Duration::from_secs(self.max_age.load(Ordering::Relaxed));
        self.origin == Origin::Fetched && max_age <= set.confirmed.age(Instant::now())
    }

    pub(super) fn counts(&self) -> FetchCounts {
        FetchCounts {
            changed: self.changed.load(Ordering::Relaxed),
            unchanged: self.unchanged.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// Fetches that failed since the last good one, the circuit, and why the last one failed.
    pub(super) fn trouble(&self) -> (u32, Circuit, Option<Trouble>) {
        let deciding = self.lock();
        let decisions = &deciding.decisions;
        (decisions.failures(), decisions.circuit(), deciding.trouble.clone())
    }

    /// The issuer's clock minus ours, in seconds, at the last good answer.
    pub(super) fn clock_skew(&self) -> Option<i64> {
        self.lock().clock_skew
    }

    /// Keeps the set fresh for as long as this lives; further calls have no effect.
    pub(super) fn keep_fresh(self: &Arc<Self>) {
        if self.fetcher.is_none() || self.is_kept_fresh.swap(true, Ordering::Relaxed) {
            return;
        }
        let (issuer_keys, mut finished) = (Arc::downgrade(self), self.finished.subscribe());
        let sooner = Arc::clone(&self.sooner);
        tokio::spawn(async move {
            loop {
                let Some(wake) = issuer_keys.upgrade().map(|issuer_keys| issuer_keys.tend()) else {
                    return;
                };
                tokio::select! {
                    () = tokio::time::sleep_until(wake) => {}
                    () = sooner.notified() => {}
                    // A fetch has ended, or the keys were dropped.
                    ended = finished.changed() => if ended.is_err() { return },
                }
            }
        });
    }

    /// One step of the background task: fetches what is due, retires a set that is too old, and
    /// returns when to wake up next.
    fn tend(self: &Arc<Self>) -> Instant {
        let now = Instant::now();
        let mut deciding = self.lock();
        if deciding.decisions.retire(now) {
            let issuer = self.fetcher.as_ref().map_or("", |fetcher| fetcher.issuer().as_str());
            tracing::error!(
                issuer,
                "the key set exceeds its maximum age; tokens of this issuer get no verdict"
            );
            self.publish(&deciding);
        }
        if deciding.decisions.begin_in_background(self.clock.now(), now) {
            tokio::spawn(Arc::clone(self).fetch());
        }
        let latest = now + Duration::from_hours(1);
        deciding.decisions.wake(now).map_or(latest, |wake| wake.min(latest))
    }

    /// Publishes what is decided to reviews. Called under the lock, so that they see it in order.
    fn publish(&self, deciding: &Deciding) {
        self.current.store(deciding.decisions.in_use().cloned().map(Arc::new));
    }

    fn lock(&self) -> MutexGuard<'_, Deciding> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deciding {
    /// Returns the set in use if its bytes are the same, else a new one.
    fn snapshot(&mut self, keys: KeySet, document: Vec<u8>) -> Arc<Snapshot> {
        if let Some(set) = self.decisions.in_use()
            && set.keys.document == document
        {
            return Arc::clone(&set.keys);
        }
        let generation = self.generations;
        self.generations += 1;
        Arc::new(Snapshot { keys, generation, document })
    }
}
