//! Claims and prefixes become username, uid, groups and extra, as `claimMappings` says.
//! Never looks into nested claims, never follows distributed ones.

use std::collections::{BTreeMap, HashSet};

use login_common::{Identity, names::IssuerUrl};
use login_protocols::oidc::Claims;
use serde_json::Value;

use crate::{guard::MAX_GROUPS, policy::RequiredClaim, verdict::Reason};

pub use crate::guard::CREDENTIAL_ID_KEY;

/// Bytes an identifier may have to be passed on in `extra`.
const MAX_EXTRA_LENGTH: usize = 1024;

/// Which claims make a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMapping {
    /// A text that is not empty.
    pub username: PrefixedClaim,
    /// A text or a list of texts; none gives no groups.
    pub groups: Option<PrefixedClaim>,
    /// A text that is not empty. None makes the uid `<issuer>#<sub>`, which OpenID Connect
    /// promises to be unique and never reassigned; kube-apiserver itself would leave it empty.
    pub uid_claim: Option<String>,
    /// The session of the token, if its issuer names one.
    pub session: Option<SessionClaim>,
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

impl ClaimMapping {
    /// The user that `claims` of `issuer` describe. The guard has not seen it yet.
    pub fn identity(&self, issuer: &IssuerUrl, claims: &Claims) -> Result<Identity, Reason> {
        Ok(Identity {
            username: self.username(claims)?,
            groups: self.groups(claims)?,
            uid: self.uid(issuer, claims)?,
            extra: self.extra(claims),
        })
    }

    fn username(&self, claims: &Claims) -> Result<String, Reason> {
        let PrefixedClaim { claim, prefix } = &self.username;
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

    fn groups(&self, claims: &Claims) -> Result<Vec<String>, Reason> {
        let Some(PrefixedClaim { claim, prefix }) = &self.groups else {
            return Ok(Vec::new());
        };
        let names: Vec<&str> = match claims.value(claim) {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(items)) => items
                .iter()
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

    fn uid(&self, issuer: &IssuerUrl, claims: &Claims) -> Result<String, Reason> {
        match &self.uid_claim {
            Some(claim) => text(claims, claim).map(str::to_owned).ok_or(Reason::MissingUid),
            None => match text(claims, "sub") {
                Some(subject) => Ok([issuer.as_str(), "#", subject].concat()),
                None => Err(Reason::MissingSubject),
            },
        }
    }

    fn extra(&self, claims: &Claims) -> BTreeMap<String, Vec<String>> {
        let mut extra = BTreeMap::new();
        if let Some(id) = identifier(claims, "jti") {
            extra.insert(CREDENTIAL_ID_KEY.to_owned(), vec!["JTI=".to_owned() + id]);
        }
        if let Some(SessionClaim { claim, extra_key }) = &self.session
            && let Some(id) = identifier(claims, claim)
        {
            extra.insert(extra_key.clone(), vec![id.to_owned()]);
        }
        extra
    }
}

/// Whether every one of `required` is a JSON string with exactly that value.
pub(crate) fn check_required(required: &[RequiredClaim], claims: &Claims) -> Result<(), Reason> {
    let holds = |rule: &RequiredClaim| matches!(claims.value(&rule.claim), Some(Value::String(value)) if *value == rule.value);
    if required.iter().all(holds) { Ok(()) } else { Err(Reason::RequiredClaim) }
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
    text(claims, name).filter(|id| id.len() <= MAX_EXTRA_LENGTH && !id.contains(char::is_control))
}

fn is_elsewhere(claims: &Claims, claim: &str) -> bool {
    claims.value("_claim_names").and_then(|names| names.get(claim)).is_some()
}

#[cfg(test)]
mod tests;
