//! A job's identity exchanged for a token of the issuer (RFC 8693).
//! Never sends an actor token: the job acts for itself.

use login_protocols::{
    oauth2::token_endpoint::{Grant, JWT_TOKEN_TYPE},
    oidc::ProviderMetadata,
};

use super::{FlowError, issued::Issued, issuer_client::IssuerClient};
use crate::workload_identity::IdentityToken;

/// Exchanges `identity`.
pub async fn obtain(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    let target = issuer_client.target;
    let grant = Grant::TokenExchange {
        subject_token: &identity.token,
        subject_token_type: target.subject_token_type.as_deref().unwrap_or(JWT_TOKEN_TYPE),
        requested_token_type: target.requested_token_type.as_deref(),
        scopes: &target.scopes,
    };
    let answer = issuer_client
        .ask(metadata, &grant)
        .await?
        .map_err(|error| FlowError::from_answer(&target.issuer, "the token exchange", error))?;
    issuer_client.check_job(answer)
}
