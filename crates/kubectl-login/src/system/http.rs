//! Requests to the issuer: bounded in time and size, over https or on this machine.
//! Never follows a redirect, never trusts more than it is told, never logs.

use std::{error::Error as _, time::Duration};

use login_common::{UnixTime, names::is_confidential};
use login_protocols::oauth2::token_endpoint::FormRequest;
use thiserror::Error;
use url::Url;

/// The bound on one request, answer included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The PEM text holds no certificate that can be used.
    #[error("the certificate authority is no PEM text with certificates")]
    CertificateAuthority,
    /// The TLS library or the system's roots.
    #[error("could not prepare connections: {0}")]
    Client(String),
    /// The URL would carry secrets in the clear.
    #[error("`{0}` is not `https://`")]
    NotConfidential(String),
    /// No answer in time.
    #[error("no answer from `{0}` within {bound} seconds", bound = REQUEST_TIMEOUT.as_secs())]
    Timeout(String),
    /// No connection, or a broken one.
    #[error("no connection to `{host}`: {reason}")]
    Connection {
        /// Host and port.
        host: String,
        /// The innermost reason.
        reason: String,
        /// Whether the certificate is what failed.
        untrusted: bool,
    },
    /// The answer is too long.
    #[error("the answer of `{0}` is too long")]
    TooLong(String),
}

/// An answer.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// The issuer's clock, from the `Date` header.
    pub date: Option<UnixTime>,
}

/// Makes requests.
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A client that trusts the authorities in `pem`, and only those; without it the system's.
    pub fn new(pem: Option<&[u8]>) -> Result<Self, HttpError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("kubectl-login/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| HttpError::CertificateAuthority)?;
            if roots.is_empty() {
                return Err(HttpError::CertificateAuthority);
            }
            builder = builder.tls_certs_only(roots);
        }
        builder.build().map(Self).map_err(|error| HttpError::Client(innermost(&error)))
    }

    /// GET.
    pub async fn fetch(&self, url: &Url, limit: usize) -> Result<Response, HttpError> {
        send(self.0.get(url.clone()), url, limit).await
    }

    /// POST of a form.
    pub async fn post(
        &self,
        url: &Url,
        form: &FormRequest,
        limit: usize,
    ) -> Result<Response, HttpError> {
        let mut request = self
            .0
            .post(url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.body().expose().to_owned());
        if let Some(authorization) = form.authorization() {
            let mut value = reqwest::header::HeaderValue::from_str(authorization.expose())
                .map_err(|error| HttpError::Client(error.to_string()))?;
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        send(request, url, limit).await
    }
}

async fn send(
    request: reqwest::RequestBuilder,
    url: &Url,
    limit: usize,
) -> Result<Response, HttpError> {
    if !is_confidential(url) {
        return Err(HttpError::NotConfidential(url.to_string()));
    }
    let failed = |error: reqwest::Error| failure(&error, url);
    let mut answer = request.header("accept", "application/json").send().await.map_err(failed)?;
    let date = answer
        .headers()
        .get("date")
        .and_then(|date| date.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok())
        .map(|moment| UnixTime::from_seconds(moment.as_second()));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLong(host(url)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status: answer.status().as_u16(), body, date })
}

fn failure(error: &reqwest::Error, url: &Url) -> HttpError {
    if error.is_timeout() {
        return HttpError::Timeout(host(url));
    }
    let reason = innermost(error);
    let untrusted = reason.contains("certificate");
    HttpError::Connection { host: host(url), reason, untrusted }
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn innermost(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        reason = source.to_string();
        next = source.source();
    }
    reason
}
