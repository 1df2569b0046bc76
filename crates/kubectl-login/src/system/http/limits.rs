//! How long one request may take.

use std::time::Duration;

/// The bound on one request, answer included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
