//! JWTs of configured OpenID Connect issuers, checked in kube-apiserver's order: signature and
//! times, this program's own conditions (`azp`, lifetime), username, groups, uid, extra, required
//! claims, rules over the claims, rules over the user; then the guard and the audiences.
//! Never uses a claim that was not signed.

use login_common::{Identity, UnixTime};
use login_protocols::{
    jose::CompactJws,
    oidc::{Claims, Expectations, TokenRefusal, verify},
};

use super::distributed_groups::expand;
use crate::{
    audience::AudienceRequest,
    claims::{expression::Allowance, rules},
    evidence::{Decision, Evidence, Need},
    guard::Guard,
    policy::{IssuerIndex, IssuerPolicy, Policy},
    revocations::EndedSessions,
    verdict::{Outage, Reason, Verdict},
};

pub(crate) fn decide(
    policy: &Policy,
    index: IssuerIndex,
    jws: &CompactJws<'_>,
    evidence: &Evidence<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Decision {
    let Some(issuer) = policy.issuer(index) else {
        return Decision::Verdict(Verdict::Refused(Reason::ForeignIssuer));
    };
    let Some(keys) = evidence.keys_of(index) else {
        return Decision::Need(Need::Keys(index));
    };
    let expected = Expectations {
        issuer: &issuer.issuer,
        audiences: &issuer.audiences,
        algorithms: &issuer.algorithms,
    };
    let verified = match verify(jws, keys, &expected, now) {
        Ok(verified) => verified,
        Err(refusal) if depends_on_keys(&refusal) => {
            return Decision::Need(Need::FreshKeys(index, reason(&refusal)));
        }
        Err(refusal) => return Decision::Verdict(Verdict::Refused(reason(&refusal))),
    };
    if policy.is_revoked(evidence.ended_sessions, issuer.issuer.as_str(), verified.claims, now) {
        return Decision::Verdict(Verdict::Refused(Reason::Revoked));
    }
    let is_in_doubt =
        |ended: &EndedSessions| ended.are_unknown_for(issuer.issuer.as_str(), verified.claims);
    if evidence.ended_sessions.is_some_and(is_in_doubt) {
        return Decision::Verdict(Verdict::CannotTell(Outage::StoreUnavailable));
    }
    if let Err(reason) = check_restrictions(issuer, verified.claims, verified.expires_at, now) {
        return Decision::Verdict(Verdict::Refused(reason));
    }
    let expanded = match expand(policy, index, issuer, verified.claims, evidence, now) {
        Ok(expanded) => expanded,
        Err(halt) => return halt.into(),
    };
    let (claims, expires_at) = match &expanded {
        None => (verified.claims, verified.expires_at),
        Some(expanded) => (&expanded.claims, verified.expires_at.min(expanded.expires_at)),
    };
    let allowance = &mut Allowance::within(evidence.patience);
    let verdict = identify(issuer, policy.guard(), claims, allowance).and_then(|identity| {
        let audiences = audiences.grant()?;
        Ok(Verdict::Accepted { identity, audiences, expires_at })
    });
    Decision::Verdict(verdict.unwrap_or_else(Verdict::Refused))
}

/// The operator's conditions beyond `AuthenticationConfiguration`. A token without the claim that a
/// condition needs is refused, or it would bypass the condition.
pub(crate) fn check_restrictions(
    issuer: &IssuerPolicy,
    claims: &Claims,
    expires_at: UnixTime,
    now: UnixTime,
) -> Result<(), Reason> {
    let parties = &issuer.authorized_parties;
    let is_party = |party: &str| parties.iter().any(|accepted| accepted == party);
    if !parties.is_empty() && !claims.text("azp").is_some_and(is_party) {
        return Err(Reason::AuthorizedParty);
    }
    // An `iat` in the future would extend the allowed lifetime.
    if let Some(most) = issuer.max_token_lifetime
        && claims.moment("iat").is_none_or(|issued_at| issued_at.min(now).plus(most) < expires_at)
    {
        return Err(Reason::Lifetime);
    }
    Ok(())
}

/// The user that verified `claims` map to, if the guard allows it.
pub(crate) fn identify(
    issuer: &IssuerPolicy,
    guard: &Guard,
    claims: &Claims,
    allowance: &mut Allowance,
) -> Result<Identity, Reason> {
    let identity = issuer.mapping.identity_within(&issuer.issuer, claims, allowance)?;
    rules::check_required(&issuer.required_claims, claims)?;
    rules::check_claims(&issuer.claim_rules, claims, allowance)?;
    rules::check_user(&issuer.user_rules, &identity, allowance)?;
    guard.check(&identity)?;
    Ok(identity)
}

/// Whether another key set might verify the token. An issuer may replace a key, under the same
/// `kid` or without one.
pub(crate) const fn depends_on_keys(refusal: &TokenRefusal) -> bool {
    matches!(
        refusal,
        TokenRefusal::UnknownKey
            | TokenRefusal::AmbiguousKey
            | TokenRefusal::KeyAlgorithm
            | TokenRefusal::UnusableKey(_)
            | TokenRefusal::Signature
    )
}

fn reason(refusal: &TokenRefusal) -> Reason {
    match refusal {
        TokenRefusal::WrongIssuer => Reason::ForeignIssuer,
        TokenRefusal::Algorithm => Reason::Algorithm,
        TokenRefusal::UnknownKey => Reason::UnknownKey,
        TokenRefusal::AmbiguousKey => Reason::AmbiguousKey,
        TokenRefusal::KeyAlgorithm => Reason::KeyAlgorithm,
        TokenRefusal::UnusableKey(_) => Reason::UnusableKey,
        TokenRefusal::Signature => Reason::Signature,
        TokenRefusal::TokenType => Reason::TokenType,
        TokenRefusal::Expired => Reason::Expired,
        TokenRefusal::NotYetValid => Reason::NotYetValid,
        TokenRefusal::MissingExpiry => Reason::MissingExpiry,
        TokenRefusal::WrongAudience => Reason::WrongAudience,
        TokenRefusal::Claims(_) => Reason::Claims,
    }
}
