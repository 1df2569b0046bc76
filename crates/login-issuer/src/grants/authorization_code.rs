//! Exchanges the code of a browser sign-in for tokens (RFC 6749 §4.1.3, RFC 7636 §4.6).
//! Never redeems a code twice: a second use ends the session of the first.

use login_common::UnixTime;
use login_protocols::oauth2::pkce;

use super::{FreshSignIn, Granted, Request};
use crate::{
    TokenError,
    opaque::Digest,
    store::{CodeRecord, CodeStep},
};

/// The client's request to redeem a code.
struct Presented<'a> {
    client_id: &'a str,
    redirect_uri: &'a str,
    verifier: &'a str,
    now: UnixTime,
}

pub(super) fn grant(request: &Request<'_>) -> Result<Granted, TokenError> {
    let form = request.form;
    let code = form.secret("code").ok_or(TokenError::Missing("code"))?;
    let presented = Presented {
        client_id: request.caller.id(),
        redirect_uri: form.text("redirect_uri").ok_or(TokenError::Missing("redirect_uri"))?,
        verifier: form.text("code_verifier").ok_or(TokenError::Missing("code_verifier"))?,
        now: request.now,
    };
    let refresh_token = Request::fresh_refresh_token()?;
    let judge = |record: &CodeRecord| {
        judge(record, &presented)?;
        // The user must sign in again after the revocation.
        if (request.is_revoked)(&sign_in(record).facts()) {
            return Err(TokenError::SessionRevoked);
        }
        Ok(())
    };
    let rule = |record: &CodeRecord| match judge(record) {
        Ok(()) => CodeStep::Redeem {
            at: request.now,
            session: request.new_session(&sign_in(record), &refresh_token),
        },
        Err(TokenError::CodeReplayed) => CodeStep::Revoke { at: request.now },
        Err(_) => CodeStep::Leave,
    };
    let record = request
        .issuer
        .store
        .redeem_code(&Digest::of(code.expose()), &rule)?
        .ok_or(TokenError::CodeInvalid)?;
    judge(&record)?;

    let sign_in = sign_in(&record);
    let keeps = request.new_session(&sign_in, &refresh_token).is_some();
    request.granted(sign_in, keeps.then_some(refresh_token))
}

/// Whether `record` may be redeemed. A wrong attempt does not use up the code: its 256 bits cannot
/// be guessed, and another holder must not be able to invalidate it.
fn judge(record: &CodeRecord, presented: &Presented<'_>) -> Result<(), TokenError> {
    if record.client_id != presented.client_id {
        return Err(TokenError::CodeInvalid);
    }
    // RFC 6749 §4.1.2: checked before expiry and PKCE, since a second use means a stolen code.
    if record.redeemed_at.is_some() {
        return Err(TokenError::CodeReplayed);
    }
    if record.expires_at <= presented.now {
        return Err(TokenError::CodeInvalid);
    }
    if record.redirect_uri != presented.redirect_uri {
        return Err(TokenError::RedirectMismatch);
    }
    if !pkce::matches_s256(presented.verifier, &record.challenge) {
        return Err(TokenError::VerifierMismatch);
    }
    Ok(())
}

fn sign_in(record: &CodeRecord) -> FreshSignIn {
    FreshSignIn {
        session_id: record.session_id.clone(),
        user_id: record.user_id.clone(),
        scope: record.scope.clone(),
        authenticated_at: record.authenticated_at,
        nonce: record.nonce.clone(),
    }
}
