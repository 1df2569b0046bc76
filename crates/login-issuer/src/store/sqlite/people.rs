//! Users and machine clients in SQLite.
//! Never leaves behind what was issued to a deleted user.

use login_common::{Secret, UnixTime};
use rusqlite::{OptionalExtension as _, Row, Transaction, params, types::Type};

use super::{SqliteStore, sessions::end_sessions};
use crate::{
    opaque::Digest,
    store::{ClientRecord, ClientStore, StoreError, UserRecord, UserStore},
};

const USER: &str = "SELECT id, name, password_hash, groups, created_at FROM users";
const CLIENT: &str = "SELECT id, secret, groups, created_at FROM clients";

/// Matches the records of the user with that name.
const THEIRS: &str = "user_id = (SELECT id FROM users WHERE name = ?1)";

impl UserStore for SqliteStore {
    fn add_user(&self, user: &UserRecord) -> Result<bool, StoreError> {
        self.transaction("add a user", |transaction| {
            transaction
                .execute(
                    "INSERT INTO users (id, name, password_hash, groups, created_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                    params![
                        user.id,
                        user.name,
                        user.password_hash.expose(),
                        list(&user.groups),
                        user.created_at.as_seconds()
                    ],
                )
                .map(|rows| rows == 1)
        })
    }

    fn user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read("look up a user", |connection| {
            connection
                .prepare_cached(&format!("{USER} WHERE name = ?1"))?
                .query_row([name], user)
                .optional()
        })
    }

    fn user_by_id(&self, id: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read("look up a user", |connection| {
            connection
                .prepare_cached(&format!("{USER} WHERE id = ?1"))?
                .query_row([id], user)
                .optional()
        })
    }

    fn users(&self) -> Result<Vec<UserRecord>, StoreError> {
        self.read("list its users", |connection| {
            connection.prepare(&format!("{USER} ORDER BY name"))?.query_map([], user)?.collect()
        })
    }

    fn delete_user(&self, name: &str, now: UnixTime) -> Result<bool, StoreError> {
        self.transaction("delete a user", |transaction| {
            end_sessions(transaction, THEIRS, name, now)?;
            transaction.execute("DELETE FROM users WHERE name = ?1", [name]).map(|rows| rows == 1)
        })
    }

    fn set_password(&self, name: &str, hash: &Secret, now: UnixTime) -> Result<bool, StoreError> {
        self.transaction("set a password", |transaction| {
            let changed = transaction.execute(
                "UPDATE users SET password_hash = ?2 WHERE name = ?1",
                params![name, hash.expose()],
            )?;
            end_all(transaction, name, now)?;
            Ok(changed == 1)
        })
    }

    fn set_user_groups(&self, name: &str, groups: &[String]) -> Result<bool, StoreError> {
        self.transaction("set the groups of a user", |transaction| {
            let parameters = params![name, list(groups)];
            transaction
                .execute("UPDATE users SET groups = ?2 WHERE name = ?1", parameters)
                .map(|rows| rows == 1)
        })
    }

    fn end_user_sessions(&self, name: &str, now: UnixTime) -> Result<Option<usize>, StoreError> {
        self.transaction("end the sessions of a user", |transaction| {
            let known =
                transaction.prepare("SELECT 1 FROM users WHERE name = ?1")?.exists([name])?;
            known.then(|| end_all(transaction, name, now)).transpose()
        })
    }
}

/// Ends the user's sessions and pending sign-ins. Returns the number of sessions.
fn end_all(transaction: &Transaction<'_>, name: &str, now: UnixTime) -> rusqlite::Result<usize> {
    transaction.execute(&format!("DELETE FROM codes WHERE {THEIRS}"), [name])?;
    transaction.execute(&format!("DELETE FROM devices WHERE {THEIRS}"), [name])?;
    end_sessions(transaction, THEIRS, name, now)
}

impl ClientStore for SqliteStore {
    fn add_client(&self, client: &ClientRecord) -> Result<bool, StoreError> {
        self.transaction("add a client", |transaction| {
            transaction
                .execute(
                    "INSERT INTO clients (id, secret, groups, created_at) \
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                    params![
                        client.id,
                        client.secret.as_bytes(),
                        list(&client.groups),
                        client.created_at.as_seconds()
                    ],
                )
                .map(|rows| rows == 1)
        })
    }

    fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        self.read("look up a client", |connection| {
            connection
                .prepare_cached(&format!("{CLIENT} WHERE id = ?1"))?
                .query_row([id], client)
                .optional()
        })
    }

    fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        self.read("list its clients", |connection| {
            connection.prepare(&format!("{CLIENT} ORDER BY id"))?.query_map([], client)?.collect()
        })
    }

    fn set_client_groups(&self, id: &str, groups: &[String]) -> Result<bool, StoreError> {
        self.transaction("set the groups of a client", |transaction| {
            let parameters = params![id, list(groups)];
            transaction
                .execute("UPDATE clients SET groups = ?2 WHERE id = ?1", parameters)
                .map(|rows| rows == 1)
        })
    }

    fn delete_client(&self, id: &str) -> Result<bool, StoreError> {
        self.transaction("delete a client", |transaction| {
            transaction.execute("DELETE FROM clients WHERE id = ?1", [id]).map(|rows| rows == 1)
        })
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    Ok(UserRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        password_hash: Secret::new(row.get::<_, String>(2)?),
        groups: parse_list(row, 3)?,
        created_at: UnixTime::from_seconds(row.get(4)?),
    })
}

fn client(row: &Row<'_>) -> rusqlite::Result<ClientRecord> {
    Ok(ClientRecord {
        id: row.get(0)?,
        secret: Digest::from_bytes(row.get(1)?),
        groups: parse_list(row, 2)?,
        created_at: UnixTime::from_seconds(row.get(3)?),
    })
}

fn list(names: &[String]) -> String {
    serde_json::Value::from(names.to_vec()).to_string()
}

fn parse_list(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|source| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(source))
    })
}
