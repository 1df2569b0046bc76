//! Limits the time of a review's expressions. Short ones run at once; a longer one takes a turn,
//! and another thread takes over sockets and timers meanwhile.
//!
//! Never lets an expression block the sockets for longer than [`AT_ONCE`], and never lets one
//! party's expressions delay another party's: each has turns of its own.

use std::time::Duration;

use login_review::{Decision, Outage, Patience, Verdict};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    concurrency_limit::ConcurrencyLimit,
    config::Limits,
    system::{clock, coarse_timeout::CoarseTimeout},
};

/// An expression over a typical token takes microseconds.
const AT_ONCE: Duration = Duration::from_millis(2);

/// More parties than this share turns.
const PARTIES: usize = 64;

/// Reviews of one party with slow expressions that run at the same moment.
const RUNNING: usize = 1;
/// Reviews that wait for such a turn.
const WAITING: usize = 16;

/// The turns of all parties.
#[derive(Debug)]
pub struct Efforts {
    limits: Vec<ConcurrencyLimit>,
    longest: Duration,
}

impl Efforts {
    /// All turns are free.
    pub fn new(limits: &Limits) -> Self {
        let limit = || ConcurrencyLimit::new(RUNNING, WAITING, limits.review);
        Self {
            limits: std::iter::repeat_with(limit).take(PARTIES).collect(),
            longest: limits.expressions,
        }
    }

    /// Returns what `decide` decides with enough time. `decide` runs twice if it is slow, so it
    /// must have no side effects.
    pub async fn decide(
        &self,
        timeout: &CoarseTimeout,
        party: usize,
        decide: impl Fn(&Patience) -> Decision,
    ) -> Decision {
        let quick = patience(AT_ONCE);
        let decision = decide(&quick);
        if !quick.has_stopped() {
            return decision;
        }
        let turn = match self.limits.get(party % PARTIES) {
            Some(limit) => limit.take(timeout).await,
            None => None,
        };
        if turn.is_none() {
            return Decision::Verdict(Verdict::CannotTell(Outage::DeadlineExceeded));
        }
        apart(|| decide(&patience(self.longest)))
    }
}

/// Enough for an expression whose result is only logged.
pub fn short_patience() -> Patience {
    patience(AT_ONCE)
}

fn patience(time: Duration) -> Patience {
    let end = clock::instant() + time;
    Patience::until(move || end <= clock::instant())
}

/// Runs `work` while another thread takes over this thread's sockets and timers.
fn apart<T>(work: impl FnOnce() -> T) -> T {
    // A single-threaded runtime has no other thread.
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) | Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use login_review::Reason;

    use super::*;

    const REFUSED: Decision = Decision::Verdict(Verdict::Refused(Reason::Expired));

    #[tokio::test]
    async fn what_is_quick_is_asked_once() {
        let (efforts, timeout) = (Efforts::new(&Limits::default()), CoarseTimeout::default());
        let asked = AtomicUsize::new(0);
        let decide = |_: &Patience| {
            asked.fetch_add(1, Ordering::Relaxed);
            REFUSED
        };
        assert_eq!(efforts.decide(&timeout, 0, decide).await, REFUSED);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
