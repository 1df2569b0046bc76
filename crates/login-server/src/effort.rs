//! How long the expressions of a review may take, and where: at once while that is short, else on
//! a thread of their own.
//!
//! Never lets an expression keep the sockets waiting for longer than [`AT_ONCE`], and never those
//! of one party another party's: each has a turn of its own.

use std::time::Duration;

use login_review::{Decision, Outage, Patience, Verdict};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    config::Limits,
    system::{clock, ticks::Ticks},
    turns::Turns,
};

/// An expression over a usual token takes microseconds.
const AT_ONCE: Duration = Duration::from_millis(2);

/// Parties beyond so many share their turns.
const PARTIES: usize = 64;

/// Of one party, reviews whose expressions are slow: so many at the same moment.
const RUNNING: usize = 1;
/// So many more wait for that.
const WAITING: usize = 16;

/// The turns of all parties.
#[derive(Debug)]
pub struct Efforts {
    turns: Vec<Turns>,
    longest: Duration,
}

impl Efforts {
    /// Nobody has a turn.
    pub fn new(limits: &Limits) -> Self {
        let turns = || Turns::new(RUNNING, WAITING, limits.review);
        Self {
            turns: std::iter::repeat_with(turns).take(PARTIES).collect(),
            longest: limits.expressions,
        }
    }

    /// What `decide` says with enough patience. It is asked twice where it takes long: it may
    /// change nothing.
    pub async fn decide(
        &self,
        ticks: &Ticks,
        party: usize,
        decide: impl Fn(&Patience) -> Decision,
    ) -> Decision {
        let quick = patience(AT_ONCE);
        let decision = decide(&quick);
        if !quick.has_stopped() {
            return decision;
        }
        let turn = match self.turns.get(party % PARTIES) {
            Some(turns) => turns.take(ticks).await,
            None => None,
        };
        if turn.is_none() {
            return Decision::Verdict(Verdict::CannotTell(Outage::DeadlineExceeded));
        }
        apart(|| decide(&patience(self.longest)))
    }
}

/// Enough for what is only told to the operator.
pub fn short_patience() -> Patience {
    patience(AT_ONCE)
}

fn patience(time: Duration) -> Patience {
    let end = clock::instant() + time;
    Patience::until(move || end <= clock::instant())
}

/// Runs `work` while another thread takes over what this one does for sockets and timers.
fn apart<T>(work: impl FnOnce() -> T) -> T {
    // With a single thread there is none that could.
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
        let (efforts, ticks) = (Efforts::new(&Limits::default()), Ticks::default());
        let asked = AtomicUsize::new(0);
        let decide = |_: &Patience| {
            asked.fetch_add(1, Ordering::Relaxed);
            REFUSED
        };
        assert_eq!(efforts.decide(&ticks, 0, decide).await, REFUSED);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
