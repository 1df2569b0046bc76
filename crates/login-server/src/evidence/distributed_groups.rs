//! The JWTs that hold the groups of users whose token only says where they are kept (OpenID
//! Connect Core §5.6.2).
//! Never asks an address that `decide` did not name, which names allowed ones only; never judges
//! what comes back: it is a token like any other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::header;
use login_common::{Secret, UnixTime};
use login_protocols::jose::{CompactJws, JoseError, MAX_TOKEN_LENGTH};
use login_review::{GroupsSource, Policy, TokenDigest};
use quick_cache::{Weighter, sync::Cache};
use thiserror::Error;
use tokio::{sync::Semaphore, time::Instant};
use url::Url;

use super::{
    breaker::Breaker,
    request::{RequestError, Route},
};
use crate::telemetry::chain;

/// The longest that groups are believed without asking again, however long their JWT lives.
const MAX_AGE: Duration = Duration::from_mins(5);
/// One request; shorter than a review may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Requests at the same moment, for each issuer.
const CONCURRENCY: usize = 32;
/// Bytes of JWTs that are kept, for each issuer.
const MAX_KEPT: u64 = 8 * 1024 * 1024;

/// A JWT as it came.
#[derive(Debug)]
pub struct KnownGroups {
    jwt: Secret,
    until: UnixTime,
}

impl KnownGroups {
    /// The text.
    pub fn jwt(&self) -> &str {
        self.jwt.expose()
    }
}

/// One place for each issuer that may send us elsewhere.
#[derive(Debug, Default)]
pub struct DistributedGroups(Vec<Option<Source>>);

/// What the endpoints of one issuer were asked, since they are configured.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupsReport {
    /// Whose tokens send us there.
    pub issuer: usize,
    /// Answers that were JWTs.
    pub fetched: u64,
    /// Requests without one.
    pub failed: u64,
    /// Requests that were not made because the ones before failed.
    pub turned_away: u64,
    /// Answers used again.
    pub repeated: u64,
    /// Whether the endpoints are left alone now.
    pub circuit_open: bool,
}

struct Source {
    route: Route,
    known: Cache<TokenDigest, Arc<KnownGroups>, Weight>,
    turns: Semaphore,
    breaker: Breaker,
    fetched: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
    repeated: AtomicU64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<TokenDigest, Arc<KnownGroups>> for Weight {
    fn weight(&self, _: &TokenDigest, known: &Arc<KnownGroups>) -> u64 {
        200 + u64::try_from(known.jwt.expose().len()).unwrap_or(u64::MAX / 2)
    }
}

#[derive(Debug, Error)]
enum FetchError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("`{url}` answered {status} instead of 200")]
    Status { url: Url, status: u16 },
    #[error("`{url}` answered with something else than a JWT")]
    Jwt {
        url: Url,
        #[source]
        source: JoseError,
    },
    #[error("`{url}` answered with something else than text")]
    Text { url: Url },
    #[error("the token's `access_token` for `{url}` cannot be sent")]
    AccessToken { url: Url },
}

impl FetchError {
    /// Whether the endpoint is well, so that others must not suffer for it: it answered about one
    /// user, or was not asked.
    const fn is_about_one_user(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                matches!(*status, 400..500) && !matches!(*status, 408 | 425 | 429)
            }
            Self::Jwt { .. } | Self::Text { .. } | Self::AccessToken { .. } => true,
            Self::Request(fault) => matches!(fault, RequestError::TooLarge { .. }),
        }
    }

    /// Whether it says that this user's groups are not to be had, however often one asks: what
    /// the token shows there has expired, say, or does not open that place (RFC 6750 §3.1).
    const fn is_refusal(&self) -> bool {
        matches!(self, Self::Status { status: 401 | 403 | 404, .. } | Self::AccessToken { .. })
    }
}

/// Why there are no groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGroups {
    /// The endpoint does not give them for this token; asking again would not help.
    Refused,
    /// The endpoint cannot be asked now.
    Unavailable,
}

impl DistributedGroups {
    /// A place for each issuer of `policy` whose endpoints are allowed.
    pub fn new(policy: &Policy) -> Self {
        let source = |authority: &Option<String>| Source {
            route: Route::new(authority.clone(), TIMEOUT),
            known: Cache::with_weighter(1000, MAX_KEPT, Weight),
            turns: Semaphore::new(CONCURRENCY),
            breaker: Breaker::default(),
            fetched: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        };
        let sources = policy.issuers().iter().map(|issuer| {
            let is_allowed = !issuer.distributed_claims_endpoints.is_empty();
            is_allowed.then(|| source(&issuer.certificate_authority_pem))
        });
        Self(sources.collect())
    }

    /// The JWT at `source`. It is kept to its end, for some minutes at
    /// most, and whoever wants it at the same moment shares one request.
    pub async fn fetch(
        &self,
        source: &GroupsSource,
        now: UnixTime,
    ) -> Result<Arc<KnownGroups>, NoGroups> {
        let place = self.0.get(source.issuer.as_usize()).and_then(Option::as_ref);
        place.ok_or(NoGroups::Unavailable)?.known_or_fetched(source, now).await
    }

    /// The state of every issuer's endpoints.
    pub fn report(&self) -> impl Iterator<Item = GroupsReport> {
        self.0.iter().enumerate().filter_map(|(issuer, source)| {
            let source = source.as_ref()?;
            let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
            Some(GroupsReport {
                issuer,
                fetched: count(&source.fetched),
                failed: count(&source.failed),
                turned_away: count(&source.turned_away),
                repeated: count(&source.repeated),
                circuit_open: source.breaker.is_open(),
            })
        })
    }
}

impl Source {
    async fn known_or_fetched(
        &self,
        source: &GroupsSource,
        now: UnixTime,
    ) -> Result<Arc<KnownGroups>, NoGroups> {
        let token = source.access_token.as_ref().map_or("", Secret::expose);
        // No URL has a line break.
        let name = Secret::new(format!("{}\n{token}", source.endpoint));
        let name = TokenDigest::of(name.expose());
        loop {
            let place = match self.known.get_value_or_guard_async(&name).await {
                Ok(known) if now < known.until => {
                    self.repeated.fetch_add(1, Ordering::Relaxed);
                    return Ok(known);
                }
                Ok(stale) => {
                    // Unless somebody else has put a newer one there meanwhile.
                    self.known.remove_if(&name, |known| Arc::ptr_eq(known, &stale));
                    continue;
                }
                Err(place) => place,
            };
            let known = Arc::new(self.fetch(source, now).await?);
            if now < known.until {
                // The cache may refuse what is too large for it.
                drop(place.insert(Arc::clone(&known)));
            }
            return Ok(known);
        }
    }

    async fn fetch(&self, source: &GroupsSource, now: UnixTime) -> Result<KnownGroups, NoGroups> {
        // Closed by nobody.
        let _turn = self.turns.acquire().await.map_err(|_| NoGroups::Unavailable)?;
        let Some(attempt) = self.breaker.admit(Instant::now()) else {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            return Err(NoGroups::Unavailable);
        };
        match self.request(source, now).await {
            Ok(known) => {
                attempt.succeeded();
                self.fetched.fetch_add(1, Ordering::Relaxed);
                Ok(known)
            }
            Err(fault) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                if fault.is_about_one_user() {
                    attempt.succeeded();
                } else {
                    attempt.failed(Instant::now());
                }
                let error = chain(&fault);
                tracing::warn!(error, "could not fetch groups that a token keeps elsewhere");
                Err(if fault.is_refusal() { NoGroups::Refused } else { NoGroups::Unavailable })
            }
        }
    }

    async fn request(
        &self,
        source: &GroupsSource,
        now: UnixTime,
    ) -> Result<KnownGroups, FetchError> {
        let url = || source.endpoint.clone();
        let token = source.access_token.as_ref().map_or("", Secret::expose);
        if header::HeaderValue::from_str(token).is_err() {
            return Err(FetchError::AccessToken { url: url() });
        }
        let prepare = |client: &reqwest::Client| {
            let mut request = client.get(url()).header(header::ACCEPT, "application/jwt");
            if let Some(token) = &source.access_token {
                request = request.bearer_auth(token.expose());
            }
            request
        };
        let response = self.route.send(&source.endpoint, MAX_TOKEN_LENGTH + 2, prepare).await?;
        if response.status != 200 {
            return Err(FetchError::Status { url: url(), status: response.status });
        }
        let text = String::from_utf8(response.body).map_err(|_| FetchError::Text { url: url() })?;
        let jwt = Secret::new(Secret::new(text).expose().trim_ascii_end());
        let parsed = CompactJws::parse(jwt.expose())
            .map_err(|source| FetchError::Jwt { url: url(), source })?;
        let end = now.plus(MAX_AGE);
        let until = parsed.unverified_claims().expires_at().map_or(end, |expiry| expiry.min(end));
        Ok(KnownGroups { jwt, until })
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}
