//! The times in the claims that a party states about a token.
//! Never takes a malformed time for an absent one.

use login_common::UnixTime;
use login_protocols::oidc::{Claims, NOT_BEFORE_LEEWAY};

use crate::verdict::{ENDLESS, Reason};

/// Checks `exp`, `nbf` and `iat`, each if present. Returns when the token expires.
pub(crate) fn check(claims: &Claims, now: UnixTime) -> Result<UnixTime, Reason> {
    let moment = |name| claims.checked_moment(name).map_err(|_| Reason::Claims);
    let (expires_at, not_before, issued_at) = (moment("exp")?, moment("nbf")?, moment("iat")?);
    let latest = now.plus(NOT_BEFORE_LEEWAY);
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Reason::Expired);
    }
    if not_before.is_some_and(|begin| latest < begin) {
        return Err(Reason::NotYetValid);
    }
    if issued_at.is_some_and(|issued_at| latest < issued_at) {
        return Err(Reason::IssuedInFuture);
    }
    Ok(expires_at.unwrap_or(ENDLESS))
}
