//! Keeps the refresh token: a long-lived secret, apart from the short-lived answer.
//! Never on the cached path; never in the same file as an access token; never deleted because its
//! key cannot be had now.
//!
//! ```text
//! kubectl-login/1                            kubectl-login/2 <protection> <id of the key>
//! <refresh token>                            <base64 of the sealed lines>
//! <subject>
//! ```

use std::{cell::RefCell, rc::Rc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    FORMAT,
    key::{CacheKey, digest_of},
    key_store::{KeyFile, KeyStore, KeyTrouble},
    renewal_lock,
    sealing::{MasterKey, SealingKey},
    store::{Directory, StoreError},
};
use crate::{
    options::target::Storage,
    system::{System, keyring::Keyring, machine, random},
};

/// The kind of file.
const KIND: &str = "refresh";

/// First word of a sealed file.
const SEALED: &str = "kubectl-login/2";

/// Longest file: the longest refresh token, sealed, and room.
const MAX_LENGTH: usize = 96 * 1024;

/// Names the lock under which a key is made; two keys at once would lose one.
const KEYS: &str = "keys";

/// How long another process may take to make a key; it may be waiting for a person.
const KEY_WAIT: Duration = Duration::from_secs(35);

/// A refresh token and whose session it renews.
#[derive(Clone, Debug)]
pub struct RefreshSecret {
    /// For the token endpoint only.
    pub token: Secret,
    /// `sub` of the ID token that came with it; a renewal must have the same one.
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
        let known = PROTECTIONS.iter().find(|(_, known)| *known == self);
        known.map_or("file", |(spelling, _)| spelling)
    }

    /// Reads what `as_str` gave.
    pub fn parse(spelling: &str) -> Option<Self> {
        PROTECTIONS.iter().find(|(known, _)| *known == spelling).map(|(_, protection)| *protection)
    }

    /// What fits a wish, the best first. `before` is what a renewal finds: it keeps to that, as a
    /// keyring is asked for anew at a sign-in only. A CI job has none to ask.
    fn candidates(
        wish: Storage,
        before: Option<Self>,
        continuous_integration: bool,
    ) -> &'static [Self] {
        use Protection::{KeyFile, Keyring, Plain};
        match (wish, before) {
            (Storage::None, _) => &[],
            (Storage::Keyring, _) => &[Keyring, KeyFile],
            (Storage::EncryptedFile, _) => &[KeyFile],
            (Storage::File, _) => &[Plain],
            (Storage::Auto, Some(KeyFile)) => &[KeyFile, Plain],
            (Storage::Auto, _) if continuous_integration => &[KeyFile, Plain],
            (Storage::Auto, _) => &[Keyring, KeyFile, Plain],
        }
    }
}

/// A refresh token is there, and cannot be had now.
#[derive(Debug, Error)]
pub enum Sealed {
    /// The place of its key cannot be asked.
    #[error("the key of the kept refresh token cannot be had")]
    Trouble(#[source] KeyTrouble),
    /// A locked keyring can look like an empty one.
    #[error("the keyring is locked, or has lost the key of the kept refresh token")]
    NotInKeyring,
    /// The key is gone, or is that of another machine.
    #[error("the kept refresh token was encrypted on another machine, or its key is gone")]
    OtherKey,
}

impl Sealed {
    /// What the person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Trouble(KeyTrouble::Unreadable(_)) => {
                "make the key yours alone again (mode 0600), or sign in anew with \
                 `kubectl-login login`"
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

/// How saving went.
#[derive(Debug)]
pub struct Saved {
    /// What was chosen.
    pub protection: Protection,
    /// Why nothing better was.
    pub passed_over: Vec<KeyTrouble>,
}

/// The refresh tokens in a directory.
pub struct RefreshSecrets<'a> {
    directory: Directory,
    keyring: Box<dyn KeyStore + 'a>,
    key_file: Box<dyn KeyStore + 'a>,
    machine: String,
    keys: RefCell<Vec<(Protection, Rc<SealingKey>)>>,
    forgotten: RefCell<Vec<Protection>>,
}

impl<'a> RefreshSecrets<'a> {
    /// Those in `directory`. `patient` lets a desktop take the time that a person needs to unlock
    /// the keyring.
    pub fn new(system: &System<'a>, directory: &Directory, patient: bool) -> Self {
        let digest = digest_of(directory.canonical().to_string_lossy().as_bytes());
        let name = digest.get(..16).unwrap_or_default();
        let data = system.environment.default_data_directory();
        Self::with(
            directory,
            Box::new(Keyring::new(system.environment, name, patient)),
            Box::new(KeyFile::new(data.map(|data| data.join("keys")), name)),
            machine::machine_id().unwrap_or_default(),
        )
    }

    fn with(
        directory: &Directory,
        keyring: Box<dyn KeyStore + 'a>,
        key_file: Box<dyn KeyStore + 'a>,
        machine: String,
    ) -> Self {
        let (keys, forgotten) = (RefCell::default(), RefCell::default());
        Self { directory: directory.clone(), keyring, key_file, machine, keys, forgotten }
    }

    /// Where they are.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The secret of a session, if there is one.
    pub fn load(&self, key: &CacheKey) -> Result<Option<RefreshSecret>, Sealed> {
        let Some(text) = self.text(key) else { return Ok(None) };
        if let Some(lines) = text.strip_prefix(FORMAT).and_then(|rest| rest.strip_prefix('\n')) {
            return Ok(RefreshSecret::parse(lines));
        }
        let Some((protection, id, sealed)) = parts(&text) else { return Ok(None) };
        let Ok(sealed) = STANDARD.decode(sealed) else { return Ok(None) };
        let Some(sealing) = self.key_to_open(protection)? else {
            return Err(match protection {
                Protection::Keyring => Sealed::NotInKeyring,
                Protection::KeyFile | Protection::Plain => Sealed::OtherKey,
            });
        };
        if sealing.id() != id {
            return Err(Sealed::OtherKey);
        }
        let lines = sealing.open(&sealed, &context(protection, id, key));
        Ok(lines.and_then(|lines| RefreshSecret::parse(std::str::from_utf8(&lines).ok()?)))
    }

    /// Replaces it, durably: the issuer may have revoked the one `before`.
    pub fn save(
        &self,
        key: &CacheKey,
        secret: &RefreshSecret,
        before: Option<&RefreshSecret>,
        wish: Storage,
        continuous_integration: bool,
    ) -> Result<Saved, KeyTrouble> {
        let kept = before.and_then(|_| self.protection(key));
        let candidates = Protection::candidates(wish, kept, continuous_integration);
        let mut passed_over = Vec::new();
        for protection in candidates {
            if kept == Some(*protection) && before.is_some_and(|before| before.same_as(secret)) {
                return Ok(Saved { protection: *protection, passed_over });
            }
            // Until the file is there: whoever forgets another session would take the key for unused.
            let is_new_here =
                *protection != Protection::Plain && self.known_key(*protection).is_none();
            let _lock = is_new_here.then(|| self.lock_keys());
            match self.rendered(key, secret, *protection) {
                Ok(text) => {
                    self.directory.write(&key.file(KIND), text.as_bytes(), true)?;
                    return Ok(Saved { protection: *protection, passed_over });
                }
                Err(trouble) => passed_over.push(trouble),
            }
        }
        Err(passed_over.pop().unwrap_or(KeyTrouble::NoDirectory))
    }

    /// How the secret of a session is kept, if there is one.
    pub fn protection(&self, key: &CacheKey) -> Option<Protection> {
        let text = self.text(key)?;
        if text.starts_with(FORMAT) {
            return Some(Protection::Plain);
        }
        parts(&text).map(|(protection, _, _)| protection)
    }

    /// Forgets it.
    pub fn forget(&self, key: &CacheKey) -> Result<(), StoreError> {
        self.forgotten.borrow_mut().extend(self.protection(key));
        self.directory.remove(&key.file(KIND))
    }

    /// Removes the keys of what was forgotten here, unless other refresh tokens need them.
    pub fn forget_unused_keys(&self) {
        let _lock = self.lock_keys();
        let names = self.directory.names();
        let keys = names.iter().filter_map(|name| CacheKey::parse(name.strip_suffix(".refresh")?));
        // What cannot be read now may need any of them.
        let Some(used) = keys.map(|key| self.protection(&key)).collect::<Option<Vec<_>>>() else {
            return;
        };
        for protection in self.forgotten.take() {
            if let Some(store) = self.store(protection)
                && !used.contains(&protection)
            {
                // A key without anything to open is worth nothing.
                let _ = store.remove();
                self.keys.borrow_mut().clear();
            }
        }
    }

    fn text(&self, key: &CacheKey) -> Option<Zeroizing<String>> {
        let bytes = self.directory.read(&key.file(KIND), MAX_LENGTH)?;
        String::from_utf8(bytes).ok().map(Zeroizing::new)
    }

    fn rendered(
        &self,
        key: &CacheKey,
        secret: &RefreshSecret,
        protection: Protection,
    ) -> Result<Zeroizing<String>, KeyTrouble> {
        let lines = secret.render();
        if protection == Protection::Plain {
            return Ok(Zeroizing::new(format!("{FORMAT}\n{}", *lines)));
        }
        let sealing = self.key_to_seal(protection)?;
        let sealed = sealing
            .seal(lines.as_bytes(), &context(protection, sealing.id(), key))
            .ok_or(KeyTrouble::Cryptography)?;
        let head = format!("{SEALED} {} {}", protection.as_str(), sealing.id());
        Ok(Zeroizing::new(format!("{head}\n{}\n", STANDARD.encode(sealed))))
    }

    fn store(&self, protection: Protection) -> Option<&dyn KeyStore> {
        match protection {
            Protection::Keyring => Some(&*self.keyring),
            Protection::KeyFile => Some(&*self.key_file),
            Protection::Plain => None,
        }
    }

    /// A keyring stays on its machine by itself, or follows its user by intent.
    fn place(&self, protection: Protection) -> &str {
        if protection == Protection::KeyFile { &self.machine } else { "" }
    }

    fn key_to_open(&self, protection: Protection) -> Result<Option<Rc<SealingKey>>, Sealed> {
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
            return Ok(known);
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
            let fresh = random::bytes().map_err(|_| KeyTrouble::Cryptography)?;
            let fresh = MasterKey::from_random(fresh);
            store.save(&fresh.render())?;
            let back = store.load()?.and_then(|text| MasterKey::parse(&text));
            back.filter(|back| *back == fresh).ok_or(KeyTrouble::Forgetful)?
        };
        self.known(protection, &master).ok_or(KeyTrouble::Cryptography)
    }

    fn known_key(&self, protection: Protection) -> Option<Rc<SealingKey>> {
        let keys = self.keys.borrow();
        keys.iter().find(|(known, _)| *known == protection).map(|(_, key)| Rc::clone(key))
    }

    fn known(&self, protection: Protection, master: &MasterKey) -> Option<Rc<SealingKey>> {
        let key = Rc::new(master.at(self.place(protection))?);
        self.keys.borrow_mut().push((protection, Rc::clone(&key)));
        Some(key)
    }

    /// Without a lock at worst one session needs another sign-in.
    fn lock_keys(&self) -> Option<renewal_lock::RenewalLock> {
        let never = || None::<()>;
        match renewal_lock::take(&self.directory, KEYS, KEY_WAIT, never, |_| ()) {
            Ok(renewal_lock::Taken::Lock(lock)) => Some(lock),
            Ok(renewal_lock::Taken::Adopted(())) | Err(_) => None,
        }
    }
}

/// What a sealed text belongs to.
fn context(protection: Protection, id: &str, key: &CacheKey) -> String {
    format!("{SEALED} {} {id} {key}", protection.as_str())
}

/// Protection, key id and the rest of a sealed file.
fn parts(text: &str) -> Option<(Protection, &str, &str)> {
    let (head, rest) = text.split_once('\n')?;
    let mut words = head.split(' ');
    (words.next()? == SEALED).then_some(())?;
    let protection = Protection::parse(words.next()?)?;
    let id = words.next()?;
    (words.next().is_none() && protection != Protection::Plain).then_some((
        protection,
        id,
        rest.strip_suffix('\n')?,
    ))
}

#[cfg(test)]
mod tests;
