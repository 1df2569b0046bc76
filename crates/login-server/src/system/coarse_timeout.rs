//! Coarse deadlines for many short waits, all on one timer.
//! Never ends a wait early; it may end one tick late.
//!
//! A review nearly always ends within microseconds, and arming and disarming a timer for each would
//! be among the most expensive steps of an answer from the cache.

use std::{pin::Pin, time::Duration};

use tokio::sync::watch;

/// The precision of the deadlines.
const TICK: Duration = Duration::from_millis(100);

/// Counts ticks while `drive` runs.
#[derive(Debug)]
pub struct CoarseTimeout {
    count: watch::Sender<u64>,
}

impl Default for CoarseTimeout {
    fn default() -> Self {
        Self { count: watch::Sender::new(0) }
    }
}

impl CoarseTimeout {
    /// Counts ticks; never returns.
    pub async fn drive(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            self.count.send_modify(|count| *count += 1);
        }
    }

    /// The result of `work`, or `None` if it takes longer than `limit`. The caller pins it, so that
    /// it is not moved.
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.passed(limit) => None,
        }
    }

    async fn passed(&self, limit: Duration) {
        let mut count = self.count.subscribe();
        let ticks = limit.as_millis().div_ceil(TICK.as_millis());
        // The current tick may be nearly over, so it does not count.
        let end = u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1);
        let end = count.borrow().saturating_add(end);
        if count.wait_for(|count| end <= *count).await.is_err() {
            // No task counts any more; only the work can end the wait.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_its_work_or_within_a_tick_after_its_limit() {
        let ticks = CoarseTimeout::default();
        let limit = Duration::from_millis(150);
        let waiting = async {
            assert_eq!(ticks.within(limit, pin!(async { 7 })).await, Some(7));
            let begun = Instant::now();
            assert_eq!(ticks.within(limit, pin!(std::future::pending::<()>())).await, None);
            begun.elapsed()
        };
        let waited = tokio::select! {
            waited = timeout(Duration::from_secs(10), waiting) => waited.unwrap(),
            () = ticks.drive() => unreachable!("it counts for ever"),
        };
        assert!(limit <= waited, "{waited:?}");
    }
}
