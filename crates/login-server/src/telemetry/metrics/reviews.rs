//! Counts reviews by outcome and reason, how long they took, and requests that were no reviews.
//! Never takes a lock and never allocates while it counts.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use login_review::RequestFault;

use super::histogram::Histogram;
use crate::telemetry::decision::{Origin, Outcome};

/// The counts of reviews since the start.
#[derive(Debug)]
pub struct ReviewCounts {
    outcomes: [AtomicU64; Outcome::COUNT],
    judged: Durations,
    cached: Durations,
    faults: [AtomicU64; RequestFault::ALL.len()],
}

#[derive(Debug, Default)]
struct Durations {
    accepted: Histogram,
    refused: Histogram,
    untold: Histogram,
}

impl Default for ReviewCounts {
    fn default() -> Self {
        Self {
            outcomes: [const { AtomicU64::new(0) }; Outcome::COUNT],
            judged: Durations::default(),
            cached: Durations::default(),
            faults: [const { AtomicU64::new(0) }; RequestFault::ALL.len()],
        }
    }
}

impl ReviewCounts {
    /// Counts an answer: three adds.
    pub fn answered(&self, outcome: Outcome, origin: Origin, took: Duration) {
        if let Some(count) = self.outcomes.get(outcome.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.durations(outcome, origin).observe(took);
    }

    /// Counts a request that was not judged.
    pub fn rejected(&self, fault: RequestFault) {
        if let Some(count) = self.faults.get(fault as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many answers had each outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::all().zip(self.outcomes.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// How many requests had each fault.
    pub fn faults(&self) -> impl Iterator<Item = (RequestFault, u64)> {
        let counts = self.faults.iter().map(|count| count.load(Ordering::Relaxed));
        RequestFault::ALL.iter().copied().zip(counts)
    }

    /// The durations of answers of this class; the reason does not matter.
    pub fn durations(&self, outcome: Outcome, origin: Origin) -> &Histogram {
        let durations = match origin {
            Origin::Judged => &self.judged,
            Origin::Cache => &self.cached,
        };
        match outcome {
            Outcome::Accepted => &durations.accepted,
            Outcome::Refused(_) => &durations.refused,
            Outcome::CannotTell(_) => &durations.untold,
        }
    }
}

#[cfg(test)]
mod tests {
    use login_review::{Outage, Reason};

    use super::*;

    #[test]
    fn every_outcome_and_every_fault_is_counted_by_itself() {
        let counts = ReviewCounts::default();
        let took = Duration::from_micros(70);
        for (times, outcome) in Outcome::all().enumerate() {
            for _ in 0..times {
                counts.answered(outcome, Origin::Judged, took);
            }
        }
        for (times, (_, count)) in counts.outcomes().enumerate() {
            assert_eq!(u64::try_from(times).unwrap(), count);
        }
        for (times, fault) in RequestFault::ALL.iter().enumerate() {
            for _ in 0..times {
                counts.rejected(*fault);
            }
        }
        for (times, (_, count)) in counts.faults().enumerate() {
            assert_eq!(u64::try_from(times).unwrap(), count);
        }
    }

    #[test]
    fn durations_are_kept_apart_by_class_and_origin() {
        let counts = ReviewCounts::default();
        let took = Duration::from_micros(70);
        counts.answered(Outcome::Refused(Reason::Expired), Origin::Cache, took);
        let seen = |outcome, origin| {
            let (_, buckets) = counts.durations(outcome, origin).read();
            buckets.iter().map(|(_, count)| count).sum::<u64>()
        };
        assert_eq!(seen(Outcome::Refused(Reason::Signature), Origin::Cache), 1);
        assert_eq!(seen(Outcome::Refused(Reason::Expired), Origin::Judged), 0);
        assert_eq!(seen(Outcome::Accepted, Origin::Cache), 0);
        assert_eq!(seen(Outcome::CannotTell(Outage::Internal), Origin::Cache), 0);
    }
}
