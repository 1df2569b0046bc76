//! `/authorize`: the login page, the check of the password, and the redirect to the client.
//! Never redirects to a location that the issuer did not return.

use http::{Request, StatusCode};
use login_common::UnixTime;
use login_issuer::{
    AuthorizationRefusal, AuthorizationTicket, LoginPrompt, SignIn, SignInRefusal, TicketError,
};

use super::{
    form::{self, Submitted},
    response::{Reply, see_other},
    visit::Visit,
};
use crate::{
    embedded::{Embedded, Gate, NotDone},
    pages::{OutcomePage, SignInPage, show},
    serve::Arriving,
};

const START_AGAIN: &str = "Go back to your terminal and start the sign-in again.";

/// GET `/authorize`: checks the request and shows the login page.
pub async fn show_form(visit: Visit<'_>, query: String) -> Reply {
    let Visit { embedded, .. } = visit;
    let asked = visit.ask(Gate::Store, move |issuer, now| issuer.authorize(&query, now)).await;
    match asked {
        Ok(Ok(prompt)) => login_page(embedded, &prompt, None, None, StatusCode::OK),
        Ok(Err(AuthorizationRefusal::Redirect(error))) => {
            visit.refused(error.error, error.description);
            redirect(embedded, error.location.as_str())
        }
        Ok(Err(AuthorizationRefusal::Page(fault))) => {
            visit.refused("invalid_request", &fault);
            outcome(
                embedded,
                StatusCode::BAD_REQUEST,
                "This sign-in cannot go on",
                &sentence(&fault.to_string()),
                "Check the issuer URL and client id in your kubeconfig, then try again.",
            )
        }
        Ok(Err(fault @ AuthorizationRefusal::Crypto(_))) => {
            unavailable(embedded, visit.failed(&fault))
        }
        Err(fault) => unavailable(embedded, fault),
    }
}

/// POST `/authorize`: the submitted login page, or an authorization request sent as a form (OpenID
/// Connect Core §3.1.2.1).
pub async fn submit(visit: Visit<'_>, request: Request<Arriving>) -> Reply {
    let Visit { embedded, .. } = visit;
    let submitted = match visit.form(request).await {
        Ok(submitted) => submitted,
        Err(fault) => {
            let message = sentence(fault.message());
            return outcome(embedded, fault.status(), "That did not work", &message, START_AGAIN);
        }
    };
    if submitted.form.text("ticket").is_none() {
        return show_form(visit, submitted.encoded).await;
    }
    if form::is_cross_site(&submitted.headers) {
        return cross_site(visit, START_AGAIN);
    }
    let ticket = AuthorizationTicket::from_form(submitted.form.text("ticket").unwrap_or_default());
    if submitted.form.text("decision") == Some("cancel") {
        return cancel(visit, ticket).await;
    }
    sign_in(visit, ticket, submitted).await
}

async fn cancel(visit: Visit<'_>, ticket: AuthorizationTicket) -> Reply {
    let cancelled =
        visit.ask(Gate::Store, move |issuer, now| issuer.cancel_sign_in(&ticket, now)).await;
    match cancelled {
        Ok(Ok(location)) => {
            visit.refused("access_denied", "the person cancelled the sign-in");
            redirect(visit.embedded, location.as_str())
        }
        Ok(Err(fault)) => useless_ticket(visit, &fault),
        Err(fault) => unavailable(visit.embedded, fault),
    }
}

async fn sign_in(visit: Visit<'_>, ticket: AuthorizationTicket, submitted: Submitted) -> Reply {
    let Visit { embedded, source, .. } = visit;
    let username = submitted.form.text("username").unwrap_or_default().to_owned();
    let password = submitted.form.secret("password").cloned().unwrap_or_default();
    if username.is_empty() || password.is_empty() {
        let alert = "Enter your username and password.";
        return again(visit, ticket, &username, alert, StatusCode::BAD_REQUEST).await;
    }
    let checked = visit
        .ask(Gate::Password, {
            let (ticket, username) = (ticket.clone(), username.clone());
            move |issuer, now| {
                let (ticket, username, password) = (&ticket, &*username, &password);
                let form = SignIn { ticket, username, password, source };
                issuer.sign_in(&form, now).map(String::from)
            }
        })
        .await;
    match checked {
        Ok(Ok(location)) => {
            tracing::info!(username, %source, "signed in");
            redirect(embedded, &location)
        }
        // The username is not logged: users type passwords into the wrong field.
        Ok(Err(fault @ SignInRefusal::WrongCredentials)) => {
            visit.refused("wrong_credentials", &fault);
            let alert = "That username or password is not right.";
            again(visit, ticket, &username, alert, StatusCode::FORBIDDEN).await
        }
        Ok(Err(ref fault @ SignInRefusal::Throttled { until })) => {
            visit.refused("throttled", fault);
            let alert = too_many_attempts(until, embedded.clock.now());
            again(visit, ticket, &username, &alert, StatusCode::TOO_MANY_REQUESTS).await
        }
        Ok(Err(SignInRefusal::Ticket(fault))) => useless_ticket(visit, &fault),
        Ok(Err(fault @ (SignInRefusal::Store(_) | SignInRefusal::Crypto(_)))) => {
            unavailable(embedded, visit.failed(&fault))
        }
        Err(fault) => unavailable(embedded, fault),
    }
}

async fn again(
    visit: Visit<'_>,
    ticket: AuthorizationTicket,
    username: &str,
    alert: &str,
    status: StatusCode,
) -> Reply {
    let Visit { embedded, .. } = visit;
    let prompt = visit.ask(Gate::Store, move |issuer, now| issuer.login_prompt(&ticket, now)).await;
    match prompt {
        Ok(Ok(prompt)) => login_page(embedded, &prompt, Some(username), Some(alert), status),
        Ok(Err(fault)) => useless_ticket(visit, &fault),
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

fn useless_ticket(visit: Visit<'_>, fault: &TicketError) -> Reply {
    visit.refused("invalid_form", fault);
    let message = match fault {
        TicketError::Expired => "This page was open for too long.",
        TicketError::Forged => "This page was not made by this server, or it was changed.",
    };
    outcome(visit.embedded, StatusCode::BAD_REQUEST, "This sign-in is over", message, START_AGAIN)
}

/// The page for a form that came from another site.
pub(super) fn cross_site(visit: Visit<'_>, next: &str) -> Reply {
    let message = "Another site tried to send this form.";
    visit.refused("cross_site", message);
    outcome(visit.embedded, StatusCode::FORBIDDEN, "That did not work", message, next)
}

/// The page for a temporary failure.
pub(super) fn unavailable(embedded: &Embedded, fault: NotDone) -> Reply {
    let next = "Wait a moment, then try again.";
    let message = sentence(fault.message());
    outcome(embedded, fault.status(), "Not available right now", &message, next)
}

/// A page that shows a result.
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

/// The form's message while sign-in attempts are throttled.
pub(super) fn too_many_attempts(until: UnixTime, now: UnixTime) -> String {
    match until.since(now).as_secs() {
        0 | 1 => "Too many attempts. Try again in a moment.".to_owned(),
        seconds @ 2..=90 => format!("Too many attempts. Try again in {seconds} seconds."),
        seconds => format!("Too many attempts. Try again in {} minutes.", seconds.div_ceil(60)),
    }
}

/// An error text as a sentence for a page.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
