//! Rendered answers to questions that were asked before, bounded in bytes.
//! Never keeps a token, never answers past its expiry, and never keeps "cannot tell".

use std::time::Duration;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    error::Unspecified,
    rand::{SecureRandom as _, SystemRandom},
};
use bytes::Bytes;
use login_common::UnixTime;
use login_review::IssuerIndex;
use quick_cache::{Weighter, sync::Cache};

use crate::telemetry::decision::Decided;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Names a question, by GMAC (NIST SP 800-38D) under a key that is random per process and under
/// a fixed nonce. The names never leave the process, so all that is asked of them is that two
/// questions do not share one: for a key that nobody knows, the odds of that are below 2^-115 for
/// any pair of our longest bodies. It takes a fraction of the time of SHA-256, which would be the
/// dearest step of a hit. A memory dump does not tell which token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question([u8; 16]);

/// An answer as it goes over the wire, and what it rests on.
#[derive(Clone, Debug)]
pub struct CachedAnswer {
    /// The body; the status is 200, as other answers are not kept.
    pub body: Bytes,
    /// The decision that it tells.
    pub decided: Decided,
    expires_at: UnixTime,
    issuer: IssuerIndex,
    generation: u64,
}

/// See the head of this file.
pub struct ResultCache {
    answers: Option<Cache<Question, CachedAnswer, Weight>>,
    key: LessSafeKey,
    ttl: Duration,
}

#[derive(Clone)]
struct Weight;

// Key, entry, and what the map needs for both; an answer's own length is added.
const OVERHEAD: u64 = 240;

impl Weighter<Question, CachedAnswer> for Weight {
    fn weight(&self, _: &Question, answer: &CachedAnswer) -> u64 {
        OVERHEAD + u64::try_from(answer.body.len()).unwrap_or(u64::MAX - OVERHEAD)
    }
}

impl ResultCache {
    /// An empty cache; fails when the system gives no random bytes.
    pub fn new(settings: ResultCacheSettings) -> Result<Self, Unspecified> {
        let expected = usize::try_from(settings.max_bytes / (OVERHEAD + 400)).unwrap_or(1);
        let answers = (settings.max_bytes > 0)
            .then(|| Cache::with_weighter(expected.max(1), settings.max_bytes, Weight));
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?);
        Ok(Self { answers, key, ttl: settings.ttl })
    }

    /// Names the question that `body` asks. The whole body counts: version, audiences and token
    /// are in it, and a hit then needs no parsing. The same question in other words is merely
    /// judged once more.
    pub fn question(&self, body: &[u8]) -> Result<Question, Unspecified> {
        // One nonce for all is right here and nowhere else: nothing is encrypted, and nobody
        // outside this process ever sees a tag.
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(body), &mut [])?;
        tag.as_ref().try_into().map(Question).map_err(|_| Unspecified)
    }

    /// The answer, if it is still true: not expired, and the issuer's keys are the same.
    pub fn answer(
        &self,
        question: &Question,
        now: UnixTime,
        generation: impl Fn(IssuerIndex) -> Option<u64>,
    ) -> Option<(Bytes, Decided)> {
        let answers = self.answers.as_ref()?;
        let answer = answers.get(question)?;
        let is_current =
            now < answer.expires_at && generation(answer.issuer) == Some(answer.generation);
        if !is_current {
            answers.remove(question);
            return None;
        }
        Some((answer.body, answer.decided))
    }

    /// Keeps a 200 answer until `expires_at` or for the configured time, whichever is sooner.
    pub fn keep(
        &self,
        question: Question,
        body: Bytes,
        decided: Decided,
        expires_at: Option<UnixTime>,
        (issuer, generation): (IssuerIndex, u64),
        now: UnixTime,
    ) {
        let Some(answers) = &self.answers else { return };
        let end = now.plus(self.ttl);
        let expires_at = expires_at.map_or(end, |expiry| expiry.min(end));
        if now < expires_at {
            let kept = CachedAnswer { body, decided, expires_at, issuer, generation };
            answers.insert(question, kept);
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

#[cfg(test)]
mod tests {
    use login_common::names::IssuerUrl;
    use login_review::{ClaimMapping, IssuerPolicy, Plan, Policy, PrefixedClaim, plan};

    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_000);

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    fn cache(max_bytes: u64) -> ResultCache {
        ResultCache::new(ResultCacheSettings { max_bytes, ttl: Duration::from_mins(1) }).unwrap()
    }

    fn decided() -> Decided {
        let numbers = crate::system::random::RandomNumbers::new().unwrap();
        let id = crate::telemetry::decision::DecisionId::draw(&numbers).unwrap();
        Decided { id, outcome: crate::telemetry::decision::Outcome::Accepted }
    }

    /// The only way to an index is through a token of that issuer.
    fn issuer() -> IssuerIndex {
        let username = PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() };
        let mapping = ClaimMapping { username, groups: None, uid_claim: None, session: None };
        let url = IssuerUrl::parse("https://id.example").unwrap();
        let entry = IssuerPolicy::new(url, vec!["a".to_owned()], mapping);
        let policy = Policy::new(vec![entry], login_review::Guard::default());
        let key = login_protocols::jose::SigningKey::generate().unwrap();
        let claims = serde_json::json!({"iss": "https://id.example", "exp": 9_999_999_999_u64,
                                        "aud": "a", "sub": "s"});
        let token = key.sign("JWT", &claims).unwrap();
        match plan(&policy, &token, NOW) {
            Plan::Judge(token) => token.issuer().unwrap(),
            Plan::Refuse(reason) => panic!("{reason}"),
        }
    }

    /// Keeps an answer that rests on generation 7, and asks for it `later`.
    fn kept(cache: &ResultCache, expiry: Option<i64>, later: i64, generation: u64) -> bool {
        let question = cache.question(b"question").unwrap();
        cache.keep(
            question,
            Bytes::from_static(b"answer"),
            decided(),
            expiry.map(at),
            (issuer(), 7),
            NOW,
        );
        cache.answer(&question, at(later), |_| Some(generation)).is_some()
    }

    #[test]
    fn an_answer_lives_until_its_expiry_or_for_the_configured_time() {
        for (expiry, later, expected) in [
            (None, 1_000, true),
            (None, 1_059, true),
            (None, 1_060, false),
            (Some(1_010), 1_009, true),
            (Some(1_010), 1_010, false),
            (Some(2_000), 1_060, false),
            (Some(1_000), 1_000, false),
            (Some(900), 1_000, false),
        ] {
            assert_eq!(kept(&cache(10_000), expiry, later, 7), expected, "{expiry:?} {later}");
        }
    }

    #[test]
    fn other_keys_of_the_issuer_end_the_answer() {
        assert!(!kept(&cache(10_000), None, 1_001, 8));
    }

    #[test]
    fn nothing_is_kept_when_nothing_may_be() {
        assert!(!kept(&cache(0), None, 1_001, 7));
    }

    #[test]
    fn a_flood_of_questions_stays_within_the_bound() {
        let (cache, issuer) = (cache(100_000), issuer());
        for number in 0_u32..5_000 {
            let question = cache.question(&number.to_be_bytes()).unwrap();
            cache.keep(question, Bytes::from_static(&[0; 100]), decided(), None, (issuer, 7), NOW);
        }
        assert!((1..=100_000).contains(&cache.weight()), "{}", cache.weight());
    }

    #[test]
    fn names_of_questions_differ_between_processes() {
        let (one, other) = (cache(1), cache(1));
        let name = |cache: &ResultCache, body: &[u8]| cache.question(body).unwrap();
        assert_eq!(name(&one, b"x"), name(&one, b"x"));
        assert_ne!(name(&one, b"x"), name(&one, b"y"));
        assert_ne!(name(&one, b"x"), name(&one, b"x\0"));
        assert_ne!(name(&one, b""), name(&one, b"\0"));
        assert_ne!(name(&one, b"x"), name(&other, b"x"));
    }
}
