//! Builders, parsers and verifiers for OAuth 2.0, OpenID Connect and JOSE, without I/O.
//!
//! Never here: sockets, files, the clock. Time and randomness are arguments.
//!
//! Reading order: `jose` (signed tokens and keys), `oidc` (discovery and claims), `oauth2`
//! (grants).

pub mod jose;
pub mod oidc;

pub mod oauth2;
