//! A job's identity as the grant itself (RFC 7523 §2.1).
//! Never signs an assertion: that one would authenticate a client, see `client_proof`.

use login_protocols::{oauth2::token_endpoint::Grant, oidc::ProviderMetadata};

use super::{FlowError, issued::Issued, obtain::Session};
use crate::identities::IdentityToken;

/// Sends `identity` as the grant.
pub async fn obtain(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    let target = session.target;
    let grant = Grant::JwtBearer { assertion: &identity.token, scopes: &target.scopes };
    let answer = session
        .ask(metadata, &grant)
        .await?
        .map_err(|error| FlowError::from_answer(&target.issuer, "the job's identity", error))?;
    session.check(answer, None, None, true)
}
