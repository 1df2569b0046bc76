//! The issuer's persistent state: the interface of every storage backend.
//! Never stores a code, a token or a client secret in plain text, and never decides: where a
//! decision and its effect must be one transaction, the caller passes the rule.
//! Next: `records.rs`, then `sqlite.rs`; `conformance.rs` is the suite every backend passes.

#[cfg(test)]
mod conformance;
mod records;
mod sqlite;

use login_common::{Secret, UnixTime};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::opaque::Digest;
pub use records::{
    ClientRecord, CodeRecord, CodeStep, DeviceDecision, DeviceQuota, DeviceRecord, DeviceStep,
    KeyRecord, NewSession, RefreshTokenRecord, Rotation, RotationStep, SessionRecord, UserRecord,
};
pub use sqlite::SqliteStore;

/// The store failed. The text is for the operator.
#[derive(Debug, Error)]
#[error("the issuer's store failed while it tried to {action}")]
pub struct StoreError {
    action: &'static str,
    fault: StoreFault,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The cause of a failure, as far as an operator can fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// The disk is full.
    Full,
    /// This process has no write permission.
    ReadOnly,
    /// Another process holds the lock for too long.
    Locked,
    /// The file is no database, or a damaged one.
    /// The database was created only in part.
    NotADatabase,
    /// Its making was begun and not finished.
    Unfinished,
    /// The schema is of another version of this program.
    OtherVersion,
    /// Another cause; the text has the details.
    Other,
}

impl StoreError {
    pub(crate) fn new(
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::of(StoreFault::Other, action, source)
    }

    pub(crate) fn of(
        fault: StoreFault,
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { action, fault, source: source.into() }
    }

    /// The cause of the failure.
    pub fn fault(&self) -> StoreFault {
        self.fault
    }
}

/// The interface of every backend. Each method is one transaction that is durable when it returns.
pub trait Store:
    KeyStore + UserStore + ClientStore + CodeStore + SessionStore + DeviceStore + Send + Sync
{
    /// Removes the records that are not needed any more at `now`.
    fn purge(&self, now: UnixTime) -> Result<(), StoreError>;

    /// Fails unless the store can be read and its schema is the one that this program supports.
    fn check(&self) -> Result<(), StoreError>;
}

/// The issuer's own keys.
pub trait KeyStore {
    /// All signing keys; stores `first` if there are none. Of two concurrent callers, the second
    /// gets the first one's key.
    fn signing_keys_or(&self, first: &KeyRecord) -> Result<Vec<KeyRecord>, StoreError>;

    /// The key that seals login forms; stores `first` if there is none.
    fn sealing_key_or(&self, first: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError>;
}

/// Users.
pub trait UserStore {
    /// False when the name is taken; names are compared without regard to ASCII case.
    fn add_user(&self, user: &UserRecord) -> Result<bool, StoreError>;
    /// Looks a user up, ignoring ASCII case.
    fn user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    /// Looks a user up by `sub`.
    fn user_by_id(&self, id: &str) -> Result<Option<UserRecord>, StoreError>;
    /// All users, sorted by name.
    fn users(&self) -> Result<Vec<UserRecord>, StoreError>;
    /// Deletes a user with their codes, sessions and approvals; the ended sessions stay listed.
    /// False when there is no such user.
    fn delete_user(&self, name: &str, now: UnixTime) -> Result<bool, StoreError>;
    /// Replaces the groups. False when there is no such user.
    fn set_user_groups(&self, name: &str, groups: &[String]) -> Result<bool, StoreError>;
    /// Revokes the user's sessions, and removes codes and approvals. Returns the number of
    /// sessions; `None` when there is no such user.
    fn end_user_sessions(&self, name: &str, now: UnixTime) -> Result<Option<usize>, StoreError>;
    /// Also removes the user's codes and revokes their sessions. False when there is no such user.
    fn set_password(&self, name: &str, hash: &Secret, now: UnixTime) -> Result<bool, StoreError>;
}

/// Machine clients.
pub trait ClientStore {
    /// False when the id is taken.
    fn add_client(&self, client: &ClientRecord) -> Result<bool, StoreError>;
    /// Looks a client up by its exact id.
    fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError>;
    /// All clients, sorted by id.
    fn clients(&self) -> Result<Vec<ClientRecord>, StoreError>;
    /// Replaces the groups. False when there is no such client.
    fn set_client_groups(&self, id: &str, groups: &[String]) -> Result<bool, StoreError>;
    /// False when there is no such client.
    fn delete_client(&self, id: &str) -> Result<bool, StoreError>;
}

/// Authorization codes.
pub trait CodeStore {
    /// Stores a new code.
    fn add_code(&self, code: &CodeRecord) -> Result<(), StoreError>;

    /// Finds a code and applies `rule`, atomically. Returns the code as `rule` saw it.
    fn redeem_code(
        &self,
        code: &Digest,
        rule: &dyn Fn(&CodeRecord) -> CodeStep,
    ) -> Result<Option<CodeRecord>, StoreError>;
}

/// Sessions and their refresh tokens.
pub trait SessionStore {
    /// Finds a refresh token with its session and applies `rule`, atomically. Returns both as
    /// `rule` saw them.
    fn rotate(
        &self,
        token: &Digest,
        rule: &dyn Fn(&SessionRecord, &RefreshTokenRecord) -> RotationStep,
    ) -> Result<Option<(SessionRecord, RefreshTokenRecord)>, StoreError>;

    /// Ends every active session that matches `rule`, in one transaction; returns their `sid`.
    fn end_sessions(
        &self,
        rule: &dyn Fn(&SessionRecord) -> bool,
        now: UnixTime,
    ) -> Result<Vec<String>, StoreError>;

    /// Looks a session up by `sid`.
    fn session(&self, session_id: &str) -> Result<Option<SessionRecord>, StoreError>;

    /// The `sid` of every session that ended early, at `since` or later; includes sessions that
    /// were purged or deleted.
    fn sessions_ended_since(&self, since: UnixTime) -> Result<Vec<String>, StoreError>;
}

/// Device codes.
pub trait DeviceStore {
    /// False, and nothing is stored, when `quota` is exhausted at the time of the request.
    fn add_device(&self, device: &DeviceRecord, quota: DeviceQuota) -> Result<bool, StoreError>;

    /// An undecided request that has not expired at `now`.
    fn open_device(
        &self,
        user_code: &Digest,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, StoreError>;

    /// Decides an open request, once. False when there is no such open request at `now`.
    fn decide_device(
        &self,
        user_code: &Digest,
        decision: &DeviceDecision,
        now: UnixTime,
    ) -> Result<bool, StoreError>;

    /// Finds a device code and applies `rule`, atomically. Returns the request as `rule` saw it.
    fn poll_device(
        &self,
        device_code: &Digest,
        rule: &dyn Fn(&DeviceRecord) -> DeviceStep,
    ) -> Result<Option<DeviceRecord>, StoreError>;
}
