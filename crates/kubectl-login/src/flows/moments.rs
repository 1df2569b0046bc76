//! When an answer came, by this machine's clock and the issuer's.
//! Never believes a clock that is only as far away as the network is slow.

use std::time::Duration;

use login_common::UnixTime;

/// Differences of the clocks below this are the network.
const SKEW_TOLERANCE: Duration = Duration::from_secs(5);

/// When an answer came.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// This machine's clock before the request.
    pub requested_at: UnixTime,
    /// The issuer's clock, if it said.
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

    /// How far the clocks are apart.
    pub fn skew(&self) -> Duration {
        let Some(date) = self.issuer_date else { return Duration::ZERO };
        date.since(self.requested_at).max(self.requested_at.since(date))
    }

    /// A moment of the issuer's clock on ours.
    pub(super) fn on_our_clock(&self, moment: UnixTime) -> UnixTime {
        let issuer_now = self.issuer_now();
        if moment >= issuer_now {
            self.requested_at.plus(moment.since(issuer_now))
        } else {
            self.requested_at.minus(issuer_now.since(moment))
        }
    }
}
