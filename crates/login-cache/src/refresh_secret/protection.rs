//! How a refresh token is protected where it is stored, and which ways fit a wish.
//! Never tries them.

/// How refresh tokens are to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The best method that works on this host.
    Auto,
    /// The best method that works without a keyring: a CI job has none.
    AutoWithoutKeyring,
    /// Encrypted; the key is in the desktop's keyring.
    Keyring,
    /// Encrypted; the key is in a file of its own.
    EncryptedFile,
    /// In plain files with mode 0600.
    File,
    /// Not stored.
    None,
}

/// How a refresh token is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Encrypted; the key is in the desktop's keyring.
    Keyring,
    /// Encrypted; the key is in a file elsewhere.
    KeyFile,
    /// Not encrypted, in a file that only the user may read.
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
        let known = PROTECTIONS.iter().find(|(_, known)| *known == self);
        known.map_or("file", |(spelling, _)| spelling)
    }

    /// Reads the spelling that `as_str` returns.
    pub fn parse(spelling: &str) -> Option<Self> {
        PROTECTIONS.iter().find(|(known, _)| *known == spelling).map(|(_, protection)| *protection)
    }

    /// The ways that fit a wish, the best first. `before` is how a renewal found the token stored;
    /// it keeps to a key file, as only a sign-in tries the keyring anew.
    pub(super) fn candidates(wish: Storage, before: Option<Self>) -> &'static [Self] {
        use Protection::{KeyFile, Keyring, Plain};
        match (wish, before) {
            (Storage::None, _) => &[],
            (Storage::Keyring, _) => &[Keyring, KeyFile],
            (Storage::EncryptedFile, _) => &[KeyFile],
            (Storage::File, _) => &[Plain],
            (Storage::AutoWithoutKeyring, _) | (Storage::Auto, Some(KeyFile)) => &[KeyFile, Plain],
            (Storage::Auto, _) => &[Keyring, KeyFile, Plain],
        }
    }
}
