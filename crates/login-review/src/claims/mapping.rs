//! Maps claims to username, uid, groups and extra, as `claimMappings` says: by name, or by CEL.
//! Never follows distributed claims; only top-level claims are mapped by name.

use std::collections::{BTreeMap, HashSet};

use login_common::{Identity, names::IssuerUrl};
use login_protocols::oidc::Claims;
use serde_json::Value;

use super::expression::{self, Allowance, Expression};
pub use crate::guard::CREDENTIAL_ID_KEY;
use crate::{
    guard::{MAX_GROUPS, is_stable},
    verdict::Reason,
};

/// Maximum bytes of an identifier that is passed on in `extra`.
const MAX_EXTRA_LENGTH: usize = 1024;

/// The mapping of claims to a user.
#[derive(Clone, Debug)]
pub struct ClaimMapping {
    /// A non-empty string.
    pub username: Source,
    /// A string or a list of strings; `None` gives no groups.
    pub groups: Option<Source>,
    /// A string. `None` makes the uid `<issuer>#<sub>`, which OpenID Connect guarantees to be
    /// unique and never reassigned; kube-apiserver would leave it empty, as it is here without
    /// `sub`.
    pub uid: Option<UidSource>,
    /// Additional attributes, without duplicate keys.
    pub extra: Vec<ExtraMapping>,
    /// The claim with the session of the token, if the issuer has one.
    pub session: Option<SessionClaim>,
}

/// The source of the username or the groups.
#[derive(Clone, Debug)]
pub enum Source {
    /// A claim.
    Claim(PrefixedClaim),
    /// The result of an expression.
    Expression(Expression),
}

/// The source of the uid.
#[derive(Clone, Debug)]
pub enum UidSource {
    /// A top-level claim, by its exact name; it must be a string or null, which is the empty
    /// string.
    Claim(String),
    /// A string, which may be empty: the operator chose that.
    Expression(Expression),
}

/// One entry of `extra`; omitted if it has no values.
#[derive(Clone, Debug)]
pub struct ExtraMapping {
    /// Lower case, prefixed by a domain and a slash.
    pub key: String,
    /// A string, a list of strings, or null.
    pub values: Expression,
}

/// A top-level claim, and the prefix of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixedClaim {
    /// The exact name of the claim.
    pub claim: String,
    /// May be empty.
    pub prefix: String,
}

/// A claim that is passed on in `extra` so that audit logs can be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionClaim {
    /// The exact name of the claim, such as `sid`.
    pub claim: String,
    /// The key in `extra`: lower case, prefixed by a domain and a slash.
    pub extra_key: String,
}

impl From<PrefixedClaim> for Source {
    fn from(claim: PrefixedClaim) -> Self {
        Self::Claim(claim)
    }
}

impl Source {
    /// The claim, if it is one.
    pub const fn claim(&self) -> Option<&PrefixedClaim> {
        match self {
            Self::Claim(claim) => Some(claim),
            Self::Expression(_) => None,
        }
    }
}

impl ClaimMapping {
    /// Username and groups from claims, the uid from issuer and subject, and no extra.
    pub fn of_claims(username: PrefixedClaim, groups: Option<PrefixedClaim>) -> Self {
        Self {
            username: username.into(),
            groups: groups.map(Source::Claim),
            uid: None,
            extra: Vec::new(),
            session: None,
        }
    }

    /// The user that `claims` of `issuer` map to, before the guard's check.
    pub fn identity(&self, issuer: &IssuerUrl, claims: &Claims) -> Result<Identity, Reason> {
        self.identity_within(issuer, claims, &mut Allowance::default())
    }

    /// The same, for a caller whose rules share the allowance. The order is kube-apiserver's.
    pub(crate) fn identity_within(
        &self,
        issuer: &IssuerUrl,
        claims: &Claims,
        allowance: &mut Allowance,
    ) -> Result<Identity, Reason> {
        Ok(Identity {
            username: self.username(claims, allowance)?,
            groups: self.groups(claims, allowance)?,
            uid: self.uid(issuer, claims, allowance)?,
            extra: self.extra(claims, allowance)?,
        })
    }

    fn username(&self, claims: &Claims, allowance: &mut Allowance) -> Result<String, Reason> {
        let PrefixedClaim { claim, prefix } = match &self.username {
            Source::Claim(claim) => claim,
            Source::Expression(expression) => {
                let name = expression::text(&expression.of_claims(claims, allowance)?)?;
                return if name.is_empty() { Err(Reason::MissingUsername) } else { Ok(name) };
            }
        };
        // The claim may be missing: many issuers send only verified addresses. The string "true" is
        // refused, as in kube-apiserver.
        if claim == "email"
            && claims.value("email_verified").is_some_and(|verified| *verified != Value::Bool(true))
        {
            return Err(Reason::EmailNotVerified);
        }
        match text(claims, claim) {
            Some(name) => Ok([prefix, name].concat()),
            None => Err(Reason::MissingUsername),
        }
    }

    fn groups(&self, claims: &Claims, allowance: &mut Allowance) -> Result<Vec<String>, Reason> {
        let PrefixedClaim { claim, prefix } = match &self.groups {
            None => return Ok(Vec::new()),
            Some(Source::Claim(claim)) => claim,
            Some(Source::Expression(expression)) => {
                let names = expression.of_claims(claims, allowance)?;
                let names = expression::texts(&names, expression::GROUPS_BYTES)?;
                let unique = unique(names.iter().map(String::as_str).collect());
                return if unique.len() > MAX_GROUPS {
                    Err(Reason::TooManyGroups)
                } else if unique.len() == names.len() {
                    Ok(names)
                } else {
                    Ok(unique.into_iter().map(str::to_owned).collect())
                };
            }
        };
        let names: Vec<&str> = match claims.value(claim) {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(items)) => items
                .iter()
                // kube-apiserver reads null as the empty string, and empty names are dropped here.
                .filter(|item| !item.is_null())
                .map(|item| item.as_str().ok_or(Reason::GroupsShape))
                .collect::<Result<_, _>>()?,
            Some(Value::Null) | None if is_elsewhere(claims, claim) => {
                // OpenID Connect Core §5.6.2. Treating this as "no groups" would remove groups that
                // restrict the user.
                return Err(Reason::GroupsElsewhere);
            }
            Some(Value::Null) | None => Vec::new(),
            Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                return Err(Reason::GroupsShape);
            }
        };
        let unique = unique(names);
        if unique.len() > MAX_GROUPS {
            return Err(Reason::TooManyGroups);
        }
        Ok(unique.into_iter().map(|name| [prefix, name].concat()).collect())
    }

    fn uid(
        &self,
        issuer: &IssuerUrl,
        claims: &Claims,
        allowance: &mut Allowance,
    ) -> Result<String, Reason> {
        match &self.uid {
            Some(UidSource::Claim(claim)) => {
                match claims.value(claim) {
                    Some(Value::String(uid)) => Ok(uid.clone()),
                    // As in kube-apiserver.
                    Some(Value::Null) => Ok(String::new()),
                    _ => Err(Reason::MissingUid),
                }
            }
            Some(UidSource::Expression(expression)) => {
                expression::text(&expression.of_claims(claims, allowance)?)
            }
            None => match claims.value("sub") {
                Some(Value::String(subject)) if !subject.is_empty() => {
                    Ok([issuer.as_str(), "#", subject].concat())
                }
                // Tokens of machines may have no `sub`; kube-apiserver does not require it.
                Some(Value::String(_) | Value::Null) | None => Ok(String::new()),
                Some(_) => Err(Reason::MissingSubject),
            },
        }
    }

    fn extra(
        &self,
        claims: &Claims,
        allowance: &mut Allowance,
    ) -> Result<BTreeMap<String, Vec<String>>, Reason> {
        let mut extra = BTreeMap::new();
        for mapping in &self.extra {
            let values = mapping.values.of_claims(claims, allowance)?;
            let values = expression::texts(&values, expression::EXTRA_BYTES)?;
            if !values.is_empty() {
                extra.insert(mapping.key.clone(), values);
            }
        }
        if let Some(id) = identifier(claims, "jti") {
            extra.insert(CREDENTIAL_ID_KEY.to_owned(), vec!["JTI=".to_owned() + id]);
        }
        if let Some(SessionClaim { claim, extra_key }) = &self.session
            && let Some(id) = identifier(claims, claim)
        {
            extra.insert(extra_key.clone(), vec![id.to_owned()]);
        }
        Ok(extra)
    }
}

/// Removes duplicate and empty names; keeps the order.
fn unique(names: Vec<&str>) -> Vec<&str> {
    let mut unique: Vec<&str> = Vec::with_capacity(names.len());
    // For the few groups of most users, comparing is faster than hashing.
    let mut many = HashSet::new();
    for name in names {
        let is_new = if unique.len() < 16 {
            !unique.contains(&name)
        } else {
            if many.is_empty() {
                many.extend(unique.iter().copied());
            }
            many.insert(name)
        };
        if is_new && !name.is_empty() {
            unique.push(name);
        }
    }
    unique
}

fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    match claims.value(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// An identifier for `extra`, whose values are sent in HTTP headers to aggregated API servers. A
/// value that does not fit is dropped, since no decision depends on it.
fn identifier<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    text(claims, name).filter(|id| id.len() <= MAX_EXTRA_LENGTH && is_stable(id))
}

fn is_elsewhere(claims: &Claims, claim: &str) -> bool {
    claims.value("_claim_names").and_then(|names| names.get(claim)).is_some()
}

#[cfg(test)]
mod tests;
