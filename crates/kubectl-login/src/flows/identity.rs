//! A job's identity handed out as it is: the cluster trusts its issuer.
//! Never sends a request to the issuer.

use super::{FlowError, issued::Issued, issuer_client::IssuerClient};
use crate::workload_identity::IdentityToken;

/// Hands out `identity` if it is from the issuer and for the client that the options name: the
/// cluster would refuse any other without a reason.
pub fn hand_out(
    issuer_client: &IssuerClient<'_>,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    identity.fits(&issuer_client.target.issuer, &issuer_client.target.client_id)?;
    Ok(Issued::as_it_is(
        identity.token.clone(),
        identity.subject().map(ToOwned::to_owned),
        identity.expires_at(),
        identity.moments,
    ))
}
