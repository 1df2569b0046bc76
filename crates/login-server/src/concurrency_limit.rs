//! Limits how many reviews are judged at the same moment, and how many may wait briefly.
//! Never lets a review wait long: kube-apiserver retries sooner than a long queue would answer.

use std::{pin::pin, time::Duration};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::system::coarse_timeout::CoarseTimeout;

/// A limit on concurrent work, with a short queue.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    running: Semaphore,
    waiting: Semaphore,
    wait: Duration,
}

impl ConcurrencyLimit {
    /// At most `running` at the same moment; `waiting` more wait, each for at most `wait`.
    pub fn new(running: usize, waiting: usize, wait: Duration) -> Self {
        Self { running: Semaphore::new(running), waiting: Semaphore::new(waiting), wait }
    }

    /// A turn, which ends when it is dropped; none if too many came before, or for too long.
    pub async fn take(&self, timeout: &CoarseTimeout) -> Option<SemaphorePermit<'_>> {
        if let Ok(turn) = self.running.try_acquire() {
            return Some(turn);
        }
        let _place = self.waiting.try_acquire().ok()?;
        timeout.within(self.wait, pin!(self.running.acquire())).await?.ok()
    }

    /// Turns that are free.
    pub fn available_permits(&self) -> usize {
        self.running.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_few_wait_for_a_turn_and_nobody_else_does() {
        let (limits, timeout) =
            (ConcurrencyLimit::new(1, 1, Duration::from_mins(1)), CoarseTimeout::default());
        let first = limits.take(&timeout).await.unwrap();
        assert_eq!(limits.available_permits(), 0);
        let mut second = pin!(limits.take(&timeout));
        // Polled once, so that it waits in the queue.
        tokio::select! {
            biased;
            _ = &mut second => unreachable!("the first one has its turn still"),
            () = std::future::ready(()) => {}
        }
        assert!(limits.take(&timeout).await.is_none());
        drop(first);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn a_wait_ends_without_a_turn() {
        let (limits, timeout) =
            (ConcurrencyLimit::new(1, 1, Duration::from_millis(1)), CoarseTimeout::default());
        let _first = limits.take(&timeout).await.unwrap();
        let second = tokio::select! {
            second = limits.take(&timeout) => second,
            () = timeout.drive() => unreachable!("it counts for ever"),
        };
        assert!(second.is_none());
    }
}
