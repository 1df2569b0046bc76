//! Tokens that no key in use verifies, and since when each of them is known to exist.
//! Never takes one token for another, and never remembers more than a fixed number of them.
//!
//! A token that existed before its issuer was asked for its keys, and that none of these keys
//! verifies, was not signed by this issuer, which publishes a key before it signs with it. So a
//! token that is presented again can be refused without asking the issuer again. The token's
//! content (its `kid`, its times) plays no part, since an attacker can write anything into it.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher as _,
    time::Duration,
};

use tokio::time::Instant;

/// Beyond this number the oldest are forgotten. For their bearers the verdict is unavailable once
/// more, but none is refused for it.
pub(super) const CAPACITY: usize = 4096;

/// Names one token: a hash under a key of this process, so that an attacker cannot construct two
/// tokens with the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenName(pub(super) u64);

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    seen: HashMap<TokenName, Seen>,
    order: VecDeque<TokenName>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Seen {
    /// The event number at which the token was first seen, counted per issuer.
    place: u64,
    until: Instant,
}

impl Doubts {
    /// The name of `parts` together: the token, and the JWT with its groups.
    pub(super) fn name(&self, parts: &[&str]) -> TokenName {
        TokenName(self.hasher.hash_one(parts))
    }

    /// Returns when the token was first seen, as an event number; `place`, which is now, if it is
    /// new.
    pub(super) fn first_seen(
        &mut self,
        name: TokenName,
        place: u64,
        now: Instant,
        memory: Duration,
    ) -> u64 {
        // All are remembered equally long, so the oldest end first.
        while let Some(oldest) = self.order.front() {
            let is_over = self.seen.get(oldest).is_none_or(|seen| seen.until <= now);
            let has_room = self.order.len() < CAPACITY || self.seen.contains_key(&name);
            if !is_over && has_room {
                break;
            }
            self.seen.remove(oldest);
            self.order.pop_front();
        }
        if let Some(seen) = self.seen.get(&name) {
            return seen.place;
        }
        self.seen.insert(name, Seen { place, until: now + memory });
        self.order.push_back(name);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Duration = Duration::from_mins(1);

    #[test]
    fn a_token_is_known_from_its_first_coming_for_its_time() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        let (a, b) = (doubts.name(&["a"]), doubts.name(&["b"]));
        assert_eq!(doubts.first_seen(a, 1, now, MEMORY), 1);
        assert_eq!(doubts.first_seen(b, 2, now, MEMORY), 2);
        assert_eq!(doubts.first_seen(a, 3, now + MEMORY / 2, MEMORY), 1);
        assert_eq!(doubts.first_seen(a, 4, now + MEMORY, MEMORY), 4, "it is over");
        assert_eq!(doubts.first_seen(a, 5, now + MEMORY, MEMORY), 4);
    }

    #[test]
    fn a_name_is_that_of_all_parts_in_their_order() {
        let doubts = Doubts::default();
        let names = [&["ab"][..], &["a", "b"], &["b", "a"], &["ab", ""], &[]];
        for (number, parts) in names.iter().enumerate() {
            for (other_number, other) in names.iter().enumerate() {
                let are_one = doubts.name(parts) == doubts.name(other);
                assert_eq!(are_one, number == other_number, "{parts:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_flood_is_bounded_and_ends_the_memory_of_the_oldest_only() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        for number in 0..2 * CAPACITY as u64 {
            doubts.first_seen(TokenName(number), number, now, MEMORY);
        }
        assert!(doubts.seen.len() <= CAPACITY && doubts.order.len() <= CAPACITY);
        let newest = 2 * CAPACITY as u64 - 1;
        assert_eq!(doubts.first_seen(TokenName(newest), u64::MAX, now, MEMORY), newest);
        let older = TokenName(newest - CAPACITY as u64 / 2);
        assert_ne!(doubts.first_seen(older, u64::MAX, now, MEMORY), u64::MAX);
        assert_eq!(doubts.first_seen(TokenName(0), u64::MAX, now, MEMORY), u64::MAX);
    }
}
