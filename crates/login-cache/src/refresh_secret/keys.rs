//! The keys that seal refresh tokens: taken from their stores once, derived for this host.
//! Never makes a key while one can be read; never removes one that does not fit.

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::{Protection, Sealed};
use crate::{
    key_store::{KeyStore, KeyTrouble},
    renewal_lock,
    sealing::{MasterKey, SealingKey},
    store::Directory,
};

/// Names the lock under which a key is made; of two keys made at once, one would be lost.
const KEYS: &str = "keys";

/// How long another process may take to make a key; it may be waiting for the user.
const KEY_WAIT: Duration = Duration::from_secs(35);

/// A key, and the one that versions without this host's id would have derived.
#[derive(Clone)]
pub(super) struct Key {
    sealing: Rc<SealingKey>,
    earlier: Option<Rc<SealingKey>>,
}

impl Key {
    /// The one of that id.
    pub(super) fn of(&self, id: &str) -> Option<&SealingKey> {
        let keys = std::iter::once(&self.sealing).chain(&self.earlier);
        keys.map(Rc::as_ref).find(|key| key.id() == id)
    }
}

/// The keys of a directory.
pub(super) struct Keys {
    directory: Directory,
    keyring: Box<dyn KeyStore>,
    key_file: Box<dyn KeyStore>,
    machine: String,
    known: RefCell<Vec<(Protection, Key)>>,
}

impl Keys {
    pub(super) fn new(
        directory: Directory,
        keyring: Box<dyn KeyStore>,
        key_file: Box<dyn KeyStore>,
        machine: String,
    ) -> Self {
        Self { directory, keyring, key_file, machine, known: RefCell::default() }
    }

    /// From now on no keyring call takes longer than this; `None` restores its own time limit.
    pub(super) fn hurry(&self, bound: Option<Duration>) {
        self.keyring.hurry(bound);
    }

    /// Removes the key of that id, which opens nothing any more.
    pub(super) fn remove(&self, protection: Protection, id: &str) {
        if let Some(store) = self.store(protection)
            // The key may have been replaced since.
            && matches!(self.to_open(protection), Ok(Some(key)) if key.of(id).is_some())
        {
            // If this fails, a key stays that is worth nothing.
            let _ = store.remove();
            self.known.borrow_mut().clear();
        }
    }

    fn store(&self, protection: Protection) -> Option<&dyn KeyStore> {
        match protection {
            Protection::Keyring => Some(&*self.keyring),
            Protection::KeyFile => Some(&*self.key_file),
            Protection::Plain => None,
        }
    }

    /// The key that opens, if its store has one.
    pub(super) fn to_open(&self, protection: Protection) -> Result<Option<Key>, Sealed> {
        if let Some(known) = self.made(protection) {
            return Ok(Some(known));
        }
        let Some(store) = self.store(protection) else { return Ok(None) };
        let text = store.load().map_err(Sealed::Trouble)?;
        Ok(text
            .and_then(|text| MasterKey::parse(&text))
            .and_then(|master| self.derived(protection, &master)))
    }

    /// The key that seals; makes one if its store has none.
    pub(super) fn to_seal(&self, protection: Protection) -> Result<Rc<SealingKey>, KeyTrouble> {
        if let Some(known) = self.made(protection) {
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
        self.derived(protection, &master).map(|key| key.sealing).ok_or(KeyTrouble::Cryptography)
    }

    /// The key that this process has derived already.
    pub(super) fn made(&self, protection: Protection) -> Option<Key> {
        let known = self.known.borrow();
        known.iter().find(|(of, _)| *of == protection).map(|(_, key)| key.clone())
    }

    fn derived(&self, protection: Protection, master: &MasterKey) -> Option<Key> {
        // A keyring stays on its host, or moves with its user by intent.
        let is_bound = protection == Protection::KeyFile && !self.machine.is_empty();
        let place = if is_bound { self.machine.as_str() } else { "" };
        let sealing = Rc::new(master.at(place)?);
        let earlier = if is_bound { master.at("").map(Rc::new) } else { None };
        let key = Key { sealing, earlier };
        self.known.borrow_mut().push((protection, key.clone()));
        Some(key)
    }

    /// Locks the making and the removal of keys. Without the lock, at worst one session needs another sign-in.
    pub(super) fn lock(&self) -> Option<renewal_lock::RenewalLock> {
        let never = || None::<()>;
        match renewal_lock::take(&self.directory, KEYS, KEY_WAIT, never, |_| ()) {
            Ok(renewal_lock::Taken::Lock(lock)) => Some(lock),
            Ok(renewal_lock::Taken::Adopted(())) | Err(_) => None,
        }
    }
}
