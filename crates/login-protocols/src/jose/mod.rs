//! Signed tokens and their keys: compact JWS (RFC 7515), JWK (RFC 7517), JWA (RFC 7518).
//! Never takes an algorithm or a key from a token: both come from what the caller trusts.
//!
//! Reading order: `algorithm`, `header`, `compact` (parses a token), `jwk` and `jwks` (keys),
//! `signature` (verifies a token with keys), `thumbprint` and `signing_key` (keys that an issuer
//! creates), `private_key` (a key that a client was given).

pub(crate) mod base64url;

pub mod algorithm;
pub mod compact;
pub mod header;
pub mod jwk;
pub mod jwks;
pub mod private_key;
pub mod signature;
pub mod signing_key;
pub mod thumbprint;

pub use algorithm::Algorithm;
pub use compact::{CompactJws, DEFAULT_TOKEN_LENGTH, MAX_TOKEN_LENGTH};
pub use header::{Header, JoseError};
pub use jwk::KeyProblem;
pub use jwks::{KeySet, KeySetError};
pub use private_key::{PrivateKey, PrivateKeyError};
pub use signature::SignatureError;
pub use signing_key::{SigningKey, SigningKeyError, public_key_set};
pub use thumbprint::thumbprint;

#[cfg(test)]
pub(crate) mod test_issuer;
#[cfg(test)]
mod tests;
