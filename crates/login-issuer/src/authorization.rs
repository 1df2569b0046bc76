//! The authorization endpoint: from a client's request through the login form to a code.
//! Never redirects to an address that is not the client's, never writes before the password was
//! verified.

use std::net::IpAddr;

use login_common::{Secret, UnixTime};
use login_protocols::oauth2::pkce;
use thiserror::Error;
use url::Url;

use crate::{
    Form, FormError, GrantType, Issuer,
    clients::{PUBLIC_CLIENT_ID, is_loopback_redirect},
    opaque::{self, CryptoError, Digest},
    scope,
    store::{CodeRecord, StoreError},
    ticket::{AuthorizationTicket, CheckedRequest, TicketError},
    users::PasswordVerdict,
};

/// Maximum query length in bytes. Sealed, the query must fit into the login form.
const LONGEST_QUERY: usize = 4 * 1024;

/// The data of the login page.
#[derive(Clone, Debug)]
pub struct LoginPrompt {
    /// A form field, submitted with the password.
    pub ticket: AuthorizationTicket,
    /// The requesting client, to be shown.
    pub client_id: String,
    /// The prefilled user name (OpenID Connect Core §3.1.2.1 `login_hint`), at most 128 characters.
    pub login_hint: Option<String>,
    /// `http://127.0.0.1:4242`: the target of the redirect. Browsers apply the page's `form-action`
    /// policy to that redirect too, so the policy must name it.
    pub redirect_origin: String,
    /// When the ticket expires.
    pub expires_at: UnixTime,
}

/// Why an authorization request gets no login page.
#[derive(Debug, Error)]
pub enum AuthorizationRefusal {
    /// Answer with 303 to `location`.
    #[error("the client was sent back with an error")]
    Redirect(#[source] RedirectedError),
    /// RFC 6749 §4.1.2.1: client or redirect address cannot be trusted. Show a page (status 400).
    #[error("the authorization request cannot be answered")]
    Page(#[source] PageFault),
    /// Answer with 503.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// An error that is returned to the client by redirect.
#[derive(Debug, Error)]
#[error("`{error}`: {description}")]
pub struct RedirectedError {
    /// The client's redirect address with `error`, `error_description`, `state` and `iss`.
    pub location: Url,
    /// The registered error code.
    pub error: &'static str,
    /// A text for developers.
    pub description: &'static str,
}

/// An error that is shown as a page, because a redirect would not be safe.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PageFault {
    /// Too long, or a repeated parameter.
    #[error(transparent)]
    Form(#[from] FormError),
    /// `client_id` is missing, unknown, or of a client that may not use this endpoint.
    #[error("the client is not known to this issuer")]
    UnknownClient,
    /// `redirect_uri` is missing or not the client's.
    #[error("the redirect address does not belong to the client")]
    RedirectAddress,
}

/// A submitted login form.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// From the hidden field.
    pub ticket: &'a AuthorizationTicket,
    /// As typed.
    pub username: &'a str,
    /// As typed.
    pub password: &'a Secret,
    /// The browser's address; failed attempts are counted by its network.
    pub source: IpAddr,
}

/// Why a submitted login form returned no code.
#[derive(Debug, Error)]
pub enum SignInRefusal {
    /// Show the form again. The refusal does not reveal whether the name exists.
    #[error("wrong username or password")]
    WrongCredentials,
    /// Too many wrong passwords; this one was not checked.
    #[error("too many attempts; try again after {until}")]
    Throttled {
        /// When the next attempt is allowed.
        until: UnixTime,
    },
    /// The ticket is invalid: the user must start again.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// Answer with 503.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// Answer with 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a request whose client and redirect address are valid.
struct Fault {
    error: &'static str,
    description: &'static str,
}

pub(crate) fn authorize(
    issuer: &Issuer,
    query: &str,
    now: UnixTime,
) -> Result<LoginPrompt, AuthorizationRefusal> {
    let page = AuthorizationRefusal::Page;
    if query.len() > LONGEST_QUERY {
        return Err(page(PageFault::Form(FormError::TooLong)));
    }
    let form = Form::parse(query.as_bytes()).map_err(|fault| page(fault.into()))?;
    // Machine clients have no redirect address, so this endpoint refuses them.
    if form.text("client_id") != Some(PUBLIC_CLIENT_ID) {
        return Err(page(PageFault::UnknownClient));
    }
    let redirect_uri = form
        .text("redirect_uri")
        .filter(|address| is_loopback_redirect(address))
        .ok_or(page(PageFault::RedirectAddress))?;

    match check_request(issuer, &form, redirect_uri, now) {
        Ok(request) => {
            let ticket = issuer.seal.seal(&request)?;
            prompt(ticket, &request).map_err(|_| page(PageFault::RedirectAddress))
        }
        Err(Fault { error, description }) => {
            let answer = [("error", error), ("error_description", description)];
            let location = answer_url(issuer, redirect_uri, form.text("state"), &answer)
                .ok_or(page(PageFault::RedirectAddress))?;
            let refusal = RedirectedError { location, error, description };
            Err(AuthorizationRefusal::Redirect(refusal))
        }
    }
}

fn check_request(
    issuer: &Issuer,
    form: &Form,
    redirect_uri: &str,
    now: UnixTime,
) -> Result<CheckedRequest, Fault> {
    let fault = |error, description| Err(Fault { error, description });
    if form.text("request").is_some() {
        return fault("request_not_supported", "`request` is not supported");
    }
    if form.text("request_uri").is_some() {
        return fault("request_uri_not_supported", "`request_uri` is not supported");
    }
    match form.text("response_type") {
        Some("code") => {}
        Some(_) => return fault("unsupported_response_type", "only `code` is supported"),
        None => return fault("invalid_request", "`response_type` is missing"),
    }
    if !issuer.settings.grants.contains(&GrantType::AuthorizationCode) {
        return fault("unauthorized_client", "signing in with a browser is turned off");
    }
    if form.text("response_mode").is_some_and(|mode| mode != "query") {
        return fault("invalid_request", "only response mode `query` is supported");
    }
    // RFC 7636 §4.3: a missing method means `plain`, which RFC 9700 §2.1.1 forbids.
    if form.text("code_challenge_method") != Some(pkce::S256) {
        return fault("invalid_request", "`code_challenge_method` must be `S256`");
    }
    let Some(challenge) =
        form.text("code_challenge").filter(|challenge| pkce::is_s256_challenge(challenge))
    else {
        return fault("invalid_request", "`code_challenge` is missing or not of method `S256`");
    };
    // The browser holds no lasting sign-in that could be used without a prompt.
    if form.text("prompt").is_some_and(|prompt| scope::contains(prompt, "none")) {
        return fault("login_required", "the person must sign in");
    }
    let text = |name: &str| form.text(name).map(str::to_owned);
    Ok(CheckedRequest {
        redirect_uri: redirect_uri.to_owned(),
        state: text("state"),
        nonce: text("nonce"),
        challenge: challenge.to_owned(),
        scope: scope::granted(form.text("scope")),
        login_hint: form
            .text("login_hint")
            .map(|hint| hint.chars().filter(|letter| !letter.is_control()).take(128).collect()),
        expires_at: now.plus(issuer.settings.ticket_lifetime).as_seconds(),
    })
}

pub(crate) fn login_prompt(
    issuer: &Issuer,
    ticket: &AuthorizationTicket,
    now: UnixTime,
) -> Result<LoginPrompt, TicketError> {
    prompt(ticket.clone(), &issuer.seal.open(ticket, now)?)
}

fn prompt(
    ticket: AuthorizationTicket,
    request: &CheckedRequest,
) -> Result<LoginPrompt, TicketError> {
    let address = Url::parse(&request.redirect_uri).map_err(|_| TicketError::Forged)?;
    Ok(LoginPrompt {
        ticket,
        client_id: PUBLIC_CLIENT_ID.to_owned(),
        login_hint: request.login_hint.clone(),
        redirect_origin: address.origin().ascii_serialization(),
        expires_at: UnixTime::from_seconds(request.expires_at),
    })
}

pub(crate) fn sign_in(
    issuer: &Issuer,
    form: &SignIn<'_>,
    now: UnixTime,
) -> Result<Url, SignInRefusal> {
    let request = issuer.seal.open(form.ticket, now)?;
    let verdict =
        issuer.passwords.check(&*issuer.store, form.username, form.password, form.source, now)?;
    let user = match verdict {
        PasswordVerdict::Right(user) => user,
        PasswordVerdict::Wrong => return Err(SignInRefusal::WrongCredentials),
        PasswordVerdict::Throttled(until) => return Err(SignInRefusal::Throttled { until }),
    };
    let code = opaque::token("klc_")?;
    let location = answer_url(
        issuer,
        &request.redirect_uri,
        request.state.as_deref(),
        &[("code", code.expose())],
    )
    .ok_or(TicketError::Forged)?;
    issuer.store.add_code(&CodeRecord {
        code: Digest::of(code.expose()),
        client_id: PUBLIC_CLIENT_ID.to_owned(),
        redirect_uri: request.redirect_uri,
        challenge: request.challenge,
        nonce: request.nonce,
        scope: request.scope,
        user_id: user.id,
        session_id: opaque::identifier("")?,
        authenticated_at: now,
        expires_at: now.plus(issuer.settings.code_lifetime),
        redeemed_at: None,
    })?;
    Ok(location)
}

pub(crate) fn cancel(
    issuer: &Issuer,
    ticket: &AuthorizationTicket,
    now: UnixTime,
) -> Result<Url, TicketError> {
    let request = issuer.seal.open(ticket, now)?;
    let answer =
        [("error", "access_denied"), ("error_description", "the person cancelled the sign-in")];
    answer_url(issuer, &request.redirect_uri, request.state.as_deref(), &answer)
        .ok_or(TicketError::Forged)
}

/// RFC 6749 §4.1.2 and RFC 9207 §2: every response, success or error, names the issuer.
fn answer_url(
    issuer: &Issuer,
    redirect_uri: &str,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> Option<Url> {
    let mut location = Url::parse(redirect_uri).ok()?;
    location
        .query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", issuer.settings.issuer.as_str());
    Some(location)
}
