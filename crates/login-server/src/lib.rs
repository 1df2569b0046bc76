//! The server: sockets, TLS, routes, evidence, shutdown, telemetry.
//!
//! Contains no rules of its own: `login-review` decides whether a token is good, `login-issuer` who
//! may have one.
//!
//! Reading order: `commands` (what an operator types), `config` (what a server is made of), `start`
//! (from configuration to services: `review`, `issuer`, `admin`, `reload`), [`run`], `serve` with `tls` and `routes`, then `handlers` with
//! `pages`, `gather` (from request to verdict), and `evidence`, which sends requests to other
//! parties through `outgoing`. `telemetry`, `report` and `system` serve them all.

pub mod commands;
pub mod report;

pub mod config;
pub mod start;

pub mod routes;
pub mod serve;
pub mod tls;

pub mod handlers;
pub mod pages;

pub mod evidence;
pub mod gather;
mod outgoing;

pub mod admin;
pub mod callers;
pub mod concurrency_limit;
pub mod effort;
pub mod embedded;
pub mod in_force;
pub mod issuer;
pub mod progress;
pub mod reload;
pub mod review;
pub mod revoked_grants;

pub mod system;
pub mod telemetry;

use std::{
    future::pending,
    pin::{Pin, pin},
    sync::Arc,
};

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    config::ServerConfig,
    routes::Health,
    serve::{Phase, serve},
    start::{Services, StartError},
    system::signals::Signal,
};

/// Sockets that are bound already, so that the caller knows their ports.
#[derive(Debug)]
pub struct Listeners {
    /// For kube-apiserver, and for users and clients that sign in.
    pub main: TcpListener,
    /// For load balancers, kubelets and Prometheus: `/livez`, `/readyz` and `/metrics`, in plain
    /// HTTP and without authentication.
    pub health: Option<TcpListener>,
}

/// Pause between two reads of ended sessions: a session that another process ended ends here this
/// much later at most.
const SESSIONS_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// Serves until a stop signal, or until the sender of signals is dropped. Then `/readyz` answers
/// not ready; after `config.limits.shutdown_delay` no connection is accepted any more, and open
/// requests are answered within `config.limits.drain`. A second stop signal ends all of that at
/// once.
pub async fn run(
    config: ServerConfig,
    listeners: Listeners,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<(), StartError> {
    let (limits, clock) = (config.limits, config.clock);
    let tls = config.tls.clone();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let Services { main, admin, reloader } = Services::new(config)?;
    let (reviews, configurations) = (Arc::clone(&main.reviews), Arc::clone(&main.configurations));
    configurations.current().keys.keep_fresh();
    // Dropping these tasks at the end stops them.
    let mut background = JoinSet::new();
    let ticking = Arc::clone(&reviews);
    background.spawn(async move { ticking.judge.timeout.drive().await });
    let exporting = reviews.traces.export();
    if let Some(issuer) = main.issuer.clone() {
        // No token of a session that ended before this start is accepted; if this fails, no token
        // of any session is accepted until it succeeds.
        issuer.look_at_sessions().await;
        background.spawn(async move {
            loop {
                sleep(SESSIONS_PAUSE).await;
                issuer.look_at_sessions().await;
            }
        });
    }
    progress::tell(&configurations.current());
    background.spawn(progress::watch_keys(configurations));
    for file in reloader.files() {
        tracing::info!(file = %file.display(), "watching");
    }
    let reopen = watch::Sender::new(0);
    background.spawn(reloader.drive(reopen.subscribe()));

    let (main_phase, watching) = watch::channel(Phase::Serving);
    let (main_address, health_address) = (
        listeners.main.local_addr().ok(),
        listeners.health.as_ref().and_then(|listener| listener.local_addr().ok()),
    );
    let mut main = tokio::spawn(serve(listeners.main, tls, clock, limits, main, watching));
    let (health_phase, watching) = watch::channel(Phase::Serving);
    let health = listeners.health.map(|listener| {
        let health = Arc::new(Health(Arc::clone(&admin)));
        tokio::spawn(serve(listener, None, clock, limits.for_health(), health, watching))
    });
    if let Some(address) = main_address {
        tracing::info!(%address, scheme, "listening");
    }
    if let Some(address) = health_address {
        tracing::info!(%address, scheme = "http", "listening for health checks");
    }

    while let Some(Signal::Reload) = signals.recv().await {
        tracing::info!("checking every file for changes, as requested");
        reopen.send_modify(|count: &mut u64| *count += 1);
        reviews.audit.reopen();
    }

    tracing::info!(delay = ?limits.shutdown_delay, within = ?limits.drain, "shutting down");
    admin.lifecycle.begin_draining();
    let mut again = pin!(asked_again(&mut signals));
    let is_patient = tokio::select! {
        () = sleep(limits.shutdown_delay) => true,
        () = &mut again => false,
    };
    if is_patient {
        drain(&main_phase, &mut main, Instant::now() + limits.drain, again).await;
    } else {
        drain(&main_phase, &mut main, Instant::now(), pin!(pending())).await;
    }
    if let Some(mut health) = health {
        // Last, so that `/readyz` answers not ready for as long as the server drains.
        drain(&health_phase, &mut health, Instant::now(), pin!(pending())).await;
    }
    exporting.end().await;
    tracing::info!("stopped");
    Ok(())
}

/// Ends at a further stop signal.
async fn asked_again(signals: &mut mpsc::Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Some(Signal::Stop) => return,
            Some(Signal::Reload) => {}
            None => pending().await,
        }
    }
}

async fn drain(
    phase: &watch::Sender<Phase>,
    serving: &mut JoinHandle<()>,
    deadline: Instant,
    again: Pin<&mut impl Future<Output = ()>>,
) {
    phase.send_replace(Phase::Draining);
    let has_ended = tokio::select! {
        ended = timeout_at(deadline, &mut *serving) => ended.is_ok(),
        () = again => false,
    };
    if !has_ended {
        tracing::warn!("closing connections that did not end in time");
        phase.send_replace(Phase::Cut);
        drop(serving.await);
    }
}
