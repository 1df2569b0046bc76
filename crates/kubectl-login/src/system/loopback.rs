//! Waits on this machine for the browser to come back (RFC 8252 §7.3).
//! Never judges a visit, never listens beyond loopback, answers one request per connection.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// The path of the redirect URI when the port is ours to choose.
const PATH: &str = "/callback";

/// How many browsers' connections are open at a time.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection may take to say what it wants.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last page may take to reach the browser.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A page for the person.
pub struct Page {
    /// The HTTP status.
    pub status: StatusCode,
    /// The whole document.
    pub html: String,
}

/// A browser came to the redirect URI.
pub struct Visit {
    /// What stands behind the question mark.
    pub query: String,
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

impl Loopback {
    /// Listens on the first address that is free; without any given, on a free port of 127.0.0.1.
    pub async fn bind(addresses: &[(String, u16)]) -> io::Result<Self> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for (host, port) in addresses {
            match TcpListener::bind((host.as_str(), *port)).await {
                Ok(listener) => {
                    let port = listener.local_addr()?.port();
                    // int128/kubelogin's redirect URI, as it is registered at issuers.
                    return Ok(Self::serve(
                        listener,
                        format!("http://localhost:{port}"),
                        "/",
                        port,
                    ));
                }
                Err(error) => failure = error,
            }
        }
        if !addresses.is_empty() {
            return Err(failure);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self::serve(listener, format!("http://127.0.0.1:{port}{PATH}"), PATH, port))
    }

    fn serve(listener: TcpListener, redirect_uri: String, path: &'static str, port: u16) -> Self {
        let (sender, visits) = mpsc::channel(MAX_CONNECTIONS);
        let place = Arc::new(Place { path, port, sender });
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let accepting = tokio::spawn(async move {
            while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let place = Arc::clone(&place);
                        tokio::spawn(async move {
                            converse(stream, place).await;
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

struct Place {
    path: &'static str,
    port: u16,
    sender: mpsc::Sender<Visit>,
}

async fn converse(stream: TcpStream, place: Arc<Place>) {
    let (open, closed) = oneshot::channel::<Infallible>();
    let closed = std::sync::Mutex::new(Some(closed));
    let service = service_fn(|request| {
        let closed = closed.lock().ok().and_then(|mut closed| closed.take());
        answer(request, Arc::clone(&place), closed)
    });
    // A browser that breaks off is none of our business.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(32 * 1024)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    drop(open);
}

async fn answer(
    request: Request<Incoming>,
    place: Arc<Place>,
    closed: Option<oneshot::Receiver<Infallible>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host =
        request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    // A page of another site whose name resolves to this machine does not get in.
    let named_right = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host == format!("{name}:{}", place.port));
    if !named_right || request.uri().path() != place.path {
        return Ok(plain(StatusCode::NOT_FOUND));
    }
    if request.method() != Method::GET {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED));
    }
    let (page, shown) = oneshot::channel();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let Some(closed) = closed else { return Ok(plain(StatusCode::NOT_FOUND)) };
    let visit = Visit { query, reply: Reply { page, closed } };
    if place.sender.send(visit).await.is_err() {
        return Ok(plain(StatusCode::GONE));
    }
    Ok(match shown.await {
        Ok(page) => respond(page.status, "text/html; charset=utf-8", page.html),
        Err(_) => plain(StatusCode::GONE),
    })
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", "There is nothing here.\n".to_owned())
}

fn respond(status: StatusCode, media_type: &str, text: String) -> Response<Full<Bytes>> {
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
    response
}
