//! How the client authenticates to an issuer: by a secret, a key, or a certificate in TLS.
//! Never omits what is configured, and never uses what is not.

use login_common::{Secret, UnixTime};
use login_protocols::{
    jose::PrivateKey,
    oauth2::{client_assertion::ClientAssertion, token_endpoint::ClientAuthentication},
    oidc::ProviderMetadata,
};

use super::{FlowError, LocalError, local};
use crate::{options::target::Target, system::random};

/// The client's credential, read from where the options say.
pub enum ClientCredential {
    /// None: a public client.
    Public,
    /// Sent in a header or in the form, as the issuer announces.
    Secret(Secret),
    /// Signs assertions.
    Key {
        /// PEM or JWK.
        key: PrivateKey,
        /// The key's id at the issuer.
        key_id: Option<String>,
    },
    /// Presented in TLS.
    Certificate,
}

/// The audience of a client assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer's identifier: the assertion cannot be replayed to another issuer
    /// (draft-ietf-oauth-rfc7523bis).
    Issuer,
    /// The token endpoint, as OpenID Connect Core §9 says and some issuers require.
    TokenEndpoint,
}

impl ClientCredential {
    /// Reads the credential. A key takes precedence over a secret: a configuration with both is
    /// migrating to the key.
    pub async fn of(target: &Target) -> Result<Self, FlowError> {
        if let Some(named) = &target.assertion_key {
            let text = local::read(&named.file).map_err(FlowError::ClientKey)?;
            let key = PrivateKey::parse(&zeroize::Zeroizing::new(text)).map_err(|source| {
                FlowError::ClientKey(LocalError::Key { path: named.file.clone(), source })
            })?;
            return Ok(Self::Key { key, key_id: named.key_id.clone() });
        }
        if let Some(source) = &target.client_secret {
            return local::secret(source).await.map(Self::Secret).map_err(FlowError::ClientSecret);
        }
        Ok(match target.connection.client_certificate {
            Some(_) => Self::Certificate,
            None => Self::Public,
        })
    }

    /// Whether another audience may turn a refusal into a success.
    pub fn has_audience(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    /// The other way to send a secret, if the issuer announced both or none: int128/kubelogin also
    /// tries both.
    pub fn other_way(&self, announced: Option<&[String]>) -> Option<ClientAuthentication> {
        let Self::Secret(secret) = self else { return None };
        let knows = |method: &str| {
            announced.is_none_or(|methods| methods.iter().any(|known| known == method))
        };
        (knows("client_secret_basic") && knows("client_secret_post"))
            .then(|| ClientAuthentication::Post(secret.clone()))
    }

    /// The authentication for one request.
    pub fn authentication(
        &self,
        target: &Target,
        metadata: &ProviderMetadata,
        audience: AssertionAudience,
        now: UnixTime,
    ) -> Result<ClientAuthentication, FlowError> {
        Ok(match self {
            Self::Public => ClientAuthentication::Public,
            Self::Certificate => ClientAuthentication::TlsClientAuth,
            Self::Secret(secret) => ClientAuthentication::choose(
                Some(secret),
                metadata.token_endpoint_auth_methods.as_deref(),
            ),
            Self::Key { key, key_id } => {
                let audience = match (audience, metadata.token_endpoint.offered()) {
                    (AssertionAudience::TokenEndpoint, Some(endpoint)) => endpoint.as_str(),
                    _ => target.issuer.as_str(),
                };
                let assertion = ClientAssertion {
                    client_id: &target.client_id,
                    audience,
                    random: random::bytes()?,
                    now,
                };
                let announced = metadata.token_endpoint_auth_signing_algorithms.as_deref();
                let signed = assertion.sign(key, key.algorithm_for(announced), key_id.as_deref());
                ClientAuthentication::Assertion(signed.map_err(|source| {
                    let path = target.assertion_key.as_ref().map(|key| key.file.clone());
                    let path = path.unwrap_or_default();
                    FlowError::ClientKey(LocalError::Key { path, source })
                })?)
            }
        })
    }
}
