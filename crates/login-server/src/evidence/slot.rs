//! One issuer's key set: the one in use, its age, and what is known of the issuer.
//! Never serves keys that their issuer has not confirmed within the configured age.
//!
//! Next: `slot/renewal.rs`, how a set is replaced by a newer one.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use login_common::UnixTime;
use login_protocols::jose::KeySet;
use tokio::{sync::watch, time::Instant};

use super::{
    fetch::{Fetcher, Version},
    pace::{Circuit, KeySetPace, Pacing},
    persisted::Persisted,
    unknown_keys::UnknownKeys,
};
use crate::system::clock;

mod renewal;

/// A key set in use. `generation` changes when, and only when, its bytes do.
#[derive(Debug)]
pub struct Snapshot {
    /// The keys, ready for verification.
    pub keys: KeySet,
    /// Counts the different sets this process has seen for the issuer.
    pub generation: u64,
    document: Vec<u8>,
}

/// How a wish for newer keys ended.
#[derive(Debug)]
pub enum Renewal {
    /// The issuer answered just now, or has said before that it has no such key; the set may be
    /// the same as before.
    Fetched(Arc<Snapshot>),
    /// A review had the issuer asked moments ago, so it is not asked again.
    TooSoon {
        /// Whether that earlier answer was a usable key set.
        last_succeeded: bool,
    },
    /// The issuer did not give a usable key set.
    Failed,
}

/// Where a slot's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The issuer runs in this process.
    Embedded,
    /// The operator gave them.
    Offline,
    /// They are fetched.
    Fetched,
}

/// How fetches ended, since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchCounts {
    /// With a key set that is new.
    pub changed: u64,
    /// With the one in use, in full or as 304.
    pub unchanged: u64,
    /// Without a usable key set.
    pub failed: u64,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) origin: Origin,
    fetcher: Option<Fetcher>,
    persisted: Option<Persisted>,
    current: ArcSwapOption<Snapshot>,
    generations: AtomicU64,
    pace: KeySetPace,
    /// Seconds. A reload may change it while the keys stay.
    max_age: AtomicU64,
    /// When the issuer last stood by the set in use, in seconds since the epoch.
    confirmed_at: AtomicI64,
    clock_skew: Mutex<Option<i64>>,
    changed: AtomicU64,
    unchanged: AtomicU64,
    failed: AtomicU64,
    pub(super) unknown_key_ids: AtomicU64,
    fetching: Mutex<Fetching>,
    /// Counts finished fetches; whoever waits for one watches this. Its end is the slot's end.
    finished: watch::Sender<u64>,
    is_kept_fresh: AtomicBool,
}

#[derive(Debug)]
struct Fetching {
    pacing: Pacing,
    unknown: UnknownKeys,
    version: Option<Version>,
    last_error: Option<String>,
    stored_at: Option<UnixTime>,
}

impl Slot {
    /// Keys that are given: nothing is ever fetched, and they do not age.
    pub(crate) fn given(origin: Origin, keys: KeySet) -> Self {
        let slot = Self::empty(origin, None, None, KeySetPace::default(), Duration::MAX);
        slot.replace(keys, Vec::new());
        slot
    }

    /// An issuer elsewhere. What an earlier process stored is used at once, if it is not too old.
    pub(crate) fn remote(
        fetcher: Fetcher,
        persisted: Option<Persisted>,
        pace: KeySetPace,
        max_age: Duration,
        now: UnixTime,
    ) -> Self {
        let stored = persisted.as_ref().and_then(|file| file.load(now));
        let slot = Self::empty(Origin::Fetched, Some(fetcher), persisted, pace, max_age);
        if let Some(stored) = stored
            && now.since(stored.confirmed_at) < max_age
        {
            slot.confirmed_at.store(stored.confirmed_at.as_seconds(), Ordering::Relaxed);
            slot.replace(stored.keys, stored.document);
        }
        slot
    }

    /// The same keys, and no way to newer ones.
    pub(super) fn never_asking(self) -> Self {
        Self { fetcher: None, ..self }
    }

    fn empty(
        origin: Origin,
        fetcher: Option<Fetcher>,
        persisted: Option<Persisted>,
        pace: KeySetPace,
        max_age: Duration,
    ) -> Self {
        // A hash under random keys: two servers with the same issuers do not ask in step.
        let name = fetcher.as_ref().map(Fetcher::origin);
        let spread = u32::try_from(RandomState::new().hash_one(name) % 32).unwrap_or_default();
        Self {
            origin,
            fetcher,
            persisted,
            current: ArcSwapOption::empty(),
            generations: AtomicU64::new(0),
            pace,
            max_age: AtomicU64::new(max_age.as_secs()),
            confirmed_at: AtomicI64::new(i64::MIN),
            clock_skew: Mutex::default(),
            changed: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            unknown_key_ids: AtomicU64::new(0),
            fetching: Mutex::new(Fetching {
                pacing: Pacing::new(spread),
                unknown: UnknownKeys::default(),
                version: None,
                last_error: None,
                stored_at: None,
            }),
            finished: watch::Sender::new(0),
            is_kept_fresh: AtomicBool::new(false),
        }
    }

    /// Whether this slot serves `fetcher`'s issuer under the same conditions, so that a reload
    /// may keep it.
    pub(super) fn continues(&self, fetcher: &Fetcher, pace: &KeySetPace) -> bool {
        self.pace == *pace
            && self.fetcher.as_ref().is_some_and(|own| own.origin() == fetcher.origin())
    }

    /// A reload changed the age, and nothing else that counts here.
    pub(super) fn set_max_age(&self, max_age: Duration) {
        self.max_age.store(max_age.as_secs(), Ordering::Relaxed);
        self.lock().pacing.limit(max_age);
    }

    /// The set in use, if it is young enough at `now`.
    pub(crate) fn current(&self, now: UnixTime) -> Option<Arc<Snapshot>> {
        let snapshot = self.current.load_full()?;
        (!self.is_too_old(now)).then_some(snapshot)
    }

    /// Of the set in use. The background ends sets that are too old, so that the answers which
    /// rest on one end, too.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.current.load().as_ref().map(|snapshot| snapshot.generation)
    }

    /// When the issuer last stood by its set.
    pub(super) fn confirmed_at(&self) -> Option<UnixTime> {
        let seconds = self.confirmed_at.load(Ordering::Relaxed);
        (seconds != i64::MIN).then_some(UnixTime::from_seconds(seconds))
    }

    fn is_too_old(&self, now: UnixTime) -> bool {
        self.origin == Origin::Fetched
            && self.confirmed_at().is_none_or(|at| self.max_age() <= now.since(at))
    }

    fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age.load(Ordering::Relaxed))
    }

    pub(super) fn counts(&self) -> FetchCounts {
        FetchCounts {
            changed: self.changed.load(Ordering::Relaxed),
            unchanged: self.unchanged.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// Fetches that have failed since the last good one, the breaker, and what it says of why.
    pub(super) fn trouble(&self) -> (u32, Circuit, Option<String>) {
        let fetching = self.lock();
        (fetching.pacing.failures(), fetching.pacing.circuit(), fetching.last_error.clone())
    }

    /// The issuer's clock less ours, in seconds, at the last good answer.
    pub(super) fn clock_skew(&self) -> Option<i64> {
        *self.clock_skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the set fresh for as long as the slot lives; once, however often it is called.
    pub(super) fn keep_fresh(self: &Arc<Self>) {
        if self.fetcher.is_none() || self.is_kept_fresh.swap(true, Ordering::Relaxed) {
            return;
        }
        let (slot, mut finished) = (Arc::downgrade(self), self.finished.subscribe());
        tokio::spawn(async move {
            loop {
                let Some(wake) = slot.upgrade().map(|slot| slot.tend()) else { return };
                tokio::select! {
                    () = tokio::time::sleep_until(wake) => {}
                    // A fetch has ended, or nobody has the slot any more.
                    ended = finished.changed() => if ended.is_err() { return },
                }
            }
        });
    }

    /// One look in the background: fetches what is due, drops what is too old, and says when to
    /// look again.
    fn tend(self: &Arc<Self>) -> Instant {
        if self.current.load().is_some() && self.is_too_old(clock::now()) {
            let issuer = self.fetcher.as_ref().map_or("", |fetcher| fetcher.issuer().as_str());
            tracing::error!(issuer, "the key set is too old; its tokens cannot be judged any more");
            self.current.store(None);
            // The machine may have slept, or its clock have been set, with the issuer well.
            self.lock().pacing.hasten();
        }
        let now = Instant::now();
        let mut fetching = self.lock();
        if fetching.pacing.begin_in_background(now) {
            tokio::spawn(Arc::clone(self).fetch());
        }
        // The clock may be set, and a set may become too old in between.
        let latest = now + self.max_age().min(Duration::from_mins(1)).max(Duration::from_secs(1));
        fetching.pacing.due().map_or(latest, |due| due.min(latest))
    }

    fn lock(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
