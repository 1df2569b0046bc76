//! When an answer was received, by this host's clock and the issuer's.
//! Never takes a difference that network latency explains for clock skew.

use std::time::Duration;

use login_common::UnixTime;

/// Smaller differences of the clocks are network latency.
const SKEW_TOLERANCE: Duration = Duration::from_secs(5);

/// When an answer was received.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// This host's clock before the request.
    pub requested_at: UnixTime,
    /// The issuer's clock, if the answer has a date.
    pub issuer_date: Option<UnixTime>,
}

impl Moments {
    /// The issuer's clock at `requested_at`.
    pub fn issuer_now(&self) -> UnixTime {
        match self.issuer_date {
            Some(date) if self.skew() > SKEW_TOLERANCE => date,
            _ => self.requested_at,
        }
    }

    /// The difference of the clocks.
    pub fn skew(&self) -> Duration {
        let Some(date) = self.issuer_date else { return Duration::ZERO };
        date.since(self.requested_at).max(self.requested_at.since(date))
    }

    /// Converts a time of the issuer's clock to this host's clock.
    pub(super) fn on_our_clock(&self, moment: UnixTime) -> UnixTime {
        let issuer_now = self.issuer_now();
        if moment >= issuer_now {
            self.requested_at.plus(moment.since(issuer_now))
        } else {
            self.requested_at.minus(issuer_now.since(moment))
        }
    }
}
