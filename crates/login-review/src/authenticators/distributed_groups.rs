//! Groups that a token does not hold but says where to find (OpenID Connect Core §5.6.2), as
//! kube-apiserver's `claimResolver` reads them, from allowed places only.
//! Never takes "kept elsewhere" for "no groups": a user could lose the groups that restrain him.

use login_common::{Secret, UnixTime};
use login_protocols::{
    jose::CompactJws,
    oidc::{Claims, Expectations, TokenRefusal, verify},
};
use serde_json::Value;
use url::Url;

use super::jwt::depends_on_keys;
use crate::{
    decide::{Decision, Evidence, GroupsSource, Need},
    policy::{IssuerIndex, IssuerPolicy, Policy},
    verdict::{Reason, Verdict},
};

/// Claims with the groups in their place, and when those end.
#[derive(Debug)]
pub(super) struct Expanded {
    pub(super) claims: Claims,
    pub(super) expires_at: UnixTime,
}

/// Why there are none, or not yet.
#[derive(Debug)]
pub(super) enum Halt {
    /// The token is refused.
    Refuse(Reason),
    /// First gather this.
    Gather(Box<Need>),
}

impl From<Halt> for Decision {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Refuse(reason) => Self::Verdict(Verdict::Refused(reason)),
            Halt::Gather(need) => Self::Need(*need),
        }
    }
}

/// The verified `claims` of a token of `issuer` with its groups; none if they are complete as they
/// are.
pub(super) fn expand(
    policy: &Policy,
    index: IssuerIndex,
    issuer: &IssuerPolicy,
    claims: &Claims,
    evidence: &Evidence<'_>,
    now: UnixTime,
) -> Result<Option<Expanded>, Halt> {
    let refused = || Halt::Refuse(Reason::GroupsElsewhere);
    let Some(claim) = groups_claim(issuer) else { return Ok(None) };
    let Some(place) = place(claims, claim) else { return Ok(None) };
    let source = source(index, issuer, place.map_err(Halt::Refuse)?).ok_or_else(refused)?;
    let Some(jwt) = evidence.groups else {
        return Err(Halt::Gather(Box::new(Need::Groups(source))));
    };
    let jws = CompactJws::parse(jwt).map_err(|_| refused())?;
    let signer = jws.unverified_claims().issuer().and_then(|name| policy.find(name));
    let signer = signer.ok_or_else(refused)?;
    let Some(keys) = evidence.keys_of(signer) else {
        return Err(Halt::Gather(Box::new(Need::Keys(signer))));
    };
    let signer_policy = policy.issuer(signer).ok_or_else(refused)?;
    let expected = Expectations {
        issuer: &signer_policy.issuer,
        audiences: &issuer.audiences,
        algorithms: &signer_policy.algorithms,
    };
    let verified = verify(&jws, keys, &expected, now).map_err(|refusal| match refusal {
        refusal if depends_on_keys(&refusal) => {
            let otherwise = match refusal {
                TokenRefusal::UnknownKey => Reason::UnknownKey,
                _ => Reason::GroupsElsewhere,
            };
            Halt::Gather(Box::new(Need::FreshKeys(signer, otherwise)))
        }
        _ => refused(),
    })?;
    // Within one issuer a subject is one user; another's groups are not his.
    let subject = verified.claims.value("sub");
    if signer == index && subject.is_some() && subject != claims.value("sub") {
        return Err(refused());
    }
    if policy.is_revoked(evidence, signer_policy.issuer.as_str(), verified.claims, now) {
        return Err(Halt::Refuse(Reason::Revoked));
    }
    let groups = verified.claims.value(claim).ok_or_else(refused)?;
    let mut expanded = claims.as_map().clone();
    expanded.insert(claim.to_owned(), groups.clone());
    Ok(Some(Expanded { claims: Claims::from(expanded), expires_at: verified.expires_at }))
}

/// The claim that groups are mapped from; an expression sees what the token holds itself.
fn groups_claim(issuer: &IssuerPolicy) -> Option<&str> {
    issuer.mapping.groups.as_ref()?.claim().map(|groups| groups.claim.as_str())
}

/// What `_claim_sources` has for `claim`; none if the claim is not kept elsewhere. A claim that is
/// there wins.
fn place<'c>(claims: &'c Claims, claim: &str) -> Option<Result<&'c Value, Reason>> {
    if claims.value(claim).is_some_and(|value| !value.is_null()) {
        return None;
    }
    let name = claims.value("_claim_names")?.get(claim)?;
    let place = name.as_str().and_then(|name| claims.value("_claim_sources")?.get(name));
    Some(place.ok_or(Reason::GroupsElsewhere))
}

/// Where to ask, if the operator allows it. An aggregated claim (`JWT` in place of an endpoint)
/// is not supported, as in kube-apiserver.
fn source(index: IssuerIndex, issuer: &IssuerPolicy, place: &Value) -> Option<GroupsSource> {
    let endpoint = Url::parse(place.get("endpoint")?.as_str()?).ok()?;
    if !issuer.distributed_claims_endpoints.contains(&endpoint) {
        return None;
    }
    let access_token = match place.get("access_token") {
        None | Some(Value::Null) => None,
        Some(token) => Some(Secret::new(token.as_str()?)).filter(|token| !token.is_empty()),
    };
    Some(GroupsSource { issuer: index, endpoint, access_token })
}

#[cfg(test)]
mod tests;
