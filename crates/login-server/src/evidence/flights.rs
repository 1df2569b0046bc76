//! Equal questions that are asked at the same moment share one answer.
//! Never keeps an answer: it goes to those who wait for it, and nobody else.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::SetOnce;

/// `None` within: whoever was at it gave up, and somebody else has to do it.
type Waiting<V> = Arc<SetOnce<Option<V>>>;

/// One lock for all would be met by every new question.
const SHARDS: u64 = 16;

/// Questions that somebody is at. There are no more than there are leaders.
pub(super) struct Flights<K, V> {
    shards: [Mutex<HashMap<K, Option<Waiting<V>>>>; 16],
    hasher: RandomState,
}

/// An answer, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared<V> {
    /// The work that was given.
    Own(V),
    /// What was known already.
    Known(V),
    /// The work of somebody who was earlier.
    Others(V),
    /// There was no place to wait for it.
    Crowded,
}

enum Turn<'f, K: Copy + Eq + Hash, V> {
    Mine(Flight<'f, K, V>),
    Others(Waiting<V>),
}

/// The one who is at it. However that ends, those who wait are told.
struct Flight<'f, K: Copy + Eq + Hash, V> {
    flights: &'f Flights<K, V>,
    key: K,
    outcome: Option<V>,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Flights<K, V> {
    /// The answer to the question `key` by `work`, or by that of somebody who was earlier, for which
    /// one waits in a `place`. `known` is looked at once more: the earlier one may have ended just
    /// now.
    pub(super) async fn once<P>(
        &self,
        key: K,
        place: impl Fn() -> Option<P>,
        known: impl Fn() -> Option<V>,
        work: impl Future<Output = V>,
    ) -> Shared<V> {
        let mut work = pin!(work);
        loop {
            match self.turn(key) {
                Turn::Mine(mut flight) => {
                    let known = known();
                    let is_own = known.is_none();
                    let answer = match known {
                        Some(known) => known,
                        None => work.as_mut().await,
                    };
                    flight.outcome = Some(answer.clone());
                    return if is_own { Shared::Own(answer) } else { Shared::Known(answer) };
                }
                Turn::Others(waiting) => {
                    let Some(_place) = place() else { return Shared::Crowded };
                    if let Some(answer) = waiting.wait().await {
                        return Shared::Others(answer.clone());
                    }
                }
            }
        }
    }
}

impl<K: Copy + Eq + Hash, V> Flights<K, V> {
    fn turn(&self, key: K) -> Turn<'_, K, V> {
        let mut shard = self.shard(&key);
        if let Some(waiting) = shard.get_mut(&key) {
            return Turn::Others(Arc::clone(waiting.get_or_insert_default()));
        }
        // Nobody waits yet, so there is nothing to wait on yet.
        shard.insert(key, None);
        Turn::Mine(Flight { flights: self, key, outcome: None })
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, HashMap<K, Option<Waiting<V>>>> {
        let [first, ..] = &self.shards;
        let number = usize::try_from(self.hasher.hash_one(key) % SHARDS).unwrap_or_default();
        let shard = self.shards.get(number).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash, V> Drop for Flight<'_, K, V> {
    fn drop(&mut self) {
        let waiting = self.flights.shard(&self.key).remove(&self.key).flatten();
        if let Some(waiting) = waiting {
            // Set here only, so it is not set yet.
            drop(waiting.set(self.outcome.take()));
        }
    }
}

#[cfg(test)]
mod tests;
