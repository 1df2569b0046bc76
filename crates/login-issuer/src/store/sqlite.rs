//! The store in one SQLite file: opening, migrating, purging; the tables are in `sqlite/`.
//! Never readable by another user than its owner, never returns before the write is on disk.

mod codes;
mod devices;
mod keys;
mod people;
mod sessions;

use std::{
    io::ErrorKind,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use login_common::UnixTime;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior,
};

use super::{Store, StoreError, StoreFault};
use crate::settings::ENDED_MEMORY;

/// Step `n` migrates schema version `n` to `n + 1`. Released steps never change.
const MIGRATIONS: &[&str] =
    &[include_str!("sqlite/schema_1.sql"), include_str!("sqlite/schema_2.sql")];

/// Another process (`login-server user add` beside `serve`) may hold the lock for this long.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Redeemed codes are kept for this long after they expire, so that a replay is recognised.
const CODE_MEMORY: Duration = Duration::from_hours(1);

/// Device codes are kept for this long after they expire, so that the device gets `expired_token`
/// and not an unknown code.
const DEVICE_MEMORY: Duration = Duration::from_mins(1);

/// One SQLite database behind one connection.
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens or creates the database at `path` (mode 0600) and brings its schema up to date.
    /// The folder must exist. Other processes may have it open at the same time.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path).map_err(|source| {
            let fault = match source.kind() {
                ErrorKind::StorageFull => StoreFault::Full,
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreFault::ReadOnly,
                _ => StoreFault::Other,
            };
            StoreError::of(fault, "create its file", source)
        })?;
        let connection = Connection::open(path).map_err(failed("open its file"))?;
        Self::prepare(connection)
    }

    /// Opens the database at `path`, which must exist and have this program's schema, and never
    /// writes to it: it may belong to a running server of another version.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let action = "open its file to read";
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed(action))?;
        connection.busy_timeout(LOCK_WAIT).map_err(failed(action))?;
        connection.execute_batch("PRAGMA trusted_schema = OFF;").map_err(failed(action))?;
        let store = Self { connection: Mutex::new(connection) };
        store.check()?;
        Ok(store)
    }

    /// A database in memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory().map_err(failed("open"))?)
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        let action = "prepare its file";
        connection.busy_timeout(LOCK_WAIT).map_err(failed(action))?;
        // WAL lets readers of other processes continue during a write. FULL, because a refresh
        // token must be on disk before it is returned. `secure_delete` overwrites removed rows.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
            )
            .map_err(failed(action))?;
        let store = Self { connection: Mutex::new(connection) };
        store.migrate()?;
        Ok(store)
    }

    fn migrate(&self) -> Result<(), StoreError> {
        let action = "bring its schema up to date";
        // A database that is up to date is not written to: its disk may be full, and issued tokens
        // must still be verified.
        if self.read(action, schema_version)? == MIGRATIONS.len() {
            return Ok(());
        }
        self.transaction(action, |transaction| {
            transaction.execute_batch(
                "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;",
            )?;
            let version = schema_version(transaction)?;
            if version > MIGRATIONS.len() {
                return Ok(Err(version));
            }
            for step in MIGRATIONS.iter().skip(version) {
                transaction.execute_batch(step)?;
            }
            transaction.execute("DELETE FROM schema_version", [])?;
            transaction
                .execute("INSERT INTO schema_version (version) VALUES (?1)", [known_version()])?;
            Ok(Ok(()))
        })?
        .map_err(|version| other_schema(action, version))
    }

    /// Runs `work` in one transaction that takes the write lock at its beginning, so that what it
    /// reads cannot change before it writes.
    fn transaction<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = work(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        };
        run().map_err(failed(action))
    }

    /// Runs the read-only `work`.
    fn read<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(failed(action))
    }
}

impl Store for SqliteStore {
    fn purge(&self, now: UnixTime) -> Result<(), StoreError> {
        self.transaction("remove what has expired", |transaction| {
            let at = now.as_seconds();
            transaction.execute(
                "DELETE FROM codes WHERE expires_at <= ?1",
                [now.minus(CODE_MEMORY).as_seconds()],
            )?;
            let forgotten = [now.minus(ENDED_MEMORY).as_seconds()];
            transaction.execute("DELETE FROM ended_sessions WHERE ended_at <= ?1", forgotten)?;
            // An ID or access token may outlive the last refresh token, and its session must stay
            // revocable.
            transaction.execute("DELETE FROM sessions WHERE idle_until <= ?1", forgotten)?;
            transaction.execute("DELETE FROM refresh_tokens WHERE expires_at <= ?1", [at])?;
            transaction.execute(
                "DELETE FROM devices WHERE expires_at <= ?1",
                [now.minus(DEVICE_MEMORY).as_seconds()],
            )?;
            Ok(())
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        let action = "read its schema version";
        let version = self.read(action, schema_version)?;
        if version == MIGRATIONS.len() { Ok(()) } else { Err(other_schema(action, version)) }
    }
}

fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// 0 if there are no tables yet.
fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    if !connection.table_exists(None, "schema_version")? {
        return Ok(0);
    }
    let version = connection
        .query_row("SELECT version FROM schema_version", [], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(version.map_or(0, |version| usize::try_from(version).unwrap_or(usize::MAX)))
}

fn other_schema(action: &'static str, found: usize) -> StoreError {
    if found == 0 {
        return StoreError::of(StoreFault::Unfinished, action, "it has no tables yet");
    }
    let known = MIGRATIONS.len();
    let text = format!("its schema has version {found}, this program knows version {known}");
    StoreError::of(StoreFault::OtherVersion, action, text)
}

fn failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |error| match error {
        // The source would repeat the same text.
        rusqlite::Error::SqliteFailure(code, Some(text)) => {
            let text = format!("{text} (SQLite's code {})", code.extended_code);
            StoreError::of(fault(code.code), action, text)
        }
        error => {
            let fault = error.sqlite_error_code().map_or(StoreFault::Other, fault);
            StoreError::of(fault, action, error)
        }
    }
}

const fn fault(code: ErrorCode) -> StoreFault {
    match code {
        ErrorCode::DiskFull => StoreFault::Full,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreFault::ReadOnly,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreFault::Locked,
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreFault::NotADatabase,
        _ => StoreFault::Other,
    }
}

/// Creates the file with mode 0600, or removes the permissions of other users. SQLite gives its
/// `-wal` and `-shm` files the mode of the database.
#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> std::io::Result<()> {
    // The file inherits the folder's access control list.
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_an_operator_can_mend_is_told_apart() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, StoreFault::Full),
            (ffi::SQLITE_READONLY_DIRECTORY, StoreFault::ReadOnly),
            (ffi::SQLITE_BUSY, StoreFault::Locked),
            (ffi::SQLITE_NOTADB, StoreFault::NotADatabase),
            (ffi::SQLITE_CORRUPT_INDEX, StoreFault::NotADatabase),
            (ffi::SQLITE_IOERR_FSYNC, StoreFault::Other),
        ] {
            let error = ffi::Error::new(code);
            let error = rusqlite::Error::SqliteFailure(error, Some("as SQLite says it".to_owned()));
            let failure = failed("write")(error);
            assert_eq!(failure.fault(), expected);
            let said = std::error::Error::source(&failure).unwrap();
            assert_eq!(said.to_string(), format!("as SQLite says it (SQLite's code {code})"));
            assert!(said.source().is_none());
        }
    }
}
