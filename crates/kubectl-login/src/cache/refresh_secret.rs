//! Keeps the refresh token: a long-lived secret, apart from the short-lived answer.
//! Never on the cached path; never in the same file as an access token.

use login_common::Secret;
use zeroize::Zeroizing;

use super::{
    FORMAT,
    key::CacheKey,
    store::{Directory, StoreError},
};

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

/// Where refresh tokens are kept; the file today, a keyring later.
pub trait RefreshSecretStore {
    /// The secret of a session, if there is one that can be read.
    fn load(&self, key: &CacheKey) -> Option<RefreshSecret>;
    /// Replaces it, durably: the issuer may have revoked the one before.
    fn save(&self, key: &CacheKey, secret: &RefreshSecret) -> Result<(), StoreError>;
    /// Forgets it.
    fn forget(&self, key: &CacheKey) -> Result<(), StoreError>;
}

/// Refresh tokens in 0600 files beside the entries.
pub struct FileStore<'a>(pub &'a Directory);

impl RefreshSecretStore for FileStore<'_> {
    fn load(&self, key: &CacheKey) -> Option<RefreshSecret> {
        let bytes = self.0.read(&key.file(KIND), MAX_LENGTH)?;
        let text = Zeroizing::new(String::from_utf8(bytes).ok()?);
        let rest = text.strip_prefix(FORMAT)?.strip_prefix('\n')?.strip_suffix('\n')?;
        let (token, subject) = rest.split_once('\n')?;
        (!token.is_empty() && !subject.contains('\n')).then(|| RefreshSecret {
            token: Secret::new(token),
            subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
        })
    }

    fn save(&self, key: &CacheKey, secret: &RefreshSecret) -> Result<(), StoreError> {
        let subject = secret.subject.as_deref().filter(|subject| !subject.contains('\n'));
        let text = Zeroizing::new(format!(
            "{FORMAT}\n{}\n{}\n",
            secret.token.expose(),
            subject.unwrap_or_default()
        ));
        self.0.write(&key.file(KIND), text.as_bytes(), true)
    }

    fn forget(&self, key: &CacheKey) -> Result<(), StoreError> {
        self.0.remove(&key.file(KIND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_until_it_is_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let store = FileStore(&directory);
        let key = CacheKey::of_client("https://id.example", "k");
        assert!(store.load(&key).is_none());
        for subject in [None, Some("alice".to_owned())] {
            let secret = RefreshSecret { token: Secret::new("r1"), subject: subject.clone() };
            store.save(&key, &secret).unwrap();
            let loaded = store.load(&key).unwrap();
            assert_eq!((loaded.token.expose(), loaded.subject), ("r1", subject));
        }
        store.forget(&key).unwrap();
        assert!(store.load(&key).is_none());
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
            assert!(FileStore(&directory).load(&key).is_none(), "{text:?}");
        }
    }
}
