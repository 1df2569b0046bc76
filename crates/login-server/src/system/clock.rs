//! Reads the wall clock and the monotonic clock.
//! The wall clock is read nowhere else. `login-review` and `login-issuer` never read one: they get
//! the time as an argument.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use login_common::UnixTime;

/// The current time in whole seconds. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_seconds(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For comparison with claims; an operator may set this clock, also back.
    pub wall: UnixTime,
    /// For our own lifetimes; this clock only goes forward.
    pub monotonic: Instant,
}

/// The current moment.
pub fn moment() -> Moment {
    Moment { wall: now(), monotonic: instant() }
}

/// The current time in milliseconds since the epoch, for records.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn milliseconds() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// A moment to measure from; it is independent of changes to the wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}
