//! The embedded issuer in this process: its rendered documents, and the gates that limit its work.
//! Never lets a flood at one gate take the places of another.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use login_common::UnixTime;
use login_issuer::Issuer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::{config::Limits, system::clock::Clock, telemetry::refusals::Refusals};

/// The embedded issuer and what is computed from it once.
pub struct Embedded {
    issuer: Arc<Issuer>,
    /// The limits of time and size.
    pub limits: Limits,
    /// The time by which it grants and expires.
    pub clock: Clock,
    /// The host name that pages show.
    pub host: String,
    /// The paths of its pages.
    pub paths: Paths,
    /// The metadata, rendered.
    pub discovery: Bytes,
    /// The public keys, rendered.
    pub jwks: Bytes,
    /// Counts of its refusals.
    pub refusals: Refusals,
    passwords: Queue,
    operations: Queue,
    internal: Queue,
}

/// Operations that may wait at one gate of the issuer; further ones are refused at once.
const WAITING_FOR_ISSUER: usize = 256;

/// Concurrent operations of this program itself: a health check, and reading ended sessions.
const INTERNAL_OPERATIONS: usize = 2;

/// Paths of the embedded issuer's pages on this server.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The path of the issuer's URL, without a slash at its end.
    pub base: String,
    /// Where the login form is sent.
    pub authorize: String,
    /// Where the device forms are sent.
    pub device: String,
}

/// The limit that an operation of the issuer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A password check: 19 MiB and tens of milliseconds of a core.
    Password,
    /// A transaction of the store.
    Store,
    /// A transaction of this program itself, so that a flood of requests delays neither health
    /// checks nor the news of ended sessions.
    Internal,
}

/// Why an operation of the issuer was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Too many others came before it, or for too long.
    Busy,
    /// It failed; the cause is logged.
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

    /// The text for the client, or for a page.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Busy => "too many sign-ins are waiting",
            Self::Failed => "the server could not finish this",
        }
    }
}

impl Embedded {
    pub(crate) fn new(
        issuer: Arc<Issuer>,
        limits: &Limits,
        clock: Clock,
    ) -> Result<Self, serde_json::Error> {
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
            limits: *limits,
            clock,
        })
    }

    /// Runs `work` on a blocking thread, after a turn at `gate`, with the time at which it begins.
    pub async fn ask<T: Send + 'static>(
        &self,
        gate: Gate,
        work: impl FnOnce(&Issuer, UnixTime) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let queue = match gate {
            Gate::Password => &self.passwords,
            Gate::Store => &self.operations,
            Gate::Internal => &self.internal,
        };
        let permit = queue.turn(self.limits.form).await.ok_or(NotDone::Busy)?;
        let (issuer, clock) = (Arc::clone(&self.issuer), self.clock);
        // The work holds the permit: a client that disconnects does not make room for more work.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&issuer, clock.now())
        });
        task.await.map_err(|_| NotDone::Failed)
    }
}

/// The operations at one gate of the issuer.
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

    /// Polls `turn` once, so that it waits in the queue if it has to.
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
        // A waiter that times out leaves the queue, so there is room again.
        assert!(queue.turn(patience).await.is_none());
        drop(first);
        assert!(queue.turn(patience).await.is_some());
    }
}
