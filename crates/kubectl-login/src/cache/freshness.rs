//! Until when a token is handed out, and until when it is good in need.
//! Never reads the clock: callers pass `now`.

use std::time::Duration;

use login_common::UnixTime;

/// How long before its end a token is renewed; client-go allows no skew of its own.
pub const MARGIN: Duration = Duration::from_mins(1);

/// Tokens that live shorter are renewed at nine tenths of their life.
const SHORT_LIFE: Duration = Duration::from_mins(10);

/// Tokens that live shorter are not renewed ahead of their end: it is always near.
const LONG_ENOUGH: Duration = Duration::from_mins(2);

/// Attempts to renew a token ahead of its end are at least so far apart.
const BETWEEN_ATTEMPTS: Duration = Duration::from_mins(1);

/// The moments of a token, on this machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was got. Before that the clock was another one, and says nothing about the token.
    pub issued_at: UnixTime,
    /// When it was got, or when an early renewal was last tried.
    pub tried_at: UnixTime,
    /// From then on one process may renew it, while all are still given this one.
    pub renew_at: UnixTime,
    /// Reported to kubectl; from then on it is renewed.
    pub fresh_until: UnixTime,
    /// Its real end.
    pub valid_until: UnixTime,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Hand it out.
    Fresh,
    /// Hand it out; one process may try to renew it ahead of its end.
    Due,
    /// Renew it; hand it out only if that is impossible now.
    Ageing,
    /// No good any more.
    Expired,
}

impl Lifetime {
    /// Of a token got at `now` that ends at `valid_until`.
    pub fn new(now: UnixTime, valid_until: UnixTime) -> Self {
        let life = valid_until.since(now);
        let margin = if life < SHORT_LIFE {
            // Rounded up to whole seconds, yet a token of one second is not stillborn.
            Duration::from_secs(life.as_secs().div_ceil(10).min(life.as_secs().saturating_sub(1)))
        } else {
            MARGIN
        };
        let fresh_until = valid_until.minus(margin);
        let ahead = now.plus(life.saturating_mul(4) / 5);
        let renew_at = if life < LONG_ENOUGH { fresh_until } else { ahead.min(fresh_until) };
        Self { issued_at: now, tried_at: now, renew_at, fresh_until, valid_until }
    }

    /// As after an attempt to renew it early, made at `now`.
    #[must_use]
    pub fn after_attempt(self, now: UnixTime) -> Self {
        let renew_at = now.plus(BETWEEN_ATTEMPTS).min(self.fresh_until);
        Self { tried_at: now, renew_at, ..self }
    }

    /// Of a token that nothing can renew ahead.
    #[must_use]
    pub fn without_renewal_ahead(self) -> Self {
        Self { renew_at: self.fresh_until, ..self }
    }

    /// What the token is good for at `now`.
    pub fn at(&self, now: UnixTime) -> Freshness {
        if now.plus(MARGIN) < self.issued_at {
            // The clock was set back: the token may be older than it seems.
            Freshness::Ageing
        } else if now < self.renew_at.min(self.fresh_until) {
            Freshness::Fresh
        } else if now < self.fresh_until {
            Freshness::Due
        } else if now < self.valid_until {
            Freshness::Ageing
        } else {
            Freshness::Expired
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    #[test]
    fn the_reported_end_is_sixty_seconds_or_a_tenth_of_life_earlier() {
        for (life, margin) in [
            (0, 0),
            (1, 0),
            (2, 1),
            (5, 1),
            (10, 1),
            (11, 2),
            (60, 6),
            (300, 30),
            (599, 60),
            (600, 60),
            (3600, 60),
            (86_400, 60),
        ] {
            let lifetime = Lifetime::new(at(1000), at(1000 + life));
            assert_eq!(lifetime.fresh_until, at(1000 + life - margin), "{life}");
            assert_eq!(lifetime.valid_until, at(1000 + life));
        }
    }

    #[test]
    fn each_moment_has_one_answer() {
        let lifetime = Lifetime::new(at(0), at(600));
        for (now, expected) in [
            (-61, Freshness::Ageing),
            (-60, Freshness::Fresh),
            (479, Freshness::Fresh),
            (480, Freshness::Due),
            (539, Freshness::Due),
            (540, Freshness::Ageing),
            (599, Freshness::Ageing),
            (600, Freshness::Expired),
            (i64::MAX, Freshness::Expired),
        ] {
            assert_eq!(lifetime.at(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn a_token_that_was_dead_on_arrival_is_never_fresh() {
        assert_eq!(Lifetime::new(at(100), at(50)).at(at(100)), Freshness::Expired);
    }

    #[test]
    fn a_token_is_due_from_four_fifths_of_its_life_on_unless_it_is_short() {
        for (life, due) in [(0, 0), (119, 107), (120, 96), (600, 480), (3600, 2880)] {
            let lifetime = Lifetime::new(at(1000), at(1000 + life));
            assert_eq!(lifetime.renew_at, at(1000 + due), "{life}");
        }
    }

    #[test]
    fn attempts_ahead_are_a_minute_apart() {
        let lifetime = Lifetime::new(at(0), at(3600));
        let later = lifetime.after_attempt(at(3000));
        assert_eq!((later.at(at(3059)), later.at(at(3060))), (Freshness::Fresh, Freshness::Due));
        assert_eq!(lifetime.after_attempt(at(3539)).renew_at, at(3540));
        let never = lifetime.without_renewal_ahead();
        assert_eq!((never.at(at(3539)), never.at(at(3540))), (Freshness::Fresh, Freshness::Ageing));
    }

    #[test]
    fn a_clock_that_was_set_leads_to_a_renewal_at_most_and_never_keeps_an_old_token_fresh() {
        let (minutes, day) = (600, 86_400);
        let lifetime = Lifetime::new(at(day), at(day + 3600));
        for (now, expected) in [
            (day - minutes, Freshness::Ageing),
            (0, Freshness::Ageing),
            (day + minutes, Freshness::Fresh),
            (2 * day, Freshness::Expired),
        ] {
            assert_eq!(lifetime.at(at(now)), expected, "{now}");
            // What the renewal gives is good for the clock as it is now.
            assert_eq!(Lifetime::new(at(now), at(now + 3600)).at(at(now)), Freshness::Fresh);
        }
    }
}
