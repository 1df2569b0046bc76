//! How long reviews took, counted without a lock.
//! Never allocates while it counts: prometheus-client's own histogram takes a lock for each value.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper ends in nanoseconds: from 50 µs, below which nearly every cached answer stays, to 30 s,
/// after which kube-apiserver has given up.
const ENDS: [u64; 18] = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
];

/// Counts of durations. Each observation is two atomic adds.
#[derive(Debug, Default)]
pub struct Histogram {
    // One more than the ends, for durations longer than all of them.
    counts: [AtomicU64; ENDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let place = ENDS.partition_point(|end| *end < nanoseconds);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Sum in seconds, and each bucket's end in seconds with its own count, the last one open.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows floating point only")]
    pub fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        let ends = ENDS.iter().map(|end| seconds(*end)).chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        (seconds(self.nanoseconds.load(Ordering::Relaxed)), ends.zip(counts).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_it_does_not_exceed() {
        for (nanoseconds, end) in [
            (0, 50e-6),
            (50_000, 50e-6),
            (50_001, 100e-6),
            (30_000_000_000, 30.0),
            (30_000_000_001, f64::INFINITY),
        ] {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_nanos(nanoseconds));
            let (_, buckets) = histogram.read();
            let found: Vec<f64> =
                buckets.iter().filter(|(_, count)| *count == 1).map(|(end, _)| *end).collect();
            assert_eq!(found, [end], "{nanoseconds}");
        }
    }
}
