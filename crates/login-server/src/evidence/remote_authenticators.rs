//! Asks other parties about tokens that only they know, and caches their statements for seconds.
//! Never shows a token to a party that the plan did not name. Never stores a token, only its
//! digest. Never takes a missing answer or an error of ours for a statement.
//!
//! A new kind of party is a row in each `match` over [`Protocol`].

use std::{sync::Arc, time::Duration};

use http::header;
use login_common::{Secret, UnixTime, causes, names::ClientId};
use login_protocols::{
    oauth2::{
        form::ClientAuthentication,
        introspection::{
            IntrospectionError, MAX_ANSWER_LENGTH, introspection_request,
            parse_introspection_response,
        },
    },
    oidc::Statement,
};
use login_review::{RemoteIndex, TokenDigest};
use thiserror::Error;
use url::Url;

use super::{
    remote::{Answer, Remote, RemoteReport, Worth},
    request::{RequestError, Response, Route},
};
use crate::{outgoing::Progress, telemetry::log_throttle::LogThrottle};

/// The longest that a statement about a valid token is cached (a revocation at the party shows by
/// then).
pub const MAX_CACHE_TTL: Duration = Duration::from_secs(30);
/// The longest that a statement about an invalid token is cached.
pub const MAX_NEGATIVE_CACHE_TTL: Duration = Duration::from_secs(5);
/// The default of [`RemoteParty::timeout`].
pub const TIMEOUT: Duration = Duration::from_secs(3);

/// How to ask one party.
#[derive(Clone, Debug)]
pub struct RemoteParty {
    /// The endpoint.
    pub url: Url,
    /// How it is asked.
    pub protocol: Protocol,
    /// Proves to the party who asks.
    pub secret: Secret,
    /// Authorities trusted for its TLS, as PEM; none means the system's.
    pub certificate_authority_pem: Option<String>,
    /// How long a statement about a valid token is cached.
    pub cache_ttl: Duration,
    /// How long a statement about an invalid token is cached.
    pub negative_cache_ttl: Duration,
    /// Per request, from connect to the last byte; shorter than a review may take.
    pub timeout: Duration,
}

// recipe: authenticator
/// How a party is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 7662, with `client_secret_basic`.
    Introspection {
        /// Our client ID there.
        client_id: ClientId,
    },
}

/// Why a response says nothing about the token.
#[derive(Debug, Error)]
enum ProtocolError {
    #[error(transparent)]
    Introspection(#[from] IntrospectionError),
}

impl Protocol {
    /// The log messages for a party that gives no statement, and for one that refuses this server.
    const fn messages(&self) -> (&'static str, &'static str) {
        match self {
            Self::Introspection { .. } => {
                ("could not introspect a token", "check `clientID` and `clientSecretFile`")
            }
        }
    }

    fn request(
        &self,
        party: &RemoteParty,
        client: &reqwest::Client,
        token: &str,
    ) -> reqwest::RequestBuilder {
        match self {
            Self::Introspection { client_id } => {
                let proof = ClientAuthentication::Basic(party.secret.clone());
                let form = introspection_request(client_id, &proof, &Secret::new(token));
                let request = client
                    .post(party.url.clone())
                    .header(header::ACCEPT, "application/json")
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.body().expose().to_owned());
                match form.authorization() {
                    None => request,
                    Some(authorization) => {
                        request.header(header::AUTHORIZATION, authorization.expose())
                    }
                }
            }
        }
    }

    fn statement(&self, response: &Response) -> Result<Statement, ProtocolError> {
        let Response { status, media_type, body } = response;
        Ok(match self {
            Self::Introspection { .. } => {
                parse_introspection_response(*status, media_type.as_deref(), body)?
            }
        })
    }
}

impl ProtocolError {
    /// Whether the party refuses this server, whatever it asks.
    const fn is_refusal_of_us(&self) -> bool {
        matches!(self, Self::Introspection(IntrospectionError::Credentials { .. }))
    }
}

/// Every party, in the order of the policy.
#[derive(Debug, Default)]
pub struct RemoteAuthenticators(Vec<Arc<Asked>>);

struct Asked {
    party: RemoteParty,
    route: Route,
    remote: Remote<Statement>,
    /// Throttled: an unauthenticated caller can cause any number of failures.
    failures: LogThrottle,
    refusals_of_us: LogThrottle,
}

/// Why a party gave no statement.
#[derive(Debug, Error)]
enum AskError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Answer(#[from] ProtocolError),
}

impl AskError {
    /// How far the request came.
    const fn progress(&self) -> Progress {
        match self {
            Self::Request(fault) => fault.progress(),
            Self::Answer(_) => Progress::Asking,
        }
    }
}

impl RemoteAuthenticators {
    /// One per party.
    pub fn new(parties: Vec<RemoteParty>) -> Self {
        Self::default().succeed(parties)
    }

    /// The same for other `parties`; those that do not change keep their state.
    #[must_use]
    pub fn succeed(&self, parties: Vec<RemoteParty>) -> Self {
        // Two entries may ask the same party, each on its own.
        let mut left: Vec<&Arc<Asked>> = self.0.iter().collect();
        let asked = |party: RemoteParty| {
            let same = left.iter().position(|known| known.party.is_same(&party));
            match same {
                Some(number) => Arc::clone(left.remove(number)),
                None => Arc::new(Asked::new(party)),
            }
        };
        Self(parties.into_iter().map(asked).collect())
    }

    /// Returns the party's statement about `token`; `None` if it cannot be asked. Concurrent
    /// callers with the same token share one request.
    pub async fn ask(
        &self,
        index: RemoteIndex,
        token: &str,
        now: UnixTime,
    ) -> Option<Arc<Statement>> {
        let asked = self.0.get(index.as_usize())?;
        // Boxed, as few reviews need it.
        asked.remote.ask(TokenDigest::of(token), Box::pin(asked.answer(token, now))).await
    }

    /// Records that `token` was accepted because of the party's statement: from now on, questions
    /// about unproven tokens do not delay it.
    pub fn was_accepted(&self, index: RemoteIndex, token: &str) {
        if let Some(asked) = self.0.get(index.as_usize()) {
            asked.remote.prove(TokenDigest::of(token));
        }
    }

    /// The URL and the state of every party, in the order of the policy.
    pub fn report(&self) -> impl Iterator<Item = (&str, RemoteReport)> {
        self.0.iter().map(|asked| (asked.party.url.as_str(), asked.remote.report()))
    }
}

impl RemoteParty {
    /// Whether the same party is asked in the same way.
    fn is_same(&self, other: &Self) -> bool {
        let Self {
            url,
            protocol,
            secret,
            certificate_authority_pem,
            cache_ttl,
            negative_cache_ttl,
            timeout,
        } = self;
        (url, protocol) == (&other.url, &other.protocol)
            && secret.same_as(&other.secret)
            && certificate_authority_pem == &other.certificate_authority_pem
            && (cache_ttl, negative_cache_ttl, timeout)
                == (&other.cache_ttl, &other.negative_cache_ttl, &other.timeout)
    }
}

impl Asked {
    fn new(party: RemoteParty) -> Self {
        Self {
            route: Route::new(party.certificate_authority_pem.clone(), party.timeout),
            remote: Remote::new(party.url.to_string(), party.timeout),
            failures: LogThrottle::default(),
            refusals_of_us: LogThrottle::default(),
            party,
        }
    }

    async fn answer(&self, token: &str, now: UnixTime) -> Result<Answer<Statement>, Progress> {
        self.request(token, now).await.map_err(|fault| {
            let (url, error) = (self.party.url.as_str(), causes::one_line(&fault));
            let (failure, refusal_of_us) = self.party.protocol.messages();
            if matches!(&fault, AskError::Answer(fault) if fault.is_refusal_of_us()) {
                if let Some(times) = self.refusals_of_us.turn() {
                    tracing::error!(url, error, times, "{refusal_of_us}");
                }
            } else if let Some(times) = self.failures.turn() {
                tracing::warn!(url, error, times, "{failure}");
            }
            fault.progress()
        })
    }

    async fn request(&self, token: &str, now: UnixTime) -> Result<Answer<Statement>, AskError> {
        let party = &self.party;
        let prepare = |client: &reqwest::Client| party.protocol.request(party, client, token);
        let response = self.route.send(&party.url, MAX_ANSWER_LENGTH, prepare).await?;
        let value = party.protocol.statement(&response)?;
        let (worth, lifetime) = match &value {
            Statement::Invalid => (Worth::Bad, party.negative_cache_ttl),
            Statement::Valid(claims) => {
                let left = claims.expires_at().map(|end| end.since(now));
                (Worth::Good, left.map_or(party.cache_ttl, |left| left.min(party.cache_ttl)))
            }
        };
        Ok(Answer { value, worth, lifetime, length: response.body.len() })
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("party", &self.party).finish_non_exhaustive()
    }
}
