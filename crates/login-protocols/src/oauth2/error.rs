//! The error codes of OAuth 2.0 and OpenID Connect, and one error as it came over the wire.
//! Never shows control characters that the other side sent: the text reaches terminals.

use std::fmt;

use thiserror::Error;

/// Longest code or description that is kept.
const MAX_TEXT: usize = 300;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A registered error code; `Unknown` keeps any other text.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum OAuthErrorCode {
            $($(#[$doc])* $name,)+
            /// A code that is not in the registry of this program.
            Unknown(String),
        }

        impl OAuthErrorCode {
            /// Every registered code.
            pub const REGISTERED: &'static [Self] = &[$(Self::$name),+];

            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Unknown(text) => text,
                }
            }

            /// The code with that text; case matters.
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)+
                    other => Self::Unknown(presentable(other)),
                }
            }
        }
    };
}

codes! {
    /// RFC 6749 §4.1.2.1 and §5.2: something is missing, repeated or malformed.
    InvalidRequest = "invalid_request",
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient = "invalid_client",
    /// RFC 6749 §5.2: the code or refresh token is invalid, expired, revoked or another client's.
    InvalidGrant = "invalid_grant",
    /// RFC 6749: the client may not use this grant.
    UnauthorizedClient = "unauthorized_client",
    /// RFC 6749 §5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749.
    InvalidScope = "invalid_scope",
    /// RFC 6749 §4.1.2.1 and RFC 8628 §3.5: the person or the issuer said no.
    AccessDenied = "access_denied",
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 6749 §4.1.2.1: stands for HTTP 500.
    ServerError = "server_error",
    /// RFC 6749 §4.1.2.1: stands for HTTP 503.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 8628 §3.5: the person has not answered yet.
    AuthorizationPending = "authorization_pending",
    /// RFC 8628 §3.5: as pending, and ask less often from now on.
    SlowDown = "slow_down",
    /// RFC 8628 §3.5: the device code has expired.
    ExpiredToken = "expired_token",
    /// OpenID Connect Core §3.1.2.6.
    InteractionRequired = "interaction_required",
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired = "login_required",
    /// OpenID Connect Core §3.1.2.6.
    AccountSelectionRequired = "account_selection_required",
    /// OpenID Connect Core §3.1.2.6.
    ConsentRequired = "consent_required",
    /// RFC 8707 §2: the wanted audience is unknown or not allowed.
    InvalidTarget = "invalid_target",
}

impl OAuthErrorCode {
    /// Whether only a new sign-in can help. Nothing else may lead to one.
    pub fn asks_for_sign_in(&self) -> bool {
        matches!(
            self,
            Self::InvalidGrant
                | Self::InteractionRequired
                | Self::LoginRequired
                | Self::AccountSelectionRequired
                | Self::ConsentRequired
        )
    }

    /// Whether the issuer says that it cannot answer now.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::ServerError | Self::TemporarilyUnavailable)
    }
}

impl fmt::Display for OAuthErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error answer of an issuer (RFC 6749 §4.1.2.1, §5.2).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct OAuthError {
    /// What went wrong, for programs.
    pub code: OAuthErrorCode,
    /// What went wrong, for people; printable and bounded.
    pub description: Option<String>,
}

impl OAuthError {
    /// An error with the texts of the wire; what a terminal should not see is taken out.
    pub fn new(code: &str, description: Option<&str>) -> Self {
        Self {
            code: OAuthErrorCode::parse(code),
            description: description.map(presentable).filter(|text| !text.is_empty()),
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.code)?;
        match &self.description {
            Some(description) => write!(f, " ({description})"),
            None => Ok(()),
        }
    }
}

/// Foreign text made fit for a terminal: no control characters, bounded in length.
pub fn presentable(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        // Bidirectional overrides can make a terminal show another text than was sent.
        .filter(|character| !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .take(MAX_TEXT)
        .collect();
    cleaned.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registered_code_reads_back() {
        for code in OAuthErrorCode::REGISTERED {
            assert_eq!(&OAuthErrorCode::parse(code.as_str()), code);
        }
        assert_eq!(
            OAuthErrorCode::parse("Invalid_Grant"),
            OAuthErrorCode::Unknown("Invalid_Grant".to_owned())
        );
    }

    #[test]
    fn only_grants_that_a_person_can_mend_ask_for_a_sign_in() {
        let asking: Vec<&str> = OAuthErrorCode::REGISTERED
            .iter()
            .filter(|code| code.asks_for_sign_in())
            .map(OAuthErrorCode::as_str)
            .collect();
        assert_eq!(
            asking,
            [
                "invalid_grant",
                "interaction_required",
                "login_required",
                "account_selection_required",
                "consent_required"
            ]
        );
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        let error = OAuthError::new("bad\u{1b}[2J", Some("see\r\n\u{202e}this\u{7}"));
        assert_eq!(error.to_string(), "`bad [2J` (see  this)");
        let long = OAuthError::new("x", Some(&"y".repeat(5000)));
        assert_eq!(long.description.unwrap().len(), MAX_TEXT);
        assert_eq!(OAuthError::new("x", Some(" ")).to_string(), "`x`");
    }
}
