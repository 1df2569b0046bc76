//! The client signs in as itself (RFC 6749 §4.4): CI jobs and services.
//! Never involves a user, a browser or a refresh token.

use login_protocols::{
    oauth2::token_endpoint::{ClientAuthentication, Grant, TokenEndpointError},
    oidc::ProviderMetadata,
};

use super::{
    FlowError,
    issued::Issued,
    issuer_client::{Answer, IssuerClient},
};
use crate::workload_identity::IdentityToken;

/// Gets a token for the client itself, which authenticates as its options say.
pub async fn obtain(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
) -> Result<Issued, FlowError> {
    taken(issuer_client, issuer_client.ask(metadata, &grant(issuer_client)).await?)
}

/// The same, with the job's identity as client assertion (RFC 7523 §2.2).
pub async fn by_assertion(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    let assertion = ClientAuthentication::Assertion(identity.token.clone());
    taken(issuer_client, issuer_client.ask_as(&assertion, metadata, &grant(issuer_client)).await?)
}

fn grant<'a>(issuer_client: &IssuerClient<'a>) -> Grant<'a> {
    Grant::ClientCredentials { scopes: &issuer_client.target.scopes }
}

fn taken(
    issuer_client: &IssuerClient<'_>,
    answer: Result<Answer, TokenEndpointError>,
) -> Result<Issued, FlowError> {
    let answer = answer.map_err(|error| {
        FlowError::from_answer(&issuer_client.target.issuer, "the client's own sign-in", error)
    })?;
    issuer_client.check_job(answer)
}
