//! Listens on this host for the browser's redirect (RFC 8252 §7.3), and responds with a page or a
//! redirect.
//! Never judges the content of a request, only its origin; listens beyond loopback only if
//! configured.
//!
//! On disk: `peer` finds the user of a connection, `slots` limits the number of connections.

mod peer;
mod slots;

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use login_common::pem;
use login_protocols::oauth2::authorization::MAX_ANSWER;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
    },
};
use url::Url;

use peer::Peer;
use slots::Slots;

/// How many visits may be queued.
const MAX_VISITS: usize = 16;

/// How often a random port is tried until it is free in both address families.
const DRAWS: usize = 16;

/// How long a connection may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last page may take to reach the browser.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A response to the browser.
pub struct Page {
    /// The HTTP status.
    pub status: StatusCode,
    /// The HTML document.
    pub html: String,
    /// The redirect target, if any.
    pub location: Option<Url>,
}

/// A request to the redirect URI.
pub struct Visit {
    /// The query, or the posted form.
    pub answer: String,
    /// Sends the page for it.
    pub reply: Reply,
}

/// Who made a request to the redirect URI.
pub enum Visitor {
    /// A permitted client.
    Browser(Visit),
    /// Another user of this host, who was refused.
    Stranger,
}

/// The pending response to a browser.
pub struct Reply {
    page: oneshot::Sender<Page>,
    closed: oneshot::Receiver<Infallible>,
}

/// The listener; closes when dropped.
pub struct Loopback {
    redirect_uri: String,
    visitors: mpsc::Receiver<Visitor>,
    desk: Arc<Desk>,
    accepting: Vec<JoinHandle<()>>,
}

/// The state that all connections share.
struct Desk {
    place: Place,
    visitors: mpsc::Sender<Visitor>,
    tls: Option<TlsAcceptor>,
    slots: Slots,
    way: Mutex<Option<Way>>,
}

/// A random path that redirects the browser to the sign-in.
struct Way {
    path: String,
    to: Url,
    /// If the system does not tell the client's user, only the first request is redirected.
    is_used: bool,
}

/// Whether only this host can connect to that name or address.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// TLS for an https redirect URI, from PEM texts.
pub fn tls(certificates: &[u8], key: &[u8]) -> Result<TlsAcceptor, String> {
    let chain = pem::certificates(certificates).map_err(|fault| fault.to_string())?;
    let chain = chain.into_iter().map(|(_, certificate)| certificate).collect();
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| error.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Loopback {
    /// Listens on the first of the addresses that is free. `redirect_uri` returns the redirect URI
    /// for a port. If it names `localhost`, the browser may use either of its addresses: both are
    /// listened on, or the port counts as taken.
    pub async fn bind(
        addresses: &[(String, u16)],
        redirect_uri: impl Fn(u16) -> String,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for (host, port) in addresses {
            // A random port may be taken in the other address family.
            for _ in 0..if *port == 0 { DRAWS } else { 1 } {
                match listeners(host, *port, &redirect_uri).await {
                    Ok((listeners, port)) => {
                        let redirect_uri = redirect_uri(port);
                        let place = Place::new(&redirect_uri, host, port);
                        return Ok(Self::serve(listeners, redirect_uri, place, tls));
                    }
                    Err(error) => failure = error,
                }
            }
        }
        Err(failure)
    }

    fn serve(
        listeners: Vec<TcpListener>,
        redirect_uri: String,
        place: Place,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let (sender, visitors) = mpsc::channel(MAX_VISITS);
        let desk = Arc::new(Desk {
            place,
            visitors: sender,
            tls,
            slots: Slots::default(),
            way: Mutex::default(),
        });
        let accept = |listener: TcpListener| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                loop {
                    match listener.accept().await {
                        Ok((stream, peer)) => Desk::receive(&desk, stream, peer),
                        // Out of file descriptors, for example: wait until some are closed.
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    }
                }
            })
        };
        let accepting = listeners.into_iter().map(accept).collect();
        Self { redirect_uri, visitors, desk, accepting }
    }

    /// A URL of this listener that redirects to `to`, to be opened in its place. Other users of
    /// this host can read a browser's arguments, but this URL is of no use to them: they are
    /// refused, or are not the first. `None` if a browser reaches the listener only by another
    /// host.
    pub fn way_to(&self, to: &Url, random: [u8; 32]) -> Option<Url> {
        let mut url = Url::parse(&self.redirect_uri).ok()?;
        let is_here = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])))
            && url.port_or_known_default() == Some(self.desk.place.port);
        if !is_here {
            return None;
        }
        let path = format!("/{}", URL_SAFE_NO_PAD.encode(random));
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        let way = Way { path, to: to.clone(), is_used: false };
        *self.desk.way.lock().unwrap_or_else(PoisonError::into_inner) = Some(way);
        Some(url)
    }

    /// The redirect URI for the issuer, byte for byte the same in both requests.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The next client that requests the redirect URI.
    pub async fn visitor(&mut self) -> Option<Visitor> {
        self.visitors.recv().await
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.accepting.iter().for_each(JoinHandle::abort);
    }
}

impl Reply {
    /// Sends the page, and waits briefly until the browser has it.
    pub async fn show(self, page: Page) {
        if self.page.send(page).is_ok() {
            // The sender is dropped when the connection is done.
            let _ = timeout(FLUSH_TIMEOUT, self.closed).await;
        }
    }
}

/// Binds the listeners for one address; returns their port.
async fn listeners(
    host: &str,
    port: u16,
    redirect_uri: impl Fn(u16) -> String,
) -> io::Result<(Vec<TcpListener>, u16)> {
    // `localhost` is both addresses, whatever the resolver returns first.
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let first = TcpListener::bind((host, port)).await?;
    let port = first.local_addr()?.port();
    let mut all = vec![first];
    let names_localhost = Url::parse(&redirect_uri(port))
        .is_ok_and(|uri| uri.host_str() == Some("localhost") && uri.port() == Some(port));
    if names_localhost {
        let is_v6 = host.parse::<Ipv6Addr>().is_ok();
        let other = if is_v6 { "127.0.0.1" } else { "::1" };
        match TcpListener::bind((other, port)).await {
            Ok(listener) => all.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                // A listener on all addresses of both families conflicts with itself.
                if host != "::" {
                    return Err(error);
                }
            }
            // A host with one address family only: no browser uses the other.
            Err(_) => {}
        }
    }
    Ok((all, port))
}

impl Desk {
    /// Finds a slot for a connection and serves it.
    fn receive(this: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let Ok(own) = stream.local_addr() else { return };
        let desk = Arc::clone(this);
        this.slots.take(|slot| {
            tokio::spawn(async move {
                match &desk.tls {
                    None => desk.converse(stream, (peer, own), slot).await,
                    Some(tls) => {
                        if let Ok(Ok(stream)) = timeout(REQUEST_TIMEOUT, tls.accept(stream)).await {
                            desk.converse(stream, (peer, own), slot).await;
                        }
                    }
                }
                desk.slots.free(slot);
            })
            .abort_handle()
        });
    }

    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        ends: (SocketAddr, SocketAddr),
        slot: u64,
    ) {
        let (open, closed) = oneshot::channel::<Infallible>();
        let closed = Mutex::new(Some(closed));
        let service = service_fn(|request| {
            let closed = closed.lock().ok().and_then(|mut closed| closed.take());
            self.answer(request, ends, slot, closed)
        });
        // A connection that the browser closes early is not an error.
        let _ = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_TIMEOUT)
            .max_buf_size(32 * 1024)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        drop(open);
    }

    /// The redirect target of that path, if this client may have it.
    fn way_from(&self, path: &str, peer: Peer) -> Option<Url> {
        let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        let way = way.as_mut().filter(|way| way.path == path)?;
        let may_go = match peer {
            Peer::Ours => true,
            Peer::Foreign => false,
            Peer::Unknown => !std::mem::replace(&mut way.is_used, true),
        };
        may_go.then(|| way.to.clone())
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        (peer, own): (SocketAddr, SocketAddr),
        slot: u64,
        closed: Option<oneshot::Receiver<Infallible>>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        if !self.place.is_host_meant(&request) {
            return Ok(plain(StatusCode::NOT_FOUND));
        }
        let path = request.uri().path();
        let is_callback = path == self.place.path;
        let peer = peer::of(peer, own);
        if request.method() == Method::GET
            && !is_callback
            && let Some(to) = self.way_from(path, peer)
        {
            let text = "On the way to the sign-in.\n".to_owned();
            return Ok(respond(StatusCode::SEE_OTHER, PLAIN, text, Some(to)));
        }
        if !is_callback {
            return Ok(plain(StatusCode::NOT_FOUND));
        }
        if peer == Peer::Foreign {
            // Does not wait for room in the queue: the other user may send any number of requests.
            let _ = self.visitors.try_send(Visitor::Stranger);
            return Ok(plain(StatusCode::FORBIDDEN));
        }
        let answer = match *request.method() {
            Method::GET => request.uri().query().unwrap_or_default().to_owned(),
            Method::POST => match form(request).await {
                Ok(form) => form,
                Err(status) => return Ok(plain(status)),
            },
            _ => return Ok(plain(StatusCode::METHOD_NOT_ALLOWED)),
        };
        self.slots.has_spoken(slot);
        let (page, shown) = oneshot::channel();
        let Some(closed) = closed else { return Ok(plain(StatusCode::NOT_FOUND)) };
        let visit = Visit { answer, reply: Reply { page, closed } };
        if self.visitors.send(Visitor::Browser(visit)).await.is_err() {
            return Ok(plain(StatusCode::GONE));
        }
        Ok(match shown.await {
            Ok(page) => respond(page.status, HTML, page.html, page.location),
            Err(_) => plain(StatusCode::GONE),
        })
    }
}

/// The address that a request must have.
struct Place {
    path: String,
    port: u16,
    /// Empty if the user chose to listen beyond loopback: any host name is accepted.
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
            // A proxy or a forwarded port keeps the name that the browser uses.
            authorities.extend(uri.as_ref().map(|uri| uri.authority().to_owned()));
        }
        Self { path, port, authorities }
    }

    fn is_host_meant(&self, request: &Request<Incoming>) -> bool {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        // Keeps out pages of other sites whose name resolves to this host (DNS rebinding).
        self.authorities.is_empty()
            || host.is_some_and(|host| self.authorities.iter().any(|known| known == host))
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

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
    respond(status, PLAIN, "There is nothing here.\n".to_owned(), None)
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

#[cfg(test)]
mod tests;
