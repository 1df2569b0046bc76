//! The public keys of an issuer (RFC 7517 §5), parsed once and ready to verify.
//! Never refuses valid keys because of an invalid one; a document without usable keys is an error.

use std::{fmt, sync::Arc};

use login_common::strict_json;
use serde_json::Value;
use thiserror::Error;

use super::{
    Header, SignatureError,
    jwk::{self, KeyProblem, VerificationKey},
};

/// Maximum length of a key set document in bytes.
pub const MAX_KEY_SET_LENGTH: usize = 1024 * 1024;

/// Maximum number of keys in a key set document.
pub const MAX_KEYS: usize = 1000;

/// Maximum number of keys that are tried for one token, so that a forged token costs no more than
/// this many verifications.
pub const MAX_CANDIDATES: usize = 16;

/// Why a document has no usable keys.
#[derive(Debug, Error)]
pub enum KeySetError {
    /// Longer than [`MAX_KEY_SET_LENGTH`].
    #[error("the key set is longer than {MAX_KEY_SET_LENGTH} bytes")]
    TooLong,
    /// Not a JSON object with unique keys.
    #[error("the key set is not a JSON object")]
    Json(#[source] strict_json::StrictJsonError),
    /// The array `keys` is missing.
    #[error("the key set has no array `keys`")]
    NoKeys,
    /// More than [`MAX_KEYS`] keys.
    #[error("the key set lists {0} keys, more than {MAX_KEYS}")]
    TooManyKeys(usize),
    /// Every key was skipped, or there was none.
    #[error("none of the {skipped} keys of the key set can verify a token{}", after_colon(.reasons))]
    NoUsableKey {
        /// The number of keys that were skipped.
        skipped: usize,
        /// Why each was skipped, up to a limit.
        reasons: String,
    },
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Maximum number of skipped keys whose reasons are listed.
const MOST_REASONS: usize = 8;

/// Maximum characters of a `kid` in a message; the issuer chose the text, so control characters are
/// escaped.
const MOST_OF_NAME: usize = 64;

/// Each skipped key with its reason, for a log line.
fn in_words<'k>(left_out: impl Iterator<Item = (Option<&'k str>, KeyProblem)>) -> String {
    let mut words = Vec::new();
    for (number, (key_id, problem)) in left_out.enumerate() {
        if number == MOST_REASONS {
            words.push("and more".to_owned());
            break;
        }
        let name = key_id.map(|name| {
            let name: String = name.chars().take(MOST_OF_NAME).collect();
            format!("`{}`", name.escape_debug())
        });
        words.push(format!("{}: {problem}", name.as_deref().unwrap_or("one without `kid`")));
    }
    words.join("; ")
}

/// Verification keys. Cheap to clone.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<[VerificationKey]>,
    problems: Arc<[KeyProblem]>,
    /// `kid` of the keys in `problems`, in the same order.
    unusable: Arc<[Option<String>]>,
}

impl KeySet {
    /// Parses a JWK Set. Keys that cannot verify a token are skipped and counted.
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
        let (mut problems, mut unusable) = (Vec::new(), Vec::new());
        for member in members {
            match VerificationKey::parse(member) {
                Ok(key) => keys.push(key),
                Err(problem) => {
                    problems.push(problem);
                    unusable.push(jwk::key_id(member).map(str::to_owned));
                }
            }
        }
        if keys.is_empty() {
            let names = unusable.iter().map(Option::as_deref);
            let reasons = in_words(names.zip(problems.iter().copied()));
            return Err(KeySetError::NoUsableKey { skipped: problems.len(), reasons });
        }
        Ok(Self { keys: keys.into(), problems: problems.into(), unusable: unusable.into() })
    }

    /// A set that verifies nothing.
    pub fn empty() -> Self {
        Self { keys: Arc::new([]), problems: Arc::new([]), unusable: Arc::new([]) }
    }

    /// The number of keys that can verify.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can verify.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of keys that were skipped.
    pub fn skipped(&self) -> usize {
        self.problems.len()
    }

    /// Why they were skipped, in the order of the document.
    pub fn problems(&self) -> &[KeyProblem] {
        &self.problems
    }

    /// Each skipped key: its `kid`, if it has one, and the reason.
    pub fn left_out(&self) -> impl Iterator<Item = (Option<&str>, KeyProblem)> {
        let names = self.unusable.iter().map(Option::as_deref);
        names.zip(self.problems.iter().copied())
    }

    /// The same as a text, limited in length; empty if no key was skipped.
    pub fn left_out_in_words(&self) -> String {
        in_words(self.left_out())
    }

    /// Whether a key of the set has this `kid`.
    pub fn has_key_id(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id.as_deref() == Some(key_id))
    }

    /// Whether the set has the key that `header` names, so that a newer set would not help. A known
    /// `kid` with a wrong algorithm counts, and so does that of a skipped key.
    pub fn has_key_for(&self, header: &Header) -> bool {
        !matches!(self.candidates(header), Err(SignatureError::NoSuchKey))
    }

    /// The keys to try for `header`; without `kid` all keys for its algorithm.
    pub(super) fn candidates(&self, header: &Header) -> Result<Candidates<'_>, SignatureError> {
        let is_named = |key: &&VerificationKey| {
            header.key_id.is_none() || key.key_id.as_deref() == header.key_id.as_deref()
        };
        let mut named = self.keys.iter().filter(is_named).peekable();
        let is_known = named.peek().is_some();
        let mut fitting = named.filter(|key| key.serves(header.algorithm));
        let keys: Vec<&VerificationKey> = fitting.by_ref().take(MAX_CANDIDATES).collect();
        if keys.is_empty() {
            return Err(match &header.key_id {
                None => SignatureError::NoSuchKey,
                Some(_) if is_known => SignatureError::OtherAlgorithm,
                Some(key_id) => self.unusable_key(key_id),
            });
        }
        Ok(Candidates { keys, are_all: fitting.next().is_none() })
    }

    fn unusable_key(&self, key_id: &str) -> SignatureError {
        let mut left_out = self.left_out();
        match left_out.find(|(name, _)| *name == Some(key_id)) {
            Some((_, problem)) => SignatureError::Unusable(problem),
            None => SignatureError::NoSuchKey,
        }
    }
}

/// The keys of a set for a header: at least one.
pub(super) struct Candidates<'k> {
    pub(super) keys: Vec<&'k VerificationKey>,
    /// Whether no other key of the set could match.
    pub(super) are_all: bool,
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
