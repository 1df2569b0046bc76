//! `/device`: a user enters the code of a device, sees which client asks, and approves or denies.
//! Never approves without a password, and never before the user saw the code.

use http::{Request, StatusCode};
use login_issuer::{DeviceApproval, DeviceRefusal, DeviceRequest, Form};

use super::{
    authorize::{cross_site, too_many_attempts, unavailable},
    form::{self, Submitted},
    response::Reply,
    visit::Visit,
};
use crate::{
    embedded::{Embedded, Gate, NotDone},
    pages::{DeviceCodePage, DeviceConfirmPage, OutcomePage, show},
    serve::Arriving,
};

const UNKNOWN_CODE: &str =
    "That code is not known, or not valid any more. Check it, or start again in your terminal.";

/// GET `/device`: asks for the code; with `user_code` in the query (RFC 8628 §3.3.1) shows which
/// client asks, so that the user still compares the code.
pub async fn show_form(visit: Visit<'_>, query: &str) -> Reply {
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    match form.text("user_code") {
        Some(code) => look_up(visit, code.to_owned()).await,
        None => code_page(visit.embedded, "", None, StatusCode::OK),
    }
}

/// POST `/device`: a code alone, or a code with a decision.
pub async fn submit(visit: Visit<'_>, request: Request<Arriving>) -> Reply {
    let submitted = match visit.form(request).await {
        Ok(submitted) => submitted,
        Err(fault) => {
            let alert = "That did not arrive. Try again.";
            return code_page(visit.embedded, "", Some(alert), fault.status());
        }
    };
    if form::is_cross_site(&submitted.headers) {
        return cross_site(visit, "Open the page that your terminal names.");
    }
    let Some(code) = submitted.form.text("user_code").map(str::to_owned) else {
        visit.refused("invalid_request", "the form has no code");
        let alert = "Enter the code that your terminal shows.";
        return code_page(visit.embedded, "", Some(alert), StatusCode::BAD_REQUEST);
    };
    match submitted.form.text("decision") {
        None => look_up(visit, code).await,
        Some("deny") => deny(visit, code).await,
        Some(_) => approve(visit, code, submitted).await,
    }
}

async fn look_up(visit: Visit<'_>, code: String) -> Reply {
    match request_of(visit, code.clone()).await {
        Ok(Ok(request)) => confirm_page(visit.embedded, &request, "", None, StatusCode::OK),
        Ok(Err(refusal)) => refused(visit, &code, &refusal),
        Err(fault) => unavailable(visit.embedded, fault),
    }
}

async fn request_of(
    visit: Visit<'_>,
    code: String,
) -> Result<Result<DeviceRequest, DeviceRefusal>, NotDone> {
    let Visit { source, .. } = visit;
    visit.ask(Gate::Store, move |issuer, now| issuer.device_request(&code, source, now)).await
}

async fn approve(visit: Visit<'_>, code: String, submitted: Submitted) -> Reply {
    let Visit { embedded, source, .. } = visit;
    let username = submitted.form.text("username").unwrap_or_default().to_owned();
    let password = submitted.form.secret("password").cloned().unwrap_or_default();
    if username.is_empty() || password.is_empty() {
        let alert = "Enter your username and password.";
        return confirm_again(visit, code, &username, alert, StatusCode::BAD_REQUEST).await;
    }
    let checked = visit
        .ask(Gate::Password, {
            let (code, username) = (code.clone(), username.clone());
            move |issuer, now| {
                let (user_code, username, password) = (&*code, &*username, &password);
                let approval = DeviceApproval { user_code, username, password, source };
                issuer.approve_device(&approval, now)
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
        Ok(Err(refusal @ DeviceRefusal::WrongCredentials)) => {
            visit.refused("wrong_credentials", &refusal);
            let alert = "That username or password is not right.";
            confirm_again(visit, code, &username, alert, StatusCode::FORBIDDEN).await
        }
        Ok(Err(refusal)) => refused(visit, &code, &refusal),
        Err(fault) => unavailable(embedded, fault),
    }
}

async fn deny(visit: Visit<'_>, code: String) -> Reply {
    let Visit { embedded, source, .. } = visit;
    let denied = visit
        .ask(Gate::Store, {
            let code = code.clone();
            move |issuer, now| issuer.deny_device(&code, source, now)
        })
        .await;
    match denied {
        Ok(Ok(())) => {
            // The client that requested the code can deny it, too, again and again: the log line is
            // limited.
            visit.refused("access_denied", "the sign-in was denied on the device page");
            let page = OutcomePage {
                host: &embedded.host,
                is_good: false,
                title: "Sign-in denied",
                message: "The terminal that showed this code gets no access.",
                next: "If you did not start it, tell your administrator. You can close this window.",
            };
            show(&page, StatusCode::OK, None)
        }
        Ok(Err(refusal)) => refused(visit, &code, &refusal),
        Err(fault) => unavailable(embedded, fault),
    }
}

fn refused(visit: Visit<'_>, code: &str, refusal: &DeviceRefusal) -> Reply {
    match refusal {
        DeviceRefusal::UnknownCode | DeviceRefusal::WrongCredentials => {
            visit.refused("unknown_code", refusal);
            code_page(visit.embedded, code, Some(UNKNOWN_CODE), StatusCode::BAD_REQUEST)
        }
        DeviceRefusal::Throttled { until } => {
            visit.refused("throttled", refusal);
            let alert = too_many_attempts(*until, visit.embedded.clock.now());
            code_page(visit.embedded, code, Some(&alert), StatusCode::TOO_MANY_REQUESTS)
        }
        DeviceRefusal::Store(_) | DeviceRefusal::Crypto(_) => {
            unavailable(visit.embedded, visit.failed(refusal))
        }
    }
}

async fn confirm_again(
    visit: Visit<'_>,
    code: String,
    username: &str,
    alert: &str,
    status: StatusCode,
) -> Reply {
    match request_of(visit, code.clone()).await {
        Ok(Ok(request)) => confirm_page(visit.embedded, &request, username, Some(alert), status),
        Ok(Err(refusal)) => refused(visit, &code, &refusal),
        Err(fault) => unavailable(visit.embedded, fault),
    }
}

fn code_page(embedded: &Embedded, code: &str, alert: Option<&str>, status: StatusCode) -> Reply {
    let page = DeviceCodePage {
        host: &embedded.host,
        action: &embedded.paths.device,
        // Input that is too long to be a code is not shown again.
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
