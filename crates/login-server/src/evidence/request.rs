//! Sends one HTTP request to a party that the configuration names.
//! Never reads more than `limit` bytes, never waits without a bound.

use std::time::Duration;

use thiserror::Error;
use url::Url;

use crate::outgoing::{ClientError, Connections, Outgoing, Progress, TransportFault};

/// How to reach one party.
#[derive(Debug)]
pub(super) struct Route(Outgoing);

/// A response, whatever its status.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) media_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Error)]
pub(super) enum RequestError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("could not ask `{url}`")]
    Transport {
        url: Url,
        #[source]
        source: TransportFault,
    },
    #[error("the answer of `{url}` is longer than {limit} bytes")]
    TooLarge { url: Url, limit: usize },
}

impl RequestError {
    /// How far the request came.
    pub(super) const fn progress(&self) -> Progress {
        match self {
            Self::Client(_) => Progress::Connecting,
            Self::Transport { source, .. } => source.progress(),
            Self::TooLarge { .. } => Progress::Asking,
        }
    }
}

impl Route {
    /// Trusts `certificate_authority_pem`, or the system's roots if there is none. `timeout` covers
    /// the whole exchange, from connect to the last byte.
    pub(super) const fn new(certificate_authority_pem: Option<String>, timeout: Duration) -> Self {
        Self(Outgoing::new(certificate_authority_pem, timeout, Connections::OneEach))
    }

    /// Sends the request that `prepare` builds, and reads at most `limit` bytes of the response.
    /// May send it twice, as the server may close a reused connection just when it is used; so the
    /// request must be safe to repeat.
    pub(super) async fn send(
        &self,
        url: &Url,
        limit: usize,
        prepare: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Response, RequestError> {
        let failed = |source: reqwest::Error| RequestError::Transport {
            url: url.clone(),
            source: source.into(),
        };
        let client = self.0.client(url)?;
        let mut response = match prepare(client).send().await {
            Err(error) if error.is_request() && !error.is_connect() && !error.is_timeout() => {
                prepare(client).send().await.map_err(failed)?
            }
            sent => sent.map_err(failed)?,
        };
        let media_type = response.headers().get(http::header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).map(ToString::to_string);
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limit {
                return Err(RequestError::TooLarge { url: url.clone(), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, media_type, body })
    }
}
