//! A job's identity handed out as it is: the cluster trusts its issuer.
//! Never sends a request to the issuer.

use super::{FlowError, issued::Issued, obtain::Session};
use crate::identities::IdentityToken;

/// Hands out `identity` if it is from the issuer and for the client that the options name: the
/// cluster would refuse any other without a reason.
pub fn hand_out(session: &Session<'_>, identity: &IdentityToken) -> Result<Issued, FlowError> {
    identity.fits(&session.target.issuer, &session.target.client_id)?;
    Ok(Issued::as_it_is(
        identity.token.clone(),
        identity.subject().map(ToOwned::to_owned),
        identity.expires_at(),
        identity.moments,
    ))
}
