//! Fetches an issuer's key set: discovery document first, then the `jwks_uri` it names.
//! Never follows a redirect to another scheme, never reads more than 1 MiB, never trusts a document
//! that names another issuer, and never goes where `addresses.rs` forbids.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::{
    jose::{KeySet, KeySetError},
    oidc::{
        DiscoveryError, EndpointFault, ProviderMetadata, metadata_url,
        redirect::{RedirectFault, redirect_target},
    },
};
use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use super::{
    addresses::{ForbiddenAddress, Resolver},
    freshness,
};
use crate::outgoing::{ClientError, Connections, Outgoing, TransportFault};

const MAX_DOCUMENT: usize = 1024 * 1024;

/// How to reach one issuer.
#[derive(Debug)]
pub(crate) struct Fetcher {
    issuer: IssuerUrl,
    discovery_url: Url,
    certificate_authority_pem: Option<String>,
    timeout: Duration,
    resolver: Resolver,
    outgoing: Outgoing,
}

/// One version of a key set at its issuer (RFC 9110 §8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    url: Url,
    tag: HeaderValue,
}

/// An issuer's response.
pub(crate) struct Fetched {
    pub(crate) found: FetchedKeys,
    /// How long it is fresh, if the issuer says so.
    pub(crate) lifetime: Option<Duration>,
    /// The issuer's time, if it says so.
    pub(crate) issuer_time: Option<UnixTime>,
}

/// The key set, or that it has not changed.
pub(crate) enum FetchedKeys {
    /// A key set, new or sent again, and the bytes that it was parsed from.
    KeySet { keys: KeySet, document: Vec<u8>, version: Option<Version> },
    /// Still the version in the request (RFC 9110 §15.4.5).
    Unchanged,
}

/// Why no key set was fetched.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("refused to fetch `{url}`, to which the issuer points")]
    Forbidden {
        url: Url,
        #[source]
        source: ForbiddenAddress,
    },
    #[error("could not fetch `{url}`")]
    Transport {
        url: Url,
        #[source]
        source: TransportFault,
    },
    #[error("`{url}` answered {status} instead of 200")]
    Status { url: Url, status: u16 },
    #[error(transparent)]
    Redirect(#[from] RedirectFault),
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

impl FetchError {
    /// The fault without addresses, for callers that may not see them.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Client(_) | Self::Transport { .. } => "it cannot be reached",
            Self::Forbidden { .. } => "it sends its readers where no issuer keeps its keys",
            Self::Status { .. } => "it does not answer with a document",
            Self::Redirect(_) => "it redirects, which is not followed",
            Self::TooLarge { .. } => "its document is too long",
            Self::Discovery { .. } | Self::NoKeySetAddress { .. } => {
                "its discovery document cannot be used"
            }
            Self::KeySet { .. } => "its key set cannot be used",
        }
    }
}

impl Fetcher {
    pub(crate) fn new(
        issuer: IssuerUrl,
        discovery_url: Option<Url>,
        certificate_authority_pem: Option<String>,
        timeout: Duration,
    ) -> Self {
        let discovery_url = discovery_url.unwrap_or_else(|| metadata_url(&issuer));
        let resolver = Resolver::new([&discovery_url, &metadata_url(&issuer)]);
        let authority = certificate_authority_pem.clone();
        let outgoing = Outgoing::new(authority, timeout, Connections::Shared);
        let outgoing = outgoing.resolving_by(resolver.clone());
        Self { issuer, discovery_url, certificate_authority_pem, timeout, resolver, outgoing }
    }

    pub(crate) const fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// What determines where the keys come from; another origin may have other keys.
    pub(crate) fn origin(&self) -> (&str, &str, &str) {
        let authority = self.certificate_authority_pem.as_deref().unwrap_or_default();
        (self.issuer.as_str(), self.discovery_url.as_str(), authority)
    }

    /// Asks the issuer; `known` is the version in use, which need not be sent again.
    pub(crate) async fn fetch(&self, known: Option<&Version>) -> Result<Fetched, FetchError> {
        let url = &self.discovery_url;
        let Read { document, .. } = self.read(url, None).await?;
        let unusable =
            |source| FetchError::Discovery { url: url.clone(), source: Box::new(source) };
        let metadata = ProviderMetadata::parse(&document, &self.issuer).map_err(unusable)?;
        // The only endpoint in use; the others are not checked.
        let used = metadata.jwks_uri.used();
        let url = used
            .map_err(|fault: EndpointFault| unusable(fault.into()))?
            .ok_or_else(|| FetchError::NoKeySetAddress { url: url.clone() })?;
        self.check(url)?;
        let Read { url, status, headers, document } = self.read(url, known).await?;
        let lifetime = freshness::lifetime(&headers);
        let issuer_time = freshness::date(&headers);
        let found = if status == StatusCode::NOT_MODIFIED {
            FetchedKeys::Unchanged
        } else {
            let version =
                headers.get(header::ETAG).map(|tag| Version { url: url.clone(), tag: tag.clone() });
            let keys =
                KeySet::parse(&document).map_err(|source| FetchError::KeySet { url, source })?;
            FetchedKeys::KeySet { keys, document, version }
        };
        Ok(Fetched { found, lifetime, issuer_time })
    }

    fn check(&self, url: &Url) -> Result<(), FetchError> {
        let forbidden = |source| FetchError::Forbidden { url: url.clone(), source };
        self.resolver.check(url).map_err(forbidden)
    }

    /// GET, following redirects, within the timeout of one request.
    async fn read(&self, url: &Url, known: Option<&Version>) -> Result<Read, FetchError> {
        let deadline = Instant::now() + self.timeout;
        let mut url = url.clone();
        let mut followed = 0;
        loop {
            let failed = |source: reqwest::Error| FetchError::Transport {
                url: url.clone(),
                source: source.into(),
            };
            let rest = deadline.saturating_duration_since(Instant::now());
            let mut request = self.outgoing.client(&url)?.get(url.clone()).timeout(rest);
            // An entity tag is valid only at the URL that sent it.
            let known = known.filter(|known| known.url == url);
            if let Some(known) = known {
                request = request.header(header::IF_NONE_MATCH, &known.tag);
            }
            let mut response = request.send().await.map_err(failed)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let location = headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
            if let Some(next) = redirect_target(&url, status.as_u16(), location, followed)? {
                self.check(&next)?;
                url = next;
                followed += 1;
                continue;
            }
            if status == StatusCode::NOT_MODIFIED && known.is_some() {
                return Ok(Read { url, status, headers, document: Vec::new() });
            }
            if status != StatusCode::OK {
                return Err(FetchError::Status { url, status: status.as_u16() });
            }
            let mut document = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if document.len() + chunk.len() > MAX_DOCUMENT {
                    return Err(FetchError::TooLarge { url });
                }
                document.extend_from_slice(&chunk);
            }
            return Ok(Read { url, status, headers, document });
        }
    }
}

/// The response to a GET: 200, or 304 if the request named a version.
struct Read {
    /// The URL after redirects.
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    document: Vec<u8>,
}
