//! One HTTP request to a party that the configuration names.
//! Never follows a redirect, never reads more than it was told, never waits without a bound.

use std::{sync::OnceLock, time::Duration};

use thiserror::Error;
use url::Url;

/// How one party is reached. The client is built at the first request: loading the system's roots
/// takes milliseconds.
#[derive(Debug)]
pub(super) struct Route {
    certificate_authority_pem: Option<String>,
    timeout: Duration,
    client: OnceLock<reqwest::Client>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) media_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why no answer came.
#[derive(Debug, Error)]
pub(super) enum RequestError {
    #[error("could not prepare TLS")]
    Client(#[source] reqwest::Error),
    #[error("could not ask `{url}`")]
    Transport {
        url: Url,
        #[source]
        source: reqwest::Error,
    },
    #[error("the answer of `{url}` is longer than {limit} bytes")]
    TooLarge { url: Url, limit: usize },
}

impl Route {
    /// Trusts `certificate_authority_pem`, or the system's roots if there is none. `timeout` is
    /// for the whole exchange, from connect to the last byte.
    pub(super) const fn new(certificate_authority_pem: Option<String>, timeout: Duration) -> Self {
        Self { certificate_authority_pem, timeout, client: OnceLock::new() }
    }

    /// Sends what `prepare` makes of the client, and reads at most `limit` bytes.
    pub(super) async fn send(
        &self,
        url: &Url,
        limit: usize,
        prepare: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Response, RequestError> {
        let failed = |source: reqwest::Error| RequestError::Transport {
            url: url.clone(),
            source: source.without_url(),
        };
        let mut response = prepare(self.client()?).send().await.map_err(failed)?;
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

    fn client(&self) -> Result<&reqwest::Client, RequestError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.timeout)
            .user_agent(concat!("login-server/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &self.certificate_authority_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(RequestError::Client)?;
            builder = builder.tls_certs_only(roots);
        }
        let client = builder.build().map_err(RequestError::Client)?;
        Ok(self.client.get_or_init(|| client))
    }
}
