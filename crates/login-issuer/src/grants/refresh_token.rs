//! Exchanges a refresh token for new tokens and its successor (RFC 6749 §6, RFC 9700 §4.14).
//! Never keeps a session alive in which a token was used twice, except for the retry that
//! `sessions.rs` describes, or a session that the operator revoked.

use super::{Granted, Request};
use crate::{
    TokenError,
    mint::SignInFacts,
    opaque::Digest,
    scope,
    sessions::{self, Standing},
    store::{RefreshTokenRecord, RotationStep, SessionRecord},
};

pub(super) fn grant(request: &Request<'_>) -> Result<Granted, TokenError> {
    let settings = &request.issuer.settings;
    let now = request.now;
    let presented =
        request.form.secret("refresh_token").ok_or(TokenError::Missing("refresh_token"))?;
    let successor = Request::fresh_refresh_token()?;
    let next = |session: &SessionRecord, generation: i64| {
        sessions::next_token(settings, session, generation, &Digest::of(successor.expose()), now)
    };
    let rule = |session: &SessionRecord, token: &RefreshTokenRecord| match judge(
        request, session, token,
    ) {
        Ok(Use::Advance(_)) => RotationStep::Advance {
            next: next(session, session.generation.saturating_add(1)),
            at: now,
        },
        Ok(Use::Sibling(_)) => RotationStep::Sibling { next: next(session, session.generation) },
        Err(TokenError::RefreshTokenReplayed | TokenError::SessionRevoked) => {
            RotationStep::Revoke { at: now }
        }
        Err(_) => RotationStep::Leave,
    };
    let (session, token) = request
        .issuer
        .store
        .rotate(&Digest::of(presented.expose()), &rule)?
        .ok_or(TokenError::RefreshTokenInvalid)?;
    let (Use::Advance(granted_scope) | Use::Sibling(granted_scope)) =
        judge(request, &session, &token)?;

    Ok(Granted {
        subject: request.person(&session.user_id)?,
        sign_in: SignInFacts {
            session_id: session.session_id,
            authenticated_at: Some(session.authenticated_at),
            ends_at: session.ends_at,
        },
        with_id_token: scope::contains(&granted_scope, scope::OPENID),
        scope: granted_scope,
        nonce: None,
        refresh_token: Some(successor),
    })
}

/// How the token may be used, and for which scope.
enum Use {
    Advance(String),
    Sibling(String),
}

fn judge(
    request: &Request<'_>,
    session: &SessionRecord,
    token: &RefreshTokenRecord,
) -> Result<Use, TokenError> {
    // RFC 6749 §10.4: bound to its client. Another client's token must not end its owner's session.
    if session.client_id != request.caller.id() {
        return Err(TokenError::RefreshTokenInvalid);
    }
    let grace = request.issuer.settings.refresh_retry_grace;
    let standing = sessions::standing(session, token, grace, request.now);
    // The scope is checked only for valid tokens, but a wrong scope must not use the token up.
    let narrowed = || {
        scope::narrowed(&session.scope, request.form.text("scope")).ok_or(TokenError::ScopeExceeded)
    };
    match standing {
        Standing::Live | Standing::Retry if (request.is_revoked)(&session.facts()) => {
            Err(TokenError::SessionRevoked)
        }
        Standing::Live => narrowed().map(Use::Advance),
        Standing::Retry => narrowed().map(Use::Sibling),
        Standing::Expired | Standing::Revoked => Err(TokenError::RefreshTokenInvalid),
        Standing::Replayed => Err(TokenError::RefreshTokenReplayed),
    }
}
