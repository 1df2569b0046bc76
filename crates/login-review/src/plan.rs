//! The first half of a review: what evidence does this token need?
//! Never verifies anything; never says yes.
//!
//! Next: `decide.rs`, with the evidence.

use std::fmt;

use login_common::UnixTime;
use login_protocols::{jose::CompactJws, oidc::Claims};

use crate::{
    policy::{IssuerIndex, Policy},
    route::route,
    verdict::Reason,
};

/// What to do with a token.
#[derive(Debug)]
pub enum Plan<'t> {
    /// Nothing can make it good.
    Refuse(Reason),
    /// Bring the key set of `issuer`, then ask [`crate::decide()`].
    NeedKeys {
        /// The configured issuer the token names.
        issuer: IssuerIndex,
        /// The token, for `decide`.
        token: ParsedToken<'t>,
    },
}

/// A token taken apart, of which nothing is verified.
pub struct ParsedToken<'t> {
    pub(crate) issuer: IssuerIndex,
    pub(crate) jws: CompactJws<'t>,
}

impl ParsedToken<'_> {
    /// `kid`, for the record.
    pub fn key_id(&self) -> Option<&str> {
        self.jws.header().key_id.as_deref()
    }

    /// The claims, for the record: unless a verdict says otherwise, whoever made the token wrote
    /// them.
    pub fn unverified_claims(&self) -> &Claims {
        self.jws.unverified_claims()
    }
}

impl fmt::Debug for ParsedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Routes `token`, refusing what needs neither crypto nor network to be refused.
pub fn plan<'t>(policy: &Policy, token: &'t str, now: UnixTime) -> Plan<'t> {
    match route(policy, token, now) {
        Ok((issuer, jws)) => Plan::NeedKeys { issuer, token: ParsedToken { issuer, jws } },
        Err(reason) => Plan::Refuse(reason),
    }
}
