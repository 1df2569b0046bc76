//! Signs a user in, and replaces the session that there was.
//! Never opens a browser by a command that is not allowed; never leaves a revoked token in the
//! store.

use std::time::Duration;

use login_cache::{refresh_secret::Prepared, renewal_lock::Work};
use login_protocols::{oauth2::revocation::TokenTypeHint, oidc::ProviderMetadata};

use super::Renewal;
use crate::{
    flows::{
        FlowError,
        choose::{self, NoFlow},
        issued::Issued,
        issuer_client::IssuerClient,
        person,
    },
    options::{
        program::NotAllowed,
        target::{BrowserChoice, Flow},
    },
};

/// How long the issuer may take to revoke the session that a sign-in replaces.
const FAREWELL: Duration = Duration::from_secs(5);

impl Renewal<'_> {
    /// Signs the user in within the time limit, and stores the result.
    pub(super) async fn person(
        &self,
        issuer_client: &IssuerClient<'_>,
    ) -> Result<Issued, FlowError> {
        let issuer = || self.target.issuer.clone();
        self.check_browser()?;
        let metadata = issuer_client.fetch_metadata().await?;
        let environment_facts = self.environment_facts.with_terminal();
        let flow =
            choose::choose(self.target, &metadata, environment_facts).map_err(
                |reason| match reason {
                    NoFlow::NeedsPerson(source) => {
                        FlowError::NeedsPerson { issuer: issuer(), source }
                    }
                    NoFlow::NotOffered(what) => FlowError::NotOffered { issuer: issuer(), what },
                },
            )?;
        self.lock.describe(Work::SigningIn);
        // The keyring may prompt the same user: before the browser opens, not after.
        let place = self.cached.as_ref().map(|cached| cached.prepare(None));
        let held = place.as_ref().and_then(|place| place.as_ref().ok());
        self.take_leave(issuer_client, &metadata, held).await;
        let bound = self.target.authentication_timeout;
        let signing_in = person::sign_in(issuer_client, &metadata, flow);
        let issued = tokio::time::timeout(bound, signing_in).await.unwrap_or_else(|_| {
            Err(FlowError::Timeout { issuer: issuer(), seconds: bound.as_secs() })
        })?;
        self.keep(&issued, None, place);
        Ok(issued)
    }

    /// Revokes the session that a sign-in replaces (RFC 7009). Before the sign-in, not after it:
    /// when a refresh token is revoked, many issuers end everything that the user has granted the
    /// client (RFC 7009 §2.1), which would include the new session. A revoked token is not left in
    /// the store, where it would be presented again: without a `place`, it is removed first or not
    /// revoked.
    async fn take_leave(
        &self,
        issuer_client: &IssuerClient<'_>,
        metadata: &ProviderMetadata,
        place: Option<&Prepared>,
    ) {
        let Some(cached) =
            self.cached.as_ref().filter(|_| metadata.revocation_endpoint.is_offered())
        else {
            return;
        };
        let Ok(Some(secret)) = cached.refresh_secret() else { return };
        if place.is_none() && !cached.forget_refresh_secret(None) {
            return;
        }
        let revoking = issuer_client.revoke(metadata, &secret.token, TokenTypeHint::RefreshToken);
        match tokio::time::timeout(FAREWELL, revoking).await {
            Ok(Ok(())) => {
                cached.forget_refresh_secret(place);
            }
            Ok(Err(error)) => {
                let text = format!("kubectl-login: the replaced session was not ended: {error}");
                self.system.terminal.detail(&text);
            }
            Err(_) => self
                .system
                .terminal
                .detail("kubectl-login: the replaced session was not ended in time"),
        }
    }

    /// Fails early if the browser's command is not allowed.
    pub(super) fn check_browser(&self) -> Result<(), NotAllowed> {
        match (&self.target.browser, self.target.flow) {
            (BrowserChoice::Command(line), Flow::Auto | Flow::Browser) => line.allowed().map(drop),
            _ => Ok(()),
        }
    }
}
