//! Renews a token that is still valid: before its expiry, or because a cluster has probably refused
//! it.
//! Never prompts a user, never waits for another process, never makes two attempts in a row.

use std::time::Duration;

use login_common::exec_credential::ExecApiVersion;
use zeroize::Zeroizing;

use super::{
    Refreshed, Renewal, Unrenewed,
    failure::RenewalError,
    kept::{Found, Kept, Standing},
    rendered,
};
use crate::{
    cache::renewal_lock::{self, Work},
    flows::issued::Issued,
    report::{Failure, Report},
};

/// How long the preparations may delay a caller who could have had the old token. The request
/// itself has its own limit and is never cancelled: its response may hold the only valid refresh
/// token.
const BOUND: Duration = Duration::from_secs(5);

/// The result of an attempt.
enum Attempt {
    Token(Issued),
    /// The issuer has ended the session.
    Refused,
    /// Nothing can be done without a user.
    Nothing,
    /// The attempt failed or took too long; another one may follow.
    Later,
}

impl Renewal<'_> {
    /// The answer, if it needs no wait for another process; `None` if the token must be renewed
    /// first.
    pub(super) fn without_waiting(
        &self,
        kept: &Kept<'_>,
        found: &Found,
        version: ExecApiVersion,
    ) -> Option<Result<Zeroizing<String>, Failure>> {
        let standing = kept.standing(found);
        match standing {
            Standing::Old => None,
            Standing::Good => {
                kept.note(found);
                Some(Ok(found.answer(version)))
            }
            Standing::Due | Standing::Suspected => {
                Some(self.early(kept, found, version).map(|renewed| {
                    renewed.unwrap_or_else(|| {
                        // The attempt has replaced the file.
                        kept.find().iter().for_each(|found| kept.note(found));
                        found.answer(version)
                    })
                }))
            }
        }
    }

    /// A new token, or `None` to use the old one.
    fn early(
        &self,
        kept: &Kept<'_>,
        seen: &Found,
        version: ExecApiVersion,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        // The lock's holder is already renewing.
        let name = self.target.cache_key.as_str();
        let Some(lock) = renewal_lock::try_take(kept.directory(), name) else { return Ok(None) };
        self.lock.replace(Some(lock));
        let Some(found) = kept.find().filter(|found| found.entry == seen.entry) else {
            self.conclude();
            let newer = kept.find().filter(Found::is_good);
            return Ok(newer.map(|newer| newer.answer(version)));
        };
        let is_suspected = kept.standing(seen) == Standing::Suspected;
        let suspicions = found.entry.suspicions.saturating_add(u32::from(is_suspected));
        // Recorded before the attempt, so that many processes that are killed one after the other
        // still make few attempts; if it cannot be recorded, no attempt is made.
        let attempted = found.entry.lifetime.after_attempt(found.now());
        if !kept.change(&found, attempted, suspicions) {
            self.conclude();
            return Ok(None);
        }
        kept.suspicions.set(if is_suspected { suspicions } else { 0 });
        let attempt = self.run(async {
            self.describe(Work::Renewing);
            kept.sweep();
            Ok(self.attempt(kept).await)
        })?;
        let outcome = match attempt {
            Attempt::Token(issued) => Ok(Some(rendered(&issued, version))),
            Attempt::Later => Ok(None),
            Attempt::Refused if is_suspected => {
                // The cluster and the issuer agree: this token is not used any more.
                let failure =
                    Failure::from(RenewalError::Ended { issuer: self.target.issuer.clone() });
                kept.remember(&Report::from(&failure), true);
                kept.forget_token();
                Err(failure)
            }
            Attempt::Refused | Attempt::Nothing => {
                kept.change(&found, attempted.without_renewal_ahead(), suspicions);
                if is_suspected {
                    self.system.terminal.say(
                        "kubectl-login: if the cluster refuses this token, \
                         `kubectl-login login` gets another",
                    );
                }
                Ok(None)
            }
        };
        self.conclude();
        outcome
    }

    async fn attempt(&self, kept: &Kept<'_>) -> Attempt {
        if self.target.is_for_job() {
            // A job can authenticate again at any time: cancelling loses nothing.
            let renewed = tokio::time::timeout(BOUND, self.renew_machine()).await;
            return renewed.map_or(Attempt::Later, |renewed| {
                renewed.map_or_else(|error| self.later(&error), Attempt::Token)
            });
        }
        kept.hurry(Some(BOUND));
        let spendable = kept.spendable();
        kept.hurry(None);
        let (secret, place) = match spendable {
            Ok(Some(found)) => found,
            Ok(None) => return Attempt::Nothing,
            Err(source) => {
                self.system.terminal.detail(&format!("kubectl-login: no early renewal: {source}"));
                return Attempt::Nothing;
            }
        };
        let prepared = tokio::time::timeout(BOUND, async {
            let session = self.session().await?;
            // Stored on disk, where the renewal finds it.
            session.metadata().await.map_err(|error| self.failure(error))?;
            Ok::<_, Failure>(session)
        });
        let session = match prepared.await {
            Ok(Ok(session)) => session,
            Ok(Err(failure)) => return self.later(&Unrenewed::alone(failure)),
            Err(_) => return Attempt::Later,
        };
        match self.refresh(&session, secret, place).await {
            Ok(Refreshed::Token(issued)) => Attempt::Token(issued),
            Ok(Refreshed::Refused) => Attempt::Refused,
            Ok(Refreshed::WithoutIdToken) => Attempt::Nothing,
            Err(error) => self.later(&error),
        }
    }

    fn later(&self, error: &Unrenewed) -> Attempt {
        let text = error.failure.to_string();
        self.system.terminal.detail(&format!("kubectl-login: no early renewal: {text}"));
        Attempt::Later
    }
}
