//! Sessions: whether a refresh token is valid, and what its use means for its family.
//! Never touches the store: it judges two records at a moment.

use std::time::Duration;

use login_common::UnixTime;

use crate::{
    IssuerSettings,
    opaque::Digest,
    store::{NewSession, RefreshTokenRecord, SessionRecord},
};

/// The state of a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Of the live generation: its use creates the next one.
    Live,
    /// The very token whose use created the live generation, moments ago. That response may have
    /// been lost, so the client gets another token of the live generation (RFC 9700 §4.14.2 permits
    /// that). All siblings become invalid when one of them is used, so two holders cannot both
    /// continue.
    Retry,
    /// The token or its session expired.
    Expired,
    /// Its session was ended.
    Revoked,
    /// Of an earlier generation: two parties hold tokens of this session.
    Replayed,
}

pub(crate) fn standing(
    session: &SessionRecord,
    token: &RefreshTokenRecord,
    grace: Duration,
    now: UnixTime,
) -> Standing {
    if session.revoked_at.is_some() {
        return Standing::Revoked;
    }
    if session.ends_at <= now || token.expires_at <= now {
        return Standing::Expired;
    }
    if token.generation == session.generation {
        return Standing::Live;
    }
    match &session.rotation {
        Some(rotation) if rotation.by == token.token && now < rotation.at.plus(grace) => {
            Standing::Retry
        }
        _ => Standing::Replayed,
    }
}

/// A new session of a sign-in at `authenticated_at`.
pub(crate) fn begin(
    settings: &IssuerSettings,
    session: SessionRecord,
    first_token: &Digest,
    now: UnixTime,
) -> NewSession {
    let token = next_token(settings, &session, session.generation, first_token, now);
    NewSession { session, token }
}

/// Another refresh token of `session`. It never outlives the session.
pub(crate) fn next_token(
    settings: &IssuerSettings,
    session: &SessionRecord,
    generation: i64,
    token: &Digest,
    now: UnixTime,
) -> RefreshTokenRecord {
    RefreshTokenRecord {
        token: *token,
        session_id: session.session_id.clone(),
        generation,
        expires_at: now.plus(settings.refresh_token_lifetime).min(session.ends_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Rotation;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    fn session() -> SessionRecord {
        SessionRecord {
            session_id: "s".into(),
            client_id: "c".into(),
            user_id: "u".into(),
            scope: "openid".into(),
            authenticated_at: at(0),
            ends_at: at(1000),
            revoked_at: None,
            generation: 7,
            rotation: Some(Rotation { by: Digest::of("used"), at: at(100) }),
        }
    }

    fn token(text: &str, generation: i64) -> RefreshTokenRecord {
        RefreshTokenRecord {
            token: Digest::of(text),
            session_id: "s".into(),
            generation,
            expires_at: at(500),
        }
    }

    #[test]
    fn the_standing_of_a_token_follows_from_its_generation_and_the_time() {
        let revoked = SessionRecord { revoked_at: Some(at(50)), ..session() };
        let ended = SessionRecord { ends_at: at(105), ..session() };
        let cases = [
            (session(), token("new", 7), 105, Standing::Live),
            (session(), token("sibling", 7), 499, Standing::Live),
            (session(), token("new", 7), 500, Standing::Expired),
            (session(), token("used", 6), 109, Standing::Retry),
            (session(), token("used", 6), 110, Standing::Replayed),
            (session(), token("unused sibling", 6), 101, Standing::Replayed),
            (session(), token("old", 5), 101, Standing::Replayed),
            (session(), token("used", 6), 500, Standing::Expired),
            (ended, token("new", 7), 105, Standing::Expired),
            (revoked, token("new", 7), 105, Standing::Revoked),
        ];
        for (session, token, now, expected) in cases {
            let found = standing(&session, &token, Duration::from_secs(10), at(now));
            assert_eq!(found, expected, "{token:?} at {now}");
        }
        let retry = standing(&session(), &token("used", 6), Duration::ZERO, at(100));
        assert_eq!(retry, Standing::Replayed, "grace can be turned off");
    }

    #[test]
    fn no_refresh_token_outlives_its_session() {
        let issuer = login_common::names::IssuerUrl::parse("https://login.example.com").unwrap();
        let settings = IssuerSettings {
            refresh_token_lifetime: Duration::from_mins(5),
            ..IssuerSettings::new(issuer, "kubernetes")
        };
        let ends =
            |now| next_token(&settings, &session(), 7, &Digest::of("new"), at(now)).expires_at;
        assert_eq!(ends(100), at(400));
        assert_eq!(ends(900), at(1000));
        let begun = begin(&settings, session(), &Digest::of("first"), at(100));
        assert_eq!((begun.token.generation, begun.token.expires_at), (7, at(400)));
    }
}
