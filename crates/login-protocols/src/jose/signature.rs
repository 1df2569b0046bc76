//! Whether a token was signed by one of an issuer's keys.
//! Never looks at a claim: who may use the token, and when, is decided in `oidc/token.rs`.

use thiserror::Error;

use super::{CompactJws, KeySet, jwks::Candidates};

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignatureError {
    /// The key set has no such key; a fresher one might.
    #[error("the key set has no key for the token")]
    NoSuchKey,
    /// The token names no key and several could be meant. A fresher set would not help.
    #[error("the token names no key, and several keys could be meant")]
    Ambiguous,
    /// The key is known and the signature is not its own. A fresher set would not help.
    #[error("the signature does not match")]
    Mismatch,
}

impl CompactJws<'_> {
    /// Checks the signature over the bytes exactly as received.
    pub fn verify(&self, keys: &KeySet) -> Result<(), SignatureError> {
        let candidates = match keys.candidates(self.header()) {
            Candidates::Unknown => return Err(SignatureError::NoSuchKey),
            Candidates::Ambiguous => return Err(SignatureError::Ambiguous),
            Candidates::Try(candidates) => candidates,
        };
        let message = self.signing_input().as_bytes();
        let algorithm = self.header().algorithm;
        if candidates.iter().any(|key| key.verifies(algorithm, message, self.signature())) {
            return Ok(());
        }
        Err(SignatureError::Mismatch)
    }
}
