//! From a checked configuration to a server that can answer.
//! Never waits for anything outside this process: an issuer that is down is asked again later.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::StatusCode;
use login_common::names::IssuerUrl;
use login_issuer::Issuer;
use login_protocols::jose::KeySet;
use login_review::{Policy, Revocations};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use url::Url;

use crate::{
    callers::Callers,
    config::{Limits, ServerConfig, load::Loaded},
    effort::Efforts,
    evidence::{
        DistributedGroups, EndedSessionsInForce, Introspectors, KeySets, ResultCache,
        key_sets::KeySetPace, result_cache::Epoch,
    },
    reload::Reloads,
    revoked_grants::Applied,
    system::{random::RandomNumbers, ticks::Ticks},
    telemetry::{
        audit::{Audit, AuditError},
        metrics::Metrics,
        refusals::Refusals,
        seldom::{STRANGERS, Seldom},
        traces::{TraceError, Traces},
    },
    tls::ServingTls,
    turns::Turns,
};

/// One configuration, as it came from its files. A reload replaces it as a whole.
pub struct InForce {
    /// Counts the configurations of this process; an answer that rests on another one is out of
    /// date, and an `IssuerIndex` of another one points nowhere.
    pub generation: u64,
    /// What is allowed.
    pub policy: Policy,
    /// Every issuer's keys, in the order of the policy.
    pub keys: Arc<KeySets>,
    /// Where groups are fetched that a token keeps elsewhere.
    pub groups: Arc<DistributedGroups>,
    /// Who is asked about opaque tokens, in the order of the policy.
    pub introspectors: Arc<Introspectors>,
    /// The published client, rendered, if there is one.
    pub published_client: Option<Bytes>,
}

/// Everything a request may need. One per server, shared by all connections.
pub struct State {
    in_force: ArcSwap<InForce>,
    /// kube-apiserver's own audiences, if the operator named them.
    pub api_audiences: Option<Vec<String>>,
    /// Earlier answers.
    pub results: ResultCache,
    /// The embedded issuer, if there is one.
    pub embedded: Option<Embedded>,
    /// Its sessions that ended before their time.
    pub ended_sessions: EndedSessionsInForce,
    /// Which list of revocations its sessions were ended by.
    pub revoked_grants: Applied,
    /// What is counted.
    pub metrics: Metrics,
    /// Where decisions are written down.
    pub audit: Audit,
    /// Where spans of reviews go.
    pub traces: Traces,
    /// The names of decisions.
    pub decision_ids: RandomNumbers,
    /// Who may ask for reviews.
    pub callers: Callers,
    /// Certificates as they are shown now.
    pub tls: Option<ServingTls>,
    /// How the latest looks at the files ended.
    pub reloads: Reloads,
    /// Counts the wishes to look at every file again.
    pub reopen: watch::Sender<u64>,
    /// Bounds.
    pub limits: Limits,
    /// One turn per review that is being judged.
    pub reviews: Turns,
    /// Turns of reviews whose expressions are slow.
    pub efforts: Efforts,
    /// One place per review that waits for the verdict on an equal question.
    pub sharing_reviews: Semaphore,
    /// Reviews that got none are mentioned now and then.
    pub shed: Seldom,
    /// Likewise requests that are no TokenReviews,
    pub malformed: Seldom,
    /// tokens that the list of revocations names,
    pub revoked: Seldom,
    /// and a store that does not answer who asks for health.
    pub store_faults: Seldom,
    /// Deadlines of reviews; [`crate::run`] drives them.
    pub ticks: Ticks,
    draining: AtomicBool,
    has_been_ready: AtomicBool,
    key_set_folder: Option<PathBuf>,
    key_set_pace: KeySetPace,
}

/// The embedded issuer and what is derived from it once.
pub struct Embedded {
    issuer: Arc<Issuer>,
    /// Shown to people.
    pub host: String,
    /// Where its endpoints are.
    pub paths: Paths,
    /// The metadata, rendered.
    pub discovery: Bytes,
    /// The public keys, rendered.
    pub jwks: Bytes,
    /// What it refused.
    pub refusals: Refusals,
    passwords: Queue,
    operations: Queue,
    internal: Queue,
}

/// So many may wait for their turn at one gate of the issuer; the next one is told at once.
const WAITING_FOR_ISSUER: usize = 256;

/// So many operations of this program's own at one moment: a health check, and the look at sessions.
const INTERNAL_OPERATIONS: usize = 2;

/// Paths of the embedded issuer's pages on this server.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The path of the issuer's URL, without a slash at its end.
    pub base: String,
    /// Where the login form goes.
    pub authorize: String,
    /// Where the device forms go.
    pub device: String,
}

/// What an operation of the issuer is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A password check: 19 MiB and tens of milliseconds of a core.
    Password,
    /// A transaction of the store.
    Store,
    /// The same for this program itself: whatever a crowd asks for, health is told, and sessions
    /// that ended are learned.
    Internal,
}

/// Why an operation of the issuer was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Others were before it for too long.
    Busy,
    /// It failed; the log has the cause.
    Failed,
}

impl NotDone {
    /// A stable name for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }

    /// The HTTP status for it.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// For a person or a developer.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Busy => "too many sign-ins are waiting",
            Self::Failed => "the server could not finish this",
        }
    }
}

/// Why a server could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system's random source failed.
    #[error("the system gives no random bytes")]
    Random,
    /// A document of the embedded issuer could not be rendered.
    #[error("could not render the issuer's documents")]
    Documents(#[source] serde_json::Error),
    /// Decisions could not be written down.
    #[error("could not open the place for audit records")]
    Audit(#[from] AuditError),
    /// Spans could not be sent.
    #[error("could not prepare traces")]
    Traces(#[from] TraceError),
}

impl State {
    /// Builds the state; fetches nothing.
    pub fn new(config: ServerConfig) -> Result<Self, StartError> {
        let embedded =
            config.issuer.map(|issuer| Embedded::new(issuer, &config.limits)).transpose()?;
        let local = embedded.as_ref().map(Embedded::keys);
        let ended_sessions = EndedSessionsInForce::new(local.as_ref().map(|(issuer, _)| *issuer));
        let folder: Option<PathBuf> = config.state_dir.map(|folder| folder.join("key-sets"));
        let keys = KeySets::new(&config.policy, local, folder.as_deref(), config.key_set_pace);
        let in_force = InForce {
            generation: 0,
            groups: Arc::new(DistributedGroups::new(&config.policy)),
            policy: config.policy,
            keys: Arc::new(keys),
            introspectors: Arc::new(Introspectors::new(config.introspection)),
            published_client: config.published_client.map(|client| Bytes::from(client.render())),
        };
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
            reviews: Turns::new(
                config.limits.reviews,
                config.limits.waiting_reviews,
                config.limits.review_turn,
            ),
            efforts: Efforts::new(&config.limits),
            sharing_reviews: Semaphore::new(2 * config.limits.waiting_reviews),
            shed: Seldom::default(),
            malformed: Seldom::with(STRANGERS),
            revoked: Seldom::with(STRANGERS),
            store_faults: Seldom::default(),
            limits: config.limits,
            ticks: Ticks::default(),
            draining: AtomicBool::new(false),
            has_been_ready: AtomicBool::new(false),
            key_set_folder: folder,
            key_set_pace: config.key_set_pace,
        })
    }

    /// The configuration that counts now. A request takes it once and keeps it to its end.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Puts `loaded` in force as a whole; requests under way end under what they began with.
    pub fn replace(&self, loaded: Loaded) {
        let old = self.in_force();
        let local = self.embedded.as_ref().map(Embedded::keys);
        let (folder, pace) = (self.key_set_folder.as_deref(), self.key_set_pace);
        let keys = Arc::new(old.keys.succeed(&loaded.policy, local, folder, pace));
        keys.keep_fresh();
        self.in_force.store(Arc::new(InForce {
            generation: old.generation + 1,
            groups: Arc::new(old.groups.succeed(&loaded.policy)),
            policy: loaded.policy,
            keys,
            introspectors: Arc::new(old.introspectors.succeed(loaded.introspection)),
            published_client: loaded.published_client.map(|client| Bytes::from(client.render())),
        }));
    }

    /// Puts `list` in the place of the one in force, and leaves all else as it is. It is another
    /// configuration by that, so no answer of before is repeated.
    pub fn replace_revocations(&self, list: Revocations) {
        let old = self.in_force();
        self.in_force.store(Arc::new(InForce {
            generation: old.generation + 1,
            policy: old.policy.clone().with_revocations(list),
            keys: Arc::clone(&old.keys),
            groups: Arc::clone(&old.groups),
            introspectors: Arc::clone(&old.introspectors),
            published_client: old.published_client.clone(),
        }));
    }

    /// It said that it is ready.
    pub fn was_ready(&self) {
        self.has_been_ready.store(true, Ordering::Relaxed);
    }

    /// Whether it ever said that it is ready.
    pub fn has_been_ready(&self) -> bool {
        self.has_been_ready.load(Ordering::Relaxed)
    }

    /// Looks once which sessions of the embedded issuer ended; before that, ends those that a list
    /// revokes which is new.
    pub async fn look_at_sessions(&self) {
        if let Some(embedded) = &self.embedded {
            self.revoked_grants.follow(self).await;
            self.ended_sessions.look(embedded, &self.limits).await;
        }
    }

    /// What answers rest on from now on; a review reads it once, at its beginning.
    pub fn epoch(&self, in_force: &InForce) -> Epoch {
        let revocations = self.ended_sessions.epoch();
        Epoch { configuration: in_force.generation, revocations }
    }

    /// From now on the server says that it is not ready.
    pub fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl Embedded {
    fn new(issuer: Arc<Issuer>, limits: &Limits) -> Result<Self, StartError> {
        let render = |document| {
            serde_json::to_vec(&document).map(Bytes::from).map_err(StartError::Documents)
        };
        let url = issuer.settings().issuer.as_str();
        let parsed = Url::parse(url).ok();
        let base = parsed.as_ref().map_or("", |url| url.path().trim_end_matches('/')).to_owned();
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or(url);
        let port = parsed.as_ref().and_then(Url::port);
        let host = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self {
            host,
            discovery: render(issuer.discovery())?,
            jwks: render(issuer.jwks())?,
            paths: Paths {
                authorize: format!("{base}/authorize"),
                device: format!("{base}/device"),
                base,
            },
            refusals: Refusals::default(),
            passwords: Queue::new(limits.password_checks),
            operations: Queue::new(limits.issuer_operations),
            internal: Queue::new(INTERNAL_OPERATIONS),
            issuer,
        })
    }

    /// Its name.
    pub fn url(&self) -> &IssuerUrl {
        &self.issuer.settings().issuer
    }

    /// Its name and its keys.
    fn keys(&self) -> (&str, KeySet) {
        (self.issuer.settings().issuer.as_str(), KeySet::clone(&self.issuer.key_set()))
    }

    /// Runs `work` on a blocking thread, when it is its turn.
    pub async fn ask<T: Send + 'static>(
        &self,
        gate: Gate,
        limits: &Limits,
        work: impl FnOnce(&Issuer) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let queue = match gate {
            Gate::Password => &self.passwords,
            Gate::Store => &self.operations,
            Gate::Internal => &self.internal,
        };
        let permit = queue.turn(limits.form).await.ok_or(NotDone::Busy)?;
        let issuer = Arc::clone(&self.issuer);
        // The permit goes along: a caller that gives up does not make room for more work.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&issuer)
        });
        task.await.map_err(|_| NotDone::Failed)
    }
}

/// Those before one gate of the issuer.
struct Queue {
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Queue {
    fn new(at_once: usize) -> Self {
        let (at_once, waiting) = (Semaphore::new(at_once), Semaphore::new(WAITING_FOR_ISSUER));
        Self { at_once: Arc::new(at_once), waiting }
    }

    async fn turn(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let _place = self.waiting.try_acquire().ok()?;
        let turn = Arc::clone(&self.at_once).acquire_owned();
        tokio::time::timeout(patience, turn).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    /// Asks, and stands in the queue where it has no turn at once.
    async fn is_held_up(mut turn: std::pin::Pin<&mut impl Future>) -> bool {
        tokio::select! {
            biased;
            _ = &mut turn => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_wait_at_a_gate_for_a_while_and_nobody_else_does() {
        let (queue, patience) = (Queue::new(1), Duration::from_secs(10));
        let first = queue.turn(patience).await.unwrap();
        let mut waiting: Vec<_> =
            (0..WAITING_FOR_ISSUER).map(|_| Box::pin(queue.turn(patience))).collect();
        for turn in &mut waiting {
            assert!(is_held_up(turn.as_mut()).await);
        }
        assert!(queue.turn(patience).await.is_none());
        drop(waiting);
        assert!(is_held_up(pin!(queue.turn(patience))).await);
        // Whoever has waited for long enough goes, and so there is room again.
        assert!(queue.turn(patience).await.is_none());
        drop(first);
        assert!(queue.turn(patience).await.is_some());
    }
}
