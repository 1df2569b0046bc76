//! `/device`: a person types the code of their device, sees who asks, and agrees or not.
//! Never approves without a password, and never before the person saw the code.

use std::net::IpAddr;

use http::{Request, StatusCode};
use login_issuer::{DeviceApproval, DeviceRefusal, DeviceRequest, Form};

use super::{
    authorize::{outcome, too_many_attempts, unavailable},
    form::{self, Submitted},
    response::Reply,
};
use crate::{
    config::Limits,
    pages::{DeviceCodePage, DeviceConfirmPage, OutcomePage, show},
    serve::Arriving,
    start::{Embedded, Gate, NotDone},
    system::clock,
    telemetry::chain,
};

const UNKNOWN_CODE: &str =
    "That code is not known, or not valid any more. Check it, or start again in your terminal.";

/// GET `/device`: asks for the code; with `user_code` in the query (RFC 8628 §3.3.1) shows who
/// asks, so that the person still compares the code.
pub async fn show_form(embedded: &Embedded, limits: &Limits, source: IpAddr, query: &str) -> Reply {
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    match form.text("user_code") {
        Some(code) => look_up(embedded, limits, source, code.to_owned()).await,
        None => code_page(embedded, "", None, StatusCode::OK),
    }
}

/// POST `/device`: a code alone, or a code with a decision.
pub async fn submit(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    request: Request<Arriving>,
) -> Reply {
    let submitted = match form::read(request, limits).await {
        Ok(submitted) => submitted,
        Err(fault) => {
            return code_page(
                embedded,
                "",
                Some("That did not arrive. Try again."),
                fault.status(),
            );
        }
    };
    if form::is_cross_site(&submitted.headers) {
        let (title, message) = ("That did not work", "Another site tried to send this form.");
        let next = "Open the page that your terminal names.";
        return outcome(embedded, StatusCode::FORBIDDEN, title, message, next);
    }
    let Some(code) = submitted.form.text("user_code").map(str::to_owned) else {
        let alert = "Enter the code that your terminal shows.";
        return code_page(embedded, "", Some(alert), StatusCode::BAD_REQUEST);
    };
    match submitted.form.text("decision") {
        None => look_up(embedded, limits, source, code).await,
        Some("deny") => deny(embedded, limits, source, code).await,
        Some(_) => approve(embedded, limits, source, code, submitted).await,
    }
}

async fn look_up(embedded: &Embedded, limits: &Limits, source: IpAddr, code: String) -> Reply {
    match request_of(embedded, limits, source, code.clone()).await {
        Ok(Ok(request)) => confirm_page(embedded, &request, "", None, StatusCode::OK),
        Ok(Err(refusal)) => refused(embedded, &code, &refusal),
        Err(fault) => unavailable(embedded, fault),
    }
}

async fn request_of(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    code: String,
) -> Result<Result<DeviceRequest, DeviceRefusal>, NotDone> {
    embedded
        .ask(Gate::Store, limits, move |issuer| issuer.device_request(&code, source, clock::now()))
        .await
}

async fn approve(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    code: String,
    submitted: Submitted,
) -> Reply {
    let username = submitted.form.text("username").unwrap_or_default().to_owned();
    let password = submitted.form.secret("password").cloned().unwrap_or_default();
    if username.is_empty() || password.is_empty() {
        let alert = "Enter your username and password.";
        let status = StatusCode::BAD_REQUEST;
        return confirm_again(embedded, limits, source, code, &username, alert, status).await;
    }
    let checked = embedded
        .ask(Gate::Password, limits, {
            let (code, username) = (code.clone(), username.clone());
            move |issuer| {
                let (user_code, username, password) = (&*code, &*username, &password);
                let approval = DeviceApproval { user_code, username, password, source };
                issuer.approve_device(&approval, clock::now())
            }
        })
        .await;
    match checked {
        Ok(Ok(())) => {
            tracing::info!(username, %source, "device approved");
            let page = OutcomePage {
                host: &embedded.host,
                is_good: true,
                title: "You are signed in",
                message: "Your terminal goes on by itself.",
                next: "You can close this window.",
            };
            show(&page, StatusCode::OK, None)
        }
        Ok(Err(DeviceRefusal::WrongCredentials)) => {
            tracing::info!(%source, reason = "wrong_credentials", "device approval refused");
            let alert = "That username or password is not right.";
            let status = StatusCode::FORBIDDEN;
            confirm_again(embedded, limits, source, code, &username, alert, status).await
        }
        Ok(Err(refusal)) => refused(embedded, &code, &refusal),
        Err(fault) => unavailable(embedded, fault),
    }
}

async fn deny(embedded: &Embedded, limits: &Limits, source: IpAddr, code: String) -> Reply {
    let denied = embedded
        .ask(Gate::Store, limits, {
            let code = code.clone();
            move |issuer| issuer.deny_device(&code, source, clock::now())
        })
        .await;
    match denied {
        Ok(Ok(())) => {
            tracing::info!(%source, "device denied");
            let page = OutcomePage {
                host: &embedded.host,
                is_good: false,
                title: "Sign-in denied",
                message: "The terminal that showed this code gets no access.",
                next: "If you did not start it, tell your administrator. You can close this window.",
            };
            show(&page, StatusCode::OK, None)
        }
        Ok(Err(refusal)) => refused(embedded, &code, &refusal),
        Err(fault) => unavailable(embedded, fault),
    }
}

fn refused(embedded: &Embedded, code: &str, refusal: &DeviceRefusal) -> Reply {
    match refusal {
        DeviceRefusal::UnknownCode | DeviceRefusal::WrongCredentials => {
            code_page(embedded, code, Some(UNKNOWN_CODE), StatusCode::BAD_REQUEST)
        }
        DeviceRefusal::Throttled { until } => {
            let alert = too_many_attempts(*until, clock::now());
            code_page(embedded, code, Some(&alert), StatusCode::TOO_MANY_REQUESTS)
        }
        DeviceRefusal::Store(_) | DeviceRefusal::Crypto(_) => {
            tracing::error!(error = %chain(refusal), "device code could not be looked up");
            unavailable(embedded, NotDone::Failed)
        }
    }
}

async fn confirm_again(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    code: String,
    username: &str,
    alert: &str,
    status: StatusCode,
) -> Reply {
    match request_of(embedded, limits, source, code.clone()).await {
        Ok(Ok(request)) => confirm_page(embedded, &request, username, Some(alert), status),
        Ok(Err(refusal)) => refused(embedded, &code, &refusal),
        Err(fault) => unavailable(embedded, fault),
    }
}

fn code_page(embedded: &Embedded, code: &str, alert: Option<&str>, status: StatusCode) -> Reply {
    let page = DeviceCodePage {
        host: &embedded.host,
        action: &embedded.paths.device,
        // What is far too long to be a code is not repeated.
        user_code: if code.len() <= 32 { code } else { "" },
        alert,
    };
    show(&page, status, None)
}

fn confirm_page(
    embedded: &Embedded,
    request: &DeviceRequest,
    username: &str,
    alert: Option<&str>,
    status: StatusCode,
) -> Reply {
    let moment = request.requested_at.to_rfc3339().replace('T', " ").replace('Z', " UTC");
    let page = DeviceConfirmPage {
        host: &embedded.host,
        action: &embedded.paths.device,
        client: request.client_id.as_str(),
        user_code: &request.user_code,
        source: &request.source.to_string(),
        requested_at: &moment,
        username,
        alert,
    };
    show(&page, status, None)
}
