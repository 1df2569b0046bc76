//! The records of a store, and the steps that a rule can choose.
//! Never contains a secret in plain text, except password hashes and private keys, which stay
//! wrapped in `Secret` and `Zeroizing`.

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
    /// From when on it signs. Published earlier, so that caches have it in time.
    pub activates_at: UnixTime,
}

/// A user.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// `sub`.
    pub id: String,
    /// As written by the operator.
    pub name: String,
    /// PHC string.
    pub password_hash: Secret,
    /// `groups`.
    pub groups: Vec<String>,
    /// When it was added.
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
    /// When it was added.
    pub created_at: UnixTime,
}

/// An authorization code with everything that it is bound to.
#[derive(Clone, Debug)]
pub struct CodeRecord {
    /// Digest of the code.
    pub code: Digest,
    /// The client that it was issued to.
    pub client_id: String,
    /// Byte for byte as in the authorization request.
    pub redirect_uri: String,
    /// S256 `code_challenge`.
    pub challenge: String,
    /// For the ID token.
    pub nonce: Option<String>,
    /// Granted scope.
    pub scope: String,
    /// The user who signed in.
    pub user_id: String,
    /// `sid` of the tokens to be issued.
    pub session_id: String,
    /// `auth_time`.
    pub authenticated_at: UnixTime,
    /// When it expires.
    pub expires_at: UnixTime,
    /// When it was redeemed.
    pub redeemed_at: Option<UnixTime>,
}

/// What to do with a code.
pub enum CodeStep {
    /// Change nothing.
    Leave,
    /// Mark it redeemed and, with scope `offline_access`, begin a session.
    Redeem {
        /// Now.
        at: UnixTime,
        /// The session and its first refresh token.
        session: Option<Box<NewSession>>,
    },
    /// Revoke the session that it began.
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
    /// The client that the tokens were issued to.
    pub client_id: String,
    /// The user who signed in.
    pub user_id: String,
    /// The granted scope.
    pub scope: String,
    /// `auth_time`.
    pub authenticated_at: UnixTime,
    /// No token of this session outlives it.
    pub ends_at: UnixTime,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
    /// The live generation of tokens.
    pub generation: i64,
    /// The rotation that created the live generation.
    pub rotation: Option<Rotation>,
}

impl SessionRecord {
    /// The facts that a revocation can match.
    pub fn facts(&self) -> GrantFacts<'_> {
        GrantFacts {
            session_id: &self.session_id,
            subject: &self.user_id,
            began_at: self.authenticated_at,
        }
    }
}

/// The use of a refresh token that created the live generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The token that was used.
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
    /// The token is live while this is the session's generation.
    pub generation: i64,
    /// When it expires unused.
    pub expires_at: UnixTime,
}

/// A new session.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The session.
    pub session: SessionRecord,
    /// Its first token.
    pub token: RefreshTokenRecord,
}

/// What to do with a refresh token.
pub enum RotationStep {
    /// Change nothing.
    Leave,
    /// Make `next` and its siblings live, and the presented token not.
    Advance {
        /// A token of the next generation.
        next: RefreshTokenRecord,
        /// Now.
        at: UnixTime,
    },
    /// Add `next` to the live generation.
    Sibling {
        /// A token of the live generation.
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
    /// The requesting client.
    pub client_id: String,
    /// The scope to grant.
    pub scope: String,
    /// The source address of the request.
    pub source: IpAddr,
    /// When the request arrived.
    pub requested_at: UnixTime,
    /// When it expires.
    pub expires_at: UnixTime,
    /// Minimum time between polls; grows with each `slow_down`.
    pub interval: Duration,
    /// When the device last polled.
    pub polled_at: Option<UnixTime>,
    /// `None` while the request is undecided.
    pub decision: Option<DeviceDecision>,
}

/// The user's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceDecision {
    /// Yes.
    Approved {
        /// The user who approved.
        user_id: String,
        /// `sid` of the tokens to be issued.
        session_id: String,
        /// When.
        authenticated_at: UnixTime,
    },
    /// No.
    Denied,
}

/// Maximum number of open requests, this one included.
#[derive(Clone, Copy, Debug)]
pub struct DeviceQuota {
    /// In total.
    pub open: u32,
    /// From one source network: an IPv4 address, or an IPv6 /64.
    pub open_per_source: u32,
}

/// What to do with a polled device code.
pub enum DeviceStep {
    /// Change nothing.
    Leave,
    /// Record the poll.
    Polled {
        /// Now.
        at: UnixTime,
        /// Minimum time until the next one.
        interval: Duration,
    },
    /// Delete the code and, if it was approved with scope `offline_access`, begin a session.
    Finish {
        /// The session and its first refresh token.
        session: Option<Box<NewSession>>,
    },
}
