//! The device flow's own part: show the code, ask until the person has answered.
//! Never asks more often than the issuer allows (RFC 8628 §3.5).

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
    obtain::{Answer, Session},
};

/// Shows the code and waits for the answer. The caller bounds the wait.
pub async fn ask(session: &Session<'_>, metadata: &ProviderMetadata) -> Result<Answer, FlowError> {
    let device = session.ask_for_device_code(metadata).await?;
    show(session, &device);
    session.say_waiting();
    let clock = session.system.clock;
    let issuer = &session.target.issuer;
    let mut polling = Polling::begin(&device, clock.now());
    let mut wait = polling.interval();
    loop {
        tokio::time::sleep(wait).await;
        let step = match session.ask(metadata, &Grant::DeviceCode(&device.device_code)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refusal)) => polling.after_answer(Err(refusal), clock.now()),
            // One lost packet does not end a sign-in.
            Err(FlowError::Unreachable { .. }) => polling.after_silence(clock.now()),
            Err(error) => return Err(error),
        };
        match step {
            Step::AskAgain(pause) => wait = pause,
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
    }
}

fn show(session: &Session<'_>, device: &DeviceAuthorization) {
    let terminal = session.system.terminal;
    terminal.say(&format!(
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
