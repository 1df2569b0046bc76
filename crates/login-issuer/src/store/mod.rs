//! Where the issuer keeps what must survive a restart: what every backend offers.
//! Never holds a code, a token or a client secret in clear, and never decides: where a decision
//! must be atomic with what follows from it, the caller hands in the rule.
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

/// What stands in the way, as far as an operator can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// There is no room on the disk.
    Full,
    /// This process may not write there.
    ReadOnly,
    /// Another process has kept it locked for long.
    Locked,
    /// What is there is no database, or a damaged one.
    NotADatabase,
    /// Its making was begun and not finished.
    Unfinished,
    /// It is of another version of this program.
    OtherVersion,
    /// None of these; the text says what is known.
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

    /// What stands in the way.
    pub fn fault(&self) -> StoreFault {
        self.fault
    }
}

/// What every backend offers. Each method is one transaction that is durable when it returns.
pub trait Store:
    KeyStore + UserStore + ClientStore + CodeStore + SessionStore + DeviceStore + Send + Sync
{
    /// Removes what can matter no more at `now`.
    fn purge(&self, now: UnixTime) -> Result<(), StoreError>;

    /// Whether the store can be read and its schema is the one this program knows.
    fn check(&self) -> Result<(), StoreError>;
}

/// The issuer's own keys.
pub trait KeyStore {
    /// All signing keys; keeps `first` when there was none. Whoever comes second gets the
    /// key of whoever came first.
    fn signing_keys_or(&self, first: &KeyRecord) -> Result<Vec<KeyRecord>, StoreError>;

    /// The key that seals login forms; keeps `first` when there was none.
    fn sealing_key_or(&self, first: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError>;
}

/// People.
pub trait UserStore {
    /// False when the name is taken; names are compared without regard to ASCII case.
    fn add_user(&self, user: &UserRecord) -> Result<bool, StoreError>;
    /// Without regard to ASCII case.
    fn user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    /// By `sub`.
    fn user_by_id(&self, id: &str) -> Result<Option<UserRecord>, StoreError>;
    /// By name.
    fn users(&self) -> Result<Vec<UserRecord>, StoreError>;
    /// With their codes, sessions and approvals; that the sessions ended stays known. False when
    /// nobody has that name.
    fn delete_user(&self, name: &str, now: UnixTime) -> Result<bool, StoreError>;
    /// Replaces the groups. False when nobody has that name.
    fn set_user_groups(&self, name: &str, groups: &[String]) -> Result<bool, StoreError>;
    /// Revokes the person's sessions, and removes codes and approvals. How many sessions ended;
    /// `None` when nobody has that name.
    fn end_user_sessions(&self, name: &str, now: UnixTime) -> Result<Option<usize>, StoreError>;
    /// Also removes the person's codes and revokes their sessions. False when nobody has that name.
    fn set_password(&self, name: &str, hash: &Secret, now: UnixTime) -> Result<bool, StoreError>;
}

/// Machine clients.
pub trait ClientStore {
    /// False when the id is taken.
    fn add_client(&self, client: &ClientRecord) -> Result<bool, StoreError>;
    /// By exact id.
    fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError>;
    /// By id.
    fn clients(&self) -> Result<Vec<ClientRecord>, StoreError>;
    /// Replaces the groups. False when there is none.
    fn set_client_groups(&self, id: &str, groups: &[String]) -> Result<bool, StoreError>;
    /// False when there is none.
    fn delete_client(&self, id: &str) -> Result<bool, StoreError>;
}

/// Authorization codes.
pub trait CodeStore {
    /// Keeps a new code.
    fn add_code(&self, code: &CodeRecord) -> Result<(), StoreError>;

    /// Finds a code and does what `rule` says, atomically. Answers the code as `rule` saw it.
    fn redeem_code(
        &self,
        code: &Digest,
        rule: &dyn Fn(&CodeRecord) -> CodeStep,
    ) -> Result<Option<CodeRecord>, StoreError>;
}

/// Sessions and their refresh tokens.
pub trait SessionStore {
    /// Finds a refresh token with its session and does what `rule` says, atomically. Answers both
    /// as `rule` saw them.
    fn rotate(
        &self,
        token: &Digest,
        rule: &dyn Fn(&SessionRecord, &RefreshTokenRecord) -> RotationStep,
    ) -> Result<Option<(SessionRecord, RefreshTokenRecord)>, StoreError>;

    /// Ends every session that goes on and for which `rule` says so, in one transaction; gives
    /// their `sid`.
    fn end_sessions(
        &self,
        rule: &dyn Fn(&SessionRecord) -> bool,
        now: UnixTime,
    ) -> Result<Vec<String>, StoreError>;

    /// By `sid`.
    fn session(&self, session_id: &str) -> Result<Option<SessionRecord>, StoreError>;

    /// The `sid` of every session that was ended before its time, at `since` or later; also of
    /// those that are gone.
    fn sessions_ended_since(&self, since: UnixTime) -> Result<Vec<String>, StoreError>;
}

/// Device codes.
pub trait DeviceStore {
    /// False, and nothing kept, when `quota` is used up at the time the request was made.
    fn add_device(&self, device: &DeviceRecord, quota: DeviceQuota) -> Result<bool, StoreError>;

    /// A request that is undecided and has not lapsed at `now`.
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

    /// Finds a device code and does what `rule` says, atomically. Answers the request as `rule`
    /// saw it.
    fn poll_device(
        &self,
        device_code: &Digest,
        rule: &dyn Fn(&DeviceRecord) -> DeviceStep,
    ) -> Result<Option<DeviceRecord>, StoreError>;
}
