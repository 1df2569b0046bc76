//! The browser flow: sends the browser to the issuer and waits until it comes back.
//! Never ends because of a request that an unauthenticated caller could have sent.

use login_common::Secret;
use login_protocols::{
    oauth2::authorization::{Callback, CallbackExpectations, read_callback},
    oidc::ProviderMetadata,
};

use super::{
    FlowError, LocalError, authorization, callback_address, callback_page, choose::Choice,
    issued::Issued, issuer_client::IssuerClient, local, request::Request, waiting::while_waiting,
};
use crate::system::{
    browser::{self, Opened},
    loopback::{self, Loopback, Reply, Visitor},
    random,
};

/// The browser's return with a code.
pub struct Returned<'a> {
    /// The code for the exchange.
    pub code: Secret,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    issuer_client: &'a IssuerClient<'a>,
    reply: Reply,
    /// Held open until the page is shown.
    _listener: Loopback,
}

impl Returned<'_> {
    /// Shows the outcome to the user.
    pub async fn tell(self, outcome: &Result<Issued, FlowError>) {
        let page = match (outcome, &self.issuer_client.target.callback.open_url_after) {
            (Ok(_), Some(next)) => callback_page::onward(next),
            (Ok(issued), None) => callback_page::success(issued.name.as_deref()),
            (Err(error), _) => callback_page::failure(error),
        };
        self.reply.show(page).await;
    }
}

/// Opens the page and waits for the answer. The caller bounds the wait.
pub async fn ask<'a>(
    issuer_client: &'a IssuerClient<'a>,
    metadata: &ProviderMetadata,
    request: &Request,
    choice: &Choice,
) -> Result<Returned<'a>, FlowError> {
    let target = issuer_client.target;
    let terminal = issuer_client.system.terminal;
    let listener = listen(issuer_client).await?;
    let mode = authorization::response_mode(&target.callback, metadata);
    let url = authorization::url(issuer_client, metadata, request, listener.redirect_uri(), mode)?;
    let text = format!("Open this page to sign in to {}:\n  {url}", target.issuer);
    terminal.say(&text);
    // Every user of this host can read a browser's arguments.
    let opened = listener.way_to(&url, random::bytes()?).unwrap_or_else(|| url.clone());
    let opened =
        browser::open(&target.browser, opened.as_str(), issuer_client.system.environment).await;
    if target.quiet && matches!(opened, Err(_) | Ok(Opened::ByPerson)) {
        terminal.ask(&text);
    }
    if let Err(error) = &opened {
        // The user can still open it by hand.
        terminal.say(&format!("warning: could not start a browser: {error}"));
    }
    if choice.elsewhere && terminal.is_watched() {
        terminal.say(
            "If the browser runs on another machine, press Ctrl-C and use `--flow paste` instead.",
        );
    }
    let answer = answer(issuer_client, metadata, request, listener);
    if matches!(opened, Ok(Opened::OnTerminal)) {
        // A terminal browser draws where the remaining time would be shown.
        return answer.await;
    }
    while_waiting(issuer_client, target.page_timeout, answer).await
}

async fn listen(issuer_client: &IssuerClient<'_>) -> Result<Loopback, FlowError> {
    let callback = &issuer_client.target.callback;
    let addresses = callback_address::listen_on(callback);
    if let Some(host) = callback_address::exposed(&addresses) {
        issuer_client.system.terminal.say(&format!(
            "warning: other machines can reach `{host}`, where the sign-in waits for the browser"
        ));
    }
    let tls = match &callback.certificate {
        None => None,
        Some((certificate, key)) => {
            let chain = local::read(certificate).map_err(FlowError::ListenerCertificate)?;
            let key_text = local::read(key).map_err(FlowError::ListenerCertificate)?;
            let tls = loopback::tls(&chain, &zeroize::Zeroizing::new(key_text));
            Some(tls.map_err(|reason| {
                let path = certificate.clone();
                FlowError::ListenerCertificate(LocalError::Certificate { path, reason })
            })?)
        }
    };
    let redirect_uri = |port| callback_address::redirect_uri(callback, port);
    Loopback::bind(&addresses, redirect_uri, tls).await.map_err(|source| {
        let shown: Vec<String> =
            addresses.iter().map(|(host, port)| format!("`{host}:{port}`")).collect();
        FlowError::Listen { addresses: shown.join(", "), source }
    })
}

async fn answer<'a>(
    issuer_client: &'a IssuerClient<'a>,
    metadata: &ProviderMetadata,
    request: &Request,
    mut listener: Loopback,
) -> Result<Returned<'a>, FlowError> {
    let issuer = &issuer_client.target.issuer;
    let expected = CallbackExpectations {
        state: &request.state,
        issuer,
        issuer_must_be_named: metadata.authorization_response_iss_parameter_supported,
    };
    let mut is_stranger_known = false;
    while let Some(visitor) = listener.visitor().await {
        let visit = match visitor {
            Visitor::Browser(visit) => visit,
            Visitor::Stranger => {
                if !std::mem::replace(&mut is_stranger_known, true) {
                    issuer_client.system.terminal.say(
                        "warning: another user of this machine called the address where the \
                         sign-in waits for your browser, and was sent away; if that was you, use \
                         `--flow paste`",
                    );
                }
                continue;
            }
        };
        match read_callback(&visit.answer, &expected) {
            Callback::Stray => {
                issuer_client
                    .system
                    .terminal
                    .detail("kubectl-login: ignored a request that is not the issuer's answer");
                visit.reply.show(callback_page::stray()).await;
            }
            Callback::Answer(Ok(code)) => {
                return Ok(Returned {
                    code,
                    redirect_uri: listener.redirect_uri().to_owned(),
                    issuer_client,
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
