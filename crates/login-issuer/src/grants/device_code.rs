//! Answers a device's polls until the user has decided (RFC 8628 §3.4, §3.5).
//! Never redeems an approved code twice, never lets a device poll faster than its interval.

use std::time::Duration;

use login_common::UnixTime;

use super::{FreshSignIn, Granted, Request};
use crate::{
    TokenError,
    opaque::Digest,
    store::{DeviceDecision, DeviceRecord, DeviceStep},
};

/// RFC 8628 §3.5: `slow_down` permanently adds five seconds.
const SLOW_DOWN: Duration = Duration::from_secs(5);

pub(super) fn grant(request: &Request<'_>) -> Result<Granted, TokenError> {
    let now = request.now;
    let code = request.form.secret("device_code").ok_or(TokenError::Missing("device_code"))?;
    let refresh_token = Request::fresh_refresh_token()?;
    let judge = |record: &DeviceRecord| {
        let sign_in = judge(record, request.caller.id(), now)?;
        if (request.is_revoked)(&sign_in.facts()) {
            return Err(TokenError::AccessDenied);
        }
        Ok(sign_in)
    };
    let rule = |record: &DeviceRecord| match judge(record) {
        Ok(sign_in) => {
            DeviceStep::Finish { session: request.new_session(&sign_in, &refresh_token) }
        }
        Err(TokenError::AuthorizationPending) => {
            DeviceStep::Polled { at: now, interval: record.interval }
        }
        Err(TokenError::SlowDown) => {
            DeviceStep::Polled { at: now, interval: record.interval.saturating_add(SLOW_DOWN) }
        }
        // The device receives the denial; the code is not needed any more.
        Err(TokenError::AccessDenied) => DeviceStep::Finish { session: None },
        Err(_) => DeviceStep::Leave,
    };
    let record = request
        .issuer
        .store
        .poll_device(&Digest::of(code.expose()), &rule)?
        .ok_or(TokenError::DeviceCodeInvalid)?;

    let sign_in = judge(&record)?;
    let keeps = request.new_session(&sign_in, &refresh_token).is_some();
    request.granted(sign_in, keeps.then_some(refresh_token))
}

/// The sign-in behind `record`, or the error that this poll gets.
fn judge(record: &DeviceRecord, client_id: &str, now: UnixTime) -> Result<FreshSignIn, TokenError> {
    if record.client_id != client_id {
        return Err(TokenError::DeviceCodeInvalid);
    }
    if record.expires_at <= now {
        return Err(TokenError::DeviceCodeExpired);
    }
    // A clock that was set back must not make the device wait.
    let too_early = |polled_at: UnixTime| polled_at <= now && now < polled_at.plus(record.interval);
    if record.polled_at.is_some_and(too_early) {
        return Err(TokenError::SlowDown);
    }
    match &record.decision {
        None => Err(TokenError::AuthorizationPending),
        Some(DeviceDecision::Denied) => Err(TokenError::AccessDenied),
        Some(DeviceDecision::Approved { user_id, session_id, authenticated_at }) => {
            Ok(FreshSignIn {
                session_id: session_id.clone(),
                user_id: user_id.clone(),
                scope: record.scope.clone(),
                authenticated_at: *authenticated_at,
                nonce: None,
            })
        }
    }
}
