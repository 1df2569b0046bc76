//! Static tokens and their users.
//! Never stores a token: only its SHA-256, by which a presented one is looked up.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use login_common::UnixTime;

/// The SHA-256 of a token. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a plain token.
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Parses `sha256:` and 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = hexadecimal(*high)? << 4 | hexadecimal(*low)?;
        }
        Some(Self(bytes))
    }

    /// `sha256:` and 64 hexadecimal digits.
    pub fn to_text(self) -> String {
        use std::fmt::Write as _;
        let mut text = "sha256:".to_owned();
        for byte in self.0 {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl std::fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// The user of a static token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticUser {
    /// As in the file; no prefix is added.
    pub username: String,
    /// May be empty, as in Kubernetes.
    pub uid: String,
    /// As in the file.
    pub groups: Vec<String>,
    /// From this time on the token is refused.
    pub not_after: Option<UnixTime>,
}

/// Every static token of one configuration.
#[derive(Clone, Debug, Default)]
pub struct StaticTokens {
    users: HashMap<TokenDigest, StaticUser>,
}

impl StaticTokens {
    /// Adds a token; false, and nothing changed, if it is already present.
    pub fn add(&mut self, token: TokenDigest, user: StaticUser) -> bool {
        match self.users.entry(token) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(user);
                true
            }
        }
    }

    /// The user of a token.
    pub fn find(&self, token: &TokenDigest) -> Option<&StaticUser> {
        self.users.get(token)
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // `printf '%s' abc | sha256sum`
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_reads_back_and_nothing_else_is_one() {
        assert_eq!(TokenDigest::of("abc").to_text(), ABC);
        assert_eq!(TokenDigest::parse(ABC), Some(TokenDigest::of("abc")));
        assert_eq!(TokenDigest::parse(&ABC.replacen("ba", "BA", 1)), Some(TokenDigest::of("abc")));
        let short = ABC.get(..70).unwrap();
        let wrong = [short, "", "sha256:", &ABC.replace("sha256", "sha512"), &format!("{ABC}0")];
        for text in wrong.into_iter().chain([ABC.replacen('b', "+", 1).as_str()]) {
            assert_eq!(TokenDigest::parse(text), None, "{text}");
        }
        assert_ne!(TokenDigest::of("abc"), TokenDigest::of("abd"));
        assert_eq!(format!("{:?}", TokenDigest::of("abc")), "TokenDigest(…)");
    }
}
