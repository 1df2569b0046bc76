//! Verifies tokens of a trusted issuer: ID tokens (OpenID Connect Core §2) and access tokens
//! (RFC 9068), as a server checks them.
//! Never takes issuer, algorithm or key from the token; the caller passes what is expected.

use std::time::Duration;

use login_common::{names::IssuerUrl, time::UnixTime};
use thiserror::Error;

use super::claims::{Claims, ClaimsError};
use crate::jose::{Algorithm, CompactJws, KeyProblem, KeySet, SignatureError};

/// How far in the future `nbf` may be, since two clocks are compared. `exp` has no leeway.
pub const NOT_BEFORE_LEEWAY: Duration = Duration::from_mins(1);

/// The media types of tokens that identify a user. Others (`logout+jwt`, `dpop+jwt`, …) are signed
/// with the same keys and mean something else (RFC 8725 §3.11). `JOSE` only says that this is a
/// compact JWS (RFC 7515 §4.1.9); SPIFFE allows it (JWT-SVID §2.3).
const ACCEPTED_TYPES: [Option<&str>; 4] = [None, Some("JWT"), Some("at+jwt"), Some("JOSE")];

/// The configuration's requirements for a token.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The issuer that `iss` must name.
    pub issuer: &'a IssuerUrl,
    /// One of these must be in `aud`; an empty list refuses every token.
    pub audiences: &'a [String],
    /// `alg` must be one of these.
    pub algorithms: &'a [Algorithm],
}

/// Why a token is refused. Contains nothing of the token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenRefusal {
    /// Another type of token, by `typ` or by its claims (`events`: a logout token).
    #[error("the token is of another type than ID token or access token")]
    TokenType,
    /// `iss` is missing or is not exactly the issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `alg` is not among those configured for the issuer.
    #[error("the token's algorithm is not accepted for its issuer")]
    Algorithm,
    /// No `exp`.
    #[error("the token has no expiry")]
    MissingExpiry,
    /// `exp` is not after now.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future, beyond the leeway.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// None of the accepted audiences is in `aud`.
    #[error("the token is for another audience")]
    WrongAudience,
    /// The named claim has a wrong type or an impossible value.
    #[error("claim `{0}` is malformed")]
    Claims(&'static str),
    /// The key set has no such key. It may be stale: the caller may fetch it again.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// More keys match the token than are tried.
    #[error("the token could mean more keys than are tried")]
    AmbiguousKey,
    /// The key that it names is for another algorithm than the token's.
    #[error("the token's key is for another algorithm")]
    KeyAlgorithm,
    /// The key that it names is published, but cannot or must not be used.
    #[error("the token's key is not used: {0}")]
    UnusableKey(KeyProblem),
    /// The key is known, but the signature is not its own.
    #[error("the token's signature does not match")]
    Signature,
}

/// A token that passed every check.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'j> {
    /// The claims, which are as trustworthy as their issuer.
    pub claims: &'j Claims,
    /// `exp`.
    pub expires_at: UnixTime,
}

/// Checks everything that does not depend on the use of the claims. `sub` is not checked: the
/// caller's configuration decides which claim is the username.
///
/// The signature comes last: a token that is refused anyway costs no cryptography, and an expired
/// token with an unknown key costs no fetch. Until then claims can only lead to a refusal.
pub fn verify<'j>(
    token: &'j CompactJws<'_>,
    keys: &KeySet,
    expected: &Expectations<'_>,
    now: UnixTime,
) -> Result<Verified<'j>, TokenRefusal> {
    let header = token.header();
    let claims = token.unverified_claims();
    // OpenID Connect Back-Channel Logout §2.4: `events` distinguishes a logout token from an ID
    // token.
    let has_events = claims.value("events").is_some_and(|events| !events.is_null());
    if !header.has_type(&ACCEPTED_TYPES) || has_events {
        return Err(TokenRefusal::TokenType);
    }
    if !claims.issuer().is_some_and(|issuer| expected.issuer.is_named_by(issuer)) {
        return Err(TokenRefusal::WrongIssuer);
    }
    if !expected.algorithms.contains(&header.algorithm) {
        return Err(TokenRefusal::Algorithm);
    }
    let expires_at = check_times(claims, now)?;
    let audiences = claims.checked_audiences()?;
    if !expected.audiences.iter().any(|accepted| audiences.contains(&accepted.as_str())) {
        return Err(TokenRefusal::WrongAudience);
    }
    token.verify(keys)?;
    Ok(Verified { claims, expires_at })
}

/// `iat` only has to be a time, as in kube-apiserver: it does not limit a token's validity
/// (RFC 7519 §4.1.6), and the issuer's clock may be ahead.
fn check_times(claims: &Claims, now: UnixTime) -> Result<UnixTime, TokenRefusal> {
    let not_before = claims.checked_moment("nbf")?;
    claims.checked_moment("iat")?;
    let expires_at = claims.checked_moment("exp")?.ok_or(TokenRefusal::MissingExpiry)?;
    let latest = now.plus(NOT_BEFORE_LEEWAY);
    if expires_at <= now {
        return Err(TokenRefusal::Expired);
    }
    if not_before.is_some_and(|not_before| latest < not_before) {
        return Err(TokenRefusal::NotYetValid);
    }
    Ok(expires_at)
}

impl From<ClaimsError> for TokenRefusal {
    fn from(error: ClaimsError) -> Self {
        match error {
            ClaimsError::NotAnObject => Self::Claims("payload"),
            ClaimsError::Malformed(name) => Self::Claims(name),
        }
    }
}

impl From<SignatureError> for TokenRefusal {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::NoSuchKey => Self::UnknownKey,
            SignatureError::Ambiguous => Self::AmbiguousKey,
            SignatureError::OtherAlgorithm => Self::KeyAlgorithm,
            SignatureError::Unusable(problem) => Self::UnusableKey(problem),
            SignatureError::Mismatch => Self::Signature,
        }
    }
}

#[cfg(test)]
mod tests;
