//! An introspection endpoint for opaque tokens, and what its responses must contain (RFC 7662).
//! Never contains its address or secrets: they belong to the caller.

use login_common::names::IssuerUrl;

use crate::claims::mapping::ClaimMapping;

/// What the responses of one introspection endpoint must contain, and how they map to a user.
#[derive(Clone, Debug)]
pub struct Introspector {
    /// The issuer if one is configured, else the endpoint. The uid is built from it, so that two
    /// endpoints never give the same one.
    pub name: IssuerUrl,
    /// The required `iss`, if the response has one.
    pub issuer: Option<IssuerUrl>,
    /// The prefix of the tokens that are sent to the endpoint; empty: tokens with no other's
    /// prefix.
    pub token_prefix: String,
    /// One of these must be in `aud`. Never empty, or no token is accepted.
    pub audiences: Vec<String>,
    /// Each of these must be in `scope`.
    pub required_scopes: Vec<String>,
    /// How the members of a response map to a user.
    pub mapping: ClaimMapping,
}
