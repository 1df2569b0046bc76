//! Where the key that seals refresh tokens is stored: the desktop's keyring, or a file of its own.
//! Never stored beside what it seals; never replaced while it can be read.

use std::{path::PathBuf, time::Duration};

use thiserror::Error;
use zeroize::Zeroizing;

use super::store::{Directory, StoreError};

/// Longest key file.
const MAX_LENGTH: usize = 1024;

/// A store for one key, as text.
pub trait KeyStore {
    /// Returns the text, if there is one.
    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble>;
    /// Makes sure that a stored text would be found: a locked keyring can look empty, and saving to
    /// it then replaces the stored text.
    fn unlock(&self) -> Result<(), KeyTrouble>;
    /// Stores a text durably.
    fn save(&self, text: &str) -> Result<(), KeyTrouble>;
    /// Removes the text; succeeds if there is none.
    fn remove(&self) -> Result<(), KeyTrouble>;
    /// From now on no call takes longer than this; `None` restores the store's own time limit.
    fn hurry(&self, _: Option<Duration>) {}
}

/// Why a key store cannot be used now.
#[derive(Debug, Error)]
pub enum KeyTrouble {
    /// There is no keyring.
    #[error("there is no keyring here")]
    NoKeyring,
    /// The keyring exists, but refuses access.
    #[error("the keyring is locked, or refuses access: {0}")]
    Locked(String),
    /// The keyring has not answered.
    #[error("the keyring has not answered within {0} seconds")]
    Slow(u64),
    /// The keyring failed.
    #[error("the keyring failed: {0}")]
    Failed(String),
    /// The store lost the key at once, or returns a different one.
    #[error("it does not give back the key that it was given")]
    Forgetful,
    /// The file exists and is not read: a new key would lose everything that this one has sealed.
    #[error("`{}` is not a key that only its user may read", .0.display())]
    Unreadable(PathBuf),
    /// This system has no data directory for the user.
    #[error("there is no directory for the user's data")]
    NoDirectory,
    /// The key file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The host gives no random bytes, or its cryptography failed.
    #[error("no key could be made")]
    Cryptography,
}

/// A key in a 0600 file.
///
/// It is stored in the data directory, not in the cache directory: a program that reads, copies or
/// backs up only one of them gets nothing usable. Because the host's own id is mixed in (`place`),
/// both together are worth nothing on another host. It does not protect from a process of the same
/// user, nor from a copy of the whole disk: both can read all of it. Only a locked keyring does.
pub struct KeyFile {
    directory: Option<Directory>,
    name: String,
}

impl KeyFile {
    /// The key `name` in a data directory.
    pub fn new(directory: Option<Directory>, name: &str) -> Self {
        Self { directory, name: format!("{name}.key") }
    }

    fn directory(&self) -> Result<&Directory, KeyTrouble> {
        self.directory.as_ref().ok_or(KeyTrouble::NoDirectory)
    }
}

impl KeyStore for KeyFile {
    fn unlock(&self) -> Result<(), KeyTrouble> {
        Ok(())
    }

    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble> {
        let directory = self.directory()?;
        let unreadable = || KeyTrouble::Unreadable(directory.path_of(&self.name));
        match directory.read(&self.name, MAX_LENGTH) {
            // A power cut right after the file was created leaves it empty.
            Some(bytes) if bytes.is_empty() => Ok(None),
            Some(bytes) => String::from_utf8(bytes)
                .map(|text| Some(Zeroizing::new(text)))
                .map_err(|_| unreadable()),
            None if directory.has(&self.name) => Err(unreadable()),
            None => Ok(None),
        }
    }

    fn save(&self, text: &str) -> Result<(), KeyTrouble> {
        Ok(self.directory()?.write_durably(&self.name, text.as_bytes())?)
    }

    fn remove(&self) -> Result<(), KeyTrouble> {
        Ok(self.directory()?.remove(&self.name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_keeps_its_text_until_it_is_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("data/keys"));
        let file = KeyFile::new(Some(directory.clone()), "a");
        assert!(file.load().unwrap().is_none());
        file.save("text").unwrap();
        assert_eq!(file.load().unwrap().unwrap().as_str(), "text");
        directory.write("a.key", &[0xff]).unwrap();
        assert!(matches!(file.load(), Err(KeyTrouble::Unreadable(_))));
        directory.write("a.key", b"").unwrap();
        assert!(file.load().unwrap().is_none(), "what a power cut leaves is no key");
        file.remove().unwrap();
        file.remove().unwrap();
        assert!(file.load().unwrap().is_none());
        assert!(matches!(KeyFile::new(None, "a").load(), Err(KeyTrouble::NoDirectory)));
    }
}
