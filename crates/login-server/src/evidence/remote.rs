//! One remote party that is asked about names (digests of tokens): its answers are cached for a
//! while, equal questions share one request, and no caller waits without a bound.
//! Never lets unproven names use up what proven ones need: places, turns and room for answers are
//! counted separately.

use std::{
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use login_review::TokenDigest;
use quick_cache::{Weighter, sync::Cache};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::{
    breaker::{Breaker, Standing},
    single_flight::{Shared, SingleFlight},
};
use crate::outgoing::Progress;

/// For unproven names: concurrent requests, and questions that may be in flight or wait.
const STRANGERS: (usize, usize) = (16, 64);
/// The same for proven names.
const PROVEN: (usize, usize) = (32, 128);
/// Names remembered as proven.
const REMEMBERED: usize = 16_384;
/// Bytes of cached answers; bad ones, which cost an attacker nothing, get an eighth.
const MAX_KEPT: u64 = 8 * 1024 * 1024;

/// See the head of this file.
pub(super) struct Remote<V> {
    /// For the log.
    place: String,
    good: Cache<TokenDigest, Known<V>, Weight>,
    bad: Cache<TokenDigest, Known<V>, Weight>,
    proven: Cache<TokenDigest, ()>,
    in_flight: SingleFlight<TokenDigest, Option<Arc<V>>>,
    strangers: Lane,
    others: Lane,
    breaker: Breaker,
    /// How long a question may wait for its turn.
    patience: Duration,
    counts: Counts,
}

/// What the party answers about a name.
pub(super) struct Answer<V> {
    pub(super) value: V,
    pub(super) worth: Worth,
    /// How long it may be cached, from the moment of the question.
    pub(super) lifetime: Duration,
    /// In bytes, as received.
    pub(super) length: usize,
}

/// Whether an answer vouches for its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// The party vouches for the name.
    Good,
    /// It does not.
    Bad,
}

#[derive(Debug, Default)]
struct Counts {
    good: AtomicU64,
    bad: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
    repeated: AtomicU64,
}

/// Questions to a party since it was configured, and its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteReport {
    /// Answers that vouch for a name.
    pub good: u64,
    /// Answers that do not.
    pub bad: u64,
    /// Questions that got no answer.
    pub failed: u64,
    /// Questions not sent, because the circuit is open or too many wait.
    pub turned_away: u64,
    /// Answers served from the cache.
    pub repeated: u64,
    /// Whether the circuit is open or on trial.
    pub circuit_open: bool,
}

impl AddAssign for RemoteReport {
    fn add_assign(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
        self.failed += other.failed;
        self.turned_away += other.turned_away;
        self.repeated += other.repeated;
        self.circuit_open |= other.circuit_open;
    }
}

struct Lane {
    turns: Semaphore,
    places: Semaphore,
}

struct Known<V> {
    value: Arc<V>,
    until: Instant,
    length: usize,
}

impl<V> Clone for Known<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

#[derive(Clone)]
struct Weight;

impl<V> Weighter<TokenDigest, Known<V>> for Weight {
    fn weight(&self, _: &TokenDigest, known: &Known<V>) -> u64 {
        // A parsed answer takes several times the size of its text.
        300 + 4 * u64::try_from(known.length).unwrap_or(u64::MAX / 8)
    }
}

impl Lane {
    fn new((turns, places): (usize, usize)) -> Self {
        Self { turns: Semaphore::new(turns), places: Semaphore::new(places) }
    }
}

impl<V> Remote<V> {
    /// A party, called `place` in the log; a question waits for its turn for `patience` at most.
    pub(super) fn new(place: String, patience: Duration) -> Self {
        Self {
            place,
            good: Cache::with_weighter(1000, MAX_KEPT / 8 * 7, Weight),
            bad: Cache::with_weighter(1000, MAX_KEPT / 8, Weight),
            proven: Cache::new(REMEMBERED),
            in_flight: SingleFlight::default(),
            strangers: Lane::new(STRANGERS),
            others: Lane::new(PROVEN),
            breaker: Breaker::default(),
            patience,
            counts: Counts::default(),
        }
    }

    /// Counts of questions, and whether the circuit is open.
    pub(super) fn report(&self) -> RemoteReport {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { good, bad, failed, turned_away, repeated } = &self.counts;
        RemoteReport {
            good: count(good),
            bad: count(bad),
            failed: count(failed),
            turned_away: count(turned_away),
            repeated: count(repeated),
            circuit_open: self.breaker.is_open(),
        }
    }

    /// Returns the answer about `name`: a cached one, or the one that `question` fetches. On
    /// failure, `question` returns how far it came.
    pub(super) async fn ask(
        &self,
        name: TokenDigest,
        question: impl Future<Output = Result<Answer<V>, Progress>>,
    ) -> Option<Arc<V>> {
        if let Some(known) = self.known(&name, Instant::now()) {
            count(&self.counts.repeated);
            return Some(known);
        }
        let standing = match self.proven.get(&name) {
            Some(()) => Standing::Proven,
            None => Standing::Stranger,
        };
        let lane = match standing {
            Standing::Proven => &self.others,
            Standing::Stranger => &self.strangers,
        };
        let Ok(_place) = lane.places.try_acquire() else { return self.turned_away() };
        let known = || self.known(&name, Instant::now()).map(Some);
        let asked = self.asked(name, standing, lane, question);
        // A caller that waits for an equal question's answer has a place already.
        match self.in_flight.once(name, || Some(()), known, asked).await {
            Shared::Own(answer) => answer,
            Shared::Known(answer) | Shared::Others(answer) => {
                if answer.is_some() {
                    count(&self.counts.repeated);
                }
                answer
            }
            Shared::Crowded => self.turned_away(),
        }
    }

    /// Marks `name` as proven, until the party says otherwise.
    pub(super) fn prove(&self, name: TokenDigest) {
        if self.proven.get(&name).is_none() {
            self.proven.insert(name, ());
        }
    }

    async fn asked(
        &self,
        name: TokenDigest,
        standing: Standing,
        lane: &Lane,
        question: impl Future<Output = Result<Answer<V>, Progress>>,
    ) -> Option<Arc<V>> {
        let begun = Instant::now();
        if self.breaker.is_shut(begun) {
            return self.turned_away();
        }
        let turn = timeout_at(begun + self.patience, lane.turns.acquire());
        let Ok(Ok(_turn)) = turn.await else { return self.turned_away() };
        let begun = Instant::now();
        let Some(attempt) = self.breaker.admit(standing, begun) else { return self.turned_away() };
        let has_opened = match question.await {
            Ok(answer) => {
                attempt.answered();
                return Some(self.keep(name, answer, begun));
            }
            Err(Progress::Connecting) => attempt.unreachable(Instant::now()),
            Err(Progress::Asking) => attempt.unanswered(&name, Instant::now()),
        };
        count(&self.counts.failed);
        if has_opened {
            tracing::warn!(
                place = self.place,
                "the circuit breaker opened: no requests are sent for some seconds"
            );
        }
        None
    }

    fn keep(&self, name: TokenDigest, answer: Answer<V>, begun: Instant) -> Arc<V> {
        let value = Arc::new(answer.value);
        let until = begun + answer.lifetime;
        let known = Known { value: Arc::clone(&value), until, length: answer.length };
        let is_kept = Instant::now() < until;
        match answer.worth {
            Worth::Good => {
                count(&self.counts.good);
                self.bad.remove(&name);
                if is_kept {
                    self.good.insert(name, known);
                }
            }
            Worth::Bad => {
                count(&self.counts.bad);
                self.proven.remove(&name);
                self.good.remove(&name);
                if is_kept {
                    self.bad.insert(name, known);
                }
            }
        }
        value
    }

    fn known(&self, name: &TokenDigest, now: Instant) -> Option<Arc<V>> {
        [&self.good, &self.bad].into_iter().find_map(|answers| {
            let known = answers.get(name)?;
            if now < known.until {
                return Some(known.value);
            }
            // Unless a newer one was stored meanwhile.
            answers.remove_if(name, |kept| Arc::ptr_eq(&kept.value, &known.value));
            None
        })
    }

    fn turned_away(&self) -> Option<Arc<V>> {
        count(&self.counts.turned_away);
        None
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
