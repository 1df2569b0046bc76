//! The device authorization grant: its request, its response, and when to poll (RFC 8628).
//! Never sleeps and never reads a clock: it gets the time since the sign-in began, and returns how
//! long to wait.

use std::time::Duration;

use login_common::{
    Secret,
    names::{ClientId, is_confidential},
    strict_json,
};
use serde::Deserialize;
use url::Url;

use super::{
    error::OAuthErrorCode,
    token_endpoint::{
        ClientAuthentication, FormRequest, TokenEndpointError, TokenResponse, WireSeconds, failure,
    },
};

/// RFC 8628 §3.2: the default of `interval`.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// RFC 8628 §3.2 requires `expires_in`; the usual ten minutes if an issuer omits it.
const DEFAULT_LIFE: Duration = Duration::from_mins(10);

/// RFC 8628 §3.5: `slow_down` permanently adds this.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Maximum interval after polls without a response, since a user is waiting. Does not limit an
/// interval that the issuer requires.
const MAX_SILENCE: Duration = Duration::from_mins(1);

/// The device authorization request (RFC 8628 §3.1).
pub fn device_request(
    client: &ClientId,
    authentication: &ClientAuthentication,
    scopes: &[String],
    audience: Option<&str>,
) -> FormRequest {
    let mut form = FormRequest::new(client, authentication);
    if matches!(authentication, ClientAuthentication::Basic(_)) {
        // RFC 8628 §3.1 requires it in the form even then, unlike the token endpoint.
        form.push("client_id", client.as_str());
    }
    form.push_scopes(scopes);
    form.push_audience(audience);
    form
}

/// The issuer's response (RFC 8628 §3.2).
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// Sent to the token endpoint only.
    pub device_code: Secret,
    /// Shown to the user, who types it in the browser.
    pub user_code: String,
    /// The URL where the user types it.
    pub verification_uri: Url,
    /// The same URL with the code filled in.
    pub verification_uri_complete: Option<Url>,
    /// Lifetime of both codes.
    pub expires_in: Duration,
    /// Minimum time between two polls.
    pub interval: Duration,
}

#[derive(Deserialize)]
struct WireDevice {
    device_code: String,
    user_code: String,
    verification_uri: Option<String>,
    // The name before the RFC: Google sends only this one, others send both.
    verification_url: Option<String>,
    verification_uri_complete: Option<String>,
    verification_url_complete: Option<String>,
    expires_in: Option<WireSeconds>,
    interval: Option<WireSeconds>,
}

/// Judges a response of the device authorization endpoint.
pub fn parse_device_response(
    status: u16,
    body: &[u8],
) -> Result<DeviceAuthorization, TokenEndpointError> {
    if let Some(error) = failure(status, body) {
        return Err(error);
    }
    let malformed = |what: &str| TokenEndpointError::Malformed(what.to_owned());
    let wire: WireDevice = strict_json::members_in_use(body)
        .map_err(|_| malformed("it is not the JSON of RFC 8628 §3.2"))?;
    let presentable_code = !wire.user_code.is_empty()
        && wire.user_code.len() <= 64
        && wire.user_code.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    if wire.device_code.is_empty() || !presentable_code {
        return Err(malformed("its codes are empty or not printable"));
    }
    // The user signs in there, so the connection must be confidential.
    let page = |text: &str| Url::parse(text).ok().filter(is_confidential);
    let verification_uri = wire
        .verification_uri
        .or(wire.verification_url)
        .as_deref()
        .and_then(page)
        .ok_or_else(|| malformed("its verification_uri is not an https URL"))?;
    Ok(DeviceAuthorization {
        device_code: Secret::new(wire.device_code),
        user_code: wire.user_code,
        verification_uri,
        verification_uri_complete: wire
            .verification_uri_complete
            .or(wire.verification_url_complete)
            .as_deref()
            .and_then(page),
        expires_in: wire
            .expires_in
            .and_then(WireSeconds::into_long_duration)
            .unwrap_or(DEFAULT_LIFE),
        interval: wire
            .interval
            .and_then(WireSeconds::into_long_duration)
            .unwrap_or(DEFAULT_INTERVAL),
    })
}

/// Decides when to poll the token endpoint, and when to stop.
#[derive(Debug)]
pub struct Polling {
    interval: Duration,
    life: Duration,
}

/// The next step after a poll.
#[derive(Debug)]
pub enum Step {
    /// Wait this long, then poll again.
    AskAgain(Duration),
    /// The user approved.
    Done(TokenResponse),
    /// The user or the issuer denied, or the response is invalid.
    Failed(TokenEndpointError),
    /// The code expired without a decision.
    Expired,
}

impl Polling {
    /// Starts polling; `wait` gives the first step.
    pub fn begin(authorization: &DeviceAuthorization) -> Self {
        Self {
            interval: authorization.interval.max(Duration::from_secs(1)),
            life: authorization.expires_in,
        }
    }

    /// The step before the next poll, `elapsed` after the start: never polls sooner than the
    /// interval, nor after the code has expired.
    pub fn wait(&self, elapsed: Duration) -> Step {
        if elapsed.saturating_add(self.interval) <= self.life {
            Step::AskAgain(self.interval)
        } else {
            Step::Expired
        }
    }

    /// Judges the response to a poll, `elapsed` after the start.
    pub fn after_answer(
        &mut self,
        answer: Result<TokenResponse, TokenEndpointError>,
        elapsed: Duration,
    ) -> Step {
        match answer {
            Ok(tokens) => Step::Done(tokens),
            Err(TokenEndpointError::Refused { status, error }) => match error.code {
                OAuthErrorCode::AuthorizationPending => self.wait(elapsed),
                OAuthErrorCode::SlowDown => {
                    self.interval = self.interval.saturating_add(SLOW_DOWN);
                    self.wait(elapsed)
                }
                OAuthErrorCode::ExpiredToken => Step::Expired,
                _ => Step::Failed(TokenEndpointError::Refused { status, error }),
            },
            Err(TokenEndpointError::Unavailable { .. }) => self.after_silence(elapsed),
            Err(
                error @ (TokenEndpointError::Unexpected { .. } | TokenEndpointError::Malformed(_)),
            ) => Step::Failed(error),
        }
    }

    /// The step after a poll without a response. RFC 8628 §3.5: poll less often, for example half
    /// as often.
    pub fn after_silence(&mut self, elapsed: Duration) -> Step {
        self.interval = self.interval.max(self.interval.saturating_mul(2).min(MAX_SILENCE));
        self.wait(elapsed)
    }
}

#[cfg(test)]
mod tests;
