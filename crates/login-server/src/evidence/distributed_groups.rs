//! Fetches the JWTs that hold the groups of users whose token only refers to them (OpenID Connect
//! Core §5.6.2).
//! Never asks an address that `decide` did not name, which names allowed ones only. Never judges
//! the response: it is a token like any other.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::header;
use login_common::{Secret, UnixTime, causes};
use login_protocols::jose::{CompactJws, JoseError, MAX_TOKEN_LENGTH};
use login_review::{GroupsSource, IssuerPolicy, Policy, TokenDigest};
use thiserror::Error;
use url::{Origin, Url};

use super::{
    remote::{Answer, Remote, RemoteReport, Worth},
    request::{RequestError, Route},
};
use crate::{outgoing::Progress, telemetry::log_throttle::LogThrottle};

/// The longest that groups are cached, however long their JWT is valid.
const MAX_AGE: Duration = Duration::from_mins(5);
/// Per request; shorter than a review may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Where each issuer may keep its groups.
#[derive(Debug, Default)]
pub struct DistributedGroups(Vec<Arc<Source>>);

/// What an endpoint answered: the groups, or that it refuses them for the token presented.
type Said = Result<Arc<Secret>, Refused>;

#[derive(Clone, Copy, Debug)]
struct Refused;

struct Source {
    issuer: String,
    certificate_authority_pem: Option<String>,
    route: Route,
    /// One for each host, so that an outage of one does not affect another.
    places: Vec<Place>,
    failures: LogThrottle,
}

struct Place {
    origin: Origin,
    /// Created on first use: most issuers' tokens refer to no endpoint.
    remote: OnceLock<Remote<Said>>,
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
}

impl FetchError {
    /// Whether the endpoint refuses this user's groups, however often it is asked: the access token
    /// in the reference has expired, for example, or does not grant access there (RFC 6750 §3.1). A
    /// 404 is no refusal: a gateway returns it, too, while its backends are replaced.
    const fn is_refusal(&self) -> bool {
        matches!(self, Self::Status { status: 401 | 403, .. })
    }

    /// How far the request came.
    const fn progress(&self) -> Progress {
        match self {
            Self::Request(fault) => fault.progress(),
            _ => Progress::Asking,
        }
    }
}

/// Why there are no groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGroups {
    /// The endpoint refuses them for this token; asking again would not help.
    Refused,
    /// The endpoint cannot be asked now.
    Unavailable,
}

impl DistributedGroups {
    /// The endpoints that the issuers of `policy` may refer to.
    pub fn new(policy: &Policy) -> Self {
        Self::default().succeed(policy)
    }

    /// The same for another `policy`; issuers that do not change keep their state.
    #[must_use]
    pub fn succeed(&self, policy: &Policy) -> Self {
        let source = |issuer: &IssuerPolicy| {
            let new = Source::new(issuer);
            let same = self.0.iter().find(|known| known.is_same(&new)).map(Arc::clone);
            same.unwrap_or_else(|| Arc::new(new))
        };
        Self(policy.issuers().iter().map(source).collect())
    }

    /// Returns the JWT at `source`. It is cached until it expires, for `MAX_AGE` at most, and
    /// concurrent callers share one request.
    pub async fn fetch(
        &self,
        source: &GroupsSource,
        now: UnixTime,
    ) -> Result<Arc<Secret>, NoGroups> {
        let issuer = self.0.get(source.issuer.as_usize()).ok_or(NoGroups::Unavailable)?;
        issuer.known_or_fetched(source, now).await
    }

    /// The issuer and the state of its endpoints, for each that has any.
    pub fn report(&self) -> impl Iterator<Item = (&str, RemoteReport)> {
        self.0.iter().filter_map(|source| {
            let remotes: Vec<_> =
                source.places.iter().filter_map(|place| place.remote.get()).collect();
            let is_in_use = source.places.len() > 1 || !remotes.is_empty();
            let mut report = RemoteReport::default();
            for remote in remotes {
                report += remote.report();
            }
            is_in_use.then_some((source.issuer.as_str(), report))
        })
    }
}

impl Source {
    /// Every host that may hold groups; the issuer's own comes first.
    fn new(issuer: &IssuerPolicy) -> Self {
        let mut places: Vec<Place> = Vec::new();
        let own = Url::parse(issuer.issuer.as_str()).ok();
        for url in own.iter().chain(&issuer.distributed_claims_endpoints) {
            let origin = url.origin();
            if places.iter().all(|place| place.origin != origin) {
                places.push(Place { origin, remote: OnceLock::new() });
            }
        }
        let authority = issuer.certificate_authority_pem.clone();
        Self {
            issuer: issuer.issuer.as_str().to_owned(),
            route: Route::new(authority.clone(), TIMEOUT),
            certificate_authority_pem: authority,
            places,
            failures: LogThrottle::default(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let origins = |source: &Self| -> Vec<Origin> {
            source.places.iter().map(|place| place.origin.clone()).collect()
        };
        self.issuer == other.issuer
            && self.certificate_authority_pem == other.certificate_authority_pem
            && origins(self) == origins(other)
    }

    async fn known_or_fetched(
        &self,
        source: &GroupsSource,
        now: UnixTime,
    ) -> Result<Arc<Secret>, NoGroups> {
        let origin = source.endpoint.origin();
        let place = self.places.iter().find(|place| place.origin == origin);
        let place = place.ok_or(NoGroups::Unavailable)?;
        let remote =
            place.remote.get_or_init(|| Remote::new(place.origin.ascii_serialization(), TIMEOUT));
        let token = source.access_token.as_ref().map_or("", Secret::expose);
        if header::HeaderValue::from_str(token).is_err() {
            return Err(NoGroups::Refused);
        }
        // A URL has no line break, so the parts cannot run together.
        let name = Secret::new(format!("{}\n{token}", source.endpoint));
        let name = TokenDigest::of(name.expose());
        let said = remote
            .ask(name, Box::pin(self.asked(source, now)))
            .await
            .ok_or(NoGroups::Unavailable)?;
        let groups = said.as_ref().as_ref().map_err(|Refused| NoGroups::Refused)?;
        // A verified token led here, so the name is not made up.
        remote.prove(name);
        Ok(Arc::clone(groups))
    }

    async fn asked(&self, source: &GroupsSource, now: UnixTime) -> Result<Answer<Said>, Progress> {
        self.request(source, now).await.or_else(|fault| {
            let error = causes::one_line(&fault);
            if let Some(times) = self.failures.turn() {
                tracing::warn!(error, times, "could not fetch distributed groups");
            }
            let (value, lifetime) = (Err(Refused), Duration::ZERO);
            let refusal = Answer { value, worth: Worth::Bad, lifetime, length: 0 };
            if fault.is_refusal() { Ok(refusal) } else { Err(fault.progress()) }
        })
    }

    async fn request(
        &self,
        source: &GroupsSource,
        now: UnixTime,
    ) -> Result<Answer<Said>, FetchError> {
        let url = || source.endpoint.clone();
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
        let left = parsed.unverified_claims().expires_at().map(|end| end.since(now));
        let lifetime = left.map_or(MAX_AGE, |left| left.min(MAX_AGE));
        let length = jwt.expose().len();
        let value = Ok(Arc::new(jwt));
        Ok(Answer { value, worth: Worth::Good, lifetime, length })
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
