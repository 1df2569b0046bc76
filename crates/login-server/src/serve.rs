//! One listener: accept, handshake, HTTP/1.1 or HTTP/2, and a drain with a deadline.
//! Never waits without a limit, and never interprets a request.

mod activity;
mod arriving;
mod inbox;
mod lingering;
mod places;

use std::{
    convert::Infallible, future::Future, io, net::IpAddr, pin::pin, sync::Arc, time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use self::{
    activity::{Activity, Answer, Patience, Watch},
    inbox::Inbox,
    lingering::Lingering,
    places::Places,
};
pub use self::{arriving::Arriving, places::Place};
use crate::{
    config::Limits,
    system::clock::Clock,
    telemetry::log_throttle::LogThrottle,
    tls::{ServingTls, ShownCertificate},
};

/// The party that opened a connection.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The address it came from.
    pub source: IpAddr,
    /// The client certificate that was verified in the handshake.
    pub certificate: Option<Arc<ShownCertificate>>,
    /// The connection's place in the count of connections.
    pub place: Place,
}

impl Caller {
    /// The name in its certificate, whether that name is allowed or not.
    pub fn name(&self) -> Option<&str> {
        self.certificate.as_ref()?.name().map(|name| &**name)
    }
}

/// The phases from serving to the end of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Everything is answered.
    Serving,
    /// Open requests are answered, new connections are not accepted.
    Draining,
    /// The deadline has passed: connections are dropped.
    Cut,
}

/// What answers the requests of a listener.
pub trait Answering: Send + Sync + 'static {
    /// Answers one request. It must not panic: a panic ends the connection.
    fn answer(
        self: Arc<Self>,
        caller: Caller,
        request: Request<Arriving>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;

    /// Receives the events of connections, for metrics.
    fn observe(&self, event: ConnectionEvent) {
        let _ = event;
    }
}

/// An event in the life of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// It was accepted.
    Accepted,
    /// Its TLS handshake failed or took too long.
    HandshakeFailed,
    /// It was dropped to make room for another one.
    Displaced,
    /// It ended, for whatever reason.
    Ended,
}

/// What all connections of a listener share.
struct Shared<A> {
    tls: Option<ServingTls>,
    clock: Clock,
    limits: Limits,
    answering: Arc<A>,
    inboxes: Inboxes,
}

/// Room for bodies that are arriving. Those of callers that are not admitted never take the room of
/// the others.
struct Inboxes {
    admitted: Arc<Inbox>,
    strangers: Arc<Inbox>,
}

impl Inboxes {
    fn new(limits: &Limits) -> Self {
        let inbox = || Inbox::new(limits.arriving_bytes);
        Self { admitted: inbox(), strangers: inbox() }
    }

    fn of(&self, place: &Place) -> Arc<Inbox> {
        Arc::clone(if place.is_admitted() { &self.admitted } else { &self.strangers })
    }
}

/// Reports the end of a connection, also after a panic.
struct Observed<A: Answering>(Arc<A>);

impl<A: Answering> Drop for Observed<A> {
    fn drop(&mut self) {
        self.0.observe(ConnectionEvent::Ended);
    }
}

/// Accepts connections until `phase` leaves `Serving`, then returns when all have ended. The caller
/// sends `Cut` at its deadline.
pub async fn serve<A: Answering>(
    listener: TcpListener,
    tls: Option<ServingTls>,
    clock: Clock,
    limits: Limits,
    answering: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    let places = Places::new(&limits);
    let shared = Arc::new(Shared { tls, clock, limits, answering, inboxes: Inboxes::new(&limits) });
    let (failing, full) = (LogThrottle::default(), LogThrottle::default());
    loop {
        // Wait for room before accepting: connections that cannot be served stay in the kernel's
        // queue.
        let accepted = tokio::select! {
            biased;
            () = left_serving(&mut phase) => break,
            accepted = next_connection(&listener, &places) => accepted,
        };
        let (stream, source) = match accepted {
            Ok(accepted) => accepted,
            // The client disconnected while queued; the next one need not wait for that.
            Err(fault) if fault.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(fault) => {
                // Mostly: out of file descriptors. Without a pause the loop would spin.
                if let Some(times) = failing.turn() {
                    tracing::warn!(error = %fault, times, "could not accept connections");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        shared.answering.observe(ConnectionEvent::Accepted);
        let (occupied, is_full) = places.take(source);
        if is_full {
            shared.answering.observe(ConnectionEvent::Displaced);
            if let Some(displaced) = full.turn() {
                tracing::warn!(
                    displaced,
                    newcomer = %source,
                    "too many connections; the oldest unauthenticated one is closed"
                );
            }
        }
        let (shared, phase) = (Arc::clone(&shared), phase.clone());
        tokio::spawn(async move {
            let _observed = Observed(Arc::clone(&shared.answering));
            let place = occupied.place();
            let must_go = place.clone();
            tokio::select! {
                biased;
                () = must_go.must_go() => {
                    tracing::debug!(%source, "connection closed in favour of a newer one");
                }
                () = secured(stream, source, place, shared, phase) => {}
            }
            drop(occupied);
        });
    }
    drop(listener);
    places.empty().await;
}

async fn next_connection(
    listener: &TcpListener,
    places: &Places,
) -> io::Result<(TcpStream, IpAddr)> {
    let (stream, peer) = loop {
        places.room().await;
        tokio::select! {
            biased;
            // The connection that would have made room was admitted meanwhile.
            () = places.no_room() => {}
            accepted = listener.accept() => break accepted?,
        }
    };
    // Answers are one small write; waiting for more data only adds delay.
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(error = %fault, "could not turn off Nagle's algorithm");
    }
    Ok((stream, peer.ip().to_canonical()))
}

async fn left_serving(phase: &mut watch::Receiver<Phase>) {
    // A dropped sender means that the server is being torn down.
    drop(phase.wait_for(|phase| *phase != Phase::Serving).await);
}

async fn secured<A: Answering>(
    stream: TcpStream,
    source: IpAddr,
    place: Place,
    shared: Arc<Shared<A>>,
    mut phase: watch::Receiver<Phase>,
) {
    let Shared { limits, answering, clock, .. } = &*shared;
    let stream = Lingering::new(stream, lingering_of(limits), phase.clone());
    let Some(tls) = &shared.tls else {
        let caller = Caller { source, certificate: None, place };
        return connection(stream, Protocol::Either, caller, shared, phase).await;
    };
    let handshake = tokio::select! {
        biased;
        handshake = timeout(limits.handshake, tls.acceptor().accept(stream).into_fallible()) => {
            handshake
        }
        // No request has been read, so nothing is lost.
        () = left_serving(&mut phase) => return,
    };
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err((fault, mut stream))) => {
            tracing::debug!(error = %fault, "TLS handshake failed");
            answering.observe(ConnectionEvent::HandshakeFailed);
            // Sends the alert with the reason; some clients write a request without waiting for it.
            tokio::select! {
                biased;
                () = left_serving(&mut phase) => {}
                ended = stream.shutdown() => drop(ended),
            }
            return;
        }
        Err(_) => {
            tracing::debug!("TLS handshake took too long");
            answering.observe(ConnectionEvent::HandshakeFailed);
            return;
        }
    };
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(|chain| tls.shown(chain)).map(Arc::new);
    if certificate.as_ref().is_some_and(|shown| shown.counts(clock.now())) {
        place.admit();
    }
    let caller = Caller { source, certificate, place };
    let protocol = match session.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    connection(stream, protocol, caller, shared, phase).await;
}

fn lingering_of(limits: &Limits) -> lingering::Patience {
    lingering::Patience { time: limits.linger, bytes: limits.linger_bytes }
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http2,
    /// No ALPN was negotiated; the first bytes decide.
    Either,
}

async fn connection<A: Answering>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    protocol: Protocol,
    caller: Caller,
    shared: Arc<Shared<A>>,
    mut phase: watch::Receiver<Phase>,
) {
    let limits = shared.limits;
    let activity = Arc::new(Activity::default());
    let place = caller.place.clone();
    let service = service_fn({
        let activity = Arc::clone(&activity);
        move |request| {
            let under_way = activity.begin();
            let (shared, caller) = (Arc::clone(&shared), caller.clone());
            async move {
                // RFC 9112 §6.3: if a proxy in front of us used `Content-Length`, the bytes after a
                // chunked body may be another client's request.
                let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
                let inbox = shared.inboxes.of(&caller.place);
                let request = Arriving::of(request, lingering_of(&shared.limits), inbox);
                let response = Arc::clone(&shared.answering).answer(caller, request).await;
                let mut response = response.map(|body| Answer::new(body, under_way));
                if is_last {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response)
            }
        }
    });
    let builder = http_builder(protocol);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut patience = pin!(sleep_until(Instant::now() + limits.first_request));
    let mut watch = Watch::default();
    let mut is_draining = false;
    let longest = limits.idle + limits.review + limits.form;
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => {
                if let Err(fault) = ended {
                    tracing::debug!(error = %fault, "connection ended early");
                }
                return;
            }
            () = &mut patience => {
                if is_draining {
                    // Some peers ignore the request to close (RFC 9113 §6.8).
                    if watch.is_over(&activity) {
                        tracing::debug!("a connection without a request is closed at the end");
                        return;
                    }
                    patience.as_mut().reset(Instant::now() + limits.drain_idle / 2);
                    continue;
                }
                // A live HTTP/2 peer answers pings, so the connection of an admitted caller may
                // stay idle.
                let may_idle = matches!(protocol, Protocol::Http2) && place.is_admitted();
                match watch.judge(&activity, may_idle, limits.idle, longest) {
                    Patience::Keep => {}
                    Patience::Farewell => serving.as_mut().graceful_shutdown(),
                    Patience::Cut => {
                        tracing::debug!(requests = activity.begun(), "connection is closed");
                        return;
                    }
                }
                patience.as_mut().reset(Instant::now() + limits.idle);
            }
            changed = phase.changed() => {
                let now = *phase.borrow_and_update();
                match now {
                    Phase::Serving => {}
                    // On an idle connection this ends it at once.
                    Phase::Draining => {
                        serving.as_mut().graceful_shutdown();
                        is_draining = true;
                        patience.as_mut().reset(Instant::now() + limits.drain_idle / 2);
                    }
                    Phase::Cut => return,
                }
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Maximum size of a request's header, in bytes.
const MAX_HEADER: usize = 16 * 1024;

fn http_builder(protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut builder = match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
        Protocol::Either => builder,
    };
    // hyper's own limit of 100 header fields stays: another number would cost an allocation for
    // each request.
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEADER);
    builder
        .http2()
        .timer(TokioTimer::new())
        // A peer that disappeared silently is noticed within 40 s.
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_concurrent_streams(256)
        // Streams that are opened and reset at once ("rapid reset", CVE-2023-44487) end the
        // connection when this many of them wait to be processed.
        .max_pending_accept_reset_streams(20)
        // Likewise streams that we had to reset for protocol errors of the peer.
        .max_local_error_reset_streams(64)
        .max_header_list_size(u32::try_from(MAX_HEADER).unwrap_or(u32::MAX));
    builder
}
