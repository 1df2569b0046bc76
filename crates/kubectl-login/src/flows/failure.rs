//! Why a flow gave no token, sorted by whose fault it was.
//! Never repeats a source in its own text; never names a secret.

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
    identities::IdentityError,
    options::{
        origin::Origin,
        program::NotAllowed,
        target::{Flow, Target},
    },
    report::Fault,
    system::{command::CommandError, http::HttpError, random::NoRandomness},
};

/// What a refresh token is shown for.
pub(super) const RENEWAL: &str = "the renewal";

/// What helps where a session has ended.
const SIGN_IN_AGAIN: &str = "sign in again with `kubectl-login login`";

/// What helps where a person said no, was too late, or left.
const ANOTHER_ATTEMPT: &str = "`kubectl-login login` makes another attempt at once";

/// Something on this machine that an option names.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file that an option names.
    #[error("could not read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that an option names holds something else than it should.
    #[error("`{}` is empty, too long or no text", .0.display())]
    Content(PathBuf),
    /// A file that an option names holds no key that can sign.
    #[error("could not use the key in `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PrivateKeyError,
    },
    /// A file that an option names holds no certificate for its key.
    #[error("could not use the certificate in `{}` with its key: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A command that an option names.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// TLS.
    #[error(transparent)]
    Http(HttpError),
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The certificate authority.
    #[error("could not use the certificate authority")]
    CertificateAuthority(#[source] LocalError),
    /// The client's certificate.
    #[error("could not use the client certificate")]
    ClientCertificate(#[source] LocalError),
    /// This machine.
    #[error("no connection can be made from here")]
    NoConnections(#[source] HttpError),
    /// The client's secret.
    #[error("could not get the client secret")]
    ClientSecret(#[source] LocalError),
    /// The job's identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A command of a kubeconfig.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The key that signs the client's assertions.
    #[error("could not sign in the client's name")]
    ClientKey(#[source] LocalError),
    /// The certificate of the listener.
    #[error("could not use the certificate of the local server")]
    ListenerCertificate(#[source] LocalError),
    /// The person's password.
    #[error("could not get the password")]
    Password(#[source] LocalError),
    /// The terminal.
    #[error("could not read the answer from the terminal")]
    Terminal(#[source] io::Error),
    /// Nothing, or something else, was typed.
    #[error("the sign-in to `{issuer}` was not answered")]
    NoAnswer {
        /// Who would have been asked.
        issuer: IssuerUrl,
    },
    /// No answer.
    #[error("could not reach issuer `{issuer}`")]
    Unreachable {
        /// Who was asked.
        issuer: IssuerUrl,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// An answer that no issuer gives.
    #[error("what answers for issuer `{issuer}` gave no usable answer")]
    TooLong {
        /// Who was asked.
        issuer: IssuerUrl,
        /// What is wrong with it.
        #[source]
        source: HttpError,
    },
    /// An answer that says "not now".
    #[error("issuer `{issuer}` is out of order")]
    OutOfOrder {
        /// Who was asked.
        issuer: IssuerUrl,
        /// What it answered.
        #[source]
        source: TokenEndpointError,
    },
    /// Whatever answers there is no issuer.
    #[error("`{issuer}` does not answer as an OpenID Connect issuer")]
    NotAnIssuer {
        /// Who was asked.
        issuer: IssuerUrl,
        /// What is wrong with its discovery document.
        #[source]
        source: Box<NotAnIssuer>,
    },
    /// The issuer has no endpoint for the flow.
    #[error("issuer `{issuer}` does not offer {what}")]
    NotOffered {
        /// Who was asked.
        issuer: IssuerUrl,
        /// For what.
        what: &'static str,
    },
    /// The issuer said no.
    #[error("issuer `{issuer}` refused {what}")]
    Refused {
        /// Who was asked.
        issuer: IssuerUrl,
        /// For what.
        what: &'static str,
        /// What it answered.
        #[source]
        source: TokenEndpointError,
    },
    /// The browser came back without a code.
    #[error("sign-in to `{issuer}` failed")]
    Callback {
        /// Who was asked.
        issuer: IssuerUrl,
        /// What came back.
        #[source]
        source: CallbackRefusal,
    },
    /// The issuer gave something that is no usable token.
    #[error("the token of issuer `{issuer}` cannot be used")]
    Token {
        /// Who was asked.
        issuer: IssuerUrl,
        /// What is wrong with it.
        #[source]
        source: TokenProblem,
    },
    /// Nobody finished the sign-in.
    #[error("the sign-in to `{issuer}` was not finished within {seconds} seconds")]
    Timeout {
        /// Who was asked.
        issuer: IssuerUrl,
        /// The bound.
        seconds: u64,
    },
    /// Ctrl-C or a request to terminate.
    #[error("cancelled before there was a token")]
    Cancelled,
    /// No port to wait on.
    #[error("could not wait for the browser on {addresses}")]
    Listen {
        /// What was tried.
        addresses: String,
        /// Why the last one failed.
        #[source]
        source: io::Error,
    },
    /// A person would have to sign in.
    #[error("a sign-in to `{issuer}` is needed, and nobody can be asked")]
    NeedsPerson {
        /// Who would be asked.
        issuer: IssuerUrl,
        /// Why nobody can.
        #[source]
        source: NeedsPerson,
    },
    /// No random bytes.
    #[error("could not begin a sign-in")]
    Randomness(#[from] NoRandomness),
}

/// What answers in place of an issuer.
#[derive(Debug, thiserror::Error)]
pub enum NotAnIssuer {
    /// There is no discovery document.
    #[error("its discovery document was answered with {0}")]
    Status(u16),
    /// There is one that cannot be used.
    #[error(transparent)]
    Document(#[from] DiscoveryError),
    /// It is said to be where it is not looked for.
    #[error(transparent)]
    Redirect(#[from] RedirectFault),
}

/// What is wrong with a token.
#[derive(Debug, thiserror::Error)]
pub enum TokenProblem {
    /// The checks of OpenID Connect Core.
    #[error(transparent)]
    IdToken(#[from] IdTokenProblem),
    /// The wanted one is not there.
    #[error("the answer has no {0}")]
    Missing(&'static str),
    /// OpenID Connect Core §12.2: a renewal is for the same person.
    #[error("the renewed token is for another subject than the first")]
    OtherSubject,
    /// A code was pasted without its `state`, and no ID token came for it.
    #[error("nothing shows that the pasted code belongs to this sign-in: no ID token came with it")]
    Untied,
    /// It would be refused at once.
    #[error("the token has expired already")]
    Expired,
    /// The answer is no token answer.
    #[error(transparent)]
    Answer(TokenEndpointError),
}

/// For how long a way to sign in is out of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// The issuer does not let this client use it.
    ForGood,
    /// This machine does not, for the moment.
    Now,
}

/// Whether an issuer that was shown an identity says so because of it: as a grant (RFC 7523 §3.1),
/// as the client's assertion (§3.2), or for an exchange (RFC 8693 §2.2.2).
fn blames_identity(code: &OAuthErrorCode) -> bool {
    matches!(
        code,
        OAuthErrorCode::InvalidGrant
            | OAuthErrorCode::InvalidClient
            | OAuthErrorCode::InvalidRequest
            | OAuthErrorCode::UnauthorizedClient
    )
}

/// What the client proves itself by, in the order of `ClientProof`.
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
    /// Sorts an answer of an endpoint that was asked for `what`.
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

    /// The issuer gave no answer in all the time that there was.
    pub fn late(issuer: &IssuerUrl, within: Duration) -> Self {
        let source = HttpError::Timeout { from: issuer.to_string(), within };
        Self::Unreachable { issuer: issuer.clone(), source }
    }

    /// Sorts why no client can be made: what the options name cannot be used.
    pub fn of_options(error: HttpError) -> Self {
        match error {
            HttpError::ClientCertificate(_) => Self::ClientCertificate(LocalError::Http(error)),
            HttpError::CertificateAuthority | HttpError::CertificateAuthorityText(_) => {
                Self::CertificateAuthority(LocalError::Http(error))
            }
            error => Self::NoConnections(error),
        }
    }

    /// What it means for another attempt; `retry_after` was in the answer.
    pub fn setback(&self, retry_after: Option<Duration>) -> Option<Setback> {
        match self {
            Self::Unreachable { source, .. } => Setback::of_failure(source),
            Self::OutOfOrder { .. } => Some(Setback::NotNow(retry_after)),
            _ => None,
        }
    }

    /// A person would have to type something, and cannot.
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

    /// Of a renewal: whether only a person can mend it, as the grant is gone. The one reason for a
    /// new sign-in.
    pub fn asks_for_sign_in(&self) -> bool {
        matches!(self, Self::Refused { source, .. }
            if source.oauth_error().is_some_and(|error| error.code.asks_for_sign_in()))
    }

    /// Of a sign-in: whether another way may succeed, and whether this one never will.
    pub fn passes_over(&self) -> Option<PassedOver> {
        match self {
            Self::Refused { source, .. } => match source {
                TokenEndpointError::Refused { error, .. } => {
                    error.code.is_about_the_way().then_some(PassedOver::ForGood)
                }
                // Listed, and not there.
                TokenEndpointError::Unexpected { status: 404 | 405 } => Some(PassedOver::ForGood),
                _ => None,
            },
            Self::Callback { source: CallbackRefusal::Issuer(error), .. } => {
                error.code.is_about_the_way().then_some(PassedOver::ForGood)
            }
            // A program that has the port now.
            Self::Listen { .. } => Some(PassedOver::Now),
            _ => None,
        }
    }

    /// Whether a discovery document that was kept may be the reason.
    pub fn may_be_stale_metadata(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::OutOfOrder { .. } | Self::TooLong { .. } => true,
            Self::Refused { source, .. } => source.oauth_error().is_none(),
            // It was kept though one of its endpoints cannot be used, which may be mended by now.
            Self::NotAnIssuer { source, .. } => {
                matches!(**source, NotAnIssuer::Document(DiscoveryError::Endpoint(_)))
            }
            _ => false,
        }
    }

    /// Of a request that shows what may count once: whether it has certainly not counted, because
    /// it did not arrive, or because what answered knows nothing of tokens.
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
            Self::Identity(error) => error.hint(target),
            // Nobody can sign in again in the place of a job.
            Self::Refused { source, .. }
                if target.identity.is_some()
                    && source.oauth_error().is_some_and(|error| blames_identity(&error.code)) =>
            {
                Some(format!(
                    "the issuer has to take tokens of whoever signed the identity, about its \
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
            // A job is started again by whoever started it.
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
