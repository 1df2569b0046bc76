//! Counts the embedded issuer's refusals for `/metrics`, and logs them at a limited rate.
//! Never logs a name, a code or a secret: only an endpoint, an error, an address and a fixed
//! reason.
//!
//! An unauthenticated client can cause refusals as often as it likes. Each kind has a rate limit of
//! its own in the log, so that a flood of one hides no other.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Display,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use login_common::causes;

use super::log_throttle::{LogThrottle, STRANGERS};

/// Where a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `/authorize`
    Authorize,
    /// `/device`
    Device,
    /// `/device_authorization`
    DeviceAuthorization,
    /// `/token`
    Token,
    /// `/revoke`
    Revoke,
}

impl Endpoint {
    /// The value of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Device => "device",
            Self::DeviceAuthorization => "device_authorization",
            Self::Token => "token",
            Self::Revoke => "revoke",
        }
    }
}

/// See the head of this file. It is bounded, since the errors are constants of the program.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<(Endpoint, &'static str), Kind>>);

#[derive(Debug)]
struct Kind {
    count: u64,
    lines: LogThrottle,
}

impl Refusals {
    /// Counts a request that the client must change, and logs it at a limited rate.
    pub fn refused(
        &self,
        endpoint: Endpoint,
        error: &'static str,
        source: IpAddr,
        reason: impl Display,
    ) {
        if let Some(times) = self.turn(endpoint, error) {
            let endpoint = endpoint.as_str();
            tracing::info!(endpoint, error, %source, %reason, times, "refused");
        }
    }

    /// Counts a request that failed through no fault of its own, and logs it at a limited rate.
    pub fn unanswered(&self, endpoint: Endpoint, error: &'static str, cause: Option<&dyn Error>) {
        if let Some(times) = self.turn(endpoint, error) {
            let (endpoint, cause) = (endpoint.as_str(), cause.map(causes::one_line));
            tracing::error!(endpoint, error, cause, times, "the issuer could not answer");
        }
    }

    /// The count of each kind since the start.
    pub fn counts(&self) -> Vec<(Endpoint, &'static str, u64)> {
        let kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.iter().map(|((endpoint, error), kind)| (*endpoint, *error, kind.count)).collect()
    }

    fn turn(&self, endpoint: Endpoint, error: &'static str) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = kinds
            .entry((endpoint, error))
            .or_insert_with(|| Kind { count: 0, lines: LogThrottle::with(STRANGERS) });
        kind.count += 1;
        kind.lines.turn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_counted_and_hides_no_other() {
        let refusals = Refusals::default();
        let lines = (0..10_000)
            .filter_map(|_| refusals.turn(Endpoint::Authorize, "invalid_request"))
            .collect::<Vec<_>>();
        assert_eq!(lines, [1; 20]);
        assert_eq!(refusals.turn(Endpoint::Authorize, "throttled"), Some(1));
        assert_eq!(refusals.turn(Endpoint::Token, "invalid_request"), Some(1));
        assert_eq!(
            refusals.counts(),
            [
                (Endpoint::Authorize, "invalid_request", 10_000),
                (Endpoint::Authorize, "throttled", 1),
                (Endpoint::Token, "invalid_request", 1),
            ]
        );
    }
}
