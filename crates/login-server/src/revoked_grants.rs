//! Applies the operator's list of revocations to the embedded issuer: a revoked grant is no longer
//! refreshed, and its session is ended in the database.
//! Refusing alone is not enough: an entry may be removed later, and the session that it ended stays
//! ended.

use std::sync::{Arc, Mutex, PoisonError};

use login_common::{UnixTime, causes};
use login_issuer::{GrantFacts, Issuer};
use login_review::{Grant, Revocations};

use crate::embedded::{Embedded, Gate};

/// Whether `list` revokes the tokens that `grant` of `issuer` could still obtain.
pub fn is_revoked(
    list: &Revocations,
    issuer: &Issuer,
    grant: &GrantFacts<'_>,
    now: UnixTime,
) -> bool {
    let token_prefix = grant.token_id_prefix();
    let grant = Grant {
        session: grant.session_id,
        subject: grant.subject,
        began_at: grant.began_at,
        token_prefix: Some(&token_prefix),
    };
    list.find_grant(issuer.settings().issuer.as_str(), &grant, now).is_some()
}

/// The list whose revoked sessions have been ended.
#[derive(Debug, Default)]
pub struct Applied(Mutex<Option<Arc<Revocations>>>);

impl Applied {
    fn is(&self, list: &Arc<Revocations>) -> bool {
        let applied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        applied.as_ref().is_some_and(|applied| Arc::ptr_eq(applied, list))
    }

    /// Call this after something was granted under `list`. If another list has been applied since,
    /// it is applied again: the grant may be newer than the end of its sessions.
    pub fn was_granted_by(&self, list: &Arc<Revocations>) {
        let mut applied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        applied.take_if(|applied| !Arc::ptr_eq(applied, list));
    }

    /// Ends the sessions of `embedded` that `list` revokes, once for each list.
    pub async fn follow(&self, embedded: &Embedded, list: Arc<Revocations>) {
        if self.is(&list) {
            return;
        }
        let by_list = Arc::clone(&list);
        let asked = embedded
            .ask(Gate::Internal, move |issuer, now| {
                if by_list.is_empty() {
                    return Ok(Vec::new());
                }
                let by_list = |grant: &GrantFacts<'_>| is_revoked(&by_list, issuer, grant, now);
                issuer.end_revoked_sessions(&by_list, now)
            })
            .await;
        let error = match asked {
            Ok(Ok(ended)) => {
                for session in &ended {
                    tracing::info!(session, "a revocation ended this session");
                }
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(list);
                return;
            }
            Ok(Err(fault)) => causes::one_line(&fault),
            Err(fault) => fault.as_str().to_owned(),
        };
        // Repeated at the next look; meanwhile each refresh checks the list itself.
        tracing::error!(error, "could not end the sessions that are revoked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_granted_by_an_older_list_is_looked_at_by_the_new_one() {
        let [old, new] = [(); 2].map(|()| Arc::new(Revocations::default()));
        let applied = Applied(Mutex::new(Some(Arc::clone(&new))));
        applied.was_granted_by(&new);
        assert!(applied.is(&new));
        applied.was_granted_by(&old);
        assert!(!applied.is(&new));
    }
}
