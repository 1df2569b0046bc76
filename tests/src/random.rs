//! Random tests whose seed and size the environment may set.
//! Never truly random: the same seed gives the same test.

use std::env;

use login_common::schedules::Dice;

/// Returns numbers from `seed`, and how many questions to build: `count`. The variables `NAME_SEED`
/// and `NAME_RANDOM` replace the two.
pub fn asked(name: &str, seed: u64, count: u64) -> (Dice, u64) {
    let number = |what: &str| env::var(format!("{name}_{what}")).ok()?.parse().ok();
    (Dice::new(number("SEED").unwrap_or(seed)), number("RANDOM").unwrap_or(count))
}
