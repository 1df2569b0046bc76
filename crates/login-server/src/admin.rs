//! The service of the health listener: what `/readyz` and `/metrics` read.
//! Never changes what it reads.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    in_force::Configurations,
    issuer::IssuerService,
    reload::Reloads,
    review::ReviewService,
    telemetry::{log_throttle::LogThrottle, metrics::connections::ConnectionCounts},
    tls::ServingTls,
};

/// Reports on the other services.
pub struct Admin {
    /// The configuration in force.
    pub configurations: Arc<Configurations>,
    /// The review service.
    pub reviews: Arc<ReviewService>,
    /// The embedded issuer, if there is one.
    pub issuer: Option<Arc<IssuerService>>,
    /// The connections of the main listener.
    pub connections: Arc<ConnectionCounts>,
    /// The results of the latest reloads.
    pub reloads: Arc<Reloads>,
    /// The certificates that handshakes use now.
    pub tls: Option<ServingTls>,
    /// Log limit for a store that fails a health check.
    pub store_faults: LogThrottle,
    /// Whether the server is starting, serving or shutting down.
    pub lifecycle: Lifecycle,
}

/// How far the server is between its start and its end.
#[derive(Debug, Default)]
pub struct Lifecycle {
    draining: AtomicBool,
    has_been_ready: AtomicBool,
}

impl Lifecycle {
    /// Records that `/readyz` has answered ready.
    pub fn was_ready(&self) {
        self.has_been_ready.store(true, Ordering::Relaxed);
    }

    /// Whether `/readyz` ever answered ready.
    pub fn has_been_ready(&self) -> bool {
        self.has_been_ready.load(Ordering::Relaxed)
    }

    /// From now on `/readyz` answers not ready.
    pub fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
