//! The device flow (RFC 8628) up to the moment a person has decided.
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
    pub client_id: String,
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
    // Somebody else may have decided since it was looked up.
    if issuer.store.decide_device(&record.user_code, decision, now)? {
        Ok(())
    } else {
        Err(DeviceRefusal::UnknownCode)
    }
}

/// RFC 8628 §5.1: user codes are short, so wrong ones are counted.
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
