//! A circuit breaker: who failed several times in a row is left alone for a while, then tried by
//! one request.
//! Never counts a request that was given up: that says nothing about the other side.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row that open it.
const THRESHOLD: u32 = 5;
/// How long it stays open.
const PAUSE: Duration = Duration::from_secs(5);

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Circuit>);

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// Set while it is open.
    closed_again: Option<Instant>,
    probing: bool,
}

/// Leave to try once. Dropped without a word, it counts for nothing.
#[derive(Debug)]
pub(super) struct Attempt<'b> {
    breaker: &'b Breaker,
    /// The one request that is let out while the circuit is open.
    is_probe: bool,
}

impl Breaker {
    /// Leave for one request, unless the circuit is open at `now`.
    pub(super) fn admit(&self, now: Instant) -> Option<Attempt<'_>> {
        let mut circuit = self.lock();
        let is_probe = circuit.closed_again.is_some();
        if let Some(closed_again) = circuit.closed_again {
            if now < closed_again || circuit.probing {
                return None;
            }
            circuit.probing = true;
        }
        Some(Attempt { breaker: self, is_probe })
    }

    /// Whether requests are turned away.
    pub(super) fn is_open(&self) -> bool {
        self.lock().closed_again.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The other side answered.
    pub(super) fn succeeded(self) {
        *self.breaker.lock() = Circuit::default();
    }

    /// The other side did not answer, or not as it should. True when this opened the circuit.
    pub(super) fn failed(self, now: Instant) -> bool {
        let mut circuit = self.breaker.lock();
        circuit.failures = circuit.failures.saturating_add(1);
        let was_open = circuit.closed_again.is_some();
        if circuit.failures >= THRESHOLD {
            circuit.closed_again = Some(now + PAUSE);
        }
        !was_open && circuit.closed_again.is_some()
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        // Whoever was let out before the circuit opened may end while the probe is out.
        if self.is_probe {
            self.breaker.lock().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_failures_in_a_row_open_it_and_one_probe_closes_it() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 1..THRESHOLD {
            assert!(!breaker.admit(start).unwrap().failed(start));
        }
        // A success in between begins the count anew.
        breaker.admit(start).unwrap().succeeded();
        for number in 1..=THRESHOLD {
            assert_eq!(breaker.admit(start).unwrap().failed(start), number == THRESHOLD);
        }
        assert!(breaker.is_open());
        assert!(breaker.admit(start).is_none());
        let later = start + PAUSE;
        let probe = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_none(), "one at a time");
        assert!(!probe.failed(later), "it was open before");
        assert!(breaker.admit(later).is_none());
        let later = later + PAUSE;
        drop(breaker.admit(later).unwrap());
        breaker.admit(later).unwrap().succeeded();
        assert!(!breaker.is_open() && breaker.admit(later).is_some());
    }

    #[test]
    fn whoever_was_let_out_before_it_opened_lets_no_second_probe_out() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let [late, later] = [breaker.admit(start).unwrap(), breaker.admit(start).unwrap()];
        for _ in 0..THRESHOLD {
            breaker.admit(start).unwrap().failed(start);
        }
        let after = start + PAUSE;
        let probe = breaker.admit(after).unwrap();
        drop(late);
        assert!(breaker.admit(after).is_none());
        assert!(!later.failed(start));
        assert!(breaker.admit(after).is_none());
        probe.succeeded();
        assert!(breaker.admit(after).is_some());
    }

    #[test]
    fn what_was_given_up_counts_for_nothing() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..3 * THRESHOLD {
            drop(breaker.admit(start).unwrap());
        }
        assert!(!breaker.is_open());
    }
}
