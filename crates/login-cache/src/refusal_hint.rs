//! Which caller was last given a cached token, and whether its next call hints at a refusal.
//! Never uses a file of its own: the token file's access time holds it, with the caller's process
//! id in place of the nanoseconds. On a file system without such times, nothing is ever suspected.
//!
//! client-go runs a plugin again when its token expires or is answered with 401, and does not say
//! which. The plugin knows the expiry; so a caller that comes back before it has probably met a
//! 401.

use std::time::Duration;

use login_common::UnixTime;

use super::freshness::Lifetime;

/// A caller that comes back later may have restarted, or may have a reused process id.
const WINDOW: Duration = Duration::from_mins(5);

/// How old a token must be before the first suspicion; four times as old before the next. This
/// bounds the renewals caused by clients that run the plugin for each request.
const PATIENCE: Duration = Duration::from_secs(30);

/// When a token was handed out, and to which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastCaller {
    /// The time.
    pub at: UnixTime,
    /// The caller's process id.
    pub to: u32,
}

impl LastCaller {
    /// Whether `next`, the current caller, comes back because the token was refused. `suspicions`
    /// counts the earlier ones in a row that a renewal did not end.
    pub fn hints_at_refusal(&self, next: Self, lifetime: &Lifetime, suspicions: u32) -> bool {
        let factor = 4u32.checked_pow(suspicions).unwrap_or(u32::MAX);
        self.to == next.to
            && lifetime.issued_at <= self.at
            && self.at <= next.at
            && next.at.since(self.at) <= WINDOW
            && next.at.since(lifetime.tried_at) >= PATIENCE.saturating_mul(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(at: i64, to: u32) -> LastCaller {
        LastCaller { at: UnixTime::from_seconds(at), to }
    }

    #[test]
    fn the_same_caller_soon_again_hints_at_a_refusal_once_the_token_is_not_new() {
        let lifetime = Lifetime::new(UnixTime::from_seconds(1000), UnixTime::from_seconds(4600));
        for (last, next, suspicions, expected) in [
            ((1000, 7), (1029, 7), 0, false),
            ((1000, 7), (1030, 7), 0, true),
            ((1000, 7), (1030, 8), 0, false),
            // Handed out before this token was issued: it was another token.
            ((999, 7), (1030, 7), 0, false),
            ((1030, 7), (1330, 7), 0, true),
            ((1030, 7), (1331, 7), 0, false),
            // The clock was set back.
            ((1040, 7), (1035, 7), 0, false),
            ((1100, 7), (1119, 7), 1, false),
            ((1100, 7), (1120, 7), 1, true),
            ((1400, 7), (1479, 7), 2, false),
            ((1400, 7), (1480, 7), 2, true),
            ((4000, 7), (4001, 7), 100, false),
        ] {
            let (last, next) = (served(last.0, last.1), served(next.0, next.1));
            let found = last.hints_at_refusal(next, &lifetime, suspicions);
            assert_eq!(found, expected, "{last:?} {next:?} {suspicions}");
        }
    }

    #[test]
    fn an_attempt_that_failed_is_not_made_again_at_once() {
        let at = UnixTime::from_seconds;
        let lifetime = Lifetime::new(at(0), at(36_000)).after_attempt(at(5000));
        for (now, expected) in [(5001, false), (5119, false), (5120, true)] {
            let found = served(5000, 7).hints_at_refusal(served(now, 7), &lifetime, 1);
            assert_eq!(found, expected, "{now}");
        }
    }
}
