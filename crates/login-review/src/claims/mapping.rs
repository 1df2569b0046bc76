//! Claims become username, uid, groups and extra, as `claimMappings` says: by name, or by CEL.
//! Never follows distributed claims; claims by name are those at the top level.

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

/// Bytes an identifier may have to be passed on in `extra`.
const MAX_EXTRA_LENGTH: usize = 1024;

/// What makes a user.
#[derive(Clone, Debug)]
pub struct ClaimMapping {
    /// A text that is not empty.
    pub username: Source,
    /// A text or a list of texts; none gives no groups.
    pub groups: Option<Source>,
    /// A text. None makes the uid `<issuer>#<sub>`, which OpenID Connect promises to be unique
    /// and never reassigned; kube-apiserver itself would leave it empty, and so it is without `sub`.
    pub uid: Option<UidSource>,
    /// Further facts; no key twice.
    pub extra: Vec<ExtraMapping>,
    /// The session of the token, if its issuer names one.
    pub session: Option<SessionClaim>,
}

/// Where a name, or a list of names, comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A claim.
    Claim(PrefixedClaim),
    /// Whatever this gives.
    Expression(Expression),
}

/// Where the uid comes from.
#[derive(Clone, Debug)]
pub enum UidSource {
    /// A claim at the top level, by its exact name; it must be a text or null, which is the empty
    /// text.
    Claim(String),
    /// A text, which may be empty: who wants that has said so.
    Expression(Expression),
}

/// One entry of `extra`; without values it is left out.
#[derive(Clone, Debug)]
pub struct ExtraMapping {
    /// Lower case, with a domain before the slash.
    pub key: String,
    /// A text, a list of texts, or null.
    pub values: Expression,
}

/// A claim at the top level, and the text put before its value.
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
    /// The key in `extra`: lower case, with a domain before the slash.
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
    /// Names that are claims, the uid from issuer and subject, and nothing further.
    pub fn of_claims(username: PrefixedClaim, groups: Option<PrefixedClaim>) -> Self {
        Self {
            username: username.into(),
            groups: groups.map(Source::Claim),
            uid: None,
            extra: Vec::new(),
            session: None,
        }
    }

    /// The user that `claims` of `issuer` describe. The guard has not seen it yet.
    pub fn identity(&self, issuer: &IssuerUrl, claims: &Claims) -> Result<Identity, Reason> {
        self.identity_within(issuer, claims, &mut Allowance::default())
    }

    /// The same, where rules follow that share the allowance. The order is kube-apiserver's.
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
        // An absent claim is fine: many issuers send only addresses they verified. The text
        // "true" is not, as in kube-apiserver.
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
                // To kube-apiserver null is the empty text, and empty names are left out here.
                .filter(|item| !item.is_null())
                .map(|item| item.as_str().ok_or(Reason::GroupsShape))
                .collect::<Result<_, _>>()?,
            Some(Value::Null) | None if is_elsewhere(claims, claim) => {
                // OpenID Connect Core §5.6.2. To take this for "no groups" would let a user
                // lose the groups that restrain him.
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
                    // As kube-apiserver reads it.
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
                // Tokens of machines may have none; kube-apiserver asks for none.
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

/// Each name once, in order, without empty ones.
fn unique(names: Vec<&str>) -> Vec<&str> {
    let mut unique: Vec<&str> = Vec::with_capacity(names.len());
    // The groups of most users are compared faster than hashed.
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

/// Extra values travel in HTTP headers to aggregated API servers; what does not fit there is
/// left out, since nothing is decided by it.
fn identifier<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    text(claims, name).filter(|id| id.len() <= MAX_EXTRA_LENGTH && is_stable(id))
}

fn is_elsewhere(claims: &Claims, claim: &str) -> bool {
    claims.value("_claim_names").and_then(|names| names.get(claim)).is_some()
}

#[cfg(test)]
mod tests;
