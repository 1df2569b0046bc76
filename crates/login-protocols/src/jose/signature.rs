//! Verifies that a token was signed by one of an issuer's keys.
//! Never checks a claim: `oidc/token.rs` decides whether the token is valid.

use thiserror::Error;

use super::{CompactJws, KeyProblem, KeySet};

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignatureError {
    /// The key set has no such key; a newer one might.
    #[error("the key set has no key for the token")]
    NoSuchKey,
    /// More keys match than are tried, and none of those that were tried verifies it.
    #[error("the token could mean more keys than are tried")]
    Ambiguous,
    /// The key that the token names is for other algorithms than the token's.
    #[error("the key that the token names is for another algorithm")]
    OtherAlgorithm,
    /// The key that the token names is published, but cannot or must not be used.
    #[error("the key that the token names is not used: {0}")]
    Unusable(KeyProblem),
    /// The key is known, but the signature is not its own.
    #[error("the signature does not match")]
    Mismatch,
}

impl CompactJws<'_> {
    /// Verifies the signature of the bytes exactly as received.
    pub fn verify(&self, keys: &KeySet) -> Result<(), SignatureError> {
        let candidates = keys.candidates(self.header())?;
        let message = self.signing_input().as_bytes();
        let algorithm = self.header().algorithm;
        if candidates.keys.iter().any(|key| key.verifies(algorithm, message, self.signature())) {
            return Ok(());
        }
        Err(if candidates.are_all { SignatureError::Mismatch } else { SignatureError::Ambiguous })
    }
}
