//! The issuer's own keys in SQLite.
//! Never replaces an existing key.

use login_common::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::SqliteStore;
use crate::store::{KeyRecord, KeyStore, StoreError};

impl KeyStore for SqliteStore {
    fn signing_keys_or(&self, first: &KeyRecord) -> Result<Vec<KeyRecord>, StoreError> {
        let action = "load its signing keys";
        // No write lock when there is nothing to write: the database may be read-only.
        let known = self.read(action, signing_keys)?;
        if !known.is_empty() {
            return Ok(known);
        }
        self.transaction(action, |transaction| {
            transaction.execute(
                "INSERT INTO signing_keys (key_id, pkcs8, activates_at) \
                 SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
                params![first.key_id, first.pkcs8.as_slice(), first.activates_at.as_seconds()],
            )?;
            signing_keys(transaction)
        })
    }

    fn sealing_key_or(&self, first: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let action = "load its sealing key";
        if let Some(known) = self.read(action, |connection| sealing_key(connection).optional())? {
            return Ok(known);
        }
        self.transaction(action, |transaction| {
            transaction.execute(
                "INSERT INTO sealing_key (only_row, key) VALUES (1, ?1) ON CONFLICT DO NOTHING",
                [first],
            )?;
            sealing_key(transaction)
        })
    }
}

fn signing_keys(connection: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    connection
        .prepare("SELECT key_id, pkcs8, activates_at FROM signing_keys ORDER BY 3, 1")?
        .query_map([], |row| {
            Ok(KeyRecord {
                key_id: row.get(0)?,
                pkcs8: Zeroizing::new(row.get(1)?),
                activates_at: UnixTime::from_seconds(row.get(2)?),
            })
        })?
        .collect()
}

fn sealing_key(connection: &Connection) -> rusqlite::Result<Zeroizing<Vec<u8>>> {
    connection.query_row("SELECT key FROM sealing_key", [], |row| row.get(0).map(Zeroizing::new))
}
