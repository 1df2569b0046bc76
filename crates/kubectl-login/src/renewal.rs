//! Gets a new token: one process requests it, the others adopt its result or its failure.
//! Opens a browser only for a refused or missing grant; never loses a good token because it could
//! not be stored.
//!
//! On disk: `cached` reads and writes the cache, `early` renews while the cached token can still be
//! used.

mod cached;
mod early;
mod failure;
#[cfg(test)]
#[cfg(unix)]
mod model;
pub(crate) mod record;

use std::{cell::RefCell, future::Future, time::Duration};

use login_cache::{
    backoff::{Effect, Memory},
    freshness::Freshness,
    key_store::KeyTrouble,
    refresh_secret::{Prepared, RefreshSecret, Sealed},
    renewal_lock::{self, Holder, LockError, RenewalLock, Taken, Work},
};
use login_common::{
    UnixTime,
    exec_credential::{ExecApiVersion, ExecCredential},
};
use login_protocols::{oauth2::revocation::TokenTypeHint, oidc::ProviderMetadata};
use zeroize::Zeroizing;

use crate::{
    flows::{
        FlowError, FlowFailure, TokenProblem,
        choose::{self, EnvironmentFacts, NoFlow},
        issued::Issued,
        issuer_client::IssuerClient,
        job, person,
        refresh::{self, Renewed},
    },
    options::{
        program::NotAllowed,
        target::{BrowserChoice, Flow, Target},
    },
    report::{Failure, Fault, Report},
    system::{
        System,
        clock::Deadline,
        runtime::{self, NotRun},
    },
};
use cached::{CachedSession, CachedToken};
use failure::{RenewalError, Unrenewed};

/// How long a holder of the lock may exceed its own time limit.
const GRACE: Duration = Duration::from_secs(10);

/// Time for the steps before a renewal's request: the keyring, or a command that prints the client
/// secret.
const PREPARATIONS: Duration = Duration::from_secs(30);

/// How long before its expiry a still valid token is returned instead of waiting any longer.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// How long the issuer may take to revoke the session that a sign-in replaces.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a running renewal may take to finish after a signal.
const LAST_WORD: Duration = Duration::from_secs(2);

/// One call and its state.
pub struct Renewal<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    environment_facts: EnvironmentFacts,
    /// `None` if nothing is cached.
    cached: Option<CachedSession<'a>>,
    /// A signal ends the process without `conclude`: the kernel frees the lock, and its text
    /// remains.
    lock: RefCell<Option<RenewalLock>>,
}

impl<'a> Renewal<'a> {
    /// A call for `target`. `interactive` is whether stdin is available, as kubectl reports it.
    pub fn new(system: &'a System<'a>, target: &'a Target, interactive: bool) -> Self {
        let environment_facts = EnvironmentFacts::of(system, interactive);
        let cached = CachedSession::new(system, target, environment_facts);
        Self { system, target, environment_facts, cached, lock: RefCell::default() }
    }

    /// A call with the given refresh token store.
    #[cfg(test)]
    fn with(
        system: &'a System<'a>,
        target: &'a Target,
        secrets: login_cache::refresh_secret::RefreshSecrets,
    ) -> Self {
        let environment_facts = EnvironmentFacts::of(system, false);
        let cached = Some(CachedSession::of(system, target, environment_facts, secrets));
        Self { system, target, environment_facts, cached, lock: RefCell::default() }
    }

    /// Sets the calling process, if it is one that caches the answer (kubectl).
    #[must_use]
    pub fn asked_by(mut self, caller: Option<u32>) -> Self {
        if let Some(cached) = &mut self.cached {
            cached.caller = caller;
        }
        self
    }

    /// The answer for stdout: cached, adopted from another process, renewed or from a sign-in.
    pub fn answer(&self, version: ExecApiVersion) -> Result<Zeroizing<String>, Failure> {
        let before = self.cached.as_ref().and_then(CachedSession::find);
        if !self.target.force_refresh
            && let (Some(cached), Some(before)) = (&self.cached, &before)
            && let Some(outcome) = self.without_waiting(cached, before, version)
        {
            return outcome;
        }
        let failed_before = self.cached.as_ref().and_then(CachedSession::memory);
        // Another process's result is good enough, even for a forced renewal that had to wait for
        // it.
        let adopt = || {
            let found = self.cached.as_ref()?.find()?;
            // The same token with other timestamps is not a new one.
            let is_new = before
                .as_ref()
                .is_none_or(|before| before.entry.answer(version) != found.entry.answer(version));
            (is_new && found.is_good()).then(|| found.answer(version))
        };
        let patience = before.as_ref().and_then(|before| self.patience(before));
        let is_over = || patience.as_ref().is_some_and(Deadline::is_over);
        let adopt_or_leave = || adopt().or_else(|| is_over().then(|| self.kept_answer(version))?);
        match self.take_lock(adopt_or_leave) {
            Ok(None) => {}
            Ok(Some(answer)) => return Ok(answer),
            Err(failure) => return self.still_valid(&failure, version).ok_or(failure),
        }
        // Another process may have finished between the lookup and the lock.
        if let Some(answer) = adopt() {
            self.conclude();
            return Ok(answer);
        }
        if let Some(cached) = &self.cached
            && let Some(failure) = self.failure_of_others(cached, failed_before.as_ref())
        {
            self.conclude();
            return self.still_valid(&failure, version).ok_or(failure);
        }
        self.run(self.renew(version, patience.as_ref()))
    }

    /// How long the caller may wait for a new token while the cached one is about to expire.
    fn patience(&self, found: &CachedToken) -> Option<Deadline> {
        let (lifetime, now) = (found.entry.lifetime, found.now());
        let is_ending = lifetime.at(now) == Freshness::Ageing && !self.target.force_refresh;
        let left = lifetime.valid_until.since(now);
        is_ending.then(|| Deadline::after(left.saturating_sub(LAST_MOMENT).max(left / 2)))
    }

    /// Signs in now, whatever is cached.
    pub fn sign_in(&self) -> Result<Issued, Failure> {
        if let Some(cached) = &self.cached {
            cached.clear_memory();
        }
        self.take_lock(|| None::<()>)?;
        self.run(async {
            let issuer_client = self.issuer_client().await?;
            let issued = if self.target.is_for_job() {
                self.describe(Work::Renewing);
                job::obtain(&issuer_client).await.inspect(|issued| self.keep(issued, None, None))
            } else {
                self.person(&issuer_client).await
            };
            let outcome = issued.map_err(|error| self.failure(error));
            if let (Err(failure), Some(cached)) = (&outcome, &self.cached) {
                // For processes that wait. No back-off: the user asked for this attempt with
                // `login`.
                cached.remember(failure, Effect::Shared);
            }
            self.conclude();
            outcome
        })
    }

    /// Runs with the lock held, or without a lock if nothing can be cached.
    async fn renew(
        &self,
        version: ExecApiVersion,
        patience: Option<&Deadline>,
    ) -> Result<Zeroizing<String>, Failure> {
        self.describe(Work::Renewing);
        if let Some(cached) = &self.cached {
            cached.sweep();
        }
        let outcome = if self.target.is_for_job() {
            self.renew_machine().await
        } else {
            self.renew_person(patience).await
        };
        let outcome = match outcome {
            Ok(issued) => Ok(rendered(&issued, version)),
            Err(Unrenewed { failure, effect }) => {
                if let (Some(effect), Some(cached)) = (effect, &self.cached) {
                    cached.remember(&failure, effect);
                }
                self.still_valid(&failure, version).ok_or(failure)
            }
        };
        self.conclude();
        outcome
    }

    async fn renew_machine(&self) -> Result<Issued, Unrenewed> {
        let issuer_client = self.issuer_client().await.map_err(Unrenewed::alone)?;
        let issued = job::obtain(&issuer_client)
            .await
            .map_err(|error| Unrenewed::shared(self.failure(error)))?;
        self.keep(&issued, None, None);
        Ok(issued)
    }

    async fn renew_person(&self, patience: Option<&Deadline>) -> Result<Issued, Unrenewed> {
        let (mut sealed, mut issuer_client) = (None, None);
        let hurry = |bound| self.cached.iter().for_each(|cached| cached.hurry(bound));
        hurry(patience.map(Deadline::left));
        match self.cached.as_ref().map_or(Ok(None), CachedSession::spendable) {
            Ok(Some((secret, place))) => {
                let prepared = self.prepared_session(patience).await.map_err(Unrenewed::alone)?;
                let why = match self.refresh(&prepared, secret, place).await? {
                    Refreshed::Token(issued) => return Ok(issued),
                    Refreshed::Refused => "has ended the session",
                    Refreshed::WithoutIdToken => "renews the session without an ID token",
                };
                let issuer = &self.target.issuer;
                self.system.terminal.say(&format!("kubectl-login: {issuer} {why}"));
                issuer_client = Some(prepared);
            }
            Ok(None) => {}
            // The keyring may answer later, and the cached token is still good.
            Err(error) if patience.is_some() => {
                let issuer = self.target.issuer.clone();
                return Err(Unrenewed::alone(
                    RenewalError::Sealed { issuer, source: error }.into(),
                ));
            }
            Err(error) => sealed = Some(error),
        }
        hurry(None);
        if let Some(cached) = &self.cached
            && let Some(failure) = cached.held_back()
        {
            return Err(Unrenewed::alone(failure));
        }
        // Checked before any request: a CI job must fail at once.
        if let Err(source) = choose::may_ask(self.target, self.environment_facts.with_terminal()) {
            let issuer = self.target.issuer.clone();
            return Err(Unrenewed::alone(match sealed {
                Some(source) => RenewalError::Sealed { issuer, source }.into(),
                None => self.failure(FlowError::NeedsPerson { issuer, source }),
            }));
        }
        self.check_browser().map_err(|refusal| Unrenewed::alone(self.failure(refusal.into())))?;
        if let Some(sealed) = sealed {
            self.say_sealed(&sealed);
        }
        // Reused, so that the client secret's command runs only once.
        let issuer_client = match issuer_client {
            Some(prepared) => prepared,
            None => self.issuer_client().await.map_err(Unrenewed::alone)?,
        };
        self.person(&issuer_client).await.map_err(|error| {
            let is_outage = error.fault() == Fault::Unreachable;
            let effect = if is_outage { Effect::Shared } else { Effect::HoldsBack };
            Unrenewed { failure: self.failure(error), effect: Some(effect) }
        })
    }

    /// Prepares the client and its discovery document before the cached token expires. The request
    /// itself is never cancelled: its response may hold the only valid refresh token.
    async fn prepared_session(
        &self,
        patience: Option<&Deadline>,
    ) -> Result<IssuerClient<'_>, Failure> {
        let Some(patience) = patience else { return self.issuer_client().await };
        let left = patience.left();
        let prepared = tokio::time::timeout(left, async {
            let issuer_client = self.issuer_client().await?;
            // Stored on disk, where the renewal finds it.
            issuer_client.metadata().await.map_err(|error| self.failure(error))?;
            Ok(issuer_client)
        });
        prepared
            .await
            .unwrap_or_else(|_| Err(self.failure(FlowError::late(&self.target.issuer, left))))
    }

    async fn refresh(
        &self,
        issuer_client: &IssuerClient<'_>,
        mut secret: RefreshSecret,
        mut place: Prepared,
    ) -> Result<Refreshed, Unrenewed> {
        let Some(cached) = &self.cached else { return Ok(Refreshed::Refused) };
        let mut is_second = false;
        loop {
            match refresh::renew(issuer_client, &secret).await {
                Ok(Renewed::Token(issued)) => {
                    self.keep(&issued, Some(&secret), Some(Ok(place)));
                    return Ok(Refreshed::Token(issued));
                }
                Ok(Renewed::WithoutIdToken(next)) => {
                    if let Some(token) = next {
                        cached.keep_refresh_secret(&RefreshSecret { token, ..secret }, place);
                    }
                    return Ok(Refreshed::WithoutIdToken);
                }
                Ok(Renewed::Unusable(error, next)) => {
                    if let Some(token) = next {
                        cached.keep_refresh_secret(&RefreshSecret { token, ..secret }, place);
                    }
                    return Err(Unrenewed::shared(self.failure(error)));
                }
                Err(error) if error.asks_for_sign_in() => {
                    // A process that does not share our lock (another host with the same home
                    // directory) may have renewed meanwhile.
                    match cached.spendable().ok().flatten() {
                        Some((newer, another))
                            if !newer.token.same_as(&secret.token) && !is_second =>
                        {
                            (secret, place) = (newer, another);
                            is_second = true;
                        }
                        Some((same, another)) if same.token.same_as(&secret.token) => {
                            cached.forget_refresh_secret(Some(&another));
                            return Ok(Refreshed::Refused);
                        }
                        _ => return Ok(Refreshed::Refused),
                    }
                }
                Err(error) => {
                    if matches!(error, FlowError::Token { source: TokenProblem::OtherSubject, .. })
                    {
                        // The new token belongs to another user, and the old refresh token is
                        // spent.
                        cached.forget_refresh_secret(Some(&place));
                    }
                    return Err(Unrenewed::shared(self.failure(error)));
                }
            }
        }
    }

    /// Signs the user in within the time limit, and stores the result.
    async fn person(&self, issuer_client: &IssuerClient<'_>) -> Result<Issued, FlowError> {
        let issuer = || self.target.issuer.clone();
        self.check_browser()?;
        let metadata = issuer_client.fetch_metadata().await?;
        let environment_facts = self.environment_facts.with_terminal();
        let flow =
            choose::choose(self.target, &metadata, environment_facts).map_err(
                |reason| match reason {
                    NoFlow::NeedsPerson(source) => {
                        FlowError::NeedsPerson { issuer: issuer(), source }
                    }
                    NoFlow::NotOffered(what) => FlowError::NotOffered { issuer: issuer(), what },
                },
            )?;
        self.describe(Work::SigningIn);
        // The keyring may prompt the same user: before the browser opens, not after.
        let place = self.cached.as_ref().map(|cached| cached.prepare(None));
        let held = place.as_ref().and_then(|place| place.as_ref().ok());
        self.take_leave(issuer_client, &metadata, held).await;
        let bound = self.target.authentication_timeout;
        let signing_in = person::sign_in(issuer_client, &metadata, flow);
        let issued = tokio::time::timeout(bound, signing_in).await.unwrap_or_else(|_| {
            Err(FlowError::Timeout { issuer: issuer(), seconds: bound.as_secs() })
        })?;
        self.keep(&issued, None, place);
        Ok(issued)
    }

    /// Revokes the session that a sign-in replaces (RFC 7009). Before the sign-in, not after it:
    /// when a refresh token is revoked, many issuers end everything that the user has granted the
    /// client (RFC 7009 §2.1), which would include the new session. A revoked token is not left in
    /// the store, where it would be presented again: without a `place`, it is removed first or not
    /// revoked.
    async fn take_leave(
        &self,
        issuer_client: &IssuerClient<'_>,
        metadata: &ProviderMetadata,
        place: Option<&Prepared>,
    ) {
        let Some(cached) =
            self.cached.as_ref().filter(|_| metadata.revocation_endpoint.is_offered())
        else {
            return;
        };
        let Ok(Some(secret)) = cached.refresh_secret() else { return };
        if place.is_none() && !cached.forget_refresh_secret(None) {
            return;
        }
        let revoking = issuer_client.revoke(metadata, &secret.token, TokenTypeHint::RefreshToken);
        match tokio::time::timeout(FAREWELL, revoking).await {
            Ok(Ok(())) => {
                cached.forget_refresh_secret(place);
            }
            Ok(Err(error)) => {
                let text = format!("kubectl-login: the replaced session was not ended: {error}");
                self.system.terminal.detail(&text);
            }
            Err(_) => self
                .system
                .terminal
                .detail("kubectl-login: the replaced session was not ended in time"),
        }
    }

    /// Fails early if the browser's command is not allowed.
    fn check_browser(&self) -> Result<(), NotAllowed> {
        match (&self.target.browser, self.target.flow) {
            (BrowserChoice::Command(line), Flow::Auto | Flow::Browser) => line.allowed().map(drop),
            _ => Ok(()),
        }
    }

    async fn issuer_client(&self) -> Result<IssuerClient<'_>, Failure> {
        let directory = self.cached.as_ref().map(CachedSession::directory);
        IssuerClient::prepare(self.system, self.target, directory)
            .await
            .map_err(|error| self.failure(error))
    }

    fn failure(&self, source: FlowError) -> Failure {
        source.with_hint(self.target).into()
    }

    fn keep(
        &self,
        issued: &Issued,
        before: Option<&RefreshSecret>,
        place: Option<Result<Prepared, KeyTrouble>>,
    ) {
        if let Some(cached) = &self.cached {
            cached.keep(issued, before, place);
        }
    }

    fn say_sealed(&self, sealed: &Sealed) {
        use std::error::Error as _;
        let cause = sealed.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        self.system.terminal.say(&format!("warning: {sealed}{cause}; a new sign-in begins"));
    }

    /// Runs until the work is done or a signal arrives.
    fn run<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        // Ctrl-C signals kubectl and this process at once; a response in flight may hold the only
        // valid refresh token.
        let is_renewing = || self.lock.borrow().as_ref().is_some_and(RenewalLock::is_renewing);
        let grace = || if is_renewing() { LAST_WORD } else { Duration::ZERO };
        match runtime::block_on_with_grace(work, grace) {
            Ok(outcome) => outcome,
            Err(NotRun::Cancelled) => Err(self.failure(FlowError::Cancelled)),
            Err(other) => Err(other.into()),
        }
    }

    /// The cached token, if it has not expired, instead of a failure. A forced renewal gets it only
    /// while the issuer is unreachable.
    fn still_valid(&self, failure: &Failure, version: ExecApiVersion) -> Option<Zeroizing<String>> {
        let is_outage = failure.fault() == Fault::Unreachable;
        let flow = failure.of_kind::<FlowFailure>();
        let is_cancelled = flow.is_some_and(|flow| matches!(flow.error(), FlowError::Cancelled));
        if is_cancelled || (self.target.force_refresh && !is_outage) {
            return None;
        }
        let (answer, until) = self.kept_token(version)?;
        if self.target.force_refresh {
            let report = Report::from(failure);
            let causes = [&[report.error][..], &report.causes].concat().join(": ");
            self.system.terminal.say(&format!(
                "warning: no new token: {causes}; this is the kept one, which is good until {until}"
            ));
        } else {
            self.system.terminal.detail("kubectl-login: no new token; the kept one is still good");
        }
        Some(answer)
    }

    /// The cached token until it expires, while no new one is available.
    fn kept_answer(&self, version: ExecApiVersion) -> Option<Zeroizing<String>> {
        let (answer, _) = self.kept_token(version)?;
        self.system
            .terminal
            .detail("kubectl-login: the kept token is about to end; no more waiting");
        Some(answer)
    }

    fn kept_token(&self, version: ExecApiVersion) -> Option<(Zeroizing<String>, UnixTime)> {
        let found = self.cached.as_ref()?.find()?;
        let lifetime = found.entry.lifetime;
        if lifetime.at(self.system.clock.now()) == Freshness::Expired {
            return None;
        }
        let token = found.entry.token()?;
        let answer = ExecCredential { token, expires_at: Some(lifetime.valid_until) };
        Some((answer.render(version), lifetime.valid_until))
    }

    /// The failure that the previous holder of the lock reported while we waited, or its end
    /// without a result.
    fn failure_of_others(
        &self,
        cached: &CachedSession<'_>,
        failed_before: Option<&Memory>,
    ) -> Option<Failure> {
        let lock = self.lock.borrow();
        let lock = lock.as_ref().filter(|lock| lock.waited)?;
        if let Some(holder) = lock.abandoned.as_ref().filter(|holder| holder.was_signing_in()) {
            // The user has just closed a browser window: do not open another one.
            let failure = Failure::from(RenewalError::Abandoned { process: holder.process });
            cached.remember(&failure, Effect::HoldsBack);
            return Some(failure);
        }
        let memory = cached.memory().filter(|memory| Some(memory) != failed_before)?;
        let report = Box::new(Report::parse(&memory.failure)?);
        Some(RenewalError::Remembered { report, seconds_left: 0 }.into())
    }

    // --- the lock -----------------------------------------------------------------------------

    /// Takes the lock, or adopts another process's result.
    fn take_lock<T>(&self, adopt: impl FnMut() -> Option<T>) -> Result<Option<T>, Failure> {
        let Some(cached) = &self.cached else { return Ok(None) };
        let longest = self.longest(Work::SigningIn);
        // A holder over its time limit is stopped, or waits for something that never ends.
        let bound = |holder: Option<&Holder>| match holder {
            Some(holder) => {
                let earlier = self.system.clock.now().minus(GRACE);
                let is_late = holder.time_left(earlier, longest).is_zero();
                if is_late { GRACE } else { holder.within.unwrap_or(longest) + GRACE }
            }
            None => longest + GRACE,
        };
        let say = |text: &str| self.system.terminal.say(&format!("kubectl-login: {text}"));
        let name = self.target.cache_key.as_str();
        match renewal_lock::take_from(cached.directory(), name, bound, adopt, say) {
            Ok(Taken::Adopted(result)) => Ok(Some(result)),
            Ok(Taken::Lock(lock)) => {
                self.lock.replace(Some(lock));
                Ok(None)
            }
            Err(error @ LockError::Busy { .. }) => Err(error.into()),
            // If nothing can be stored, there is nothing to share; the warning comes with the
            // token.
            Err(LockError::Store(_) | LockError::Unsupported { .. }) => Ok(None),
        }
    }

    fn describe(&self, work: Work) {
        if let Some(lock) = self.lock.borrow_mut().as_mut() {
            lock.describe(work, self.system.clock.now(), self.longest(work));
        }
    }

    /// The maximum time for which the lock is held.
    fn longest(&self, work: Work) -> Duration {
        let renewal =
            PREPARATIONS + if self.target.is_for_job() { job::TIMEOUT } else { refresh::TIMEOUT };
        match work {
            Work::Renewing => renewal,
            Work::SigningIn => self.target.authentication_timeout + renewal,
        }
    }

    /// Frees the lock and marks the work as finished, so that it does not count as abandoned.
    fn conclude(&self) {
        if let Some(mut lock) = self.lock.take() {
            lock.conclude();
        }
    }
}

/// The result of using a refresh token.
enum Refreshed {
    Token(Issued),
    /// The grant has ended: only a sign-in helps.
    Refused,
    /// The grant is valid, but only a sign-in returns the requested ID token.
    WithoutIdToken,
}

fn rendered(issued: &Issued, version: ExecApiVersion) -> Zeroizing<String> {
    let expires_at = Some(issued.lifetime.fresh_until);
    ExecCredential { token: issued.token.clone(), expires_at }.render(version)
}
