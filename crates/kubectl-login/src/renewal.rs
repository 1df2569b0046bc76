//! A new token: one process gets it, the others adopt its result or its failure.
//! Never opens a browser for anything but a refused or missing grant; never loses a good token
//! because it could not be kept.

use std::{future::Future, time::Duration};

use login_common::exec_credential::{ExecApiVersion, ExecCredential};
use zeroize::Zeroizing;

use crate::{
    cache::{
        backoff,
        entry::{self, Entry},
        freshness::Freshness,
        refresh_secret::{Protection, RefreshSecret, RefreshSecrets},
        renewal_lock::{self, LockError, RenewalLock, Taken},
        sessions::{self, SessionRecord},
        store::{Directory, StoreError},
    },
    flows::{
        FlowError,
        choose::{self, NoFlow, Surroundings},
        issued::Issued,
        machine,
        obtain::{self, Session},
        refresh::{self, Renewed},
    },
    options::target::Target,
    report::{Failure, Fault, Report},
    system::{System, signals},
};

/// How much longer than its own work a holder of the lock may take.
const GRACE: Duration = Duration::from_secs(10);

/// What one call is about.
pub struct Renewal<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    directory: Option<Directory>,
    surroundings: Surroundings,
}

impl<'a> Renewal<'a> {
    /// A call for `target`. `interactive` is what the host says about stdin.
    pub fn new(system: &'a System<'a>, target: &'a Target, interactive: bool) -> Self {
        let directory = target.cache_directory.clone().map(Directory::new);
        Self { system, target, directory, surroundings: Surroundings::of(system, interactive) }
    }

    /// The answer for stdout: kept, adopted, renewed or by a sign-in.
    pub fn answer(&self, version: ExecApiVersion) -> Result<Zeroizing<String>, Failure> {
        let before = self.entry();
        if !self.target.force_refresh
            && let Some(answer) = self.fresh_answer(before.as_ref(), version)
        {
            return Ok(answer);
        }
        let failed_before = self.memory();
        // Another process's result will do, also for a forced renewal that had to wait for it.
        let adopt = || {
            let entry = self.entry().filter(|entry| Some(entry) != before.as_ref());
            self.fresh_answer(entry.as_ref(), version)
        };
        let lock = match self.lock(adopt)? {
            Some(Taken::Adopted(answer)) => return Ok(answer),
            Some(Taken::Lock(lock)) => Some(lock),
            None => None,
        };
        // Somebody may have finished between our look and our lock.
        if let Some(answer) = adopt() {
            return Ok(answer);
        }
        if lock.as_ref().is_some_and(|lock| lock.waited)
            && let Some(memory) = self.memory()
            && Some(&memory) != failed_before.as_ref()
        {
            let failure = Failure::Remembered { report: Box::new(memory.report), seconds_left: 0 };
            return self.still_valid(&failure, version).ok_or(failure);
        }
        self.run(self.renew(version, lock))
    }

    /// A sign-in now, whatever is kept.
    pub fn sign_in(&self) -> Result<Issued, Failure> {
        if let Some(directory) = &self.directory {
            let _ = backoff::clear(directory, &self.target.cache_key);
        }
        let lock = match self.lock(|| None::<()>)? {
            Some(Taken::Lock(lock)) => Some(lock),
            Some(Taken::Adopted(())) | None => None,
        };
        self.run(async move {
            let _lock = lock.map(|lock| self.described(lock));
            let session = self.session().await?;
            let issued = if machine::is_wanted(self.target) {
                machine::obtain(&session).await
            } else {
                self.person(&session).await
            };
            let issued = issued.map_err(|error| self.failure(error))?;
            self.keep(&issued, None);
            Ok(issued)
        })
    }

    /// Under the lock, or without one where nothing can be kept.
    async fn renew(
        &self,
        version: ExecApiVersion,
        lock: Option<RenewalLock>,
    ) -> Result<Zeroizing<String>, Failure> {
        let _lock = lock.map(|lock| self.described(lock));
        let outcome = if machine::is_wanted(self.target) {
            self.renew_machine().await
        } else {
            self.renew_person().await
        };
        match outcome {
            Ok(issued) => {
                let credential = ExecCredential {
                    token: issued.token.clone(),
                    expires_at: Some(issued.lifetime.fresh_until),
                };
                Ok(credential.render(version))
            }
            Err(Unrenewed { failure, shared }) => {
                if let (Some(opens_window), Some(directory)) = (shared, &self.directory) {
                    let (report, now) = (Report::from(&failure), self.system.clock.now());
                    let key = &self.target.cache_key;
                    let _ = backoff::remember(directory, key, &report, opens_window, now);
                }
                self.still_valid(&failure, version).ok_or(failure)
            }
        }
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
        if let Some(secret) = self.refresh_secret() {
            let session = self.session().await.map_err(Unrenewed::alone)?;
            if let Some(issued) = self.refresh(&session, secret).await? {
                return Ok(issued);
            }
        }
        if let Some(memory) = self.memory() {
            let now = self.system.clock.now();
            if memory.holds_back(now) {
                let seconds_left = memory.until.since(now).as_secs().max(1);
                let failure = Failure::Remembered { report: Box::new(memory.report), seconds_left };
                return Err(Unrenewed::alone(failure));
            }
        }
        // Before anything is sent: a CI job shall know within a moment.
        choose::may_ask(self.target, self.surroundings).map_err(|source| {
            let issuer = self.target.issuer.clone();
            Unrenewed::alone(self.failure(FlowError::NeedsPerson { issuer, source }))
        })?;
        let session = self.session().await.map_err(Unrenewed::alone)?;
        let issued = self.person(&session).await.map_err(|error| {
            let is_outage = error.fault() == Fault::Unreachable;
            Unrenewed::shared(self.failure(error), !is_outage)
        })?;
        self.keep(&issued, None);
        Ok(issued)
    }

    /// `Ok(None)` means that only a sign-in helps.
    async fn refresh(
        &self,
        session: &Session<'_>,
        mut secret: RefreshSecret,
    ) -> Result<Option<Issued>, Unrenewed> {
        let mut is_second = false;
        loop {
            match refresh::renew(session, &secret).await {
                Ok(Renewed::Token(issued)) => {
                    self.keep(&issued, Some(&secret));
                    return Ok(Some(issued));
                }
                Ok(Renewed::WithoutIdToken(next)) => {
                    if let Some(token) = next {
                        self.keep_refresh_secret(&RefreshSecret { token, ..secret });
                    }
                    return Ok(None);
                }
                Err(error) if error.asks_for_sign_in() => {
                    // Whoever works without our lock (another machine on a shared home) may have
                    // renewed meanwhile.
                    match self.refresh_secret() {
                        Some(newer) if !newer.token.same_as(&secret.token) && !is_second => {
                            secret = newer;
                            is_second = true;
                        }
                        Some(same) if same.token.same_as(&secret.token) => {
                            self.forget_refresh_secret();
                            return Ok(None);
                        }
                        _ => return Ok(None),
                    }
                }
                Err(error) => return Err(Unrenewed::shared(self.failure(error), false)),
            }
        }
    }

    /// Signs a person in, within the bound.
    async fn person(&self, session: &Session<'_>) -> Result<Issued, FlowError> {
        let issuer = || self.target.issuer.clone();
        let metadata = session.fetch_metadata().await?;
        let flow =
            choose::choose(self.target, &metadata, self.surroundings).map_err(
                |reason| match reason {
                    NoFlow::NeedsPerson(source) => {
                        FlowError::NeedsPerson { issuer: issuer(), source }
                    }
                    NoFlow::NotOffered(what) => FlowError::NotOffered { issuer: issuer(), what },
                },
            )?;
        let bound = self.target.authentication_timeout;
        tokio::time::timeout(bound, obtain::sign_in(session, &metadata, flow)).await.unwrap_or_else(
            |_| Err(FlowError::Timeout { issuer: issuer(), seconds: bound.as_secs() }),
        )
    }

    async fn session(&self) -> Result<Session<'_>, Failure> {
        Session::prepare(self.system, self.target, self.directory.as_ref())
            .await
            .map_err(|error| self.failure(error))
    }

    fn failure(&self, source: FlowError) -> Failure {
        let hint = source.hint(self.target);
        Failure::Flow { source: Box::new(source), hint }
    }

    /// Runs until the work is done or a signal comes.
    fn run<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::Start)?;
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = work => outcome,
                () = signals::cancelled() => Err(self.failure(FlowError::Cancelled)),
            }
        });
        // A desktop's browser opener may still be busy; nobody waits for it.
        runtime.shutdown_background();
        outcome
    }

    // --- what is kept -------------------------------------------------------------------------

    fn entry(&self) -> Option<Entry> {
        let key = &self.target.cache_key;
        let bytes = self.directory.as_ref()?.read(&key.file(entry::KIND), entry::MAX_LENGTH)?;
        Entry::parse(key, bytes)
    }

    fn memory(&self) -> Option<backoff::Memory> {
        backoff::recall(self.directory.as_ref()?, &self.target.cache_key)
    }

    fn secrets(&self) -> Option<RefreshSecrets<'_>> {
        Some(RefreshSecrets::new(self.system, self.directory.as_ref()?, false))
    }

    fn refresh_secret(&self) -> Option<RefreshSecret> {
        self.secrets()?.load(&self.target.cache_key).ok().flatten()
    }

    fn forget_refresh_secret(&self) {
        if let Some(secrets) = self.secrets() {
            let _ = secrets.forget(&self.target.cache_key);
        }
    }

    fn fresh_answer(
        &self,
        entry: Option<&Entry>,
        version: ExecApiVersion,
    ) -> Option<Zeroizing<String>> {
        let entry = entry?;
        let is_fresh = entry.lifetime.at(self.system.clock.now()) == Freshness::Fresh;
        is_fresh.then(|| Zeroizing::new(entry.answer(version).to_owned()))
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
        let entry = self.entry()?;
        if entry.lifetime.at(self.system.clock.now()) == Freshness::Expired {
            return None;
        }
        self.system.terminal.detail("kubectl-login: no new token; the kept one is still good");
        let token = entry.token()?;
        Some(ExecCredential { token, expires_at: Some(entry.lifetime.valid_until) }.render(version))
    }

    /// Keeps what was issued: the refresh token first, as the issuer may have revoked the old one.
    fn keep(&self, issued: &Issued, before: Option<&RefreshSecret>) {
        let Some(directory) = &self.directory else { return };
        let key = &self.target.cache_key;
        let mut protection = before.and(self.secrets()).and_then(|known| known.protection(key));
        if let Some(token) = &issued.refresh_token {
            let subject =
                issued.subject.clone().or_else(|| before.and_then(|before| before.subject.clone()));
            protection = self.keep_refresh_secret(&RefreshSecret { token: token.clone(), subject });
        }
        let earlier = before.and_then(|_| sessions::load(directory, key));
        let now = self.system.clock.now();
        let record = SessionRecord::of(self.target, issued, earlier.as_ref(), protection, now);
        let _ = sessions::save(directory, &record);
        let text = Entry::render(key, &issued.token, issued.lifetime);
        let kept = directory.write(&key.file(entry::KIND), text.as_bytes(), false);
        self.warn_about(kept);
        let _ = backoff::clear(directory, key);
    }

    fn keep_refresh_secret(&self, secret: &RefreshSecret) -> Option<Protection> {
        match self.secrets()?.save(&self.target.cache_key, secret) {
            Ok(protection) => Some(protection),
            Err(error) => {
                self.system.terminal.detail(&format!("kubectl-login: {error}"));
                None
            }
        }
    }

    /// One warning: the entry is always written last, and fails for the reasons the rest does.
    fn warn_about(&self, kept: Result<(), StoreError>) {
        if let Err(error) = kept {
            use std::error::Error as _;
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            self.system.terminal.say(&format!(
                "warning: the token was not kept, so the next call has to get another: {error}{cause}"
            ));
        }
    }

    fn lock<T>(&self, adopt: impl FnMut() -> Option<T>) -> Result<Option<Taken<T>>, Failure> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let bound = self.target.authentication_timeout + refresh::TIMEOUT + GRACE;
        let say = |text: &str| self.system.terminal.say(&format!("kubectl-login: {text}"));
        match renewal_lock::take(directory, &self.target.cache_key, bound, adopt, say) {
            Ok(taken) => Ok(Some(taken)),
            Err(error @ LockError::Busy { .. }) => Err(error.into()),
            // Where nothing can be kept there is nothing to share; the warning comes with the token.
            Err(LockError::Store(_) | LockError::Unsupported { .. }) => Ok(None),
        }
    }

    fn described(&self, mut lock: RenewalLock) -> RenewalLock {
        lock.describe("renewing a token or signing in", self.system.clock.now());
        lock
    }
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
