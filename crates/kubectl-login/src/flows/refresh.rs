//! Exchanges a refresh token for a new token (RFC 6749 §6, OpenID Connect Core §12).
//! Never opens a browser; distinguishes only a lost grant from an issuer that is unavailable.

use std::time::Duration;

use login_common::Secret;
use login_protocols::{oauth2::token_endpoint::Grant, oidc::ProviderMetadata};

use super::{
    FlowError,
    failure::{RENEWAL, TokenProblem},
    issued::Issued,
    issuer_client::{Age, IssuerClient},
};
use login_cache::refresh_secret::RefreshSecret;

/// The bound on a whole renewal.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The result of a renewal.
#[derive(Debug)]
pub enum Renewed {
    /// A new token.
    Token(Issued),
    /// Renewed, but without the requested ID token: only a sign-in gives one. The new refresh
    /// token, if any, is stored all the same.
    WithoutIdToken(Option<Secret>),
    /// Renewed, but the token cannot be used. The new refresh token, if any, is stored all the
    /// same: the issuer no longer accepts the old one.
    Unusable(FlowError, Option<Secret>),
}

/// Renews a session.
pub async fn renew(
    issuer_client: &IssuerClient<'_>,
    secret: &RefreshSecret,
) -> Result<Renewed, FlowError> {
    let renewing = tokio::time::timeout(TIMEOUT, renew_unbounded(issuer_client, secret));
    renewing.await.unwrap_or_else(|_| Err(FlowError::late(&issuer_client.target.issuer, TIMEOUT)))
}

async fn renew_unbounded(
    issuer_client: &IssuerClient<'_>,
    secret: &RefreshSecret,
) -> Result<Renewed, FlowError> {
    let (metadata, age) = issuer_client.metadata().await?;
    match ask(issuer_client, &metadata, secret).await {
        Err(error) if age == Age::Kept && error.may_be_stale_metadata() => {
            // Fetched for the next call, too, if this one may not repeat a single-use token.
            let fetched = issuer_client.fetch_metadata().await?;
            if fetched == metadata || !error.has_used_up_nothing() {
                return Err(error);
            }
            ask(issuer_client, &fetched, secret).await
        }
        outcome => outcome,
    }
}

async fn ask(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    secret: &RefreshSecret,
) -> Result<Renewed, FlowError> {
    let answer = issuer_client
        .ask(metadata, &Grant::RefreshToken(&secret.token))
        .await?
        .map_err(|error| FlowError::from_answer(&issuer_client.target.issuer, RENEWAL, error))?;
    let next = answer.response.refresh_token.clone();
    match issuer_client.check_renewal(answer, secret.subject.as_deref()) {
        Ok(issued) => Ok(Renewed::Token(issued)),
        Err(FlowError::Token { source: TokenProblem::Missing("id_token"), .. }) => {
            Ok(Renewed::WithoutIdToken(next))
        }
        // The new token belongs to another subject's session.
        Err(error @ FlowError::Token { source: TokenProblem::OtherSubject, .. }) => Err(error),
        Err(error) => Ok(Renewed::Unusable(error, next)),
    }
}
