//! The issuer's signing keys, loaded from the store.
//! Never hands out a private key; never signs with a key before it is active.

use std::sync::Arc;

use login_common::UnixTime;
use login_protocols::jose::{KeySet, SigningKey, public_key_set};
use serde_json::Value;
use thiserror::Error;

use crate::{
    opaque::CryptoError,
    store::{KeyRecord, Store, StoreError},
};

/// Why the issuer could not start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be created or parsed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// All keys, oldest first. All are published; the newest active one signs.
pub(crate) struct Keys {
    signing: Vec<ActivatedKey>,
    public: Value,
    key_set: Arc<KeySet>,
}

struct ActivatedKey {
    activates_at: UnixTime,
    key: SigningKey,
}

impl Keys {
    /// Loads the keys; creates the first one if there is none.
    pub(crate) fn load(store: &dyn Store, now: UnixTime) -> Result<Self, OpenError> {
        let action = "prepare the signing keys";
        let first =
            SigningKey::generate().map_err(|source| CryptoError::because(action, source))?;
        let first = KeyRecord {
            key_id: first.key_id().to_owned(),
            pkcs8: first.to_pkcs8(),
            activates_at: now,
        };
        let signing = store
            .signing_keys_or(&first)?
            .iter()
            .map(|record| {
                let key = SigningKey::from_pkcs8(&record.pkcs8)
                    .map_err(|source| CryptoError::because(action, source))?;
                Ok(ActivatedKey { activates_at: record.activates_at, key })
            })
            .collect::<Result<Vec<_>, CryptoError>>()?;
        let all: Vec<&SigningKey> = signing.iter().map(|activated| &activated.key).collect();
        let public = public_key_set(&all);
        let key_set = KeySet::parse(public.to_string().as_bytes())
            .map_err(|source| CryptoError::because(action, source))?;
        Ok(Self { signing, public, key_set: Arc::new(key_set) })
    }

    /// The key that signs at `now`: the newest active one, or the oldest if the clock was set back
    /// before the first activation.
    pub(crate) fn active(&self, now: UnixTime) -> Option<&SigningKey> {
        self.signing
            .iter()
            .rev()
            .find(|activated| activated.activates_at <= now)
            .or_else(|| self.signing.first())
            .map(|activated| &activated.key)
    }

    pub(crate) fn public(&self) -> &Value {
        &self.public
    }

    pub(crate) fn key_set(&self) -> Arc<KeySet> {
        Arc::clone(&self.key_set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{KeyStore as _, SqliteStore};

    #[test]
    fn a_key_is_published_before_it_signs() {
        let store = SqliteStore::in_memory().unwrap();
        let at = UnixTime::from_seconds;
        let keys = Keys::load(&store, at(100)).unwrap();
        let first = keys.active(at(100)).unwrap().key_id().to_owned();

        let reloaded = Keys::load(&store, at(500)).unwrap();
        assert_eq!(reloaded.active(at(500)).unwrap().key_id(), first, "one key, made once");
        assert_eq!(reloaded.active(at(0)).unwrap().key_id(), first, "a clock set back still signs");

        let next = SigningKey::generate().unwrap();
        let rotated = Keys {
            signing: vec![
                ActivatedKey {
                    activates_at: at(100),
                    key: SigningKey::from_pkcs8(
                        &store.signing_keys_or(&record(&next, at(0))).unwrap()[0].pkcs8,
                    )
                    .unwrap(),
                },
                ActivatedKey {
                    activates_at: at(200),
                    key: SigningKey::from_pkcs8(&next.to_pkcs8()).unwrap(),
                },
            ],
            public: Value::Null,
            key_set: Arc::new(KeySet::empty()),
        };
        assert_eq!(rotated.active(at(199)).unwrap().key_id(), first);
        assert_eq!(rotated.active(at(200)).unwrap().key_id(), next.key_id());
    }

    fn record(key: &SigningKey, activates_at: UnixTime) -> KeyRecord {
        KeyRecord { key_id: key.key_id().to_owned(), pkcs8: key.to_pkcs8(), activates_at }
    }
}
