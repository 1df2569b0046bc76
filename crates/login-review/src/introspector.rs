//! One party that can be asked about opaque tokens, and what its answers must say (RFC 7662).
//! Never how it is reached: addresses and secrets belong to whoever asks.

use login_common::names::IssuerUrl;

use crate::claims::mapping::ClaimMapping;

/// What the answers of one introspection endpoint must say, and what that means in Kubernetes.
#[derive(Clone, Debug)]
pub struct Introspector {
    /// The issuer if one is configured, else the endpoint: what the uid is built from, so that
    /// two parties never name the same one.
    pub name: IssuerUrl,
    /// `iss` must be this, if the answer has one.
    pub issuer: Option<IssuerUrl>,
    /// Only tokens that begin with this are shown to the endpoint; empty: those of nobody else.
    pub token_prefix: String,
    /// One of these must stand in `aud`. Never empty, or no token is accepted.
    pub audiences: Vec<String>,
    /// Each of these must stand in `scope`.
    pub required_scopes: Vec<String>,
    /// How the members of an answer become a user.
    pub mapping: ClaimMapping,
}
