//! A person signs in: the secrets of the request, the chosen flow, the code for the tokens.
//! Never without a bound: the caller sets it, and the person sees how much of it is left.

use std::{future::Future, time::Duration};

use login_common::Secret;
use login_protocols::{
    oauth2::{
        authorization::{Nonce, State},
        pkce::Verifier,
        token_endpoint::Grant,
    },
    oidc::ProviderMetadata,
};

use super::{
    FlowError, browser,
    choose::{Choice, PersonFlow},
    device,
    issued::Issued,
    obtain::Session,
    password, paste,
};
use crate::system::{random, terminal::Terminal};

/// The secrets of one sign-in. Made here, so that no flow can do without them.
pub struct Request {
    /// Ties the callback to us.
    pub state: State,
    /// Ties the ID token to us.
    pub nonce: Nonce,
    /// Ties the exchange to us.
    pub verifier: Verifier,
}

impl Request {
    fn new() -> Result<Self, FlowError> {
        Ok(Self {
            state: State::from_random(random::bytes()?),
            nonce: Nonce::from_random(random::bytes()?),
            verifier: Verifier::from_random(random::bytes()?),
        })
    }
}

/// Does `work`, which waits for a person, and shows at a terminal how much of `bound` is left.
pub async fn while_waiting<T>(
    session: &Session<'_>,
    bound: Duration,
    work: impl Future<Output = T>,
) -> T {
    let terminal = session.system.terminal;
    if !terminal.is_watched() {
        return work.await;
    }
    // Taken away also when a signal ends the wait.
    let _line = ProgressLine(terminal);
    let show = async {
        let mut left = bound;
        loop {
            let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
            terminal.progress(&format!(
                "Waiting for the sign-in, {minutes}:{seconds:02} left; Ctrl-C cancels it"
            ));
            tokio::time::sleep(Duration::from_secs(1)).await;
            left = left.saturating_sub(Duration::from_secs(1));
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = show => std::future::pending().await,
    }
}

/// Erased when dropped.
struct ProgressLine<'a>(&'a dyn Terminal);

impl Drop for ProgressLine<'_> {
    fn drop(&mut self) {
        self.0.progress("");
    }
}

/// Signs a person in.
pub async fn sign_in(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    choice: Choice,
) -> Result<Issued, FlowError> {
    let terminal = session.system.terminal;
    terminal.detail(&format!("kubectl-login: chose {}: {}", choice.flow, choice.reason));
    match choice.flow {
        PersonFlow::Browser => {
            let request = Request::new()?;
            let returned = browser::ask(session, metadata, &request, &choice).await?;
            let (code, redirect_uri) = (&returned.code, &returned.redirect_uri);
            let outcome = exchange(session, metadata, &request, code, redirect_uri).await;
            returned.tell(&outcome).await;
            outcome
        }
        PersonFlow::Paste => {
            let request = Request::new()?;
            let pasted = paste::ask(session, metadata, &request).await?;
            exchange(session, metadata, &request, &pasted.code, &pasted.redirect_uri).await
        }
        PersonFlow::Device => {
            let answer = device::ask(session, metadata, &choice).await?;
            session.check(answer, None, None, false)
        }
        PersonFlow::Password => {
            let answer = password::ask(session, metadata).await?;
            session.check(answer, None, None, false)
        }
    }
}

/// The code for the tokens.
async fn exchange(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    request: &Request,
    code: &Secret,
    redirect_uri: &str,
) -> Result<Issued, FlowError> {
    let verifier = session.target.callback.proof_key.then_some(&request.verifier);
    let grant = Grant::AuthorizationCode { code, redirect_uri, verifier };
    let answer = session
        .ask(metadata, &grant)
        .await?
        .map_err(|error| FlowError::from_answer(&session.target.issuer, "the sign-in", error))?;
    session.check(answer, Some(&request.nonce), None, false)
}
