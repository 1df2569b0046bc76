//! Reads and writes the cache for one session.
//! Never fails a renewal: what cannot be stored causes one warning.

use std::{cell::Cell, time::Duration};

use login_cache::{
    backoff::{self, Effect},
    entry::Entry,
    freshness::{Freshness, Lifetime},
    key_store::KeyTrouble,
    refresh_secret::{Prepared, Protection, RefreshSecret, RefreshSecrets, Sealed, Storage},
    refusal_hint::LastCaller,
    sessions::{self, SessionRecord},
    store::{Directory, Opened, StoreError},
};
use login_common::{
    UnixTime,
    exec_credential::{ExecApiVersion, ExecCredential},
};
use zeroize::Zeroizing;

use super::{failure::RenewalError, record};
use crate::{
    flows::{
        choose::{self, EnvironmentFacts},
        issued::Issued,
    },
    options::target::Target,
    report::{Failure, Report},
    system::{
        System,
        keyring::{self, Prompt},
    },
};

/// Temporary files older than this belong to a process that was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// The cached files of a session.
pub(super) struct CachedSession<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    directory: Directory,
    secrets: RefreshSecrets,
    storage: Storage,
    /// The calling process, if it caches the answer.
    caller: Option<u32>,
    /// Written to the next entry.
    pub(super) suspicions: Cell<u32>,
    warned: Cell<bool>,
}

/// A cached token.
pub(super) struct CachedToken {
    pub(super) entry: Entry,
    file: Opened,
    now: UnixTime,
}

/// Whether a cached token may be returned to this caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Return it.
    Good,
    /// Return it; try to renew it unless another process does.
    Due,
    /// A cluster has probably refused it.
    Suspected,
    /// Renew it first.
    Old,
}

impl<'a> CachedSession<'a> {
    pub(super) fn new(
        system: &'a System<'a>,
        target: &'a Target,
        environment_facts: EnvironmentFacts,
        caller: Option<u32>,
    ) -> Option<Self> {
        let directory = Directory::new(target.cache_directory.clone()?);
        let prompt = match choose::may_ask(target, environment_facts) {
            Ok(()) => Prompt::Answered,
            Err(_) => Prompt::Unanswered,
        };
        let secrets = keyring::refresh_secrets(system.environment, &directory, prompt);
        Some(Self::of(system, target, environment_facts, secrets, caller))
    }

    /// A cache with the given refresh token store.
    pub(super) fn of(
        system: &'a System<'a>,
        target: &'a Target,
        environment_facts: EnvironmentFacts,
        secrets: RefreshSecrets,
        caller: Option<u32>,
    ) -> Self {
        let directory = secrets.directory().clone();
        Self {
            secrets,
            system,
            target,
            directory,
            storage: environment_facts.storage(target.storage),
            caller,
            suspicions: Cell::default(),
            warned: Cell::default(),
        }
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn find(&self) -> Option<CachedToken> {
        let key = &self.target.cache_key;
        let (entry, file) = Entry::open(&self.directory, key)?;
        Some(CachedToken { entry, file, now: self.system.clock.now() })
    }

    /// The cached token until it expires, while no new one is available.
    pub(super) fn last_resort(
        &self,
        version: ExecApiVersion,
    ) -> Option<(Zeroizing<String>, UnixTime)> {
        let found = self.find()?;
        let lifetime = found.entry.lifetime;
        if lifetime.at(found.now) == Freshness::Expired {
            return None;
        }
        let token = found.entry.token()?;
        let answer = ExecCredential { token, expires_at: Some(lifetime.valid_until) };
        Some((answer.render(version), lifetime.valid_until))
    }

    pub(super) fn standing(&self, found: &CachedToken) -> Standing {
        let Entry { lifetime, suspicions, .. } = &found.entry;
        let is_suspected = || {
            let (last, next) = (found.file.served?, self.caller(found.now)?);
            Some(last.hints_at_refusal(next, lifetime, *suspicions))
        };
        match lifetime.at(found.now) {
            Freshness::Fresh | Freshness::Due if is_suspected() == Some(true) => {
                Standing::Suspected
            }
            Freshness::Fresh => Standing::Good,
            Freshness::Due => Standing::Due,
            Freshness::Ageing | Freshness::Expired => Standing::Old,
        }
    }

    /// Records who is given a cached token.
    pub(super) fn note(&self, found: &CachedToken) {
        if let Some(caller) = self.caller(found.now) {
            found.file.note(caller);
        }
    }

    fn caller(&self, at: UnixTime) -> Option<LastCaller> {
        self.caller.map(|to| LastCaller { at, to })
    }

    /// Rewrites the cached token with other timestamps; returns whether that succeeded.
    pub(super) fn change(&self, found: &CachedToken, lifetime: Lifetime, suspicions: u32) -> bool {
        let Some(token) = found.entry.token() else { return false };
        let key = &self.target.cache_key;
        Entry::save(&self.directory, key, &token, lifetime, suspicions).is_ok()
    }

    pub(super) fn forget_token(&self) {
        let _ = Entry::remove(&self.directory, &self.target.cache_key);
    }

    pub(super) fn sweep(&self) {
        self.directory.sweep(self.system.clock.now().minus(ABANDONED));
    }

    pub(super) fn memory(&self) -> Option<backoff::Memory> {
        backoff::recall(&self.directory, &self.target.cache_key)
    }

    /// The failure whose back-off forbids a sign-in now.
    pub(super) fn held_back(&self) -> Option<Failure> {
        let now = self.system.clock.now();
        let memory = self.memory().filter(|memory| memory.holds_back(now))?;
        let seconds_left = memory.until.since(now).as_secs().max(1);
        let report = Box::new(Report::parse(&memory.failure)?);
        Some(RenewalError::Remembered { report, seconds_left }.into())
    }

    pub(super) fn remember(&self, failure: &Failure, effect: Effect) {
        let (key, now) = (&self.target.cache_key, self.system.clock.now());
        let stored = Report::from(failure).stored();
        let _ = backoff::remember(&self.directory, key, stored, effect, now);
    }

    pub(super) fn clear_memory(&self) {
        let _ = backoff::clear(&self.directory, &self.target.cache_key);
    }

    pub(super) fn refresh_secret(&self) -> Result<Option<RefreshSecret>, Sealed> {
        self.secrets.load(&self.target.cache_key)
    }

    /// The refresh token, with a prepared place for its successor: without one it must not be
    /// spent.
    pub(super) fn spendable(&self) -> Result<Option<(RefreshSecret, Prepared)>, Sealed> {
        let Some(secret) = self.refresh_secret()? else { return Ok(None) };
        let prepared = self.prepare(Some(&secret)).map_err(Sealed::NoPlace)?;
        Ok(Some((secret, prepared)))
    }

    /// Does everything that can fail when a refresh token is stored.
    pub(super) fn prepare(&self, before: Option<&RefreshSecret>) -> Result<Prepared, KeyTrouble> {
        self.secrets.prepare(&self.target.cache_key, before, self.storage)
    }

    /// Limits the wait for the keyring; `None` restores the keyring's own limit.
    pub(super) fn hurry(&self, bound: Option<Duration>) {
        self.secrets.hurry(bound);
    }

    /// Removes the refresh token, by the successor's `place` if there is one; returns whether
    /// nothing is left of it.
    pub(super) fn forget_refresh_secret(&self, place: Option<&Prepared>) -> bool {
        let forgotten = match place {
            Some(place) => self.secrets.forget_before(place),
            None => self.secrets.forget(&self.target.cache_key),
        };
        self.note_that_nothing_renews();
        forgotten.is_ok()
    }

    fn note_that_nothing_renews(&self) {
        if let Some(record) = sessions::load(&self.directory, &self.target.cache_key) {
            let _ = sessions::save(
                &self.directory,
                &SessionRecord {
                    protection: None,
                    unrenewable: Some("the issuer has ended the session".to_owned()),
                    ..record
                },
            );
        }
    }

    /// Stores the result: the refresh token first, as the issuer may have revoked its predecessor
    /// `before`, which the renewal used. If no place was prepared, this prepares one.
    pub(super) fn keep(
        &self,
        issued: &Issued,
        before: Option<&RefreshSecret>,
        prepared: Option<Result<Prepared, KeyTrouble>>,
    ) {
        let key = &self.target.cache_key;
        let (protection, unkept) = self.keep_refresh_token(issued, before, prepared);
        let is_renewable = protection.is_some() || self.target.is_for_job();
        let lifetime =
            if is_renewable { issued.lifetime } else { issued.lifetime.without_renewal_ahead() };
        let suspicions = self.suspicions.get();
        let cached = Entry::save(&self.directory, key, &issued.token, lifetime, suspicions);
        if cached.is_ok()
            && let Some(found) = self.find()
        {
            self.note(&found);
        }
        self.warn_about(cached, unkept);
        let earlier = before.and_then(|_| sessions::load(&self.directory, key));
        let now = self.system.clock.now();
        let record = record::of_issued(self.target, issued, earlier, protection, now);
        let _ = sessions::save(&self.directory, &record);
        self.clear_memory();
    }

    /// Stores the refresh token; returns how it is protected now, and a warning.
    fn keep_refresh_token(
        &self,
        issued: &Issued,
        before: Option<&RefreshSecret>,
        prepared: Option<Result<Prepared, KeyTrouble>>,
    ) -> (Option<Protection>, Option<String>) {
        let key = &self.target.cache_key;
        let Some(token) = &issued.refresh_token else {
            if before.is_none() {
                // The stored one belongs to an earlier sign-in, perhaps by another user.
                let place = prepared.as_ref().and_then(|prepared| prepared.as_ref().ok());
                self.forget_refresh_secret(place);
            }
            return (self.secrets.protection(key), None);
        };
        let subject =
            issued.subject.clone().or_else(|| before.and_then(|before| before.subject.clone()));
        let prepared = prepared.unwrap_or_else(|| self.prepare(before));
        self.save(&RefreshSecret { token: token.clone(), subject }, prepared)
    }

    pub(super) fn keep_refresh_secret(&self, secret: &RefreshSecret, prepared: Prepared) {
        let (protection, unkept) = self.save(secret, Ok(prepared));
        if protection.is_none() {
            self.note_that_nothing_renews();
        }
        self.warn_about(Ok(()), unkept);
    }

    fn save(
        &self,
        secret: &RefreshSecret,
        prepared: Result<Prepared, KeyTrouble>,
    ) -> (Option<Protection>, Option<String>) {
        use std::error::Error as _;
        match prepared.and_then(|prepared| self.secrets.keep(prepared, secret)) {
            Ok(saved) => {
                let reason = saved.passed_over.last().map(|trouble| {
                    format!(
                        "the refresh token is kept as `{}`: {trouble}",
                        saved.protection.as_str()
                    )
                });
                let is_expected =
                    self.target.storage == Storage::Auto && saved.protection != Protection::Plain;
                if let Some(reason) = reason.as_ref().filter(|_| is_expected) {
                    self.system.terminal.detail(&format!("kubectl-login: {reason}"));
                }
                (Some(saved.protection), reason.filter(|_| !is_expected))
            }
            Err(trouble) => {
                // The stored one is spent, or belongs to an earlier sign-in.
                self.forget_refresh_secret(None);
                let cause = trouble.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                let text = format!(
                    "the refresh token was not cached, so the session ends with this token: \
                     {trouble}{cause}"
                );
                (None, Some(text))
            }
        }
    }

    /// One warning: the token's takes precedence, as the rest fails for the same reasons.
    fn warn_about(&self, cached: Result<(), StoreError>, unkept: Option<String>) {
        use std::error::Error as _;
        let text = match cached {
            Err(error) => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                format!(
                    "the token was not kept, so the next call has to get another: {error}{cause}"
                )
            }
            Ok(()) => match unkept {
                Some(text) => text,
                None => return,
            },
        };
        if !self.warned.replace(true) {
            self.system.terminal.say(&format!("warning: {text}"));
        }
    }
}

impl CachedToken {
    pub(super) fn is_good(&self) -> bool {
        matches!(self.entry.lifetime.at(self.now), Freshness::Fresh | Freshness::Due)
    }

    pub(super) fn now(&self) -> UnixTime {
        self.now
    }

    pub(super) fn answer(&self, version: ExecApiVersion) -> Zeroizing<String> {
        Zeroizing::new(self.entry.answer(version).to_owned())
    }
}
