//! The browser flow's own part: send the browser to the issuer, wait until it comes back.
//! Never ends because of a request that anybody could have sent.

use login_common::Secret;
use login_protocols::{
    oauth2::{
        authorization::{AuthorizationRequest, Callback, CallbackExpectations, read_callback},
        token_endpoint::audience_parameters,
    },
    oidc::ProviderMetadata,
};

use super::{
    FlowError, callback_page,
    issued::Issued,
    obtain::{Request, Session},
};
use crate::system::{
    browser,
    loopback::{Loopback, Reply},
};

/// The browser came back with a code.
pub struct Returned {
    /// For the exchange.
    pub code: Secret,
    /// The same as in the request.
    pub redirect_uri: String,
    reply: Reply,
    /// Held open until the page is shown.
    _listener: Loopback,
}

impl Returned {
    /// Shows the person how it went.
    pub async fn tell(self, outcome: &Result<Issued, FlowError>) {
        let page = match outcome {
            Ok(issued) => callback_page::success(issued.name.as_deref()),
            Err(error) => callback_page::failure(error),
        };
        self.reply.show(page).await;
    }
}

/// Opens the page and waits for the answer. The caller bounds the wait.
pub async fn ask(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    request: &Request,
) -> Result<Returned, FlowError> {
    let target = session.target;
    let issuer = &target.issuer;
    let endpoint = metadata.authorization_endpoint.as_ref().ok_or_else(|| {
        FlowError::NotOffered { issuer: issuer.clone(), what: "the browser flow" }
    })?;
    let mut listener =
        Loopback::bind(&target.callback.listen_addresses).await.map_err(|source| {
            let addresses: Vec<String> = target
                .callback
                .listen_addresses
                .iter()
                .map(|(host, port)| format!("`{host}:{port}`"))
                .collect();
            let addresses =
                if addresses.is_empty() { "`127.0.0.1`".to_owned() } else { addresses.join(", ") };
            FlowError::Listen { addresses, source }
        })?;
    let mut extra = audience_parameters(target.audience.as_deref());
    if let Some(account) = &target.account {
        extra.push(("login_hint", account));
    }
    let url = AuthorizationRequest {
        endpoint,
        client_id: &target.client_id,
        redirect_uri: listener.redirect_uri(),
        scopes: &session.scopes(metadata),
        state: &request.state,
        nonce: &request.nonce,
        code_challenge: Some(&request.verifier.challenge_s256()),
        response_mode: None,
        extra: &extra,
    }
    .to_url();
    let terminal = session.system.terminal;
    terminal.say(&format!("Open this page to sign in to {issuer}:\n  {url}"));
    if let Err(error) = browser::open(&target.browser, url.as_str()).await {
        // The person can still open it by hand.
        terminal.say(&format!("warning: could not start a browser: {error}"));
    }
    session.say_waiting();
    let expected = CallbackExpectations {
        state: &request.state,
        issuer,
        issuer_must_be_named: metadata.authorization_response_iss_parameter_supported,
    };
    while let Some(visit) = listener.visit().await {
        match read_callback(&visit.query, &expected) {
            Callback::Stray => {
                terminal.detail("kubectl-login: ignored a request that is not the issuer's answer");
                visit.reply.show(callback_page::stray()).await;
            }
            Callback::Answer(Ok(code)) => {
                return Ok(Returned {
                    code,
                    redirect_uri: listener.redirect_uri().to_owned(),
                    reply: visit.reply,
                    _listener: listener,
                });
            }
            Callback::Answer(Err(source)) => {
                let error = FlowError::Callback { issuer: issuer.clone(), source };
                visit.reply.show(callback_page::failure(&error)).await;
                return Err(error);
            }
        }
    }
    Err(FlowError::Cancelled)
}
