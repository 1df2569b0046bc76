//! The identity of a job handed out as it is: the cluster trusts whoever signed it.
//! Never asks the issuer for anything.

use super::{FlowError, issued::Issued, obtain::Session};
use crate::identities::IdentityToken;

/// Hands `identity` out, if it is from the issuer and for the client that the options name: the
/// cluster would refuse another, and would not say why.
pub fn hand_out(session: &Session<'_>, identity: &IdentityToken) -> Result<Issued, FlowError> {
    identity.fits(&session.target.issuer, &session.target.client_id)?;
    Ok(Issued::as_it_is(
        identity.token.clone(),
        identity.subject().map(ToOwned::to_owned),
        identity.expires_at(),
        identity.moments,
    ))
}
