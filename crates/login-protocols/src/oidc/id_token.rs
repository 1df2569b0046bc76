//! A client's checks of an ID token that it received directly from the token endpoint.
//! Never verifies a signature: OpenID Connect Core §3.1.3.7 (6) lets the TLS connection replace
//! that, and only there.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use login_common::{
    names::{ClientId, IssuerUrl},
    time::UnixTime,
};
use serde_json::Value;
use thiserror::Error;

use super::claims::ClaimsError;
use crate::jose::{CompactJws, JoseError};

/// OpenID Connect Core §2: maximum length of `sub` in characters.
const MAX_SUBJECT_LENGTH: usize = 255;

/// The facts of a sign-in in an ID token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenFacts {
    /// `sub`: 1 to 255 bytes.
    pub subject: String,
    /// `exp`.
    pub expires_at: UnixTime,
    /// `iat`.
    pub issued_at: Option<UnixTime>,
    /// `preferred_username`, for display.
    pub preferred_username: Option<String>,
    /// `email`, for display.
    pub email: Option<String>,
}

/// Why an ID token is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdTokenProblem {
    /// Not a signed JWT that Kubernetes would accept.
    #[error("the ID token cannot be read")]
    Jose(#[from] JoseError),
    /// A claim has a wrong type.
    #[error("the ID token cannot be used")]
    Claims(#[from] ClaimsError),
    /// `typ` names another kind of token.
    #[error("the ID token's `typ` says that it is something else")]
    TokenType,
    /// `iss` is missing or wrong. Both names are public.
    #[error("the ID token is from `{found}`, not from `{expected}`")]
    WrongIssuer {
        /// The expected issuer.
        expected: String,
        /// `iss`, cut to 200 characters; empty when missing.
        found: String,
    },
    /// `aud` does not list the client.
    #[error("the ID token is not for client `{0}`")]
    WrongAudience(ClientId),
    /// `azp` is another client.
    #[error("the ID token's authorized party is not client `{0}`")]
    WrongParty(ClientId),
    /// `nonce` is not the one that was sent: the token belongs to another sign-in.
    #[error("the ID token belongs to another sign-in: its `nonce` does not match")]
    Nonce,
    /// `sub` is missing, empty or too long.
    #[error("the ID token has no usable `sub`")]
    Subject,
    /// No `exp`.
    #[error("the ID token has no expiry")]
    MissingExpiry,
    /// `exp` is not after now.
    #[error("the ID token expired at {expired_at}, and this machine's clock says {now}")]
    Expired {
        /// `exp`.
        expired_at: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
}

/// Checks an ID token received over TLS from `issuer`'s token endpoint (OpenID Connect
/// Core §3.1.3.7). `nonce` is set after an authorization request, and not after a refresh (§12.2).
pub fn check_from_token_endpoint(
    id_token: &str,
    issuer: &IssuerUrl,
    client_id: &ClientId,
    nonce: Option<&str>,
    now: UnixTime,
) -> Result<IdTokenFacts, IdTokenProblem> {
    let token = CompactJws::parse(id_token)?;
    let claims = token.unverified_claims();
    let has_events = claims.value("events").is_some_and(|events| !events.is_null());
    if !token.header().has_type(&[None, Some("JWT"), Some("JOSE")]) || has_events {
        return Err(IdTokenProblem::TokenType);
    }
    if claims.issuer() != Some(issuer.as_str()) {
        return Err(IdTokenProblem::WrongIssuer {
            expected: issuer.to_string(),
            found: claims.issuer().unwrap_or_default().chars().take(200).collect(),
        });
    }
    let audiences = claims.checked_audiences()?;
    if !audiences.contains(&client_id.as_str()) {
        return Err(IdTokenProblem::WrongAudience(client_id.clone()));
    }
    // §3.1.3.7 (4); since errata 2 it is not required besides several audiences.
    let is_other = |party: &Value| !party.is_null() && party != client_id.as_str();
    if claims.value("azp").is_some_and(is_other) {
        return Err(IdTokenProblem::WrongParty(client_id.clone()));
    }
    if let Some(sent) = nonce {
        let received = claims.text("nonce").unwrap_or_default();
        verify_slices_are_equal(sent.as_bytes(), received.as_bytes())
            .map_err(|_| IdTokenProblem::Nonce)?;
    }
    let subject = claims
        .subject()
        .filter(|subject| (1..=MAX_SUBJECT_LENGTH).contains(&subject.len()))
        .ok_or(IdTokenProblem::Subject)?;
    let expires_at = claims.checked_moment("exp")?.ok_or(IdTokenProblem::MissingExpiry)?;
    if expires_at <= now {
        return Err(IdTokenProblem::Expired { expired_at: expires_at, now });
    }
    Ok(IdTokenFacts {
        subject: subject.to_owned(),
        expires_at,
        // The user's clock may be minutes behind, so `iat` is not checked.
        issued_at: claims.checked_moment("iat")?,
        preferred_username: claims.text("preferred_username").map(str::to_owned),
        email: claims.text("email").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests;
