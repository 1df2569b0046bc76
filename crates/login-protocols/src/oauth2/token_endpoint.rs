//! The token endpoint: grants as forms, and the response judged by status and body (RFC 6749 §3.2,
//! §4, §5).
//! Never treats an outage as a refusal: only a refusal may lead to a new sign-in.

use std::time::Duration;

use login_common::{Secret, names::ClientId, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use thiserror::Error;

pub use super::form::{ClientAuthentication, FormRequest, audience_parameters};
use super::{
    error::{Meaning, OAuthError, presentable},
    pkce::Verifier,
};

/// Maximum length of a response of a token endpoint in bytes.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// Maximum length of a token in bytes.
const MAX_TOKEN: usize = crate::jose::MAX_TOKEN_LENGTH;

/// `grant_type` of the device flow (RFC 8628 §3.4).
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `grant_type` of token exchange (RFC 8693 §2.1).
pub const TOKEN_EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// `grant_type` of an assertion (RFC 7523 §2.1).
pub const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// RFC 8693 §3: an ID token.
pub const ID_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:id_token";

/// RFC 8693 §3: any JWT.
pub const JWT_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

/// RFC 8693 §3: a refresh token.
const REFRESH_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:refresh_token";

/// A grant to exchange for tokens.
pub enum Grant<'a> {
    /// RFC 6749 §4.1.3, RFC 7636 §4.5
    AuthorizationCode {
        /// From the callback.
        code: &'a Secret,
        /// The same text as in the authorization request.
        redirect_uri: &'a str,
        /// The verifier of the challenge in the authorization request. `None` for issuers that
        /// refuse PKCE.
        verifier: Option<&'a Verifier>,
    },
    /// RFC 6749 §6
    RefreshToken(&'a Secret),
    /// RFC 6749 §4.4.2
    ClientCredentials {
        /// Joined by spaces; omitted when empty.
        scopes: &'a [String],
    },
    /// RFC 8628 §3.4
    DeviceCode(&'a Secret),
    /// RFC 6749 §4.3.2
    Password {
        /// The user's name.
        username: &'a str,
        /// The user's password.
        password: &'a Secret,
        /// Joined by spaces; omitted when empty.
        scopes: &'a [String],
    },
    /// RFC 8693 §2.1
    TokenExchange {
        /// Identifies the subject of the new token.
        subject_token: &'a Secret,
        /// The type of that token.
        subject_token_type: &'a str,
        /// The type of the new token; the issuer decides when it is omitted.
        requested_token_type: Option<&'a str>,
        /// Joined by spaces; omitted when empty.
        scopes: &'a [String],
    },
    /// RFC 7523 §2.1
    JwtBearer {
        /// Identifies the subject of the new token.
        assertion: &'a Secret,
        /// Joined by spaces; omitted when empty.
        scopes: &'a [String],
    },
}

/// The token request for `grant`.
pub fn token_request(
    client: &ClientId,
    authentication: &ClientAuthentication,
    grant: &Grant<'_>,
    audience: Option<&str>,
) -> FormRequest {
    let mut form = FormRequest::new(client, authentication);
    match grant {
        Grant::AuthorizationCode { code, redirect_uri, verifier } => {
            form.push("grant_type", "authorization_code");
            form.push_secret("code", code);
            form.push("redirect_uri", redirect_uri);
            if let Some(verifier) = verifier {
                form.push_secret("code_verifier", verifier.as_secret());
            }
        }
        Grant::RefreshToken(token) => {
            form.push("grant_type", "refresh_token");
            form.push_secret("refresh_token", token);
        }
        Grant::ClientCredentials { scopes } => {
            form.push("grant_type", "client_credentials");
            form.push_scopes(scopes);
        }
        Grant::DeviceCode(code) => {
            form.push("grant_type", DEVICE_CODE_GRANT);
            form.push_secret("device_code", code);
        }
        Grant::Password { username, password, scopes } => {
            form.push("grant_type", "password");
            form.push("username", username);
            form.push_secret("password", password);
            form.push_scopes(scopes);
        }
        Grant::TokenExchange {
            subject_token,
            subject_token_type,
            requested_token_type,
            scopes,
        } => {
            form.push("grant_type", TOKEN_EXCHANGE_GRANT);
            form.push_secret("subject_token", subject_token);
            form.push("subject_token_type", subject_token_type);
            if let Some(requested) = requested_token_type {
                form.push("requested_token_type", requested);
            }
            form.push_scopes(scopes);
        }
        Grant::JwtBearer { assertion, scopes } => {
            form.push("grant_type", JWT_BEARER_GRANT);
            form.push_secret("assertion", assertion);
            form.push_scopes(scopes);
        }
    }
    form.push_audience(audience);
    form
}

/// A successful response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Debug)]
pub struct TokenResponse {
    /// For resource servers.
    pub access_token: Option<Secret>,
    /// For the client itself.
    pub id_token: Option<Secret>,
    /// For the next renewal; `None` means that the previous one, if any, stays valid.
    pub refresh_token: Option<Secret>,
    /// Lifetime of the access token, if the issuer states one.
    pub expires_in: Option<Duration>,
    /// RFC 8693 §2.2.1: the type of `access_token`, after an exchange.
    pub issued_token_type: Option<String>,
}

/// Why no tokens were returned.
#[derive(Debug, Error)]
pub enum TokenEndpointError {
    /// The issuer refused the request.
    #[error("the issuer answered {status} {error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The issuer's error; part of this message, hence not a separate source.
        error: OAuthError,
    },
    /// The issuer cannot answer now: says nothing about the grant.
    #[error("the issuer answered {status}{}, which means that it is out of order",
        error.as_ref().map(|error| format!(" {error}")).unwrap_or_default())]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The issuer's error, if any; part of this message, hence not a separate source.
        error: Option<OAuthError>,
    },
    /// Not an OAuth response, for example one of a proxy.
    #[error("the issuer answered {status} without an OAuth error")]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
    /// A success that is not usable.
    #[error("the token endpoint's answer cannot be used: {0}")]
    Malformed(String),
}

impl TokenEndpointError {
    /// The OAuth error of a refusal, if the issuer returned one.
    pub fn oauth_error(&self) -> Option<&OAuthError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::Unavailable { .. } | Self::Unexpected { .. } | Self::Malformed(_) => None,
        }
    }

    /// Whether the issuer cannot answer now, for requests that do not poll.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Refused { error, .. } => error.code.meaning() == Meaning::Outage,
            Self::Unexpected { .. } | Self::Malformed(_) => false,
        }
    }

    /// The same error for a request that does not poll: `slow_down` then is an outage, too.
    #[must_use]
    pub fn outside_of_polling(self) -> Self {
        match self {
            Self::Refused { status, error } if error.code.meaning() == Meaning::Outage => {
                Self::Unavailable { status, error: Some(error) }
            }
            other => other,
        }
    }
}

/// Whether a status means "not now", and says nothing about the request.
pub fn is_outage_status(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 425 | 429)
}

#[derive(Deserialize)]
struct WireTokens {
    access_token: Option<String>,
    id_token: Option<String>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<WireSeconds>,
    issued_token_type: Option<String>,
    // Already parsed by `failure`; declared so that a duplicate is refused.
    #[serde(rename = "error")]
    _error: Option<IgnoredAny>,
}

/// RFC 6749 requires a number; some issuers send a string, in every member with seconds.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WireSeconds {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct WireError {
    error: Option<Value>,
    error_description: Option<Value>,
}

/// Judges a response of the token endpoint.
pub fn parse_token_response(status: u16, body: &[u8]) -> Result<TokenResponse, TokenEndpointError> {
    if let Some(error) = failure(status, body) {
        return Err(error);
    }
    let malformed = |what: &str| TokenEndpointError::Malformed(what.to_owned());
    let wire: WireTokens = strict_json::members_in_use(body)
        .map_err(|_| malformed("it is not the JSON of RFC 6749 §5.1"))?;
    // RFC 8693 §2.2.1: an exchanged token that is no access token has the type `N_A`.
    let is_bearer = |kind: &str| {
        kind.is_empty()
            || kind.eq_ignore_ascii_case("bearer")
            || (kind == "N_A" && wire.issued_token_type.is_some())
    };
    if let Some(other) = wire.token_type.filter(|kind| !is_bearer(kind)) {
        let shown = presentable(&other);
        return Err(malformed(&format!("its token_type is `{shown}`, not `Bearer`")));
    }
    let mut tokens = TokenResponse {
        access_token: bearer("access_token", wire.access_token)?,
        id_token: bearer("id_token", wire.id_token)?,
        refresh_token: wire.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
        expires_in: wire.expires_in.and_then(WireSeconds::into_duration),
        issued_token_type: wire.issued_token_type.filter(|kind| !kind.is_empty()),
    };
    // RFC 8693 §2.2.1: then `access_token` is a refresh token, which no API server may see.
    if tokens.issued_token_type.as_deref() == Some(REFRESH_TOKEN_TYPE) {
        return Err(malformed("it is a refresh token where one for the API server was asked for"));
    }
    // The member is called `access_token` "for historical reasons".
    if tokens.issued_token_type.as_deref() == Some(ID_TOKEN_TYPE) && tokens.id_token.is_none() {
        tokens.id_token = tokens.access_token.take();
    }
    if tokens.access_token.is_none() && tokens.id_token.is_none() {
        return Err(malformed("it has neither an access_token nor an id_token"));
    }
    Ok(tokens)
}

/// The failure in a response of any OAuth endpoint, or `None` for a success. The error in the body
/// decides, whatever the status; some issuers send one with a 200.
pub(super) fn failure(status: u16, body: &[u8]) -> Option<TokenEndpointError> {
    let stated = strict_json::members_in_use::<WireError>(body).ok().and_then(|wire| {
        let description = wire.error_description.as_ref().and_then(Value::as_str);
        OAuthError::stated(status, wire.error?.as_str()?, description)
    });
    match stated {
        Some(error) if error.code.is_outage() => {
            Some(TokenEndpointError::Unavailable { status, error: Some(error) })
        }
        Some(error) => Some(TokenEndpointError::Refused { status, error }),
        None if is_outage_status(status) => {
            Some(TokenEndpointError::Unavailable { status, error: None })
        }
        // Some issuers respond with 201, or with 204 and no body.
        None if (200..300).contains(&status) => None,
        None => Some(TokenEndpointError::Unexpected { status }),
    }
}

/// RFC 6750 §2.1 `b64token`, trimmed: other characters are not safe in an HTTP header.
fn bearer(name: &str, text: Option<String>) -> Result<Option<Secret>, TokenEndpointError> {
    let Some(text) = text.map(Secret::new).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let token = text.expose().trim();
    let allowed =
        token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if token.is_empty() || !allowed || token.len() > MAX_TOKEN {
        return Err(TokenEndpointError::Malformed(format!(
            "its {name} is not a bearer token of at most {MAX_TOKEN} characters"
        )));
    }
    Ok(Some(Secret::new(token)))
}

/// Ten years: limits the value that a careless issuer can send.
const MAX_SECONDS: f64 = 315_360_000.0;

impl WireSeconds {
    /// `None` for an invalid value.
    pub(super) fn into_duration(self) -> Option<Duration> {
        let seconds = self.seconds()?;
        (0.0..=MAX_SECONDS).contains(&seconds).then(|| Duration::from_secs_f64(seconds.floor()))
    }

    /// The same, but a value over the maximum is reduced to it.
    pub(super) fn into_long_duration(self) -> Option<Duration> {
        let seconds = self.seconds()?.min(MAX_SECONDS);
        (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.floor()))
    }

    fn seconds(self) -> Option<f64> {
        match self {
            Self::Number(seconds) => Some(seconds),
            Self::Text(text) => text.trim().parse().ok(),
        }
        .filter(|seconds: &f64| !seconds.is_nan())
    }
}

#[cfg(test)]
mod tests;
