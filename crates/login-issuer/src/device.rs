//! The device flow (RFC 8628) up to the user's decision.
//! Never lets an unauthenticated caller create more than a bounded number of rows.

use std::{net::IpAddr, time::Duration};

use login_common::{Secret, UnixTime};
use serde_json::json;
use thiserror::Error;

use crate::{
    Form, GrantType, Issuer, TokenError, clients,
    opaque::{self, CryptoError, Digest},
    scope,
    store::{DeviceDecision, DeviceQuota, DeviceRecord, StoreError},
    throttle::network_of,
    users::PasswordVerdict,
};

/// The response of the device authorization endpoint (RFC 8628 §3.2).
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// The code that the device polls with.
    pub device_code: Secret,
    /// The code that the user types: `BCDF-GHJK`.
    pub user_code: String,
    /// The URL where the user types it.
    pub verification_uri: String,
    /// The same URL with the code filled in.
    pub verification_uri_complete: String,
    /// Lifetime of both codes.
    pub expires_in: Duration,
    /// Minimum time between two polls.
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

/// The request that the user confirms or denies (RFC 8628 §5.4: they must see what they approve).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    /// As shown to the user: `BCDF-GHJK`.
    pub user_code: String,
    /// The requesting client.
    pub client_id: String,
    /// The requested scope, separated by spaces.
    pub scope: String,
    /// The source address of the request.
    pub source: IpAddr,
    /// When the request arrived.
    pub requested_at: UnixTime,
    /// When the request expires.
    pub expires_at: UnixTime,
}

/// A user's consent, with their password.
#[derive(Clone, Debug)]
pub struct DeviceApproval<'a> {
    /// As typed: case, spaces and dashes do not matter.
    pub user_code: &'a str,
    /// As typed.
    pub username: &'a str,
    /// As typed.
    pub password: &'a Secret,
    /// The browser's address; failed attempts are counted by its network.
    pub source: IpAddr,
}

/// Why a user code was refused.
#[derive(Debug, Error)]
pub enum DeviceRefusal {
    /// Never issued, expired, or already decided.
    #[error("the code is not known or not valid any more")]
    UnknownCode,
    /// The refusal does not reveal whether the name exists.
    #[error("wrong username or password")]
    WrongCredentials,
    /// Too many wrong codes or passwords; this one was not checked.
    #[error("too many attempts; try again after {until}")]
    Throttled {
        /// When the next attempt is allowed.
        until: UnixTime,
    },
    /// Answer with 503.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// Answer with 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) fn authorize(
    issuer: &Issuer,
    form: &Form,
    authorization: Option<&str>,
    source: IpAddr,
    now: UnixTime,
) -> Result<DeviceAuthorization, TokenError> {
    let settings = &issuer.settings;
    let client = clients::authenticate(&*issuer.store, form, authorization)?;
    if !settings.grants.contains(&GrantType::DeviceCode) {
        return Err(TokenError::UnsupportedGrantType);
    }
    if !client.may_use(GrantType::DeviceCode) {
        return Err(TokenError::UnauthorizedClient);
    }
    issuer.tidy(now)?;
    let device_code = opaque::token("kld_")?;
    let user_code = opaque::user_code()?;
    let record = DeviceRecord {
        device_code: Digest::of(device_code.expose()),
        user_code: Digest::of(&user_code),
        client_id: client.id().to_owned(),
        scope: scope::granted(form.text("scope")),
        source: source.to_canonical(),
        requested_at: now,
        expires_at: now.plus(settings.device_code_lifetime),
        interval: settings.device_poll_interval,
        polled_at: None,
        decision: None,
    };
    let quota = DeviceQuota {
        open: settings.open_device_codes,
        open_per_source: settings.open_device_codes_per_source,
    };
    if !issuer.store.add_device(&record, quota)? {
        return Err(TokenError::TooManyOpen);
    }
    let user_code = opaque::shown_user_code(&user_code);
    let verification_uri = settings.endpoint("/device");
    Ok(DeviceAuthorization {
        device_code,
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code,
        expires_in: settings.device_code_lifetime,
        interval: settings.device_poll_interval,
    })
}

pub(crate) fn request(
    issuer: &Issuer,
    user_code: &str,
    source: IpAddr,
    now: UnixTime,
) -> Result<DeviceRequest, DeviceRefusal> {
    let record = find(issuer, user_code, source, now)?;
    let user_code = opaque::normal_user_code(user_code).ok_or(DeviceRefusal::UnknownCode)?;
    Ok(DeviceRequest {
        user_code: opaque::shown_user_code(&user_code),
        client_id: record.client_id,
        scope: record.scope,
        source: record.source,
        requested_at: record.requested_at,
        expires_at: record.expires_at,
    })
}

pub(crate) fn approve(
    issuer: &Issuer,
    approval: &DeviceApproval<'_>,
    now: UnixTime,
) -> Result<(), DeviceRefusal> {
    let record = find(issuer, approval.user_code, approval.source, now)?;
    let DeviceApproval { username, password, source, .. } = approval;
    let user = match issuer.passwords.check(&*issuer.store, username, password, *source, now)? {
        PasswordVerdict::Right(user) => user,
        PasswordVerdict::Wrong => return Err(DeviceRefusal::WrongCredentials),
        PasswordVerdict::Throttled(until) => return Err(DeviceRefusal::Throttled { until }),
    };
    let decision = DeviceDecision::Approved {
        user_id: user.id,
        session_id: opaque::identifier("")?,
        authenticated_at: now,
    };
    decide(issuer, &record, &decision, now)
}

pub(crate) fn deny(
    issuer: &Issuer,
    user_code: &str,
    source: IpAddr,
    now: UnixTime,
) -> Result<(), DeviceRefusal> {
    let record = find(issuer, user_code, source, now)?;
    decide(issuer, &record, &DeviceDecision::Denied, now)
}

fn decide(
    issuer: &Issuer,
    record: &DeviceRecord,
    decision: &DeviceDecision,
    now: UnixTime,
) -> Result<(), DeviceRefusal> {
    // Another request may have decided since the lookup.
    if issuer.store.decide_device(&record.user_code, decision, now)? {
        Ok(())
    } else {
        Err(DeviceRefusal::UnknownCode)
    }
}

/// Looks a user code up. RFC 8628 §5.1: user codes are short, so wrong ones are counted.
fn find(
    issuer: &Issuer,
    typed: &str,
    source: IpAddr,
    now: UnixTime,
) -> Result<DeviceRecord, DeviceRefusal> {
    let source = network_of(source).to_string();
    issuer.user_codes.admit(&source, now).map_err(|until| DeviceRefusal::Throttled { until })?;
    let user_code = opaque::normal_user_code(typed).ok_or(DeviceRefusal::UnknownCode)?;
    let found = issuer.store.open_device(&Digest::of(&user_code), now)?;
    let record = found.ok_or(DeviceRefusal::UnknownCode)?;
    issuer.user_codes.forgive(&source);
    Ok(record)
}
