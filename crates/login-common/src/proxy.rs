//! Chooses the proxy of a request by Go's rules (golang.org/x/net/http/httpproxy), so that these
//! programs reach what kubectl and kube-apiserver reach.
//! Never reads the environment, and never sends a request for this host to a proxy.

use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use crate::names::is_on_this_machine;

/// The variables that name proxies for https; the first takes precedence.
const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];

/// The same for http.
const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// The variables that list the hosts that need no proxy.
const NONE: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy, and the variable or key that named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Includes the proxy's credentials, if any: must not be shown.
    pub url: Url,
    /// The variable or key that named it.
    pub named_by: String,
}

/// Why a value names no usable proxy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the proxy that `{named_by}` names cannot be used: {reason}")]
pub struct ProxyFault {
    /// The variable or key.
    pub named_by: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The proxies that the variables name.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<Result<Proxy, ProxyFault>>,
    http: Option<Result<Proxy, ProxyFault>>,
    bypass: Vec<Bypass>,
}

/// The route of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A direct connection.
    Direct,
    /// A proxy that a variable or a kubeconfig names.
    Through(Proxy),
    /// The system's proxy settings, if no variable names a proxy: Windows and macOS have some.
    System,
}

/// One part of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bypass {
    All,
    Network {
        address: IpAddr,
        bits: u8,
    },
    Address {
        address: IpAddr,
        port: Option<String>,
    },
    /// `.example.com`; `itself` includes `example.com`.
    Domain {
        suffix: String,
        itself: bool,
        port: Option<String>,
    },
}

impl Proxy {
    /// Parses the value of `named_by`: a URL, or a host with a port, which means `http://`.
    pub fn parse(text: &str, named_by: &str) -> Result<Self, ProxyFault> {
        let fault = |reason| ProxyFault { named_by: named_by.to_owned(), reason };
        let with_host = |text: &str| Url::parse(text).ok().filter(Url::has_host);
        let text = text.trim();
        let url = with_host(text)
            .or_else(|| with_host(&format!("http://{text}")).filter(|_| !text.contains("://")))
            .ok_or_else(|| fault("it is no URL"))?;
        match url.scheme() {
            "http" | "https" | "socks5" | "socks5h" => {
                Ok(Self { url, named_by: named_by.to_owned() })
            }
            _ => Err(fault("only `http`, `https`, `socks5` and `socks5h` proxies are known")),
        }
    }

    /// The URL for a connection. The proxy resolves names, also a `socks5` one: as in Go, they may
    /// be known only there.
    pub fn resolving_url(&self) -> Url {
        let text = self.url.as_str().replacen("socks5:", "socks5h:", 1);
        Url::parse(&text).unwrap_or_else(|_| self.url.clone())
    }

    /// The URL without credentials, for messages.
    pub fn shown(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", self.url.scheme())
    }
}

impl Proxies {
    /// Reads the variables through `variable`; an empty one counts as unset.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| {
                variable(name).filter(|value| !value.is_empty()).map(|value| (name, value))
            })
        };
        let proxy = |names| first(names).map(|(name, value)| Proxy::parse(&value, name));
        let bypass = first(NONE).map(|(_, value)| bypass(&value)).unwrap_or_default();
        Self { https: proxy(HTTPS), http: proxy(HTTP), bypass }
    }

    /// The route of a request to `url`.
    pub fn route(&self, url: &Url) -> Result<Route, ProxyFault> {
        if is_loopback(url) {
            return Ok(Route::Direct);
        }
        if cfg!(any(windows, target_os = "macos")) && self.https.is_none() && self.http.is_none() {
            return Ok(Route::System);
        }
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            "http" => self.http.as_ref(),
            _ => None,
        };
        match proxy.filter(|_| !self.bypass.iter().any(|bypass| bypass.is_met_by(url))) {
            None => Ok(Route::Direct),
            Some(proxy) => proxy.clone().map(Route::Through),
        }
    }
}

/// Whether a request to `url` stays on this host.
fn is_loopback(url: &Url) -> bool {
    // RFC 6761 §6.3: names below `localhost` are loopback, too. A resolver may not know that, so no
    // secret is sent to them in plain text, but no proxy may see them either.
    let is_below_localhost = || {
        let name = url.domain().unwrap_or_default();
        let name = name.strip_suffix('.').unwrap_or(name);
        name == "localhost" || name.ends_with(".localhost")
    };
    is_on_this_machine(url) || is_below_localhost()
}

fn bypass(text: &str) -> Vec<Bypass> {
    let mut parts = Vec::new();
    for part in text.split(',').map(|part| part.trim().to_lowercase()) {
        if part == "*" {
            return vec![Bypass::All];
        }
        parts.extend(network(&part).or_else(|| host(&part)));
    }
    parts
}

fn network(part: &str) -> Option<Bypass> {
    let (address, bits) = part.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(Bypass::Network { address, bits })
}

fn host(part: &str) -> Option<Bypass> {
    // An IPv6 address has colons of its own.
    let is_bare_v6 = part.parse::<std::net::Ipv6Addr>().is_ok();
    let (host, port) = match part.rsplit_once(':') {
        Some((host, port)) if !is_bare_v6 && !host.is_empty() && !part.ends_with(']') => {
            (host, Some(port.to_owned()).filter(|port| !port.is_empty()))
        }
        _ => (part, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Bypass::Address { address, port });
    }
    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let itself = !host.starts_with('.');
    let name = host.strip_prefix('.').unwrap_or(host);
    // As in a URL: in Punycode.
    let name = match Host::parse(name) {
        Ok(Host::Domain(name)) => name,
        _ => name.to_owned(),
    };
    (!name.is_empty()).then(|| Bypass::Domain { suffix: format!(".{name}"), itself, port })
}

impl Bypass {
    fn is_met_by(&self, url: &Url) -> bool {
        let is_port = |port: &Option<String>| {
            port.as_ref().is_none_or(|port| {
                url.port_or_known_default().is_some_and(|own| own.to_string() == *port)
            })
        };
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address).to_canonical()),
            _ => None,
        };
        match (self, url.host()) {
            (Self::All, _) => true,
            (Self::Network { address: network, bits }, _) => {
                address.is_some_and(|address| is_within(address, *network, *bits))
            }
            (Self::Address { address: own, port }, _) => address == Some(*own) && is_port(port),
            (Self::Domain { suffix, itself, port }, Some(Host::Domain(name))) => {
                let is_itself = *itself && suffix.strip_prefix('.') == Some(name);
                (name.ends_with(suffix.as_str()) || is_itself) && is_port(port)
            }
            (Self::Domain { .. }, _) => false,
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same cases are for the routes of both programs. Go ignores `ALL_PROXY`.
    #[test]
    fn proxies_are_chosen_as_go_chooses_them() {
        let cases = include_str!("../../../tests/vectors/proxies.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() > 80);
        for case in cases {
            let variable = |name: &str| case["variables"][name].as_str().map(str::to_owned);
            let url = Url::parse(case["url"].as_str().unwrap()).unwrap();
            let chosen = match Proxies::from_variables(variable).route(&url) {
                Ok(Route::Direct | Route::System) => "direct".to_owned(),
                Ok(Route::Through(proxy)) => format!("{} by {}", proxy.shown(), proxy.named_by),
                Err(fault) => fault.to_string(),
            };
            assert_eq!(chosen, case["expected"], "{case}");
        }
    }

    #[test]
    fn the_proxy_resolves_names() {
        for (text, url) in [
            ("socks5://me:pw@p:1080", "socks5h://me:pw@p:1080"),
            ("socks5h://p:1080", "socks5h://p:1080"),
            ("http://p:3128", "http://p:3128/"),
        ] {
            let proxy = Proxy::parse(text, "HTTPS_PROXY").unwrap();
            assert_eq!(proxy.resolving_url().as_str(), url);
        }
    }

    #[test]
    fn credentials_of_a_proxy_are_not_shown() {
        let proxy = Proxy::parse("http://me:hunter2@p:3128", "HTTPS_PROXY").unwrap();
        assert_eq!(proxy.shown(), "http://p:3128");
        assert_eq!(proxy.url.password(), Some("hunter2"));
    }
}
