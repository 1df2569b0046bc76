//! Opaque tokens, judged by the introspection response of their authorization server
//! (RFC 7662 §2.2).
//! Never accepts a token for `active` alone: times, audience, scope and issuer are checked as in a
//! JWT.

use login_common::UnixTime;
use login_protocols::{
    oauth2::introspection::Introspection,
    oidc::{Claims, NOT_BEFORE_LEEWAY},
};

use crate::{
    audience::AudienceRequest,
    claims::expression::Allowance,
    evidence::{Decision, Evidence, Need},
    introspector::Introspector,
    policy::{IntrospectorIndex, Policy},
    verdict::{ENDLESS, Reason, Verdict},
};

pub(crate) fn decide(
    policy: &Policy,
    index: IntrospectorIndex,
    evidence: &Evidence<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Decision {
    let Some(introspector) = policy.introspector(index) else {
        return Decision::Verdict(Verdict::Refused(Reason::UnknownShape));
    };
    let Some(answer) = evidence.introspection else {
        return Decision::Need(Need::Introspection(index));
    };
    let verdict = match answer {
        Introspection::Inactive => Err(Reason::Inactive),
        Introspection::Active(claims) => {
            accept(policy, introspector, claims, evidence, audiences, now)
        }
    };
    Decision::Verdict(verdict.unwrap_or_else(Verdict::Refused))
}

fn accept(
    policy: &Policy,
    introspector: &Introspector,
    claims: &Claims,
    evidence: &Evidence<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Result<Verdict, Reason> {
    let expires_at = check(introspector, claims, now)?;
    // An entry may name the issuer in the response or the configured one.
    let names = [claims.issuer(), Some(introspector.name.as_str())];
    let is_revoked = |issuer: &str| policy.is_revoked(evidence.ended_sessions, issuer, claims, now);
    if names.into_iter().flatten().any(is_revoked) {
        return Err(Reason::Revoked);
    }
    let allowance = &mut Allowance::within(evidence.patience);
    let identity = introspector.mapping.identity_within(&introspector.name, claims, allowance)?;
    policy.guard().check(&identity)?;
    Ok(Verdict::Accepted { identity, audiences: audiences.grant()?, expires_at })
}

/// The checks that RFC 7662 §4 leaves to the caller. Returns when the token expires.
fn check(introspector: &Introspector, claims: &Claims, now: UnixTime) -> Result<UnixTime, Reason> {
    check_kind(claims)?;
    if let Some(expected) = &introspector.issuer
        && claims.value("iss").is_some_and(|issuer| issuer.as_str() != Some(expected.as_str()))
    {
        return Err(Reason::ForeignIssuer);
    }
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
    let audiences = claims.checked_audiences().map_err(|_| Reason::Claims)?;
    if !introspector.audiences.iter().any(|accepted| audiences.contains(&accepted.as_str())) {
        return Err(Reason::WrongAudience);
    }
    check_scopes(introspector, claims)?;
    Ok(expires_at.unwrap_or(ENDLESS))
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

fn check_scopes(introspector: &Introspector, claims: &Claims) -> Result<(), Reason> {
    if introspector.required_scopes.is_empty() {
        return Ok(());
    }
    let granted: Vec<&str> = claims.text("scope").unwrap_or_default().split(' ').collect();
    let is_granted = |scope: &String| granted.contains(&scope.as_str());
    if introspector.required_scopes.iter().all(is_granted) {
        Ok(())
    } else {
        Err(Reason::MissingScope)
    }
}

#[cfg(test)]
mod tests;
