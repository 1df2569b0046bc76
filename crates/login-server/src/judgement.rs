//! A question's way to its verdict: plan, gather what evidence the plan wants, decide.
//! Never judges itself, and never fetches what the plan did not ask for.

use login_common::{UnixTime, token_review::ReviewRequest};
use login_review::{AudienceRequest, Decision, IssuerIndex, Outage, Plan, Verdict, decide, plan};

use crate::{
    evidence::key_sets::Renewal,
    start::{InForce, State},
};

/// A verdict and what it rests on.
#[derive(Debug)]
pub struct Judgement {
    /// The end.
    pub verdict: Verdict,
    /// The issuer that the token names, if it is a configured one.
    pub issuer: Option<IssuerIndex>,
    /// Of the key set that the verdict rests on.
    pub generation: Option<u64>,
}

/// Judges the token of `request` under one configuration.
pub async fn judge(
    state: &State,
    in_force: &InForce,
    request: &ReviewRequest,
    now: UnixTime,
) -> Judgement {
    let (issuer, token) = match plan(&in_force.policy, request.token.expose(), now) {
        Plan::Refuse(reason) => {
            let verdict = Verdict::Refused(reason);
            return Judgement { verdict, issuer: None, generation: None };
        }
        Plan::NeedKeys { issuer, token } => (issuer, token),
    };
    let audiences = AudienceRequest {
        requested: &request.audiences,
        api_audiences: state.api_audiences.as_deref(),
    };
    let ended = |verdict, generation| Judgement { verdict, issuer: Some(issuer), generation };
    let Some(keys) = in_force.keys.current_or_fetched(issuer).await else {
        return ended(Verdict::CannotTell(Outage::KeysUnavailable), None);
    };
    match decide(&in_force.policy, &token, &keys.keys, audiences, now) {
        Decision::Verdict(verdict) => return ended(verdict, Some(keys.generation)),
        Decision::NeedFreshKeys => {}
    }
    match in_force.keys.renew(issuer).await {
        Renewal::Fetched(fresh) => {
            let verdict = match decide(&in_force.policy, &token, &fresh.keys, audiences, now) {
                Decision::Verdict(verdict) => verdict,
                Decision::NeedFreshKeys => Verdict::unknown_key(),
            };
            ended(verdict, Some(fresh.generation))
        }
        // Asked moments ago: the set in use is as fresh as it may get. It may have become fresh
        // only after it was read above, so it is read again.
        Renewal::TooSoon { last_succeeded: true } => {
            let verdict = match in_force.keys.current_or_fetched(issuer).await {
                Some(fresh) => {
                    match decide(&in_force.policy, &token, &fresh.keys, audiences, now) {
                        Decision::Verdict(verdict) => verdict,
                        Decision::NeedFreshKeys => Verdict::unknown_key(),
                    }
                }
                None => Verdict::CannotTell(Outage::KeysUnavailable),
            };
            ended(verdict, None)
        }
        // The issuer may have a new key that we cannot see. A refusal would be cached.
        Renewal::TooSoon { last_succeeded: false } | Renewal::Failed => {
            ended(Verdict::CannotTell(Outage::KeysUnavailable), None)
        }
    }
}
