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
//! `prepared` writes the next refresh token into its file.

mod prepared;

use std::{cell::RefCell, rc::Rc, time::Duration};

pub use prepared::Prepared;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    FORMAT,
    digest::digest_of,
    key::CacheKey,
    key_store::{KeyStore, KeyTrouble},
    renewal_lock,
    sealing::{MasterKey, SealingKey},
    store::{Directory, StoreError, TEMPORARY},
};
/// The kind of file.
const KIND: &str = "refresh";

/// First word of a sealed file.
const SEALED: &str = "kubectl-login/2";

/// Longest file: the longest refresh token, sealed, and some room.
const MAX_LENGTH: usize = 96 * 1024;

/// Names the lock under which a key is made; of two keys made at once, one would be lost.
const KEYS: &str = "keys";

/// How long another process may take to make a key; it may be waiting for the user.
const KEY_WAIT: Duration = Duration::from_secs(35);

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
    fn candidates(wish: Storage, before: Option<Self>) -> &'static [Self] {
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

/// A key, and the one that versions without this host's id would have derived.
#[derive(Clone)]
struct Key {
    sealing: Rc<SealingKey>,
    earlier: Option<Rc<SealingKey>>,
}

impl Key {
    fn of(&self, id: &str) -> Option<&SealingKey> {
        let keys = std::iter::once(&self.sealing).chain(&self.earlier);
        keys.map(Rc::as_ref).find(|key| key.id() == id)
    }
}

/// The refresh tokens in a directory.
pub struct RefreshSecrets {
    directory: Directory,
    keyring: Box<dyn KeyStore>,
    key_file: Box<dyn KeyStore>,
    machine: String,
    keys: RefCell<Vec<(Protection, Key)>>,
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
            keyring,
            key_file,
            machine,
            keys: RefCell::default(),
            forgotten: RefCell::default(),
        }
    }

    /// The directory that they are in.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// From now on no keyring call takes longer than this; `None` restores its own time limit.
    pub fn hurry(&self, bound: Option<Duration>) {
        self.keyring.hurry(bound);
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
        let Some(found) = self.key_to_open(protection)? else {
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
        let _lock = self.lock_keys(KEY_WAIT);
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
            if let Some(store) = self.store(protection)
                && !is_used
                // The key may have been replaced since.
                && matches!(self.key_to_open(protection), Ok(Some(key)) if key.of(&id).is_some())
            {
                // A key that opens nothing is worth nothing.
                let _ = store.remove();
                self.keys.borrow_mut().clear();
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

    fn store(&self, protection: Protection) -> Option<&dyn KeyStore> {
        match protection {
            Protection::Keyring => Some(&*self.keyring),
            Protection::KeyFile => Some(&*self.key_file),
            Protection::Plain => None,
        }
    }

    fn key_to_open(&self, protection: Protection) -> Result<Option<Key>, Sealed> {
        if let Some(known) = self.known_key(protection) {
            return Ok(Some(known));
        }
        let Some(store) = self.store(protection) else { return Ok(None) };
        let text = store.load().map_err(Sealed::Trouble)?;
        Ok(text
            .and_then(|text| MasterKey::parse(&text))
            .and_then(|master| self.known(protection, &master)))
    }

    fn key_to_seal(&self, protection: Protection) -> Result<Rc<SealingKey>, KeyTrouble> {
        if let Some(known) = self.known_key(protection) {
            return Ok(known.sealing);
        }
        let store = self.store(protection).ok_or(KeyTrouble::Cryptography)?;
        let mut found = store.load()?;
        if found.is_none() {
            store.unlock()?;
            found = store.load()?;
        }
        let master = if let Some(text) = found {
            MasterKey::parse(&text).ok_or(KeyTrouble::Forgetful)?
        } else {
            let fresh = MasterKey::generate().ok_or(KeyTrouble::Cryptography)?;
            store.save(&fresh.render())?;
            let back = store.load()?.and_then(|text| MasterKey::parse(&text));
            back.filter(|back| *back == fresh).ok_or(KeyTrouble::Forgetful)?
        };
        self.known(protection, &master).map(|key| key.sealing).ok_or(KeyTrouble::Cryptography)
    }

    fn known_key(&self, protection: Protection) -> Option<Key> {
        let keys = self.keys.borrow();
        keys.iter().find(|(known, _)| *known == protection).map(|(_, key)| key.clone())
    }

    fn known(&self, protection: Protection, master: &MasterKey) -> Option<Key> {
        // A keyring stays on its host, or moves with its user by intent.
        let is_bound = protection == Protection::KeyFile && !self.machine.is_empty();
        let place = if is_bound { self.machine.as_str() } else { "" };
        let sealing = Rc::new(master.at(place)?);
        let earlier = if is_bound { master.at("").map(Rc::new) } else { None };
        let key = Key { sealing, earlier };
        self.keys.borrow_mut().push((protection, key.clone()));
        Some(key)
    }

    /// Locks the making of keys. Without the lock, at worst one session needs another sign-in.
    fn lock_keys(&self, bound: Duration) -> Option<renewal_lock::RenewalLock> {
        let never = || None::<()>;
        match renewal_lock::take(&self.directory, KEYS, bound, never, |_| ()) {
            Ok(renewal_lock::Taken::Lock(lock)) => Some(lock),
            Ok(renewal_lock::Taken::Adopted(())) | Err(_) => None,
        }
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
