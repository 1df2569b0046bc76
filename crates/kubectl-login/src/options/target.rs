//! Checks the options and builds a target: which token to request from which issuer, and how the
//! user may be involved.
//! Never touches the file system: paths stay paths, and secrets are references to their source.
//!
//! On disk: `values` reads single values; `issuer`, `identity` and `browser` are parts of a target;
//! `cache_key` names its session.

mod browser;
pub(crate) mod cache_key;
mod identity;
mod issuer;
mod values;

use std::{path::PathBuf, time::Duration};

use login_common::names::{ClientId, IssuerUrl};

pub use super::flow::Flow;
pub use browser::{BrowserChoice, Callback, KUBELOGIN_PORTS, RESPONSE_MODE};
use cache_key::Identifying;
pub use identity::{IdentityOptions, SourceKind};
pub use issuer::{AssertionKey, CertificateAuthority, ClientCertificate, Connection, SecretSource};
use login_cache::{key::CacheKey, refresh_secret::Storage};
use values::{choice, path, required, text, wrong};

use super::{
    fault::OptionError,
    flow::{FLOWS, SignsIn},
    layers::Settings,
    origin::Origin,
    program::NotAllowed,
    table::Name,
    trust,
};
use crate::{system::environment::Environment, workload_identity::Taken};

/// Whether the user may be prompted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interactive {
    /// If a user seems to be present.
    Auto,
    /// Not at all.
    Never,
    /// Even if no user seems to be present.
    Always,
}

/// All checked options, before any file is opened.
#[derive(Clone, Debug)]
pub struct Target {
    /// The issuer of the tokens.
    pub issuer: IssuerUrl,
    /// The client that requests them; for `Flow::Identity` the audience.
    pub client_id: ClientId,
    /// How the client authenticates, if by a secret.
    pub client_secret: Option<SecretSource>,
    /// How the client authenticates, if by a key.
    pub assertion_key: Option<AssertionKey>,
    /// How the issuer is reached.
    pub connection: Connection,
    /// The scopes that the user requested, sorted, without duplicates.
    pub scopes: Vec<String>,
    /// The audience of an access token.
    pub audience: Option<String>,
    /// How to sign in.
    pub flow: Flow,
    /// Which account, if the user has several.
    pub account: Option<String>,
    /// The user name for the password flow.
    pub username: Option<String>,
    /// The password, if given; else the user is prompted.
    pub password: Option<SecretSource>,
    /// Use the access token instead of the ID token.
    pub use_access_token: bool,
    /// The identity of a job on this host.
    pub identity: Option<IdentityOptions>,
    /// RFC 8693 `subject_token_type`.
    pub subject_token_type: Option<String>,
    /// RFC 8693 `requested_token_type`.
    pub requested_token_type: Option<String>,
    /// Where tokens are cached; `None` caches nothing, also while the job's identity is unknown.
    pub cache_directory: Option<PathBuf>,
    /// Where tokens will be cached once the identity is known.
    pub later_directory: Option<PathBuf>,
    /// How refresh tokens are stored there.
    pub storage: Storage,
    /// Where the browser is redirected to.
    pub callback: Callback,
    /// How to open the page.
    pub browser: BrowserChoice,
    /// Renew even if the cached token is good.
    pub force_refresh: bool,
    /// The time limit of a sign-in by any flow.
    pub authentication_timeout: Duration,
    /// The time limit of a sign-in that waits at a page for the user: a device code has a lifetime
    /// of its own.
    pub page_timeout: Duration,
    /// Whether the user may be prompted.
    pub interactive: Interactive,
    /// Print only errors to stderr.
    pub quiet: bool,
    /// Identifies this target in the cache.
    pub cache_key: CacheKey,
    /// The origins of values that hints name.
    pub origins: Origins,
}

/// The origins of values that hints name.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Of the issuer's URL.
    pub issuer: Option<Origin>,
    /// Of the client's id.
    pub client_id: Option<Origin>,
    /// Of the client's secret or key, literal or by reference.
    pub client_secret: Option<Origin>,
    /// Of the client's TLS certificate.
    pub client_certificate: Option<Origin>,
    /// Of the certificate authority.
    pub certificate_authority: Option<Origin>,
    /// Of the identity.
    pub identity: Option<Origin>,
}

impl Origins {
    fn of(settings: &Settings) -> Self {
        let first = |names: &[Name]| names.iter().find_map(|name| settings.origin(*name).cloned());
        Self {
            issuer: first(&[Name::IssuerUrl]),
            client_id: first(&[Name::ClientId]),
            client_secret: first(&[
                Name::ClientSecret,
                Name::ClientSecretFile,
                Name::ClientSecretCommand,
                Name::ClientAssertionKey,
            ]),
            client_certificate: first(&[Name::ClientCertificate, Name::ClientKey]),
            certificate_authority: first(&[
                Name::CertificateAuthority,
                Name::CertificateAuthorityData,
            ]),
            identity: first(&[
                Name::Identity,
                Name::IdentityFile,
                Name::IdentityVariable,
                Name::IdentityCommand,
            ]),
        }
    }
}

impl Target {
    /// Checks all settings.
    pub fn check(settings: &Settings, environment: &dyn Environment) -> Result<Self, OptionError> {
        trust::check(settings)?;
        let issuer = required(settings, Name::IssuerUrl, IssuerUrl::parse)?;
        let client_id = required(settings, Name::ClientId, ClientId::parse)?;
        let scopes = scopes(settings)?;
        let (audience, account) = (text(settings, Name::Audience), text(settings, Name::Account));
        let username = text(settings, Name::Username);
        // kubelogin's `auto` is the password flow if a user name is given.
        let flow = match choice(settings, Name::Flow, &FLOWS)?.unwrap_or(Flow::Auto) {
            Flow::Auto if username.is_some() => Flow::Password,
            flow => flow,
        };
        let identity = identity::check(settings, environment)?;
        if identity.is_none() && flow.presents_identity() {
            return Err(wrong(settings, Name::Flow, "`--identity` is needed, too"));
        }
        let use_access_token = settings.switch(Name::UseAccessToken)?;
        let connection = Connection::check(settings, environment)?;
        let callback = Callback::check(settings, environment)?;
        if flow == Flow::Browser && !callback.comes_back() {
            let problem = "no browser comes back from there by itself; use `--flow paste` with it";
            return Err(wrong(settings, Name::RedirectUrl, problem));
        }
        let requested_token_type = text(settings, Name::RequestedTokenType);
        let subject_token_type = text(settings, Name::SubjectTokenType);
        let for_person = identity.is_none() && flow != Flow::ClientCredentials;
        let cache_key = Identifying {
            issuer: issuer.as_str(),
            client_id: client_id.as_str(),
            scopes: &sent_scopes(&scopes, for_person),
            audience: audience.as_deref(),
            account: account.as_deref(),
            username: username.as_deref(),
            for_client: flow == Flow::ClientCredentials,
            use_access_token,
            identity: identity.as_ref(),
            // An identity can be used in several flows, for several token types.
            identity_flow: identity.as_ref().map(|_| flow.as_str()),
            subject_token_type: subject_token_type.as_deref(),
            requested_token_type: requested_token_type.as_deref(),
            authorization_parameters: &callback.parameters,
            request_headers: &connection.request_headers,
            trust: &connection.trust(),
        }
        .key();
        let storage = storage(settings)?;
        let given_timeout = authentication_timeout(settings)?;
        let directory =
            (storage != Storage::None).then(|| cache_directory_of(settings, environment)).flatten();
        let needs_identity = identity.is_some() && !flow.needs_person();
        let (cache_directory, later_directory) =
            if needs_identity { (None, directory) } else { (directory, None) };
        Ok(Self {
            client_secret: issuer::client_secret(settings, environment)?,
            assertion_key: issuer::assertion_key(settings, environment),
            connection,
            cache_directory,
            later_directory,
            storage,
            callback,
            browser: browser::opening(settings, environment)?,
            password: text(settings, Name::Password).map(|text| SecretSource::Literal(text.into())),
            subject_token_type,
            requested_token_type,
            force_refresh: settings.switch(Name::ForceRefresh)?,
            authentication_timeout: given_timeout.unwrap_or(match flow {
                Flow::Auto | Flow::Device => LONGEST_CODE,
                _ => PAGE,
            }),
            page_timeout: given_timeout.unwrap_or(PAGE),
            interactive: choice(settings, Name::Interactive, &WHEN)?.unwrap_or(Interactive::Auto),
            quiet: settings.switch(Name::Quiet)?,
            origins: Origins::of(settings),
            issuer,
            client_id,
            scopes,
            audience,
            flow,
            account,
            username,
            use_access_token,
            identity,
            cache_key,
        })
    }
}

impl Target {
    /// Whether a job gets a token for itself, without a user.
    pub fn is_for_job(&self) -> bool {
        match self.flow.signs_in() {
            SignsIn::Job => true,
            SignsIn::User => false,
            SignsIn::Either => self.identity.is_some(),
        }
    }

    /// The identity that decides whose token it is, while it is unknown.
    pub fn unknown_identity(&self) -> Option<&IdentityOptions> {
        let is_known = self.identity.as_ref().is_some_and(|identity| identity.taken.is_some());
        self.identity.as_ref().filter(|_| !is_known && !self.flow.needs_person())
    }

    /// The commands that a kubeconfig names and that the user has not allowed.
    pub fn refused_commands(&self) -> Vec<NotAllowed> {
        let secret = match &self.client_secret {
            Some(SecretSource::Command(line)) => Some(line),
            _ => None,
        };
        let browser = match &self.browser {
            BrowserChoice::Command(line) => Some(line),
            _ => None,
        };
        let identity = self.identity.as_ref().and_then(|identity| identity.command.as_ref());
        let lines = [secret, identity, browser].into_iter().flatten();
        lines.filter_map(|line| line.allowed().err()).collect()
    }

    /// The same target, for the job that `taken` identifies.
    #[must_use]
    pub fn known_as(self, taken: Taken) -> Self {
        let cache_key = self.cache_key.of_job(taken.says());
        let cache_directory = self.later_directory.clone();
        let identity =
            self.identity.map(|identity| IdentityOptions { taken: Some(taken), ..identity });
        Self { identity, cache_directory, cache_key, ..self }
    }
}

/// The directory of cached tokens.
pub fn cache_directory_of(settings: &Settings, environment: &dyn Environment) -> Option<PathBuf> {
    path(settings, Name::TokenCacheDir, environment)
        .or_else(|| environment.default_cache_directory())
}

const STORAGES: [(&str, Storage); 6] = [
    ("auto", Storage::Auto),
    ("keyring", Storage::Keyring),
    ("encrypted-file", Storage::EncryptedFile),
    ("file", Storage::File),
    ("none", Storage::None),
    ("disk", Storage::File),
];

const WHEN: [(&str, Interactive); 3] =
    [("auto", Interactive::Auto), ("never", Interactive::Never), ("always", Interactive::Always)];

fn storage(settings: &Settings) -> Result<Storage, OptionError> {
    let chosen = choice(settings, Name::TokenCacheStorage, &STORAGES)?;
    let switches = (settings.switch(Name::ForceKeyring)?, settings.switch(Name::NoKeyring)?);
    Ok(match (chosen, switches) {
        (Some(chosen), _) => chosen,
        (None, (true, false)) => Storage::Keyring,
        (None, (false, true)) => Storage::File,
        (None, (false, false)) => Storage::Auto,
        (None, (true, true)) => {
            return Err(wrong(settings, Name::NoKeyring, "`--force-keyring` is given, too"));
        }
    })
}

fn scopes(settings: &Settings) -> Result<Vec<String>, OptionError> {
    // One part may hold several scopes: int128/kubelogin joins the parts with spaces.
    let parts = settings.list(Name::Scope)?;
    let mut scopes: Vec<String> =
        parts.iter().flat_map(|part| part.split_whitespace()).map(ToOwned::to_owned).collect();
    scopes.sort_unstable();
    scopes.dedup();
    // RFC 6749 §3.3 `scope-token`
    let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if scopes.iter().all(|scope| scope.bytes().all(allowed)) {
        Ok(scopes)
    } else {
        Err(wrong(settings, Name::Scope, "a scope has a character it may not have"))
    }
}

/// The scopes that distinguish sessions: `openid` is always requested for a user.
fn sent_scopes(scopes: &[String], for_person: bool) -> Vec<String> {
    scopes.iter().filter(|scope| !for_person || *scope != "openid").cloned().collect()
}

/// How long a page waits for the user.
const PAGE: Duration = Duration::from_mins(3);

/// The longest device code lifetime that is waited for; Google's codes live that long.
const LONGEST_CODE: Duration = Duration::from_mins(30);

fn authentication_timeout(settings: &Settings) -> Result<Option<Duration>, OptionError> {
    let name = Name::AuthenticationTimeoutSec;
    let Some((text, _)) = settings.value(name) else { return Ok(None) };
    match text.parse::<u64>() {
        Ok(seconds @ 1..=3600) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(wrong(settings, name, "it is not a number of seconds from 1 to 3600")),
    }
}

#[cfg(test)]
mod tests;
