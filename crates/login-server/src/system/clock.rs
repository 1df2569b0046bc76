//! Reads the wall clock.
//! Never called below `handlers`, `evidence` and `commands`: everything else is given the time.

use std::time::{SystemTime, UNIX_EPOCH};

use login_common::UnixTime;

/// The current time in whole seconds. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_seconds(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}
