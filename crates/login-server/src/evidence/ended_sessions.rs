//! The sessions that the embedded issuer ended before their time, in this process or in another
//! one with the same database.
//! Never forgets one while a token of it may live, also when the store does not answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use arc_swap::{ArcSwap, Guard};
use login_review::EndedSessions;
use tokio::sync::Mutex;

use crate::{
    config::Limits,
    start::{Embedded, Gate},
    system::clock,
    telemetry::chain,
};

/// What is known of them, and how often that grew.
#[derive(Debug, Default)]
pub struct EndedSessionsInForce {
    known: ArcSwap<EndedSessions>,
    epoch: AtomicU64,
    /// One look at a time, so that an older answer of the store never follows a newer one.
    looking: Mutex<()>,
    is_blind: AtomicBool,
}

impl EndedSessionsInForce {
    /// Counts the times that sessions were added. A review reads it before anything else; an
    /// answer that began under another count is out of date.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Those known now.
    pub fn known(&self) -> Guard<Arc<EndedSessions>> {
        self.known.load()
    }

    /// Asks the store of `embedded` once.
    pub async fn look(&self, embedded: &Embedded, limits: &Limits) {
        let _alone = self.looking.lock().await;
        let asked = embedded
            .ask(Gate::Store, limits, |issuer| {
                let ended = issuer.ended_sessions(clock::now());
                ended.map(|ended| EndedSessions::new(issuer.settings().issuer.as_str(), ended))
            })
            .await;
        let error = match asked {
            Ok(Ok(ended)) => {
                if self.is_blind.swap(false, Ordering::Relaxed) {
                    tracing::info!("ended sessions can be read again");
                }
                return self.replace(ended);
            }
            Ok(Err(fault)) => chain(&fault),
            Err(fault) => fault.as_str().to_owned(),
        };
        // Once, and not each second.
        if !self.is_blind.swap(true, Ordering::Relaxed) {
            tracing::error!(
                error,
                "could not read which sessions ended; those known stay in force"
            );
        }
    }

    fn replace(&self, ended: EndedSessions) {
        let known = self.known.load();
        if ended == **known {
            return;
        }
        let has_grown = !ended.is_subset(&known);
        self.known.store(Arc::new(ended));
        // After the sessions: whoever reads the new count sees them.
        if has_grown {
            self.epoch.fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(sessions: &[&str]) -> EndedSessions {
        EndedSessions::new("https://id.example", sessions.iter().map(ToString::to_string))
    }

    #[test]
    fn answers_are_out_of_date_when_a_session_ends_and_not_when_one_is_forgotten() {
        let in_force = EndedSessionsInForce::default();
        for (sessions, epoch) in [
            (&[][..], 0),
            (&["a"][..], 1),
            (&["a"], 1),
            (&["a", "b"], 2),
            (&["b"], 2),
            (&["c"], 3),
            (&[], 3),
        ] {
            in_force.replace(ended(sessions));
            assert_eq!((in_force.epoch(), in_force.known().len()), (epoch, sessions.len()));
        }
    }
}
