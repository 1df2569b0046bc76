//! What an issuer publishes about itself (OpenID Connect Discovery 1.0 §3 and §4, RFC 8414).
//! Never believes a document about another issuer, or an endpoint that secrets could leak to.

use login_common::{
    names::{IssuerUrl, is_confidential},
    strict_json,
};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

/// A discovery document may have this many bytes.
pub const MAX_METADATA_LENGTH: usize = 1024 * 1024;

/// Where the document is: `issuer` without its terminating slash, and the well-known path (§4.1).
pub fn metadata_url(issuer: &IssuerUrl) -> Url {
    #[expect(clippy::expect_used, reason = "an `IssuerUrl` is made from a text that parsed")]
    let mut url = Url::parse(issuer.as_str()).expect("an issuer is a URL");
    let path = url.path();
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = format!("{path}/.well-known/openid-configuration");
    url.set_path(&path);
    url
}

/// Why a document cannot be used.
#[derive(Debug, Error)]
pub enum DiscoveryError {
    /// Longer than [`MAX_METADATA_LENGTH`].
    #[error("the discovery document is longer than {MAX_METADATA_LENGTH} bytes")]
    TooLong,
    /// Not a JSON object with unique keys.
    #[error("the discovery document is not a JSON object")]
    Json(#[source] strict_json::StrictJsonError),
    /// §4.3: `issuer` must be byte for byte the issuer that was asked.
    #[error("the discovery document is about issuer `{found}`, not `{expected}`")]
    WrongIssuer {
        /// The configured issuer.
        expected: String,
        /// `issuer` of the document, cut to 200 characters; empty when missing.
        found: String,
    },
    /// The member has a wrong type.
    #[error("`{0}` in the discovery document is malformed")]
    Malformed(&'static str),
    /// The endpoint is neither https, nor http on this machine with an issuer that is so too.
    #[error("`{name}` in the discovery document is `{url}`, which is not `https://`")]
    NotHttps {
        /// The member.
        name: &'static str,
        /// Its value.
        url: Url,
    },
}

/// The members of a discovery document that we use. What is absent is `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// The issuer, byte for byte as asked for.
    pub issuer: IssuerUrl,
    /// Where a browser is sent.
    pub authorization_endpoint: Option<Url>,
    /// Where grants are exchanged.
    pub token_endpoint: Option<Url>,
    /// RFC 8628 §4.
    pub device_authorization_endpoint: Option<Url>,
    /// Where the key set is.
    pub jwks_uri: Option<Url>,
    /// RFC 7009.
    pub revocation_endpoint: Option<Url>,
    /// RFC 7662.
    pub introspection_endpoint: Option<Url>,
    /// OpenID Connect RP-Initiated Logout §2.1.
    pub end_session_endpoint: Option<Url>,
    /// `code_challenge_methods_supported` (RFC 8414 §2); empty: the issuer does not say.
    pub code_challenge_methods: Vec<String>,
    /// `grant_types_supported`; absent means `authorization_code` and `implicit`.
    pub grant_types: Option<Vec<String>>,
    /// `token_endpoint_auth_methods_supported`; absent means `client_secret_basic`.
    pub token_endpoint_auth_methods: Option<Vec<String>>,
    /// `token_endpoint_auth_signing_alg_values_supported`; absent: the issuer does not say.
    pub token_endpoint_auth_signing_algorithms: Option<Vec<String>>,
    /// `response_modes_supported`; absent means `query` and `fragment`.
    pub response_modes: Option<Vec<String>>,
    /// `scopes_supported`; absent: the issuer does not say.
    pub scopes: Option<Vec<String>>,
    /// RFC 9207 §3: the authorization response carries `iss`, and must be checked for it.
    pub authorization_response_iss_parameter_supported: bool,
    /// For clients that show a certificate (RFC 8705 §5).
    pub mtls_endpoint_aliases: EndpointAliases,
}

/// Endpoints at which the issuer asks for a client's certificate (RFC 8705 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointAliases {
    /// In place of `token_endpoint`.
    pub token_endpoint: Option<Url>,
    /// In place of `device_authorization_endpoint`.
    pub device_authorization_endpoint: Option<Url>,
    /// In place of `revocation_endpoint`.
    pub revocation_endpoint: Option<Url>,
}

impl ProviderMetadata {
    /// Reads and checks a document fetched for `expected_issuer`.
    pub fn parse(json: &[u8], expected_issuer: &IssuerUrl) -> Result<Self, DiscoveryError> {
        if json.len() > MAX_METADATA_LENGTH {
            return Err(DiscoveryError::TooLong);
        }
        let members = strict_json::object(json).map_err(DiscoveryError::Json)?.into_map();
        let found = members.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if found != expected_issuer.as_str() {
            return Err(DiscoveryError::WrongIssuer {
                expected: expected_issuer.to_string(),
                found: found.chars().take(200).collect(),
            });
        }
        let document = Document { members, issuer_is_local: is_plain_http(expected_issuer) };
        Ok(Self {
            issuer: expected_issuer.clone(),
            mtls_endpoint_aliases: document.aliases()?,
            authorization_endpoint: document.endpoint("authorization_endpoint")?,
            token_endpoint: document.endpoint("token_endpoint")?,
            device_authorization_endpoint: document.endpoint("device_authorization_endpoint")?,
            jwks_uri: document.endpoint("jwks_uri")?,
            revocation_endpoint: document.endpoint("revocation_endpoint")?,
            introspection_endpoint: document.endpoint("introspection_endpoint")?,
            end_session_endpoint: document.endpoint("end_session_endpoint")?,
            code_challenge_methods: document
                .list("code_challenge_methods_supported")?
                .unwrap_or_default(),
            grant_types: document.list("grant_types_supported")?,
            token_endpoint_auth_methods: document.list("token_endpoint_auth_methods_supported")?,
            token_endpoint_auth_signing_algorithms: document
                .list("token_endpoint_auth_signing_alg_values_supported")?,
            response_modes: document.list("response_modes_supported")?,
            scopes: document.list("scopes_supported")?,
            authorization_response_iss_parameter_supported: document
                .flag("authorization_response_iss_parameter_supported")?,
        })
    }

    /// The same issuer, as a client meets it that shows a certificate (RFC 8705 §5: it uses an
    /// alias where there is one).
    #[must_use]
    pub fn with_client_certificate(mut self) -> Self {
        let aliases = self.mtls_endpoint_aliases.clone();
        for (endpoint, alias) in [
            (&mut self.token_endpoint, aliases.token_endpoint),
            (&mut self.device_authorization_endpoint, aliases.device_authorization_endpoint),
            (&mut self.revocation_endpoint, aliases.revocation_endpoint),
        ] {
            if alias.is_some() {
                *endpoint = alias;
            }
        }
        self
    }

    /// Whether the issuer says that it knows this grant.
    pub fn knows_grant(&self, grant: &str) -> bool {
        self.grant_types.as_ref().is_some_and(|types| types.iter().any(|known| known == grant))
    }
}

/// A document about the right issuer. `null` counts as absent: several issuers write it.
struct Document {
    members: Map<String, Value>,
    issuer_is_local: bool,
}

impl Document {
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn endpoint(&self, name: &'static str) -> Result<Option<Url>, DiscoveryError> {
        let Some(value) = self.member(name) else { return Ok(None) };
        let url = value
            .as_str()
            .and_then(|text| Url::parse(text).ok())
            .ok_or(DiscoveryError::Malformed(name))?;
        // A remote issuer must not point our requests at services of this machine.
        if !is_confidential(&url) || (url.scheme() != "https" && !self.issuer_is_local) {
            return Err(DiscoveryError::NotHttps { name, url });
        }
        Ok(Some(url))
    }

    fn aliases(&self) -> Result<EndpointAliases, DiscoveryError> {
        let name = "mtls_endpoint_aliases";
        let Some(value) = self.member(name) else { return Ok(EndpointAliases::default()) };
        let members = value.as_object().ok_or(DiscoveryError::Malformed(name))?.clone();
        let inner = Self { members, issuer_is_local: self.issuer_is_local };
        Ok(EndpointAliases {
            token_endpoint: inner.endpoint("token_endpoint")?,
            device_authorization_endpoint: inner.endpoint("device_authorization_endpoint")?,
            revocation_endpoint: inner.endpoint("revocation_endpoint")?,
        })
    }

    fn list(&self, name: &'static str) -> Result<Option<Vec<String>>, DiscoveryError> {
        let Some(value) = self.member(name) else { return Ok(None) };
        value
            .as_array()
            .and_then(|items| items.iter().map(|item| Some(item.as_str()?.to_owned())).collect())
            .map(Some)
            .ok_or(DiscoveryError::Malformed(name))
    }

    fn flag(&self, name: &'static str) -> Result<bool, DiscoveryError> {
        match self.member(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or(DiscoveryError::Malformed(name)),
        }
    }
}

fn is_plain_http(issuer: &IssuerUrl) -> bool {
    Url::parse(issuer.as_str()).is_ok_and(|url| url.scheme() == "http")
}

#[cfg(test)]
mod tests;
