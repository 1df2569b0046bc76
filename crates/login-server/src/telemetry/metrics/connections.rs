//! Counts connections and handshakes of the main listener.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::serve::ConnectionEvent;

/// The counts of one listener.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    accepted: AtomicU64,
    ended: AtomicU64,
    failed_handshakes: AtomicU64,
    displaced: AtomicU64,
}

impl ConnectionCounts {
    /// Counts what happened to one connection.
    pub fn count(&self, event: ConnectionEvent) {
        let counter = match event {
            ConnectionEvent::Accepted => &self.accepted,
            ConnectionEvent::Ended => &self.ended,
            ConnectionEvent::HandshakeFailed => &self.failed_handshakes,
            ConnectionEvent::Displaced => &self.displaced,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub fn open(&self) -> u64 {
        // Read in this order, the difference is never below zero.
        let ended = self.ended.load(Ordering::Relaxed);
        self.accepted().saturating_sub(ended)
    }

    /// How many TLS handshakes failed or took too long.
    pub fn failed_handshakes(&self) -> u64 {
        self.failed_handshakes.load(Ordering::Relaxed)
    }

    /// How many were dropped to make room for another one.
    pub fn displaced(&self) -> u64 {
        self.displaced.load(Ordering::Relaxed)
    }
}
