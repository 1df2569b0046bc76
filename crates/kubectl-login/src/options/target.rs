//! Checked options: whom to ask for which token, and how a person may be involved.
//! Never touches the file system: paths are kept as paths, secrets as where to find them.

use std::{fmt, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::{
    Secret,
    names::{ClientId, IssuerUrl},
};

use super::{
    fault::OptionError,
    layers::{Origin, Settings},
    table::{Name, row_of},
};
use crate::{cache::key::CacheKey, system::environment::Environment};

/// How to sign in, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A person, by browser or device, as fits.
    Auto,
    /// Authorization code with PKCE and a loopback listener.
    Browser,
    /// Device code.
    Device,
    /// The client itself.
    ClientCredentials,
}

/// Whether a person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interactive {
    /// When one seems to be there.
    Auto,
    /// Not at all.
    Never,
    /// Even when none seems to be there.
    Always,
}

/// Where the client's secret is.
#[derive(Debug)]
pub enum SecretSource {
    /// In the options.
    Literal(Secret),
    /// In a file.
    File(PathBuf),
    /// What this program prints.
    Command(Vec<String>),
}

/// Who may vouch for the issuer.
#[derive(Debug, PartialEq, Eq)]
pub enum CertificateAuthority {
    /// A PEM file.
    File(PathBuf),
    /// PEM text.
    Pem(Vec<u8>),
}

/// How to open the page.
#[derive(Debug, PartialEq, Eq)]
pub enum BrowserChoice {
    /// The browser of the desktop.
    Default,
    /// This program, with the address as its last argument.
    Command(Vec<String>),
    /// Not at all: the address is printed.
    PrintOnly,
}

/// Everything that is known before the first file is opened.
#[derive(Debug)]
pub struct Target {
    /// Who signs the tokens.
    pub issuer: IssuerUrl,
    /// Who asks for them.
    pub client_id: ClientId,
    /// How the client proves itself, if it does.
    pub client_secret: Option<SecretSource>,
    /// The scopes asked for by the user, sorted, each once.
    pub scopes: Vec<String>,
    /// Whom an access token is for.
    pub audience: Option<String>,
    /// How to sign in.
    pub flow: Flow,
    /// Which of several accounts.
    pub account: Option<String>,
    /// Access token instead of ID token.
    pub use_access_token: bool,
    /// Own authorities instead of the system's.
    pub certificate_authority: Option<CertificateAuthority>,
    /// Where tokens are kept; `None` keeps nothing.
    pub cache_directory: Option<PathBuf>,
    /// `host`, `port` pairs to try in order; empty means any free port.
    pub listen_addresses: Vec<(String, u16)>,
    /// How to open the page.
    pub browser: BrowserChoice,
    /// Renew although the kept token is good.
    pub force_refresh: bool,
    /// The bound on a sign-in.
    pub authentication_timeout: Duration,
    /// Whether a person may be asked.
    pub interactive: Interactive,
    /// Names this target in the cache.
    pub cache_key: CacheKey,
    /// Where the values came from that hints talk about.
    pub origins: Origins,
}

/// The origins that hints name.
#[derive(Debug, Default)]
pub struct Origins {
    /// Of the issuer's URL.
    pub issuer: Option<Origin>,
    /// Of the client's id.
    pub client_id: Option<Origin>,
    /// Of the client's secret, wherever it is.
    pub client_secret: Option<Origin>,
    /// Of the certificate authority.
    pub certificate_authority: Option<Origin>,
}

impl Target {
    /// Checks all settings.
    pub fn check(settings: &Settings, environment: &dyn Environment) -> Result<Self, OptionError> {
        let issuer = required(settings, Name::IssuerUrl, IssuerUrl::parse)?;
        let client_id = required(settings, Name::ClientId, ClientId::parse)?;
        let mut scopes: Vec<String> =
            settings.list(Name::Scope).into_iter().map(ToOwned::to_owned).collect();
        scopes.sort_unstable();
        scopes.dedup();
        for scope in &scopes {
            // RFC 6749 §3.3 `scope-token`
            if !scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(wrong(
                    settings,
                    Name::Scope,
                    "a scope has a character it may not have",
                ));
            }
        }
        let audience = text(settings, Name::Audience);
        let account = text(settings, Name::Account);
        let flow = choice(settings, Name::Flow, &FLOWS)?.unwrap_or(Flow::Auto);
        let use_access_token = settings.switch(Name::UseAccessToken)?;
        let cache_key = CacheKey::of(
            issuer.as_str(),
            client_id.as_str(),
            &scopes,
            audience.as_deref(),
            account.as_deref(),
            flow == Flow::ClientCredentials,
            use_access_token,
        );
        let keep = choice(settings, Name::TokenCacheStorage, &STORAGES)?.unwrap_or(true);
        Ok(Self {
            client_secret: client_secret(settings, environment)?,
            certificate_authority: certificate_authority(settings, environment)?,
            cache_directory: if keep { cache_directory(settings, environment) } else { None },
            listen_addresses: listen_addresses(settings)?,
            browser: browser(settings)?,
            force_refresh: settings.switch(Name::ForceRefresh)?,
            authentication_timeout: authentication_timeout(settings)?,
            interactive: choice(settings, Name::Interactive, &WHEN)?.unwrap_or(Interactive::Auto),
            origins: Origins {
                issuer: settings.origin(Name::IssuerUrl).cloned(),
                client_id: settings.origin(Name::ClientId).cloned(),
                client_secret: [
                    Name::ClientSecret,
                    Name::ClientSecretFile,
                    Name::ClientSecretCommand,
                ]
                .into_iter()
                .find_map(|name| settings.origin(name).cloned()),
                certificate_authority: settings
                    .origin(Name::CertificateAuthority)
                    .or_else(|| settings.origin(Name::CertificateAuthorityData))
                    .cloned(),
            },
            issuer,
            client_id,
            scopes,
            audience,
            flow,
            account,
            use_access_token,
            cache_key,
        })
    }
}

/// kubelogin's names for the same flows are known, too.
const FLOWS: [(&str, Flow); 6] = [
    ("auto", Flow::Auto),
    ("browser", Flow::Browser),
    ("device", Flow::Device),
    ("client-credentials", Flow::ClientCredentials),
    ("authcode", Flow::Browser),
    ("device-code", Flow::Device),
];

const STORAGES: [(&str, bool); 3] = [("file", true), ("none", false), ("disk", true)];

const WHEN: [(&str, Interactive); 3] =
    [("auto", Interactive::Auto), ("never", Interactive::Never), ("always", Interactive::Always)];

/// What the option will accept one day.
const LATER: [&str; 3] = ["keyring", "password", "authcode-keyboard"];

fn wrong(settings: &Settings, name: Name, problem: impl Into<String>) -> OptionError {
    let origin = settings.origin(name).cloned().unwrap_or(Origin::CommandLine);
    OptionError::new(row_of(name), &origin, problem)
}

fn text(settings: &Settings, name: Name) -> Option<String> {
    settings.value(name).map(|(text, _)| text.to_owned()).filter(|text| !text.is_empty())
}

fn required<T, E: fmt::Display>(
    settings: &Settings,
    name: Name,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, OptionError> {
    let (text, _) = settings.value(name).ok_or_else(|| OptionError::Missing(row_of(name).long))?;
    parse(text).map_err(|error| wrong(settings, name, error.to_string()))
}

fn choice<T: Copy>(
    settings: &Settings,
    name: Name,
    known: &[(&str, T)],
) -> Result<Option<T>, OptionError> {
    let Some((text, _)) = settings.value(name) else { return Ok(None) };
    if let Some((_, chosen)) = known.iter().find(|(spelling, _)| *spelling == text) {
        return Ok(Some(*chosen));
    }
    let spellings: Vec<String> =
        known.iter().map(|(spelling, _)| format!("`{spelling}`")).collect();
    let shown: String = text.chars().take(60).collect();
    let later = if LATER.contains(&text) { ", which comes in a later version" } else { "" };
    Err(wrong(
        settings,
        name,
        format!("it is `{shown}`{later}; known are {}", spellings.join(", ")),
    ))
}

fn command(settings: &Settings, name: Name) -> Result<Option<Vec<String>>, OptionError> {
    let Some(line) = text(settings, name) else { return Ok(None) };
    let words: Vec<String> = line.split_whitespace().map(ToOwned::to_owned).collect();
    if words.is_empty() {
        return Err(wrong(settings, name, "it names no program"));
    }
    Ok(Some(words))
}

fn client_secret(
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<Option<SecretSource>, OptionError> {
    let literal = text(settings, Name::ClientSecret).map(|text| SecretSource::Literal(text.into()));
    let file = path(settings, Name::ClientSecretFile, environment).map(SecretSource::File);
    let command = command(settings, Name::ClientSecretCommand)?.map(SecretSource::Command);
    let mut given = [literal, file, command].into_iter().flatten();
    let first = given.next();
    if given.next().is_some() {
        return Err(wrong(
            settings,
            Name::ClientSecretFile,
            "the client's secret is given in more than one way",
        ));
    }
    Ok(first)
}

fn certificate_authority(
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<Option<CertificateAuthority>, OptionError> {
    let file = path(settings, Name::CertificateAuthority, environment);
    let data = text(settings, Name::CertificateAuthorityData);
    match (file, data) {
        (Some(_), Some(_)) => Err(wrong(
            settings,
            Name::CertificateAuthorityData,
            "`--certificate-authority` is given, too",
        )),
        (Some(file), None) => Ok(Some(CertificateAuthority::File(file))),
        (None, Some(data)) => {
            // Base64 is often wrapped.
            let packed: String = data.split_whitespace().collect();
            let pem = STANDARD.decode(packed).map_err(|_| {
                wrong(settings, Name::CertificateAuthorityData, "it is not base64 of a PEM text")
            })?;
            Ok(Some(CertificateAuthority::Pem(pem)))
        }
        (None, None) => Ok(None),
    }
}

fn path(settings: &Settings, name: Name, environment: &dyn Environment) -> Option<PathBuf> {
    let text = text(settings, name)?;
    // kubectl expands no `~` in exec arguments; kubelogin does for its own.
    match (text.strip_prefix("~/"), environment.home()) {
        (Some(rest), Some(home)) => Some(home.join(rest)),
        _ => Some(PathBuf::from(text)),
    }
}

fn cache_directory(settings: &Settings, environment: &dyn Environment) -> Option<PathBuf> {
    path(settings, Name::TokenCacheDir, environment)
        .or_else(|| environment.default_cache_directory())
}

fn listen_addresses(settings: &Settings) -> Result<Vec<(String, u16)>, OptionError> {
    settings
        .list(Name::ListenAddress)
        .into_iter()
        .map(|address| {
            let problem =
                |what: &str| wrong(settings, Name::ListenAddress, format!("`{address}` {what}"));
            let (host, port) =
                address.rsplit_once(':').ok_or_else(|| problem("is not HOST:PORT"))?;
            let port = port.parse().map_err(|_| problem("has no port number"))?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let is_loopback = host == "localhost"
                || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            // RFC 8252 §8.3: others on the network must not be able to answer or to read along.
            if !is_loopback {
                return Err(problem("is not a loopback address"));
            }
            Ok((host.to_owned(), port))
        })
        .collect()
}

fn browser(settings: &Settings) -> Result<BrowserChoice, OptionError> {
    let command = command(settings, Name::BrowserCommand)?;
    Ok(match (settings.switch(Name::SkipOpenBrowser)?, command) {
        (true, _) => BrowserChoice::PrintOnly,
        (false, Some(command)) => BrowserChoice::Command(command),
        (false, None) => BrowserChoice::Default,
    })
}

fn authentication_timeout(settings: &Settings) -> Result<Duration, OptionError> {
    let name = Name::AuthenticationTimeoutSec;
    let Some((text, _)) = settings.value(name) else { return Ok(Duration::from_mins(3)) };
    match text.parse::<u64>() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong(settings, name, "it is not a number of seconds from 1 to 3600")),
    }
}

#[cfg(test)]
mod tests;
