//! The operator's settings of the embedded issuer.
//! Never reads files: `login-server` parses and passes the values.

use std::time::Duration;

use login_common::names::IssuerUrl;

/// A grant type (`grant_type` of RFC 6749, RFC 8628).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1, with PKCE (RFC 7636).
    AuthorizationCode,
    /// RFC 8628.
    DeviceCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// Every grant this issuer implements.
    pub const ALL: [Self; 4] =
        [Self::AuthorizationCode, Self::DeviceCode, Self::RefreshToken, Self::ClientCredentials];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// Parses a `grant_type`; `None` if it is not implemented.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// The rules for passwords and the cost of checking one (argon2id, RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Minimum characters of a new password.
    pub minimum_length: usize,
    /// Memory in KiB for one hash.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl PasswordPolicy {
    /// 12 characters; 19 MiB, two passes, one lane (OWASP's and RFC 9106's lower recommendation).
    pub const RECOMMENDED: Self = Self { minimum_length: 12, memory_kib: 19_456, passes: 2 };
}

/// Maximum token lifetime, whatever is configured.
pub const LONGEST_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

/// How long an ended session is remembered: the maximum lifetime of any token, under this or an
/// earlier configuration, plus the difference between two hosts' clocks.
pub(crate) const ENDED_MEMORY: Duration =
    LONGEST_TOKEN_LIFETIME.saturating_add(Duration::from_mins(1));

/// Everything that is configurable. Durations are whole seconds; tests may use a few seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// `iss`, and the base of every endpoint's URL.
    pub issuer: IssuerUrl,
    /// `aud` of access tokens: the cluster's audience.
    pub cluster_audience: String,
    /// Enabled grants; discovery lists only these.
    pub grants: Vec<GrantType>,
    /// Lifetime of ID tokens and access tokens; [`LONGEST_TOKEN_LIFETIME`] at most.
    pub token_lifetime: Duration,
    /// Lifetime of an unused refresh token.
    pub refresh_token_lifetime: Duration,
    /// Lifetime of a session, however often it is refreshed. No token outlives it.
    pub session_lifetime: Duration,
    /// How long a refresh token that was just rotated is accepted once more, so that a lost
    /// response does not end the session. Zero disables that.
    pub refresh_retry_grace: Duration,
    /// Lifetime of a login form.
    pub ticket_lifetime: Duration,
    /// Lifetime of an authorization code.
    pub code_lifetime: Duration,
    /// Lifetime of a device code and its user code.
    pub device_code_lifetime: Duration,
    /// Minimum time between two polls of a device (RFC 8628 §3.2 `interval`).
    pub device_poll_interval: Duration,
    /// Maximum number of open device codes in total.
    pub open_device_codes: u32,
    /// Maximum number of open device codes per source network (an IPv4 address, or an IPv6 /64).
    pub open_device_codes_per_source: u32,
    /// The rules for new passwords, and the cost of checking one.
    pub passwords: PasswordPolicy,
}

impl IssuerSettings {
    /// The defaults: tokens live 10 minutes, an unused refresh token a day, a session a week.
    pub fn new(issuer: IssuerUrl, cluster_audience: impl Into<String>) -> Self {
        Self {
            issuer,
            cluster_audience: cluster_audience.into(),
            grants: GrantType::ALL.to_vec(),
            token_lifetime: Duration::from_mins(10),
            refresh_token_lifetime: Duration::from_hours(24),
            session_lifetime: Duration::from_hours(7 * 24),
            refresh_retry_grace: Duration::from_secs(10),
            ticket_lifetime: Duration::from_mins(10),
            code_lifetime: Duration::from_mins(1),
            device_code_lifetime: Duration::from_mins(10),
            device_poll_interval: Duration::from_secs(5),
            open_device_codes: 1000,
            open_device_codes_per_source: 50,
            passwords: PasswordPolicy::RECOMMENDED,
        }
    }

    /// The URL of an endpoint; `path` begins with a slash.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.as_str().trim_end_matches('/'))
    }
}
