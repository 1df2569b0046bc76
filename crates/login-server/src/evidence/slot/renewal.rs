//! How a slot gets another key set: who asks the issuer, who waits, and what becomes of the
//! answer.
//! Never puts in force what is no key set, and leaves nobody waiting for a fetch that has ended.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use login_common::UnixTime;
use login_protocols::jose::{KeyProblem, KeySet};
use tokio::time::Instant;

use super::{Origin, Renewal, Slot, Snapshot};
use crate::{
    evidence::{
        fetch::{Fetched, Found},
        pace::Begin,
    },
    system::clock,
    telemetry::chain,
};

/// A clock that differs by more than this is worth a line in the log: `exp` has no leeway.
const TOLERATED_SKEW: u64 = 30;

/// A set that is confirmed again and again is written again after this time, for its age.
const STORE_INTERVAL: Duration = Duration::from_mins(5);

/// Why the issuer is asked.
#[derive(Clone, Copy)]
enum Wanted<'k> {
    /// There are no keys in use.
    Keys,
    /// The keys in use lack the one that a token names, or any for a token that names none.
    Key(Option<&'k str>),
}

impl Slot {
    /// Keys, because there are none in use.
    pub(crate) async fn first(self: &Arc<Self>, now: UnixTime) -> Option<Arc<Snapshot>> {
        match self.renew(Wanted::Keys, now).await {
            Renewal::Fetched(snapshot) => Some(snapshot),
            Renewal::TooSoon { .. } | Renewal::Failed => self.current(now),
        }
    }

    /// Keys that have `key_id`, which the set in use does not.
    pub(crate) async fn with_key(self: &Arc<Self>, key_id: Option<&str>, now: UnixTime) -> Renewal {
        self.unknown_key_ids.fetch_add(1, Ordering::Relaxed);
        self.renew(Wanted::Key(key_id), now).await
    }

    /// Asks the issuer at its pace. Everybody who wants newer keys at the same moment waits for
    /// one fetch; it goes on when those who wait have given up.
    async fn renew(self: &Arc<Self>, wanted: Wanted<'_>, now: UnixTime) -> Renewal {
        // Watch before looking at the pace, so that the end of a fetch cannot be missed.
        let mut finished = self.finished.subscribe();
        match self.begin(wanted) {
            Begin::Mine => drop(tokio::spawn(Arc::clone(self).fetch())),
            Begin::Others => {}
            Begin::TooSoon { last_succeeded } => return Renewal::TooSoon { last_succeeded },
            Begin::Known => return self.current(now).map_or(Renewal::Failed, Renewal::Fetched),
        }
        if finished.changed().await.is_err() {
            return Renewal::Failed;
        }
        let mut fetching = self.lock();
        if fetching.pacing.failures() > 0 {
            return Renewal::Failed;
        }
        let Some(snapshot) = self.current(now) else { return Renewal::Failed };
        if let Wanted::Key(key_id) = wanted
            && !key_id.is_some_and(|key_id| snapshot.keys.has_key_id(key_id))
        {
            fetching.unknown.remember(key_id, Instant::now(), self.pace.unknown_key_memory);
        }
        Renewal::Fetched(snapshot)
    }

    fn begin(&self, wanted: Wanted<'_>) -> Begin {
        if self.fetcher.is_none() {
            // Keys that are given are all there are; stored ones may have been followed by others.
            let is_given = self.origin != Origin::Fetched;
            return if is_given { Begin::Known } else { Begin::TooSoon { last_succeeded: false } };
        }
        let now = Instant::now();
        let mut fetching = self.lock();
        let last_succeeded = fetching.pacing.failures() == 0;
        match wanted {
            Wanted::Keys => fetching.pacing.begin_for_keys(&self.pace, now),
            Wanted::Key(key_id) if last_succeeded && fetching.unknown.contains(key_id, now) => {
                Begin::Known
            }
            Wanted::Key(_) => fetching.pacing.begin_for_key(&self.pace, now),
        }
    }

    pub(super) async fn fetch(self: Arc<Self>) {
        let Some(fetcher) = &self.fetcher else { return };
        let mut attempt = Attempt { slot: &self, outcome: None };
        let issuer = fetcher.issuer().as_str();
        // A set that is not in use any more has to be sent again.
        let version = self.current.load().as_ref().and_then(|_| self.lock().version.clone());
        match fetcher.fetch(version.as_ref()).await {
            Ok(fetched) => {
                let lifetime = fetched.lifetime;
                self.accept(issuer, fetched);
                attempt.outcome = Some(Ok(lifetime));
            }
            Err(fault) => {
                let serving_stale = self.current.load().is_some();
                let error = chain(&fault);
                tracing::warn!(issuer, error, serving_stale, "could not renew the key set");
                self.failed.fetch_add(1, Ordering::Relaxed);
                attempt.outcome = Some(Err(error));
            }
        }
    }

    fn accept(self: &Arc<Self>, issuer: &str, fetched: Fetched) {
        let now = clock::now();
        self.confirmed_at.store(now.as_seconds(), Ordering::Relaxed);
        if let Some(skew) = fetched.clock_skew {
            self.note_skew(issuer, skew);
        }
        let mut has_changed = false;
        if let Found::KeySet { keys, document, version } = fetched.found {
            let (skipped, private) = (keys.skipped(), publishes_private_keys(&keys));
            has_changed = self.replace(keys, document);
            self.lock().version = version;
            if has_changed {
                tracing::info!(issuer, "key set is new or has changed");
                if skipped > 0 {
                    tracing::warn!(issuer, skipped, "the key set has keys that cannot be used");
                }
                if private {
                    tracing::error!(
                        issuer,
                        "the issuer publishes a private key; whoever read it can sign what they \
                         like: tell the issuer's operator. The key is not used here"
                    );
                }
            }
        }
        let count = if has_changed { &self.changed } else { &self.unchanged };
        count.fetch_add(1, Ordering::Relaxed);
        self.store_in_background(has_changed, now);
    }

    fn note_skew(&self, issuer: &str, skew: i64) {
        let mut known = self.clock_skew.lock().unwrap_or_else(PoisonError::into_inner);
        let is_large = |skew: i64| skew.unsigned_abs() > TOLERATED_SKEW;
        if is_large(skew) && !known.is_some_and(is_large) {
            tracing::warn!(
                issuer,
                seconds = skew,
                "the issuer's clock and this machine's differ; tokens seem to begin or end at \
                 the wrong time"
            );
        }
        *known = Some(skew);
    }

    /// Nobody waits for the disk; the keys are in force already.
    fn store_in_background(self: &Arc<Self>, has_changed: bool, now: UnixTime) {
        {
            let mut fetching = self.lock();
            let is_due = fetching.stored_at.is_none_or(|at| STORE_INTERVAL <= now.since(at));
            if self.persisted.is_none() || !(has_changed || is_due) {
                return;
            }
            fetching.stored_at = Some(now);
        }
        let slot = Arc::clone(self);
        tokio::task::spawn_blocking(move || slot.persist());
    }

    fn persist(&self) {
        let (Some(persisted), Some(fetcher), Some(snapshot), Some(confirmed_at)) =
            (&self.persisted, &self.fetcher, self.current.load_full(), self.confirmed_at())
        else {
            return;
        };
        if let Err(fault) = persisted.store(&snapshot.document, confirmed_at) {
            let (issuer, error) = (fetcher.issuer().as_str(), chain(&fault));
            tracing::warn!(issuer, error, "could not store the key set; it is in use all the same");
        }
    }

    /// Puts `keys` in force; false when they are the ones already in force.
    pub(super) fn replace(&self, keys: KeySet, document: Vec<u8>) -> bool {
        let is_same =
            self.current.load().as_ref().is_some_and(|current| current.document == document);
        if is_same {
            return false;
        }
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        self.current.store(Some(Arc::new(Snapshot { keys, generation, document })));
        self.lock().unknown.clear();
        true
    }
}

fn publishes_private_keys(keys: &KeySet) -> bool {
    keys.problems().contains(&KeyProblem::Private)
}

/// A fetch under way. However it ends, others may fetch again and those who wait are told.
struct Attempt<'s> {
    slot: &'s Slot,
    outcome: Option<Result<Option<Duration>, String>>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        {
            let (mut fetching, now) = (self.slot.lock(), Instant::now());
            match self.outcome.take() {
                Some(Ok(lifetime)) => {
                    let (pace, max_age) = (&self.slot.pace, self.slot.max_age());
                    fetching.pacing.succeeded(pace, lifetime, max_age, now);
                    fetching.last_error = None;
                }
                failed => {
                    fetching.pacing.failed(&self.slot.pace, now);
                    fetching.last_error = failed.and_then(Result::err);
                }
            }
        }
        self.slot.finished.send_modify(|count| *count += 1);
    }
}
