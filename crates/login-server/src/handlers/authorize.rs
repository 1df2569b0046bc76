//! `/authorize`: the login page, the password that comes back, and the way to the client.
//! Never redirects to an address that the issuer did not name.

use std::net::IpAddr;

use http::{Request, StatusCode};
use login_common::{Secret, UnixTime};
use login_issuer::{
    AuthorizationRefusal, AuthorizationTicket, LoginPrompt, SignIn, SignInRefusal, TicketError,
};

use super::{
    form::{self, Submitted},
    response::{Reply, see_other},
};
use crate::{
    config::Limits,
    pages::{OutcomePage, SignInPage, show},
    serve::Arriving,
    start::{Embedded, Gate, NotDone},
    system::clock,
    telemetry::{
        chain,
        seldom::{STRANGERS, Seldom},
    },
};

/// Anybody can ask for what is refused, as often as they like.
static REFUSALS: Seldom = Seldom::with(STRANGERS);

const START_AGAIN: &str = "Go back to your terminal and start the sign-in again.";

/// GET `/authorize`: checks the request and shows the login page.
pub async fn show_form(embedded: &Embedded, limits: &Limits, query: String) -> Reply {
    let asked = embedded
        .ask(Gate::Store, limits, move |issuer| issuer.authorize(&query, clock::now()))
        .await;
    match asked {
        Ok(Ok(prompt)) => login_page(embedded, &prompt, None, None, StatusCode::OK),
        Ok(Err(AuthorizationRefusal::Redirect(error))) => {
            if let Some(times) = REFUSALS.turn() {
                tracing::info!(
                    error = error.error,
                    reason = error.description,
                    times = (times > 1).then_some(times),
                    "authorization refused"
                );
            }
            redirect(embedded, error.location.as_str())
        }
        Ok(Err(AuthorizationRefusal::Page(fault))) => {
            if let Some(times) = REFUSALS.turn() {
                let times = (times > 1).then_some(times);
                tracing::info!(reason = %fault, times, "authorization request cannot be answered");
            }
            outcome(
                embedded,
                StatusCode::BAD_REQUEST,
                "This sign-in cannot go on",
                &sentence(&fault.to_string()),
                "Check the issuer URL and client id in your kubeconfig, then try again.",
            )
        }
        Ok(Err(fault @ AuthorizationRefusal::Crypto(_))) => {
            tracing::error!(error = %chain(&fault), "a login page could not be made");
            unavailable(embedded, NotDone::Failed)
        }
        Err(fault) => unavailable(embedded, fault),
    }
}

/// POST `/authorize`: the filled-in login page, or an authorization request sent as a form
/// (OpenID Connect Core §3.1.2.1).
pub async fn submit(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    request: Request<Arriving>,
) -> Reply {
    let submitted = match form::read(request, limits).await {
        Ok(submitted) => submitted,
        Err(fault) => {
            let message = sentence(fault.message());
            return outcome(embedded, fault.status(), "That did not work", &message, START_AGAIN);
        }
    };
    if submitted.form.text("ticket").is_none() {
        return show_form(embedded, limits, submitted.encoded.to_string()).await;
    }
    if form::is_cross_site(&submitted.headers) {
        let message = "Another site tried to send this form.";
        return outcome(embedded, StatusCode::FORBIDDEN, "That did not work", message, START_AGAIN);
    }
    let ticket = AuthorizationTicket::from_form(submitted.form.text("ticket").unwrap_or_default());
    if submitted.form.text("decision") == Some("cancel") {
        return cancel(embedded, limits, ticket).await;
    }
    sign_in(embedded, limits, source, ticket, submitted).await
}

async fn cancel(embedded: &Embedded, limits: &Limits, ticket: AuthorizationTicket) -> Reply {
    let cancelled = embedded
        .ask(Gate::Store, limits, move |issuer| issuer.cancel_sign_in(&ticket, clock::now()))
        .await;
    match cancelled {
        Ok(Ok(location)) => redirect(embedded, location.as_str()),
        Ok(Err(fault)) => useless_ticket(embedded, &fault),
        Err(fault) => unavailable(embedded, fault),
    }
}

async fn sign_in(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    ticket: AuthorizationTicket,
    submitted: Submitted,
) -> Reply {
    let username = submitted.form.text("username").unwrap_or_default().to_owned();
    let password = submitted.form.secret("password").cloned().unwrap_or_default();
    if username.is_empty() || password.is_empty() {
        let status = StatusCode::BAD_REQUEST;
        let alert = "Enter your username and password.";
        return again(embedded, limits, ticket, &username, alert, status).await;
    }
    let checked = embedded
        .ask(Gate::Password, limits, {
            let ticket = ticket.clone();
            let username = username.clone();
            move |issuer| check(issuer, &ticket, &username, &password, source)
        })
        .await;
    match checked {
        Ok(Ok(location)) => {
            tracing::info!(username, %source, "signed in");
            redirect(embedded, &location)
        }
        Ok(Err(SignInRefusal::WrongCredentials)) => {
            // The name is not logged: people type passwords into the wrong field.
            tracing::info!(%source, reason = "wrong_credentials", "sign-in refused");
            let alert = "That username or password is not right.";
            again(embedded, limits, ticket, &username, alert, StatusCode::FORBIDDEN).await
        }
        Ok(Err(SignInRefusal::Throttled { until })) => {
            tracing::warn!(%source, reason = "throttled", "sign-in refused");
            let alert = too_many_attempts(until, clock::now());
            again(embedded, limits, ticket, &username, &alert, StatusCode::TOO_MANY_REQUESTS).await
        }
        Ok(Err(SignInRefusal::Ticket(fault))) => useless_ticket(embedded, &fault),
        Ok(Err(fault @ (SignInRefusal::Store(_) | SignInRefusal::Crypto(_)))) => {
            tracing::error!(error = %chain(&fault), "sign-in could not be checked");
            unavailable(embedded, NotDone::Failed)
        }
        Err(fault) => unavailable(embedded, fault),
    }
}

fn check(
    issuer: &login_issuer::Issuer,
    ticket: &AuthorizationTicket,
    username: &str,
    password: &Secret,
    source: IpAddr,
) -> Result<String, SignInRefusal> {
    let form = SignIn { ticket, username, password, source };
    issuer.sign_in(&form, clock::now()).map(String::from)
}

async fn again(
    embedded: &Embedded,
    limits: &Limits,
    ticket: AuthorizationTicket,
    username: &str,
    alert: &str,
    status: StatusCode,
) -> Reply {
    let prompt = embedded
        .ask(Gate::Store, limits, move |issuer| issuer.login_prompt(&ticket, clock::now()))
        .await;
    match prompt {
        Ok(Ok(prompt)) => login_page(embedded, &prompt, Some(username), Some(alert), status),
        Ok(Err(fault)) => useless_ticket(embedded, &fault),
        Err(fault) => unavailable(embedded, fault),
    }
}

fn login_page(
    embedded: &Embedded,
    prompt: &LoginPrompt,
    username: Option<&str>,
    alert: Option<&str>,
    status: StatusCode,
) -> Reply {
    let page = SignInPage {
        host: &embedded.host,
        action: &embedded.paths.authorize,
        client: prompt.client_id.as_str(),
        ticket: prompt.ticket.as_str(),
        username: username.or(prompt.login_hint.as_deref()).unwrap_or_default(),
        alert,
    };
    show(&page, status, Some(&prompt.redirect_origin))
}

fn redirect(embedded: &Embedded, location: &str) -> Reply {
    see_other(location).unwrap_or_else(|| unavailable(embedded, NotDone::Failed))
}

fn useless_ticket(embedded: &Embedded, fault: &TicketError) -> Reply {
    let message = match fault {
        TicketError::Expired => "This page was open for too long.",
        TicketError::Forged => "This page was not made by this server, or it was changed.",
    };
    outcome(embedded, StatusCode::BAD_REQUEST, "This sign-in is over", message, START_AGAIN)
}

/// The page for "not now".
pub(super) fn unavailable(embedded: &Embedded, fault: NotDone) -> Reply {
    tracing::error!(reason = fault.as_str(), "the issuer could not answer");
    let next = "Wait a moment, then try again.";
    let message = sentence(fault.message());
    outcome(embedded, fault.status(), "Not available right now", &message, next)
}

/// A page that says what went wrong.
pub(super) fn outcome(
    embedded: &Embedded,
    status: StatusCode,
    title: &str,
    message: &str,
    next: &str,
) -> Reply {
    let page = OutcomePage { host: &embedded.host, is_good: false, title, message, next };
    show(&page, status, None)
}

/// What the form says while attempts are not looked at.
pub(super) fn too_many_attempts(until: UnixTime, now: UnixTime) -> String {
    match until.since(now).as_secs() {
        0 | 1 => "Too many attempts. Try again in a moment.".to_owned(),
        seconds @ 2..=90 => format!("Too many attempts. Try again in {seconds} seconds."),
        seconds => format!("Too many attempts. Try again in {} minutes.", seconds.div_ceil(60)),
    }
}

/// An error text as a sentence for people.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
