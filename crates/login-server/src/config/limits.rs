//! The limits of this server: how long it waits, and how much it accepts, before it refuses.
//! Never unlimited: every wait and every queue has a number here.

use std::time::Duration;

/// The limits of one server. `Limits::default()` is what `serve` uses.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections per listener. A further one replaces the oldest that was never admitted; if
    /// all were admitted, it waits in the kernel's queue.
    pub connections: usize,
    /// How many of them are reserved for admitted callers.
    pub reserved_connections: usize,
    /// Connections per address (IPv6: per /64) that were not admitted.
    pub connections_of_source: usize,
    /// Concurrent reviews.
    pub reviews: usize,
    /// Reviews that wait for a turn; further ones get 429. Twice as many may wait for the verdict
    /// on an equal question.
    pub waiting_reviews: usize,
    /// How long they wait before they get 429, too. kube-apiserver tries again after 0.5 s.
    pub review_turn: Duration,
    /// Concurrent password checks; each takes 19 MiB and a core.
    pub password_checks: usize,
    /// Other concurrent operations of the embedded issuer.
    pub issuer_operations: usize,
    /// A TLS handshake.
    pub handshake: Duration,
    /// From the open connection to the first complete request header.
    pub first_request: Duration,
    /// How long an HTTP/1.1 connection may be idle, at least; at most twice as long. Go's client
    /// keeps an idle connection for 90 s and must be the first to close it, or its next request
    /// meets a reset.
    pub idle: Duration,
    /// After the last response on a closing connection: how long, and for how many bytes, the peer
    /// may go on writing, so that the response reaches it.
    pub linger: Duration,
    /// See `linger`.
    pub linger_bytes: usize,
    /// One review, including a key set fetch. kube-apiserver waits 30 s.
    pub review: Duration,
    /// The CEL expressions of one review, if they are too slow to run at once.
    pub expressions: Duration,
    /// Reading a form, and waiting for a turn at the issuer.
    pub form: Duration,
    /// After a signal: how long the server still accepts connections, so that load balancers learn
    /// from `/readyz`, or from the end of the pod, to send no more.
    pub shutdown_delay: Duration,
    /// After that: how long open requests may take.
    pub drain: Duration,
    /// While draining: how long a connection without an open request may stay.
    pub drain_idle: Duration,
    /// Bytes of incomplete bodies from admitted callers, and as many from all others; beyond that
    /// the slowest is dropped.
    pub arriving_bytes: usize,
    /// Bytes of a TokenReview request besides its token.
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

/// Files and sockets other than connections of the main listener: health checks, issuers, logs, the
/// database.
const OTHER_FILES: u64 = 512;

impl Limits {
    /// Limits connections by the number of files that may be open, so that many on the main
    /// listener leave some for health checks.
    #[must_use]
    pub fn within(self, files: Option<u64>) -> Self {
        let Some(files) = files else { return self };
        let rest = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        let connections = self.connections.min(rest.max(16));
        let reserved_connections = self.reserved_connections.min(connections / 4);
        Self { connections, reserved_connections, ..self }
    }

    /// The limits of the health listener: probes are few and quick, and must get a connection even
    /// if a client holds others open.
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
