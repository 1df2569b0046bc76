//! Keeps the refresh token: a long-lived secret, apart from the short-lived answer.
//! Never on the cached path; never in the same file as an access token.

use login_common::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    FORMAT,
    key::CacheKey,
    store::{Directory, StoreError},
};
use crate::system::System;

/// The kind of file.
const KIND: &str = "refresh";

/// Longest refresh token that is kept.
const MAX_LENGTH: usize = 64 * 1024;

/// A refresh token and whose session it renews.
#[derive(Clone, Debug)]
pub struct RefreshSecret {
    /// For the token endpoint only.
    pub token: Secret,
    /// `sub` of the ID token that came with it; a renewal must have the same one.
    pub subject: Option<String>,
}

/// How a refresh token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Encrypted; the key is in the desktop's keyring.
    Keyring,
    /// Encrypted; the key is in a file elsewhere.
    KeyFile,
    /// As it is, in a file that only the user may read.
    Plain,
}

const PROTECTIONS: [(&str, Protection); 3] = [
    ("keyring", Protection::Keyring),
    ("encrypted-file", Protection::KeyFile),
    ("file", Protection::Plain),
];

impl Protection {
    /// The spelling of `--token-cache-storage`.
    pub fn as_str(self) -> &'static str {
        PROTECTIONS
            .iter()
            .find(|(_, known)| *known == self)
            .map_or("file", |(spelling, _)| spelling)
    }

    /// Reads what `as_str` gave.
    pub fn parse(spelling: &str) -> Option<Self> {
        PROTECTIONS.iter().find(|(known, _)| *known == spelling).map(|(_, protection)| *protection)
    }
}

/// A refresh token is there, and cannot be had now.
#[derive(Debug, Error)]
pub enum Sealed {
    /// The keyring is locked, gone, or slow.
    #[error("the key of the kept refresh token cannot be had from the keyring")]
    Keyring,
}

/// The refresh tokens in a directory.
pub struct RefreshSecrets<'a> {
    directory: &'a Directory,
}

impl<'a> RefreshSecrets<'a> {
    /// Those in `directory`. `patient` lets a desktop take the time that a person needs to unlock
    /// the keyring.
    pub fn new(_system: &System<'a>, directory: &'a Directory, _patient: bool) -> Self {
        Self { directory }
    }

    /// Where they are.
    pub fn directory(&self) -> &'a Directory {
        self.directory
    }

    /// The secret of a session, if there is one.
    pub fn load(&self, key: &CacheKey) -> Result<Option<RefreshSecret>, Sealed> {
        Ok(self.plain(key))
    }

    fn plain(&self, key: &CacheKey) -> Option<RefreshSecret> {
        let bytes = self.directory.read(&key.file(KIND), MAX_LENGTH)?;
        let text = Zeroizing::new(String::from_utf8(bytes).ok()?);
        let rest = text.strip_prefix(FORMAT)?.strip_prefix('\n')?.strip_suffix('\n')?;
        let (token, subject) = rest.split_once('\n')?;
        (!token.is_empty() && !subject.contains('\n')).then(|| RefreshSecret {
            token: Secret::new(token),
            subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
        })
    }

    /// Replaces it, durably: the issuer may have revoked the one before.
    pub fn save(&self, key: &CacheKey, secret: &RefreshSecret) -> Result<Protection, StoreError> {
        let subject = secret.subject.as_deref().filter(|subject| !subject.contains('\n'));
        let text = Zeroizing::new(format!(
            "{FORMAT}\n{}\n{}\n",
            secret.token.expose(),
            subject.unwrap_or_default()
        ));
        self.directory.write(&key.file(KIND), text.as_bytes(), true)?;
        Ok(Protection::Plain)
    }

    /// How the secret of a session is kept, if there is one.
    pub fn protection(&self, key: &CacheKey) -> Option<Protection> {
        self.plain(key).map(|_| Protection::Plain)
    }

    /// Forgets it.
    pub fn forget(&self, key: &CacheKey) -> Result<(), StoreError> {
        self.directory.remove(&key.file(KIND))
    }

    /// Removes the keys that protect no refresh token any more.
    pub fn forget_unused_keys(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{clock::MachineClock, environment::NoEnvironment, terminal::Stderr};

    fn system() -> System<'static> {
        System {
            clock: &MachineClock,
            environment: &NoEnvironment,
            terminal: &Stderr { verbose: false },
        }
    }

    #[test]
    fn a_secret_comes_back_until_it_is_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let store = RefreshSecrets::new(&system(), &directory, false);
        let key = CacheKey::of_client("https://id.example", "k");
        assert!(store.load(&key).unwrap().is_none());
        for subject in [None, Some("alice".to_owned())] {
            let secret = RefreshSecret { token: Secret::new("r1"), subject: subject.clone() };
            store.save(&key, &secret).unwrap();
            let loaded = store.load(&key).unwrap().unwrap();
            assert_eq!((loaded.token.expose(), loaded.subject), ("r1", subject));
        }
        store.forget(&key).unwrap();
        assert!(store.load(&key).unwrap().is_none());
    }

    #[test]
    fn a_torn_file_holds_no_secret() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let key = CacheKey::of_client("https://id.example", "k");
        for text in [
            "",
            "kubectl-login/1",
            "kubectl-login/1\nr1\nal",
            "kubectl-login/1\n\n\n",
            "kubectl-login/2\nr\ns\n",
        ] {
            directory.write(&key.file(KIND), text.as_bytes(), false).unwrap();
            let store = RefreshSecrets::new(&system(), &directory, false);
            assert!(store.load(&key).unwrap().is_none(), "{text:?}");
        }
    }
}
