//! The client signs in as itself (RFC 6749 §4.4): CI jobs and other machines.
//! Never a person, a browser or a refresh token.

use login_protocols::oauth2::token_endpoint::Grant;

use super::{
    FlowError,
    issued::Issued,
    obtain::{Age, Session},
};

/// Gets a token for the client itself.
pub async fn obtain(session: &Session<'_>) -> Result<Issued, FlowError> {
    let (metadata, age) = session.metadata().await?;
    let first = ask(session, &metadata).await;
    match first {
        Err(error) if age == Age::Kept && error.may_be_stale_metadata() => {
            let fetched = session.fetch_metadata().await?;
            if fetched == metadata { Err(error) } else { ask(session, &fetched).await }
        }
        outcome => outcome,
    }
}

async fn ask(
    session: &Session<'_>,
    metadata: &login_protocols::oidc::ProviderMetadata,
) -> Result<Issued, FlowError> {
    let grant = Grant::ClientCredentials { scopes: &session.target.scopes };
    let answer = session.ask(metadata, &grant).await?.map_err(|error| {
        FlowError::from_answer(&session.target.issuer, "the client's own sign-in", error)
    })?;
    session.check(answer, None, None, true)
}
