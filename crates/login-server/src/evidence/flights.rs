//! Equal questions that are asked at the same moment share one verdict.
//! Never keeps a verdict: it goes to those who wait for it, and nobody else.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::SetOnce;

use super::result_cache::{Epoch, Question, ResultCache};
use crate::telemetry::decision::Decided;

/// Two questions are equal if they are to be judged by the same rules, too.
type Key = (Question, Epoch);

/// `None` within: whoever judged gave up, and somebody else has to.
type Waiting = Arc<SetOnce<Option<Answered>>>;

/// One lock for all would be met by every new token.
const SHARDS: usize = 16;

/// Questions that are being judged. There are no more than reviews at the same moment.
#[derive(Default)]
pub(super) struct Flights([Mutex<HashMap<Key, Option<Waiting>>>; SHARDS]);

/// An answer as it goes over the wire, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status; others than 200 are shared, too, but never kept.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
    /// The decision that it tells.
    pub decided: Decided,
}

enum Turn<'f> {
    Mine(Flight<'f>),
    Others(Waiting),
}

/// The one who judges. However that ends, those who wait are told.
struct Flight<'f> {
    flights: &'f Flights,
    key: Key,
    outcome: Option<Answered>,
}

impl ResultCache {
    /// The answer to `question` by `judge`, or by somebody else's `judge` who was earlier, and
    /// whether it was this one who judged. `known` looks into the cache once more: the earlier one
    /// may have ended just now.
    pub async fn judged_once(
        &self,
        question: Question,
        epoch: Epoch,
        known: impl Fn() -> Option<(Bytes, Decided)>,
        judge: impl Future<Output = Answered>,
    ) -> (Answered, bool) {
        let mut judge = pin!(judge);
        loop {
            match self.flights.turn((question, epoch)) {
                Turn::Mine(mut flight) => {
                    let known = known();
                    let is_own = known.is_none();
                    let answered = if let Some((body, decided)) = known {
                        Answered { status: StatusCode::OK, body, decided }
                    } else {
                        judge.as_mut().await
                    };
                    flight.outcome = Some(answered.clone());
                    return (answered, is_own);
                }
                Turn::Others(waiting) => {
                    if let Some(answered) = waiting.wait().await {
                        self.shared.fetch_add(1, Ordering::Relaxed);
                        return (answered.clone(), false);
                    }
                }
            }
        }
    }
}

impl Flights {
    fn turn(&self, key: Key) -> Turn<'_> {
        let mut shard = self.shard(&key);
        if let Some(waiting) = shard.get_mut(&key) {
            return Turn::Others(Arc::clone(waiting.get_or_insert_default()));
        }
        // Nobody waits yet, so there is nothing to wait on yet.
        shard.insert(key, None);
        Turn::Mine(Flight { flights: self, key, outcome: None })
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, Option<Waiting>>> {
        let [first, ..] = &self.0;
        let shard = self.0.get(usize::from(key.0.first_byte()) % SHARDS).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let waiting = self.flights.shard(&self.key).remove(&self.key).flatten();
        if let Some(waiting) = waiting {
            // Set here only, so it is not set yet.
            drop(waiting.set(self.outcome.take()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::{
        evidence::result_cache::ResultCacheSettings,
        system::random::RandomNumbers,
        telemetry::decision::{DecisionId, Outcome},
    };

    fn cache() -> ResultCache {
        ResultCache::new(ResultCacheSettings::default()).unwrap()
    }

    fn decided() -> Decided {
        let id = DecisionId::draw(&RandomNumbers::new().unwrap()).unwrap();
        Decided { id, outcome: Outcome::Accepted }
    }

    fn answered(text: &'static str) -> Answered {
        let body = Bytes::from_static(text.as_bytes());
        Answered { status: StatusCode::OK, body, decided: decided() }
    }

    /// The text of an answer, and whether it was judged for this question.
    fn said((answered, is_own): &(Answered, bool)) -> (&str, bool) {
        (std::str::from_utf8(&answered.body).unwrap(), *is_own)
    }

    const EPOCH: Epoch = Epoch { configuration: 1, revocations: 1 };

    #[tokio::test]
    async fn equal_questions_at_the_same_moment_are_judged_once() {
        let (cache, judged) = (cache(), Cell::new(0));
        let question = cache.question(b"q").unwrap();
        let ask = || {
            cache.judged_once(question, EPOCH, || None, async {
                judged.set(judged.get() + 1);
                tokio::task::yield_now().await;
                answered("yes")
            })
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert_eq!([&a, &b, &c].map(said), [("yes", true), ("yes", false), ("yes", false)]);
        assert_eq!(a.0.decided, c.0.decided);
        assert_eq!((judged.get(), cache.report().shared), (1, 2));
        ask().await;
        assert_eq!(judged.get(), 2, "nothing is kept here");
    }

    #[tokio::test]
    async fn questions_under_other_rules_do_not_wait() {
        let cache = cache();
        let question = cache.question(b"q").unwrap();
        let mut hanging = pin!(cache.judged_once(question, EPOCH, || None, std::future::pending()));
        assert!(hanging.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        for epoch in [Epoch { configuration: 2, ..EPOCH }, Epoch { revocations: 2, ..EPOCH }] {
            let now = cache.judged_once(question, epoch, || None, async { answered("now") }).await;
            assert_eq!(said(&now), ("now", true));
        }
    }

    #[tokio::test]
    async fn who_waits_for_one_that_gave_up_judges_itself() {
        let cache = cache();
        let question = cache.question(b"q").unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut hanging =
            Box::pin(cache.judged_once(question, EPOCH, || None, std::future::pending()));
        assert!(hanging.as_mut().poll(&mut context).is_pending());
        let mut second =
            pin!(cache.judged_once(question, EPOCH, || None, async { answered("second") }));
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(hanging);
        let Poll::Ready(second) = second.as_mut().poll(&mut context) else { panic!("waits") };
        assert_eq!(said(&second), ("second", true));
    }

    #[tokio::test]
    async fn an_answer_that_was_kept_in_between_is_used() {
        let cache = cache();
        let question = cache.question(b"q").unwrap();
        let known = || Some((Bytes::from_static(b"kept"), decided()));
        let answer = cache.judged_once(question, EPOCH, known, async { answered("anew") }).await;
        assert_eq!(said(&answer), ("kept", false));
    }
}
