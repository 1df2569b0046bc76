//! Fetches an issuer's key set: discovery document first, then the `jwks_uri` it names.
//! Never follows a redirect, never reads more than 1 MiB, never trusts a document that names
//! another issuer.

use std::{sync::OnceLock, time::Duration};

use login_common::names::IssuerUrl;
use login_protocols::{
    jose::{KeySet, KeySetError},
    oidc::{DiscoveryError, ProviderMetadata, metadata_url},
};
use thiserror::Error;
use url::Url;

const MAX_DOCUMENT: usize = 1024 * 1024;

/// How to reach one issuer.
#[derive(Debug)]
pub(crate) struct Fetcher {
    issuer: IssuerUrl,
    discovery_url: Url,
    certificate_authority_pem: Option<String>,
    timeout: Duration,
    // Built at the first fetch: loading the system's roots takes milliseconds.
    client: OnceLock<reqwest::Client>,
}

/// A key set and the bytes it was read from.
pub(crate) struct Fetched {
    pub(crate) keys: KeySet,
    pub(crate) document: Vec<u8>,
}

/// Why no key set came back.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("could not prepare TLS for `{issuer}`")]
    Client {
        issuer: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("could not fetch `{url}`")]
    Transport {
        url: Url,
        #[source]
        source: reqwest::Error,
    },
    #[error("`{url}` answered {status} instead of 200")]
    Status { url: Url, status: u16 },
    #[error("`{url}` is longer than {MAX_DOCUMENT} bytes")]
    TooLarge { url: Url },
    #[error("`{url}` is not usable as discovery document")]
    Discovery {
        url: Url,
        #[source]
        source: Box<DiscoveryError>,
    },
    #[error("the discovery document at `{url}` has no `jwks_uri`")]
    NoKeySetAddress { url: Url },
    #[error("`{url}` is not usable as key set")]
    KeySet {
        url: Url,
        #[source]
        source: KeySetError,
    },
}

impl Fetcher {
    pub(crate) fn new(
        issuer: IssuerUrl,
        discovery_url: Option<Url>,
        certificate_authority_pem: Option<String>,
        timeout: Duration,
    ) -> Self {
        let discovery_url = discovery_url.unwrap_or_else(|| metadata_url(&issuer));
        Self { issuer, discovery_url, certificate_authority_pem, timeout, client: OnceLock::new() }
    }

    pub(crate) const fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    pub(crate) async fn fetch(&self) -> Result<Fetched, FetchError> {
        let client = self.client()?;
        let url = &self.discovery_url;
        let metadata =
            ProviderMetadata::parse(&read(client, url).await?, &self.issuer).map_err(|source| {
                FetchError::Discovery { url: url.clone(), source: Box::new(source) }
            })?;
        let url = metadata
            .jwks_uri
            .ok_or_else(|| FetchError::NoKeySetAddress { url: self.discovery_url.clone() })?;
        let document = read(client, &url).await?;
        let keys = KeySet::parse(&document).map_err(|source| FetchError::KeySet { url, source })?;
        Ok(Fetched { keys, document })
    }

    fn client(&self) -> Result<&reqwest::Client, FetchError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let failed =
            |source| FetchError::Client { issuer: self.issuer.as_str().to_owned(), source };
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.timeout)
            .timeout(self.timeout)
            .user_agent(concat!("login-server/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &self.certificate_authority_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(failed)?;
            builder = builder.tls_certs_only(roots);
        }
        let client = builder.build().map_err(failed)?;
        Ok(self.client.get_or_init(|| client))
    }
}

async fn read(client: &reqwest::Client, url: &Url) -> Result<Vec<u8>, FetchError> {
    let failed = |source: reqwest::Error| FetchError::Transport {
        url: url.clone(),
        source: source.without_url(),
    };
    let mut response = client.get(url.clone()).send().await.map_err(failed)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(FetchError::Status { url: url.clone(), status: response.status().as_u16() });
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if document.len() + chunk.len() > MAX_DOCUMENT {
            return Err(FetchError::TooLarge { url: url.clone() });
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}
