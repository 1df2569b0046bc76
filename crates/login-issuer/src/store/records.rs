//! What a store keeps, and the steps it can be told to take.
//! Never a secret in clear, except password hashes and private keys, which stay wrapped.

use std::{net::IpAddr, time::Duration};

use login_common::{Secret, UnixTime};
use zeroize::Zeroizing;

use crate::{GrantFacts, opaque::Digest};

/// A signing key.
#[derive(Clone)]
pub struct KeyRecord {
    /// RFC 7638 thumbprint.
    pub key_id: String,
    /// PKCS#8, DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// From when on it signs. Published before that, so that caches know it in time.
    pub activates_at: UnixTime,
}

/// A person.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// `sub`.
    pub id: String,
    /// As the operator wrote it.
    pub name: String,
    /// PHC string.
    pub password_hash: Secret,
    /// `groups`.
    pub groups: Vec<String>,
    /// When added.
    pub created_at: UnixTime,
}

/// A machine client.
#[derive(Clone, Debug)]
pub struct ClientRecord {
    /// `client_id`.
    pub id: String,
    /// Digest of its secret.
    pub secret: Digest,
    /// `groups`.
    pub groups: Vec<String>,
    /// When added.
    pub created_at: UnixTime,
}

/// An authorization code with all it is bound to.
#[derive(Clone, Debug)]
pub struct CodeRecord {
    /// Digest of the code.
    pub code: Digest,
    /// To whom it was issued.
    pub client_id: String,
    /// Byte for byte as in the authorization request.
    pub redirect_uri: String,
    /// S256 `code_challenge`.
    pub challenge: String,
    /// For the ID token.
    pub nonce: Option<String>,
    /// Granted scope.
    pub scope: String,
    /// Who signed in.
    pub user_id: String,
    /// `sid` of what will be issued.
    pub session_id: String,
    /// `auth_time`.
    pub authenticated_at: UnixTime,
    /// Its end.
    pub expires_at: UnixTime,
    /// When it was used.
    pub redeemed_at: Option<UnixTime>,
}

/// What to do with a code.
pub enum CodeStep {
    /// Nothing.
    Leave,
    /// Mark it used and, with scope `offline_access`, begin a session.
    Redeem {
        /// Now.
        at: UnixTime,
        /// The session and its first refresh token.
        session: Option<Box<NewSession>>,
    },
    /// Revoke the session it began.
    Revoke {
        /// Now.
        at: UnixTime,
    },
}

/// One sign-in that can be refreshed: a family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// `sid`.
    pub session_id: String,
    /// Whose tokens they are.
    pub client_id: String,
    /// Who signed in.
    pub user_id: String,
    /// What was granted.
    pub scope: String,
    /// `auth_time`.
    pub authenticated_at: UnixTime,
    /// Nothing of this session outlives it.
    pub ends_at: UnixTime,
    /// When it was ended before its time.
    pub revoked_at: Option<UnixTime>,
    /// Generation of the tokens that are live.
    pub generation: i64,
    /// What made the live generation.
    pub rotation: Option<Rotation>,
}

impl SessionRecord {
    /// What an operator may have revoked of it.
    pub fn facts(&self) -> GrantFacts<'_> {
        GrantFacts {
            session_id: &self.session_id,
            subject: &self.user_id,
            began_at: self.authenticated_at,
        }
    }
}

/// The use of a refresh token that made the live generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Which token was used.
    pub by: Digest,
    /// When.
    pub at: UnixTime,
}

/// One refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenRecord {
    /// Digest of the token.
    pub token: Digest,
    /// Its session.
    pub session_id: String,
    /// Live while it is the session's.
    pub generation: i64,
    /// Its end when it is not used.
    pub expires_at: UnixTime,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The session.
    pub session: SessionRecord,
    /// Its first token.
    pub token: RefreshTokenRecord,
}

/// What to do with a refresh token.
pub enum RotationStep {
    /// Nothing.
    Leave,
    /// `next` and its siblings are live from now on, the presented token is not.
    Advance {
        /// Of the next generation.
        next: RefreshTokenRecord,
        /// Now.
        at: UnixTime,
    },
    /// `next` becomes one more token of the live generation.
    Sibling {
        /// Of the live generation.
        next: RefreshTokenRecord,
    },
    /// End the session.
    Revoke {
        /// Now.
        at: UnixTime,
    },
}

/// A device authorization request.
#[derive(Clone, Debug)]
pub struct DeviceRecord {
    /// Digest of the device code.
    pub device_code: Digest,
    /// Digest of the user code, without the dash.
    pub user_code: Digest,
    /// Which client asks.
    pub client_id: String,
    /// What would be granted.
    pub scope: String,
    /// Whence it came.
    pub source: IpAddr,
    /// When it came.
    pub requested_at: UnixTime,
    /// Its end.
    pub expires_at: UnixTime,
    /// Least time between polls; grows with each `slow_down`.
    pub interval: Duration,
    /// The latest poll.
    pub polled_at: Option<UnixTime>,
    /// `None` while nobody decided.
    pub decision: Option<DeviceDecision>,
}

/// What the person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceDecision {
    /// Yes.
    Approved {
        /// Who said it.
        user_id: String,
        /// `sid` of what will be issued.
        session_id: String,
        /// When.
        authenticated_at: UnixTime,
    },
    /// No.
    Denied,
}

/// How many requests may be open, this one included.
#[derive(Clone, Copy, Debug)]
pub struct DeviceQuota {
    /// All together.
    pub open: u32,
    /// From one source address.
    pub open_per_source: u32,
}

/// What to do with a polled device code.
pub enum DeviceStep {
    /// Nothing.
    Leave,
    /// Note the poll.
    Polled {
        /// Now.
        at: UnixTime,
        /// Least time until the next one.
        interval: Duration,
    },
    /// Forget the code and, when it was approved with scope `offline_access`, begin a session.
    Finish {
        /// The session and its first refresh token.
        session: Option<Box<NewSession>>,
    },
}
