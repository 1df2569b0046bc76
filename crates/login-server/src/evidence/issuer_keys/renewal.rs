//! How an issuer's key set is replaced: which review asks the issuer, which ones wait, and what
//! happens
//! with the answer. The rules are in `decisions.rs`.
//! Never puts into use what is no key set, and never leaves a review waiting for a fetch that has
//! ended.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use login_common::causes;
use login_protocols::jose::{KeyProblem, KeySet};
use tokio::time::Instant;

use super::{
    IssuerKeys, Origin, Renewal, Snapshot, Trouble,
    decisions::{Ending, KeyNeed, Knowledge, NextStep},
};
use crate::evidence::fetch::{Fetched, FetchedKeys};

/// A larger clock difference is logged, as `exp` has no leeway.
const TOLERATED_SKEW: u64 = 30;

/// A set that is confirmed without changing is stored again after this time, to update its age.
const STORE_INTERVAL: Duration = Duration::from_mins(5);

/// So many reviews may wait for one issuer; for the others the verdict is unavailable at once. One
/// issuer's tokens must not take all turns.
const MOST_WAITING: usize = 256;

impl IssuerKeys {
    /// Fetches keys, because there are none in use.
    pub(crate) async fn first(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
        if self.fetcher.is_some() {
            self.know(KeyNeed::Keys).await;
        }
        self.current()
    }

    /// Returns what is known about a token that no key in use verifies. `parts` is what was
    /// presented: the token, and the JWT with its groups.
    pub(crate) async fn confirm(self: &Arc<Self>, parts: &[&str]) -> Renewal {
        let knowledge = match (&self.fetcher, self.origin) {
            (Some(_), _) => {
                let name = self.lock().decisions.name(parts);
                self.know(KeyNeed::Other(name)).await
            }
            // Given keys are complete; for stored ones, there may be newer ones.
            (None, Origin::Embedded | Origin::Offline) => Knowledge::Confirmed,
            (None, Origin::Fetched) => Knowledge::Unavailable,
        };
        match (knowledge, self.current()) {
            (Knowledge::Confirmed, Some(snapshot)) => Renewal::Confirmed(snapshot),
            (Knowledge::Unconfirmed, Some(snapshot)) => Renewal::Unconfirmed(snapshot),
            (Knowledge::Unavailable, _) | (_, None) => Renewal::Unavailable,
        }
    }

    /// Asks the issuer at its pace. Concurrent reviews wait for one fetch, which continues when
    /// they have given up.
    async fn know(self: &Arc<Self>, wanted: KeyNeed) -> Knowledge {
        // Subscribe before looking at the schedule, so that the end of a fetch cannot be missed.
        let mut finished = self.finished.subscribe();
        let turn = {
            let now = Instant::now();
            let decisions = &mut self.lock().decisions;
            let before = decisions.wake(now);
            let turn = decisions.want(wanted, self.clock.now(), now);
            if decisions.wake(now) < before {
                self.sooner.notify_one();
            }
            turn
        };
        let wish = match turn {
            NextStep::Answer(knowledge) => return knowledge,
            NextStep::Fetch(wish) => {
                tokio::spawn(Arc::clone(self).fetch());
                wish
            }
            NextStep::Wait(wish) => wish,
        };
        let Some(_place) = Waiting::begin(&self.waiting) else { return Knowledge::Unconfirmed };
        if finished.changed().await.is_err() {
            return Knowledge::Unavailable;
        }
        self.lock().decisions.knowledge(wish)
    }

    pub(super) async fn fetch(self: Arc<Self>) {
        let Some(fetcher) = &self.fetcher else { return };
        let mut attempt = FetchUnderWay { issuer_keys: &self, outcome: None };
        let issuer = fetcher.issuer().as_str();
        let (known, version) = {
            let deciding = self.lock();
            let known = deciding.decisions.in_use().map(|set| Arc::clone(&set.keys));
            // A set that is no longer in use has to be sent in full.
            let version = known.as_ref().and_then(|_| deciding.version.clone());
            (known, version)
        };
        match fetcher.fetch(version.as_ref()).await {
            Ok(fetched) => attempt.outcome = self.accept(issuer, known, fetched),
            Err(fault) => {
                let serving_stale = known.is_some();
                let error = causes::one_line(&fault);
                tracing::warn!(issuer, error, serving_stale, "could not renew the key set");
                self.failed.fetch_add(1, Ordering::Relaxed);
                attempt.outcome = Some(Outcome::Failed(Trouble { kind: fault.kind(), error }));
            }
        }
    }

    /// Handles a response; `None` if it says that a set is unchanged of which there is none.
    fn accept(
        &self,
        issuer: &str,
        known: Option<Arc<Snapshot>>,
        fetched: Fetched,
    ) -> Option<Outcome> {
        if let Some(theirs) = fetched.issuer_time {
            let ours = self.clock.now();
            self.note_skew(issuer, theirs.as_seconds().saturating_sub(ours.as_seconds()));
        }
        let snapshot = match fetched.found {
            FetchedKeys::Unchanged => known.clone()?,
            FetchedKeys::KeySet { keys, document, version } => {
                let mut deciding = self.lock();
                deciding.version = version;
                deciding.snapshot(keys, document)
            }
        };
        let has_changed = known.is_none_or(|known| known.generation != snapshot.generation);
        if has_changed {
            tell_change(issuer, &snapshot.keys);
        }
        let count = if has_changed { &self.changed } else { &self.unchanged };
        count.fetch_add(1, Ordering::Relaxed);
        Some(Outcome::Keys { snapshot, lifetime: fetched.lifetime, has_changed })
    }

    fn note_skew(&self, issuer: &str, skew: i64) {
        let known = &mut self.lock().clock_skew;
        let is_large = |skew: i64| skew.unsigned_abs() > TOLERATED_SKEW;
        if is_large(skew) && !known.is_some_and(is_large) {
            tracing::warn!(
                issuer,
                seconds = skew,
                "the clocks of the issuer and of this host differ; tokens may seem expired or not yet valid"
            );
        }
        *known = Some(skew);
    }

    /// Stores the set without making any review wait for the disk; the keys are in use already.
    fn store_in_background(self: &Arc<Self>, has_changed: bool, now: Instant) {
        {
            let mut deciding = self.lock();
            let is_due = deciding
                .stored_at
                .is_none_or(|at| STORE_INTERVAL <= now.saturating_duration_since(at));
            if self.persisted.is_none() || !(has_changed || is_due) {
                return;
            }
            deciding.stored_at = Some(now);
        }
        let issuer_keys = Arc::clone(self);
        tokio::task::spawn_blocking(move || issuer_keys.persist());
    }

    fn persist(&self) {
        // One at a time, each with the set in use then, so that no older set is written last.
        let _turn = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        let in_use = self.lock().decisions.in_use().cloned();
        let (Some(persisted), Some(fetcher), Some(set)) = (&self.persisted, &self.fetcher, in_use)
        else {
            return;
        };
        if let Err(fault) = persisted.store(&set.keys.document, set.confirmed.wall) {
            let (issuer, error) = (fetcher.issuer().as_str(), causes::one_line(&fault));
            tracing::warn!(issuer, error, "could not store the key set; it is in use nevertheless");
        }
    }
}

fn tell_change(issuer: &str, keys: &KeySet) {
    tracing::info!(issuer, "key set is new or has changed");
    let skipped = keys.skipped();
    if skipped > 0 {
        let reasons = keys.left_out_in_words();
        tracing::warn!(issuer, skipped, reasons, "the key set has keys that cannot be used");
    }
    if keys.problems().contains(&KeyProblem::Private) {
        tracing::error!(
            issuer,
            "the issuer publishes a private key, and all who have read it can sign tokens: inform the issuer's operator. The key is not used here"
        );
    }
}

/// A place among the waiting reviews; it is freed however the wait ends.
struct Waiting<'s>(&'s AtomicUsize);

impl<'s> Waiting<'s> {
    fn begin(waiting: &'s AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Outcome {
    Keys { snapshot: Arc<Snapshot>, lifetime: Option<Duration>, has_changed: bool },
    Failed(Trouble),
}

/// A fetch under way. However it ends, others may fetch again and the waiting reviews are woken.
struct FetchUnderWay<'s> {
    issuer_keys: &'s Arc<IssuerKeys>,
    outcome: Option<Outcome>,
}

impl Drop for FetchUnderWay<'_> {
    fn drop(&mut self) {
        let (issuer_keys, now) = (self.issuer_keys, Instant::now());
        let mut stored = None;
        {
            let mut deciding = issuer_keys.lock();
            let ending = match self.outcome.take() {
                Some(Outcome::Keys { snapshot, lifetime, has_changed }) => {
                    stored = Some(has_changed);
                    deciding.trouble = None;
                    Ending::Keys(snapshot, lifetime)
                }
                failed => {
                    deciding.trouble = match failed {
                        Some(Outcome::Failed(trouble)) => Some(trouble),
                        _ => None,
                    };
                    Ending::Nothing
                }
            };
            deciding.decisions.ended(ending, now);
            issuer_keys.publish(&deciding);
        }
        if let Some(has_changed) = stored {
            issuer_keys.store_in_background(has_changed, now);
        }
        issuer_keys.finished.send_modify(|count| *count += 1);
    }
}
