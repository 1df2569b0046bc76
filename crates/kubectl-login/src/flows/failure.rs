//! Why a flow returned no token, sorted by fault.
//! Never repeats a source in its own text; never shows a secret.

use std::{io, path::PathBuf, time::Duration};

use login_common::names::IssuerUrl;
use login_protocols::{
    jose::PrivateKeyError,
    oauth2::{
        authorization::CallbackRefusal,
        error::{Meaning, OAuthErrorCode},
        token_endpoint::TokenEndpointError,
    },
    oidc::{DiscoveryError, IdTokenProblem, redirect::RedirectFault},
};

use super::{choose::NeedsPerson, repeat::Setback};
use crate::{
    options::{
        origin::Origin,
        program::NotAllowed,
        target::{Flow, Target},
    },
    report::Fault,
    system::{command::CommandError, http::HttpError, random::NoRandomness},
    workload_identity::{self, IdentityError},
};

/// The purpose of a request with a refresh token, as errors name it.
pub(super) const RENEWAL: &str = "the renewal";

/// The hint for a session that has ended.
const SIGN_IN_AGAIN: &str = "sign in again with `kubectl-login login`";

/// The hint after a user declined, was too late, or left.
const ANOTHER_ATTEMPT: &str = "`kubectl-login login` makes another attempt at once";

/// A failure to use something on this host that an option names.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file cannot be read.
    #[error("could not read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The content of the file is not what the option needs.
    #[error("`{}` is empty, too long or no text", .0.display())]
    Content(PathBuf),
    /// The file holds no key that can sign.
    #[error("could not use the key in `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PrivateKeyError,
    },
    /// The file holds no certificate for its key.
    #[error("could not use the certificate in `{}` with its key: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// TLS could not be set up.
    #[error(transparent)]
    Http(HttpError),
}

/// Why a flow returned no token.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The certificate authority cannot be used.
    #[error("could not use the certificate authority")]
    CertificateAuthority(#[source] LocalError),
    /// The client's certificate cannot be used.
    #[error("could not use the client certificate")]
    ClientCertificate(#[source] LocalError),
    /// This host cannot make connections.
    #[error("no connection can be made from here")]
    NoConnections(#[source] HttpError),
    /// The client's secret is unavailable.
    #[error("could not get the client secret")]
    ClientSecret(#[source] LocalError),
    /// The job's identity is unavailable.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A command that a kubeconfig may not run.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The key that signs client assertions cannot be used.
    #[error("could not sign in the client's name")]
    ClientKey(#[source] LocalError),
    /// The certificate of the local listener cannot be used.
    #[error("could not use the certificate of the local server")]
    ListenerCertificate(#[source] LocalError),
    /// The user's password is unavailable.
    #[error("could not get the password")]
    Password(#[source] LocalError),
    /// The terminal cannot be read.
    #[error("could not read the answer from the terminal")]
    Terminal(#[source] io::Error),
    /// The user typed nothing, or something else.
    #[error("the sign-in to `{issuer}` was not answered")]
    NoAnswer {
        /// The issuer.
        issuer: IssuerUrl,
    },
    /// The issuer did not answer.
    #[error("could not reach issuer `{issuer}`")]
    Unreachable {
        /// The issuer.
        issuer: IssuerUrl,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The answer is not one that an issuer gives: too long, or in an unknown coding.
    #[error("what answers for issuer `{issuer}` gave no usable answer")]
    TooLong {
        /// The issuer.
        issuer: IssuerUrl,
        /// What is wrong with it.
        #[source]
        source: HttpError,
    },
    /// The issuer has an outage.
    #[error("issuer `{issuer}` is out of order")]
    OutOfOrder {
        /// The issuer.
        issuer: IssuerUrl,
        /// Its answer.
        #[source]
        source: TokenEndpointError,
    },
    /// The server at that address is not an issuer.
    #[error("`{issuer}` does not answer as an OpenID Connect issuer")]
    NotAnIssuer {
        /// The issuer.
        issuer: IssuerUrl,
        /// What is wrong with its discovery document.
        #[source]
        source: Box<NotAnIssuer>,
    },
    /// The issuer has no endpoint for the flow.
    #[error("issuer `{issuer}` does not offer {what}")]
    NotOffered {
        /// The issuer.
        issuer: IssuerUrl,
        /// The flow.
        what: &'static str,
    },
    /// The issuer refused.
    #[error("issuer `{issuer}` refused {what}")]
    Refused {
        /// The issuer.
        issuer: IssuerUrl,
        /// What was requested.
        what: &'static str,
        /// Its answer.
        #[source]
        source: TokenEndpointError,
    },
    /// The browser came back without a code.
    #[error("sign-in to `{issuer}` failed")]
    Callback {
        /// The issuer.
        issuer: IssuerUrl,
        /// The answer that the browser brought.
        #[source]
        source: CallbackRefusal,
    },
    /// The issuer returned a token that cannot be used.
    #[error("the token of issuer `{issuer}` cannot be used")]
    Token {
        /// The issuer.
        issuer: IssuerUrl,
        /// What is wrong with it.
        #[source]
        source: TokenProblem,
    },
    /// The user did not finish the sign-in in time.
    #[error("the sign-in to `{issuer}` was not finished within {seconds} seconds")]
    Timeout {
        /// The issuer.
        issuer: IssuerUrl,
        /// The bound.
        seconds: u64,
    },
    /// Ctrl-C or a request to terminate.
    #[error("cancelled before there was a token")]
    Cancelled,
    /// No port could be opened for the browser's return.
    #[error("could not wait for the browser on {addresses}")]
    Listen {
        /// The addresses that were tried.
        addresses: String,
        /// Why the last one failed.
        #[source]
        source: io::Error,
    },
    /// A user would have to sign in.
    #[error("a sign-in to `{issuer}` is needed, and no user can be asked")]
    NeedsPerson {
        /// The issuer.
        issuer: IssuerUrl,
        /// Why no user can.
        #[source]
        source: NeedsPerson,
    },
    /// No random bytes are available.
    #[error("could not begin a sign-in")]
    Randomness(#[from] NoRandomness),
}

/// What was found in place of an issuer.
#[derive(Debug, thiserror::Error)]
pub enum NotAnIssuer {
    /// No discovery document: the HTTP status.
    #[error("its discovery document was answered with {0}")]
    Status(u16),
    /// A discovery document that cannot be used.
    #[error(transparent)]
    Document(#[from] DiscoveryError),
    /// A redirect that is not followed.
    #[error(transparent)]
    Redirect(#[from] RedirectFault),
}

/// What is wrong with a token.
#[derive(Debug, thiserror::Error)]
pub enum TokenProblem {
    /// It fails the checks of OpenID Connect Core.
    #[error(transparent)]
    IdToken(#[from] IdTokenProblem),
    /// The requested token is missing.
    #[error("the answer has no {0}")]
    Missing(&'static str),
    /// OpenID Connect Core §12.2: a renewal must be for the same subject.
    #[error("the renewed token is for another subject than the first")]
    OtherSubject,
    /// A code was pasted without its `state`, and no ID token came with it.
    #[error("nothing shows that the pasted code belongs to this sign-in: no ID token came with it")]
    Untied,
    /// It would be refused at once.
    #[error("the token has expired already")]
    Expired,
    /// The answer is not a token response.
    #[error(transparent)]
    Answer(TokenEndpointError),
}

/// How long a flow is ruled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// The issuer does not let this client use it.
    ForGood,
    /// This host cannot use it for the moment.
    Now,
}

/// Whether `code` may be about the identity that was sent: as a grant (RFC 7523 §3.1), as the
/// client's assertion (§3.2), or for an exchange (RFC 8693 §2.2.2).
fn blames_identity(code: &OAuthErrorCode) -> bool {
    matches!(
        code,
        OAuthErrorCode::InvalidGrant
            | OAuthErrorCode::InvalidClient
            | OAuthErrorCode::InvalidRequest
            | OAuthErrorCode::UnauthorizedClient
    )
}

/// The option that names the client's credential, in the order of `ClientCredential`.
fn proof_of(target: &Target) -> &'static str {
    if target.assertion_key.is_some() {
        "`--client-assertion-key`"
    } else if target.client_secret.is_none() && target.connection.client_certificate.is_some() {
        "`--client-certificate`"
    } else {
        "the client secret"
    }
}

impl FlowError {
    /// Classifies an answer to a request for `what`.
    pub fn from_answer(issuer: &IssuerUrl, what: &'static str, source: TokenEndpointError) -> Self {
        let issuer = issuer.clone();
        match source.outside_of_polling() {
            source @ TokenEndpointError::Unavailable { .. } => Self::OutOfOrder { issuer, source },
            source @ (TokenEndpointError::Refused { .. }
            | TokenEndpointError::Unexpected { .. }) => Self::Refused { issuer, what, source },
            source @ TokenEndpointError::Malformed(_) => {
                Self::Token { issuer, source: TokenProblem::Answer(source) }
            }
        }
    }

    /// The issuer did not answer in time.
    pub fn late(issuer: &IssuerUrl, within: Duration) -> Self {
        let source = HttpError::Timeout { from: issuer.to_string(), within };
        Self::Unreachable { issuer: issuer.clone(), source }
    }

    /// Classifies why no HTTP client can be made: something that the options name cannot be used.
    pub fn of_options(error: HttpError) -> Self {
        match error {
            HttpError::ClientCertificate(_) => Self::ClientCertificate(LocalError::Http(error)),
            HttpError::CertificateAuthority | HttpError::CertificateAuthorityText(_) => {
                Self::CertificateAuthority(LocalError::Http(error))
            }
            error => Self::NoConnections(error),
        }
    }

    /// What it means for another attempt; the answer had `retry_after`.
    pub fn setback(&self, retry_after: Option<Duration>) -> Option<Setback> {
        match self {
            Self::Unreachable { source, .. } => Setback::of_failure(source),
            Self::OutOfOrder { .. } => Some(Setback::NotNow(retry_after)),
            _ => None,
        }
    }

    /// The user would have to type something, but there is no terminal.
    pub fn no_terminal(issuer: &IssuerUrl) -> Self {
        Self::NeedsPerson { issuer: issuer.clone(), source: NeedsPerson::NoTerminal }
    }

    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        match self {
            Self::CertificateAuthority(_)
            | Self::ClientCertificate(_)
            | Self::ClientSecret(_)
            | Self::ClientKey(_)
            | Self::NotAllowed(_)
            | Self::ListenerCertificate(_)
            | Self::Password(_)
            | Self::NotAnIssuer { .. }
            | Self::NoConnections(_)
            | Self::Unreachable {
                source: HttpError::Proxy(_) | HttpError::NoAuthorities, ..
            }
            | Self::NotOffered { .. } => Fault::Usage,
            Self::Unreachable { .. } | Self::OutOfOrder { .. } => Fault::Unreachable,
            Self::Refused { .. }
            | Self::TooLong { .. }
            | Self::Callback { .. }
            | Self::Token { .. }
            | Self::Timeout { .. }
            | Self::Cancelled
            | Self::Listen { .. }
            | Self::Terminal(_)
            | Self::NoAnswer { .. }
            | Self::Randomness(_) => Fault::Refused,
            Self::NeedsPerson { .. } => Fault::NeedsPerson,
            Self::Identity(error) => error.fault(),
        }
    }

    /// Of a renewal: whether the grant is gone, so that only a user can fix it. The only reason for
    /// a new sign-in.
    pub fn asks_for_sign_in(&self) -> bool {
        matches!(self, Self::Refused { source, .. }
            if source.oauth_error().is_some_and(|error| error.code.asks_for_sign_in()))
    }

    /// Of a sign-in: whether another flow may succeed, and for how long this one is ruled out.
    pub fn passes_over(&self) -> Option<PassedOver> {
        match self {
            Self::Refused { source, .. } => match source {
                TokenEndpointError::Refused { error, .. } => {
                    error.code.is_about_the_way().then_some(PassedOver::ForGood)
                }
                // The endpoint is listed, but does not exist.
                TokenEndpointError::Unexpected { status: 404 | 405 } => Some(PassedOver::ForGood),
                _ => None,
            },
            Self::Callback { source: CallbackRefusal::Issuer(error), .. } => {
                error.code.is_about_the_way().then_some(PassedOver::ForGood)
            }
            // Another program has the port for the moment.
            Self::Listen { .. } => Some(PassedOver::Now),
            _ => None,
        }
    }

    /// Whether a cached discovery document may be the reason.
    pub fn may_be_stale_metadata(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::OutOfOrder { .. } | Self::TooLong { .. } => true,
            Self::Refused { source, .. } => source.oauth_error().is_none(),
            // It was cached although one of its endpoints cannot be used; that may be fixed by now.
            Self::NotAnIssuer { source, .. } => {
                matches!(**source, NotAnIssuer::Document(DiscoveryError::Endpoint(_)))
            }
            _ => false,
        }
    }

    /// Of a request with a single-use credential: whether the credential is certainly unused,
    /// because the request did not arrive or the server that answered is not an issuer.
    pub fn has_used_up_nothing(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => {
                source.is_unsent()
                    || matches!(source, HttpError::ByProxy(_) | HttpError::Certificate { .. })
            }
            Self::Refused { source, .. } => source.oauth_error().is_none(),
            Self::NotAnIssuer { .. } => true,
            _ => false,
        }
    }

    /// What the user can do about an issuer that answered `code` to `what`.
    fn hint_about(code: &OAuthErrorCode, what: &str, target: &Target) -> Option<String> {
        let origin = target.origins.client_id.as_ref();
        let client = || origin.map(|origin| format!("; it came from {origin}")).unwrap_or_default();
        let text = match code {
            OAuthErrorCode::AccessDenied | OAuthErrorCode::ExpiredToken if what != RENEWAL => {
                ANOTHER_ATTEMPT.to_owned()
            }
            OAuthErrorCode::InvalidClient => {
                format!("check `--client-id` and {}{}", proof_of(target), client())
            }
            OAuthErrorCode::UnauthorizedClient
            | OAuthErrorCode::UnsupportedGrantType
            | OAuthErrorCode::UnsupportedResponseType => format!(
                "the issuer does not let this client use {what}: allow it there, choose another \
                 `--flow`, or check `--client-id` and {}{}",
                proof_of(target),
                client()
            ),
            OAuthErrorCode::InvalidGrant
                if target.flow == Flow::Password && target.password.is_some() =>
            {
                "check `--username` and `--password`".to_owned()
            }
            OAuthErrorCode::InvalidScope => "check `--scope`".to_owned(),
            OAuthErrorCode::InvalidTarget => "check `--audience`".to_owned(),
            // A job has no session that could have ended.
            _ if target.is_for_job() => return None,
            code if what == RENEWAL && code.asks_for_sign_in() => SIGN_IN_AGAIN.to_owned(),
            OAuthErrorCode::InvalidGrant
            | OAuthErrorCode::InteractionRequired
            | OAuthErrorCode::LoginRequired
            | OAuthErrorCode::AccountSelectionRequired
            | OAuthErrorCode::ConsentRequired => SIGN_IN_AGAIN.to_owned(),
            _ => return None,
        };
        Some(text)
    }

    /// What the user can do about an answer that no issuer gives.
    fn hint_about_a_stranger(target: &Target) -> String {
        let origin = target.origins.issuer.as_ref();
        let from = origin.map(|origin| format!("; it came from {origin}")).unwrap_or_default();
        format!(
            "a proxy or gateway may have answered in the issuer's place; check \
             `--issuer-url`{from}"
        )
    }

    /// What the user can do, with the origin of the value to look at.
    pub fn hint(&self, target: &Target) -> Option<String> {
        let from = |origin: &Option<Origin>| {
            origin.as_ref().map(|origin| format!("; it came from {origin}")).unwrap_or_default()
        };
        match self {
            Self::CertificateAuthority(_) => Some(format!(
                "check `--certificate-authority`{}",
                from(&target.origins.certificate_authority)
            )),
            Self::ClientCertificate(_) => Some(format!(
                "check `--client-certificate` and `--client-key`{}",
                from(&target.origins.client_certificate)
            )),
            Self::NotAllowed(refusal)
            | Self::ClientSecret(LocalError::Command(CommandError::NotAllowed(refusal))) => {
                Some(refusal.hint())
            }
            Self::ClientSecret(_) => Some(format!(
                "check the client secret's file or command{}",
                from(&target.origins.client_secret)
            )),
            Self::ClientKey(_) => Some(format!(
                "check `--client-assertion-key`{}",
                from(&target.origins.client_secret)
            )),
            Self::ListenerCertificate(_) => {
                Some("check `--local-server-cert` and `--local-server-key`".to_owned())
            }
            Self::Password(_) => Some("check `--password`".to_owned()),
            Self::NoConnections(source) => source.hint(),
            Self::Unreachable { source, .. } if source.hint().is_some() => source.hint(),
            Self::Unreachable { source, .. } if source.is_untrusted() => {
                Some(if target.connection.certificate_authorities.is_empty() {
                    "name the authority that signed its certificate with \
                     `--certificate-authority FILE`"
                        .to_owned()
                } else {
                    format!(
                        "neither the given `--certificate-authority` nor an authority of this \
                         system signed the issuer's certificate{}",
                        from(&target.origins.certificate_authority)
                    )
                })
            }
            Self::Unreachable { .. } | Self::OutOfOrder { .. } => Some(format!(
                "nothing was lost; try again when the issuer answers, or check `--issuer-url`{}",
                from(&target.origins.issuer)
            )),
            Self::NotAnIssuer { .. } | Self::TooLong { .. } => {
                Some(format!("check `--issuer-url`{}", from(&target.origins.issuer)))
            }
            Self::NotOffered { .. } => Some("choose another `--flow`".to_owned()),
            Self::Identity(error) => workload_identity::hint(error, target),
            // A job has no user who could sign in again.
            Self::Refused { source, .. }
                if target.identity.is_some()
                    && source.oauth_error().is_some_and(|error| blames_identity(&error.code)) =>
            {
                Some(format!(
                    "the issuer has to accept tokens of the identity's signer, about its \
                     subject and for its audience; `-v` shows them{}",
                    from(&target.origins.identity)
                ))
            }
            Self::Refused { source, what, .. } => match source.oauth_error() {
                Some(error) => Self::hint_about(&error.code, what, target),
                None => Some(Self::hint_about_a_stranger(target)),
            },
            Self::Callback { source: CallbackRefusal::Issuer(error), .. }
                if error.code.meaning() == Meaning::Configuration
                    || error.code.is_about_the_way() =>
            {
                Self::hint_about(&error.code, "the sign-in", target)
            }
            // Whatever started the job can start it again.
            Self::Cancelled if target.is_for_job() => None,
            Self::Callback { .. }
            | Self::Timeout { .. }
            | Self::Cancelled
            | Self::Terminal(_)
            | Self::NoAnswer { .. } => Some(ANOTHER_ATTEMPT.to_owned()),
            Self::Token { source: TokenProblem::Missing("id_token"), .. } => Some(
                "the issuer gives this client no ID token in this flow; hand out access tokens \
                 with `--use-access-token`"
                    .to_owned(),
            ),
            Self::Token { source: TokenProblem::Untied, .. } => {
                Some("paste the whole address of the page instead of the code alone".to_owned())
            }
            Self::Token {
                source: TokenProblem::IdToken(IdTokenProblem::WrongAudience(_)), ..
            } => Some(format!("check `--client-id`{}", from(&target.origins.client_id))),
            Self::Listen { .. } => {
                Some("another program uses the port; give another `--listen-address`".to_owned())
            }
            Self::NeedsPerson { source, .. } => Some(source.hint()),
            Self::Token { source: TokenProblem::Answer(_), .. } => {
                Some(Self::hint_about_a_stranger(target))
            }
            Self::Token { .. } | Self::Randomness(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
