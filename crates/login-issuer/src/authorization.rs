//! The authorization endpoint: from a client's request over the login form to a code.
//! Never redirects to an address that is not the client's, never writes before a password was right.

use std::{fmt, net::IpAddr};

use login_common::{Secret, UnixTime, names::ClientId};
use thiserror::Error;
use url::Url;

use crate::store::StoreError;

/// A checked authorization request, sealed. It goes into the login form as a hidden field and
/// comes back with the password, so that the issuer remembers nothing before someone signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationTicket(pub(crate) String);

impl AuthorizationTicket {
    /// Takes the text that came back with the form. It is checked when it is used.
    pub fn from_form(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// URL-safe ASCII, at most 16 KiB.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthorizationTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationTicket(sealed)")
    }
}

/// What the login page needs.
#[derive(Clone, Debug)]
pub struct LoginPrompt {
    /// Goes into the form and comes back with the password.
    pub ticket: AuthorizationTicket,
    /// Who asks; to be shown.
    pub client_id: ClientId,
    /// The name to fill in (OpenID Connect Core §3.1.2.1 `login_hint`), at most 128 characters.
    pub login_hint: Option<String>,
    /// `http://127.0.0.1:4242`: where the answer goes. Browsers apply the page's
    /// `form-action` policy to that redirect too, so the policy must name it.
    pub redirect_origin: String,
    /// When the ticket stops being good.
    pub expires_at: UnixTime,
}

/// Why an authorization request gets no login page.
#[derive(Debug, Error)]
pub enum AuthorizationRefusal {
    /// Answer with 303 to `location`.
    #[error("the client was sent back with an error")]
    Redirect(#[source] RedirectedError),
    /// RFC 6749 §4.1.2.1: client or redirect address are in doubt. Show a page (status 400).
    #[error("the authorization request cannot be answered")]
    Page(#[source] PageFault),
}

/// An error that goes back to the client by redirect.
#[derive(Debug, Error)]
#[error("`{error}`: {description}")]
pub struct RedirectedError {
    /// The client's redirect address with `error`, `error_description`, `state` and `iss`.
    pub location: Url,
    /// The registered error code.
    pub error: &'static str,
    /// For a developer.
    pub description: &'static str,
}

/// An error a person sees as a page, because sending them anywhere would not be safe.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PageFault {
    /// Too long, or a parameter twice.
    #[error(transparent)]
    Form(#[from] crate::FormError),
    /// No `client_id`, or one this issuer does not know, or one that may not use this endpoint.
    #[error("the client is not known to this issuer")]
    UnknownClient,
    /// No `redirect_uri`, or one that is not the client's.
    #[error("the redirect address does not belong to the client")]
    RedirectAddress,
}

/// Why a ticket is of no use.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TicketError {
    /// The person took too long: start again from the command line.
    #[error("the login form is too old")]
    Expired,
    /// Not sealed by this issuer, or changed.
    #[error("the login form was not made by this issuer")]
    Forged,
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
    /// The browser's address; guesses are counted by it.
    pub source: IpAddr,
}

/// Why a submitted login form gave no code.
#[derive(Debug, Error)]
pub enum SignInRefusal {
    /// Show the form again. Whether the name exists is not told.
    #[error("wrong username or password")]
    WrongCredentials,
    /// Too many wrong passwords; nothing was checked.
    #[error("too many attempts; try again after {until}")]
    Throttled {
        /// When the next attempt is looked at.
        until: UnixTime,
    },
    /// The form itself is no good: start again.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// Answer with 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}
