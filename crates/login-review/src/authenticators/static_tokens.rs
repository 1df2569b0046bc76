//! Static tokens from the operator's files: looks up the user of a token.
//! Never accepts one after its `notAfter`, or a name that the guard refuses.

use login_common::{Identity, UnixTime};

use crate::{
    audience::AudienceRequest,
    policy::{Policy, static_tokens::TokenDigest},
    verdict::{ENDLESS, Reason, Verdict},
};

pub(crate) fn decide(
    policy: &Policy,
    token: &TokenDigest,
    audiences: AudienceRequest<'_>,
    now: UnixTime,
) -> Verdict {
    let user = policy.static_tokens().and_then(|tokens| tokens.find(token));
    let Some(user) = user else { return Verdict::Refused(Reason::UnknownStaticToken) };
    if user.not_after.is_some_and(|end| end <= now) {
        return Verdict::Refused(Reason::Expired);
    }
    let identity = Identity {
        username: user.username.clone(),
        uid: user.uid.clone(),
        groups: user.groups.clone(),
        ..Identity::default()
    };
    let expires_at = user.not_after.unwrap_or(ENDLESS);
    policy.guard().check(&identity).and_then(|()| audiences.grant()).map_or_else(
        Verdict::Refused,
        |audiences| Verdict::Accepted { identity, audiences, expires_at },
    )
}
