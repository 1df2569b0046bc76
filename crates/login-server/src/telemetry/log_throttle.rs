//! Limits the log lines about an event that may occur thousands of times a second.
//! Never loses count: each line says how many events it stands for.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The interval in which at most `most` lines are written.
const INTERVAL: Duration = Duration::from_secs(10);

/// Lines per interval about what unauthenticated clients cause: enough for every event in quiet
/// times, too few for a flood to fill the log.
pub const STRANGERS: u32 = 20;

/// The rate limit of one kind of log line.
#[derive(Debug)]
pub struct LogThrottle {
    /// Lines per interval.
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    interval_began: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Default for LogThrottle {
    fn default() -> Self {
        Self::with(1)
    }
}

impl LogThrottle {
    /// At most `most` lines per interval.
    pub const fn with(most: u32) -> Self {
        let state = State { interval_began: None, said: 0, unsaid: 0 };
        Self { most, state: Mutex::new(state) }
    }

    /// The number of events since the last line, if another line may be written now.
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
        let log_throttle = LogThrottle::default();
        assert_eq!(log_throttle.turn(), Some(1));
        assert_eq!((log_throttle.turn(), log_throttle.turn()), (None, None));
        log_throttle.state.lock().unwrap().interval_began = None;
        assert_eq!(log_throttle.turn(), Some(3));
    }

    #[test]
    fn a_flood_gets_so_many_lines_and_its_count_in_the_next_interval() {
        let log_throttle = LogThrottle::with(3);
        let said = (0..10_000).filter_map(|_| log_throttle.turn()).collect::<Vec<_>>();
        assert_eq!(said, [1, 1, 1]);
        log_throttle.state.lock().unwrap().interval_began = None;
        assert_eq!(log_throttle.turn(), Some(9_998));
    }
}
