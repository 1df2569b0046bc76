//! Where the key that seals refresh tokens lies: the desktop's keyring, or a file of its own.
//! Never beside what it seals; never replaced while it can be read.

use std::{path::PathBuf, time::Duration};

use thiserror::Error;
use zeroize::Zeroizing;

use super::store::{Directory, StoreError};

/// Longest file that is a key.
const MAX_LENGTH: usize = 1024;

/// A place for one key, as text.
pub trait KeyStore {
    /// The text, if there is one.
    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble>;
    /// Makes sure that a text which is there would be found: a locked keyring can look like an empty
    /// one, and what is saved in it then replaces what was there.
    fn unlock(&self) -> Result<(), KeyTrouble>;
    /// Keeps a text durably.
    fn save(&self, text: &str) -> Result<(), KeyTrouble>;
    /// Removes the text; one that is not there is removed already.
    fn remove(&self) -> Result<(), KeyTrouble>;
    /// From now on no answer takes longer than this; `None` is the place's own patience.
    fn hurry(&self, _: Option<Duration>) {}
}

/// Why a place for keys is of no use now.
#[derive(Debug, Error)]
pub enum KeyTrouble {
    /// There is none.
    #[error("there is no keyring here")]
    NoKeyring,
    /// It is there, and does not let us in.
    #[error("the keyring is locked, or refuses access: {0}")]
    Locked(String),
    /// It has not answered.
    #[error("the keyring has not answered within {0} seconds")]
    Slow(u64),
    /// It failed.
    #[error("the keyring failed: {0}")]
    Failed(String),
    /// It forgot at once what it was given, or holds something else.
    #[error("it does not give back the key that it was given")]
    Forgetful,
    /// The file is there, and is not read: a new key would lose what it has sealed.
    #[error("`{}` is not a key that only its user may read", .0.display())]
    Unreadable(PathBuf),
    /// This system names no place for a user's data.
    #[error("there is no directory for the user's data")]
    NoDirectory,
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine has no randomness to give, or its cryptography failed.
    #[error("no key could be made")]
    Cryptography,
}

/// A key in a 0600 file.
///
/// It lies in the directory for data, not in the one for caches: whatever reads, copies or backs
/// up only one of them has nothing. Mixed with the machine's own id (`place`), both together are
/// worth nothing on another machine. It does not protect from whoever acts as the user here, nor
/// from whoever has the whole disk: both can read all of it. Only a keyring that is locked does.
pub struct KeyFile {
    directory: Option<Directory>,
    name: String,
}

impl KeyFile {
    /// The key `name` in a directory for data.
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
            // As a power cut leaves it right after it was made.
            Some(bytes) if bytes.is_empty() => Ok(None),
            Some(bytes) => String::from_utf8(bytes)
                .map(|text| Some(Zeroizing::new(text)))
                .map_err(|_| unreadable()),
            None if directory.has(&self.name) => Err(unreadable()),
            None => Ok(None),
        }
    }

    fn save(&self, text: &str) -> Result<(), KeyTrouble> {
        Ok(self.directory()?.write(&self.name, text.as_bytes(), true)?)
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
        directory.write("a.key", &[0xff], false).unwrap();
        assert!(matches!(file.load(), Err(KeyTrouble::Unreadable(_))));
        directory.write("a.key", b"", false).unwrap();
        assert!(file.load().unwrap().is_none(), "what a power cut leaves is no key");
        file.remove().unwrap();
        file.remove().unwrap();
        assert!(file.load().unwrap().is_none());
        assert!(matches!(KeyFile::new(None, "a").load(), Err(KeyTrouble::NoDirectory)));
    }
}
