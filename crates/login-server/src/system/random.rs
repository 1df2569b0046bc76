//! Random numbers from the system's source, read in blocks.
//! Never returns the same bytes twice, and never keeps bytes that it has returned.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{
    error::Unspecified,
    rand::{SecureRandom as _, SystemRandom},
};

const NUMBER: usize = 16;
const BLOCK: usize = 256 * NUMBER;

/// 128-bit numbers that cannot be guessed; one read of the source serves 256 of them.
pub struct RandomNumbers(Mutex<Vec<u8>>);

impl RandomNumbers {
    /// Reads the first block, so that a system without randomness is noticed at the start.
    pub fn new() -> Result<Self, Unspecified> {
        Ok(Self(Mutex::new(drawn()?)))
    }

    /// The next number.
    pub fn next(&self) -> Result<u128, Unspecified> {
        let mut block = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if block.len() < NUMBER {
            *block = drawn()?;
        }
        let rest = block.len() - NUMBER;
        let bytes = <[u8; NUMBER]>::try_from(block.split_off(rest)).map_err(|_| Unspecified)?;
        Ok(u128::from_be_bytes(bytes))
    }
}

impl std::fmt::Debug for RandomNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RandomNumbers")
    }
}

fn drawn() -> Result<Vec<u8>, Unspecified> {
    let mut block = vec![0; BLOCK];
    SystemRandom::new().fill(&mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_comes_twice_over_several_blocks_and_threads() {
        let numbers = RandomNumbers::new().unwrap();
        let draw = || (0..1_000).map(|_| numbers.next().unwrap()).collect::<Vec<_>>();
        let (one, other) = std::thread::scope(|scope| {
            let threads = (scope.spawn(draw), scope.spawn(draw));
            (threads.0.join().unwrap(), threads.1.join().unwrap())
        });
        let all: BTreeSet<u128> = one.into_iter().chain(other).collect();
        assert_eq!(all.len(), 2_000);
    }
}
