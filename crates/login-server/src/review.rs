//! The review service: what `/authenticate` needs, and nothing of the other endpoints.
//! Never judges itself: `gather` does, and `handlers/review.rs` answers.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    callers::Callers,
    concurrency_limit::ConcurrencyLimit,
    config::Limits,
    evidence::{ResultCache, result_cache::Epoch},
    gather::Judge,
    in_force::{Configurations, InForce},
    system::{clock::Clock, random::RandomNumbers},
    telemetry::{
        audit::Audit, log_throttle::LogThrottle, metrics::reviews::ReviewCounts, traces::Traces,
    },
};

/// Answers reviews. One per server, shared by all connections.
pub struct ReviewService {
    /// The configuration in force.
    pub configurations: Arc<Configurations>,
    /// Judges tokens.
    pub judge: Judge,
    /// Cached answers.
    pub results: ResultCache,
    /// Decides which callers may ask for reviews.
    pub callers: Arc<Callers>,
    /// Counts reviews, and requests that were not reviews.
    pub counts: ReviewCounts,
    /// Writes audit records.
    pub audit: Audit,
    /// Exports the spans of reviews.
    pub traces: Traces,
    /// The source of decision IDs.
    pub decision_ids: RandomNumbers,
    /// One turn per review that is being judged.
    pub turns: ConcurrencyLimit,
    /// One place per review that waits for the verdict on an equal request.
    pub sharing: Semaphore,
    /// Log limit for reviews that were refused for overload.
    pub shed: LogThrottle,
    /// Log limit for requests that are not TokenReviews.
    pub malformed: LogThrottle,
    /// The time by which tokens are judged.
    pub clock: Clock,
    /// Limits.
    pub limits: Limits,
}

impl ReviewService {
    /// The state that answers are based on; a review reads it once, at its beginning.
    pub fn epoch(&self, in_force: &InForce) -> Epoch {
        let revocations = self.judge.ended_sessions.epoch();
        Epoch { configuration: in_force.generation, revocations }
    }

    /// The reviews that are being judged.
    pub fn in_flight(&self) -> usize {
        self.limits.reviews.saturating_sub(self.turns.available_permits())
    }
}
