//! Renews a token that is still valid: before its expiry, or because a cluster has probably refused
//! it.
//! Never prompts a user, never waits for another process, never makes two attempts in a row.

use std::time::Duration;

use login_cache::{backoff::Effect, renewal_lock::Work};
use login_common::exec_credential::ExecApiVersion;
use zeroize::Zeroizing;

use super::{
    Refreshed, Renewal, Unrenewed,
    cached::{CachedSession, CachedToken, Standing},
    failure::RenewalError,
    rendered,
};
use crate::{flows::issued::Issued, report::Failure};

/// How long the preparations may delay a caller who could have had the old token. The request
/// itself has its own limit and is never cancelled: its response may hold the only valid refresh
/// token.
const BOUND: Duration = Duration::from_secs(5);

/// The result of an attempt.
enum EarlyRenewal {
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
        cached: &CachedSession<'_>,
        found: &CachedToken,
        version: ExecApiVersion,
    ) -> Option<Result<Zeroizing<String>, Failure>> {
        let standing = cached.standing(found);
        match standing {
            Standing::Old => None,
            Standing::Good => {
                cached.note(found);
                Some(Ok(found.answer(version)))
            }
            Standing::Due | Standing::Suspected => {
                Some(self.early(cached, found, version).map(|renewed| {
                    renewed.unwrap_or_else(|| {
                        // The attempt has replaced the file.
                        cached.find().iter().for_each(|found| cached.note(found));
                        found.answer(version)
                    })
                }))
            }
        }
    }

    /// A new token, or `None` to use the old one.
    fn early(
        &self,
        cached: &CachedSession<'_>,
        seen: &CachedToken,
        version: ExecApiVersion,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        // The lock's holder is already renewing.
        if !self.lock.take_if_free(cached.directory()) {
            return Ok(None);
        }
        let Some(found) = cached.find().filter(|found| found.entry == seen.entry) else {
            self.lock.conclude();
            let newer = cached.find().filter(CachedToken::is_good);
            return Ok(newer.map(|newer| newer.answer(version)));
        };
        let is_suspected = cached.standing(seen) == Standing::Suspected;
        let suspicions = found.entry.suspicions.saturating_add(u32::from(is_suspected));
        // Recorded before the attempt, so that many processes that are killed one after the other
        // still make few attempts; if it cannot be recorded, no attempt is made.
        let attempted = found.entry.lifetime.after_attempt(found.now());
        if !cached.change(&found, attempted, suspicions) {
            self.lock.conclude();
            return Ok(None);
        }
        cached.suspicions.set(if is_suspected { suspicions } else { 0 });
        let attempt = self.run(async {
            self.lock.describe(Work::Renewing);
            cached.sweep();
            Ok(self.attempt(cached).await)
        })?;
        let outcome = match attempt {
            EarlyRenewal::Token(issued) => Ok(Some(rendered(&issued, version))),
            EarlyRenewal::Later => Ok(None),
            EarlyRenewal::Refused if is_suspected => {
                // The cluster and the issuer agree: this token is not used any more.
                let failure =
                    Failure::from(RenewalError::Ended { issuer: self.target.issuer.clone() });
                cached.remember(&failure, Effect::HoldsBack);
                cached.forget_token();
                Err(failure)
            }
            EarlyRenewal::Refused | EarlyRenewal::Nothing => {
                cached.change(&found, attempted.without_renewal_ahead(), suspicions);
                if is_suspected {
                    self.system.terminal.say(
                        "kubectl-login: if the cluster refuses this token, \
                         `kubectl-login login` gets another",
                    );
                }
                Ok(None)
            }
        };
        self.lock.conclude();
        outcome
    }

    async fn attempt(&self, cached: &CachedSession<'_>) -> EarlyRenewal {
        if self.target.is_for_job() {
            // A job can authenticate again at any time: cancelling loses nothing.
            let renewed = tokio::time::timeout(BOUND, self.renew_job()).await;
            return renewed.map_or(EarlyRenewal::Later, |renewed| {
                renewed.map_or_else(|error| self.later(&error), EarlyRenewal::Token)
            });
        }
        cached.hurry(Some(BOUND));
        let spendable = cached.spendable();
        cached.hurry(None);
        let (secret, place) = match spendable {
            Ok(Some(found)) => found,
            Ok(None) => return EarlyRenewal::Nothing,
            Err(source) => {
                self.system.terminal.detail(&format!("kubectl-login: no early renewal: {source}"));
                return EarlyRenewal::Nothing;
            }
        };
        let issuer_client = match tokio::time::timeout(BOUND, self.prepared_client()).await {
            Ok(Ok(issuer_client)) => issuer_client,
            Ok(Err(failure)) => return self.later(&Unrenewed::alone(failure)),
            Err(_) => return EarlyRenewal::Later,
        };
        match self.refresh(&issuer_client, secret, place).await {
            Ok(Refreshed::Token(issued)) => EarlyRenewal::Token(issued),
            Ok(Refreshed::Refused) => EarlyRenewal::Refused,
            Ok(Refreshed::WithoutIdToken) => EarlyRenewal::Nothing,
            Err(error) => self.later(&error),
        }
    }

    fn later(&self, error: &Unrenewed) -> EarlyRenewal {
        let text = error.failure.to_string();
        self.system.terminal.detail(&format!("kubectl-login: no early renewal: {text}"));
        EarlyRenewal::Later
    }
}
