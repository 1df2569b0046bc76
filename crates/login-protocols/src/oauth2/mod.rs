//! OAuth 2.0 for clients and issuers: builds requests, parses and judges responses.
//! Never sends anything, never reads the clock, never draws randomness: all are arguments.
//!
//! Reading order: `error` (error codes of both sides), `pkce`, `authorization` (the browser flow),
//! `form` (fields and client authentication), `client_assertion` (a client with a key),
//! `token_endpoint` (grants and responses), `device` (the flow without a local browser),
//! `introspection` (checks a token at its server), `revocation` (ends a session).

pub mod error;
pub mod pkce;

pub mod authorization;
pub mod client_assertion;
pub mod form;
pub mod token_endpoint;

pub mod device;
pub mod introspection;
pub mod revocation;
