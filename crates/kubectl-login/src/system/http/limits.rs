//! Sets the time limit of one request.

use std::time::Duration;

/// The time limit of a request, response included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
