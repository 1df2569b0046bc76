//! Tokens that another party knows, judged by its statement.
//! Never accepts a token because the party calls it valid: the rules for its kind, revocations and
//! the guard apply, too.

use login_common::UnixTime;
use login_protocols::oidc::{Claims, Statement};

use crate::{
    audience::AudienceRequest,
    claims::expression::Allowance,
    evidence::{Decision, Evidence, Need},
    policy::{Policy, RemoteIndex},
    remote::RemoteAuthenticator,
    verdict::{Reason, Verdict},
};

pub(crate) fn decide(
    policy: &Policy,
    index: RemoteIndex,
    evidence: &Evidence<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Decision {
    let Some(authenticator) = policy.remote(index) else {
        return Decision::Verdict(Verdict::Refused(Reason::UnknownShape));
    };
    let Some(statement) = evidence.statement else {
        return Decision::Need(Need::Statement(index));
    };
    let verdict = match statement {
        Statement::Invalid => Err(Reason::Inactive),
        Statement::Valid(claims) => accept(policy, authenticator, claims, evidence, audiences, now),
    };
    Decision::Verdict(verdict.unwrap_or_else(Verdict::Refused))
}

fn accept(
    policy: &Policy,
    authenticator: &RemoteAuthenticator,
    claims: &Claims,
    evidence: &Evidence<'_>,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Result<Verdict, Reason> {
    let expires_at = authenticator.rules.check(claims, now)?;
    // An entry may name the issuer in the statement or the configured one.
    let names = [claims.issuer(), Some(authenticator.name.as_str())];
    let is_revoked = |issuer: &str| policy.is_revoked(evidence.ended_sessions, issuer, claims, now);
    if names.into_iter().flatten().any(is_revoked) {
        return Err(Reason::Revoked);
    }
    let allowance = &mut Allowance::within(evidence.patience);
    let identity = authenticator.mapping.identity_within(&authenticator.name, claims, allowance)?;
    policy.guard().check(&identity)?;
    Ok(Verdict::Accepted { identity, audiences: audiences.grant()?, expires_at })
}

#[cfg(test)]
mod tests;
