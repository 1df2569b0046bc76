//! Until when a token is handed out, and until when it may be used if it cannot be renewed.
//! Never reads the clock: callers pass `now`.

use std::time::Duration;

use login_common::UnixTime;

/// How long before it expires a token is renewed; client-go allows no skew of its own.
pub const MARGIN: Duration = Duration::from_mins(1);

/// Tokens with a shorter lifetime are renewed after nine tenths of it.
const SHORT_LIFE: Duration = Duration::from_mins(10);

/// Tokens with a shorter lifetime are not renewed early: they always expire soon.
const LONG_ENOUGH: Duration = Duration::from_mins(2);

/// The shortest time between two attempts to renew a token early.
const BETWEEN_ATTEMPTS: Duration = Duration::from_mins(1);

/// The times of a token, on this host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was issued. If the clock shows an earlier time, it was set back and proves nothing.
    pub issued_at: UnixTime,
    /// When it was issued, or when an early renewal was last attempted.
    pub tried_at: UnixTime,
    /// From then on one process may renew it, while all callers still get this one.
    pub renew_at: UnixTime,
    /// The expiry that kubectl is given; from then on the token is renewed.
    pub fresh_until: UnixTime,
    /// Its real expiry.
    pub valid_until: UnixTime,
}

/// What may be done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Hand it out.
    Fresh,
    /// Hand it out; one process may try to renew it early.
    Due,
    /// Renew it; hand it out only if it cannot be renewed now.
    Ageing,
    /// It cannot be used any more.
    Expired,
}

impl Lifetime {
    /// Of a token issued at `now` that expires at `valid_until`.
    pub fn new(now: UnixTime, valid_until: UnixTime) -> Self {
        let life = valid_until.since(now);
        let margin = if life < SHORT_LIFE {
            // Rounded up to whole seconds, but a one-second token is not expired at once.
            Duration::from_secs(life.as_secs().div_ceil(10).min(life.as_secs().saturating_sub(1)))
        } else {
            MARGIN
        };
        let fresh_until = valid_until.minus(margin);
        let ahead = now.plus(life.saturating_mul(4) / 5);
        let renew_at = if life < LONG_ENOUGH { fresh_until } else { ahead.min(fresh_until) };
        Self { issued_at: now, tried_at: now, renew_at, fresh_until, valid_until }
    }

    /// The times after an attempt at `now` to renew it early.
    #[must_use]
    pub fn after_attempt(self, now: UnixTime) -> Self {
        let renew_at = now.plus(BETWEEN_ATTEMPTS).min(self.fresh_until);
        Self { tried_at: now, renew_at, ..self }
    }

    /// Of a token that cannot be renewed early.
    #[must_use]
    pub fn without_renewal_ahead(self) -> Self {
        Self { renew_at: self.fresh_until, ..self }
    }

    /// What may be done with the token at `now`.
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
            // A renewed token is fresh by the clock as it is now.
            assert_eq!(Lifetime::new(at(now), at(now + 3600)).at(at(now)), Freshness::Fresh);
        }
    }
}
