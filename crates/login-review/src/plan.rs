//! The first half of a review: finds the authenticator of a token, and refuses hopeless ones early.
//! Never verifies a signature; never accepts a token.
//!
//! Next: `decide.rs`, which requests the evidence that it needs.

use std::fmt;

use login_common::UnixTime;
use login_protocols::{jose::CompactJws, oidc::Claims};

use crate::{
    policy::{IssuerIndex, Policy, RemoteIndex},
    remote::RemoteKind,
    route::{Route, route},
    verdict::Reason,
};

/// The next step for a token.
#[derive(Debug)]
pub enum Plan<'t> {
    /// No evidence could make it valid.
    Refuse(Reason),
    /// Call [`crate::decide()`], which requests the evidence that it needs.
    Judge(ParsedToken<'t>),
}

/// A parsed token; nothing in it is verified.
pub struct ParsedToken<'t> {
    pub(crate) route: Route<'t>,
}

/// The authenticator of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticator {
    /// JWTs of configured issuers.
    Jwt,
    /// The operator's static tokens.
    StaticToken,
    /// Tokens that another party knows.
    Remote(RemoteKind),
}

impl Authenticator {
    /// A stable name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::StaticToken => "static_token",
            Self::Remote(kind) => kind.as_str(),
        }
    }
}

impl<'t> ParsedToken<'t> {
    /// The configured issuer that the token names, if it is a JWT.
    pub const fn issuer(&self) -> Option<IssuerIndex> {
        match &self.route {
            Route::Jwt { issuer, .. } => Some(*issuer),
            Route::Static(_) | Route::Remote { .. } => None,
        }
    }

    /// The remote authenticator whose party knows the token, and the token to send.
    pub const fn remote(&self) -> Option<(RemoteIndex, &'t str)> {
        match &self.route {
            Route::Remote { index, token, .. } => Some((*index, token)),
            Route::Jwt { .. } | Route::Static(_) => None,
        }
    }

    /// `kid`, for the log.
    pub fn key_id(&self) -> Option<&str> {
        self.jws()?.header().key_id.as_deref()
    }

    /// The claims of a JWT, for the log: unless it was accepted, any party may have written them.
    pub fn unverified_claims(&self) -> Option<&Claims> {
        self.jws().map(CompactJws::unverified_claims)
    }

    const fn jws(&self) -> Option<&CompactJws<'t>> {
        match &self.route {
            Route::Jwt { jws, .. } => Some(jws),
            Route::Static(_) | Route::Remote { .. } => None,
        }
    }

    /// The authenticator that judges the token.
    pub const fn authenticator(&self) -> Authenticator {
        match &self.route {
            Route::Jwt { .. } => Authenticator::Jwt,
            Route::Static(_) => Authenticator::StaticToken,
            Route::Remote { kind, .. } => Authenticator::Remote(*kind),
        }
    }
}

impl fmt::Debug for ParsedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedToken")
            .field("authenticator", &self.authenticator())
            .finish_non_exhaustive()
    }
}

/// Routes `token`, and refuses it if that needs neither cryptography nor the network.
pub fn plan<'t>(policy: &Policy, token: &'t str, now: UnixTime) -> Plan<'t> {
    match route(policy, token, now) {
        Ok(route) => Plan::Judge(ParsedToken { route }),
        Err(reason) => Plan::Refuse(reason),
    }
}
