//! OAuth 2.0 as a client and an issuer speak it: requests built, answers parsed and judged.
//! Never sends anything, never reads the clock, never draws randomness: all are arguments.
//!
//! Reading order: `error` (what both sides call failures), `pkce`, `authorization` (the browser's
//! way), `token_endpoint` (forms, client authentication, answers), `device` (the other way).

pub mod error;
pub mod pkce;

pub mod authorization;
pub mod token_endpoint;

pub mod device;
