//! The revocation endpoint (RFC 7009): a client that signs out ends the session of a refresh token.
//! Never reveals whether a made-up token was known, and never ends another client's session; a
//! client that presents another client's token gets an error (§2.1).

use login_common::UnixTime;

use crate::{
    Form, Issuer, TokenError, clients,
    opaque::Digest,
    store::{RefreshTokenRecord, RotationStep, SessionRecord},
};

/// The outcome, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The client that asked.
    pub client_id: String,
    /// The session that ended; `None` when the token was unknown, which is no error
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
    // §2.2.1: verifiers check access tokens and ID tokens locally, so they cannot be revoked here.
    if token.expose().matches('.').count() == 2 {
        return Err(TokenError::UnsupportedTokenType);
    }
    let is_callers = |session: &SessionRecord| session.client_id == caller.id();
    // A rotated token ends its session, too: its holder wants the session to end.
    let rule = |session: &SessionRecord, _: &RefreshTokenRecord| {
        if is_callers(session) { RotationStep::Revoke { at: now } } else { RotationStep::Leave }
    };
    let found = issuer.store.rotate(&Digest::of(token.expose()), &rule)?;
    let session_id = match found {
        None => None,
        Some((session, _)) if is_callers(&session) => Some(session.session_id),
        // §2.1: refused, since it was issued to another client.
        Some(_) => return Err(TokenError::RefreshTokenInvalid),
    };
    Ok(Revoked { client_id: caller.id().to_owned(), session_id })
}
