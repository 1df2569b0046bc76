//! The error codes of OAuth 2.0 and OpenID Connect, and an error response.
//! Never shows control characters that the issuer sent: the text reaches terminals.

use std::fmt;

use thiserror::Error;

/// Maximum length of a code or description in characters.
const MAX_TEXT: usize = 300;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A registered error code; `Unknown` holds any other text.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum OAuthErrorCode {
            $($(#[$doc])* $name,)+
            /// A code that this program does not know.
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

            /// The code for this text; case-sensitive.
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
    /// RFC 6749 §4.1.2.1 and §5.2: a parameter is missing, repeated or malformed.
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
    /// RFC 6749 §4.1.2.1 and RFC 8628 §3.5: the user or the issuer denied the request.
    AccessDenied = "access_denied",
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 6749 §4.1.2.1: stands for HTTP 500.
    ServerError = "server_error",
    /// RFC 6749 §4.1.2.1: stands for HTTP 503.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 8628 §3.5: the user has not decided yet.
    AuthorizationPending = "authorization_pending",
    /// RFC 8628 §3.5: as pending, and the client must poll less often from now on.
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
    /// RFC 8707 §2: the requested audience is unknown or not allowed.
    InvalidTarget = "invalid_target",
}

/// What a refusal says about a grant that was valid before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing: the issuer cannot answer now.
    Outage,
    /// Nothing: the client or its request does not match the issuer's configuration.
    Configuration,
    /// The grant is not valid any more. Some issuers use other codes for this: Dex
    /// `invalid_request`, Hydra `token_inactive`.
    GrantGone,
}

/// Codes of internal errors that are in no RFC: of Keycloak (`unknown_error`), Auth0 and Zitadel
/// (`too_many_requests`), API gateways (the rest).
const OUTAGES: [&str; 8] = [
    "unknown_error",
    "too_many_requests",
    "rate_limited",
    "rate_limit_exceeded",
    "internal_error",
    "internal_server_error",
    "service_unavailable",
    "timeout",
];

impl OAuthErrorCode {
    /// What the code says about a grant that was valid before, such as a refresh token.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::ServerError | Self::TemporarilyUnavailable | Self::SlowDown => Meaning::Outage,
            Self::Unknown(text) if OUTAGES.contains(&text.as_str()) => Meaning::Outage,
            Self::InvalidClient
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope => Meaning::Configuration,
            _ => Meaning::GrantGone,
        }
    }

    /// Whether the refusal of a previously valid grant with this code requires a new sign-in. No
    /// other code may lead to one.
    pub fn asks_for_sign_in(&self) -> bool {
        self.meaning() == Meaning::GrantGone
    }

    /// Whether the issuer says that it cannot answer now. Except for `slow_down`: it is an outage
    /// in most places, but part of the protocol when a device polls (RFC 8628 §3.5).
    pub fn is_outage(&self) -> bool {
        self.meaning() == Meaning::Outage && *self != Self::SlowDown
    }

    /// Whether the client may not use this grant or response type, whatever it presents.
    pub fn is_about_the_way(&self) -> bool {
        matches!(
            self,
            Self::UnauthorizedClient | Self::UnsupportedGrantType | Self::UnsupportedResponseType
        )
    }
}

impl fmt::Display for OAuthErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error response of an issuer (RFC 6749 §4.1.2.1, §5.2).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct OAuthError {
    /// The code, for programs.
    pub code: OAuthErrorCode,
    /// The description, for users; printable and limited in length.
    pub description: Option<String>,
}

impl OAuthError {
    /// The OAuth error in a response with this status and this `error`, if there is one.
    ///
    /// A registered code counts with any status: Dex refuses with 500. Gateways also send JSON with
    /// an `error`: a status phrase ("Bad Gateway") is not a code, and with a status that means "not
    /// now" only a registered code counts.
    pub fn stated(status: u16, code: &str, description: Option<&str>) -> Option<Self> {
        let error = Self::new(code, description);
        let is_phrase = PHRASES.iter().any(|phrase| phrase.eq_ignore_ascii_case(code.trim()));
        let counts = match (&error.code, status) {
            (OAuthErrorCode::Unknown(_), _) if code.is_empty() || is_phrase => false,
            (OAuthErrorCode::Unknown(_), 408 | 425 | 429 | 501..) => false,
            // A text with spaces comes from a server that failed.
            (OAuthErrorCode::Unknown(text), 500) => !text.contains(' '),
            _ => true,
        };
        counts.then_some(error)
    }

    /// An error with texts of a response; characters that are unsafe in a terminal are removed.
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

/// RFC 9110 §15: phrases that gateways and frameworks send as `error`.
const PHRASES: [&str; 16] = [
    "Bad Request",
    "Unauthorized",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Not Acceptable",
    "Request Timeout",
    "Content Too Large",
    "Payload Too Large",
    "Unsupported Media Type",
    "Too Many Requests",
    "Internal Server Error",
    "Not Implemented",
    "Bad Gateway",
    "Service Unavailable",
    "Gateway Timeout",
];

/// Sanitises an untrusted text for a terminal: no control characters, limited in length.
pub fn presentable(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        // Bidirectional overrides can make a terminal show another text than the one sent.
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
    fn a_code_means_an_outage_a_configuration_or_that_the_grant_is_gone() {
        for (code, meaning) in [
            ("server_error", Meaning::Outage),
            ("temporarily_unavailable", Meaning::Outage),
            ("slow_down", Meaning::Outage),
            ("unknown_error", Meaning::Outage),
            ("invalid_client", Meaning::Configuration),
            ("unauthorized_client", Meaning::Configuration),
            ("unsupported_grant_type", Meaning::Configuration),
            ("invalid_scope", Meaning::Configuration),
            ("invalid_grant", Meaning::GrantGone),
            ("invalid_request", Meaning::GrantGone),
            ("token_inactive", Meaning::GrantGone),
            ("expired_token", Meaning::GrantGone),
            ("access_denied", Meaning::GrantGone),
            ("invalid_target", Meaning::GrantGone),
            ("interaction_required", Meaning::GrantGone),
            ("login_required", Meaning::GrantGone),
            ("account_selection_required", Meaning::GrantGone),
            ("consent_required", Meaning::GrantGone),
            ("anything_else", Meaning::GrantGone),
        ] {
            let parsed = OAuthErrorCode::parse(code);
            assert_eq!(parsed.meaning(), meaning, "{code}");
            assert_eq!(parsed.asks_for_sign_in(), meaning == Meaning::GrantGone, "{code}");
        }
        // `slow_down` continues the flow.
        assert!(!OAuthErrorCode::SlowDown.is_outage());
    }

    #[test]
    fn an_answer_states_an_error_where_its_code_is_one() {
        for (status, code, is_stated) in [
            (400, "invalid_grant", true),
            (500, "invalid_request", true),
            (503, "invalid_grant", true),
            (429, "slow_down", true),
            (401, "token_inactive", true),
            (500, "token_inactive", true),
            (400, "Invalid refresh token", true),
            (400, "", false),
            (404, "Not Found", false),
            (401, "unauthorized", false),
            (500, "Internal Server Error", false),
            (500, "could not connect to the database", false),
            (429, "too_many_requests", false),
            (503, "no_healthy_upstream", false),
        ] {
            assert_eq!(
                OAuthError::stated(status, code, None).is_some(),
                is_stated,
                "{status} {code}"
            );
        }
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
