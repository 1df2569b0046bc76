//! Mints ID tokens (OpenID Connect Core §2) and access tokens (RFC 9068).
//! Never decides who gets one; never lets a token outlive its session.

use login_common::{Secret, UnixTime};
use login_protocols::jose::SigningKey;
use serde_json::{Map, Value};

use crate::{
    IssuerSettings, TokenError,
    grant_facts::token_id_prefix,
    opaque::{self, CryptoError},
};

/// The user or machine client that tokens are about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// `sub`.
    pub(crate) id: String,
    /// `preferred_username`.
    pub(crate) username: String,
    /// `groups`.
    pub(crate) groups: Vec<String>,
}

/// The sign-in that tokens come from.
#[derive(Clone, Debug)]
pub(crate) struct SignInFacts {
    /// `sid`.
    pub(crate) session_id: String,
    /// `auth_time`; a machine client has none.
    pub(crate) authenticated_at: Option<UnixTime>,
    /// No token outlives it.
    pub(crate) ends_at: UnixTime,
}

/// Mints tokens at one moment.
pub(crate) struct Mint<'a> {
    pub(crate) settings: &'a IssuerSettings,
    pub(crate) key: &'a SigningKey,
    pub(crate) client_id: &'a str,
    pub(crate) subject: &'a Subject,
    pub(crate) sign_in: &'a SignInFacts,
    pub(crate) now: UnixTime,
}

impl Mint<'_> {
    /// When tokens minted now expire.
    pub(crate) fn expires_at(&self) -> UnixTime {
        self.now.plus(self.settings.token_lifetime).min(self.sign_in.ends_at)
    }

    /// An ID token for the client: `aud` is its id.
    pub(crate) fn id_token(&self, nonce: Option<&str>) -> Result<Secret, TokenError> {
        let mut claims = self.common_claims(self.client_id)?;
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), nonce.into());
        }
        self.sign("JWT", claims)
    }

    /// An access token for the cluster: `aud` is the cluster's audience.
    pub(crate) fn access_token(&self, scope: &str) -> Result<Secret, TokenError> {
        let mut claims = self.common_claims(&self.settings.cluster_audience)?;
        claims.insert("client_id".into(), self.client_id.into());
        if !scope.is_empty() {
            claims.insert("scope".into(), scope.into());
        }
        self.sign("at+jwt", claims)
    }

    fn common_claims(&self, audience: &str) -> Result<Map<String, Value>, TokenError> {
        let mut claims = Map::new();
        claims.insert("iss".into(), self.settings.issuer.as_str().into());
        claims.insert("sub".into(), self.subject.id.as_str().into());
        claims.insert("aud".into(), audience.into());
        claims.insert("exp".into(), self.expires_at().as_seconds().into());
        claims.insert("iat".into(), self.now.as_seconds().into());
        let of_session = token_id_prefix(&self.sign_in.session_id);
        claims.insert("jti".into(), opaque::identifier(&of_session)?.into());
        claims.insert("sid".into(), self.sign_in.session_id.as_str().into());
        if let Some(moment) = self.sign_in.authenticated_at {
            claims.insert("auth_time".into(), moment.as_seconds().into());
        }
        claims.insert("preferred_username".into(), self.subject.username.as_str().into());
        claims.insert("groups".into(), self.subject.groups.clone().into());
        Ok(claims)
    }

    fn sign(&self, token_type: &str, claims: Map<String, Value>) -> Result<Secret, TokenError> {
        self.key
            .sign(token_type, &Value::Object(claims))
            .map(Secret::new)
            .map_err(|source| CryptoError::because("sign a token", source).into())
    }
}
