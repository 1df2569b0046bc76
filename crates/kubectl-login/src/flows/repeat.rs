//! When a request is repeated after no answer or an outage.
//! Never sleeps, never reads a clock or draws random numbers: it returns how long to wait.

use std::time::Duration;

use crate::system::http::HttpError;

/// How much time may pass from the first attempt until the last one begins.
const LONGEST: Duration = Duration::from_secs(15);

/// The waits between attempts, before jitter.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(600), Duration::from_millis(1800), Duration::from_secs(4)];

/// When a request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A job's request: it uses nothing up, and no user is waiting.
    Freely,
    /// A user's request, or one with a single-use credential: once, and only if it cannot have
    /// arrived.
    IfUnsent,
}

/// Why a request may have to be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// No connection was made.
    Unsent,
    /// The connection gave no answer.
    Silence,
    /// The answer was an outage, with or without `Retry-After`.
    NotNow(Option<Duration>),
}

impl Setback {
    /// Classifies a failure to get an answer.
    pub fn of_failure(error: &HttpError) -> Option<Self> {
        if error.is_unsent() {
            Some(Self::Unsent)
        } else {
            error.is_of_the_network().then_some(Self::Silence)
        }
    }

    /// Classifies an answer. Other statuses from 500 on would be the same a second later.
    pub fn of_status(status: u16, retry_after: Option<Duration>) -> Option<Self> {
        matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
            .then_some(Self::NotNow(retry_after))
    }
}

/// The attempts at one request.
#[derive(Debug)]
pub struct Attempts {
    repeat: Repeat,
    made: usize,
}

impl Attempts {
    /// No attempt has failed yet.
    pub fn new(repeat: Repeat) -> Self {
        Self { repeat, made: 0 }
    }

    /// How long to wait until the next attempt, or `None` if this was the last one. `elapsed`
    /// counts from the start of the first; `random` spreads the requests of many jobs.
    pub fn next(&mut self, setback: Setback, elapsed: Duration, random: u8) -> Option<Duration> {
        let pause = *PAUSES.get(self.made)?;
        self.made += 1;
        match (self.repeat, setback) {
            (Repeat::Freely, _) => {}
            (Repeat::IfUnsent, Setback::Unsent) if self.made == 1 => {}
            (Repeat::IfUnsent, _) => return None,
        }
        // Half of the pause, and a random part of the other half.
        let pause = pause / 2 + (pause / 2).mul_f64(f64::from(random) / 255.0);
        let pause = match setback {
            // Never earlier than requested, but still spread.
            Setback::NotNow(Some(asked)) => asked.saturating_add(pause / 2).max(pause),
            _ => pause,
        };
        (elapsed.saturating_add(pause) <= LONGEST).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(repeat: Repeat, setback: Setback, random: u8) -> Vec<u128> {
        let (mut attempts, mut elapsed) = (Attempts::new(repeat), Duration::ZERO);
        let next = || {
            let pause = attempts.next(setback, elapsed, random)?;
            elapsed += pause;
            Some(pause.as_millis())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn a_jobs_request_is_sent_again_with_growing_pauses_and_jitter() {
        for setback in [Setback::Unsent, Setback::Silence, Setback::NotNow(None)] {
            assert_eq!(pauses(Repeat::Freely, setback, 0), [300, 900, 2000]);
            assert_eq!(pauses(Repeat::Freely, setback, 255), [600, 1800, 4000]);
        }
    }

    #[test]
    fn retry_after_is_the_least_pause_and_too_long_a_one_ends_it() {
        let asked = |seconds| Setback::NotNow(Some(Duration::from_secs(seconds)));
        assert_eq!(pauses(Repeat::Freely, asked(0), 0), [300, 900, 2000]);
        assert_eq!(pauses(Repeat::Freely, asked(3), 0), [3150, 3450, 4000]);
        assert_eq!(pauses(Repeat::Freely, asked(14), 0), [14_150]);
        assert!(pauses(Repeat::Freely, asked(60), 0).is_empty());
        assert!(pauses(Repeat::Freely, asked(u64::MAX), 0).is_empty());
    }

    #[test]
    fn slow_failures_use_up_the_time() {
        let mut attempts = Attempts::new(Repeat::Freely);
        assert!(attempts.next(Setback::Silence, Duration::from_secs(10), 0).is_some());
        assert!(attempts.next(Setback::Silence, Duration::from_secs(20), 0).is_none());
    }

    #[test]
    fn what_is_used_up_is_sent_again_once_and_only_where_it_cannot_have_arrived() {
        assert_eq!(pauses(Repeat::IfUnsent, Setback::Unsent, 0), [300]);
        for setback in
            [Setback::Silence, Setback::NotNow(None), Setback::NotNow(Some(Duration::ZERO))]
        {
            assert!(pauses(Repeat::IfUnsent, setback, 0).is_empty(), "{setback:?}");
        }
    }

    #[test]
    fn only_what_may_be_different_in_a_second_is_a_setback() {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(Setback::of_status(status, None), Some(Setback::NotNow(None)), "{status}");
        }
        for status in [200, 302, 400, 401, 403, 404, 501, 505] {
            assert_eq!(Setback::of_status(status, None), None, "{status}");
        }
    }
}
