//! Until when a token is handed out, and until when it is good in need.
//! Never reads the clock: callers pass `now`.

use std::time::Duration;

use login_common::UnixTime;

/// How long before its end a token is renewed; client-go allows no skew of its own.
pub const MARGIN: Duration = Duration::from_mins(1);

/// Tokens that live shorter are renewed at nine tenths of their life.
const SHORT_LIFE: Duration = Duration::from_mins(10);

/// The moments of a token, on this machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was got. Before that the clock was another one, and says nothing about the token.
    pub issued_at: UnixTime,
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
        Self { issued_at: now, fresh_until: valid_until.minus(margin), valid_until }
    }

    /// What the token is good for at `now`.
    pub fn at(&self, now: UnixTime) -> Freshness {
        if now.plus(MARGIN) < self.issued_at {
            // The clock was set back: the token may be older than it seems.
            Freshness::Ageing
        } else if now < self.fresh_until {
            Freshness::Fresh
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
            (539, Freshness::Fresh),
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
}
