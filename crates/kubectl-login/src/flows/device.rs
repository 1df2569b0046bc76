//! The device flow: shows the code and polls until the user has answered.
//! Never polls more often than the issuer allows (RFC 8628 §3.5); shows the code once.

use std::io;

use fast_qr::QRBuilder;
use login_protocols::{
    oauth2::{
        device::{DeviceAuthorization, Polling, Step},
        token_endpoint::Grant,
    },
    oidc::ProviderMetadata,
};
use tokio::time::Instant;
use url::Url;

use super::{
    FlowError,
    choose::Choice,
    issuer_client::{Answer, IssuerClient},
    waiting::while_waiting,
};
use crate::system::{browser, loopback::Loopback, random};

/// Shows the code and waits for the answer until the code expires. The caller bounds the wait,
/// too.
pub async fn ask(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    choice: &Choice,
) -> Result<Answer, FlowError> {
    let device = issuer_client.ask_for_device_code(metadata).await?;
    show(issuer_client, &device);
    let _way = match &device.verification_uri_complete {
        Some(page) if choice.desktop => open(issuer_client, page).await,
        _ => None,
    };
    let bound = device.expires_in.min(issuer_client.target.authentication_timeout);
    while_waiting(issuer_client, bound, poll(issuer_client, metadata, &device)).await
}

/// Opens the page that contains the code. A process that sees the code could complete the sign-in
/// before the user does, so the code is in no argument: a local redirect leads the browser there.
async fn open(issuer_client: &IssuerClient<'_>, page: &Url) -> Option<Loopback> {
    let opened = async {
        let here = |port| format!("http://127.0.0.1:{port}/");
        let listener = Loopback::bind(&[("127.0.0.1".to_owned(), 0)], here, None).await?;
        let random = random::bytes().map_err(io::Error::other)?;
        let way = listener.way_to(page, random).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let environment = issuer_client.system.environment;
        browser::open(&issuer_client.target.browser, way.as_str(), environment).await?;
        Ok::<_, io::Error>(listener)
    };
    match opened.await {
        Ok(listener) => Some(listener),
        Err(error) => {
            let text = format!("kubectl-login: no browser was started: {error}");
            issuer_client.system.terminal.detail(&text);
            None
        }
    }
}

async fn poll(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    device: &DeviceAuthorization,
) -> Result<Answer, FlowError> {
    let issuer = &issuer_client.target.issuer;
    // Not the system clock, which may be set meanwhile.
    let began = Instant::now();
    let mut polling = Polling::begin(device);
    let mut step = polling.wait(began.elapsed());
    loop {
        match step {
            Step::AskAgain(pause) => tokio::time::sleep(pause).await,
            Step::Failed(error) => {
                return Err(FlowError::from_answer(issuer, "the sign-in", error));
            }
            Step::Expired | Step::Done(_) => {
                return Err(FlowError::Timeout {
                    issuer: issuer.clone(),
                    seconds: device.expires_in.as_secs(),
                });
            }
        }
        step = match issuer_client.ask(metadata, &Grant::DeviceCode(&device.device_code)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refusal)) => polling.after_answer(Err(refusal), began.elapsed()),
            // One lost packet does not end a sign-in.
            Err(FlowError::Unreachable { .. }) => polling.after_silence(began.elapsed()),
            Err(error) => return Err(error),
        };
    }
}

fn show(issuer_client: &IssuerClient<'_>, device: &DeviceAuthorization) {
    let terminal = issuer_client.system.terminal;
    terminal.ask(&format!(
        "To sign in to {}, open\n  {}\nand enter the code\n  {}",
        issuer_client.target.issuer, device.verification_uri, device.user_code
    ));
    if let Some(complete) = &device.verification_uri_complete {
        terminal.say(&format!("or open {complete}"));
        if terminal.is_watched()
            && let Ok(code) = QRBuilder::new(complete.as_str()).build()
        {
            terminal.say(&code.to_str());
        }
    }
}
