//! How this client proves itself to an issuer: by a secret, a key, or a certificate in TLS.
//! Never without what was configured, and never by what was not.

use login_common::{Secret, UnixTime};
use login_protocols::{
    jose::PrivateKey,
    oauth2::{client_assertion::ClientAssertion, token_endpoint::ClientAuthentication},
    oidc::ProviderMetadata,
};

use super::{FlowError, LocalError, local};
use crate::{options::target::Target, system::random};

/// What the client has, read from where the options say.
pub enum ClientProof {
    /// Nothing: its id alone.
    Public,
    /// Shown in a header or in the form, as the issuer announces.
    Secret(Secret),
    /// Signs assertions.
    Key {
        /// PEM or JWK.
        key: PrivateKey,
        /// What the issuer knows it by.
        key_id: Option<String>,
    },
    /// Shown in TLS.
    Certificate,
}

/// To whom an assertion is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer's identifier: no other issuer can be tricked with it
    /// (draft-ietf-oauth-rfc7523bis).
    Issuer,
    /// The token endpoint, as OpenID Connect Core §9 has it and some issuers insist.
    TokenEndpoint,
}

impl ClientProof {
    /// Reads it. A key comes before a secret: whoever names both is on the way to the key.
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

    /// The other way to show a secret than the one that comes first, where the issuer announced
    /// both or none: int128/kubelogin tries both, too.
    pub fn other_way(&self, announced: Option<&[String]>) -> Option<ClientAuthentication> {
        let Self::Secret(secret) = self else { return None };
        let knows = |method: &str| {
            announced.is_none_or(|methods| methods.iter().any(|known| known == method))
        };
        (knows("client_secret_basic") && knows("client_secret_post"))
            .then(|| ClientAuthentication::Post(secret.clone()))
    }

    /// The proof for one request.
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
