//! Builds the state of the server from a checked configuration.
//! Never waits for another process: an issuer that is down is asked again later.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use login_review::Revocations;
use thiserror::Error;
use tokio::sync::{Semaphore, watch};

use crate::{
    callers::Callers,
    concurrency_limit::ConcurrencyLimit,
    config::{Bundle, Limits, ServerConfig},
    effort::Efforts,
    embedded::Embedded,
    evidence::{EndedSessionsInForce, ResultCache, result_cache::Epoch},
    in_force::{InForce, KeyPlaces},
    reload::Reloads,
    revoked_grants::Applied,
    system::{coarse_timeout::CoarseTimeout, random::RandomNumbers},
    telemetry::{
        audit::{Audit, AuditError},
        log_throttle::{LogThrottle, STRANGERS},
        metrics::Metrics,
        traces::{TraceError, Traces},
    },
    tls::ServingTls,
};

/// Everything a request may need. One per server, shared by all connections.
pub struct State {
    in_force: ArcSwap<InForce>,
    /// kube-apiserver's own audiences, if the operator named them.
    pub api_audiences: Option<Vec<String>>,
    /// Cached answers.
    pub results: ResultCache,
    /// The embedded issuer, if there is one.
    pub embedded: Option<Embedded>,
    /// The issuer's sessions that ended early.
    pub ended_sessions: EndedSessionsInForce,
    /// The list of revocations whose sessions have been ended.
    pub revoked_grants: Applied,
    /// Counters for `/metrics`.
    pub metrics: Metrics,
    /// Writes audit records.
    pub audit: Audit,
    /// Exports the spans of reviews.
    pub traces: Traces,
    /// The source of decision IDs.
    pub decision_ids: RandomNumbers,
    /// Decides which callers may ask for reviews.
    pub callers: Callers,
    /// The certificates that handshakes use now.
    pub tls: Option<ServingTls>,
    /// The results of the latest reloads.
    pub reloads: Reloads,
    /// Counts the requests to read every file again.
    pub reopen: watch::Sender<u64>,
    /// Limits.
    pub limits: Limits,
    /// One turn per review that is being judged.
    pub reviews: ConcurrencyLimit,
    /// Turns of reviews with slow expressions.
    pub efforts: Efforts,
    /// One place per review that waits for the verdict on an equal request.
    pub sharing_reviews: Semaphore,
    /// Log limit for reviews that were refused for overload.
    pub shed: LogThrottle,
    /// Log limit for requests that are not TokenReviews.
    pub malformed: LogThrottle,
    /// Log limit for tokens that the list of revocations names.
    pub revoked: LogThrottle,
    /// Log limit for a store that fails a health check.
    pub store_faults: LogThrottle,
    /// Deadlines of reviews; [`crate::run`] drives them.
    pub timeout: CoarseTimeout,
    draining: AtomicBool,
    has_been_ready: AtomicBool,
    key_places: KeyPlaces,
}

/// Why a server could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system's random source failed.
    #[error("the system's random source failed")]
    Random,
    /// A document of the embedded issuer could not be rendered.
    #[error("could not render the issuer's documents")]
    Documents(#[source] serde_json::Error),
    /// The audit log could not be opened.
    #[error("could not open the place for audit records")]
    Audit(#[from] AuditError),
    /// The export of spans could not be prepared.
    #[error("could not prepare traces")]
    Traces(#[from] TraceError),
}

impl State {
    /// Builds the state; sends no request.
    pub fn new(config: ServerConfig) -> Result<Self, StartError> {
        let embedded =
            config.issuer.map(|issuer| Embedded::new(issuer, &config.limits)).transpose();
        let embedded = embedded.map_err(StartError::Documents)?;
        let local = embedded.as_ref().map(Embedded::keys);
        let ended_sessions = EndedSessionsInForce::new(local.as_ref().map(|(issuer, _)| *issuer));
        let key_places = KeyPlaces {
            folder: config.state_dir.map(|folder| folder.join("key-sets")),
            intervals: config.key_set_intervals,
        };
        let in_force = InForce::first(config.bundle, local, &key_places);
        Ok(Self {
            in_force: ArcSwap::from_pointee(in_force),
            api_audiences: config.api_audiences,
            results: ResultCache::new(config.result_cache).map_err(|_| StartError::Random)?,
            embedded,
            ended_sessions,
            revoked_grants: Applied::default(),
            metrics: Metrics::default(),
            audit: Audit::new(&config.audit)?,
            traces: Traces::new(config.traces.as_ref())?,
            decision_ids: RandomNumbers::new().map_err(|_| StartError::Random)?,
            callers: Callers::new(config.client_certificate, config.caller_tokens),
            tls: config.tls,
            reloads: Reloads::default(),
            reopen: watch::Sender::new(0),
            reviews: ConcurrencyLimit::new(
                config.limits.reviews,
                config.limits.waiting_reviews,
                config.limits.review_turn,
            ),
            efforts: Efforts::new(&config.limits),
            sharing_reviews: Semaphore::new(2 * config.limits.waiting_reviews),
            shed: LogThrottle::default(),
            malformed: LogThrottle::with(STRANGERS),
            revoked: LogThrottle::with(STRANGERS),
            store_faults: LogThrottle::default(),
            limits: config.limits,
            timeout: CoarseTimeout::default(),
            draining: AtomicBool::new(false),
            has_been_ready: AtomicBool::new(false),
            key_places,
        })
    }

    /// The configuration in force. A request reads it once and uses it to its end.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Puts `bundle` in force as a whole; requests under way finish with the configuration they
    /// began with.
    pub fn replace(&self, bundle: Bundle) {
        let local = self.embedded.as_ref().map(Embedded::keys);
        let new = self.in_force().successor(bundle, local, &self.key_places);
        new.keys.keep_fresh();
        self.in_force.store(Arc::new(new));
    }

    /// Replaces the list of revocations and nothing else.
    pub fn replace_revocations(&self, list: Revocations) {
        self.in_force.store(Arc::new(self.in_force().with_revocations(list)));
    }

    /// Records that `/readyz` has answered ready.
    pub fn was_ready(&self) {
        self.has_been_ready.store(true, Ordering::Relaxed);
    }

    /// Whether `/readyz` ever answered ready.
    pub fn has_been_ready(&self) -> bool {
        self.has_been_ready.load(Ordering::Relaxed)
    }

    /// Reads once which sessions of the embedded issuer ended; before that, ends the sessions that
    /// a new list of revocations names.
    pub async fn look_at_sessions(&self) {
        if let Some(embedded) = &self.embedded {
            self.revoked_grants.follow(self).await;
            self.ended_sessions.look(embedded, &self.limits).await;
        }
    }

    /// The state that answers are based on; a review reads it once, at its beginning.
    pub fn epoch(&self, in_force: &InForce) -> Epoch {
        let revocations = self.ended_sessions.epoch();
        Epoch { configuration: in_force.generation, revocations }
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
