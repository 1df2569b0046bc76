//! Prepares the file of the next refresh token: all that can fail happens before the request.
//! Never needs a key store after that; never leaves a spent token behind as if it were good.

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    FORMAT, MAX_LENGTH, Protection, RefreshSecret, RefreshSecrets, SEALED, Saved, Storage, context,
    plain_name,
};
use crate::{
    key::CacheKey,
    key_store::KeyTrouble,
    sealing::SealingKey,
    store::{Place, StoreError},
};

/// How much a refresh token may grow without failing.
const ROOM: usize = 16 * 1024;

/// A place for a refresh token that has not been issued yet.
pub struct Prepared {
    key: CacheKey,
    protection: Protection,
    passed_over: Vec<KeyTrouble>,
    sealing: Option<Rc<SealingKey>>,
    place: Place,
    /// Files of other names that this one replaces.
    replaced: Vec<String>,
    /// The stored secret, which need not be written again if it comes back unchanged.
    unchanged: Option<RefreshSecret>,
}

impl RefreshSecrets {
    /// Does all that can fail: finds the key, reserves the room. `before` is the token that a
    /// renewal is going to spend; a sign-in has none.
    pub fn prepare(
        &self,
        key: &CacheKey,
        before: Option<&RefreshSecret>,
        wish: Storage,
    ) -> Result<Prepared, KeyTrouble> {
        let kept = before.and_then(|_| self.protection(key));
        let mut passed_over = Vec::new();
        for protection in Protection::candidates(wish, kept) {
            match self.prepare_as(key, before, *protection) {
                Ok(prepared) => {
                    let unchanged = before.filter(|_| kept == Some(*protection)).cloned();
                    return Ok(Prepared { passed_over, unchanged, ..prepared });
                }
                Err(trouble) => passed_over.push(trouble),
            }
        }
        Err(passed_over.pop().unwrap_or(KeyTrouble::NoDirectory))
    }

    fn prepare_as(
        &self,
        key: &CacheKey,
        before: Option<&RefreshSecret>,
        protection: Protection,
    ) -> Result<Prepared, KeyTrouble> {
        // Held until the head is in a file: otherwise a process that removes another session would
        // take the key for unused.
        let is_new_here = protection != Protection::Plain && self.keys.made(protection).is_none();
        let _lock = is_new_here.then(|| self.keys.lock());
        let (name, sealing) = match protection {
            Protection::Plain => (plain_name(key), None),
            _ => (self.sealed_name(key), Some(self.keys.to_seal(protection)?)),
        };
        let mut place = self.directory.place(&name)?;
        let draft = sealing.as_ref().map(|sealing| head(protection, sealing)).unwrap_or_default();
        place.reserve(room(before), draft.as_bytes())?;
        let is_replaced = |other: &String| *other != name && self.directory.has(other);
        Ok(Prepared {
            key: key.clone(),
            protection,
            passed_over: Vec::new(),
            sealing,
            place,
            replaced: self.names(key).into_iter().filter(is_replaced).collect(),
            unchanged: None,
        })
    }

    /// Stores the new secret. If that fails, nothing stays stored: the old token is spent, or
    /// belongs to an earlier sign-in, perhaps of another user.
    pub fn keep(
        &self,
        mut prepared: Prepared,
        secret: &RefreshSecret,
    ) -> Result<Saved, KeyTrouble> {
        if !prepared.unchanged.as_ref().is_some_and(|before| before.same_as(secret))
            && let Err(trouble) = prepared.fill(secret)
        {
            let _ = self.forget_before(&prepared);
            return Err(trouble);
        }
        let Prepared { protection, passed_over, .. } = prepared;
        Ok(Saved { protection, passed_over })
    }

    /// Removes the secrets that `prepared` replaces, through the directory that it holds open: a
    /// directory that cannot be opened again must not leave a spent token behind.
    pub fn forget_before(&self, prepared: &Prepared) -> Result<(), StoreError> {
        self.forget_by(&prepared.key, |name| prepared.place.erase(name))
    }
}

impl Prepared {
    fn fill(&mut self, secret: &RefreshSecret) -> Result<(), KeyTrouble> {
        let text = self.render(secret)?;
        for spent in &self.replaced {
            self.place.erase(spent)?;
        }
        self.place.fill(text.as_bytes())?;
        // Ignored: a file system that cannot report is likelier than a power cut.
        let _: Result<(), StoreError> = self.place.settle();
        Ok(())
    }

    fn render(&self, secret: &RefreshSecret) -> Result<Zeroizing<String>, KeyTrouble> {
        let lines = secret.render();
        let Some(sealing) = &self.sealing else {
            return Ok(Zeroizing::new(format!("{FORMAT}\n{}", *lines)));
        };
        let sealed = sealing
            .seal(lines.as_bytes(), &context(self.protection, sealing.id(), &self.key))
            .ok_or(KeyTrouble::Cryptography)?;
        let head = head(self.protection, sealing);
        Ok(Zeroizing::new(format!("{head}{}\n", STANDARD.encode(sealed))))
    }
}

fn head(protection: Protection, sealing: &SealingKey) -> String {
    format!("{SEALED} {} {}\n", protection.as_str(), sealing.id())
}

/// Twice the old length, sealed and in base64, and at least `ROOM`.
fn room(before: Option<&RefreshSecret>) -> u64 {
    let length = before.map_or(0, |before| before.token.expose().len());
    length.saturating_mul(4).clamp(ROOM, MAX_LENGTH) as u64
}
