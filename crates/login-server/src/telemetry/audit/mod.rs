//! One record for each decision: a line of JSON in the log, or in a file of its own.
//! Never holds a token or a claim beyond those that [`Record`] names, and never makes a review
//! wait for a disk.

mod file;
mod record;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    error::Unspecified,
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};
use thiserror::Error;

use self::file::RecordFile;
pub use self::{
    file::FileError,
    record::{Asked, Record, Subject, TextHash, bounded},
};
use super::decision::Outcome;

/// The target of audit records in the log; `LOGIN_SERVER_LOG=info,audit=off` silences them.
pub const TARGET: &str = "audit";

/// What is recorded, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// A file of its own; none means the log.
    pub file: Option<PathBuf>,
    /// Accepted users carry the decision's id in `extra`.
    pub decision_id_in_extra: bool,
    /// Of the answers from the cache, every so many are recorded, too; 0 records none.
    pub every_nth_repeat: u64,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { file: None, decision_id_in_extra: true, every_nth_repeat: 0 }
    }
}

/// Why audit records cannot be written.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system's random source failed.
    #[error("the system's random source failed")]
    Random,
}

impl From<Unspecified> for AuditError {
    fn from(_: Unspecified) -> Self {
        Self::Random
    }
}

/// Writes audit records. One per server.
pub struct Audit {
    file: Option<RecordFile>,
    /// Random per process: a hash in a record confirms no guess about a token or a user.
    key: hmac::Key,
    decision_id_in_extra: bool,
    every_nth_repeat: u64,
    repeats: AtomicU64,
}

impl Audit {
    /// Opens the file, if one is configured.
    pub fn new(settings: &AuditSettings) -> Result<Self, AuditError> {
        Ok(Self {
            file: settings.file.as_deref().map(RecordFile::open).transpose()?,
            key: hmac::Key::generate(HMAC_SHA256, &SystemRandom::new())?,
            decision_id_in_extra: settings.decision_id_in_extra,
            every_nth_repeat: settings.every_nth_repeat,
            repeats: AtomicU64::new(0),
        })
    }

    /// Whether accepted users carry the decision's id.
    pub const fn decision_id_in_extra(&self) -> bool {
        self.decision_id_in_extra
    }

    /// Counts an answer from the cache; true when this one is to be recorded.
    pub fn is_repeat_wanted(&self) -> bool {
        self.every_nth_repeat > 0
            && (self.repeats.fetch_add(1, Ordering::Relaxed) + 1)
                .is_multiple_of(self.every_nth_repeat)
    }

    /// The same hash for the same text, within this process only; 64 bits of the HMAC.
    pub fn hash(&self, text: &str) -> TextHash {
        // `hmac` leaves the end of its input on the stack; `digest` wipes its own.
        let tag = hmac::sign(&self.key, digest(&SHA256, text.as_bytes()).as_ref());
        let mut hash = [0; 8];
        for (place, byte) in hash.iter_mut().zip(tag.as_ref()) {
            *place = *byte;
        }
        TextHash::new(hash)
    }

    /// Writes the record that `record` builds; `record` is not called if neither a file nor the log
    /// takes it.
    pub fn record<'r>(&self, outcome: Outcome, record: impl FnOnce() -> Record<'r>) {
        let is_outage = matches!(outcome, Outcome::CannotTell(_));
        if self.file.is_none() && !is_logged(is_outage) {
            return;
        }
        // Texts and numbers always serialise.
        let mut line = serde_json::to_string(&record()).unwrap_or_default();
        match &self.file {
            Some(file) => {
                line.push('\n');
                file.append(line);
            }
            None if is_outage => tracing::warn!(target: TARGET, record = line),
            None => tracing::info!(target: TARGET, record = line),
        }
    }

    /// Opens the file again, after it was moved away.
    pub fn reopen(&self) {
        if let Some(file) = &self.file {
            file.reopen();
        }
    }

    /// Records lost since the start.
    pub fn dropped(&self) -> u64 {
        self.file.as_ref().map_or(0, RecordFile::dropped)
    }
}

fn is_logged(is_outage: bool) -> bool {
    if is_outage {
        tracing::enabled!(target: TARGET, tracing::Level::WARN)
    } else {
        tracing::enabled!(target: TARGET, tracing::Level::INFO)
    }
}

#[cfg(test)]
mod tests;
