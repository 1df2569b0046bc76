//! One listener: accept, handshake, HTTP/1.1 or HTTP/2, and a drain with a deadline.
//! Never waits without a limit, and never decides what a request means.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::config::Limits;

/// What a connection says about whoever opened it.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The address it came from.
    pub source: IpAddr,
    /// A client certificate was shown and verified against the client CA.
    pub certified: bool,
}

/// Where the process is on its way from serving to gone.
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
    /// Answers one request. It must not panic; a panic ends the connection.
    fn answer(
        self: Arc<Self>,
        caller: Caller,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// Accepts connections until `phase` leaves `Serving`, then returns when all have ended. The
/// caller sends `Cut` when it has waited long enough.
pub async fn serve<A: Answering>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    answering: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    loop {
        // The slot comes before the connection: what we cannot serve stays in the kernel's queue.
        let accepted = tokio::select! {
            biased;
            () = left_serving(&mut phase) => break,
            accepted = next_connection(&listener, &slots) => accepted,
        };
        let (stream, source, slot) = match accepted {
            Ok(accepted) => accepted,
            // The client gave up before it was its turn; the next one need not wait for that.
            Err(fault) if fault.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(fault) => {
                // Out of descriptors, mostly. Without a pause the loop would spin.
                tracing::warn!(error = %fault, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let tls = tls.clone();
        let answering = Arc::clone(&answering);
        let phase = phase.clone();
        tokio::spawn(async move {
            let _slot = slot;
            secured(stream, source, tls, limits, answering, phase).await;
        });
    }
    drop(listener);
    // Every slot free again means that every connection has ended.
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    drop(slots.acquire_many(all).await);
}

async fn next_connection(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are one small write; waiting for more to send only adds delay.
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(error = %fault, "could not turn off Nagle's algorithm");
    }
    Ok((stream, peer.ip().to_canonical(), slot))
}

async fn left_serving(phase: &mut watch::Receiver<Phase>) {
    // A dropped sender is a server that is being torn down.
    drop(phase.wait_for(|phase| *phase != Phase::Serving).await);
}

async fn secured<A: Answering>(
    stream: TcpStream,
    source: IpAddr,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    answering: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    let Some(acceptor) = tls else {
        let caller = Caller { source, certified: false };
        return connection(stream, Protocol::Either, caller, limits, answering, phase).await;
    };
    let handshake = tokio::select! {
        biased;
        handshake = timeout(limits.handshake, acceptor.accept(stream)) => handshake,
        // Nobody has asked anything yet, so nothing is lost.
        () = left_serving(&mut phase) => return,
    };
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(fault)) => {
            tracing::debug!(error = %fault, "TLS handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!("TLS handshake took too long");
            return;
        }
    };
    let (_, session) = stream.get_ref();
    let caller = Caller { source, certified: session.peer_certificates().is_some() };
    let protocol = match session.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    connection(stream, protocol, caller, limits, answering, phase).await;
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http2,
    /// No ALPN told us; the first bytes do.
    Either,
}

async fn connection<A: Answering>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    protocol: Protocol,
    caller: Caller,
    limits: Limits,
    answering: Arc<A>,
    mut phase: watch::Receiver<Phase>,
) {
    let asked = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let asked = Arc::clone(&asked);
        move |request| {
            asked.store(true, Ordering::Relaxed);
            let answering = Arc::clone(&answering);
            async move { Ok::<_, Infallible>(answering.answer(caller, request).await) }
        }
    });
    let builder = http_builder(protocol, limits);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut first_request = pin!(sleep_until(Instant::now() + limits.first_request));
    let mut first_request_awaited = true;
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => {
                if let Err(fault) = ended {
                    tracing::debug!(error = %fault, "connection ended early");
                }
                return;
            }
            // hyper's own header timeout starts late: not while it tells the protocols apart.
            () = &mut first_request, if first_request_awaited => {
                first_request_awaited = false;
                if !asked.load(Ordering::Relaxed) {
                    tracing::debug!("no request arrived on a new connection");
                    return;
                }
            }
            changed = phase.changed() => {
                let now = *phase.borrow_and_update();
                match now {
                    Phase::Serving => {}
                    // On an idle connection this ends it at once.
                    Phase::Draining => serving.as_mut().graceful_shutdown(),
                    Phase::Cut => return,
                }
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

fn http_builder(protocol: Protocol, limits: Limits) -> auto::Builder<TokioExecutor> {
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut builder = match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
        Protocol::Either => builder,
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(64)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        // A peer that vanished without a word is noticed within 40 s.
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_concurrent_streams(256)
        .max_header_list_size(16 * 1024);
    builder
}
