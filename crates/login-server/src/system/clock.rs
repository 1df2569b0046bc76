//! The wall clock and the monotonic clock.
//! Never read elsewhere. `login-review` and `login-issuer` never read one: they get the time as an
//! argument.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use login_common::UnixTime;

/// The wall clock of a server. The program makes one; whatever needs the time is given it.
#[derive(Clone, Copy)]
pub struct Clock(fn() -> Duration);

impl Clock {
    /// The host's clock. One before 1970 reads as 1970.
    pub const HOST: Self = Self(since_epoch);

    /// A clock that reads the time since 1970 by `since_epoch`.
    pub const fn reading(since_epoch: fn() -> Duration) -> Self {
        Self(since_epoch)
    }

    /// The current time in whole seconds.
    pub fn now(self) -> UnixTime {
        UnixTime::from_seconds(i64::try_from(self.0().as_secs()).unwrap_or(i64::MAX))
    }

    /// The current time in milliseconds since the epoch, for records.
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.0().as_millis()).unwrap_or(u64::MAX)
    }

    /// The current moment.
    pub fn moment(self) -> Moment {
        Moment { wall: self.now(), monotonic: instant() }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For comparison with claims; an operator may set this clock, also back.
    pub wall: UnixTime,
    /// For our own lifetimes; this clock only goes forward.
    pub monotonic: Instant,
}

/// A moment to measure from; it is independent of changes to the wall clock. It is that of tokio's
/// timers, which a test can let pass.
pub fn instant() -> Instant {
    tokio::time::Instant::now().into_std()
}
