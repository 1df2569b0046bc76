//! A question's way to its verdict: plan, gather what evidence the plan wants, decide.
//! Never judges itself, and never fetches what the plan did not ask for.

use login_common::{UnixTime, token_review::ReviewRequest};
use login_review::{
    AudienceRequest, Decision, IssuerIndex, Outage, ParsedToken, Plan, Verdict, decide, plan,
};

use crate::{
    evidence::key_sets::Renewal,
    start::{InForce, State},
};

/// A verdict and what it rests on.
#[derive(Debug)]
pub struct Judgement<'t> {
    /// The end.
    pub verdict: Verdict,
    /// The issuer that the token names, if it is a configured one.
    pub issuer: Option<IssuerIndex>,
    /// Of the key set that the verdict rests on.
    pub generation: Option<u64>,
    /// The token taken apart, if it came that far; for the record, not for another verdict.
    pub token: Option<ParsedToken<'t>>,
}

/// Judges the token of `request` under one configuration.
pub async fn judge<'t>(
    state: &State,
    in_force: &InForce,
    request: &'t ReviewRequest,
    now: UnixTime,
) -> Judgement<'t> {
    let (issuer, token) = match plan(&in_force.policy, request.token.expose(), now) {
        Plan::Refuse(reason) => {
            let verdict = Verdict::Refused(reason);
            return Judgement { verdict, issuer: None, generation: None, token: None };
        }
        Plan::NeedKeys { issuer, token } => (issuer, token),
    };
    let audiences = AudienceRequest {
        requested: &request.audiences,
        api_audiences: state.api_audiences.as_deref(),
    };
    let (verdict, generation) = decided(in_force, issuer, &token, audiences, now).await;
    Judgement { verdict, issuer: Some(issuer), generation, token: Some(token) }
}

/// The verdict, and the generation of the keys that it rests on.
async fn decided(
    in_force: &InForce,
    issuer: IssuerIndex,
    token: &ParsedToken<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> (Verdict, Option<u64>) {
    let Some(keys) = in_force.keys.current_or_fetched(issuer).await else {
        return (Verdict::CannotTell(Outage::KeysUnavailable), None);
    };
    match decide(&in_force.policy, token, &keys.keys, audiences, now) {
        Decision::Verdict(verdict) => return (verdict, Some(keys.generation)),
        Decision::NeedFreshKeys => {}
    }
    match in_force.keys.renew(issuer).await {
        Renewal::Fetched(fresh) => {
            let verdict = match decide(&in_force.policy, token, &fresh.keys, audiences, now) {
                Decision::Verdict(verdict) => verdict,
                Decision::NeedFreshKeys => Verdict::unknown_key(),
            };
            (verdict, Some(fresh.generation))
        }
        // Asked moments ago: the set in use is as fresh as it may get. It may have become fresh
        // only after it was read above, so it is read again.
        Renewal::TooSoon { last_succeeded: true } => {
            let verdict = match in_force.keys.current_or_fetched(issuer).await {
                Some(fresh) => match decide(&in_force.policy, token, &fresh.keys, audiences, now) {
                    Decision::Verdict(verdict) => verdict,
                    Decision::NeedFreshKeys => Verdict::unknown_key(),
                },
                None => Verdict::CannotTell(Outage::KeysUnavailable),
            };
            (verdict, None)
        }
        // The issuer may have a new key that we cannot see. A refusal would be cached.
        Renewal::TooSoon { last_succeeded: false } | Renewal::Failed => {
            (Verdict::CannotTell(Outage::KeysUnavailable), None)
        }
    }
}
