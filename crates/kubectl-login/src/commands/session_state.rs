//! A cached session at one moment: its record, its token, and what blocks it.
//! Never uses the network, never opens a keyring: it reports only what is on disk.

use login_cache::{
    backoff,
    entry::Entry,
    freshness::{Freshness, Lifetime},
    key::CacheKey,
    renewal_lock,
    sessions::SessionRecord,
    store::Directory,
};
use login_common::UnixTime;
use serde::Serialize;

use crate::{
    options::flow::{Flow, SignsIn},
    report::Report,
};

/// The state of a session.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its identity.
    pub record: SessionRecord,
    /// The cached token's lifetime.
    pub lifetime: Option<Lifetime>,
    /// The last failure, while it holds back the next attempt.
    pub failure: Option<HeldBack>,
    /// The process that is renewing it or signing in.
    pub locked_by: Option<String>,
}

/// A failure that holds back the next attempt.
#[derive(Clone, Debug)]
pub struct HeldBack {
    /// Until then.
    pub until: UnixTime,
    /// What was reported.
    pub report: Report,
}

impl HeldBack {
    /// That of a session at `now`.
    fn of(directory: &Directory, key: &CacheKey, now: UnixTime) -> Option<Self> {
        let memory = backoff::recall(directory, key).filter(|memory| memory.holds_back(now))?;
        Some(Self { until: memory.until, report: Report::parse(&memory.failure)? })
    }
}

impl Facts {
    /// Reads the files of `record`.
    pub fn of(directory: &Directory, record: SessionRecord, now: UnixTime) -> Self {
        let key = &record.key;
        Self {
            lifetime: Entry::load(directory, key).map(|entry| entry.lifetime),
            failure: HeldBack::of(directory, key, now),
            locked_by: renewal_lock::holder_of(directory, key.as_str())
                .map(|holder| holder.to_string()),
            record,
        }
    }
}

/// The state of the cached token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenState {
    /// It is handed out.
    Fresh,
    /// It is about to expire: renewed first, handed out only if that fails.
    Ageing,
    /// It has expired.
    Expired,
    /// None is cached.
    None,
}

/// What the next kubectl gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The cached token.
    Token,
    /// A new token, without a user.
    Renewal,
    /// A sign-in.
    SignIn,
}

impl Facts {
    /// The state of the cached token at `now`.
    pub fn token_state(&self, now: UnixTime) -> TokenState {
        match self.lifetime.map(|lifetime| lifetime.at(now)) {
            Some(Freshness::Fresh | Freshness::Due) => TokenState::Fresh,
            Some(Freshness::Ageing) => TokenState::Ageing,
            Some(Freshness::Expired) => TokenState::Expired,
            None => TokenState::None,
        }
    }

    /// Whether a new token needs no user: there is a refresh token, or a job's identity.
    pub fn is_renewable(&self) -> bool {
        let is_for_job =
            Flow::parse(&self.record.flow).is_some_and(|flow| flow.signs_in() == SignsIn::Job);
        self.record.protection.is_some() || is_for_job
    }

    /// What the next kubectl gets.
    pub fn outlook(&self, now: UnixTime) -> Outlook {
        match self.token_state(now) {
            TokenState::Fresh => Outlook::Token,
            _ if self.is_renewable() => Outlook::Renewal,
            TokenState::Ageing => Outlook::Token,
            TokenState::Expired | TokenState::None => Outlook::SignIn,
        }
    }

    /// The user's name, for display.
    pub fn name(&self) -> &str {
        let record = &self.record;
        [&record.display_name, &record.account, &record.username, &record.subject]
            .into_iter()
            .find_map(|name| name.as_deref())
            .unwrap_or_default()
    }
}
