//! The client signs in as itself (RFC 6749 §4.4): CI jobs and other machines.
//! Never a person, a browser or a refresh token.

use login_protocols::{
    oauth2::token_endpoint::{ClientAuthentication, Grant},
    oidc::ProviderMetadata,
};

use super::{FlowError, issued::Issued, obtain::Session};
use crate::identities::IdentityToken;

/// Gets a token for the client itself, which proves itself by what its options name.
pub async fn obtain(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
) -> Result<Issued, FlowError> {
    ask(session, metadata, &session.authentication(metadata)).await
}

/// The same, where the identity of a job proves the client (RFC 7523 §2.2).
pub async fn by_assertion(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    identity: &IdentityToken,
) -> Result<Issued, FlowError> {
    ask(session, metadata, &ClientAuthentication::Assertion(identity.token.clone())).await
}

async fn ask(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    authentication: &ClientAuthentication,
) -> Result<Issued, FlowError> {
    let grant = Grant::ClientCredentials { scopes: &session.target.scopes };
    let answer = session.ask_as(authentication, metadata, &grant).await?.map_err(|error| {
        FlowError::from_answer(&session.target.issuer, "the client's own sign-in", error)
    })?;
    session.check(answer, None, None, true)
}
