//! Reads this host's time, and waits briefly outside the async runtime.
//! Never used by pure code: that is passed `now`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use login_common::UnixTime;

/// A source of the time.
pub trait Clock {
    /// The current time, in whole seconds.
    fn now(&self) -> UnixTime;
}

/// The host's clock.
pub struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> UnixTime {
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
        let now = SystemTime::now();
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        UnixTime::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

/// A limit on a wait; not affected when the host's clock is set.
pub struct Deadline {
    begin: Instant,
    bound: Duration,
}

impl Deadline {
    /// A limit of `bound` from now.
    pub fn after(bound: Duration) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
        let begin = Instant::now();
        Self { begin, bound }
    }

    /// How long the wait has lasted so far.
    pub fn waited(&self) -> Duration {
        self.begin.elapsed()
    }

    /// How long the wait may still last.
    pub fn left(&self) -> Duration {
        self.bound.saturating_sub(self.waited())
    }

    /// Whether the wait is over.
    pub fn is_over(&self) -> bool {
        self.waited() >= self.bound
    }
}

/// Waits without a runtime; for polling in milliseconds.
pub fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "bounded by every caller's `Deadline`")]
    std::thread::sleep(duration);
}
