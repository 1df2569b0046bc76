//! Checks the options of the browser sign-in: how the page is opened, and where the browser is
//! redirected to.
//! Never opens a port or a browser.

use std::{net::IpAddr, path::PathBuf};

use login_protocols::oauth2::authorization::ResponseMode;
use url::Url;

use super::values::{both, choice, command, pairs, text, web_url, wrong};
use crate::{
    options::{fault::OptionError, layers::Settings, program::ProgramLine, table::Name},
    system::environment::Environment,
};

/// How to open the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserChoice {
    /// The desktop's default browser.
    Default,
    /// This program, with the URL as its last argument.
    Command(ProgramLine),
    /// None: the URL is printed.
    PrintOnly,
}

/// Where the browser is redirected to.
#[derive(Clone, Debug)]
pub struct Callback {
    /// `host`, `port` pairs to try in order; empty means any free port.
    pub listen_addresses: Vec<(String, u16)>,
    /// The redirect URI for the issuer, if it is not the address that is listened on.
    ///
    /// Unchanged: issuers compare it byte for byte.
    pub redirect_url: Option<String>,
    /// The host in the redirect URI instead of `localhost`.
    pub redirect_host: Option<String>,
    /// Certificate and key of the listener, for an https redirect URI.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Where the browser goes after the sign-in.
    pub open_url_after: Option<Url>,
    /// Further parameters of the authorization request, sorted by name.
    pub parameters: Vec<(String, String)>,
    /// Whether to send a proof key (RFC 7636).
    pub proof_key: bool,
}

impl Callback {
    /// Whether the browser can be redirected to this process at all.
    pub fn comes_back(&self) -> bool {
        let scheme = self.redirect_url.as_deref().and_then(|text| text.split_once(':'));
        scheme.is_none_or(|(scheme, _)| {
            ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        })
    }

    pub(super) fn check(
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self, OptionError> {
        let certificate =
            both(settings, (Name::LocalServerCert, Name::LocalServerKey), environment)?;
        Ok(Self {
            listen_addresses: listen_addresses(settings)?,
            redirect_url: redirect_url(settings)?,
            redirect_host: text(settings, Name::RedirectUrlHostname),
            certificate,
            open_url_after: web_url(settings, Name::OpenUrlAfterAuthentication)?,
            parameters: parameters(settings)?,
            proof_key: choice(settings, Name::PkceMethod, &PROOF_KEYS)?.unwrap_or(true),
        })
    }
}

/// Without a listener, any registered URI is valid (RFC 6749 §3.1.2), also one like
/// `urn:ietf:wg:oauth:2.0:oob`, for which issuers show the code on a page.
fn redirect_url(settings: &Settings) -> Result<Option<String>, OptionError> {
    let Some(text) = text(settings, Name::RedirectUrl) else { return Ok(None) };
    match Url::parse(&text) {
        Ok(url) if url.fragment().is_none() => Ok(Some(text)),
        Ok(_) => Err(wrong(settings, Name::RedirectUrl, "it has a fragment (`#`)")),
        Err(_) => Err(wrong(settings, Name::RedirectUrl, "it is not a URL")),
    }
}

/// An issuer that does not support proof keys ignores them (RFC 7636 §5), so `auto` sends one.
const PROOF_KEYS: [(&str, bool); 3] = [("auto", true), ("S256", true), ("no", false)];

/// Where int128/kubelogin listens by default; `http://localhost:PORT` is registered at issuers.
pub const KUBELOGIN_PORTS: [u16; 2] = [8000, 18000];

/// Parameters that the flows set themselves; options may not change them.
const RESERVED: [&str; 18] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "grant_type",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "subject_token",
    "subject_token_type",
    "requested_token_type",
    "assertion",
];

/// Chosen from the issuer's metadata; the user may override it.
pub const RESPONSE_MODE: &str = "response_mode";

/// A fragment is never sent to a listener.
const RESPONSE_MODES: [ResponseMode; 2] = [ResponseMode::Query, ResponseMode::FormPost];

fn parameters(settings: &Settings) -> Result<Vec<(String, String)>, OptionError> {
    let parameters = pairs(settings, Name::AuthorizationParameter)?;
    let comes_back = |mode: &str| RESPONSE_MODES.iter().any(|known| known.as_str() == mode);
    if parameters.iter().any(|(name, value)| name == RESPONSE_MODE && !comes_back(value)) {
        let problem = format!("`{RESPONSE_MODE}` is neither `query` nor `form_post`");
        return Err(wrong(settings, Name::AuthorizationParameter, problem));
    }
    match parameters.iter().find(|(name, _)| RESERVED.contains(&name.as_str())) {
        Some((name, _)) => Err(wrong(
            settings,
            Name::AuthorizationParameter,
            format!("`{name}` is set by the sign-in itself"),
        )),
        None => Ok(parameters),
    }
}

fn listen_addresses(settings: &Settings) -> Result<Vec<(String, u16)>, OptionError> {
    let mut addresses = Vec::new();
    for address in settings.list(Name::ListenAddress)? {
        let problem =
            |what: &str| wrong(settings, Name::ListenAddress, format!("`{address}` {what}"));
        let (host, port) = address.rsplit_once(':').ok_or_else(|| problem("is not HOST:PORT"))?;
        let port = port.parse().map_err(|_| problem("has no port number"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host != "localhost" && host.parse::<IpAddr>().is_err() {
            return Err(problem("has a host that is neither an IP address nor `localhost`"));
        }
        addresses.push((host.to_owned(), port));
    }
    for port in settings.list(Name::ListenPort)? {
        let number = port.parse().map_err(|_| {
            wrong(settings, Name::ListenPort, format!("`{port}` is not a port number"))
        })?;
        addresses.push(("127.0.0.1".to_owned(), number));
    }
    let names_other_place = settings.value(Name::RedirectUrl).is_some();
    if addresses.is_empty() && !names_other_place && settings.switch(Name::KubeloginPorts)? {
        addresses.extend(KUBELOGIN_PORTS.map(|port| ("127.0.0.1".to_owned(), port)));
    }
    Ok(addresses)
}

pub(super) fn opening(
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<BrowserChoice, OptionError> {
    let command = command(settings, Name::BrowserCommand, environment)?;
    Ok(match (settings.switch(Name::SkipOpenBrowser)?, command) {
        (true, _) => BrowserChoice::PrintOnly,
        (false, Some(command)) => BrowserChoice::Command(command),
        (false, None) => BrowserChoice::Default,
    })
}
