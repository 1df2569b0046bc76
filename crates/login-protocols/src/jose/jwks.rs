//! An issuer's public keys (RFC 7517 §5), parsed once and ready to verify.
//! Never lets one bad key take the good ones with it, and never replaces good keys by none.

use std::{fmt, sync::Arc};

use login_common::strict_json;
use serde_json::Value;
use thiserror::Error;

use super::{
    Header,
    jwk::{KeyProblem, VerificationKey},
};

/// A key set document may have this many bytes.
pub const MAX_KEY_SET_LENGTH: usize = 1024 * 1024;

/// A key set document may list this many keys.
pub const MAX_KEYS: usize = 100;

/// Several keys may share one `kid`; this many of them are tried.
const MAX_CANDIDATES: usize = 4;

/// Why a document gives no keys.
#[derive(Debug, Error)]
pub enum KeySetError {
    /// Longer than [`MAX_KEY_SET_LENGTH`].
    #[error("the key set is longer than {MAX_KEY_SET_LENGTH} bytes")]
    TooLong,
    /// Not a JSON object with unique keys.
    #[error("the key set is not a JSON object")]
    Json(#[source] strict_json::StrictJsonError),
    /// No array `keys`.
    #[error("the key set has no array `keys`")]
    NoKeys,
    /// More than [`MAX_KEYS`] keys.
    #[error("the key set lists {0} keys, more than {MAX_KEYS}")]
    TooManyKeys(usize),
    /// Every key was skipped, or there was none.
    #[error("none of the {skipped} keys of the key set can verify a token")]
    NoUsableKey {
        /// How many keys were listed.
        skipped: usize,
    },
}

/// Verification keys. Cloning is cheap.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<[VerificationKey]>,
    problems: Arc<[KeyProblem]>,
}

impl KeySet {
    /// Reads a JWK Set. Keys that cannot verify a token are skipped and counted.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_KEY_SET_LENGTH {
            return Err(KeySetError::TooLong);
        }
        let document = strict_json::object(json).map_err(KeySetError::Json)?.into_map();
        let members = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NoKeys)?;
        if members.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(members.len()));
        }
        let mut keys = Vec::new();
        let mut problems = Vec::new();
        for member in members {
            match VerificationKey::parse(member) {
                Ok(key) => keys.push(key),
                Err(problem) => problems.push(problem),
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey { skipped: problems.len() });
        }
        Ok(Self { keys: keys.into(), problems: problems.into() })
    }

    /// A set that verifies nothing.
    pub fn empty() -> Self {
        Self { keys: Arc::new([]), problems: Arc::new([]) }
    }

    /// How many keys can verify.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing can be verified.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys of the document were left out.
    pub fn skipped(&self) -> usize {
        self.problems.len()
    }

    /// Why they were left out, in the order of the document.
    pub fn problems(&self) -> &[KeyProblem] {
        &self.problems
    }

    /// Whether a key of the set has this name.
    pub fn has_key_id(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id.as_deref() == Some(key_id))
    }

    /// Whether the set knows the key that `header` asks for, so that a fresher set would not
    /// help. A known `kid` that is used with a wrong algorithm is known.
    pub fn has_key_for(&self, header: &Header) -> bool {
        !matches!(self.candidates(header), Candidates::Unknown)
    }

    /// The keys to try for `header`.
    pub(super) fn candidates(&self, header: &Header) -> Candidates<'_> {
        let Some(key_id) = header.key_id.as_deref() else {
            let mut compatible = self.keys.iter().filter(|key| key.serves(header.algorithm));
            return match (compatible.next(), compatible.next()) {
                (None, _) => Candidates::Unknown,
                (Some(key), None) => Candidates::Try(vec![key]),
                (Some(_), Some(_)) => Candidates::Ambiguous,
            };
        };
        let mut named =
            self.keys.iter().filter(|key| key.key_id.as_deref() == Some(key_id)).peekable();
        if named.peek().is_none() {
            return Candidates::Unknown;
        }
        Candidates::Try(
            named.filter(|key| key.serves(header.algorithm)).take(MAX_CANDIDATES).collect(),
        )
    }
}

/// What a set has for a header.
pub(super) enum Candidates<'k> {
    /// No key of that name, or none at all for the algorithm.
    Unknown,
    /// No `kid`, and more than one key could be meant.
    Ambiguous,
    /// These, possibly none: then the key is known and its algorithm another.
    Try(Vec<&'k VerificationKey>),
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            self.keys.iter().map(|key| key.key_id.as_deref().unwrap_or("(unnamed)")).collect();
        f.debug_struct("KeySet")
            .field("kids", &names)
            .field("skipped", &self.skipped())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
