//! Waits on this machine for the browser to come back (RFC 8252 §7.3).
//! Never judges a visit; listens beyond loopback only where it is told to.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use login_protocols::oauth2::authorization::MAX_ANSWER;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use url::Url;

/// How many browsers' connections are open at a time.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection may take to say what it wants.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last page may take to reach the browser.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// What a browser is answered.
pub struct Page {
    /// The HTTP status.
    pub status: StatusCode,
    /// The whole document.
    pub html: String,
    /// Where it goes instead.
    pub location: Option<Url>,
}

/// A browser came to the redirect URI.
pub struct Visit {
    /// What stands behind the question mark, or in the form that was posted.
    pub answer: String,
    /// Where its page goes.
    pub reply: Reply,
}

/// Owes a browser a page.
pub struct Reply {
    page: oneshot::Sender<Page>,
    closed: oneshot::Receiver<Infallible>,
}

/// The listener; it closes when dropped.
pub struct Loopback {
    redirect_uri: String,
    visits: mpsc::Receiver<Visit>,
    accepting: JoinHandle<()>,
}

/// Whether nobody but this machine can connect to that host.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// TLS for an https redirect URI, from PEM texts.
pub fn tls(certificates: &[u8], key: &[u8]) -> Result<TlsAcceptor, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| error.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Loopback {
    /// Listens on the first of the addresses that is free. `redirect_uri` says what the issuer is
    /// told, by the port.
    pub async fn bind(
        addresses: &[(String, u16)],
        redirect_uri: impl Fn(u16) -> String,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for (host, port) in addresses {
            match TcpListener::bind((host.as_str(), *port)).await {
                Ok(listener) => {
                    let port = listener.local_addr()?.port();
                    let redirect_uri = redirect_uri(port);
                    let place = Place::new(&redirect_uri, host, port);
                    return Ok(Self::serve(listener, redirect_uri, place, tls));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn serve(
        listener: TcpListener,
        redirect_uri: String,
        place: Place,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let (sender, visits) = mpsc::channel(MAX_CONNECTIONS);
        let place = Arc::new(place);
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let accepting = tokio::spawn(async move {
            while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let (place, sender, tls) =
                            (Arc::clone(&place), sender.clone(), tls.clone());
                        tokio::spawn(async move {
                            match tls {
                                None => converse(stream, place, sender).await,
                                Some(tls) => {
                                    let shaken = timeout(REQUEST_TIMEOUT, tls.accept(stream)).await;
                                    if let Ok(Ok(stream)) = shaken {
                                        converse(stream, place, sender).await;
                                    }
                                }
                            }
                            drop(permit);
                        });
                    }
                    // Out of file descriptors, for example: others will close theirs.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Self { redirect_uri, visits, accepting }
    }

    /// What the issuer is told, byte for byte the same in both requests.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The next visit to the redirect URI.
    pub async fn visit(&mut self) -> Option<Visit> {
        self.visits.recv().await
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Reply {
    /// Shows the page, and waits a short while until the browser has it.
    pub async fn show(self, page: Page) {
        if self.page.send(page).is_ok() {
            // The sender is dropped when the connection is done.
            let _ = timeout(FLUSH_TIMEOUT, self.closed).await;
        }
    }
}

/// What a visit has to be addressed to.
struct Place {
    path: String,
    /// Empty where the person asked for an address that other machines reach: by whatever name.
    authorities: Vec<String>,
}

impl Place {
    fn new(redirect_uri: &str, host: &str, port: u16) -> Self {
        let uri = Url::parse(redirect_uri).ok();
        let path = uri.as_ref().map_or("/", Url::path).to_owned();
        let mut authorities = Vec::new();
        if is_loopback(host) {
            let local = ["127.0.0.1", "localhost", "[::1]"];
            authorities.extend(local.map(|name| format!("{name}:{port}")));
            // A proxy in front, or a forwarded port, keeps the name that the browser knows.
            authorities.extend(uri.as_ref().map(|uri| uri.authority().to_owned()));
        }
        Self { path, authorities }
    }

    fn is_meant(&self, request: &Request<Incoming>) -> bool {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        // A page of another site whose name resolves to this machine does not get in.
        let named_right = self.authorities.is_empty()
            || host.is_some_and(|host| self.authorities.iter().any(|known| known == host));
        named_right && request.uri().path() == self.path
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    place: Arc<Place>,
    sender: mpsc::Sender<Visit>,
) {
    let (open, closed) = oneshot::channel::<Infallible>();
    let closed = std::sync::Mutex::new(Some(closed));
    let service = service_fn(|request| {
        let closed = closed.lock().ok().and_then(|mut closed| closed.take());
        answer(request, Arc::clone(&place), sender.clone(), closed)
    });
    // A browser that breaks off is none of our business.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .max_buf_size(32 * 1024)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    drop(open);
}

async fn answer(
    request: Request<Incoming>,
    place: Arc<Place>,
    sender: mpsc::Sender<Visit>,
    closed: Option<oneshot::Receiver<Infallible>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if !place.is_meant(&request) {
        return Ok(plain(StatusCode::NOT_FOUND));
    }
    let answer = match *request.method() {
        Method::GET => request.uri().query().unwrap_or_default().to_owned(),
        Method::POST => match form(request).await {
            Ok(form) => form,
            Err(status) => return Ok(plain(status)),
        },
        _ => return Ok(plain(StatusCode::METHOD_NOT_ALLOWED)),
    };
    let (page, shown) = oneshot::channel();
    let Some(closed) = closed else { return Ok(plain(StatusCode::NOT_FOUND)) };
    let visit = Visit { answer, reply: Reply { page, closed } };
    if sender.send(visit).await.is_err() {
        return Ok(plain(StatusCode::GONE));
    }
    Ok(match shown.await {
        Ok(page) => respond(page.status, "text/html; charset=utf-8", page.html, page.location),
        Err(_) => plain(StatusCode::GONE),
    })
}

/// OAuth 2.0 Form Post Response Mode §2.
async fn form(request: Request<Incoming>) -> Result<String, StatusCode> {
    let media_type = request.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    let is_form = media_type
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = Limited::new(request.into_body(), MAX_ANSWER).collect();
    let body = timeout(REQUEST_TIMEOUT, body).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?.to_bytes();
    String::from_utf8(body.into()).map_err(|_| StatusCode::BAD_REQUEST)
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", "There is nothing here.\n".to_owned(), None)
}

fn respond(
    status: StatusCode,
    media_type: &str,
    text: String,
    location: Option<Url>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-type", media_type),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(http::HeaderName::from_static(name), value);
        }
    }
    if let Some(location) = location.and_then(|url| url.as_str().parse().ok()) {
        headers.insert(http::header::LOCATION, location);
    }
    response
}
