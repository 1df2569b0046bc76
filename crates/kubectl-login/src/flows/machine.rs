//! Flows without a person: which one it is, and its token.
//! Never asks anybody at a terminal, and never touches a browser or a keyring.

use super::{FlowError, client_credentials, issued::Issued, obtain::Session};
use crate::options::target::{Flow, Target};

/// Whether a job gets its own token, and no person is asked for one.
pub fn is_wanted(target: &Target) -> bool {
    match target.flow {
        Flow::ClientCredentials | Flow::Identity | Flow::TokenExchange | Flow::JwtBearer => true,
        Flow::Auto => target.identity.is_some(),
        Flow::Browser | Flow::Device | Flow::Paste | Flow::Password => false,
    }
}

/// Gets a token for the job.
pub async fn obtain(session: &Session<'_>) -> Result<Issued, FlowError> {
    match session.target.flow {
        Flow::ClientCredentials => client_credentials::obtain(session).await,
        flow => Err(FlowError::NotOffered {
            issuer: session.target.issuer.clone(),
            what: flow.as_str(),
        }),
    }
}
