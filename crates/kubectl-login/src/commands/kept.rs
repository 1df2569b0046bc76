//! A kept session as it is at this moment: its record, its token, what stands in its way.
//! Never asks the network, never opens a keyring: what is on disk is all that is told.

use login_common::UnixTime;
use serde::Serialize;

use crate::{
    cache::{
        backoff,
        entry::{self, Entry},
        freshness::{Freshness, Lifetime},
        renewal_lock,
        sessions::SessionRecord,
        store::Directory,
    },
    options::target::Target,
};

/// What is known of a session.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What it is about.
    pub record: SessionRecord,
    /// The kept token's.
    pub lifetime: Option<Lifetime>,
    /// The last failure while it holds back the next attempt.
    pub failure: Option<backoff::Memory>,
    /// Who is renewing it or signing in.
    pub locked_by: Option<String>,
}

impl Facts {
    /// Looks at the files of `record`.
    pub fn of(directory: &Directory, record: SessionRecord, now: UnixTime) -> Self {
        let key = &record.key;
        Self {
            lifetime: lifetime(directory, &record),
            failure: backoff::recall(directory, key).filter(|memory| memory.holds_back(now)),
            locked_by: renewal_lock::holder_of(directory, key.as_str())
                .map(|holder| holder.to_string()),
            record,
        }
    }
}

fn lifetime(directory: &Directory, record: &SessionRecord) -> Option<Lifetime> {
    let bytes = directory.read(&record.key.file(entry::KIND), entry::MAX_LENGTH)?;
    Some(Entry::parse(&record.key, bytes)?.lifetime)
}

/// What the kept token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenState {
    /// It is handed out.
    Fresh,
    /// In its last minute.
    Ageing,
    /// Its end has come.
    Expired,
    /// None is kept.
    None,
}

/// What the next kubectl can expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The kept token.
    Token,
    /// A new token, without a person.
    Renewal,
    /// A sign-in.
    SignIn,
}

impl Facts {
    /// What the kept token is good for at `now`.
    pub fn token_state(&self, now: UnixTime) -> TokenState {
        match self.lifetime.map(|lifetime| lifetime.at(now)) {
            Some(Freshness::Fresh | Freshness::Due) => TokenState::Fresh,
            Some(Freshness::Ageing) => TokenState::Ageing,
            Some(Freshness::Expired) => TokenState::Expired,
            None => TokenState::None,
        }
    }

    /// Whether a new token needs no person: there is a refresh token, or a job's identity.
    pub fn is_renewable(&self) -> bool {
        const OF_JOBS: [&str; 4] =
            ["client-credentials", "identity", "token-exchange", "jwt-bearer"];
        self.record.protection.is_some() || OF_JOBS.contains(&self.record.flow.as_str())
    }

    /// What the next kubectl can expect.
    pub fn outlook(&self, now: UnixTime) -> Outlook {
        match self.token_state(now) {
            TokenState::Fresh => Outlook::Token,
            _ if self.is_renewable() => Outlook::Renewal,
            TokenState::Ageing => Outlook::Token,
            TokenState::Expired | TokenState::None => Outlook::SignIn,
        }
    }

    /// Who it is, as people know it.
    pub fn name(&self) -> &str {
        let record = &self.record;
        [&record.display_name, &record.account, &record.username, &record.subject]
            .into_iter()
            .find_map(|name| name.as_deref())
            .unwrap_or_default()
    }
}

/// Whether tokens for `target` are had without a person, whatever is kept.
pub fn needs_nobody(target: &Target) -> bool {
    target.is_for_job()
}
