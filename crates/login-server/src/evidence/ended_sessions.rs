//! The sessions that the embedded issuer ended early, in this process or in another one with the
//! same database.
//! Never takes an unavailable store for "none ended": what is not known stays unknown.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use login_common::causes;
use login_review::EndedSessions;
use tokio::time::{Instant, timeout};

use crate::embedded::{Embedded, Gate};

/// How long the last known state counts while the store does not answer. Another process may end
/// sessions meanwhile.
const LONGEST_BLINDNESS: Duration = Duration::from_mins(1);

/// The known ended sessions, and how often they grew.
#[derive(Debug)]
pub struct EndedSessionsInForce {
    /// The state before the store first answered.
    unknown: EndedSessions,
    known: ArcSwap<EndedSessions>,
    epoch: AtomicU64,
    /// Counts queries that began.
    begun: AtomicU64,
    /// One query at a time, so that an older answer never replaces a newer one. Holds the number of
    /// the latest answered query.
    looking: tokio::sync::Mutex<u64>,
    blind_since: Mutex<Option<Instant>>,
}

impl EndedSessionsInForce {
    /// The sessions of the embedded `issuer`, of which nothing is known yet.
    pub fn new(issuer: Option<&str>) -> Self {
        let unknown = issuer.map_or_else(EndedSessions::default, EndedSessions::unknown);
        Self {
            known: ArcSwap::from_pointee(unknown.clone()),
            unknown,
            epoch: AtomicU64::default(),
            begun: AtomicU64::default(),
            looking: tokio::sync::Mutex::default(),
            blind_since: Mutex::default(),
        }
    }

    /// Counts the times that sessions were added, or became unknown. A review reads it first; an
    /// answer that began under another count is stale.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The sessions known now.
    pub fn known(&self) -> Guard<Arc<EndedSessions>> {
        self.known.load()
    }

    /// Queries the store of `embedded` once, with the same time limit as its other work.
    pub async fn look(&self, embedded: &Embedded) {
        let ask = async {
            let asked = embedded
                .ask(Gate::Internal, |issuer, now| {
                    let ended = issuer.ended_sessions(now);
                    ended.map(|ended| EndedSessions::new(issuer.settings().issuer.as_str(), ended))
                })
                .await;
            match asked {
                Ok(Ok(ended)) => Ok(ended),
                Ok(Err(fault)) => Err(causes::one_line(&fault)),
                Err(fault) => Err(fault.as_str().to_owned()),
            }
        };
        self.look_by(ask, embedded.limits.form).await;
    }

    /// A caller that waited while another query began and ended needs no query of its own: any
    /// number of concurrent callers cost two queries.
    async fn look_by(
        &self,
        ask: impl Future<Output = Result<EndedSessions, String>>,
        patience: Duration,
    ) {
        let begun = self.begun.load(Ordering::Acquire);
        let look = async {
            let mut answered = self.looking.lock().await;
            if *answered > begun {
                return;
            }
            let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
            match ask.await {
                Ok(ended) => self.learn(ended),
                Err(error) => self.go_blind(&error, Instant::now()),
            }
            // Last, since an abandoned query has answered no caller.
            *answered = number;
        };
        if timeout(patience, look).await.is_err() {
            self.go_blind("did not answer in time", Instant::now());
        }
    }

    /// Replaces what is known by what the store says.
    pub fn learn(&self, ended: EndedSessions) {
        let blind_since = self.blind_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if blind_since.is_some() {
            tracing::info!("ended sessions can be read again");
        }
        self.replace(ended);
    }

    fn go_blind(&self, error: &str, now: Instant) {
        let mut blind_since = self.blind_since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *blind_since.get_or_insert_with(|| {
            // Logged once, not every second.
            tracing::error!(
                error,
                "could not read the ended sessions; the earlier list stays in force"
            );
            now
        });
        if now.duration_since(since) >= LONGEST_BLINDNESS && **self.known.load() != self.unknown {
            tracing::error!(
                error,
                "could not read the ended sessions for a minute; tokens of the embedded issuer's sessions get no verdict until it succeeds"
            );
            self.replace(self.unknown.clone());
        }
    }

    fn replace(&self, ended: EndedSessions) {
        let known = self.known.load();
        if ended == **known {
            return;
        }
        let has_grown = !ended.is_subset(&known);
        self.known.store(Arc::new(ended));
        // After the sessions, so that a reader of the new count sees them.
        if has_grown {
            self.epoch.fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use login_protocols::oidc::Claims;
    use tokio::{join, sync::Notify};

    use super::*;

    const ISSUER: &str = "https://id.example";
    const PATIENCE: Duration = Duration::from_secs(10);

    fn ended(sessions: &[&str]) -> EndedSessions {
        EndedSessions::new(ISSUER, sessions.iter().map(ToString::to_string))
    }

    fn is_in_doubt(in_force: &EndedSessionsInForce) -> bool {
        let claims = serde_json::json!({"sid": "s"}).as_object().unwrap().clone();
        in_force.known().are_unknown_for(ISSUER, &Claims::from(claims))
    }

    #[test]
    fn answers_are_out_of_date_when_a_session_ends_and_not_when_one_is_forgotten() {
        let in_force = EndedSessionsInForce::new(Some(ISSUER));
        for (sessions, epoch) in [
            (&[][..], 1),
            (&["a"][..], 2),
            (&["a"], 2),
            (&["a", "b"], 3),
            (&["b"], 3),
            (&["c"], 4),
            (&[], 4),
        ] {
            in_force.replace(ended(sessions));
            assert_eq!((in_force.epoch(), in_force.known().len()), (epoch, sessions.len()));
        }
    }

    #[tokio::test]
    async fn what_was_known_counts_for_a_minute_of_silence_and_nothing_before_the_first_answer() {
        let in_force = EndedSessionsInForce::new(Some(ISSUER));
        let begin = Instant::now();
        let fail = |at| in_force.go_blind("busy", begin + at);
        in_force.look_by(ready(Err("busy".to_owned())), PATIENCE).await;
        assert!(is_in_doubt(&in_force));
        in_force.look_by(ready(Ok(ended(&["a"]))), PATIENCE).await;
        assert!(!is_in_doubt(&in_force));
        fail(Duration::ZERO);
        fail(LONGEST_BLINDNESS / 2);
        let epoch = in_force.epoch();
        assert!(!is_in_doubt(&in_force) && in_force.known().len() == 1);
        fail(LONGEST_BLINDNESS);
        assert!(is_in_doubt(&in_force) && in_force.epoch() > epoch, "kept answers are not said");
        in_force.look_by(ready(Ok(ended(&["a"]))), PATIENCE).await;
        assert!(!is_in_doubt(&in_force));
        assert!(!is_in_doubt(&EndedSessionsInForce::new(None)), "nobody issues sessions here");
    }

    #[tokio::test]
    async fn who_waited_for_a_look_that_began_later_does_not_ask_again() {
        let in_force = EndedSessionsInForce::new(Some(ISSUER));
        let (asked, may_answer) = (AtomicU64::default(), Notify::new());
        let look = || {
            in_force.look_by(
                async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    may_answer.notified().await;
                    Ok(ended(&["a"]))
                },
                PATIENCE,
            )
        };
        let answering = async {
            while asked.load(Ordering::Relaxed) < 2 {
                may_answer.notify_one();
                tokio::task::yield_now().await;
            }
            may_answer.notify_one();
        };
        join!(look(), look(), look(), look(), answering);
        // The first query began before the others waited, so its answer is too old for them.
        assert_eq!((asked.load(Ordering::Relaxed), in_force.known().len()), (2, 1));
    }

    #[tokio::test]
    async fn a_store_that_hangs_holds_nobody_up_for_ever() {
        let in_force = EndedSessionsInForce::new(Some(ISSUER));
        in_force.look_by(std::future::pending(), Duration::from_millis(1)).await;
        assert!(is_in_doubt(&in_force));
        in_force.look_by(ready(Ok(ended(&["a"]))), PATIENCE).await;
        assert_eq!(in_force.known().len(), 1);
    }
}
