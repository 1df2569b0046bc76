//! The client signs in as itself (RFC 6749 §4.4): CI jobs and services.
//! Never involves a user, a browser or a refresh token.

use login_protocols::{
    oauth2::token_endpoint::{ClientAuthentication, Grant, TokenEndpointError},
    oidc::ProviderMetadata,
};

use super::{
    FlowError,
    issued::Issued,
    obtain::{Answer, Session},
};
use crate::identities::IdentityToken;

/// Gets a token for the client itself, which authenticates as its options say.
pub async fn obtain(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
) -> Result<Issued, FlowError> {
    taken(session, session.ask(metadata, &grant(session)).await?)
}

/// The same, with the job's identity as client assertion (RFC 7523 §2.2).
pub async fn by_assertion(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    let assertion = ClientAuthentication::Assertion(identity.token.clone());
    taken(session, session.ask_as(&assertion, metadata, &grant(session)).await?)
}

fn grant<'a>(session: &Session<'a>) -> Grant<'a> {
    Grant::ClientCredentials { scopes: &session.target.scopes }
}

fn taken(
    session: &Session<'_>,
    answer: Result<Answer, TokenEndpointError>,
) -> Result<Issued, FlowError> {
    let answer = answer.map_err(|error| {
        FlowError::from_answer(&session.target.issuer, "the client's own sign-in", error)
    })?;
    session.check(answer, None, None, true)
}
