//! The phases that every flow shares: prepare, discover, ask, check.
//! Never skipped by a flow: a flow gets their results and adds its own part.

use std::{
    sync::{
        Mutex, Once, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use login_cache::{sessions, store::Directory};
use login_common::{Secret, UnixTime, secret_text};
use login_protocols::{
    oauth2::{
        authorization::Nonce,
        device::{DeviceAuthorization, device_request, parse_device_response},
        error::OAuthErrorCode,
        revocation::{TokenTypeHint, parse_revocation_response, revocation_request},
        token_endpoint::{
            ClientAuthentication, FormRequest, Grant, MAX_RESPONSE, TokenEndpointError,
            TokenResponse, is_outage_status, parse_token_response, token_request,
        },
    },
    oidc::{
        DiscoveryError, ProviderMetadata,
        discovery::{Endpoint, MAX_METADATA_LENGTH},
        metadata_url,
    },
};
use tokio::time::Instant;
use url::Url;

use super::{
    FlowError,
    cached_metadata::{self, Voucher},
    choose::PersonFlow,
    client_authentication::{AssertionAudience, ClientCredential},
    failure::NotAnIssuer,
    issued::{self, Expected, Issued},
    local,
    moments::Moments,
    repeat::{Attempts, Repeat},
};
use crate::{
    options::target::Target,
    scrub,
    system::{
        System,
        http::{self, HttpClient, HttpError, Response},
        random,
    },
};

/// A larger difference of the clocks is reported, in seconds.
const SKEW_WORTH_A_WORD: u64 = 60;

/// An assertion dated within this many seconds of the issuer's clock was not refused for its date.
const WORTH_ANOTHER_DATE: u64 = 5;

/// Everything that a flow needs to call an issuer.
pub struct IssuerClient<'a> {
    /// The host.
    pub system: &'a System<'a>,
    /// The checked options.
    pub target: &'a Target,
    http: HttpClient,
    proof: ClientCredential,
    /// Where discovery documents are cached, and the trust settings they were fetched under. `None`
    /// without verification, where any host on the network path could pose as the issuer.
    kept: Option<(&'a Directory, Voucher)>,
    /// The discovery document of this run, once fetched.
    fetched: OnceLock<ProviderMetadata>,
    /// How many seconds the issuer's clock is ahead of ours, by its latest date.
    ahead: AtomicI64,
    /// `Retry-After` of the latest answer.
    retry_after: Mutex<Option<Duration>>,
}

/// A token response, and when it was received.
pub struct Answer {
    /// The tokens.
    pub response: TokenResponse,
    /// When it was received, by both clocks.
    pub moments: Moments,
}

impl<'a> IssuerClient<'a> {
    /// Reads what the options name: certificates, and the client's credential.
    pub async fn prepare(
        system: &'a System<'a>,
        target: &'a Target,
        directory: Option<&'a Directory>,
    ) -> Result<Self, FlowError> {
        let options = local::http_options(&target.connection)?;
        let is_vouched_for = !options.insecure_skip_tls_verify;
        let kept = directory
            .filter(|_| is_vouched_for)
            .map(|directory| (directory, Voucher::of(&options.authorities)));
        let proxies = http::proxies(system.environment);
        let http = HttpClient::new(options, proxies).map_err(FlowError::of_options)?;
        if target.connection.insecure_skip_tls_verify {
            static WARNED: Once = Once::new();
            WARNED.call_once(|| {
                system.terminal.say(&format!(
                    "warning: `--insecure-skip-tls-verify` is on: anyone on the network path to \
                     {} can take over the session",
                    target.issuer
                ));
            });
        }
        let proof = ClientCredential::of(target).await?;
        if let ClientCredential::Secret(secret) = &proof {
            scrub::never_show(secret);
        }
        for (name, value) in &target.connection.request_headers {
            if secret_text::is_secret_pair(name, value.expose()) {
                scrub::never_show(value);
                let token = secret_text::scheme_and_token(value.expose());
                token.map(Secret::new).iter().for_each(scrub::never_show);
            }
        }
        Ok(Self {
            system,
            target,
            http,
            proof,
            kept,
            fetched: OnceLock::new(),
            ahead: AtomicI64::new(0),
            retry_after: Mutex::default(),
        })
    }

    /// The issuer's cached discovery document, or else a fetched one.
    pub async fn metadata(&self) -> Result<(ProviderMetadata, Age), FlowError> {
        if let Some(fetched) = self.fetched.get() {
            return Ok((fetched.clone(), Age::Fetched));
        }
        let now = self.system.clock.now();
        let kept = self
            .kept
            .as_ref()
            .and_then(|(directory, voucher)| {
                cached_metadata::load(directory, &self.target.issuer, voucher, now)
            })
            .map(|metadata| self.as_we_meet_it(metadata));
        match kept {
            Some(metadata) => Ok((metadata, Age::Kept)),
            None => Ok((self.fetch_metadata().await?, Age::Fetched)),
        }
    }

    /// The issuer's current discovery document; fetched once per run.
    pub async fn fetch_metadata(&self) -> Result<ProviderMetadata, FlowError> {
        if let Some(fetched) = self.fetched.get() {
            return Ok(fetched.clone());
        }
        let (metadata, _) = self.probe().await?;
        Ok(self.fetched.get_or_init(|| metadata).clone())
    }

    /// Fetches the document now; also returns the issuer's clock, if the answer has a date.
    pub async fn probe(&self) -> Result<(ProviderMetadata, Option<UnixTime>), FlowError> {
        let repeat = if self.target.is_for_job() { Repeat::Freely } else { Repeat::IfUnsent };
        self.repeating(repeat, async || self.probe_once().await).await
    }

    async fn probe_once(&self) -> Result<(ProviderMetadata, Option<UnixTime>), FlowError> {
        let issuer = &self.target.issuer;
        let url = metadata_url(issuer);
        self.system.terminal.detail(&format!("kubectl-login: reading {url}"));
        let requested_at = self.system.clock.now();
        let not_an_issuer = |source: NotAnIssuer| FlowError::NotAnIssuer {
            issuer: issuer.clone(),
            source: Box::new(source),
        };
        let answer = self.http.fetch_following(&url, MAX_METADATA_LENGTH).await;
        let answer = answer.map_err(|error| match error {
            HttpError::Redirect(fault) => not_an_issuer((*fault).into()),
            error => self.unreachable(error),
        })?;
        self.learn(requested_at, &answer);
        match answer.status {
            200 => {}
            status if is_outage_status(status) => {
                let source = TokenEndpointError::Unavailable { status, error: None };
                return Err(FlowError::OutOfOrder { issuer: issuer.clone(), source });
            }
            status => return Err(not_an_issuer(NotAnIssuer::Status(status))),
        }
        let metadata = ProviderMetadata::parse(&answer.body, issuer)
            .map_err(|error| not_an_issuer(error.into()))?;
        if let Some((directory, voucher)) = &self.kept {
            // If this fails, the next renewal fetches it again.
            let now = self.system.clock.now();
            let _ = cached_metadata::save(directory, issuer, voucher, &answer.body, now);
        }
        Ok((self.as_we_meet_it(metadata), answer.date))
    }

    /// Flows that the issuer refused to this client in an earlier sign-in of this session.
    pub fn refused_ways(&self) -> Vec<PersonFlow> {
        let record = self
            .kept
            .as_ref()
            .and_then(|(directory, _)| sessions::load(directory, &self.target.cache_key));
        let ways = record.map(|record| record.refused_ways).unwrap_or_default();
        ways.iter().filter_map(|way| PersonFlow::parse(way)).collect()
    }

    fn as_we_meet_it(&self, metadata: ProviderMetadata) -> ProviderMetadata {
        match self.target.connection.client_certificate {
            Some(_) => metadata.with_client_certificate(),
            None => metadata,
        }
    }

    /// Stores the issuer's clock, which dates our assertions, and its `Retry-After`.
    fn learn(&self, requested_at: UnixTime, answer: &Response) {
        *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner) = answer.retry_after;
        let moments = Moments { requested_at, issuer_date: answer.date };
        if moments.issuer_date.is_none() {
            return;
        }
        let ahead = moments.issuer_now().as_seconds() - moments.requested_at.as_seconds();
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// The client's authentication for one request.
    fn authentication(
        &self,
        metadata: &ProviderMetadata,
        audience: AssertionAudience,
    ) -> Result<ClientAuthentication, FlowError> {
        let now = self.system.clock.now().as_seconds();
        let now = now.saturating_add(self.ahead.load(Ordering::Relaxed));
        let now = UnixTime::from_seconds(now);
        self.proof.authentication(self.target, metadata, audience, now)
    }

    /// Calls `send`, and again if the issuer may have refused the client's assertion for its date
    /// or its audience: a refused client has used up nothing.
    async fn proven<T>(
        &self,
        metadata: &ProviderMetadata,
        send: impl AsyncFn(ClientAuthentication) -> Result<Result<T, TokenEndpointError>, FlowError>,
    ) -> Result<Result<T, TokenEndpointError>, FlowError> {
        let is_refused_client = |outcome: &Result<T, TokenEndpointError>| {
            matches!(outcome, Err(error) if error.oauth_error()
                .is_some_and(|error| error.code == OAuthErrorCode::InvalidClient))
        };
        let again = |outcome: &Result<T, TokenEndpointError>| {
            self.proof.has_audience() && is_refused_client(outcome)
        };
        let dated_by = self.ahead.load(Ordering::Relaxed);
        let mut outcome = send(self.authentication(metadata, AssertionAudience::Issuer)?).await?;
        let is_misdated =
            self.ahead.load(Ordering::Relaxed).abs_diff(dated_by) >= WORTH_ANOTHER_DATE;
        if again(&outcome) && is_misdated {
            outcome = send(self.authentication(metadata, AssertionAudience::Issuer)?).await?;
        }
        if again(&outcome) {
            outcome =
                send(self.authentication(metadata, AssertionAudience::TokenEndpoint)?).await?;
        }
        // Unless the issuer announced only one method, ours was a guess.
        if is_refused_client(&outcome)
            && let Some(other) =
                self.proof.other_way(metadata.token_endpoint_auth_methods.as_deref())
        {
            let by_other = send(other).await?;
            // A second refusal adds nothing.
            if !is_refused_client(&by_other) {
                outcome = by_other;
            }
        }
        Ok(outcome)
    }

    /// Calls `send`, and again after a pause as long as `repeat` allows it.
    async fn repeating<T>(
        &self,
        repeat: Repeat,
        send: impl AsyncFn() -> Result<T, FlowError>,
    ) -> Result<T, FlowError> {
        let began = Instant::now();
        let mut attempts = Attempts::new(repeat);
        loop {
            let error = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let said = *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(setback) = error.setback(said) else { return Err(error) };
            let [random, ..] = random::bytes()?;
            let Some(pause) = attempts.next(setback, began.elapsed(), random) else {
                return Err(error);
            };
            let (text, seconds) = (error.to_string(), pause.as_secs_f32());
            self.system.terminal.detail(&format!("kubectl-login: {text}; again in {seconds:.1} s"));
            tokio::time::sleep(pause).await;
        }
    }

    /// A request to the token endpoint, repeated where allowed. `Ok(Err(_))` is an error response.
    pub async fn ask(
        &self,
        metadata: &ProviderMetadata,
        grant: &Grant<'_>,
    ) -> Result<Result<Answer, TokenEndpointError>, FlowError> {
        self.granted(grant, async || {
            self.proven(metadata, async |proof| self.ask_once(&proof, metadata, grant).await).await
        })
        .await
    }

    /// Repeats `send` as `grant` allows.
    async fn granted(
        &self,
        grant: &Grant<'_>,
        send: impl AsyncFn() -> Result<Result<Answer, TokenEndpointError>, FlowError>,
    ) -> Result<Result<Answer, TokenEndpointError>, FlowError> {
        let repeat = match grant {
            Grant::ClientCredentials { .. }
            | Grant::TokenExchange { .. }
            | Grant::JwtBearer { .. } => Repeat::Freely,
            // The credential may be single-use.
            Grant::AuthorizationCode { .. } | Grant::RefreshToken(_) | Grant::Password { .. } => {
                Repeat::IfUnsent
            }
            // The device flow polls at its own pace.
            Grant::DeviceCode(_) => return send().await,
        };
        let issuer = &self.target.issuer;
        let outcome = self.repeating(repeat, async || match send().await? {
            // Only an outage may be repeated; any other answer is final.
            Err(source) if source.is_unavailable() => {
                Err(FlowError::OutOfOrder { issuer: issuer.clone(), source })
            }
            answer => Ok(answer),
        });
        match outcome.await {
            Err(FlowError::OutOfOrder { source, .. }) => Ok(Err(source)),
            outcome => outcome,
        }
    }

    /// The same for a client that authenticates in another way, such as by an assertion that
    /// another party signed.
    pub async fn ask_as(
        &self,
        authentication: &ClientAuthentication,
        metadata: &ProviderMetadata,
        grant: &Grant<'_>,
    ) -> Result<Result<Answer, TokenEndpointError>, FlowError> {
        self.granted(grant, async || self.ask_once(authentication, metadata, grant).await).await
    }

    async fn ask_once(
        &self,
        authentication: &ClientAuthentication,
        metadata: &ProviderMetadata,
        grant: &Grant<'_>,
    ) -> Result<Result<Answer, TokenEndpointError>, FlowError> {
        let endpoint = self.endpoint(&metadata.token_endpoint, "a token endpoint")?;
        let audience = self.target.audience.as_deref();
        let mut form = token_request(&self.target.client_id, authentication, grant, audience);
        if self.target.is_for_job() {
            // A job has no authorization request that could carry them.
            for (name, value) in &self.target.callback.parameters {
                form.replace(name.clone(), value);
            }
        }
        let requested_at = self.system.clock.now();
        let answer = self.post(endpoint, &form).await?;
        let moments = Moments { requested_at, issuer_date: answer.date };
        Ok(parse_token_response(answer.status, &answer.body)
            .map(|response| Answer { response, moments }))
    }

    /// The request that begins the device flow.
    pub async fn ask_for_device_code(
        &self,
        metadata: &ProviderMetadata,
    ) -> Result<DeviceAuthorization, FlowError> {
        let endpoint = self.endpoint(&metadata.device_authorization_endpoint, "the device flow")?;
        let (target, scopes) = (self.target, self.scopes(metadata));
        let send = async |proof| {
            let audience = target.audience.as_deref();
            let mut form = device_request(&target.client_id, &proof, &scopes, audience);
            for (name, value) in &target.callback.parameters {
                form.replace(name.clone(), value);
            }
            let answer = self.post(endpoint, &form).await?;
            Ok(parse_device_response(answer.status, &answer.body))
        };
        self.proven(metadata, send)
            .await?
            .map_err(|error| FlowError::from_answer(&self.target.issuer, "the device flow", error))
    }

    /// The scopes for a user: `openid`, the requested ones, and `offline_access` where the issuer
    /// lists it (OpenID Connect Core §11).
    pub fn scopes(&self, metadata: &ProviderMetadata) -> Vec<String> {
        let offline = "offline_access";
        let knows_offline = metadata
            .scopes
            .as_ref()
            .is_some_and(|scopes| scopes.iter().any(|scope| scope == offline));
        let mut scopes = vec!["openid".to_owned()];
        let wanted = self.target.scopes.iter().map(String::as_str);
        for scope in wanted.chain(knows_offline.then_some(offline)) {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        scopes
    }

    /// The last phase of a user's sign-in: checks a response and takes the requested token out of
    /// it. `nonce` is that of the authorization request, if there was one.
    pub fn check(&self, answer: Answer, nonce: Option<&Nonce>) -> Result<Issued, FlowError> {
        self.take(answer, &Expected { nonce: nonce.map(Nonce::as_str), ..self.expected() })
    }

    /// The same for a code that only the `nonce` in its ID token ties to this sign-in.
    pub fn check_untied(&self, answer: Answer, nonce: &Nonce) -> Result<Issued, FlowError> {
        let nonce = Some(nonce.as_str());
        self.take(answer, &Expected { nonce, id_token_ties: true, ..self.expected() })
    }

    /// The same for a renewal of the session of `subject`, if that is known.
    pub fn check_renewal(
        &self,
        answer: Answer,
        subject: Option<&str>,
    ) -> Result<Issued, FlowError> {
        self.take(answer, &Expected { subject, ..self.expected() })
    }

    /// The same for a job, which may get an access token alone.
    pub fn check_job(&self, answer: Answer) -> Result<Issued, FlowError> {
        self.take(answer, &Expected { id_token_optional: true, ..self.expected() })
    }

    fn expected(&self) -> Expected<'_> {
        Expected {
            issuer: &self.target.issuer,
            client_id: &self.target.client_id,
            nonce: None,
            subject: None,
            access_token: self.target.use_access_token,
            id_token_optional: false,
            id_token_ties: false,
        }
    }

    fn take(&self, answer: Answer, wanted: &Expected<'_>) -> Result<Issued, FlowError> {
        let moments = answer.moments;
        if moments.skew().as_secs() >= SKEW_WORTH_A_WORD {
            self.system.terminal.say(&format!(
                "warning: this machine's clock and the issuer's are {} seconds apart",
                moments.skew().as_secs()
            ));
        }
        issued::take(answer.response, wanted, moments)
            .map_err(|source| FlowError::Token { issuer: self.target.issuer.clone(), source })
    }

    /// One request to the revocation endpoint (RFC 7009 §2.1).
    pub async fn revoke(
        &self,
        metadata: &ProviderMetadata,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> Result<(), FlowError> {
        let endpoint =
            self.endpoint(&metadata.revocation_endpoint, "an end to sessions (RFC 7009)")?;
        let send = async |proof| {
            let form = revocation_request(&self.target.client_id, &proof, token, hint);
            let answer = self.post(endpoint, &form).await?;
            Ok(parse_revocation_response(answer.status, &answer.body))
        };
        self.proven(metadata, send)
            .await?
            .map_err(|error| FlowError::from_answer(&self.target.issuer, "the sign-out", error))
    }

    async fn post(&self, endpoint: &Url, form: &FormRequest) -> Result<Response, FlowError> {
        self.system.terminal.detail(&format!("kubectl-login: asking {endpoint}"));
        // Some issuers repeat the request's values in an error.
        let secrets = form.fields().filter(|(name, _)| scrub::is_secret_parameter(name));
        secrets.for_each(|(_, secret)| scrub::never_show(secret));
        form.authorization().into_iter().for_each(scrub::never_show);
        let requested_at = self.system.clock.now();
        let answer = self.http.post(endpoint, form, MAX_RESPONSE).await;
        let answer = answer.map_err(|error| self.unreachable(error))?;
        self.learn(requested_at, &answer);
        Ok(answer)
    }

    /// Classifies `source`: a failure to reach the issuer, or an answer that cannot be used.
    pub fn unreachable(&self, source: HttpError) -> FlowError {
        let issuer = self.target.issuer.clone();
        match source {
            HttpError::TooLong(_) | HttpError::Coding { .. } => {
                FlowError::TooLong { issuer, source }
            }
            _ => FlowError::Unreachable { issuer, source },
        }
    }

    /// The address of an endpoint that is about to be used; an error if it is missing or unusable.
    pub fn endpoint<'m>(
        &self,
        endpoint: &'m Endpoint,
        what: &'static str,
    ) -> Result<&'m Url, FlowError> {
        let issuer = || self.target.issuer.clone();
        let usable = endpoint.used().map_err(|fault| FlowError::NotAnIssuer {
            issuer: issuer(),
            source: Box::new(DiscoveryError::from(fault).into()),
        })?;
        usable.ok_or_else(|| FlowError::NotOffered { issuer: issuer(), what })
    }
}

/// Where a discovery document came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// From the cache; endpoints may have moved since.
    Kept,
    /// From the issuer.
    Fetched,
}
