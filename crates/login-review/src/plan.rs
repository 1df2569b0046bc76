//! The first half of a review: whose token is this, and can it be good at all?
//! Never verifies anything; never says yes.
//!
//! Next: `decide.rs`, which asks for the evidence it needs.

use std::fmt;

use login_common::UnixTime;
use login_protocols::oidc::Claims;

use crate::{
    policy::{IntrospectorIndex, IssuerIndex, Policy},
    route::{Route, route},
    verdict::Reason,
};

/// What to do with a token.
#[derive(Debug)]
pub enum Plan<'t> {
    /// Nothing can make it good.
    Refuse(Reason),
    /// Ask [`crate::decide()`], which says what it needs to know.
    Judge(ParsedToken<'t>),
}

/// A token taken apart, of which nothing is verified.
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

    /// The introspector that must be asked, and the text to ask it about.
    pub const fn introspected(&self) -> Option<(IntrospectorIndex, &'t str)> {
        match &self.route {
            Route::Introspected { introspector, token } => Some((*introspector, token)),
            Route::Jwt { .. } | Route::Static(_) => None,
        }
    }

    /// `kid`, for the record.
    pub fn key_id(&self) -> Option<&str> {
        match &self.route {
            Route::Jwt { jws, .. } => jws.header().key_id.as_deref(),
            Route::Static(_) | Route::Introspected { .. } => None,
        }
    }

    /// The claims of a JWT, for the record: unless a verdict says otherwise, whoever made the
    /// token wrote them.
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

/// Routes `token`, refusing what needs neither crypto nor network to be refused.
pub fn plan<'t>(policy: &Policy, token: &'t str, now: UnixTime) -> Plan<'t> {
    match route(policy, token, now) {
        Ok(route) => Plan::Judge(ParsedToken { route }),
        Err(reason) => Plan::Refuse(reason),
    }
}
