//! A job's identity as the grant itself (RFC 7523 §2.1).
//! Never signs an assertion: that one would authenticate a client, see `client_authentication`.

use login_protocols::{oauth2::token_endpoint::Grant, oidc::ProviderMetadata};

use super::{FlowError, issued::Issued, issuer_client::IssuerClient};
use crate::workload_identity::IdentityToken;

/// Sends `identity` as the grant.
pub async fn obtain(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    let target = issuer_client.target;
    let grant = Grant::JwtBearer { assertion: &identity.token, scopes: &target.scopes };
    let answer = issuer_client
        .ask(metadata, &grant)
        .await?
        .map_err(|error| FlowError::from_answer(&target.issuer, "the job's identity", error))?;
    issuer_client.check_job(answer)
}
