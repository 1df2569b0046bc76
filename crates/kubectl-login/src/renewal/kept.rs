//! What a renewal finds and leaves in the cache, for one session.
//! Never fails a renewal: what cannot be kept is warned about, once.

use std::{cell::Cell, time::Duration};

use login_common::{UnixTime, exec_credential::ExecApiVersion};
use zeroize::Zeroizing;

use super::failure::RenewalError;
use crate::{
    cache::{
        backoff,
        entry::{self, Entry},
        freshness::{Freshness, Lifetime},
        key_store::KeyTrouble,
        refresh_secret::{Prepared, Protection, RefreshSecret, RefreshSecrets, Sealed},
        served::Served,
        sessions::{self, SessionRecord},
        store::{Directory, Opened, StoreError},
    },
    flows::{
        choose::{self, Surroundings},
        issued::Issued,
    },
    options::target::{Storage, Target},
    report::{Failure, Report},
    system::System,
};

/// Temporary files older than this were left by a process that was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// The files of a session.
pub(super) struct Kept<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    directory: Directory,
    secrets: RefreshSecrets<'a>,
    continuous_integration: bool,
    /// The process that asks.
    pub(super) caller: Option<u32>,
    /// Goes into the next entry.
    pub(super) suspicions: Cell<u32>,
    warned: Cell<bool>,
}

/// A kept token.
pub(super) struct Found {
    pub(super) entry: Entry,
    file: Opened,
    now: UnixTime,
}

/// What a kept token is good for, in view of who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Hand it out.
    Good,
    /// Hand it out; try to renew it if nobody else does.
    Due,
    /// A cluster has probably refused it.
    Suspected,
    /// Renew it first.
    Old,
}

impl<'a> Kept<'a> {
    pub(super) fn new(
        system: &'a System<'a>,
        target: &'a Target,
        surroundings: Surroundings,
    ) -> Option<Self> {
        let directory = Directory::new(target.cache_directory.clone()?);
        let patient = choose::may_ask(target, surroundings).is_ok();
        let secrets = RefreshSecrets::new(system, &directory, patient);
        Some(Self::of(system, target, surroundings, secrets))
    }

    /// What is kept beside these refresh tokens.
    pub(super) fn of(
        system: &'a System<'a>,
        target: &'a Target,
        surroundings: Surroundings,
        secrets: RefreshSecrets<'a>,
    ) -> Self {
        let directory = secrets.directory().clone();
        Self {
            secrets,
            system,
            target,
            directory,
            continuous_integration: surroundings.continuous_integration,
            caller: None,
            suspicions: Cell::default(),
            warned: Cell::default(),
        }
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn find(&self) -> Option<Found> {
        let key = &self.target.cache_key;
        let mut file = self.directory.open(&key.file(entry::KIND), entry::MAX_LENGTH)?;
        let entry = Entry::parse(key, std::mem::take(&mut file.content))?;
        Some(Found { entry, file, now: self.system.clock.now() })
    }

    pub(super) fn standing(&self, found: &Found) -> Standing {
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

    /// Notes who is given a kept token.
    pub(super) fn note(&self, found: &Found) {
        if let Some(caller) = self.caller(found.now) {
            found.file.note(caller);
        }
    }

    fn caller(&self, at: UnixTime) -> Option<Served> {
        self.caller.map(|to| Served { at, to })
    }

    /// The same token with other moments; whether that could be written.
    pub(super) fn change(&self, found: &Found, lifetime: Lifetime, suspicions: u32) -> bool {
        let Some(token) = found.entry.token() else { return false };
        let key = &self.target.cache_key;
        let text = Entry::render(key, &token, lifetime, suspicions);
        self.directory.write(&key.file(entry::KIND), text.as_bytes(), false).is_ok()
    }

    pub(super) fn forget_token(&self) {
        let _ = self.directory.remove(&self.target.cache_key.file(entry::KIND));
    }

    pub(super) fn sweep(&self) {
        self.directory.sweep(self.system.clock.now().minus(ABANDONED));
    }

    pub(super) fn memory(&self) -> Option<backoff::Memory> {
        backoff::recall(&self.directory, &self.target.cache_key)
    }

    /// The failure that forbids a sign-in now.
    pub(super) fn held_back(&self) -> Option<Failure> {
        let now = self.system.clock.now();
        let memory = self.memory().filter(|memory| memory.holds_back(now))?;
        let seconds_left = memory.until.since(now).as_secs().max(1);
        Some(RenewalError::Remembered { report: Box::new(memory.report), seconds_left }.into())
    }

    pub(super) fn remember(&self, report: &Report, opens_window: bool) {
        let (key, now) = (&self.target.cache_key, self.system.clock.now());
        let _ = backoff::remember(&self.directory, key, report, opens_window, now);
    }

    pub(super) fn clear_memory(&self) {
        let _ = backoff::clear(&self.directory, &self.target.cache_key);
    }

    pub(super) fn refresh_secret(&self) -> Result<Option<RefreshSecret>, Sealed> {
        self.secrets.load(&self.target.cache_key)
    }

    /// The refresh token, with a place for the one that comes after it: without such a place it is
    /// not spent.
    pub(super) fn spendable(&self) -> Result<Option<(RefreshSecret, Prepared)>, Sealed> {
        let Some(secret) = self.refresh_secret()? else { return Ok(None) };
        let prepared = self.prepare(Some(&secret)).map_err(Sealed::NoPlace)?;
        Ok(Some((secret, prepared)))
    }

    /// Does all that can fail when a refresh token is kept.
    pub(super) fn prepare(&self, before: Option<&RefreshSecret>) -> Result<Prepared, KeyTrouble> {
        let (key, wish) = (&self.target.cache_key, self.target.storage);
        self.secrets.prepare(key, before, wish, self.continuous_integration)
    }

    /// A keyring is waited for no longer than this; `None` gives it its own time.
    pub(super) fn hurry(&self, bound: Option<Duration>) {
        self.secrets.hurry(bound);
    }

    /// Forgets it, by the `place` of the next one if there is one; whether nothing is left of it.
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

    /// Keeps what was issued: the refresh token first, as the issuer may have revoked the one
    /// `before`, which a renewal has used. Without a place that was prepared one is looked for.
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
        let text = Entry::render(key, &issued.token, lifetime, self.suspicions.get());
        let kept = self.directory.write(&key.file(entry::KIND), text.as_bytes(), false);
        if kept.is_ok()
            && let Some(found) = self.find()
        {
            self.note(&found);
        }
        self.warn_about(kept, unkept);
        let earlier = before.and_then(|_| sessions::load(&self.directory, key));
        let now = self.system.clock.now();
        let record = SessionRecord::of(self.target, issued, earlier.as_ref(), protection, now);
        let _ = sessions::save(&self.directory, &record);
        self.clear_memory();
    }

    /// How the refresh token is kept now, and what there is to say about it.
    fn keep_refresh_token(
        &self,
        issued: &Issued,
        before: Option<&RefreshSecret>,
        prepared: Option<Result<Prepared, KeyTrouble>>,
    ) -> (Option<Protection>, Option<String>) {
        let key = &self.target.cache_key;
        let Some(token) = &issued.refresh_token else {
            if before.is_none() {
                // It belongs to an earlier sign-in, perhaps to that of somebody else.
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
        let wish = self.target.storage;
        match prepared.and_then(|prepared| self.secrets.keep(prepared, secret)) {
            Ok(saved) => {
                let reason = saved.passed_over.last().map(|trouble| {
                    format!(
                        "the refresh token is kept as `{}`: {trouble}",
                        saved.protection.as_str()
                    )
                });
                let is_expected = wish == Storage::Auto && saved.protection != Protection::Plain;
                if let Some(reason) = reason.as_ref().filter(|_| is_expected) {
                    self.system.terminal.detail(&format!("kubectl-login: {reason}"));
                }
                (Some(saved.protection), reason.filter(|_| !is_expected))
            }
            Err(trouble) => {
                // What is there is spent, or belongs to an earlier sign-in.
                self.forget_refresh_secret(None);
                let cause = trouble.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                let text = format!(
                    "the refresh token was not kept, so the session ends with this token: \
                     {trouble}{cause}"
                );
                (None, Some(text))
            }
        }
    }

    /// One warning: the token's comes first, as it fails for the reasons the rest does.
    fn warn_about(&self, kept: Result<(), StoreError>, unkept: Option<String>) {
        use std::error::Error as _;
        let text = match kept {
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

impl Found {
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
