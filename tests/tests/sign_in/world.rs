//! The two issuers of this suite.

use std::sync::Arc;

use anyhow::{Result, ensure};
use login_tests::components::Components;
use login_tests::development::Development;
use login_tests::login_client::LoginClient;
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use serde_json::Value;

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    /// `login-server dev`.
    pub(crate) embedded: Development,
    /// npm's oidc-provider.
    pub(crate) provider: OidcProvider,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        components.chromium()?;
        Ok(Self {
            components: Arc::clone(components),
            embedded: Development::start(components)?,
            provider: OidcProvider::start(components, &Manners::default())?,
        })
    }

    /// A client of the embedded issuer with a fresh home.
    pub(crate) fn embedded_client(&self) -> Result<LoginClient> {
        let authority = self.embedded.file("/certificateAuthorityFile")?;
        let issuer = self.embedded.fact("/issuerUrl")?;
        LoginClient::for_issuer(&self.components, issuer, CLIENT_ID, &authority)
    }

    /// A client of the other issuer with a fresh home.
    pub(crate) fn provider_client(&self) -> Result<LoginClient> {
        let authority = self.provider.authority().certificate();
        LoginClient::for_issuer(&self.components, self.provider.issuer(), CLIENT_ID, authority)
    }

    /// The username and groups that the embedded server's webhook returns for a token.
    pub(crate) fn reviewed(&self, token: &str) -> Result<Value> {
        let review = login_tests::login_server::review("v1", token);
        let reply = self.embedded.curl().post_json(self.embedded.fact("/webhookUrl")?, &review)?;
        ensure!(reply.status == 200, "{reply:?}");
        Ok(reply.json()?["status"].clone())
    }
}
