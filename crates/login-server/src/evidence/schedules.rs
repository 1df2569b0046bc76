//! Random schedules for tests of what happens at the same moment.
//! Never truly random: a schedule is its seed, which a failing test prints.

use crate::system::environment;

/// Multiplies the number of schedules.
const FACTOR: &str = "LOGIN_SCHEDULES_FACTOR";

/// Numbers that look random (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, without it.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// Says which schedule it was.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was schedule {}; put it among the known ones of this test", self.0);
        }
    }
}

/// Runs the schedules that once failed, then so many others, always the same ones.
pub(crate) fn each_schedule(known: &[u64], count: u64, run: impl Fn(u64)) {
    let factor = environment::variable(FACTOR).and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in known.iter().copied().chain(0..count * factor) {
        let told = Told(seed);
        run(seed);
        drop(told);
    }
}
