//! The discovery document of an issuer (OpenID Connect Discovery 1.0 §3 and §4, RFC 8414).
//! Never accepts a document about another issuer, or an endpoint that secrets could leak to; never
//! refuses a document for a member that the caller does not use.

use std::fmt;

use login_common::names::{IssuerUrl, is_confidential};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use crate::oauth2::error::presentable;

/// Maximum length of a discovery document in bytes.
pub const MAX_METADATA_LENGTH: usize = 1024 * 1024;

/// The URL of the document: `issuer` without its trailing slash, and the well-known path (§4.1).
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
    /// Not a JSON object.
    #[error("the discovery document is not a JSON object")]
    Json(#[source] serde_json::Error),
    /// `issuer` is repeated: two parsers could read different ones.
    #[error("the discovery document has `issuer` twice")]
    TwoIssuers,
    /// §4.3: `issuer` must be byte for byte the configured issuer.
    #[error(
        "the discovery document is about issuer `{found}`, not `{expected}`{}",
        advice(found, expected)
    )]
    WrongIssuer {
        /// The configured issuer.
        expected: String,
        /// `issuer` of the document, sanitised for a terminal; empty when missing.
        found: String,
    },
    /// A required endpoint is not usable.
    #[error(transparent)]
    Endpoint(#[from] EndpointFault),
}

/// Why an endpoint is not usable. Matters only to a caller that needs it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EndpointFault {
    /// Not an absolute URL.
    #[error("`{0}` in the discovery document is malformed")]
    Malformed(&'static str),
    /// The member is repeated: two parsers could read different ones.
    #[error("`{0}` is in the discovery document twice")]
    Twice(&'static str),
    /// The endpoint is neither https, nor http on this host with an issuer that is so too.
    #[error("`{name}` in the discovery document is `{url}`, which is not `https://`")]
    NotHttps {
        /// The member.
        name: &'static str,
        /// Its value.
        url: Url,
    },
}

/// Advice about an issuer whose document names another one.
fn advice(found: &str, expected: &str) -> String {
    if found.contains('{') {
        // Microsoft Entra's `common` and `organizations` serve every tenant.
        return "; it serves several tenants: write the URL of yours, with its ID in the place of \
                the part in braces"
            .to_owned();
    }
    if IssuerUrl::parse(found).is_err() {
        return String::new();
    }
    let host = |text: &str| Url::parse(text).ok()?.host_str().map(str::to_owned);
    if host(found) == host(expected) {
        format!("; write exactly `{found}`")
    } else {
        format!("; if that is the issuer you mean, write exactly `{found}`")
    }
}

/// One endpoint of a document: usable, absent, or not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Result<Option<Url>, EndpointFault>);

impl Endpoint {
    /// The URL, for a caller that needs it; `None` when the document has none.
    pub fn used(&self) -> Result<Option<&Url>, EndpointFault> {
        self.0.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The URL, if it is usable: for a choice among several.
    pub fn offered(&self) -> Option<&Url> {
        self.0.as_ref().ok()?.as_ref()
    }

    /// Whether it is usable.
    pub fn is_offered(&self) -> bool {
        self.offered().is_some()
    }

    /// Whether the document has none, not even an unusable one.
    pub const fn is_absent(&self) -> bool {
        matches!(self.0, Ok(None))
    }
}

/// The members of a discovery document that we use. Absent ones are `None` or empty; a malformed
/// list counts as absent, as no check depends on one; a malformed endpoint is a fault only when it
/// is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// The issuer, byte for byte as configured.
    pub issuer: IssuerUrl,
    /// The page for the browser.
    pub authorization_endpoint: Endpoint,
    /// The endpoint where grants are exchanged for tokens.
    pub token_endpoint: Endpoint,
    /// RFC 8628 §4.
    pub device_authorization_endpoint: Endpoint,
    /// The URL of the key set.
    pub jwks_uri: Endpoint,
    /// RFC 7009.
    pub revocation_endpoint: Endpoint,
    /// RFC 7662.
    pub introspection_endpoint: Endpoint,
    /// OpenID Connect RP-Initiated Logout §2.1.
    pub end_session_endpoint: Endpoint,
    /// `code_challenge_methods_supported` (RFC 8414 §2); empty means unknown.
    pub code_challenge_methods: Vec<String>,
    /// `grant_types_supported`; absent means `authorization_code` and `implicit`.
    pub grant_types: Option<Vec<String>>,
    /// `token_endpoint_auth_methods_supported`; absent means `client_secret_basic`.
    pub token_endpoint_auth_methods: Option<Vec<String>>,
    /// `token_endpoint_auth_signing_alg_values_supported`; absent means unknown.
    pub token_endpoint_auth_signing_algorithms: Option<Vec<String>>,
    /// `response_modes_supported`; absent means `query` and `fragment`.
    pub response_modes: Option<Vec<String>>,
    /// `scopes_supported`; absent means unknown.
    pub scopes: Option<Vec<String>>,
    /// RFC 9207 §3: the authorization response contains `iss`, which must be checked.
    pub authorization_response_iss_parameter_supported: bool,
    /// For clients that present a certificate (RFC 8705 §5).
    pub mtls_endpoint_aliases: EndpointAliases,
}

/// Endpoints at which the issuer requests a client certificate (RFC 8705 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointAliases {
    /// Replaces `token_endpoint`.
    pub token_endpoint: Endpoint,
    /// Replaces `device_authorization_endpoint`.
    pub device_authorization_endpoint: Endpoint,
    /// Replaces `revocation_endpoint`.
    pub revocation_endpoint: Endpoint,
}

impl ProviderMetadata {
    /// Parses a document fetched for `expected_issuer`, and checks that it is about that issuer.
    pub fn parse(json: &[u8], expected_issuer: &IssuerUrl) -> Result<Self, DiscoveryError> {
        if json.len() > MAX_METADATA_LENGTH {
            return Err(DiscoveryError::TooLong);
        }
        // RFC 8259 §8.1: a parser may ignore a byte order mark.
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let members: Members = serde_json::from_slice(json).map_err(DiscoveryError::Json)?;
        if members.are_twice("issuer") {
            return Err(DiscoveryError::TwoIssuers);
        }
        let found = members.values.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if found != expected_issuer.as_str() {
            return Err(DiscoveryError::WrongIssuer {
                expected: expected_issuer.to_string(),
                found: presentable(found),
            });
        }
        let document = Document { members, issuer_is_local: is_plain_http(expected_issuer) };
        Ok(Self {
            issuer: expected_issuer.clone(),
            mtls_endpoint_aliases: document.aliases(),
            authorization_endpoint: document.endpoint("authorization_endpoint"),
            token_endpoint: document.endpoint("token_endpoint"),
            device_authorization_endpoint: document.endpoint("device_authorization_endpoint"),
            jwks_uri: document.endpoint("jwks_uri"),
            revocation_endpoint: document.endpoint("revocation_endpoint"),
            introspection_endpoint: document.endpoint("introspection_endpoint"),
            end_session_endpoint: document.endpoint("end_session_endpoint"),
            code_challenge_methods: document
                .list("code_challenge_methods_supported")
                .unwrap_or_default(),
            grant_types: document.list("grant_types_supported"),
            token_endpoint_auth_methods: document.list("token_endpoint_auth_methods_supported"),
            token_endpoint_auth_signing_algorithms: document
                .list("token_endpoint_auth_signing_alg_values_supported"),
            response_modes: document.list("response_modes_supported"),
            scopes: document.list("scopes_supported"),
            authorization_response_iss_parameter_supported: document
                .demands("authorization_response_iss_parameter_supported"),
        })
    }

    /// The metadata for a client that presents a certificate (RFC 8705 §5: it uses an alias if
    /// there is one).
    #[must_use]
    pub fn with_client_certificate(mut self) -> Self {
        let aliases = self.mtls_endpoint_aliases.clone();
        for (endpoint, alias) in [
            (&mut self.token_endpoint, aliases.token_endpoint),
            (&mut self.device_authorization_endpoint, aliases.device_authorization_endpoint),
            (&mut self.revocation_endpoint, aliases.revocation_endpoint),
        ] {
            if !alias.is_absent() {
                *endpoint = alias;
            }
        }
        self
    }

    /// Whether the issuer announces this grant type.
    pub fn knows_grant(&self, grant: &str) -> bool {
        self.grant_types.as_ref().is_some_and(|types| types.iter().any(|known| known == grant))
    }
}

/// An object as most parsers read it, where the last of two members with one name wins, and the
/// names that are repeated.
#[derive(Default)]
struct Members {
    values: Map<String, Value>,
    twice: Vec<String>,
}

impl Members {
    fn are_twice(&self, name: &str) -> bool {
        self.twice.iter().any(|twice| twice == name)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.values.insert(name.clone(), value).is_some() {
                        members.twice.push(name);
                    }
                }
                Ok(members)
            }
        }

        reader.deserialize_map(Reader)
    }
}

/// A document about the right issuer. `null` and an empty text count as absent: several issuers
/// write one for what they do not have.
struct Document {
    members: Members,
    issuer_is_local: bool,
}

impl Document {
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.values.get(name).filter(|value| !value.is_null() && *value != "")
    }

    fn endpoint(&self, name: &'static str) -> Endpoint {
        Endpoint(self.checked(name))
    }

    fn checked(&self, name: &'static str) -> Result<Option<Url>, EndpointFault> {
        if self.members.are_twice(name) {
            return Err(EndpointFault::Twice(name));
        }
        let Some(value) = self.member(name) else { return Ok(None) };
        let url = value
            .as_str()
            .and_then(|text| Url::parse(text).ok())
            .ok_or(EndpointFault::Malformed(name))?;
        // A remote issuer must not direct our requests to services of this host.
        if !is_confidential(&url) || (url.scheme() != "https" && !self.issuer_is_local) {
            return Err(EndpointFault::NotHttps { name, url });
        }
        Ok(Some(url))
    }

    fn aliases(&self) -> EndpointAliases {
        let members = self.member("mtls_endpoint_aliases").and_then(Value::as_object);
        let values = members.cloned().unwrap_or_default();
        let members = Members { values, twice: Vec::new() };
        let inner = Self { members, issuer_is_local: self.issuer_is_local };
        EndpointAliases {
            token_endpoint: inner.endpoint("token_endpoint"),
            device_authorization_endpoint: inner.endpoint("device_authorization_endpoint"),
            revocation_endpoint: inner.endpoint("revocation_endpoint"),
        }
    }

    fn list(&self, name: &'static str) -> Option<Vec<String>> {
        let items = self.member(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Whether the document requires a check. A value that is no boolean requires it, too: skipping
    /// a check by mistake is worse than a check that fails.
    fn demands(&self, name: &'static str) -> bool {
        !matches!(self.member(name), None | Some(Value::Bool(false)))
    }
}

fn is_plain_http(issuer: &IssuerUrl) -> bool {
    Url::parse(issuer.as_str()).is_ok_and(|url| url.scheme() == "http")
}

#[cfg(test)]
mod tests;
