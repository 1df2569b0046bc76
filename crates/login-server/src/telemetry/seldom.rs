//! Something that may happen thousands of times a second and deserves a line now and then.
//! Never loses count of what it did not say.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Between two lines about the same thing.
const INTERVAL: Duration = Duration::from_secs(10);

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// How often it has happened since the last line, if it is time for another one.
    pub fn turn(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        if state.0.is_some_and(|last| now < last + INTERVAL) {
            return None;
        }
        state.0 = Some(now);
        Some(std::mem::take(&mut state.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_said_once_with_its_count() {
        let seldom = Seldom::default();
        assert_eq!(seldom.turn(), Some(1));
        assert_eq!((seldom.turn(), seldom.turn()), (None, None));
        seldom.0.lock().unwrap().0 = None;
        assert_eq!(seldom.turn(), Some(3));
    }
}
