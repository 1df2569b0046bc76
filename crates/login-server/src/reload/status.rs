//! How the latest checks of the files ended, for `/readyz` and metrics.
//! Never holds a file's content.

use std::sync::{Mutex, MutexGuard, PoisonError};

use login_common::UnixTime;

/// Files that are replaced together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `--config`, `--authentication-config` and every file that they name, except the list of
    /// revocations.
    Configuration,
    /// The list of revocations.
    Revocations,
    /// Serving certificate, its key, and the client CA.
    Tls,
    /// The tokens that identify callers.
    CallerTokens,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Configuration, Self::Revocations, Self::Tls, Self::CallerTokens];

    /// A stable name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Revocations => "revocations",
            Self::Tls => "tls",
            Self::CallerTokens => "caller_tokens",
        }
    }
}

/// The state of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether files of this kind are watched.
    pub is_watched: bool,
    /// How often new files came into force; the start counts as the first.
    pub successes: u64,
    /// How often another fault kept new files out.
    pub failures: u64,
    /// When the files in force came into force.
    pub last_success: Option<UnixTime>,
    /// When a fault last kept new files out.
    pub last_failure: Option<UnixTime>,
    /// The fault of the current files; none if they are in force.
    pub fault: Option<String>,
    /// SHA-256 over the digests of all files in force that hold no secret, in hexadecimal; empty if
    /// all hold one.
    pub digest: String,
}

/// The status of every kind.
#[derive(Debug, Default)]
pub struct Reloads([Mutex<Status>; Kind::ALL.len()]);

impl Reloads {
    /// Every kind and its state.
    pub fn report(&self) -> impl Iterator<Item = (Kind, Status)> {
        Kind::ALL.into_iter().zip(&self.0).map(|(kind, status)| (kind, locked(status).clone()))
    }

    pub(super) fn update(&self, kind: Kind, change: impl FnOnce(&mut Status)) {
        let found = Kind::ALL.into_iter().zip(&self.0).find(|(other, _)| *other == kind);
        if let Some((_, status)) = found {
            change(&mut locked(status));
        }
    }
}

fn locked(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}
