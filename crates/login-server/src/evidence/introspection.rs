//! What authorization servers say about opaque tokens (RFC 7662), asked for and kept for moments.
//! Never shows a token to a server that the plan did not name; never keeps a token, only its
//! digest; never takes silence or a fault of ours for an answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::header;
use login_common::{Secret, UnixTime, names::ClientId};
use login_protocols::oauth2::{
    form::ClientAuthentication,
    introspection::{
        Introspection, IntrospectionError, MAX_ANSWER_LENGTH, introspection_request,
        parse_introspection_response,
    },
};
use login_review::{IntrospectorIndex, TokenDigest};
use quick_cache::{Weighter, sync::Cache};
use thiserror::Error;
use tokio::{sync::Semaphore, time::Instant};
use url::Url;

use super::{
    breaker::Breaker,
    request::{RequestError, Route},
};
use crate::telemetry::chain;

/// The longest that an accepting answer is repeated (server-side revocation shows by then).
pub const MAX_CACHE_TTL: Duration = Duration::from_secs(30);
/// The longest that a refusing answer is repeated.
pub const MAX_NEGATIVE_CACHE_TTL: Duration = Duration::from_secs(5);
/// Requests to one endpoint at the same moment.
const CONCURRENCY: usize = 32;
/// Answers of one endpoint that are kept, in bytes.
const MAX_KEPT: u64 = 8 * 1024 * 1024;

/// How one introspection endpoint is asked.
#[derive(Clone, Debug)]
pub struct IntrospectionEndpoint {
    /// Where.
    pub url: Url,
    /// Who we are there.
    pub client_id: ClientId,
    /// How we prove it, by `client_secret_basic`.
    pub client_secret: Secret,
    /// Authorities trusted for its TLS, as PEM; none means those of the system.
    pub certificate_authority_pem: Option<String>,
    /// How long an accepting answer is repeated.
    pub cache_ttl: Duration,
    /// How long a refusing answer is repeated.
    pub negative_cache_ttl: Duration,
    /// One request, from connect to the last byte; shorter than a review may take.
    pub timeout: Duration,
}

/// An answer, and how long it may be repeated.
#[derive(Debug)]
pub struct KnownToken {
    /// What was said.
    pub answer: Introspection,
    until: UnixTime,
    length: usize,
}

/// What one endpoint was asked and said, since it is configured.
#[derive(Debug, PartialEq, Eq)]
pub struct IntrospectionReport<'a> {
    /// Its URL.
    pub url: &'a str,
    /// Answers that a token is active.
    pub active: u64,
    /// Answers that a token is not.
    pub inactive: u64,
    /// Requests without an answer that can be used.
    pub failed: u64,
    /// Requests that were not made because the ones before failed.
    pub turned_away: u64,
    /// Answers repeated.
    pub repeated: u64,
    /// Whether the endpoint is left alone now.
    pub circuit_open: bool,
}

impl IntrospectionReport<'_> {
    /// Takes in what `other` tells of the same endpoint.
    pub fn add(&mut self, other: &Self) {
        self.active += other.active;
        self.inactive += other.inactive;
        self.failed += other.failed;
        self.turned_away += other.turned_away;
        self.repeated += other.repeated;
        self.circuit_open |= other.circuit_open;
    }
}

/// Every endpoint, in the order of the policy.
#[derive(Debug, Default)]
pub struct Introspectors(Vec<Endpoint>);

struct Endpoint {
    settings: IntrospectionEndpoint,
    route: Route,
    known: Cache<TokenDigest, Arc<KnownToken>, Weight>,
    turns: Semaphore,
    breaker: Breaker,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    active: AtomicU64,
    inactive: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
    repeated: AtomicU64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<TokenDigest, Arc<KnownToken>> for Weight {
    fn weight(&self, _: &TokenDigest, known: &Arc<KnownToken>) -> u64 {
        // A parsed answer takes several times its text.
        300 + 4 * u64::try_from(known.length).unwrap_or(u64::MAX / 8)
    }
}

/// Why an endpoint gave no answer.
#[derive(Debug, Error)]
enum AskError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Answer(#[from] IntrospectionError),
}

impl Introspectors {
    /// One for each endpoint.
    pub fn new(endpoints: Vec<IntrospectionEndpoint>) -> Self {
        Self(endpoints.into_iter().map(Endpoint::new).collect())
    }

    /// What the introspector says about `token`; none if it cannot be asked. Whoever asks about
    /// the same token at the same moment shares one request.
    pub async fn ask(
        &self,
        introspector: IntrospectorIndex,
        token: &str,
        now: UnixTime,
    ) -> Option<Arc<KnownToken>> {
        self.0.get(introspector.as_usize())?.ask(token, now).await
    }

    /// The state of every endpoint.
    pub fn report(&self) -> impl Iterator<Item = IntrospectionReport<'_>> {
        self.0.iter().map(|endpoint| {
            let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
            IntrospectionReport {
                url: endpoint.settings.url.as_str(),
                active: count(&endpoint.counts.active),
                inactive: count(&endpoint.counts.inactive),
                failed: count(&endpoint.counts.failed),
                turned_away: count(&endpoint.counts.turned_away),
                repeated: count(&endpoint.counts.repeated),
                circuit_open: endpoint.breaker.is_open(),
            }
        })
    }
}

impl Endpoint {
    fn new(settings: IntrospectionEndpoint) -> Self {
        Self {
            route: Route::new(settings.certificate_authority_pem.clone(), settings.timeout),
            known: Cache::with_weighter(1000, MAX_KEPT, Weight),
            turns: Semaphore::new(CONCURRENCY),
            breaker: Breaker::default(),
            counts: Counts::default(),
            settings,
        }
    }

    async fn ask(&self, token: &str, now: UnixTime) -> Option<Arc<KnownToken>> {
        let digest = TokenDigest::of(token);
        loop {
            let place = match self.known.get_value_or_guard_async(&digest).await {
                Ok(known) if now < known.until => {
                    count(&self.counts.repeated);
                    return Some(known);
                }
                Ok(stale) => {
                    // Unless somebody else has put a newer one there meanwhile.
                    self.known.remove_if(&digest, |known| Arc::ptr_eq(known, &stale));
                    continue;
                }
                Err(place) => place,
            };
            let known = Arc::new(self.fetch(token, now).await?);
            if now < known.until {
                // The cache may refuse what is too large for it.
                drop(place.insert(Arc::clone(&known)));
            }
            return Some(known);
        }
    }

    async fn fetch(&self, token: &str, now: UnixTime) -> Option<KnownToken> {
        // Closed by nobody.
        let _turn = self.turns.acquire().await.ok()?;
        let Some(attempt) = self.breaker.admit(Instant::now()) else {
            count(&self.counts.turned_away);
            return None;
        };
        let url = self.settings.url.as_str();
        match self.request(token, now).await {
            Ok(known) => {
                attempt.succeeded();
                count(match &known.answer {
                    Introspection::Active(_) => &self.counts.active,
                    Introspection::Inactive => &self.counts.inactive,
                });
                Some(known)
            }
            Err(fault) => {
                count(&self.counts.failed);
                let error = chain(&fault);
                if let AskError::Answer(IntrospectionError::Credentials { .. }) = fault {
                    tracing::error!(url, error, "check `clientID` and `clientSecretFile`");
                } else {
                    tracing::warn!(url, error, "could not ask about a token");
                }
                if let AskError::Answer(IntrospectionError::Question { .. }) = fault {
                    // Whoever makes up odd tokens must not cut off the others.
                    drop(attempt);
                } else if attempt.failed(Instant::now()) {
                    tracing::warn!(url, "the endpoint is left alone for some seconds");
                }
                None
            }
        }
    }

    async fn request(&self, token: &str, now: UnixTime) -> Result<KnownToken, AskError> {
        let settings = &self.settings;
        let proof = ClientAuthentication::Basic(settings.client_secret.clone());
        let form = introspection_request(&settings.client_id, &proof, &Secret::new(token));
        let prepare = |client: &reqwest::Client| {
            let mut request = client
                .post(settings.url.clone())
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.body().expose().to_owned());
            if let Some(authorization) = form.authorization() {
                request = request.header(header::AUTHORIZATION, authorization.expose());
            }
            request
        };
        let response = self.route.send(&settings.url, MAX_ANSWER_LENGTH, prepare).await?;
        let media_type = response.media_type.as_deref();
        let answer = parse_introspection_response(response.status, media_type, &response.body)?;
        let until = match &answer {
            Introspection::Inactive => now.plus(settings.negative_cache_ttl),
            Introspection::Active(claims) => {
                let end = now.plus(settings.cache_ttl);
                claims.expires_at().map_or(end, |expires_at| expires_at.min(end))
            }
        };
        Ok(KnownToken { answer, until, length: response.body.len() })
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
