//! A circuit breaker: a failing party gets no requests for a while, then is tried again.
//! Never counts failures that a single question may have caused, nor questions about unproven
//! names: a caller that makes up odd tokens must not cut off the others.
//!
//! What counts: failed connections, which no question can cause, and questions about several proven
//! names without an answer in between. While no question about an unproven name is answered, these
//! are limited to a rate instead.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use login_review::TokenDigest;
use tokio::time::Instant;

/// Consecutive failures that open the circuit.
const THRESHOLD: usize = 5;
/// The same while on trial.
const THRESHOLD_ON_TRIAL: usize = 2;
/// How long the circuit stays open.
pub(super) const PAUSE: Duration = Duration::from_secs(5);
/// Concurrent questions about proven names while on trial.
const TRIALS: u32 = 5;
/// Questions about unproven names per second while none is answered.
pub(super) const STRANGERS: u32 = 16;

/// What is known about the name asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing: it may be made up.
    Stranger,
    /// The party gave a good answer about it before.
    Proven,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Circuit>);

#[derive(Debug, Default)]
struct Circuit {
    unreachable: usize,
    /// Proven names without an answer, each once.
    unanswered: Vec<TokenDigest>,
    /// Set while the circuit is open, and on trial until the party answers.
    opens_again: Option<Instant>,
    trials: u32,
    strangers: Strangers,
}

#[derive(Debug, Default)]
struct Strangers {
    /// Since the party's last answer to any question.
    unanswered: usize,
    left: u32,
    counted_from: Option<Instant>,
}

/// Permission for one try. Dropped without an outcome, it does not count.
#[derive(Debug)]
pub(super) struct Admission<'b> {
    breaker: &'b Breaker,
    standing: Standing,
    is_trial: bool,
}

impl Breaker {
    /// Permission for one question at `now`.
    pub(super) fn admit(&self, standing: Standing, now: Instant) -> Option<Admission<'_>> {
        let mut circuit = self.lock();
        if circuit.is_shut(now) {
            return None;
        }
        let is_on_trial = circuit.opens_again.is_some();
        let is_trial = is_on_trial && standing == Standing::Proven;
        match standing {
            Standing::Proven if is_trial && circuit.trials >= TRIALS => return None,
            Standing::Proven => circuit.trials += u32::from(is_trial),
            Standing::Stranger => {
                let strangers = &mut circuit.strangers;
                let is_limited = is_on_trial || strangers.unanswered >= THRESHOLD;
                if is_limited && !strangers.take(now) {
                    return None;
                }
            }
        }
        Some(Admission { breaker: self, standing, is_trial })
    }

    /// Whether all questions are turned away at `now`.
    pub(super) fn is_shut(&self, now: Instant) -> bool {
        self.lock().is_shut(now)
    }

    /// Whether the circuit is open or on trial.
    pub(super) fn is_open(&self) -> bool {
        self.lock().opens_again.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Circuit {
    fn is_shut(&self, now: Instant) -> bool {
        self.opens_again.is_some_and(|opens| now < opens)
    }

    const fn threshold(&self) -> usize {
        if self.opens_again.is_some() { THRESHOLD_ON_TRIAL } else { THRESHOLD }
    }

    fn open(&mut self, now: Instant) {
        self.opens_again = Some(now + PAUSE);
        // Later failures are counted afresh.
        self.unreachable = 0;
        self.unanswered.clear();
    }
}

impl Strangers {
    fn take(&mut self, now: Instant) -> bool {
        let second = Duration::from_secs(1);
        if self.counted_from.is_none_or(|from| from + second <= now) {
            (self.counted_from, self.left) = (Some(now), STRANGERS);
        }
        let has_one = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_one
    }
}

impl Admission<'_> {
    /// The party answered, whatever the answer.
    pub(super) fn answered(self) {
        let mut circuit = self.breaker.lock();
        circuit.opens_again = None;
        circuit.unreachable = 0;
        circuit.unanswered.clear();
        circuit.strangers.unanswered = 0;
    }

    /// No connection was made. Returns true if this opened the circuit.
    pub(super) fn unreachable(self, now: Instant) -> bool {
        let mut circuit = self.breaker.lock();
        if circuit.is_shut(now) {
            return false;
        }
        let was_closed = circuit.opens_again.is_none();
        circuit.unreachable += 1;
        // No question can cause this, so one failure is enough on trial.
        if circuit.unreachable >= THRESHOLD || !was_closed {
            circuit.open(now);
        }
        was_closed && circuit.opens_again.is_some()
    }

    /// The party was asked about `name` and gave no usable answer. Returns true if this opened the
    /// circuit.
    pub(super) fn unanswered(self, name: &TokenDigest, now: Instant) -> bool {
        let mut circuit = self.breaker.lock();
        if self.standing == Standing::Stranger {
            circuit.strangers.unanswered = circuit.strangers.unanswered.saturating_add(1);
            return false;
        }
        if circuit.is_shut(now) {
            return false;
        }
        let was_closed = circuit.opens_again.is_none();
        if !circuit.unanswered.contains(name) {
            circuit.unanswered.push(*name);
        }
        if circuit.unanswered.len() >= circuit.threshold() {
            circuit.open(now);
        }
        was_closed && circuit.opens_again.is_some()
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            let mut circuit = self.breaker.lock();
            circuit.trials = circuit.trials.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
