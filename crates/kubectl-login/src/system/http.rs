//! Requests to the issuer: bounded in time and size, over https or on this machine.
//! Never follows a redirect with anything but a public document, never trusts more than it is told,
//! never logs.

use std::{error::Error as _, sync::OnceLock, time::Duration};

use login_common::{Secret, UnixTime, names::is_confidential};
use login_protocols::{oauth2::token_endpoint::FormRequest, oidc::redirect::RedirectFault};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

mod redirects;

/// The bound on one request, answer included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The PEM text holds no certificate that can be used.
    #[error("the certificate authority is no PEM text with certificates")]
    CertificateAuthority,
    /// The PEM text holds no certificate with its key.
    #[error("the client certificate or its key cannot be used: {0}")]
    ClientCertificate(String),
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
    /// A redirect that is not followed.
    #[error(transparent)]
    Redirect(#[from] RedirectFault),
}

/// An answer.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// The issuer's clock, from the `Date` header.
    pub date: Option<UnixTime>,
    /// Where else to look, as it was written.
    location: Option<String>,
}

/// How connections are made.
#[derive(Default)]
pub struct HttpOptions {
    /// PEM texts with authorities, beside those of the system.
    pub authorities: Vec<Vec<u8>>,
    /// Believe any certificate.
    pub insecure_skip_tls_verify: bool,
    /// Further headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// PEM text with the certificate and the key that the client shows.
    pub client_certificate: Option<Zeroizing<Vec<u8>>>,
}

/// Makes requests.
pub struct HttpClient {
    options: HttpOptions,
    /// Trusts the given authorities only: the system's take longer to load than a request takes.
    narrow: reqwest::Client,
    /// Trusts those of the system, too; made when the given ones do not suffice.
    wide: OnceLock<reqwest::Client>,
    /// For plain http, which stays on this machine: a proxy would see it in the clear.
    direct: OnceLock<reqwest::Client>,
}

impl HttpClient {
    /// A client for `options`.
    pub fn new(options: HttpOptions) -> Result<Self, HttpError> {
        let given = authorities(&options.authorities)?;
        let mut builder = builder(&options)?;
        if !given.is_empty() {
            builder = builder.tls_certs_only(given);
        }
        let narrow = builder.build().map_err(|error| HttpError::Client(innermost(&error)))?;
        Ok(Self { options, narrow, wide: OnceLock::new(), direct: OnceLock::new() })
    }

    /// GET.
    pub async fn fetch(&self, url: &Url, limit: usize) -> Result<Response, HttpError> {
        self.send(|client| client.get(url.clone()), url, limit).await
    }

    /// POST of a form.
    pub async fn post(
        &self,
        url: &Url,
        form: &FormRequest,
        limit: usize,
    ) -> Result<Response, HttpError> {
        let authorization = form.authorization().map(sensitive).transpose()?;
        let request = |client: &reqwest::Client| {
            let request = client
                .post(url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.body().expose().to_owned());
            match &authorization {
                Some(value) => request.header("authorization", value.clone()),
                None => request,
            }
        };
        self.send(request, url, limit).await
    }

    /// A request with a token of its own: JSON where there is a body.
    pub async fn authorized(
        &self,
        url: &Url,
        token: &Secret,
        json: Option<&str>,
        limit: usize,
    ) -> Result<Response, HttpError> {
        let bearer = sensitive(&Secret::new(format!("Bearer {}", token.expose())))?;
        let request = |client: &reqwest::Client| match json {
            Some(json) => client
                .post(url.clone())
                .header("authorization", bearer.clone())
                .header("content-type", "application/json")
                .body(json.to_owned()),
            None => client.get(url.clone()).header("authorization", bearer.clone()),
        };
        self.send(request, url, limit).await
    }

    async fn send(
        &self,
        request: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
        url: &Url,
        limit: usize,
    ) -> Result<Response, HttpError> {
        if url.scheme() == "http" {
            return send(request(self.direct()?), url, limit).await;
        }
        let first = send(request(&self.narrow), url, limit).await;
        // A handshake that failed has carried nothing yet.
        let may_be_of_the_system =
            matches!(&first, Err(HttpError::Connection { untrusted: true, .. }));
        if !may_be_of_the_system || self.options.authorities.is_empty() {
            return first;
        }
        if self.wide.get().is_none() {
            let given = authorities(&self.options.authorities)?;
            // A machine without any roots is no reason to forget the first failure.
            let Ok(wide) = builder(&self.options)?.tls_certs_merge(given).build() else {
                return first;
            };
            let _ = self.wide.set(wide);
        }
        let Some(wide) = self.wide.get() else { return first };
        send(request(wide), url, limit).await
    }

    fn direct(&self) -> Result<&reqwest::Client, HttpError> {
        if self.direct.get().is_none() {
            let direct = builder(&self.options)?.no_proxy().build();
            let direct = direct.map_err(|error| HttpError::Client(innermost(&error)))?;
            let _ = self.direct.set(direct);
        }
        // It was set a moment ago.
        Ok(self.direct.get().unwrap_or(&self.narrow))
    }
}

impl HttpError {
    /// Whether the other side's certificate is what failed.
    pub fn is_untrusted(&self) -> bool {
        matches!(self, Self::Connection { untrusted: true, .. })
    }
}

/// What every connection has in common.
pub(super) fn plain_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(REQUEST_TIMEOUT)
        .user_agent(concat!("kubectl-login/", env!("CARGO_PKG_VERSION")))
}

fn builder(options: &HttpOptions) -> Result<reqwest::ClientBuilder, HttpError> {
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in &options.headers {
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
            .map_err(|error| HttpError::Client(error.to_string()))?;
        headers.insert(name, sensitive(value)?);
    }
    let mut builder = plain_builder()
        .default_headers(headers)
        .tls_danger_accept_invalid_certs(options.insecure_skip_tls_verify);
    if let Some(pem) = &options.client_certificate {
        let identity = reqwest::Identity::from_pem(pem)
            .map_err(|error| HttpError::ClientCertificate(innermost(&error)))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn authorities(texts: &[Vec<u8>]) -> Result<Vec<reqwest::Certificate>, HttpError> {
    let mut all = Vec::new();
    for text in texts {
        all.extend(certificates(text)?);
    }
    Ok(all)
}

pub(super) fn certificates(text: &[u8]) -> Result<Vec<reqwest::Certificate>, HttpError> {
    reqwest::Certificate::from_pem_bundle(text)
        .ok()
        .filter(|some| !some.is_empty())
        .ok_or(HttpError::CertificateAuthority)
}

pub(super) fn sensitive(value: &Secret) -> Result<reqwest::header::HeaderValue, HttpError> {
    let mut value = reqwest::header::HeaderValue::from_str(value.expose())
        .map_err(|error| HttpError::Client(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) async fn send(
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
    let location = answer.headers().get("location").and_then(|place| place.to_str().ok());
    let location = location.map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLong(host(url)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status: answer.status().as_u16(), body, date, location })
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

pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        reason = source.to_string();
        next = source.source();
    }
    reason
}
