//! Gets a new token: one process requests it, the others adopt its result or its failure.
//! Opens a browser only for a refused or missing grant; never loses a good token because it could
//! not be stored.
//!
//! On disk: `cached` reads and writes the cache, `lock` excludes other processes, `refresh_token`
//! renews, `person` signs in, `early` renews while the cached token can still be used, `record`
//! describes the session.

mod cached;
mod early;
mod failure;
mod lock;
#[cfg(test)]
#[cfg(unix)]
mod model;
mod person;
pub(crate) mod record;
mod refresh_token;

use std::{future::Future, time::Duration};

use login_cache::{
    backoff::{Effect, Memory},
    freshness::Freshness,
    key_store::KeyTrouble,
    refresh_secret::{Prepared, RefreshSecret, Sealed},
    renewal_lock::Work,
};
use login_common::exec_credential::{ExecApiVersion, ExecCredential};
use zeroize::Zeroizing;

use crate::{
    flows::{
        FlowError, FlowFailure,
        choose::{self, EnvironmentFacts},
        issued::Issued,
        issuer_client::IssuerClient,
        job,
    },
    options::target::Target,
    report::{Failure, Fault, Report},
    system::{
        System,
        clock::Deadline,
        runtime::{self, NotRun},
    },
};
use cached::{CachedSession, CachedToken};
use failure::{RenewalError, Unrenewed};
use lock::SessionLock;
use refresh_token::Refreshed;

/// How long before its expiry a still valid token is returned instead of waiting any longer.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// How long a running renewal may take to finish after a signal.
const LAST_WORD: Duration = Duration::from_secs(2);

/// kubectl, or another client-go program, that called this one.
#[derive(Clone, Copy, Debug)]
pub struct Kubectl {
    /// Its process id, where that is known.
    pub process: Option<u32>,
    /// Whether it lets us read from stdin.
    pub interactive: bool,
}

/// One call and its state.
pub struct Renewal<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    environment_facts: EnvironmentFacts,
    /// `None` if nothing is cached.
    cached: Option<CachedSession<'a>>,
    lock: SessionLock<'a>,
}

impl<'a> Renewal<'a> {
    /// A call for `target`, by kubectl or, without it, by a user.
    pub fn new(system: &'a System<'a>, target: &'a Target, kubectl: Option<Kubectl>) -> Self {
        let interactive = kubectl.is_some_and(|kubectl| kubectl.interactive);
        let environment_facts = EnvironmentFacts { interactive, ..EnvironmentFacts::of(system) };
        let caller = kubectl.and_then(|kubectl| kubectl.process);
        let cached = CachedSession::new(system, target, environment_facts, caller);
        let lock = SessionLock::new(system, target);
        Self { system, target, environment_facts, cached, lock }
    }

    /// A call with the given refresh token store.
    #[cfg(test)]
    fn with(
        system: &'a System<'a>,
        target: &'a Target,
        secrets: login_cache::refresh_secret::RefreshSecrets,
    ) -> Self {
        let environment_facts = EnvironmentFacts::of(system);
        let cached = Some(CachedSession::of(system, target, environment_facts, secrets, None));
        let lock = SessionLock::new(system, target);
        Self { system, target, environment_facts, cached, lock }
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
            self.lock.conclude();
            return Ok(answer);
        }
        if let Some(cached) = &self.cached
            && let Some(failure) = self.failure_of_others(cached, failed_before.as_ref())
        {
            self.lock.conclude();
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
                self.lock.describe(Work::Renewing);
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
            self.lock.conclude();
            outcome
        })
    }

    /// Takes the lock, or adopts another process's result; neither if nothing is cached.
    fn take_lock<T>(&self, adopt: impl FnMut() -> Option<T>) -> Result<Option<T>, Failure> {
        let Some(cached) = &self.cached else { return Ok(None) };
        Ok(self.lock.take(cached.directory(), adopt)?)
    }

    /// Runs with the lock held, or without a lock if nothing can be cached.
    async fn renew(
        &self,
        version: ExecApiVersion,
        patience: Option<&Deadline>,
    ) -> Result<Zeroizing<String>, Failure> {
        self.lock.describe(Work::Renewing);
        if let Some(cached) = &self.cached {
            cached.sweep();
        }
        let outcome = if self.target.is_for_job() {
            self.renew_job().await
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
        self.lock.conclude();
        outcome
    }

    async fn renew_job(&self) -> Result<Issued, Unrenewed> {
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
                let prepared = self.prepared_in_time(patience).await.map_err(Unrenewed::alone)?;
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
        let grace = || if self.lock.is_renewing() { LAST_WORD } else { Duration::ZERO };
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
        let (answer, until) = self.cached.as_ref()?.last_resort(version)?;
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
        let (answer, _) = self.cached.as_ref()?.last_resort(version)?;
        self.system
            .terminal
            .detail("kubectl-login: the kept token is about to end; no more waiting");
        Some(answer)
    }

    /// The failure that the previous holder of the lock reported while we waited, or its end
    /// without a result.
    fn failure_of_others(
        &self,
        cached: &CachedSession<'_>,
        failed_before: Option<&Memory>,
    ) -> Option<Failure> {
        if !self.lock.has_waited() {
            return None;
        }
        if let Some(process) = self.lock.abandoned_by() {
            // The user has just closed a browser window: do not open another one.
            let failure = Failure::from(RenewalError::Abandoned { process });
            cached.remember(&failure, Effect::HoldsBack);
            return Some(failure);
        }
        let memory = cached.memory().filter(|memory| Some(memory) != failed_before)?;
        let report = Box::new(Report::parse(&memory.failure)?);
        Some(RenewalError::Remembered { report, seconds_left: 0 }.into())
    }
}

fn rendered(issued: &Issued, version: ExecApiVersion) -> Zeroizing<String> {
    let expires_at = Some(issued.lifetime.fresh_until);
    ExecCredential { token: issued.token.clone(), expires_at }.render(version)
}
