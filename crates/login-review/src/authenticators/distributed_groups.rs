//! Distributed groups (OpenID Connect Core §5.6.2): fetched from where the token says, as by
//! kube-apiserver's `claimResolver`, but only from the issuer's own host and allowed endpoints.
//! Never treats distributed groups as "no groups": users could lose groups that restrict them.

use login_common::{Secret, UnixTime};
use login_protocols::{
    jose::CompactJws,
    oidc::{Claims, Expectations, TokenRefusal, verify},
};
use serde_json::{Map, Value};
use url::Url;

use super::jwt::depends_on_keys;
use crate::{
    evidence::{Decision, Evidence, GroupsSource, Need},
    policy::{IssuerIndex, IssuerPolicy, Policy},
    verdict::{Reason, Verdict},
};

/// Claims with the fetched groups, and when the groups expire.
#[derive(Debug)]
pub(super) struct Expanded {
    pub(super) claims: Claims,
    pub(super) expires_at: UnixTime,
}

/// Why the groups are not available, or not yet.
#[derive(Debug)]
pub(super) enum Halt {
    /// The token is refused.
    Refuse(Reason),
    /// This evidence is needed first.
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

/// The verified `claims` of a token of `issuer` with its groups; `None` if they need no fetching.
pub(super) fn expand(
    policy: &Policy,
    index: IssuerIndex,
    issuer: &IssuerPolicy,
    claims: &Claims,
    evidence: &Evidence<'_>,
    now: UnixTime,
) -> Result<Option<Expanded>, Halt> {
    let refused = || Halt::Refuse(Reason::GroupsElsewhere);
    let elsewhere = Elsewhere::read(claims).map_err(Halt::Refuse)?;
    let Some(claim) = groups_claim(issuer) else { return Ok(None) };
    let place = elsewhere.place(claims, claim).map_err(Halt::Refuse)?;
    let Some(place) = place else { return Ok(None) };
    let source = source(index, issuer, &place).ok_or_else(refused)?;
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
    Elsewhere::read(verified.claims).map_err(Halt::Refuse)?;
    // Within one issuer a subject is one user; groups of another subject are refused.
    let subject = verified.claims.value("sub");
    if signer == index && subject.is_some() && subject != claims.value("sub") {
        return Err(refused());
    }
    if policy.is_revoked(
        evidence.ended_sessions,
        signer_policy.issuer.as_str(),
        verified.claims,
        now,
    ) {
        return Err(Halt::Refuse(Reason::Revoked));
    }
    let groups = verified.claims.value(claim).ok_or_else(refused)?;
    let mut expanded = claims.as_map().clone();
    expanded.insert(claim.to_owned(), groups.clone());
    Ok(Some(Expanded { claims: Claims::from(expanded), expires_at: verified.expires_at }))
}

/// The claim that groups are mapped from; an expression sees only what is in the token itself.
fn groups_claim(issuer: &IssuerPolicy) -> Option<&str> {
    issuer.mapping.groups.as_ref()?.claim().map(|groups| groups.claim.as_str())
}

/// The distributed claims of a token.
struct Elsewhere<'c> {
    names: Option<&'c Map<String, Value>>,
    sources: Option<&'c Map<String, Value>>,
}

impl<'c> Elsewhere<'c> {
    /// Validates them as kube-apiserver does, even in a token that holds its groups: all names are
    /// strings, each has its source, and all sources are valid. Go reads `null` as missing.
    fn read(claims: &'c Claims) -> Result<Self, Reason> {
        let members = |name| match claims.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(Reason::GroupsElsewhere),
        };
        let elsewhere =
            Self { names: members("_claim_names")?, sources: members("_claim_sources")? };
        for source in elsewhere.sources.into_iter().flat_map(Map::values) {
            Place::read(source)?;
        }
        for name in elsewhere.names.into_iter().flat_map(Map::values) {
            elsewhere.source(name).ok_or(Reason::GroupsElsewhere)?;
        }
        Ok(elsewhere)
    }

    fn source(&self, name: &Value) -> Option<&'c Value> {
        let name = name.as_str().filter(|name| !name.is_empty())?;
        self.sources?.get(name)
    }

    /// The source of `claim`; `None` if it is not distributed. A claim in the token takes
    /// precedence.
    fn place(&self, claims: &Claims, claim: &str) -> Result<Option<Place<'c>>, Reason> {
        let is_there = claims.value(claim).is_some_and(|value| !value.is_null());
        if is_there || claims.value("_claim_names").is_none() {
            return Ok(None);
        }
        if claims.value("_claim_sources").is_none() {
            return Err(Reason::GroupsElsewhere);
        }
        let Some(name) = self.names.and_then(|names| names.get(claim)) else { return Ok(None) };
        let source = self.source(name).ok_or(Reason::GroupsElsewhere)?;
        Place::read(source).map(Some)
    }
}

/// The source of the groups, as the token names it.
struct Place<'c> {
    endpoint: &'c str,
    access_token: &'c str,
}

impl<'c> Place<'c> {
    /// Parsed as Go's decoder fills a struct: member names match in any case, `null` is missing,
    /// and the last of several wins.
    fn read(source: &'c Value) -> Result<Self, Reason> {
        let mut place = Self { endpoint: "", access_token: "" };
        let members = match source {
            Value::Null => return Ok(place),
            Value::Object(members) => members,
            _ => return Err(Reason::GroupsElsewhere),
        };
        for (name, value) in members {
            let is_named = |known: &str| name.eq_ignore_ascii_case(known);
            if !["endpoint", "access_token", "JWT"].into_iter().any(is_named) || value.is_null() {
                continue;
            }
            let text = value.as_str().ok_or(Reason::GroupsElsewhere)?;
            if is_named("endpoint") {
                place.endpoint = text;
            } else if is_named("access_token") {
                place.access_token = text;
            }
        }
        Ok(place)
    }
}

/// The endpoint to fetch from, if it is on the issuer's own host or allowed by the operator. An
/// aggregated claim (`JWT` instead of an endpoint) is not supported: kube-apiserver reads it as "no
/// groups".
fn source(index: IssuerIndex, issuer: &IssuerPolicy, place: &Place<'_>) -> Option<GroupsSource> {
    let endpoint = Url::parse(place.endpoint).ok()?;
    if !is_own(issuer, &endpoint) && !issuer.distributed_claims_endpoints.contains(&endpoint) {
        return None;
    }
    let access_token = Some(Secret::new(place.access_token)).filter(|token| !token.is_empty());
    Some(GroupsSource { issuer: index, endpoint, access_token })
}

/// The same scheme, host and port. User information would act as a second credential of ours.
fn is_own(issuer: &IssuerPolicy, endpoint: &Url) -> bool {
    let has_user = !endpoint.username().is_empty() || endpoint.password().is_some();
    let own = Url::parse(issuer.issuer.as_str()).ok();
    !has_user && own.is_some_and(|own| own.origin() == endpoint.origin())
}

#[cfg(test)]
mod tests;
