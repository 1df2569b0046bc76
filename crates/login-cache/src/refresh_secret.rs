//! Stores the refresh token: a long-lived secret, apart from the short-lived answer.
//! Never on the cached path; never in the same file as an access token; never deleted because its
//! key is unavailable now; never left behind once it is spent and its successor could not be
//! stored.
//!
//! ```text
//! <key>.refresh                              <key>.<machine>.refresh
//!
//! kubectl-login/1                            kubectl-login/2 <protection> <id of the key>
//! <refresh token>                            <base64 of the sealed lines>
//! <subject>
//! ```
//!
//! Hosts that share a directory have one sealed file each, as no host can open another's. Files
//! that older versions sealed have the first name, as has every file on a host without an id.
//!
//! `prepared` writes the next refresh token into its file, `keys` gets the keys that seal,
//! `protection` says which ways of storing fit a wish.

mod keys;
mod prepared;
mod protection;

use std::{cell::RefCell, time::Duration};

pub use prepared::Prepared;
pub use protection::{Protection, Storage};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keys::Keys;
use login_common::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    FORMAT,
    digest::digest_of,
    key::CacheKey,
    key_store::{KeyStore, KeyTrouble},
    store::{Directory, StoreError, TEMPORARY},
};
/// The kind of file.
const KIND: &str = "refresh";

/// First word of a sealed file.
const SEALED: &str = "kubectl-login/2";

/// Longest file: the longest refresh token, sealed, and some room.
const MAX_LENGTH: usize = 96 * 1024;

/// A refresh token and the subject whose session it renews.
#[derive(Clone, Debug)]
pub struct RefreshSecret {
    /// Sent to the token endpoint only.
    pub token: Secret,
    /// `sub` of the ID token that came with it; a renewed ID token must have the same one.
    pub subject: Option<String>,
}

impl RefreshSecret {
    fn render(&self) -> Zeroizing<String> {
        let subject = self.subject.as_deref().filter(|subject| !subject.contains('\n'));
        let token = self.token.expose();
        Zeroizing::new(format!("{token}\n{}\n", subject.unwrap_or_default()))
    }

    fn parse(lines: &str) -> Option<Self> {
        let (token, subject) = lines.strip_suffix('\n')?.split_once('\n')?;
        (!token.is_empty() && !subject.contains('\n')).then(|| Self {
            token: Secret::new(token),
            subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
        })
    }

    fn same_as(&self, other: &Self) -> bool {
        self.token.same_as(&other.token) && self.subject == other.subject
    }
}

/// A refresh token is stored, but cannot be used now.
#[derive(Debug, Error)]
pub enum Sealed {
    /// The store of its key is unavailable.
    #[error("the key of the kept refresh token cannot be had")]
    Trouble(#[source] KeyTrouble),
    /// A locked keyring can look like an empty one.
    #[error("the keyring is locked, or has lost the key of the kept refresh token")]
    NotInKeyring,
    /// The key is gone, or is that of another host.
    #[error("the kept refresh token was encrypted on another machine, or its key is gone")]
    OtherKey,
    /// It could be spent, but its successor would be lost, and the session with it.
    #[error("a renewed refresh token could not be kept")]
    NoPlace(#[source] KeyTrouble),
}

impl Sealed {
    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Trouble(KeyTrouble::Unreadable(_)) => {
                "make the key yours alone again (mode 0600), or sign in anew with \
                 `kubectl-login login`"
            }
            Self::NoPlace(_) => {
                "make room where tokens are kept, or make it writable, and try again, or sign in \
                 anew with `kubectl-login login`"
            }
            Self::Trouble(_) | Self::NotInKeyring => {
                "unlock the keyring and try again, or sign in anew with `kubectl-login login`"
            }
            Self::OtherKey => {
                "sign in anew with `kubectl-login login`; where machines share a home directory, \
                 `--token-cache-storage file` keeps a session for all of them"
            }
        }
    }
}

/// The result of saving.
#[derive(Debug)]
pub struct Saved {
    /// How the token is stored.
    pub protection: Protection,
    /// Why no better way was possible.
    pub passed_over: Vec<KeyTrouble>,
}

/// The refresh tokens in a directory.
pub struct RefreshSecrets {
    directory: Directory,
    machine: String,
    keys: Keys,
    forgotten: RefCell<Vec<(Protection, String)>>,
}

impl RefreshSecrets {
    /// Those in `directory`, with the given key stores, on the host whose id is `machine`; empty if
    /// it has none.
    pub fn new(
        directory: &Directory,
        keyring: Box<dyn KeyStore>,
        key_file: Box<dyn KeyStore>,
        machine: String,
    ) -> Self {
        Self {
            directory: directory.clone(),
            keys: Keys::new(directory.clone(), keyring, key_file, machine.clone()),
            machine,
            forgotten: RefCell::default(),
        }
    }

    /// The directory that they are in.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// From now on no keyring call takes longer than this; `None` restores its own time limit.
    pub fn hurry(&self, bound: Option<Duration>) {
        self.keys.hurry(bound);
    }

    /// Returns the secret of a session, if there is one.
    pub fn load(&self, key: &CacheKey) -> Result<Option<RefreshSecret>, Sealed> {
        let mut trouble = None;
        for name in self.names(key) {
            match self.open(key, &name) {
                Ok(Some(secret)) => return Ok(Some(secret)),
                Ok(None) => {}
                Err(sealed) => trouble = trouble.or(Some(sealed)),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    fn open(&self, key: &CacheKey, name: &str) -> Result<Option<RefreshSecret>, Sealed> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some(lines) = text.strip_prefix(FORMAT).and_then(|rest| rest.strip_prefix('\n')) {
            return Ok(RefreshSecret::parse(lines));
        }
        let Some((protection, id, sealed)) = parts(&text) else { return Ok(None) };
        let Ok(sealed) = STANDARD.decode(sealed) else { return Ok(None) };
        let Some(found) = self.keys.to_open(protection)? else {
            return Err(match protection {
                Protection::Keyring => Sealed::NotInKeyring,
                Protection::KeyFile | Protection::Plain => Sealed::OtherKey,
            });
        };
        let sealing = found.of(id).ok_or(Sealed::OtherKey)?;
        let lines = sealing.open(&sealed, &context(protection, id, key));
        Ok(lines.and_then(|lines| RefreshSecret::parse(std::str::from_utf8(&lines).ok()?)))
    }

    /// Replaces the secret; the issuer may have revoked `before`.
    pub fn save(
        &self,
        key: &CacheKey,
        secret: &RefreshSecret,
        before: Option<&RefreshSecret>,
        wish: Storage,
    ) -> Result<Saved, KeyTrouble> {
        let prepared = self.prepare(key, before, wish)?;
        self.keep(prepared, secret)
    }

    /// How the secret of a session is stored, if there is one.
    pub fn protection(&self, key: &CacheKey) -> Option<Protection> {
        self.names(key).iter().find_map(|name| protection_of(&self.text(name)?))
    }

    /// Removes the secret. What another host has sealed stays: it belongs to another session.
    pub fn forget(&self, key: &CacheKey) -> Result<(), StoreError> {
        self.forget_by(key, |name| self.directory.erase(name))
    }

    fn forget_by(
        &self,
        key: &CacheKey,
        erase: impl Fn(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for name in self.names(key) {
            if let Some(text) = self.text(&name)
                && let Some((protection, id)) = head(&text)
            {
                self.forgotten.borrow_mut().push((protection, id.to_owned()));
            }
            outcome = outcome.and(erase(&name));
        }
        outcome
    }

    /// Removes the keys of the secrets that were removed here, unless other refresh tokens need
    /// them.
    pub fn forget_unused_keys(&self) {
        let _lock = self.keys.lock();
        let mut used = Vec::new();
        for name in self.directory.names() {
            // A file that is being written has its head already.
            if !name.starts_with(TEMPORARY) && key_of(&name).is_none() {
                continue;
            }
            match self.text(&name) {
                Some(text) => {
                    used.extend(head(&text).map(|(protection, id)| (protection, id.to_owned())));
                }
                // A file that cannot be read now may need any of the keys.
                None if name.starts_with(TEMPORARY) => {}
                None => return,
            }
        }
        for (protection, id) in self.forgotten.take() {
            let is_used = match protection {
                // Each host derives another id from the same key.
                Protection::KeyFile => used.iter().any(|used| used.0 == protection),
                _ => used.iter().any(|used| used.0 == protection && used.1 == id),
            };
            if !is_used {
                self.keys.remove(protection, &id);
            }
        }
    }

    /// The files that may hold a session of this host.
    fn names(&self, key: &CacheKey) -> Vec<String> {
        let mut names = vec![self.sealed_name(key), plain_name(key)];
        names.dedup();
        names
    }

    fn sealed_name(&self, key: &CacheKey) -> String {
        if self.machine.is_empty() {
            return plain_name(key);
        }
        // machine-id(5) asks programs not to disclose it.
        let digest = digest_of(format!("kubectl-login {}", self.machine).as_bytes());
        key.file(&format!("{}.{KIND}", digest.get(..16).unwrap_or_default()))
    }

    fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        let bytes = self.directory.read(name, MAX_LENGTH)?;
        String::from_utf8(bytes).ok().map(Zeroizing::new)
    }
}

/// The file of a secret that is not sealed, or that an older version sealed.
fn plain_name(key: &CacheKey) -> String {
    key.file(KIND)
}

/// The session that a file name belongs to.
fn key_of(name: &str) -> Option<CacheKey> {
    let rest = name.strip_suffix(KIND)?.strip_suffix('.')?;
    CacheKey::parse(rest.split_once('.').map_or(rest, |(key, _)| key))
}

fn protection_of(text: &str) -> Option<Protection> {
    let is_plain = text.starts_with(FORMAT);
    head(text).map(|(protection, _)| protection).or(is_plain.then_some(Protection::Plain))
}

/// The context that a sealed text is bound to.
fn context(protection: Protection, id: &str, key: &CacheKey) -> String {
    format!("{SEALED} {} {id} {key}", protection.as_str())
}

/// Protection and key id of a sealed file.
fn head(text: &str) -> Option<(Protection, &str)> {
    let (head, _) = text.split_once('\n')?;
    let mut words = head.split(' ');
    (words.next()? == SEALED).then_some(())?;
    let protection = Protection::parse(words.next()?)?;
    let id = words.next()?;
    (words.next().is_none() && protection != Protection::Plain).then_some((protection, id))
}

/// Protection, key id and sealed text of a sealed file.
fn parts(text: &str) -> Option<(Protection, &str, &str)> {
    let (protection, id) = head(text)?;
    let (_, rest) = text.split_once('\n')?;
    Some((protection, id, rest.strip_suffix('\n')?))
}

#[cfg(test)]
mod tests;
