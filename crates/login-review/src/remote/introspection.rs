//! Opaque tokens, judged by the introspection response of their authorization server
//! (RFC 7662 §2.2).
//! Never accepts a token for `active` alone: times, audience, scope and issuer are checked as in a
//! JWT.

use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::oidc::Claims;

use crate::{claims::times, verdict::Reason};

/// What the responses of one endpoint must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionRules {
    /// The required `iss`, if the response has one.
    pub issuer: Option<IssuerUrl>,
    /// One of these must be in `aud`. Never empty, or no token is accepted.
    pub audiences: Vec<String>,
    /// Each of these must be in `scope`.
    pub required_scopes: Vec<String>,
}

/// The checks that RFC 7662 §4 leaves to the caller. Returns when the token expires.
pub(super) fn check(
    rules: &IntrospectionRules,
    claims: &Claims,
    now: UnixTime,
) -> Result<UnixTime, Reason> {
    check_kind(claims)?;
    if let Some(expected) = &rules.issuer
        && claims.value("iss").is_some_and(|issuer| issuer.as_str() != Some(expected.as_str()))
    {
        return Err(Reason::ForeignIssuer);
    }
    let expires_at = times::check(claims, now)?;
    let audiences = claims.checked_audiences().map_err(|_| Reason::Claims)?;
    if !rules.audiences.iter().any(|accepted| audiences.contains(&accepted.as_str())) {
        return Err(Reason::WrongAudience);
    }
    check_scopes(rules, claims)?;
    Ok(expires_at)
}

/// Refuses refresh tokens, which are active, too, and bound tokens (DPoP, RFC 9449 §6; mTLS,
/// RFC 8705 §3), which must not be accepted as bearer tokens.
fn check_kind(claims: &Claims) -> Result<(), Reason> {
    let is_bearer = claims.value("token_type").is_none_or(|kind| {
        kind.as_str().is_some_and(|kind| {
            kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("access_token")
        })
    });
    let is_refresh = ["token_use", "typ"].into_iter().any(|name| {
        claims.text(name).is_some_and(|kind| {
            kind.eq_ignore_ascii_case("refresh_token") || kind.eq_ignore_ascii_case("refresh")
        })
    });
    let is_bound = claims.value("cnf").is_some_and(|binding| !binding.is_null());
    if is_bearer && !is_refresh && !is_bound { Ok(()) } else { Err(Reason::TokenType) }
}

fn check_scopes(rules: &IntrospectionRules, claims: &Claims) -> Result<(), Reason> {
    if rules.required_scopes.is_empty() {
        return Ok(());
    }
    let granted: Vec<&str> = claims.text("scope").unwrap_or_default().split(' ').collect();
    let is_granted = |scope: &String| granted.contains(&scope.as_str());
    if rules.required_scopes.iter().all(is_granted) { Ok(()) } else { Err(Reason::MissingScope) }
}
