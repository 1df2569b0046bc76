//! Asks authorization servers about opaque tokens (RFC 7662), and caches the answers for seconds.
//! Never shows a token to a server that the plan did not name. Never stores a token, only its
//! digest. Never takes a missing answer or an error of ours for a verdict.

use std::{
    sync::{Arc, atomic::Ordering},
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
use thiserror::Error;
use url::Url;

use super::{
    remote::{Answer, Remote, Worth},
    request::{RequestError, Route},
};
use crate::{
    outgoing::Stage,
    telemetry::{chain, log_throttle::LogThrottle},
};

/// The longest that an active token's answer is cached (a revocation at the server shows by then).
pub const MAX_CACHE_TTL: Duration = Duration::from_secs(30);
/// The longest that an inactive token's answer is cached.
pub const MAX_NEGATIVE_CACHE_TTL: Duration = Duration::from_secs(5);

/// How to ask one introspection endpoint.
#[derive(Clone, Debug)]
pub struct IntrospectionEndpoint {
    /// Its URL.
    pub url: Url,
    /// Our client ID there.
    pub client_id: ClientId,
    /// Our secret for `client_secret_basic`.
    pub client_secret: Secret,
    /// Authorities trusted for its TLS, as PEM; none means the system's.
    pub certificate_authority_pem: Option<String>,
    /// How long an active token's answer is cached.
    pub cache_ttl: Duration,
    /// How long an inactive token's answer is cached.
    pub negative_cache_ttl: Duration,
    /// Per request, from connect to the last byte; shorter than a review may take.
    pub timeout: Duration,
}

/// A cached answer.
#[derive(Debug)]
pub struct KnownToken {
    /// What the endpoint answered.
    pub answer: Introspection,
}

/// Requests to one endpoint and their answers, since it was configured.
#[derive(Debug, PartialEq, Eq)]
pub struct IntrospectionReport<'a> {
    /// Its URL.
    pub url: &'a str,
    /// Answers that a token is active.
    pub active: u64,
    /// Answers that a token is inactive.
    pub inactive: u64,
    /// Requests without a usable answer.
    pub failed: u64,
    /// Requests not sent because earlier ones failed or too many waited.
    pub turned_away: u64,
    /// Answers served from the cache.
    pub repeated: u64,
    /// Whether the endpoint is left alone at the moment.
    pub circuit_open: bool,
}

impl IntrospectionReport<'_> {
    /// Adds what `other` counted for the same endpoint.
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
pub struct Introspectors(Vec<Arc<Endpoint>>);

struct Endpoint {
    settings: IntrospectionEndpoint,
    route: Route,
    remote: Remote<KnownToken>,
    /// Throttled: an unauthenticated caller can cause any number of failures.
    failures: LogThrottle,
    refusals_of_us: LogThrottle,
}

/// Why an endpoint gave no answer.
#[derive(Debug, Error)]
enum AskError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Answer(#[from] IntrospectionError),
}

impl AskError {
    /// How far the request came.
    const fn stage(&self) -> Stage {
        match self {
            Self::Request(fault) => fault.stage(),
            Self::Answer(_) => Stage::Asking,
        }
    }
}

impl Introspectors {
    /// One per endpoint.
    pub fn new(endpoints: Vec<IntrospectionEndpoint>) -> Self {
        Self::default().succeed(endpoints)
    }

    /// The same for other `endpoints`; those that do not change keep their state.
    #[must_use]
    pub fn succeed(&self, endpoints: Vec<IntrospectionEndpoint>) -> Self {
        // Two entries may ask the same endpoint, each on its own.
        let mut left: Vec<&Arc<Endpoint>> = self.0.iter().collect();
        let endpoint = |settings: IntrospectionEndpoint| {
            let same = left.iter().position(|known| known.settings.is_same(&settings));
            match same {
                Some(number) => Arc::clone(left.remove(number)),
                None => Arc::new(Endpoint::new(settings)),
            }
        };
        Self(endpoints.into_iter().map(endpoint).collect())
    }

    /// Returns the introspector's answer about `token`; `None` if it cannot be asked. Concurrent
    /// callers with the same token share one request.
    pub async fn ask(
        &self,
        introspector: IntrospectorIndex,
        token: &str,
        now: UnixTime,
    ) -> Option<Arc<KnownToken>> {
        let endpoint = self.0.get(introspector.as_usize())?;
        // Boxed, as few reviews need it.
        endpoint.remote.ask(TokenDigest::of(token), Box::pin(endpoint.asked(token, now))).await
    }

    /// Records that `token` was accepted because of the introspector's answer: from now on,
    /// questions about unproven tokens do not delay it.
    pub fn was_accepted(&self, introspector: IntrospectorIndex, token: &str) {
        if let Some(endpoint) = self.0.get(introspector.as_usize()) {
            endpoint.remote.prove(TokenDigest::of(token));
        }
    }

    /// The state of every endpoint.
    pub fn report(&self) -> impl Iterator<Item = IntrospectionReport<'_>> {
        self.0.iter().map(|endpoint| {
            let counts = endpoint.remote.counts();
            IntrospectionReport {
                url: endpoint.settings.url.as_str(),
                active: counts.good.load(Ordering::Relaxed),
                inactive: counts.bad.load(Ordering::Relaxed),
                failed: counts.failed.load(Ordering::Relaxed),
                turned_away: counts.turned_away.load(Ordering::Relaxed),
                repeated: counts.repeated.load(Ordering::Relaxed),
                circuit_open: endpoint.remote.is_open(),
            }
        })
    }
}

impl IntrospectionEndpoint {
    /// Whether the same endpoint is asked in the same way.
    fn is_same(&self, other: &Self) -> bool {
        let Self {
            url,
            client_id,
            client_secret,
            certificate_authority_pem,
            cache_ttl,
            negative_cache_ttl,
            timeout,
        } = self;
        url == &other.url
            && client_id == &other.client_id
            && client_secret.same_as(&other.client_secret)
            && certificate_authority_pem == &other.certificate_authority_pem
            && (cache_ttl, negative_cache_ttl, timeout)
                == (&other.cache_ttl, &other.negative_cache_ttl, &other.timeout)
    }
}

impl Endpoint {
    fn new(settings: IntrospectionEndpoint) -> Self {
        Self {
            route: Route::new(settings.certificate_authority_pem.clone(), settings.timeout),
            remote: Remote::new(settings.url.to_string(), settings.timeout),
            failures: LogThrottle::default(),
            refusals_of_us: LogThrottle::default(),
            settings,
        }
    }

    async fn asked(&self, token: &str, now: UnixTime) -> Result<Answer<KnownToken>, Stage> {
        self.request(token, now).await.map_err(|fault| {
            let (url, error) = (self.settings.url.as_str(), chain(&fault));
            if let AskError::Answer(IntrospectionError::Credentials { .. }) = fault {
                if let Some(times) = self.refusals_of_us.turn() {
                    tracing::error!(url, error, times, "check `clientID` and `clientSecretFile`");
                }
            } else if let Some(times) = self.failures.turn() {
                tracing::warn!(url, error, times, "could not introspect a token");
            }
            fault.stage()
        })
    }

    async fn request(&self, token: &str, now: UnixTime) -> Result<Answer<KnownToken>, AskError> {
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
        let (worth, lifetime) = match &answer {
            Introspection::Inactive => (Worth::Bad, settings.negative_cache_ttl),
            Introspection::Active(claims) => {
                let left = claims.expires_at().map(|end| end.since(now));
                (Worth::Good, left.map_or(settings.cache_ttl, |left| left.min(settings.cache_ttl)))
            }
        };
        let length = response.body.len();
        Ok(Answer { value: KnownToken { answer }, worth, lifetime, length })
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("settings", &self.settings).finish_non_exhaustive()
    }
}
