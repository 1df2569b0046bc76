//! The first half of a review: finds the authenticator of a token, and refuses hopeless ones early.
//! Never verifies a signature; never accepts a token.
//!
//! Next: `decide.rs`, which requests the evidence that it needs.

use std::fmt;

use login_common::UnixTime;
use login_protocols::oidc::Claims;

use crate::{
    policy::{IntrospectorIndex, IssuerIndex, Policy},
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

impl<'t> ParsedToken<'t> {
    /// The configured issuer that the token names, if it is a JWT.
    pub const fn issuer(&self) -> Option<IssuerIndex> {
        match &self.route {
            Route::Jwt { issuer, .. } => Some(*issuer),
            Route::Static(_) | Route::Introspected { .. } => None,
        }
    }

    /// The introspector to ask, and the token to send.
    pub const fn introspected(&self) -> Option<(IntrospectorIndex, &'t str)> {
        match &self.route {
            Route::Introspected { introspector, token } => Some((*introspector, token)),
            Route::Jwt { .. } | Route::Static(_) => None,
        }
    }

    /// `kid`, for the log.
    pub fn key_id(&self) -> Option<&str> {
        match &self.route {
            Route::Jwt { jws, .. } => jws.header().key_id.as_deref(),
            Route::Static(_) | Route::Introspected { .. } => None,
        }
    }

    /// The claims of a JWT, for the log: unless it was accepted, any party may have written them.
    pub fn unverified_claims(&self) -> Option<&Claims> {
        match &self.route {
            Route::Jwt { jws, .. } => Some(jws.unverified_claims()),
            Route::Static(_) | Route::Introspected { .. } => None,
        }
    }

    /// A stable name of the kind of authenticator, for logs and metrics.
    pub const fn authenticator(&self) -> &'static str {
        match &self.route {
            Route::Jwt { .. } => "jwt",
            Route::Static(_) => "static_token",
            Route::Introspected { .. } => "introspection",
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
