//! Exchanges a user's password for a token (RFC 6749 §4.3), for issuers that offer nothing better.
//! Never stores or shows the password, and asks for it once.

use login_common::Secret;
use login_protocols::{
    oauth2::{error::presentable, token_endpoint::Grant},
    oidc::ProviderMetadata,
};

use super::{
    FlowError,
    issuer_client::{Answer, IssuerClient},
    local,
};
use crate::system::console::{Console, Echo};

/// Gets the password and sends it to the issuer. The caller bounds the wait.
pub async fn ask(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
) -> Result<Answer, FlowError> {
    let target = issuer_client.target;
    let issuer = &target.issuer;
    let console = || Console::open().ok_or_else(|| FlowError::no_terminal(issuer));
    let username = if let Some(username) = &target.username {
        username.clone()
    } else {
        let prompt = format!("User name at {issuer}: ");
        let typed = console()?.line(&prompt, Echo::Shown).await.map_err(FlowError::Terminal)?;
        typed.expose().trim().to_owned()
    };
    let password = if let Some(source) = &target.password {
        local::secret(source).await.map_err(FlowError::Password)?
    } else {
        let prompt = format!("Password of `{}` at {issuer}: ", presentable(&username));
        console()?.line(&prompt, Echo::Hidden).await.map_err(FlowError::Terminal)?
    };
    if username.is_empty() || Secret::is_empty(&password) {
        return Err(FlowError::NoAnswer { issuer: issuer.clone() });
    }
    let scopes = issuer_client.scopes(metadata);
    let grant = Grant::Password { username: &username, password: &password, scopes: &scopes };
    issuer_client
        .ask(metadata, &grant)
        .await?
        .map_err(|error| FlowError::from_answer(issuer, "the password", error))
}
