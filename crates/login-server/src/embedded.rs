//! The embedded issuer as this process runs it: its documents, and the gates before its work.
//! Never lets a crowd at one gate take the places of another.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use login_common::names::IssuerUrl;
use login_issuer::Issuer;
use login_protocols::jose::KeySet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::{config::Limits, telemetry::refusals::Refusals};

/// The embedded issuer and what is derived from it once.
pub struct Embedded {
    issuer: Arc<Issuer>,
    /// Shown to people.
    pub host: String,
    /// Where its endpoints are.
    pub paths: Paths,
    /// The metadata, rendered.
    pub discovery: Bytes,
    /// The public keys, rendered.
    pub jwks: Bytes,
    /// What it refused.
    pub refusals: Refusals,
    passwords: Queue,
    operations: Queue,
    internal: Queue,
}

/// So many may wait for their turn at one gate of the issuer; the next one is told at once.
const WAITING_FOR_ISSUER: usize = 256;

/// So many operations of this program's own at one moment: a health check, and the look at sessions.
const INTERNAL_OPERATIONS: usize = 2;

/// Paths of the embedded issuer's pages on this server.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The path of the issuer's URL, without a slash at its end.
    pub base: String,
    /// Where the login form goes.
    pub authorize: String,
    /// Where the device forms go.
    pub device: String,
}

/// What an operation of the issuer is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A password check: 19 MiB and tens of milliseconds of a core.
    Password,
    /// A transaction of the store.
    Store,
    /// The same for this program itself: whatever a crowd asks for, health is told, and sessions
    /// that ended are learned.
    Internal,
}

/// Why an operation of the issuer was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Others were before it for too long.
    Busy,
    /// It failed; the log has the cause.
    Failed,
}

impl NotDone {
    /// A stable name for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }

    /// The HTTP status for it.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// For a person or a developer.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Busy => "too many sign-ins are waiting",
            Self::Failed => "the server could not finish this",
        }
    }
}

impl Embedded {
    pub(crate) fn new(issuer: Arc<Issuer>, limits: &Limits) -> Result<Self, serde_json::Error> {
        let render = |document| serde_json::to_vec(&document).map(Bytes::from);
        let url = issuer.settings().issuer.as_str();
        let parsed = Url::parse(url).ok();
        let base = parsed.as_ref().map_or("", |url| url.path().trim_end_matches('/')).to_owned();
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or(url);
        let port = parsed.as_ref().and_then(Url::port);
        let host = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self {
            host,
            discovery: render(issuer.discovery())?,
            jwks: render(issuer.jwks())?,
            paths: Paths {
                authorize: format!("{base}/authorize"),
                device: format!("{base}/device"),
                base,
            },
            refusals: Refusals::default(),
            passwords: Queue::new(limits.password_checks),
            operations: Queue::new(limits.issuer_operations),
            internal: Queue::new(INTERNAL_OPERATIONS),
            issuer,
        })
    }

    /// Its name.
    pub fn url(&self) -> &IssuerUrl {
        &self.issuer.settings().issuer
    }

    /// Its name and its keys.
    pub(crate) fn keys(&self) -> (&str, KeySet) {
        (self.issuer.settings().issuer.as_str(), KeySet::clone(&self.issuer.key_set()))
    }

    /// Runs `work` on a blocking thread, when it is its turn.
    pub async fn ask<T: Send + 'static>(
        &self,
        gate: Gate,
        limits: &Limits,
        work: impl FnOnce(&Issuer) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let queue = match gate {
            Gate::Password => &self.passwords,
            Gate::Store => &self.operations,
            Gate::Internal => &self.internal,
        };
        let permit = queue.turn(limits.form).await.ok_or(NotDone::Busy)?;
        let issuer = Arc::clone(&self.issuer);
        // The permit goes along: a caller that gives up does not make room for more work.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&issuer)
        });
        task.await.map_err(|_| NotDone::Failed)
    }
}

/// Those before one gate of the issuer.
struct Queue {
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Queue {
    fn new(at_once: usize) -> Self {
        let (at_once, waiting) = (Semaphore::new(at_once), Semaphore::new(WAITING_FOR_ISSUER));
        Self { at_once: Arc::new(at_once), waiting }
    }

    async fn turn(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let _place = self.waiting.try_acquire().ok()?;
        let turn = Arc::clone(&self.at_once).acquire_owned();
        tokio::time::timeout(patience, turn).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    /// Asks, and stands in the queue where it has no turn at once.
    async fn is_held_up(mut turn: std::pin::Pin<&mut impl Future>) -> bool {
        tokio::select! {
            biased;
            _ = &mut turn => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_wait_at_a_gate_for_a_while_and_nobody_else_does() {
        let (queue, patience) = (Queue::new(1), Duration::from_secs(10));
        let first = queue.turn(patience).await.unwrap();
        let mut waiting: Vec<_> =
            (0..WAITING_FOR_ISSUER).map(|_| Box::pin(queue.turn(patience))).collect();
        for turn in &mut waiting {
            assert!(is_held_up(turn.as_mut()).await);
        }
        assert!(queue.turn(patience).await.is_none());
        drop(waiting);
        assert!(is_held_up(pin!(queue.turn(patience))).await);
        // Whoever has waited for long enough goes, and so there is room again.
        assert!(queue.turn(patience).await.is_none());
        drop(first);
        assert!(queue.turn(patience).await.is_some());
    }
}
