//! Authenticators whose tokens another party knows: which tokens are theirs, and what the party's
//! statement about one must contain.
//! Never contains the party's address or secrets: they belong to the caller.
//!
//! A new kind is a file in `remote`, and a row in each of the two types here.

pub mod introspection;

use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::oidc::Claims;

use self::introspection::IntrospectionRules;
use crate::{
    claims::mapping::ClaimMapping,
    verdict::{Outage, Reason, names},
};

// recipe: authenticator
names! {
    /// What a party is, and so how it is asked.
    RemoteKind {
        /// An introspection endpoint for opaque tokens (RFC 7662).
        Introspection => "introspection",
    }
}

/// One authenticator that asks a party.
#[derive(Clone, Debug)]
pub struct RemoteAuthenticator {
    /// The issuer if one is configured, else the endpoint. The uid is built from it, so that two
    /// parties never give the same one.
    pub name: IssuerUrl,
    /// The prefix of its tokens; empty: the tokens with no other's prefix.
    pub token_prefix: String,
    /// What the party's statement must contain.
    pub rules: RemoteRules,
    /// How the claims of the statement map to a user.
    pub mapping: ClaimMapping,
}

/// What a statement must contain, by the kind of party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteRules {
    /// See [`RemoteKind::Introspection`].
    Introspection(IntrospectionRules),
}

impl RemoteKind {
    /// The verdict while such a party gives no statement.
    pub const fn outage(self) -> Outage {
        match self {
            Self::Introspection => Outage::IntrospectionUnavailable,
        }
    }
}

impl RemoteRules {
    /// The kind of party that they are for.
    pub const fn kind(&self) -> RemoteKind {
        match self {
            Self::Introspection(_) => RemoteKind::Introspection,
        }
    }

    /// Whether a statement may name any issuer.
    pub const fn accept_any_issuer(&self) -> bool {
        match self {
            Self::Introspection(rules) => rules.issuer.is_none(),
        }
    }

    /// Checks the claims that the party states. Returns when the token expires.
    pub(crate) fn check(&self, claims: &Claims, now: UnixTime) -> Result<UnixTime, Reason> {
        match self {
            Self::Introspection(rules) => introspection::check(rules, claims, now),
        }
    }
}
