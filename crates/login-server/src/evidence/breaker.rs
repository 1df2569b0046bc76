//! A circuit breaker: a party that is out of order is left alone for a while, then tried again.
//! Never counts what one question may have brought upon itself, and never what a stranger asked:
//! whoever makes up odd tokens must not cut off the others.
//!
//! What counts: connections that did not come about, which no question can cause, and questions of
//! several proven names without an answer in between. Strangers are kept to a rate instead while
//! none of their questions is answered.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use login_review::TokenDigest;
use tokio::time::Instant;

/// Failures in a row that open it.
const THRESHOLD: usize = 5;
/// The same while it is tried again.
const THRESHOLD_ON_TRIAL: usize = 2;
/// How long it stays open.
pub(super) const PAUSE: Duration = Duration::from_secs(5);
/// Questions of proven names at the same moment while it is tried again.
const TRIALS: u32 = 5;
/// Strangers in a second while none of them is answered.
pub(super) const STRANGERS: u32 = 16;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody knows whether there is anything behind the name.
    Stranger,
    /// What the party said of the name was good before.
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
    /// Set while it is open, and then until it has answered.
    opens_again: Option<Instant>,
    trials: u32,
    strangers: Strangers,
}

#[derive(Debug, Default)]
struct Strangers {
    /// Since the last answer to anybody.
    unanswered: usize,
    left: u32,
    counted_from: Option<Instant>,
}

/// Leave to try once. Dropped without a word, it counts for nothing.
#[derive(Debug)]
pub(super) struct Attempt<'b> {
    breaker: &'b Breaker,
    standing: Standing,
    is_trial: bool,
}

impl Breaker {
    /// Leave for one question at `now`.
    pub(super) fn admit(&self, standing: Standing, now: Instant) -> Option<Attempt<'_>> {
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
        Some(Attempt { breaker: self, standing, is_trial })
    }

    /// Whether everybody is turned away at `now`.
    pub(super) fn is_shut(&self, now: Instant) -> bool {
        self.lock().is_shut(now)
    }

    /// Whether the party is out of order, as far as is known.
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
        // What comes next is judged by itself.
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

impl Attempt<'_> {
    /// The other side answered, whatever it said.
    pub(super) fn answered(self) {
        let mut circuit = self.breaker.lock();
        circuit.opens_again = None;
        circuit.unreachable = 0;
        circuit.unanswered.clear();
        circuit.strangers.unanswered = 0;
    }

    /// No connection came about. True when this opened the circuit.
    pub(super) fn unreachable(self, now: Instant) -> bool {
        let mut circuit = self.breaker.lock();
        if circuit.is_shut(now) {
            return false;
        }
        let was_closed = circuit.opens_again.is_none();
        circuit.unreachable += 1;
        // Nobody brings that about by what he asks, so one is enough on trial.
        if circuit.unreachable >= THRESHOLD || !was_closed {
            circuit.open(now);
        }
        was_closed && circuit.opens_again.is_some()
    }

    /// It was asked about `name`, and gave no answer that can be used. True when this opened the
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

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            let mut circuit = self.breaker.lock();
            circuit.trials = circuit.trials.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
