//! The second half of a review: token, evidence and time in; a verdict, or the missing evidence,
//! out. Pure.
//! Never fetches; never trusts a claim before the signature.

use kubernetes_cel::Patience;
use login_common::UnixTime;

use crate::{
    audience::AudienceRequest,
    authenticators::{jwt, remote, static_tokens},
    evidence::{Decision, Evidence},
    plan::ParsedToken,
    policy::Policy,
    route::Route,
    verdict::{Outage, Verdict},
};

/// Judges `token`, which [`crate::plan()`] parsed under the same `policy`.
pub fn decide(
    policy: &Policy,
    token: &ParsedToken<'_>,
    evidence: &Evidence<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Decision {
    let decision = match &token.route {
        Route::Jwt { issuer, jws } => jwt::decide(policy, *issuer, jws, evidence, audiences, now),
        Route::Static(digest) => {
            Decision::Verdict(static_tokens::decide(policy, digest, audiences, now))
        }
        Route::Remote { index, .. } => remote::decide(policy, *index, evidence, audiences, now),
    };
    match decision {
        // An expression that was stopped proves nothing about the token.
        Decision::Verdict(Verdict::Refused(_))
            if evidence.patience.is_some_and(Patience::has_stopped) =>
        {
            Decision::Verdict(Verdict::CannotTell(Outage::DeadlineExceeded))
        }
        decision => decision,
    }
}

#[cfg(test)]
mod tests;
