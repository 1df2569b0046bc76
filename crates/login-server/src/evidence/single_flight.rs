//! Lets equal questions that are asked at the same moment share one answer.
//! Never caches an answer: only the waiting callers get it.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::SetOnce;

/// The inner `None`: the leader gave up, and another caller has to do the work.
type Waiting<V> = Arc<SetOnce<Option<V>>>;

/// A single lock would be contended by every new question.
const SHARDS: u64 = 16;

/// Questions in flight. There are no more than there are leaders.
pub(super) struct SingleFlight<K, V> {
    shards: [Mutex<HashMap<K, Option<Waiting<V>>>>; 16],
    hasher: RandomState,
}

/// An answer, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared<V> {
    /// From this caller's own work.
    Own(V),
    /// From an earlier, known answer.
    Known(V),
    /// From the work of an earlier caller.
    Others(V),
    /// There was no place to wait for it.
    Crowded,
}

enum Role<'f, K: Copy + Eq + Hash, V> {
    Mine(Flight<'f, K, V>),
    Others(Waiting<V>),
}

/// The leader of a question. However it ends, the waiting callers are woken.
struct Flight<'f, K: Copy + Eq + Hash, V> {
    all: &'f SingleFlight<K, V>,
    key: K,
    outcome: Option<V>,
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> SingleFlight<K, V> {
    /// Returns the answer to the question `key`: from `work`, or from an earlier caller's work, for
    /// which this one waits in a `place`. `known` is checked once more, since the earlier work may
    /// have just ended.
    pub(super) async fn once<P>(
        &self,
        key: K,
        place: impl Fn() -> Option<P>,
        known: impl Fn() -> Option<V>,
        work: impl Future<Output = V>,
    ) -> Shared<V> {
        let mut work = pin!(work);
        loop {
            match self.role(key) {
                Role::Mine(mut flight) => {
                    let known = known();
                    let is_own = known.is_none();
                    let answer = match known {
                        Some(known) => known,
                        None => work.as_mut().await,
                    };
                    flight.outcome = Some(answer.clone());
                    return if is_own { Shared::Own(answer) } else { Shared::Known(answer) };
                }
                Role::Others(waiting) => {
                    let Some(_place) = place() else { return Shared::Crowded };
                    if let Some(answer) = waiting.wait().await {
                        return Shared::Others(answer.clone());
                    }
                }
            }
        }
    }
}

impl<K: Copy + Eq + Hash, V> SingleFlight<K, V> {
    fn role(&self, key: K) -> Role<'_, K, V> {
        let mut shard = self.shard(&key);
        if let Some(waiting) = shard.get_mut(&key) {
            return Role::Others(Arc::clone(waiting.get_or_insert_default()));
        }
        // No caller waits yet, so there is nothing to wait on yet.
        shard.insert(key, None);
        Role::Mine(Flight { all: self, key, outcome: None })
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
        let waiting = self.all.shard(&self.key).remove(&self.key).flatten();
        if let Some(waiting) = waiting {
            // Set only here, so it is not set yet.
            drop(waiting.set(self.outcome.take()));
        }
    }
}

#[cfg(test)]
mod tests;
