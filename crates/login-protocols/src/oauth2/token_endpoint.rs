//! The token endpoint: grants as forms, client authentication, and the answer judged by status
//! and body (RFC 6749 §3.2, §4, §5).
//! Never takes an outage for a refusal: only a refusal may lead to a new sign-in.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::{Secret, names::ClientId, strict_json};
use serde::Deserialize;
use thiserror::Error;
use url::{Url, form_urlencoded};

use super::{
    error::{OAuthError, presentable},
    pkce::Verifier,
};

/// Longest answer of a token endpoint that is read, in bytes.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// Longest token that is taken; kube-apiserver reads no longer headers.
const MAX_TOKEN: usize = 64 * 1024;

/// `grant_type` of the device flow (RFC 8628 §3.4).
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How the client proves who it is (OpenID Connect Core §9).
#[derive(Debug)]
pub enum ClientAuthentication {
    /// A public client: `client_id` alone.
    Public,
    /// `client_secret_basic`
    Basic(Secret),
    /// `client_secret_post`
    Post(Secret),
}

impl ClientAuthentication {
    /// The way that the issuer announced, for a client with or without a secret. Without an
    /// announcement it is Basic (OpenID Connect Discovery §3).
    pub fn choose(secret: Option<&Secret>, announced: Option<&[String]>) -> Self {
        let Some(secret) = secret else { return Self::Public };
        let knows = |method: &str| {
            announced.is_some_and(|methods| methods.iter().any(|known| known == method))
        };
        if !knows("client_secret_basic") && knows("client_secret_post") {
            Self::Post(secret.clone())
        } else {
            Self::Basic(secret.clone())
        }
    }
}

/// What is asked for, and by right of what.
pub enum Grant<'a> {
    /// RFC 6749 §4.1.3, RFC 7636 §4.5
    AuthorizationCode {
        /// From the callback.
        code: &'a Secret,
        /// The same text as in the authorization request.
        redirect_uri: &'a str,
        /// Belongs to the challenge of the authorization request.
        verifier: &'a Verifier,
    },
    /// RFC 6749 §6
    RefreshToken(&'a Secret),
    /// RFC 6749 §4.4.2
    ClientCredentials {
        /// Joined by spaces; left out when empty.
        scopes: &'a [String],
    },
    /// RFC 8628 §3.4
    DeviceCode(&'a Secret),
}

/// A form to POST, with the `Authorization` header that goes with it.
#[derive(Debug)]
pub struct FormRequest {
    fields: Vec<(&'static str, Secret)>,
    authorization: Option<Secret>,
}

impl FormRequest {
    /// A form that `client` sends.
    pub fn new(client: &ClientId, authentication: &ClientAuthentication) -> Self {
        let mut form = Self { fields: Vec::new(), authorization: None };
        match authentication {
            ClientAuthentication::Public => form.push("client_id", client.as_str()),
            ClientAuthentication::Post(secret) => {
                form.push("client_id", client.as_str());
                form.fields.push(("client_secret", secret.clone()));
            }
            ClientAuthentication::Basic(secret) => {
                // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
                let encode = |text: &str| -> String {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                let pair =
                    Secret::new(format!("{}:{}", encode(client.as_str()), encode(secret.expose())));
                form.authorization =
                    Some(Secret::new(format!("Basic {}", STANDARD.encode(pair.expose()))));
            }
        }
        form
    }

    /// Adds a field.
    pub fn push(&mut self, name: &'static str, value: &str) {
        self.fields.push((name, Secret::new(value)));
    }

    /// Adds the wanted audience, if any: as `resource` (RFC 8707) when it is an absolute URI, and
    /// as `audience`, which issuers understood before that RFC.
    pub fn push_audience(&mut self, audience: Option<&str>) {
        for (name, value) in audience_parameters(audience) {
            self.push(name, value);
        }
    }

    /// The body, `application/x-www-form-urlencoded`.
    pub fn body(&self) -> Secret {
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.fields {
            body.append_pair(name, value.expose());
        }
        Secret::new(body.finish())
    }

    /// The value of the `Authorization` header, when the client authenticates by one.
    pub fn authorization(&self) -> Option<&Secret> {
        self.authorization.as_ref()
    }
}

/// The parameters that ask for `audience`: `resource` too where RFC 8707 §2 allows it.
pub fn audience_parameters(audience: Option<&str>) -> Vec<(&'static str, &str)> {
    let Some(audience) = audience else { return Vec::new() };
    let is_resource = Url::parse(audience).is_ok_and(|url| url.fragment().is_none());
    let mut parameters = vec![("audience", audience)];
    if is_resource {
        parameters.push(("resource", audience));
    }
    parameters
}

/// The request for tokens by right of `grant`.
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
            form.fields.push(("code", (*code).clone()));
            form.push("redirect_uri", redirect_uri);
            form.fields.push(("code_verifier", verifier.as_secret().clone()));
        }
        Grant::RefreshToken(token) => {
            form.push("grant_type", "refresh_token");
            form.fields.push(("refresh_token", (*token).clone()));
        }
        Grant::ClientCredentials { scopes } => {
            form.push("grant_type", "client_credentials");
            if !scopes.is_empty() {
                form.push("scope", &scopes.join(" "));
            }
        }
        Grant::DeviceCode(code) => {
            form.push("grant_type", DEVICE_CODE_GRANT);
            form.fields.push(("device_code", (*code).clone()));
        }
    }
    form.push_audience(audience);
    form
}

/// A successful answer (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Debug)]
pub struct TokenResponse {
    /// For resource servers.
    pub access_token: Option<Secret>,
    /// For the client itself.
    pub id_token: Option<Secret>,
    /// For the next renewal; absent means that the old one, if any, goes on.
    pub refresh_token: Option<Secret>,
    /// How long the access token lives, when the issuer says so.
    pub expires_in: Option<Duration>,
}

/// Why there are no tokens.
#[derive(Debug, Error)]
pub enum TokenEndpointError {
    /// The issuer understood and said no.
    #[error("the issuer answered {status} {error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said; part of this message, hence not a source of its own.
        error: OAuthError,
    },
    /// The issuer cannot answer now: says nothing about the grant.
    #[error("the issuer answered {status}, which means that it is out of order")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// Something that is not an OAuth answer, for example of a proxy.
    #[error("the issuer answered {status} without an OAuth error")]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
    /// A success that cannot be used.
    #[error("the token endpoint's answer cannot be used: {0}")]
    Malformed(String),
}

impl TokenEndpointError {
    /// The OAuth error, when the issuer gave one.
    pub fn oauth_error(&self) -> Option<&OAuthError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::Unavailable { .. } | Self::Unexpected { .. } | Self::Malformed(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct WireTokens {
    access_token: Option<String>,
    id_token: Option<String>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<WireSeconds>,
}

/// RFC 6749 says number; some issuers send text.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireSeconds {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct WireError {
    error: String,
    error_description: Option<String>,
}

/// Judges an answer of the token endpoint.
pub fn parse_token_response(status: u16, body: &[u8]) -> Result<TokenResponse, TokenEndpointError> {
    if let Some(error) = failure(status, body) {
        return Err(error);
    }
    let malformed = |what: &str| TokenEndpointError::Malformed(what.to_owned());
    let wire: WireTokens = strict_json::from_slice(body)
        .map_err(|_| malformed("it is not the JSON of RFC 6749 §5.1"))?;
    if let Some(other) =
        wire.token_type.filter(|kind| !kind.is_empty() && !kind.eq_ignore_ascii_case("bearer"))
    {
        let shown = presentable(&other);
        return Err(malformed(&format!("its token_type is `{shown}`, not `Bearer`")));
    }
    let tokens = TokenResponse {
        access_token: bearer("access_token", wire.access_token)?,
        id_token: bearer("id_token", wire.id_token)?,
        refresh_token: wire.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
        expires_in: wire.expires_in.and_then(WireSeconds::into_duration),
    };
    if tokens.access_token.is_none() && tokens.id_token.is_none() {
        return Err(malformed("it has neither an access_token nor an id_token"));
    }
    Ok(tokens)
}

/// The failure that an answer of any OAuth endpoint states, or `None` for a success.
pub(super) fn failure(status: u16, body: &[u8]) -> Option<TokenEndpointError> {
    // 408, 425 and 429 say "not now" just as 5xx does.
    if status >= 500 || matches!(status, 408 | 425 | 429) {
        return Some(TokenEndpointError::Unavailable { status });
    }
    // Some issuers put errors into a 200.
    match strict_json::from_slice::<WireError>(body) {
        Ok(wire) if !wire.error.is_empty() => {
            let error = OAuthError::new(&wire.error, wire.error_description.as_deref());
            if error.code.is_outage() {
                return Some(TokenEndpointError::Unavailable { status });
            }
            Some(TokenEndpointError::Refused { status, error })
        }
        _ if status == 200 => None,
        _ => Some(TokenEndpointError::Unexpected { status }),
    }
}

/// RFC 6750 §2.1 `b64token`, trimmed: anything else would not survive an HTTP header.
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

impl WireSeconds {
    fn into_duration(self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => seconds,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        // Ten years bound what a careless issuer can say.
        (0.0..=315_360_000.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds.floor()))
    }
}

#[cfg(test)]
mod tests;
