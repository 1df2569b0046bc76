//! Caches rendered answers to earlier questions, bounded in bytes.
//! Never stores a token, never answers past its expiry, never caches an outage, and never lets
//! refusals, which cost an attacker nothing, push accepted tokens out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    error::Unspecified,
    rand::{SecureRandom as _, SystemRandom},
};
use bytes::Bytes;
use http::StatusCode;
use login_common::UnixTime;
use login_review::{IssuerIndex, RequestFault};
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter, sync::Cache};
use tokio::sync::Semaphore;

use super::single_flight::{Shared, SingleFlight};
use crate::{system::clock::Moment, telemetry::decision::Decided};

/// How much is cached, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultCacheSettings {
    /// Bytes of answers and their bookkeeping; 0 disables the cache.
    pub max_bytes: u64,
    /// The longest that an accepting answer is cached.
    pub ttl: Duration,
    /// The longest that a refusal is cached. kube-apiserver caches them itself; this is for floods.
    pub negative_ttl: Duration,
}

impl Default for ResultCacheSettings {
    fn default() -> Self {
        Self {
            max_bytes: 32 * 1024 * 1024,
            ttl: Duration::from_mins(1),
            negative_ttl: Duration::from_secs(10),
        }
    }
}

/// One byte in this many is for refusals.
const REFUSED_SHARE: u64 = 8;

/// Names a question, by GMAC (NIST SP 800-38D) under a key that is random per process and under a
/// fixed nonce. The names never leave the process, so they only have to differ for different
/// questions: with a secret key, the odds of a collision are below 2^-115 for any pair of our
/// longest bodies. It takes a fraction of the time of SHA-256, which would be the most expensive
/// step of a hit. A memory dump does not reveal the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question([u8; 16]);

/// What all answers at one moment rest on. Read it once, at the start of a review: an answer
/// computed while one of these changed is then stale at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// `InForce::generation`.
    pub configuration: u64,
    /// Counts changes to the revocations.
    pub revocations: u64,
}

/// What one answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// As read when the review began.
    pub epoch: Epoch,
    /// The issuer and the generation of its key set.
    pub keys: (IssuerIndex, u64),
}

/// How long an answer may be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The token is valid until then.
    Accepted {
        /// `exp`.
        until: UnixTime,
    },
    /// The token is not valid.
    Refused,
}

/// An answer as sent over the wire, and what it rests on.
#[derive(Clone, Debug)]
pub struct CachedAnswer {
    /// Always with status 200, as other answers are not cached.
    body: Bytes,
    /// The decision that it reports.
    decided: Decided,
    /// By the monotonic clock.
    until: Instant,
    /// By the wall clock: `exp` of the token.
    expires_at: Option<UnixTime>,
    basis: Basis,
}

/// An answer as sent over the wire, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status; others than 200 are shared, too, but never cached.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
    /// The decision that it reports.
    pub decided: Decided,
}

/// What is cached now, and counts since the process started. Hits are counted with the reviews that
/// they answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultCacheReport {
    /// Questions that waited for the verdict on an equal one.
    pub shared: u64,
    /// Answers evicted for others.
    pub evictions: u64,
    /// Accepting answers in the cache.
    pub accepted: usize,
    /// Refusals in the cache.
    pub refused: usize,
    /// Bytes in use, by the same measure as the bound.
    pub bytes: u64,
}

type Answers = Cache<Question, CachedAnswer, Weight, DefaultHashBuilder, Evictions>;

/// See the head of this file.
pub struct ResultCache {
    answers: Option<CachedAnswers>,
    key: LessSafeKey,
    settings: ResultCacheSettings,
    evictions: Evictions,
    shared: AtomicU64,
    /// Questions are equal only if the same rules apply to them, too.
    in_flight: SingleFlight<(Question, Epoch), Result<Answered, RequestFault>>,
}

struct CachedAnswers {
    accepted: Answers,
    refused: Answers,
}

#[derive(Clone)]
struct Weight;

// Key, entry, and what the map needs for both; an answer's own length is added.
const OVERHEAD: u64 = 256;

impl Weighter<Question, CachedAnswer> for Weight {
    fn weight(&self, _: &Question, answer: &CachedAnswer) -> u64 {
        OVERHEAD + u64::try_from(answer.body.len()).unwrap_or(u64::MAX - OVERHEAD)
    }
}

/// Counts evictions.
#[derive(Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl Lifecycle<Question, CachedAnswer> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Question, _: CachedAnswer) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl ResultCache {
    /// An empty cache; fails if the system's random source failed.
    pub fn new(settings: ResultCacheSettings) -> Result<Self, Unspecified> {
        let evictions = Evictions::default();
        let answers = |bytes: u64| {
            let expected = usize::try_from(bytes / (OVERHEAD + 400)).unwrap_or(1).max(1);
            let hasher = DefaultHashBuilder::default();
            Cache::with(expected, bytes, Weight, hasher, evictions.clone())
        };
        let refused = settings.max_bytes / REFUSED_SHARE;
        let answers = (settings.max_bytes > 0).then(|| CachedAnswers {
            accepted: answers(settings.max_bytes - refused),
            refused: answers(refused),
        });
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?);
        Ok(Self {
            answers,
            key,
            settings,
            evictions,
            shared: AtomicU64::new(0),
            in_flight: SingleFlight::default(),
        })
    }

    /// Names the question that `body` asks. The whole body counts: it holds version, audiences and
    /// token, and a hit then needs no parsing. The same question with other bytes is judged once
    /// more.
    pub fn question(&self, body: &[u8]) -> Result<Question, Unspecified> {
        // A fixed nonce is safe only here: nothing is encrypted, and a tag never leaves this
        // process.
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(body), &mut [])?;
        tag.as_ref().try_into().map(Question).map_err(|_| Unspecified)
    }

    /// Returns the answer, if it is still true: not expired, and everything that it rests on
    /// unchanged.
    pub fn answer(
        &self,
        question: &Question,
        now: Moment,
        epoch: Epoch,
        generation: impl Fn(IssuerIndex) -> Option<u64>,
    ) -> Option<(Bytes, Decided)> {
        let answers = self.answers.as_ref()?;
        current(&answers.accepted, question, now, epoch, &generation)
            .or_else(|| current(&answers.refused, question, now, epoch, &generation))
    }

    /// Caches a 200 answer for as long as it is true, at most for the configured time; `now` is
    /// when its review began.
    pub fn keep(
        &self,
        question: Question,
        (body, decided): (Bytes, Decided),
        keep: Keep,
        basis: Basis,
        now: Moment,
    ) {
        let Some(answers) = &self.answers else { return };
        let (answers, expires_at, ttl) = match keep {
            Keep::Accepted { until } => (&answers.accepted, Some(until), self.settings.ttl),
            Keep::Refused => (&answers.refused, None, self.settings.negative_ttl),
        };
        if expires_at.is_none_or(|end| now.wall < end) && !ttl.is_zero() {
            let until = now.monotonic + ttl;
            answers.insert(question, CachedAnswer { body, decided, until, expires_at, basis });
        }
    }

    /// Returns the answer to `question`: from `judge`, or from an earlier caller's `judge`, for
    /// which this one waits in one of `places`; and whether this caller judged. `known` checks the
    /// cache once more, since the earlier review may have just ended.
    pub async fn judged_once(
        &self,
        question: Question,
        epoch: Epoch,
        places: &Semaphore,
        known: impl Fn() -> Option<(Bytes, Decided)>,
        judge: impl Future<Output = Result<Answered, RequestFault>>,
    ) -> Result<(Answered, bool), RequestFault> {
        let known = || {
            let (body, decided) = known()?;
            Some(Ok(Answered { status: StatusCode::OK, body, decided }))
        };
        let place = || places.try_acquire().ok();
        match self.in_flight.once((question, epoch), place, known, judge).await {
            Shared::Own(answered) => answered.map(|answered| (answered, true)),
            Shared::Known(answered) => answered.map(|answered| (answered, false)),
            Shared::Others(answered) => {
                self.shared.fetch_add(1, Ordering::Relaxed);
                answered.map(|answered| (answered, false))
            }
            Shared::Crowded => Err(RequestFault::Overloaded),
        }
    }

    /// Bytes in use, by the same measure as the bound.
    pub fn weight(&self) -> u64 {
        self.answers
            .as_ref()
            .map_or(0, |answers| answers.accepted.weight() + answers.refused.weight())
    }

    /// Counts and sizes.
    pub fn report(&self) -> ResultCacheReport {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ResultCacheReport {
            shared: count(&self.shared),
            evictions: count(&self.evictions.0),
            accepted: self.answers.as_ref().map_or(0, |answers| answers.accepted.len()),
            refused: self.answers.as_ref().map_or(0, |answers| answers.refused.len()),
            bytes: self.weight(),
        }
    }
}

fn current(
    answers: &Answers,
    question: &Question,
    now: Moment,
    epoch: Epoch,
    generation: &impl Fn(IssuerIndex) -> Option<u64>,
) -> Option<(Bytes, Decided)> {
    let answer = answers.get(question)?;
    let (issuer, own) = answer.basis.keys;
    let keys_are_current = || generation(issuer) == Some(own);
    let is_in_time =
        now.monotonic < answer.until && answer.expires_at.is_none_or(|end| now.wall < end);
    if is_in_time && answer.basis.epoch == epoch && keys_are_current() {
        return Some((answer.body, answer.decided));
    }
    answers.remove(question);
    None
}

impl std::fmt::Debug for ResultCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultCache").field("weight", &self.weight()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
