//! The revocation endpoint (RFC 7009): whoever signs out ends the session behind a refresh token.
//! Never says whether a made-up token was known, and never ends a session for a client it is not of;
//! whoever holds another client's token is told that it is one (§2.1).

use login_common::UnixTime;

use crate::{
    Form, Issuer, TokenError, clients,
    opaque::Digest,
    store::{RefreshTokenRecord, RotationStep, SessionRecord},
};

/// What was done; for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Who asked.
    pub client_id: String,
    /// The session that ended; `None` when the token was not known, which is no fault
    /// (RFC 7009 §2.2).
    pub session_id: Option<String>,
}

pub(crate) fn answer(
    issuer: &Issuer,
    form: &Form,
    authorization: Option<&str>,
    now: UnixTime,
) -> Result<Revoked, TokenError> {
    let caller = clients::authenticate(&*issuer.store, form, authorization)?;
    let token = form.secret("token").ok_or(TokenError::Missing("token"))?;
    // §2.2.1: access tokens and ID tokens are checked without asking us, so we cannot end them.
    if token.expose().matches('.').count() == 2 {
        return Err(TokenError::UnsupportedTokenType);
    }
    let is_callers = |session: &SessionRecord| session.client_id == caller.id();
    // A token that was replaced meanwhile ends its session, too: the holder wants it to end.
    let rule = |session: &SessionRecord, _: &RefreshTokenRecord| {
        if is_callers(session) { RotationStep::Revoke { at: now } } else { RotationStep::Leave }
    };
    let found = issuer.store.rotate(&Digest::of(token.expose()), &rule)?;
    let session_id = match found {
        None => None,
        Some((session, _)) if is_callers(&session) => Some(session.session_id),
        // §2.1: refused when it was not issued to the client that asks.
        Some(_) => return Err(TokenError::RefreshTokenInvalid),
    };
    Ok(Revoked { client_id: caller.id().to_owned(), session_id })
}
