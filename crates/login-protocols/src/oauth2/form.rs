//! The forms that a client posts to an issuer, with the client's authentication (RFC 6749 §2.3,
//! OpenID Connect Core §9).
//! Never shows a value: any of them may be a secret.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::{Secret, names::ClientId};
use url::{Url, form_urlencoded};

use super::client_assertion::JWT_BEARER_ASSERTION;

/// The authentication method of a client (OpenID Connect Core §9).
#[derive(Debug)]
pub enum ClientAuthentication {
    /// A public client: `client_id` alone.
    Public,
    /// `client_secret_basic`
    Basic(Secret),
    /// `client_secret_post`
    Post(Secret),
    /// `private_key_jwt`, or an assertion that another party signed for the client (RFC 7523 §2.2).
    Assertion(Secret),
    /// `tls_client_auth` and `self_signed_tls_client_auth`: the certificate is in TLS
    /// (RFC 8705 §2).
    TlsClientAuth,
}

impl ClientAuthentication {
    /// The method that the issuer announced, for a client with or without a secret. The default is
    /// Basic (OpenID Connect Discovery §3).
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

/// A form to POST, with its `Authorization` header.
#[derive(Debug)]
pub struct FormRequest {
    fields: Vec<(Cow<'static, str>, Secret)>,
    authorization: Option<Secret>,
}

impl FormRequest {
    /// A form of `client`.
    pub fn new(client: &ClientId, authentication: &ClientAuthentication) -> Self {
        let mut form = Self { fields: Vec::new(), authorization: None };
        match authentication {
            ClientAuthentication::Public | ClientAuthentication::TlsClientAuth => {
                form.push("client_id", client.as_str());
            }
            ClientAuthentication::Assertion(assertion) => {
                // RFC 7521 §4.2 makes it optional, but an assertion that another party signed may
                // not name the client.
                form.push("client_id", client.as_str());
                form.push("client_assertion_type", JWT_BEARER_ASSERTION);
                form.push_secret("client_assertion", assertion);
            }
            ClientAuthentication::Post(secret) => {
                form.push("client_id", client.as_str());
                form.push_secret("client_secret", secret);
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
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: &str) {
        self.fields.push((name.into(), Secret::new(value)));
    }

    /// Replaces the value of a field; a repeated parameter would be an error (RFC 6749 §3.2).
    pub fn replace(&mut self, name: impl Into<Cow<'static, str>>, value: &str) {
        let name = name.into();
        self.fields.retain(|(known, _)| *known != name);
        self.push(name, value);
    }

    /// Adds a secret field.
    pub fn push_secret(&mut self, name: &'static str, value: &Secret) {
        self.fields.push((name.into(), value.clone()));
    }

    pub(super) fn push_scopes(&mut self, scopes: &[String]) {
        if !scopes.is_empty() {
            self.push("scope", &scopes.join(" "));
        }
    }

    /// Adds the requested audience, if any: as `resource` (RFC 8707) if it is an absolute URI, and
    /// as `audience`, which issuers supported before that RFC.
    pub fn push_audience(&mut self, audience: Option<&str>) {
        for (name, value) in audience_parameters(audience) {
            self.push(name, value);
        }
    }

    /// The fields by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.fields.iter().map(|(name, value)| (name.as_ref(), value))
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

/// The parameters that request `audience`: `resource` too where RFC 8707 §2 allows it.
pub fn audience_parameters(audience: Option<&str>) -> Vec<(&'static str, &str)> {
    let Some(audience) = audience else { return Vec::new() };
    let is_resource = Url::parse(audience).is_ok_and(|url| url.fragment().is_none());
    let mut parameters = vec![("audience", audience)];
    if is_resource {
        parameters.push(("resource", audience));
    }
    parameters
}
