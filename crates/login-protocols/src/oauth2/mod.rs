//! OAuth 2.0 as a client and an issuer speak it: requests built, answers parsed and judged.
//! Never sends anything, never reads the clock, never draws randomness: all are arguments.
//!
//! Reading order: `error` (what both sides call failures), `pkce`, `authorization` (the browser's
//! way), `form` (fields and client authentication), `client_assertion` (a client with a key),
//! `token_endpoint` (grants and answers), `device` (the other way), `introspection` (whose token is it), `revocation` (the end).

pub mod error;
pub mod pkce;

pub mod authorization;
pub mod client_assertion;
pub mod form;
pub mod token_endpoint;

pub mod device;
pub mod introspection;
pub mod revocation;
