//! The device flow's own part: show the code, ask until the person has answered.
//! Never asks more often than the issuer allows (RFC 8628 §3.5); shows the code once.

use fast_qr::QRBuilder;
use login_protocols::{
    oauth2::{
        device::{DeviceAuthorization, Polling, Step},
        token_endpoint::Grant,
    },
    oidc::ProviderMetadata,
};

use super::{
    FlowError,
    choose::Choice,
    obtain::{Answer, Session},
    person::while_waiting,
};
use crate::system::browser;

/// Shows the code and waits for the answer, at most as long as the code lives. The caller bounds
/// the wait, too.
pub async fn ask(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    choice: &Choice,
) -> Result<Answer, FlowError> {
    let device = session.ask_for_device_code(metadata).await?;
    show(session, &device);
    if choice.desktop
        && let Some(page) = &device.verification_uri_complete
        && let Err(error) =
            browser::open(&session.target.browser, page.as_str(), session.system.environment).await
    {
        session.system.terminal.detail(&format!("kubectl-login: no browser was started: {error}"));
    }
    let bound = device.expires_in.min(session.target.authentication_timeout);
    while_waiting(session, bound, poll(session, metadata, &device)).await
}

async fn poll(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    device: &DeviceAuthorization,
) -> Result<Answer, FlowError> {
    let clock = session.system.clock;
    let issuer = &session.target.issuer;
    let mut polling = Polling::begin(device, clock.now());
    let mut step = polling.wait(clock.now());
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
        step = match session.ask(metadata, &Grant::DeviceCode(&device.device_code)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refusal)) => polling.after_answer(Err(refusal), clock.now()),
            // One lost packet does not end a sign-in.
            Err(FlowError::Unreachable { .. }) => polling.after_silence(clock.now()),
            Err(error) => return Err(error),
        };
    }
}

fn show(session: &Session<'_>, device: &DeviceAuthorization) {
    let terminal = session.system.terminal;
    terminal.ask(&format!(
        "To sign in to {}, open\n  {}\nand enter the code\n  {}",
        session.target.issuer, device.verification_uri, device.user_code
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
