//! Something that may happen thousands of times a second and deserves a line now and then.
//! Never loses count of what it did not say.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Between two lines about the same thing.
const INTERVAL: Duration = Duration::from_secs(10);

/// So many lines an interval about what unauthenticated parties bring about: enough for every one
/// of them in quiet times, and no log that a flood fills.
pub const STRANGERS: u32 = 20;

/// See the head of this file.
#[derive(Debug)]
pub struct Seldom {
    /// Lines an interval.
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    interval_began: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Default for Seldom {
    fn default() -> Self {
        Self::with(1)
    }
}

impl Seldom {
    /// At most so many lines an interval.
    pub const fn with(most: u32) -> Self {
        let state = State { interval_began: None, said: 0, unsaid: 0 };
        Self { most, state: Mutex::new(state) }
    }

    /// How often it has happened since the last line, if it is time for another one.
    pub fn turn(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unsaid += 1;
        if state.interval_began.is_none_or(|began| now >= began + INTERVAL) {
            (state.interval_began, state.said) = (Some(now), 0);
        }
        if state.said >= self.most {
            return None;
        }
        state.said += 1;
        Some(std::mem::take(&mut state.unsaid))
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
        seldom.state.lock().unwrap().interval_began = None;
        assert_eq!(seldom.turn(), Some(3));
    }

    #[test]
    fn a_flood_gets_so_many_lines_and_its_count_in_the_next_interval() {
        let seldom = Seldom::with(3);
        let said = (0..10_000).filter_map(|_| seldom.turn()).collect::<Vec<_>>();
        assert_eq!(said, [1, 1, 1]);
        seldom.state.lock().unwrap().interval_began = None;
        assert_eq!(seldom.turn(), Some(9_998));
    }
}
