//! How long this server waits, and how much it takes, before it says no.
//! Never unlimited: every wait and every queue has a number here.

use std::time::Duration;

/// The bounds of one server. `Limits::default()` is what `serve` uses.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections per listener. For one more, the oldest that was never admitted is dropped;
    /// where all were, it waits in the kernel's queue.
    pub connections: usize,
    /// Of them, those that only callers may have who were admitted.
    pub reserved_connections: usize,
    /// Connections of one address (of IPv6: of one /64) that were not admitted.
    pub connections_of_source: usize,
    /// Reviews judged at the same moment.
    pub reviews: usize,
    /// Reviews that wait for a turn; more are answered 429. Twice as many wait for the verdict on
    /// an equal question.
    pub waiting_reviews: usize,
    /// How long they wait; then they are answered 429, too. kube-apiserver asks again after 0.5 s.
    pub review_turn: Duration,
    /// Password checks at the same moment; each costs 19 MiB and a core.
    pub password_checks: usize,
    /// Other operations of the embedded issuer at the same moment.
    pub issuer_operations: usize,
    /// A TLS handshake.
    pub handshake: Duration,
    /// From the open connection to the first whole request header.
    pub first_request: Duration,
    /// An HTTP/1.1 connection on which no request is open or begins, at least this long and at
    /// most twice as long. Go's client keeps an idle connection for 90 s; whoever closes first
    /// must be the client, or its next request meets a reset.
    pub idle: Duration,
    /// After the last answer on a connection that is closed: how long, and for how many bytes, the
    /// peer may go on writing, so that the answer reaches it.
    pub linger: Duration,
    /// See `linger`.
    pub linger_bytes: usize,
    /// One review, including a fetch of keys. kube-apiserver waits 30 s.
    pub review: Duration,
    /// The expressions of one review, where they are slow.
    pub expressions: Duration,
    /// Reading a form, and waiting for a turn at the issuer.
    pub form: Duration,
    /// After a signal: how long to go on accepting, so that whoever balances load learns from
    /// `/readyz`, or from the end of the pod, to send nothing more.
    pub shutdown_delay: Duration,
    /// After that: how long open requests may take to end.
    pub drain: Duration,
    /// While draining: how long a connection without an open request may take to go away.
    pub drain_idle: Duration,
    /// Bytes of bodies that have not arrived whole, of callers that were admitted, and as much of
    /// all others; beyond that the slowest is given up.
    pub arriving_bytes: usize,
    /// Bytes of a TokenReview request beside its token.
    pub review_body: usize,
    /// Bytes of a form.
    pub form_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            reserved_connections: 1024,
            connections_of_source: 512,
            reviews: 1024,
            waiting_reviews: 512,
            review_turn: Duration::from_millis(200),
            password_checks: 2,
            issuer_operations: 16,
            handshake: Duration::from_secs(10),
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(100),
            linger: Duration::from_secs(5),
            linger_bytes: 16 * 1024 * 1024,
            review: Duration::from_secs(5),
            expressions: Duration::from_secs(1),
            form: Duration::from_secs(10),
            shutdown_delay: Duration::ZERO,
            drain: Duration::from_secs(10),
            drain_idle: Duration::from_secs(1),
            arriving_bytes: 64 * 1024 * 1024,
            review_body: 32 * 1024,
            form_body: 64 * 1024,
        }
    }
}

/// Files and sockets that are no connections of the main listener: health checks, issuers, logs,
/// the database.
const OTHER_FILES: u64 = 512;

impl Limits {
    /// As many connections as there are files to be had, so that a crowd on the main listener
    /// leaves some for health checks.
    #[must_use]
    pub fn within(self, files: Option<u64>) -> Self {
        let Some(files) = files else { return self };
        let rest = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        let connections = self.connections.min(rest.max(16));
        let reserved_connections = self.reserved_connections.min(connections / 4);
        Self { connections, reserved_connections, ..self }
    }

    /// Those of the listener for health checks: probes are few and quick, and a probe must find a
    /// place although somebody holds connections open.
    #[must_use]
    pub fn for_health(self) -> Self {
        Self {
            connections: 256,
            reserved_connections: 0,
            connections_of_source: 64,
            first_request: self.first_request.min(Duration::from_secs(3)),
            idle: self.idle.min(Duration::from_secs(15)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_mean_few_connections() {
        for (files, expected) in [
            (None, (4096, 1024)),
            (Some(65_536), (4096, 1024)),
            (Some(1024), (512, 128)),
            (Some(64), (16, 4)),
        ] {
            let limits = Limits::default().within(files);
            assert_eq!((limits.connections, limits.reserved_connections), expected, "{files:?}");
        }
    }
}
