//! Builds the services of the server from a checked configuration.
//! Never waits for another process: an issuer that is down is asked again later.

use std::sync::Arc;

use login_common::names::IssuerUrl;
use login_issuer::Issuer;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::{
    admin::{Admin, Lifecycle},
    callers::Callers,
    concurrency_limit::ConcurrencyLimit,
    config::ServerConfig,
    embedded::Embedded,
    evidence::{EndedSessionsInForce, ResultCache, key_sets::KeySources},
    gather::Judge,
    in_force::Configurations,
    issuer::IssuerService,
    reload::{Reloader, Reloads, Replaced},
    review::ReviewService,
    revoked_grants::Applied,
    routes::Main,
    system::random::RandomNumbers,
    telemetry::{
        audit::{Audit, AuditError},
        log_throttle::{LogThrottle, STRANGERS},
        metrics::connections::ConnectionCounts,
        metrics::reviews::ReviewCounts,
        traces::{TraceError, Traces},
    },
};

/// The services of one server; each has only what it uses.
pub struct Services {
    /// Answers the requests of the main listener.
    pub main: Arc<Main>,
    /// Answers the requests of the health listener.
    pub admin: Arc<Admin>,
    /// Replaces what is in force when its files change.
    pub(crate) reloader: Reloader,
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

impl Services {
    /// Builds them; sends no request.
    pub fn new(config: ServerConfig) -> Result<Self, StartError> {
        let (limits, issuer) = (config.limits, config.issuer.as_deref());
        let url = issuer.map(|issuer| issuer.settings().issuer.clone());
        let ended_sessions =
            Arc::new(EndedSessionsInForce::new(url.as_ref().map(IssuerUrl::as_str)));
        let sources = KeySources::new(
            issuer,
            config.state_dir.as_deref(),
            config.key_set_intervals,
            config.clock,
        );
        let configurations = Arc::new(Configurations::new(config.bundle, sources));
        let callers = Arc::new(Callers::new(config.client_certificate, config.caller_tokens));
        let connections = Arc::new(ConnectionCounts::default());
        let reloads = Arc::new(Reloads::default());
        let reviews = Arc::new(ReviewService {
            configurations: Arc::clone(&configurations),
            judge: Judge::new(config.api_audiences, Arc::clone(&ended_sessions), &limits),
            results: ResultCache::new(config.result_cache).map_err(|_| StartError::Random)?,
            callers: Arc::clone(&callers),
            counts: ReviewCounts::default(),
            audit: Audit::new(&config.audit)?,
            traces: Traces::new(config.traces.as_ref())?,
            decision_ids: RandomNumbers::new().map_err(|_| StartError::Random)?,
            turns: ConcurrencyLimit::new(
                limits.reviews,
                limits.waiting_reviews,
                limits.review_turn,
            ),
            sharing: Semaphore::new(2 * limits.waiting_reviews),
            shed: LogThrottle::default(),
            malformed: LogThrottle::with(STRANGERS),
            clock: config.clock,
            limits,
        });
        let service = |issuer: Arc<Issuer>| {
            Ok::<_, StartError>(Arc::new(IssuerService {
                embedded: Embedded::new(issuer, &limits, config.clock)
                    .map_err(StartError::Documents)?,
                configurations: Arc::clone(&configurations),
                revoked_grants: Applied::default(),
                ended_sessions,
            }))
        };
        let issuer = config.issuer.map(service).transpose()?;
        let replaced = Replaced {
            configurations: Arc::clone(&configurations),
            callers,
            tls: config.tls.clone(),
            issuer: url,
            reloads: Arc::clone(&reloads),
            clock: config.clock,
        };
        Ok(Self {
            main: Arc::new(Main {
                reviews: Arc::clone(&reviews),
                issuer: issuer.clone(),
                configurations: Arc::clone(&configurations),
                connections: Arc::clone(&connections),
            }),
            admin: Arc::new(Admin {
                configurations,
                reviews,
                issuer,
                connections,
                reloads,
                tls: config.tls,
                store_faults: LogThrottle::default(),
                lifecycle: Lifecycle::default(),
            }),
            reloader: Reloader::new(replaced, config.watched),
        })
    }
}
