//! Renews a session with its refresh token.
//! Never uses one without a place for its successor; never presents a spent one again.

use login_cache::refresh_secret::{Prepared, RefreshSecret};

use super::{Renewal, failure::Unrenewed};
use crate::{
    flows::{
        FlowError, TokenProblem,
        issued::Issued,
        issuer_client::IssuerClient,
        refresh::{self, Renewed},
    },
    report::Failure,
    system::clock::Deadline,
};

/// The result of using a refresh token.
pub(super) enum Refreshed {
    Token(Issued),
    /// The grant has ended: only a sign-in helps.
    Refused,
    /// The grant is valid, but only a sign-in returns the requested ID token.
    WithoutIdToken,
}

impl Renewal<'_> {
    /// A client whose discovery document is cached: all of a renewal but its request, which is
    /// never cancelled, as its response may hold the only valid refresh token.
    pub(super) async fn prepared_client(&self) -> Result<IssuerClient<'_>, Failure> {
        let issuer_client = self.issuer_client().await?;
        issuer_client.metadata().await.map_err(|error| self.failure(error))?;
        Ok(issuer_client)
    }

    /// The same before the cached token expires, if it is about to.
    pub(super) async fn prepared_in_time(
        &self,
        patience: Option<&Deadline>,
    ) -> Result<IssuerClient<'_>, Failure> {
        let Some(patience) = patience else { return self.issuer_client().await };
        let left = patience.left();
        tokio::time::timeout(left, self.prepared_client())
            .await
            .unwrap_or_else(|_| Err(self.failure(FlowError::late(&self.target.issuer, left))))
    }

    /// Presents the refresh token `secret`, and stores its successor in `place`.
    pub(super) async fn refresh(
        &self,
        issuer_client: &IssuerClient<'_>,
        mut secret: RefreshSecret,
        mut place: Prepared,
    ) -> Result<Refreshed, Unrenewed> {
        let Some(cached) = &self.cached else { return Ok(Refreshed::Refused) };
        let mut is_second = false;
        loop {
            match refresh::renew(issuer_client, &secret).await {
                Ok(Renewed::Token(issued)) => {
                    self.keep(&issued, Some(&secret), Some(Ok(place)));
                    return Ok(Refreshed::Token(issued));
                }
                Ok(Renewed::WithoutIdToken(next)) => {
                    if let Some(token) = next {
                        cached.keep_refresh_secret(&RefreshSecret { token, ..secret }, place);
                    }
                    return Ok(Refreshed::WithoutIdToken);
                }
                Ok(Renewed::Unusable(error, next)) => {
                    if let Some(token) = next {
                        cached.keep_refresh_secret(&RefreshSecret { token, ..secret }, place);
                    }
                    return Err(Unrenewed::shared(self.failure(error)));
                }
                Err(error) if error.asks_for_sign_in() => {
                    // A process that does not share our lock (another host with the same home
                    // directory) may have renewed meanwhile.
                    match cached.spendable().ok().flatten() {
                        Some((newer, another))
                            if !newer.token.same_as(&secret.token) && !is_second =>
                        {
                            (secret, place) = (newer, another);
                            is_second = true;
                        }
                        Some((same, another)) if same.token.same_as(&secret.token) => {
                            cached.forget_refresh_secret(Some(&another));
                            return Ok(Refreshed::Refused);
                        }
                        _ => return Ok(Refreshed::Refused),
                    }
                }
                Err(error) => {
                    if matches!(error, FlowError::Token { source: TokenProblem::OtherSubject, .. })
                    {
                        // The new token belongs to another user, and the old refresh token is
                        // spent.
                        cached.forget_refresh_secret(Some(&place));
                    }
                    return Err(Unrenewed::shared(self.failure(error)));
                }
            }
        }
    }
}
