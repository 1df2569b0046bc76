//! A JWT of a configured OpenID Connect issuer, in kube-apiserver's order: signature and times,
//! username, groups, uid, extra, required claims; then the guard and the audiences.
//! Never reads a claim that was not signed.

use login_common::{Identity, UnixTime};
use login_protocols::{
    jose::{CompactJws, KeySet},
    oidc::{Claims, Expectations, TokenRefusal, verify},
};

use crate::{
    audience::AudienceRequest,
    claims::mapping::check_required,
    decide::Decision,
    guard::Guard,
    policy::IssuerPolicy,
    verdict::{Reason, Verdict},
};

pub(crate) fn decide(
    issuer: &IssuerPolicy,
    guard: &Guard,
    jws: &CompactJws<'_>,
    keys: &KeySet,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Decision {
    let expected = Expectations {
        issuer: &issuer.issuer,
        audiences: &issuer.audiences,
        algorithms: &issuer.algorithms,
    };
    let verified = match verify(jws, keys, &expected, now) {
        Ok(verified) => verified,
        Err(TokenRefusal::UnknownKey) => return Decision::NeedFreshKeys,
        Err(refusal) => return Decision::Verdict(Verdict::Refused(reason(&refusal))),
    };
    let verdict = identify(issuer, guard, verified.claims).and_then(|identity| {
        let audiences = audiences.grant()?;
        Ok(Verdict::Accepted { identity, audiences, expires_at: verified.expires_at })
    });
    Decision::Verdict(verdict.unwrap_or_else(Verdict::Refused))
}

/// The user that verified `claims` mean, if it may be told to kube-apiserver.
pub(crate) fn identify(
    issuer: &IssuerPolicy,
    guard: &Guard,
    claims: &Claims,
) -> Result<Identity, Reason> {
    let identity = issuer.mapping.identity(&issuer.issuer, claims)?;
    check_required(&issuer.required_claims, claims)?;
    guard.check(&identity)?;
    Ok(identity)
}

fn reason(refusal: &TokenRefusal) -> Reason {
    match refusal {
        TokenRefusal::WrongIssuer => Reason::ForeignIssuer,
        TokenRefusal::Algorithm => Reason::Algorithm,
        TokenRefusal::UnknownKey => Reason::UnknownKey,
        TokenRefusal::AmbiguousKey => Reason::AmbiguousKey,
        TokenRefusal::Signature => Reason::Signature,
        TokenRefusal::TokenType => Reason::TokenType,
        TokenRefusal::Expired => Reason::Expired,
        TokenRefusal::NotYetValid => Reason::NotYetValid,
        TokenRefusal::IssuedInFuture => Reason::IssuedInFuture,
        TokenRefusal::MissingExpiry => Reason::MissingExpiry,
        TokenRefusal::WrongAudience => Reason::WrongAudience,
        TokenRefusal::Claims(_) => Reason::Claims,
    }
}
