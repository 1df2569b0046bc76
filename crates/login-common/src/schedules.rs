//! Random schedules for the model tests of all crates (feature `schedules`, for tests only).
//! Never truly random: a seed determines the schedule, and a failing test prints the seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Multiplies the number of schedules.
const FACTOR: &str = "LOGIN_SCHEDULES_FACTOR";

/// Pseudo-random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed gives the same numbers.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, exclusive; 0 if there is none.
    pub fn below<N: Copy + Default + TryFrom<u64> + TryInto<u64>>(&mut self, end: N) -> N {
        let end = end.try_into().unwrap_or_default().max(1);
        N::try_from(self.next() % end).unwrap_or_default()
    }

    /// One element, or `None` if there are none.
    pub fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let place = (!all.is_empty()).then(|| self.below(all.len()))?;
        all.get(place).cloned()
    }

    /// One element; panics if there are none.
    #[expect(clippy::expect_used, reason = "for tests, which name at least one")]
    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        self.pick(all).expect("there is one")
    }
}

/// Runs the schedules that once failed, then `count` others, always the same ones.
#[expect(clippy::disallowed_methods, reason = "no program has this; one place asks for all tests")]
pub fn each_schedule(known: &[u64], count: u64, run: impl Fn(u64)) {
    let factor = std::env::var(FACTOR).ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in known.iter().copied().chain(0..count * factor) {
        let ended = catch_unwind(AssertUnwindSafe(|| run(seed)));
        assert!(
            ended.is_ok(),
            "this was schedule {seed}; put it among the known ones of this test"
        );
    }
}
