//! The device flow (RFC 8628) up to the moment a person has decided.
//! Never lets an unauthenticated caller create more than a bounded number of rows.

use std::{net::IpAddr, time::Duration};

use login_common::{Secret, UnixTime, names::ClientId};
use serde_json::json;
use thiserror::Error;

use crate::store::StoreError;

/// The answer of the device authorization endpoint (RFC 8628 §3.2).
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// What the device polls with.
    pub device_code: Secret,
    /// What the person types: `BCDF-GHJK`.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: String,
    /// Life of both codes.
    pub expires_in: Duration,
    /// Least time between two polls.
    pub interval: Duration,
}

impl DeviceAuthorization {
    /// The JSON body; status 200, `Cache-Control: no-store`.
    pub fn body(&self) -> Secret {
        Secret::new(
            json!({
                "device_code": self.device_code.expose(),
                "user_code": self.user_code,
                "verification_uri": self.verification_uri,
                "verification_uri_complete": self.verification_uri_complete,
                "expires_in": self.expires_in.as_secs(),
                "interval": self.interval.as_secs(),
            })
            .to_string(),
        )
    }
}

/// What the person confirms or denies (RFC 8628 §5.4: they must see whom they let in).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    /// In the form it is shown: `BCDF-GHJK`.
    pub user_code: String,
    /// Which client asks.
    pub client_id: ClientId,
    /// What it asks for, separated by spaces.
    pub scope: String,
    /// The address the request came from.
    pub source: IpAddr,
    /// When it came.
    pub requested_at: UnixTime,
    /// When it lapses.
    pub expires_at: UnixTime,
}

/// A person's consent, with their password.
#[derive(Clone, Debug)]
pub struct DeviceApproval<'a> {
    /// As typed: case, spaces and dashes do not matter.
    pub user_code: &'a str,
    /// As typed.
    pub username: &'a str,
    /// As typed.
    pub password: &'a Secret,
    /// The browser's address; guesses are counted by it.
    pub source: IpAddr,
}

/// Why a user code led nowhere.
#[derive(Debug, Error)]
pub enum DeviceRefusal {
    /// Never given out, lapsed, or already decided.
    #[error("the code is not known or not valid any more")]
    UnknownCode,
    /// Whether the name exists is not told.
    #[error("wrong username or password")]
    WrongCredentials,
    /// Too many wrong codes or passwords; nothing was checked.
    #[error("too many attempts; try again after {until}")]
    Throttled {
        /// When the next attempt is looked at.
        until: UnixTime,
    },
    /// Answer with 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}
