//! The second half of a review: token, evidence and time in, verdict out. Pure.
//! Never fetches; never trusts a claim before the signature.

use login_common::UnixTime;
use login_protocols::jose::KeySet;

use crate::{
    audience::AudienceRequest,
    authenticators::jwt,
    plan::ParsedToken,
    policy::Policy,
    verdict::{Reason, Verdict},
};

/// What the evidence allows to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The end.
    Verdict(Verdict),
    /// The token names a key that is not in the set. Fetch the set once more and ask again; if
    /// the issuer may not be asked again yet, or the fresh set has no such key either, the
    /// verdict is [`Verdict::unknown_key`]; if it cannot be reached,
    /// [`crate::Outage::KeysUnavailable`].
    NeedFreshKeys,
}

/// Judges `token` by `keys`, the key set of the issuer that [`crate::plan()`] named for it under
/// the same `policy`.
pub fn decide(
    policy: &Policy,
    token: &ParsedToken<'_>,
    keys: &KeySet,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Decision {
    let Some(issuer) = policy.issuer(token.issuer) else {
        return Decision::Verdict(Verdict::Refused(Reason::ForeignIssuer));
    };
    jwt::decide(issuer, policy.guard(), &token.jws, keys, audiences, now)
}

#[cfg(test)]
mod tests;
