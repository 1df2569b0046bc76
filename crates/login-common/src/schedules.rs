//! Random schedules for the model tests of all crates (feature `schedules`, for tests only).
//! Never truly random: a schedule is its seed, which a failing test prints.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Multiplies the number of schedules.
const FACTOR: &str = "LOGIN_SCHEDULES_FACTOR";

/// Numbers that look random (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same numbers for the same seed.
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

    /// From 0 to `end`, without it.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of them, if there are any.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
        all.get(usize::try_from(self.below(count)).ok()?).copied()
    }

    /// One of them.
    #[expect(clippy::expect_used, reason = "for tests, which name at least one")]
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        self.pick(all).expect("there is one")
    }
}

/// Runs the schedules that once failed, then so many others, always the same ones.
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
