//! Limits how many reviews are judged at the same moment, and how many may wait briefly.
//! Never lets a review wait long: kube-apiserver retries sooner than a long queue would answer.

use std::{pin::pin, time::Duration};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::system::ticks::Ticks;

/// A limit on concurrent work, with a short queue.
#[derive(Debug)]
pub struct Turns {
    running: Semaphore,
    waiting: Semaphore,
    wait: Duration,
}

impl Turns {
    /// At most `running` at the same moment; `waiting` more wait, each for at most `wait`.
    pub fn new(running: usize, waiting: usize, wait: Duration) -> Self {
        Self { running: Semaphore::new(running), waiting: Semaphore::new(waiting), wait }
    }

    /// A turn, which ends when it is dropped; none if too many came before, or for too long.
    pub async fn take(&self, ticks: &Ticks) -> Option<SemaphorePermit<'_>> {
        if let Ok(turn) = self.running.try_acquire() {
            return Some(turn);
        }
        let _place = self.waiting.try_acquire().ok()?;
        ticks.within(self.wait, pin!(self.running.acquire())).await?.ok()
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
        let (turns, ticks) = (Turns::new(1, 1, Duration::from_mins(1)), Ticks::default());
        let first = turns.take(&ticks).await.unwrap();
        assert_eq!(turns.available_permits(), 0);
        let mut second = pin!(turns.take(&ticks));
        // Polled once, so that it waits in the queue.
        tokio::select! {
            biased;
            _ = &mut second => unreachable!("the first one has its turn still"),
            () = std::future::ready(()) => {}
        }
        assert!(turns.take(&ticks).await.is_none());
        drop(first);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn a_wait_ends_without_a_turn() {
        let (turns, ticks) = (Turns::new(1, 1, Duration::from_millis(1)), Ticks::default());
        let _first = turns.take(&ticks).await.unwrap();
        let second = tokio::select! {
            second = turns.take(&ticks) => second,
            () = ticks.drive() => unreachable!("it counts for ever"),
        };
        assert!(second.is_none());
    }
}
