//! Key ids that an issuer did not have when it was asked a moment ago.
//! Never remembers more than a fixed number of them, and never one for longer than its time.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher as _,
    time::Duration,
};

use tokio::time::Instant;

/// More ids than an attacker's first 1024 cost him nothing and us no memory.
const CAPACITY: usize = 1024;

/// Ids by their hash: 16 bytes each, however long they are. Two ids of one hash would delay one of
/// them by `MEMORY`; the hash is keyed per process, so nobody can arrange for it.
#[derive(Debug, Default)]
pub(super) struct UnknownKeys {
    until: HashMap<u64, Instant>,
    order: VecDeque<(u64, Instant)>,
    hasher: RandomState,
}

impl UnknownKeys {
    /// Whether the issuer said moments ago that it has no such key.
    pub(super) fn contains(&self, key_id: Option<&str>, now: Instant) -> bool {
        self.until.get(&self.name(key_id)).is_some_and(|until| now < *until)
    }

    /// The issuer was asked just now, and has no such key.
    pub(super) fn remember(&mut self, key_id: Option<&str>, now: Instant, memory: Duration) {
        while let Some((name, until)) = self.order.front().copied() {
            if now < until && self.order.len() < CAPACITY {
                break;
            }
            self.order.pop_front();
            if self.until.get(&name) == Some(&until) {
                self.until.remove(&name);
            }
        }
        let (name, until) = (self.name(key_id), now + memory);
        self.until.insert(name, until);
        self.order.push_back((name, until));
    }

    /// There are other keys now: ask again.
    pub(super) fn clear(&mut self) {
        self.until.clear();
        self.order.clear();
    }

    fn name(&self, key_id: Option<&str>) -> u64 {
        self.hasher.hash_one(key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Duration = Duration::from_secs(30);

    #[test]
    fn an_id_is_remembered_for_its_time_and_until_there_are_other_keys() {
        let (mut ids, now) = (UnknownKeys::default(), Instant::now());
        ids.remember(Some("a"), now, MEMORY);
        assert!(ids.contains(Some("a"), now + Duration::from_secs(29)));
        assert!(!ids.contains(Some("a"), now + MEMORY));
        assert!(!ids.contains(Some("b"), now) && !ids.contains(None, now));
        ids.remember(None, now, MEMORY);
        assert!(ids.contains(None, now) && !ids.contains(Some(""), now));
        ids.clear();
        assert!(!ids.contains(Some("a"), now) && !ids.contains(None, now));
    }

    #[test]
    fn an_id_that_is_remembered_again_lives_from_then_on() {
        let (mut ids, now) = (UnknownKeys::default(), Instant::now());
        ids.remember(Some("a"), now, MEMORY);
        ids.remember(Some("a"), now + MEMORY / 2, MEMORY);
        ids.remember(Some("b"), now + MEMORY, MEMORY);
        assert!(ids.contains(Some("a"), now + MEMORY));
    }

    #[test]
    fn a_flood_of_ids_is_bounded_and_forgets_the_oldest() {
        let (mut ids, now) = (UnknownKeys::default(), Instant::now());
        for number in 0..5_000 {
            ids.remember(Some(&number.to_string()), now, MEMORY);
        }
        assert!(ids.until.len() <= CAPACITY && ids.order.len() <= CAPACITY);
        assert!(ids.contains(Some("4999"), now) && !ids.contains(Some("0"), now));
    }
}
