//! An issuer's public keys (RFC 7517 §5), parsed once and ready to verify.
//! Never lets one bad key take the good ones with it, and never replaces good keys by none.

use std::{fmt, sync::Arc};

use login_common::strict_json;
use serde_json::Value;
use thiserror::Error;

use super::{
    Header, SignatureError,
    jwk::{self, KeyProblem, VerificationKey},
};

/// A key set document may have this many bytes.
pub const MAX_KEY_SET_LENGTH: usize = 1024 * 1024;

/// A key set document may list this many keys.
pub const MAX_KEYS: usize = 1000;

/// Of several keys that a token could mean, as many are tried: a token that nobody signed costs no
/// more than so many verifications.
pub const MAX_CANDIDATES: usize = 16;

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
    #[error("none of the {skipped} keys of the key set can verify a token{}", after_colon(.reasons))]
    NoUsableKey {
        /// How many keys were listed.
        skipped: usize,
        /// Why each was left out, as far as there is room.
        reasons: String,
    },
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Of so many keys that are left out the reasons are told.
const MOST_REASONS: usize = 8;

/// `kid` is a text of the issuer: of it so much is told, without what a terminal would obey.
const MOST_OF_NAME: usize = 64;

/// Each key that was left out, and why: for a log line.
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

/// Verification keys. Cloning is cheap.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<[VerificationKey]>,
    problems: Arc<[KeyProblem]>,
    /// `kid` of the keys that `problems` are about, in their order.
    unusable: Arc<[Option<String>]>,
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

    /// Each key that was left out: its name, if it has one, and why.
    pub fn left_out(&self) -> impl Iterator<Item = (Option<&str>, KeyProblem)> {
        let names = self.unusable.iter().map(Option::as_deref);
        names.zip(self.problems.iter().copied())
    }

    /// The same in words, as far as there is room; empty if none was left out.
    pub fn left_out_in_words(&self) -> String {
        in_words(self.left_out())
    }

    /// Whether a key of the set has this name.
    pub fn has_key_id(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id.as_deref() == Some(key_id))
    }

    /// Whether the set knows the key that `header` asks for, so that a fresher set would not
    /// help. A known `kid` that is used with a wrong algorithm is known, and so is that of a key
    /// that was left out.
    pub fn has_key_for(&self, header: &Header) -> bool {
        !matches!(self.candidates(header), Err(SignatureError::NoSuchKey))
    }

    /// The keys to try for `header`; without `kid` those of its algorithm, whatever their names.
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

/// What a set has for a header: at least one key.
pub(super) struct Candidates<'k> {
    pub(super) keys: Vec<&'k VerificationKey>,
    /// There are no more that could be meant.
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
