//! Pseudo-random numbers, the same for the same seed.
//! Never for secrets.

use std::env;

/// splitmix64.
pub struct Random(u64);

impl Random {
    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap_or_default()
    }

    /// One of `items`.
    pub fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// One of `items`, or nothing where there are none.
    pub fn word(&mut self, items: &[&'static str]) -> &'static str {
        self.of(items).copied().unwrap_or_default()
    }
}

/// Returns numbers from `seed`, and how many questions to build: `count`. The variables `NAME_SEED`
/// and `NAME_RANDOM` replace the two.
pub fn asked(name: &str, seed: u64, count: u64) -> (Random, u64) {
    let number = |what: &str| env::var(format!("{name}_{what}")).ok()?.parse().ok();
    (Random(number("SEED").unwrap_or(seed)), number("RANDOM").unwrap_or(count))
}
