//! The server: sockets, TLS, routes, evidence, shutdown, telemetry.
//!
//! Never here: rules of its own. Whether a token is good says `login-review`; who may have one
//! says `login-issuer`.
//!
//! Reading order: `commands` (what an operator types), `config` (what a server is made of),
//! `start` (from configuration to state), [`run`], `serve` with `tls` and `routes`, then
//! `handlers` with `pages`, `judgement` (a question's way to its verdict), and `evidence`. `telemetry`, `report` and `system` serve them all.

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
pub mod judgement;

pub mod system;
pub mod telemetry;

use std::{future::Future, sync::Arc};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    config::ServerConfig,
    routes::{Health, Main},
    serve::{Phase, serve},
    start::{StartError, State},
};

/// Sockets that are bound already, so that the caller knows their ports.
#[derive(Debug)]
pub struct Listeners {
    /// For kube-apiserver, and for people and programs that sign in.
    pub main: TcpListener,
    /// For load balancers and kubelets: `/livez`, `/readyz`, in plain HTTP.
    pub health: Option<TcpListener>,
}

/// Serves until `shutdown` ends, then drains: open requests are answered within
/// `config.limits.drain`, new connections are not accepted, `/readyz` says no.
pub async fn run(
    config: ServerConfig,
    listeners: Listeners,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let limits = config.limits;
    let tls = config.tls.clone().map(TlsAcceptor::from);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let state = Arc::new(State::new(config)?);
    // Dropping these at the end stops the fetching and the counting.
    let mut background = state.in_force().keys.keep_fresh();
    let ticking = Arc::clone(&state);
    background.spawn(async move { ticking.ticks.drive().await });

    let (main_phase, watching) = watch::channel(Phase::Serving);
    let main = Arc::new(Main(Arc::clone(&state)));
    let (main_address, health_address) = (
        listeners.main.local_addr().ok(),
        listeners.health.as_ref().and_then(|listener| listener.local_addr().ok()),
    );
    let mut main = tokio::spawn(serve(listeners.main, tls, limits, main, watching));
    let (health_phase, watching) = watch::channel(Phase::Serving);
    let health = listeners.health.map(|listener| {
        let health = Arc::new(Health(Arc::clone(&state)));
        tokio::spawn(serve(listener, None, limits, health, watching))
    });
    if let Some(address) = main_address {
        tracing::info!(%address, scheme, "listening");
    }
    if let Some(address) = health_address {
        tracing::info!(%address, scheme = "http", "listening for health checks");
    }

    shutdown.await;

    tracing::info!(within = ?limits.drain, "shutting down");
    state.begin_draining();
    let deadline = Instant::now() + limits.drain;
    drain(&main_phase, &mut main, deadline).await;
    if let Some(mut health) = health {
        // Last, so that `/readyz` says no for as long as anybody may ask.
        drain(&health_phase, &mut health, Instant::now()).await;
    }
    tracing::info!("stopped");
    Ok(())
}

async fn drain(phase: &watch::Sender<Phase>, serving: &mut JoinHandle<()>, deadline: Instant) {
    phase.send_replace(Phase::Draining);
    if timeout_at(deadline, &mut *serving).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
        phase.send_replace(Phase::Cut);
        drop(serving.await);
    }
}
