//! Names the flows, and says of each who signs in by it and what it needs of the issuer.

use super::spellings::spellings;

// recipe: flow
/// How to sign in, as requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The best that fits: the job's identity if there is one, else a user by browser or device.
    Auto,
    /// Authorization code with PKCE and a loopback listener.
    Browser,
    /// Device code.
    Device,
    /// Authorization code that the user copies from another device.
    Paste,
    /// The client's own credentials.
    ClientCredentials,
    /// The identity token, unchanged.
    Identity,
    /// The identity token, exchanged for another token (RFC 8693).
    TokenExchange,
    /// The identity token as a grant (RFC 7523 §2.1).
    JwtBearer,
    /// The user's password (RFC 6749 §4.3).
    Password,
}

/// Our spellings, then kubelogin's for the same flows.
pub(super) const FLOWS: [(&str, Flow); 12] = [
    ("auto", Flow::Auto),
    ("browser", Flow::Browser),
    ("device", Flow::Device),
    ("paste", Flow::Paste),
    ("client-credentials", Flow::ClientCredentials),
    ("identity", Flow::Identity),
    ("token-exchange", Flow::TokenExchange),
    ("jwt-bearer", Flow::JwtBearer),
    ("password", Flow::Password),
    ("authcode", Flow::Browser),
    ("authcode-keyboard", Flow::Paste),
    ("device-code", Flow::Device),
];

/// How many of them are kubelogin's.
const KUBELOGINS: usize = 3;

/// Our spellings.
pub(super) const CHOICES: [&str; FLOWS.len() - KUBELOGINS] = spellings(&FLOWS);

/// Who signs in by a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignsIn {
    /// A job if it has an identity, else a user.
    Either,
    /// A user.
    User,
    /// A job.
    Job,
}

/// What a flow needs of the issuer besides its token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing that can be known before.
    Nothing,
    /// Not even that endpoint.
    NoEndpoint,
    /// The authorization endpoint.
    Authorization,
    /// The device authorization endpoint (RFC 8628).
    DeviceAuthorization,
    /// A grant, by its name in `grant_types_supported` (RFC 8414 §2).
    Grant(&'static str),
}

impl Flow {
    /// Reads a spelling that [`Flow::as_str`] returns.
    pub fn parse(spelling: &str) -> Option<Self> {
        FLOWS.iter().find(|(known, _)| *known == spelling).map(|(_, flow)| *flow)
    }

    /// The spelling in options.
    pub fn as_str(self) -> &'static str {
        FLOWS.iter().find(|(_, flow)| *flow == self).map_or("auto", |(spelling, _)| spelling)
    }

    /// Who signs in by it.
    pub const fn signs_in(self) -> SignsIn {
        match self {
            Self::Auto => SignsIn::Either,
            Self::Browser | Self::Device | Self::Paste | Self::Password => SignsIn::User,
            Self::ClientCredentials | Self::Identity | Self::TokenExchange | Self::JwtBearer => {
                SignsIn::Job
            }
        }
    }

    /// Whether the flow needs a user.
    pub fn needs_person(self) -> bool {
        self.signs_in() == SignsIn::User
    }

    /// Whether it does nothing without `--identity`.
    pub const fn presents_identity(self) -> bool {
        matches!(self, Self::Identity | Self::TokenExchange | Self::JwtBearer)
    }

    /// What it needs of the issuer.
    pub const fn needs(self) -> Needs {
        match self {
            Self::Auto => Needs::Nothing,
            Self::Browser | Self::Paste => Needs::Authorization,
            Self::Device => Needs::DeviceAuthorization,
            Self::Identity => Needs::NoEndpoint,
            Self::ClientCredentials => Needs::Grant("client_credentials"),
            Self::Password => Needs::Grant("password"),
            Self::TokenExchange => Needs::Grant("urn:ietf:params:oauth:grant-type:token-exchange"),
            Self::JwtBearer => Needs::Grant("urn:ietf:params:oauth:grant-type:jwt-bearer"),
        }
    }
}
