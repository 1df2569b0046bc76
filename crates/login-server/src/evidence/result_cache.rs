//! Rendered answers to questions that were asked before, bounded in bytes.
//! Never keeps a token, never answers past its expiry, and never keeps "cannot tell".

use std::time::Duration;

use aws_lc_rs::{hmac, rand::SystemRandom};
use bytes::Bytes;
use login_common::UnixTime;
use login_review::IssuerIndex;
use quick_cache::{Weighter, sync::Cache};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ResultCacheSettings {
    /// Bytes of answers and their bookkeeping; 0 keeps nothing.
    pub max_bytes: u64,
    /// No answer is older than this.
    pub ttl: Duration,
}

impl Default for ResultCacheSettings {
    fn default() -> Self {
        Self { max_bytes: 32 * 1024 * 1024, ttl: Duration::from_mins(1) }
    }
}

/// Names a question. The key of the MAC is random per process, so nobody can choose questions
/// that collide or fall into one shard, and a memory dump does not tell which token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question([u8; 32]);

/// An answer as it goes over the wire, and what it rests on.
#[derive(Clone, Debug)]
pub struct CachedAnswer {
    /// The body; the status is 200, as other answers are not kept.
    pub body: Bytes,
    expires_at: UnixTime,
    issuer: IssuerIndex,
    generation: u64,
}

/// See the head of this file.
pub struct ResultCache {
    answers: Option<Cache<Question, CachedAnswer, Weight>>,
    key: hmac::Key,
    ttl: Duration,
}

#[derive(Clone)]
struct Weight;

// Key, entry, and what the map needs for both; an answer's own length is added.
const OVERHEAD: u64 = 200;

impl Weighter<Question, CachedAnswer> for Weight {
    fn weight(&self, _: &Question, answer: &CachedAnswer) -> u64 {
        OVERHEAD + u64::try_from(answer.body.len()).unwrap_or(u64::MAX - OVERHEAD)
    }
}

impl ResultCache {
    /// An empty cache; fails when the system gives no random bytes.
    pub fn new(settings: ResultCacheSettings) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let expected = usize::try_from(settings.max_bytes / (OVERHEAD + 400)).unwrap_or(1);
        let answers = (settings.max_bytes > 0)
            .then(|| Cache::with_weighter(expected.max(1), settings.max_bytes, Weight));
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        Ok(Self { answers, key, ttl: settings.ttl })
    }

    /// Names the question that `body` asks. The whole body counts: version, audiences and token
    /// are in it, and a hit then needs no parsing. The same question in other words is merely
    /// judged once more.
    pub fn question(&self, body: &[u8]) -> Question {
        let tag = hmac::sign(&self.key, body);
        let mut name = [0; 32];
        for (to, from) in name.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Question(name)
    }

    /// The answer, if it is still true: not expired, and the issuer's keys are the same.
    pub fn answer(
        &self,
        question: &Question,
        now: UnixTime,
        generation: impl Fn(IssuerIndex) -> Option<u64>,
    ) -> Option<Bytes> {
        let answers = self.answers.as_ref()?;
        let answer = answers.get(question)?;
        let is_current =
            now < answer.expires_at && generation(answer.issuer) == Some(answer.generation);
        if !is_current {
            answers.remove(question);
            return None;
        }
        Some(answer.body)
    }

    /// Keeps a 200 answer until `expires_at` or for the configured time, whichever is sooner.
    pub fn keep(
        &self,
        question: Question,
        body: Bytes,
        expires_at: Option<UnixTime>,
        issuer: IssuerIndex,
        generation: u64,
        now: UnixTime,
    ) {
        let Some(answers) = &self.answers else { return };
        let end = now.plus(self.ttl);
        let expires_at = expires_at.map_or(end, |expiry| expiry.min(end));
        if now < expires_at {
            answers.insert(question, CachedAnswer { body, expires_at, issuer, generation });
        }
    }

    /// Bytes in use, by the same measure as the bound.
    pub fn weight(&self) -> u64 {
        self.answers.as_ref().map_or(0, Cache::weight)
    }
}

impl std::fmt::Debug for ResultCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultCache").field("weight", &self.weight()).finish_non_exhaustive()
    }
}
