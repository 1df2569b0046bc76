//! A new token: one process gets it, the others adopt its result or its failure.
//! Never opens a browser for anything but a refused or missing grant; never loses a good token
//! because it could not be kept.
//!
//! On disk: `kept` is what is read and written, `early` the renewals that nobody waits for.

mod early;
mod kept;

use std::{cell::RefCell, future::Future, time::Duration};

use login_common::exec_credential::{ExecApiVersion, ExecCredential};
use zeroize::Zeroizing;

use crate::{
    cache::{
        backoff::Memory,
        freshness::Freshness,
        refresh_secret::{RefreshSecret, Sealed},
        renewal_lock::{self, LockError, RenewalLock, Taken, Work},
    },
    flows::{
        FlowError,
        choose::{self, NoFlow, Surroundings},
        issued::Issued,
        machine,
        obtain::Session,
        person,
        refresh::{self, Renewed},
    },
    options::{
        program::NotAllowed,
        target::{BrowserChoice, Flow, Target},
    },
    report::{Failure, Fault, Report},
    system::{
        System,
        runtime::{self, NotRun},
    },
};
use kept::Kept;

/// How much longer than its own work a holder of the lock may take.
const GRACE: Duration = Duration::from_secs(10);

/// How long a renewal may take to end after a signal.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What one call is about.
pub struct Renewal<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    surroundings: Surroundings,
    /// `None` where nothing is kept.
    kept: Option<Kept<'a>>,
    /// Freed by the kernel when a signal ends the work: what it says then stays.
    lock: RefCell<Option<RenewalLock>>,
}

impl<'a> Renewal<'a> {
    /// A call for `target`. `interactive` is what the host says about stdin.
    pub fn new(system: &'a System<'a>, target: &'a Target, interactive: bool) -> Self {
        let surroundings = Surroundings::of(system, interactive);
        let kept = Kept::new(system, target, surroundings);
        Self { system, target, surroundings, kept, lock: RefCell::default() }
    }

    /// The same for the process `caller`, if it is one that keeps what it is given.
    #[must_use]
    pub fn asked_by(mut self, caller: Option<u32>) -> Self {
        if let Some(kept) = &mut self.kept {
            kept.caller = caller;
        }
        self
    }

    /// The answer for stdout: kept, adopted, renewed or by a sign-in.
    pub fn answer(&self, version: ExecApiVersion) -> Result<Zeroizing<String>, Failure> {
        let before = self.kept.as_ref().and_then(Kept::find);
        if !self.target.force_refresh
            && let (Some(kept), Some(before)) = (&self.kept, &before)
            && let Some(outcome) = self.without_waiting(kept, before, version)
        {
            return outcome;
        }
        let failed_before = self.kept.as_ref().and_then(Kept::memory);
        // Another process's result will do, also for a forced renewal that had to wait for it.
        let adopt = || {
            let found = self.kept.as_ref()?.find()?;
            // The same token with other moments is no new one.
            let is_new = before
                .as_ref()
                .is_none_or(|before| before.entry.answer(version) != found.entry.answer(version));
            (is_new && found.is_good()).then(|| found.answer(version))
        };
        if let Some(answer) = self.take_lock(adopt)? {
            return Ok(answer);
        }
        // Somebody may have finished between our look and our lock.
        if let Some(answer) = adopt() {
            self.conclude();
            return Ok(answer);
        }
        if let Some(kept) = &self.kept
            && let Some(failure) = self.failure_of_others(kept, failed_before.as_ref())
        {
            self.conclude();
            return self.still_valid(&failure, version).ok_or(failure);
        }
        self.run(self.renew(version))
    }

    /// A sign-in now, whatever is kept.
    pub fn sign_in(&self) -> Result<Issued, Failure> {
        if let Some(kept) = &self.kept {
            kept.clear_memory();
        }
        self.take_lock(|| None::<()>)?;
        self.run(async {
            let session = self.session().await?;
            let issued = if machine::is_wanted(self.target) {
                self.describe(Work::Renewing);
                machine::obtain(&session).await
            } else {
                self.person(&session).await
            };
            let outcome = issued.map_err(|error| self.failure(error));
            match &outcome {
                Ok(issued) => self.keep(issued, None),
                // For those who wait; no window, as `login` is an attempt that was asked for.
                Err(failure) => {
                    if let Some(kept) = &self.kept {
                        kept.remember(&Report::from(failure), false);
                    }
                }
            }
            self.conclude();
            outcome
        })
    }

    /// Under the lock, or without one where nothing can be kept.
    async fn renew(&self, version: ExecApiVersion) -> Result<Zeroizing<String>, Failure> {
        self.describe(Work::Renewing);
        if let Some(kept) = &self.kept {
            kept.sweep();
        }
        let outcome = if machine::is_wanted(self.target) {
            self.renew_machine().await
        } else {
            self.renew_person().await
        };
        let outcome = match outcome {
            Ok(issued) => Ok(rendered(&issued, version)),
            Err(Unrenewed { failure, shared }) => {
                if let (Some(opens_window), Some(kept)) = (shared, &self.kept) {
                    kept.remember(&Report::from(&failure), opens_window);
                }
                self.still_valid(&failure, version).ok_or(failure)
            }
        };
        self.conclude();
        outcome
    }

    async fn renew_machine(&self) -> Result<Issued, Unrenewed> {
        let session = self.session().await.map_err(Unrenewed::alone)?;
        let issued = machine::obtain(&session)
            .await
            .map_err(|error| Unrenewed::shared(self.failure(error), false))?;
        self.keep(&issued, None);
        Ok(issued)
    }

    async fn renew_person(&self) -> Result<Issued, Unrenewed> {
        let (mut sealed, mut session) = (None, None);
        match self.kept.as_ref().map_or(Ok(None), Kept::refresh_secret) {
            Ok(Some(secret)) => {
                let prepared = self.session().await.map_err(Unrenewed::alone)?;
                if let Refreshed::Token(issued) = self.refresh(&prepared, secret).await? {
                    return Ok(issued);
                }
                session = Some(prepared);
            }
            Ok(None) => {}
            Err(error) => sealed = Some(error),
        }
        if let Some(kept) = &self.kept
            && let Some(failure) = kept.held_back()
        {
            return Err(Unrenewed::alone(failure));
        }
        // Before anything is sent: a CI job shall know within a moment.
        if let Err(source) = choose::may_ask(self.target, self.surroundings.with_terminal()) {
            let issuer = self.target.issuer.clone();
            return Err(Unrenewed::alone(match sealed {
                Some(source) => Failure::Sealed { issuer, source },
                None => self.failure(FlowError::NeedsPerson { issuer, source }),
            }));
        }
        self.check_browser().map_err(|refusal| Unrenewed::alone(self.failure(refusal.into())))?;
        if let Some(sealed) = sealed {
            self.say_sealed(&sealed);
        }
        // A secret's command is not run twice.
        let session = match session {
            Some(prepared) => prepared,
            None => self.session().await.map_err(Unrenewed::alone)?,
        };
        let issued = self.person(&session).await.map_err(|error| {
            let is_outage = error.fault() == Fault::Unreachable;
            Unrenewed::shared(self.failure(error), !is_outage)
        })?;
        self.keep(&issued, None);
        Ok(issued)
    }

    async fn refresh(
        &self,
        session: &Session<'_>,
        mut secret: RefreshSecret,
    ) -> Result<Refreshed, Unrenewed> {
        let Some(kept) = &self.kept else { return Ok(Refreshed::Refused) };
        let mut is_second = false;
        loop {
            match refresh::renew(session, &secret).await {
                Ok(Renewed::Token(issued)) => {
                    self.keep(&issued, Some(&secret));
                    return Ok(Refreshed::Token(issued));
                }
                Ok(Renewed::WithoutIdToken(next)) => {
                    if let Some(token) = next {
                        kept.keep_refresh_secret(
                            &RefreshSecret { token, ..secret.clone() },
                            &secret,
                        );
                    }
                    return Ok(Refreshed::WithoutIdToken);
                }
                Ok(Renewed::Unusable(error, next)) => {
                    if let Some(token) = next {
                        kept.keep_refresh_secret(
                            &RefreshSecret { token, ..secret.clone() },
                            &secret,
                        );
                    }
                    return Err(Unrenewed::shared(self.failure(error), false));
                }
                Err(error) if error.asks_for_sign_in() => {
                    // Whoever works without our lock (another machine on a shared home) may have
                    // renewed meanwhile.
                    match kept.refresh_secret().ok().flatten() {
                        Some(newer) if !newer.token.same_as(&secret.token) && !is_second => {
                            secret = newer;
                            is_second = true;
                        }
                        Some(same) if same.token.same_as(&secret.token) => {
                            kept.forget_refresh_secret();
                            return Ok(Refreshed::Refused);
                        }
                        _ => return Ok(Refreshed::Refused),
                    }
                }
                Err(error) => return Err(Unrenewed::shared(self.failure(error), false)),
            }
        }
    }

    /// Signs a person in, within the bound.
    async fn person(&self, session: &Session<'_>) -> Result<Issued, FlowError> {
        let issuer = || self.target.issuer.clone();
        self.check_browser()?;
        let metadata = session.fetch_metadata().await?;
        let surroundings = self.surroundings.with_terminal();
        let flow =
            choose::choose(self.target, &metadata, surroundings).map_err(
                |reason| match reason {
                    NoFlow::NeedsPerson(source) => {
                        FlowError::NeedsPerson { issuer: issuer(), source }
                    }
                    NoFlow::NotOffered(what) => FlowError::NotOffered { issuer: issuer(), what },
                },
            )?;
        self.describe(Work::SigningIn);
        let bound = self.target.authentication_timeout;
        tokio::time::timeout(bound, person::sign_in(session, &metadata, flow)).await.unwrap_or_else(
            |_| Err(FlowError::Timeout { issuer: issuer(), seconds: bound.as_secs() }),
        )
    }

    /// A browser that may not be started is not waited for.
    fn check_browser(&self) -> Result<(), NotAllowed> {
        match (&self.target.browser, self.target.flow) {
            (BrowserChoice::Command(line), Flow::Auto | Flow::Browser) => line.allowed().map(drop),
            _ => Ok(()),
        }
    }

    async fn session(&self) -> Result<Session<'_>, Failure> {
        let directory = self.kept.as_ref().map(Kept::directory);
        Session::prepare(self.system, self.target, directory)
            .await
            .map_err(|error| self.failure(error))
    }

    fn failure(&self, source: FlowError) -> Failure {
        let hint = source.hint(self.target);
        Failure::Flow { source: Box::new(source), hint }
    }

    fn keep(&self, issued: &Issued, before: Option<&RefreshSecret>) {
        if let Some(kept) = &self.kept {
            kept.keep(issued, before);
        }
    }

    fn say_sealed(&self, sealed: &Sealed) {
        use std::error::Error as _;
        let cause = sealed.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        self.system.terminal.say(&format!("warning: {sealed}{cause}; a new sign-in begins"));
    }

    /// Runs until the work is done or a signal comes.
    fn run<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        // Ctrl-C reaches kubectl and us at once; an answer that is on its way may hold the only
        // refresh token that is good from then on.
        let is_renewing = || self.lock.borrow().as_ref().is_some_and(RenewalLock::is_renewing);
        let grace = || if is_renewing() { LAST_WORD } else { Duration::ZERO };
        match runtime::block_on_with_grace(work, grace) {
            Ok(outcome) => outcome,
            Err(NotRun::Start(error)) => Err(Failure::Start(error)),
            Err(NotRun::Cancelled) => Err(self.failure(FlowError::Cancelled)),
        }
    }

    /// The kept token in its last minute: better than none. Whoever forces a renewal wants
    /// another one, and gets this one only while the issuer is down.
    fn still_valid(&self, failure: &Failure, version: ExecApiVersion) -> Option<Zeroizing<String>> {
        let is_outage = failure.fault() == Fault::Unreachable;
        let is_cancelled = matches!(failure, Failure::Flow { source, .. }
            if matches!(**source, FlowError::Cancelled));
        if is_cancelled || (self.target.force_refresh && !is_outage) {
            return None;
        }
        let found = self.kept.as_ref()?.find()?;
        let lifetime = found.entry.lifetime;
        if lifetime.at(self.system.clock.now()) == Freshness::Expired {
            return None;
        }
        self.system.terminal.detail("kubectl-login: no new token; the kept one is still good");
        let token = found.entry.token()?;
        Some(ExecCredential { token, expires_at: Some(lifetime.valid_until) }.render(version))
    }

    /// What somebody else has reported while we waited for the lock, or left us without a word.
    fn failure_of_others(
        &self,
        kept: &Kept<'_>,
        failed_before: Option<&Memory>,
    ) -> Option<Failure> {
        let lock = self.lock.borrow();
        let lock = lock.as_ref().filter(|lock| lock.waited)?;
        if let Some(holder) = lock.abandoned.as_ref().filter(|holder| holder.was_signing_in()) {
            // The next browser would open where the person has just closed one.
            let failure = Failure::Abandoned { process: holder.process };
            kept.remember(&Report::from(&failure), true);
            return Some(failure);
        }
        let memory = kept.memory().filter(|memory| Some(memory) != failed_before)?;
        Some(Failure::Remembered { report: Box::new(memory.report), seconds_left: 0 })
    }

    // --- the lock -----------------------------------------------------------------------------

    /// Takes the lock, or somebody else's result.
    fn take_lock<T>(&self, adopt: impl FnMut() -> Option<T>) -> Result<Option<T>, Failure> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let bound = self.target.authentication_timeout + refresh::TIMEOUT + GRACE;
        let say = |text: &str| self.system.terminal.say(&format!("kubectl-login: {text}"));
        let name = self.target.cache_key.as_str();
        match renewal_lock::take(kept.directory(), name, bound, adopt, say) {
            Ok(Taken::Adopted(result)) => Ok(Some(result)),
            Ok(Taken::Lock(lock)) => {
                self.lock.replace(Some(lock));
                Ok(None)
            }
            Err(error @ LockError::Busy { .. }) => Err(error.into()),
            // Where nothing can be kept there is nothing to share; the warning comes with the token.
            Err(LockError::Store(_) | LockError::Unsupported { .. }) => Ok(None),
        }
    }

    fn describe(&self, work: Work) {
        if let Some(lock) = self.lock.borrow_mut().as_mut() {
            lock.describe(work, self.system.clock.now());
        }
    }

    /// Frees the lock with the word that nobody was left alone.
    fn conclude(&self) {
        if let Some(mut lock) = self.lock.take() {
            lock.conclude();
        }
    }
}

/// What came of a refresh token.
enum Refreshed {
    Token(Issued),
    /// The grant is gone: only a sign-in helps.
    Refused,
    /// The grant is good, and only a sign-in gives the ID token that is wanted.
    WithoutIdToken,
}

/// No token, and who else should know.
struct Unrenewed {
    failure: Failure,
    /// `Some` when others adopt the failure; `Some(true)` when it opens a window.
    shared: Option<bool>,
}

impl Unrenewed {
    fn alone(failure: Failure) -> Self {
        Self { failure, shared: None }
    }

    fn shared(failure: Failure, opens_window: bool) -> Self {
        Self { failure, shared: Some(opens_window) }
    }
}

fn rendered(issued: &Issued, version: ExecApiVersion) -> Zeroizing<String> {
    let expires_at = Some(issued.lifetime.fresh_until);
    ExecCredential { token: issued.token.clone(), expires_at }.render(version)
}
