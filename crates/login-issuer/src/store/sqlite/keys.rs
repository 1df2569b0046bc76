//! The issuer's own keys in SQLite.
//! Never replaces a key that is there.

use login_common::UnixTime;
use rusqlite::params;
use zeroize::Zeroizing;

use super::SqliteStore;
use crate::store::{KeyRecord, KeyStore, StoreError};

impl KeyStore for SqliteStore {
    fn signing_keys_or(&self, first: &KeyRecord) -> Result<Vec<KeyRecord>, StoreError> {
        self.transaction("load its signing keys", |transaction| {
            transaction.execute(
                "INSERT INTO signing_keys (key_id, pkcs8, activates_at) \
                 SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
                params![first.key_id, first.pkcs8.as_slice(), first.activates_at.as_seconds()],
            )?;
            transaction
                .prepare("SELECT key_id, pkcs8, activates_at FROM signing_keys ORDER BY 3, 1")?
                .query_map([], |row| {
                    Ok(KeyRecord {
                        key_id: row.get(0)?,
                        pkcs8: Zeroizing::new(row.get(1)?),
                        activates_at: UnixTime::from_seconds(row.get(2)?),
                    })
                })?
                .collect()
        })
    }

    fn sealing_key_or(&self, first: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.transaction("load its sealing key", |transaction| {
            transaction.execute(
                "INSERT INTO sealing_key (only_row, key) VALUES (1, ?1) ON CONFLICT DO NOTHING",
                [first],
            )?;
            transaction
                .query_row("SELECT key FROM sealing_key", [], |row| row.get(0).map(Zeroizing::new))
        })
    }
}
