//! Opaque texts with 128 bits of randomness or more, and their digests.
//! Never uses another random source than the system's; stores hold digests only.

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::Secret;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// RFC 8628 §6.1: consonants only, so that no words appear, and no digits to confuse them with.
const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LENGTH: usize = 8;

/// The cryptography library failed; the caller cannot recover from that.
#[derive(Debug, Error)]
#[error("could not {action}")]
pub struct CryptoError {
    action: &'static str,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl CryptoError {
    pub(crate) fn new(action: &'static str) -> Self {
        Self { action, source: None }
    }

    pub(crate) fn because(
        action: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { action, source: Some(Box::new(source)) }
    }
}

/// SHA-256 of an opaque text. Sufficient for a text that cannot be guessed; never for a password.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `text`.
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// From the stored form.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| CryptoError::new("draw random numbers"))?;
    Ok(bytes)
}

/// `prefix` and 256 random bits. Secret scanners recognise a leaked token by its prefix.
pub(crate) fn token(prefix: &str) -> Result<Secret, CryptoError> {
    Ok(Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))))
}

/// `prefix` and 128 random bits, for identifiers that are not secret.
pub(crate) fn identifier(prefix: &str) -> Result<String, CryptoError> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random_bytes::<16>()?)))
}

/// Eight letters, without the dash.
pub(crate) fn user_code() -> Result<String, CryptoError> {
    let mut code = String::with_capacity(USER_CODE_LENGTH);
    while code.len() < USER_CODE_LENGTH {
        // 240 is the largest multiple of 20 in a byte: bytes from 240 on would favour some letters.
        for byte in random_bytes::<USER_CODE_LENGTH>()?.into_iter().filter(|byte| *byte < 240) {
            let letter = USER_CODE_LETTERS.get(usize::from(byte % 20)).copied();
            if let Some(letter) = letter.filter(|_| code.len() < USER_CODE_LENGTH) {
                code.push(char::from(letter));
            }
        }
    }
    Ok(code)
}

/// Converts what the user typed to the form of [`user_code`]; `None` if it cannot be a user code
/// (RFC 8628 §6.1).
pub(crate) fn normal_user_code(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let code: String = typed
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let possible = code.len() == USER_CODE_LENGTH
        && code.bytes().all(|letter| USER_CODE_LETTERS.contains(&letter));
    possible.then_some(code)
}

/// `BCDF-GHJK`.
pub(crate) fn shown_user_code(code: &str) -> String {
    let (left, right) = code.split_at_checked(USER_CODE_LENGTH / 2).unwrap_or((code, ""));
    format!("{left}-{right}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_codes_survive_the_way_people_type_them() {
        for _ in 0..100 {
            let code = user_code().unwrap();
            let shown = shown_user_code(&code);
            assert_eq!(shown.len(), 9, "{shown}");
            assert_eq!(normal_user_code(&shown).as_ref(), Some(&code));
            let sloppy = format!(" {} ", shown.to_lowercase().replace('-', " "));
            assert_eq!(normal_user_code(&sloppy).as_ref(), Some(&code));
        }
        for impossible in ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ1", "ßCDF-GHJK"] {
            assert_eq!(normal_user_code(impossible), None, "{impossible}");
        }
        assert_eq!(normal_user_code(&" ".repeat(65)), None);
    }

    #[test]
    fn tokens_differ_and_digests_do_not_show_themselves() {
        let token = token("klr_").unwrap();
        assert_eq!(token.expose().len(), 4 + 43);
        assert!(!token.same_as(&super::token("klr_").unwrap()));
        assert_eq!(Digest::of("a"), Digest::of("a"));
        assert_ne!(Digest::of("a"), Digest::of("b"));
        assert_eq!(format!("{:?}", Digest::of("a")), "Digest(redacted)");
    }
}
