//! Sends requests to the issuer: limited in time and size, over https or to loopback.
//! Follows redirects only for public documents; never trusts more authorities than its options
//! name; never logs.
//!
//! On disk: `route` builds every HTTP client of this program, `redirects` follows redirects of
//! public documents, `failure` has the errors.

mod failure;
mod limits;
mod redirects;
pub(super) mod route;

use std::{
    io::Read as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flate2::read::GzDecoder;
use login_common::{
    Secret, UnixTime,
    names::is_confidential,
    pem,
    proxy::{Proxies, Route},
};
use login_protocols::oauth2::token_endpoint::FormRequest;
use url::Url;
use zeroize::Zeroizing;

pub(super) use failure::innermost;
pub use failure::{CertificateFault, HttpError};
pub use limits::REQUEST_TIMEOUT;
pub use route::proxies;

/// An HTTP response.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// The issuer's clock, from the `Date` header.
    pub date: Option<UnixTime>,
    /// The redirect target, as written.
    location: Option<String>,
    /// RFC 9110 §10.2.3: how long to wait before the next request.
    pub retry_after: Option<Duration>,
}

/// How connections are made.
#[derive(Default)]
pub struct HttpOptions {
    /// PEM texts with authorities, in addition to the system's.
    pub authorities: Vec<Vec<u8>>,
    /// Accept any certificate.
    pub insecure_skip_tls_verify: bool,
    /// Additional headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// PEM text with the client's certificate and key.
    pub client_certificate: Option<Zeroizing<Vec<u8>>>,
}

/// Which authorities a connection trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Only the given ones, if any: loading the system's takes longer than a request.
    Given,
    /// The system's, too.
    System,
}

/// An HTTP client for the issuer.
pub struct HttpClient {
    options: HttpOptions,
    proxies: Proxies,
    /// Built on demand.
    clients: Mutex<Vec<(Route, Trust, reqwest::Client)>>,
}

impl HttpClient {
    /// A client for `options`, behind `proxies`.
    pub fn new(options: HttpOptions, proxies: Proxies) -> Result<Self, HttpError> {
        let client = Self { options, proxies, clients: Mutex::default() };
        // Invalid options must fail before anything is sent.
        client.client(&Route::Direct, Trust::Given)?;
        Ok(client)
    }

    /// Sends a GET request.
    pub async fn fetch(&self, url: &Url, limit: usize) -> Result<Response, HttpError> {
        self.send(|client| client.get(url.clone()), url, limit).await
    }

    /// Sends a form by POST.
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

    /// Sends a request with its own bearer token: JSON if there is a body.
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
        let route = self.proxies.route(url)?;
        let first = send(request(&self.client(&route, Trust::Given)?), url, &route, limit).await;
        // A failed handshake has transmitted nothing of the request.
        let may_be_of_the_system = matches!(&first, Err(error) if error.may_be_trusted_by_others());
        if !may_be_of_the_system || self.options.authorities.is_empty() {
            return first;
        }
        // If the host has no root certificates, return the first failure.
        let Ok(wide) = self.client(&route, Trust::System) else { return first };
        send(request(&wide), url, &route, limit).await
    }

    fn client(&self, route: &Route, trust: Trust) -> Result<reqwest::Client, HttpError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, client)) =
            clients.iter().find(|(known, trusts, _)| known == route && *trusts == trust)
        {
            return Ok(client.clone());
        }
        let mut builder = with_options(route::builder(route)?, &self.options)?;
        let given = authorities(&self.options.authorities)?;
        builder = match trust {
            _ if given.is_empty() => builder,
            Trust::Given => builder.tls_certs_only(given),
            Trust::System => builder.tls_certs_merge(given),
        };
        let client = builder.build().map_err(|error| HttpError::client(&error))?;
        clients.push((route.clone(), trust, client.clone()));
        Ok(client)
    }
}

fn with_options(
    mut builder: reqwest::ClientBuilder,
    options: &HttpOptions,
) -> Result<reqwest::ClientBuilder, HttpError> {
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in &options.headers {
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
            .map_err(|error| HttpError::Client(error.to_string()))?;
        headers.insert(name, sensitive(value)?);
    }
    builder = builder
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
    let found = pem::certificates(text).map_err(HttpError::CertificateAuthorityText)?;
    let read = found.iter().map(|(_, der)| reqwest::Certificate::from_der(der));
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| HttpError::client(&error))?;
    if read.is_empty() { Err(HttpError::CertificateAuthority) } else { Ok(read) }
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
    route: &Route,
    limit: usize,
) -> Result<Response, HttpError> {
    if !is_confidential(url) {
        return Err(HttpError::NotConfidential(url.to_string()));
    }
    let failed = |error: reqwest::Error| HttpError::of(&error, url, route);
    // Without this header a server may choose any coding (RFC 9110 §12.5.3).
    let request = request.header("accept", "application/json").header("accept-encoding", "gzip");
    let mut answer = request.send().await.map_err(failed)?;
    let header = |name: &str| {
        answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let moment = |text: &str| {
        let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(UnixTime::from_seconds(moment.as_second()))
    };
    let date = header("date").and_then(|date| moment(&date));
    let retry_after = header("retry-after").and_then(|text| {
        let seconds = text.trim().parse().map(Duration::from_secs).ok();
        seconds.or_else(|| Some(moment(&text)?.since(date?)))
    });
    let coding = header("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    let location = header("location");
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLong(failure::host(url)));
        }
        body.extend_from_slice(&chunk);
    }
    let body = decoded(&coding, body, limit, url)?;
    Ok(Response { status: answer.status().as_u16(), body, date, location, retry_after })
}

/// Decodes the body's content coding (RFC 9110 §8.4); the result has at most `limit` bytes.
fn decoded(coding: &str, body: Vec<u8>, limit: usize, url: &Url) -> Result<Vec<u8>, HttpError> {
    match coding {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => {
            let mut plain = Vec::new();
            let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            match GzDecoder::new(body.as_slice()).take(bound).read_to_end(&mut plain) {
                Ok(_) if plain.len() > limit => Err(HttpError::TooLong(failure::host(url))),
                Ok(_) => Ok(plain),
                // A server may announce a coding for an empty body.
                Err(_) if body.is_empty() => Ok(body),
                Err(_) => Err(HttpError::Coding {
                    host: failure::host(url),
                    coding: "a broken `gzip`".to_owned(),
                }),
            }
        }
        other => Err(HttpError::Coding {
            host: failure::host(url),
            coding: format!("`{}`", login_protocols::oauth2::error::presentable(other)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn no_authority_is_lost_in_silence() {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let one = parameters.self_signed(&key).unwrap().pem();
        let read = |text: &str| {
            certificates(text.as_bytes()).map(|all| all.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read(&format!("# two\n{one}{one}")), Ok(2));
        let glued = format!("{}{one}", one.trim_end());
        let fault = read(&glued).unwrap_err();
        let line = one.lines().count();
        assert!(fault.contains(&format!("line {line}: is not `-----END")), "{fault}");
        for text in ["", "no PEM", &key.serialize_pem()] {
            assert!(read(text).unwrap_err().contains("no PEM text with certificates"), "{text}");
        }
    }

    #[test]
    fn a_body_is_decoded_within_its_limit_or_refused_in_words() {
        let url = Url::parse("https://id.example/t").unwrap();
        let read = |coding: &str, body: Vec<u8>| {
            decoded(coding, body, 100, &url)
                .map(|body| String::from_utf8(body).unwrap())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("", b"{}".to_vec()), Ok("{}".to_owned()));
        assert_eq!(read("identity", b"{}".to_vec()), Ok("{}".to_owned()));
        assert_eq!(read("gzip", gzip(b"{}")), Ok("{}".to_owned()));
        assert_eq!(read("x-gzip", gzip(b"{}")), Ok("{}".to_owned()));
        assert_eq!(read("gzip", Vec::new()), Ok(String::new()));
        // A small body may expand to a large one.
        let bomb = gzip(&vec![b' '; 1024 * 1024]);
        assert_eq!(read("gzip", bomb), Err("the answer of `id.example` is too long".to_owned()));
        for (coding, body, shown) in
            [("gzip", b"{}".to_vec(), "a broken `gzip`"), ("br", b"x".to_vec(), "`br`")]
        {
            let error = read(coding, body).unwrap_err();
            assert!(error.contains(shown), "{error}");
        }
    }
}
