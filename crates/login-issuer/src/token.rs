//! The responses of the token endpoint (RFC 6749 §5), and the errors of the device authorization
//! endpoint.
//! Never says more about a refused secret than that it was refused.

use std::time::Duration;

use login_common::Secret;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{FormError, GrantType, opaque::CryptoError, store::StoreError};

/// The tokens of a successful response.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// An RFC 9068 access token for the cluster's audience.
    pub access_token: Secret,
    /// Lifetime of the access token.
    pub expires_in: Duration,
    /// With scope `openid`, when a user signed in.
    pub id_token: Option<Secret>,
    /// With scope `offline_access`, when a user signed in.
    pub refresh_token: Option<Secret>,
    /// The granted scope, separated by spaces.
    pub scope: String,
    /// The recipient, for the log.
    pub grantee: Grantee,
}

/// The recipient of tokens. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grantee {
    /// The grant that was used.
    pub grant: GrantType,
    /// The client that was used.
    pub client_id: String,
    /// `preferred_username` of the tokens.
    pub username: String,
    /// `sid` of the tokens.
    pub session_id: String,
}

impl TokenResponse {
    /// The JSON body; status 200, `Cache-Control: no-store`.
    pub fn body(&self) -> Secret {
        let mut body = Map::new();
        body.insert("access_token".into(), self.access_token.expose().into());
        body.insert("token_type".into(), "Bearer".into());
        body.insert("expires_in".into(), self.expires_in.as_secs().into());
        if !self.scope.is_empty() {
            body.insert("scope".into(), self.scope.as_str().into());
        }
        if let Some(token) = &self.id_token {
            body.insert("id_token".into(), token.expose().into());
        }
        if let Some(token) = &self.refresh_token {
            body.insert("refresh_token".into(), token.expose().into());
        }
        Secret::new(Value::Object(body).to_string())
    }
}

/// Why the token endpoint or the device authorization endpoint refuses a request. The text of the
/// error is the `error_description`.
#[derive(Debug, Error)]
pub enum TokenError {
    /// Too long, or a repeated parameter.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A required parameter is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// RFC 6749 §2.3: at most one authentication method per request.
    #[error("the client authenticates in more than one way, or under two names")]
    TwoAuthentications,
    /// Unknown client, wrong secret, no secret, or an unreadable `Authorization` header.
    #[error("the client is not known, or its secret is wrong")]
    InvalidClient {
        /// Whether it used the `Authorization` header, which requires a challenge.
        by_header: bool,
    },
    /// The grant type is unknown or disabled.
    #[error("this grant type is not available")]
    UnsupportedGrantType,
    /// The client may not use this grant.
    #[error("this client may not use this grant type")]
    UnauthorizedClient,
    /// Unknown, expired, or issued to another client.
    #[error("the authorization code is not valid")]
    CodeInvalid,
    /// RFC 6749 §4.1.2: everything that was issued for it is revoked.
    #[error("the authorization code was used before; its session is ended")]
    CodeReplayed,
    /// RFC 6749 §4.1.3.
    #[error("`redirect_uri` is not the one the code was issued for")]
    RedirectMismatch,
    /// RFC 7636 §4.6.
    #[error("`code_verifier` does not match the code challenge")]
    VerifierMismatch,
    /// Unknown, expired, revoked, or issued to another client.
    #[error("the refresh token is not valid any more")]
    RefreshTokenInvalid,
    /// RFC 9700 §4.14.2: another party may hold it.
    #[error("the refresh token was used before; its session is ended")]
    RefreshTokenReplayed,
    /// The operator revoked it, by an entry for it or for more than it.
    #[error("the session was ended by the operator")]
    SessionRevoked,
    /// RFC 6749 §6: exceeds the granted scope.
    #[error("`scope` goes beyond what was granted")]
    ScopeExceeded,
    /// RFC 7009 §2.2.1.
    #[error("only refresh tokens can be revoked")]
    UnsupportedTokenType,
    /// RFC 8628 §3.5.
    #[error("the person has not decided yet")]
    AuthorizationPending,
    /// RFC 8628 §3.5: the interval grows by five seconds.
    #[error("polling too often; wait five seconds longer from now on")]
    SlowDown,
    /// RFC 8628 §3.5.
    #[error("the device code has expired")]
    DeviceCodeExpired,
    /// Unknown, already used, or issued to another client.
    #[error("the device code is not valid")]
    DeviceCodeInvalid,
    /// The user denied the request, or the operator revoked the sign-in.
    #[error("the sign-in was denied")]
    AccessDenied,
    /// The user was deleted.
    #[error("the user is not known any more")]
    UserGone,
    /// Too many device codes are open.
    #[error("too many sign-ins are waiting; try again later")]
    TooManyOpen,
    /// The store failed; the cause is for the log only.
    #[error("the issuer cannot answer at the moment")]
    Store(#[from] StoreError),
    /// The cryptography library failed; the cause is for the log only.
    #[error("the issuer cannot answer at the moment")]
    Crypto(#[from] CryptoError),
}

impl TokenError {
    /// The HTTP status. Only 4xx means that the grant itself was refused.
    pub fn status(&self) -> u16 {
        match self {
            Self::Form(FormError::TooLong) => 413,
            Self::InvalidClient { .. } => 401,
            Self::TooManyOpen | Self::Store(_) | Self::Crypto(_) => 503,
            Self::Form(FormError::Repeated)
            | Self::Missing(_)
            | Self::TwoAuthentications
            | Self::UnsupportedGrantType
            | Self::UnauthorizedClient
            | Self::CodeInvalid
            | Self::CodeReplayed
            | Self::RedirectMismatch
            | Self::VerifierMismatch
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReplayed
            | Self::SessionRevoked
            | Self::ScopeExceeded
            | Self::UnsupportedTokenType
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::DeviceCodeExpired
            | Self::DeviceCodeInvalid
            | Self::AccessDenied
            | Self::UserGone => 400,
        }
    }

    /// The `error` code of RFC 6749 §5.2 and RFC 8628 §3.5.
    pub fn error(&self) -> &'static str {
        match self {
            Self::Form(_) | Self::Missing(_) | Self::TwoAuthentications => "invalid_request",
            Self::InvalidClient { .. } => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::CodeInvalid
            | Self::CodeReplayed
            | Self::RedirectMismatch
            | Self::VerifierMismatch
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReplayed
            | Self::SessionRevoked
            | Self::DeviceCodeInvalid
            | Self::UserGone => "invalid_grant",
            Self::ScopeExceeded => "invalid_scope",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::DeviceCodeExpired => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::TooManyOpen | Self::Store(_) | Self::Crypto(_) => "temporarily_unavailable",
        }
    }

    /// The value of `WWW-Authenticate`, which RFC 6749 §5.2 requires when the client used the
    /// `Authorization` header.
    pub fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::InvalidClient { by_header: true } => Some("Basic realm=\"login-server\""),
            _ => None,
        }
    }

    /// The JSON body; `Cache-Control: no-store`.
    pub fn body(&self) -> String {
        json!({"error": self.error(), "error_description": self.to_string()}).to_string()
    }
}
