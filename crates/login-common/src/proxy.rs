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

    /// Whether no variable names a proxy.
    pub fn is_empty(&self) -> bool {
        self.https.is_none() && self.http.is_none()
    }

    /// The proxy for a request to `url`; `None` means a direct connection.
    pub fn for_url(&self, url: &Url) -> Option<&Result<Proxy, ProxyFault>> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            "http" => self.http.as_ref(),
            _ => None,
        }?;
        (!is_loopback(url) && !self.bypass.iter().any(|bypass| bypass.is_met_by(url)))
            .then_some(proxy)
    }
}

/// Whether a request to `url` stays on this host.
pub fn is_loopback(url: &Url) -> bool {
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

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn chosen(variables: &[(&str, &str)], url: &str) -> String {
        match proxies(variables).for_url(&Url::parse(url).unwrap()) {
            None => "direct".to_owned(),
            Some(Ok(proxy)) => format!("{} by {}", proxy.shown(), proxy.named_by),
            Some(Err(fault)) => fault.to_string(),
        }
    }

    #[test]
    fn the_scheme_chooses_the_variable_and_upper_case_comes_first() {
        let both = [("HTTPS_PROXY", "http://p:1"), ("https_proxy", "http://q:2")];
        for (variables, url, expected) in [
            (&both[..], "https://id.example", "http://p:1 by HTTPS_PROXY"),
            (&both[1..], "https://id.example", "http://q:2 by https_proxy"),
            (&both, "http://id.example", "direct"),
            (&[("HTTP_PROXY", "http://p:1")], "https://id.example", "direct"),
            (&[("HTTP_PROXY", "p:1")], "http://id.example", "http://p:1 by HTTP_PROXY"),
            // Go ignores this variable.
            (&[("ALL_PROXY", "http://p:1")], "https://id.example", "direct"),
            (&[("HTTPS_PROXY", "")], "https://id.example", "direct"),
            (
                &[("HTTPS_PROXY", ""), ("https_proxy", "q:2")],
                "https://id.example",
                "http://q:2 by https_proxy",
            ),
        ] {
            assert_eq!(chosen(variables, url), expected, "{variables:?} {url}");
        }
    }

    #[test]
    fn the_kinds_of_proxies_that_go_knows_are_known_and_others_are_refused_by_name() {
        for (value, expected) in [
            ("http://p:1", "http://p:1 by HTTPS_PROXY"),
            ("https://user:hunter2@p", "https://p by HTTPS_PROXY"),
            ("socks5://p:1080", "socks5://p:1080 by HTTPS_PROXY"),
            ("socks5h://p:1080", "socks5h://p:1080 by HTTPS_PROXY"),
            ("proxy.example:3128", "http://proxy.example:3128 by HTTPS_PROXY"),
            ("10.0.0.1:3128", "http://10.0.0.1:3128 by HTTPS_PROXY"),
            (
                "ftp://p",
                "the proxy that `HTTPS_PROXY` names cannot be used: only `http`, `https`, `socks5` and `socks5h` proxies are known",
            ),
            ("http://", "the proxy that `HTTPS_PROXY` names cannot be used: it is no URL"),
        ] {
            assert_eq!(
                chosen(&[("HTTPS_PROXY", value)], "https://id.example"),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn loopback_never_goes_through_a_proxy() {
        let variables = [("HTTPS_PROXY", "http://p:1"), ("HTTP_PROXY", "http://p:1")];
        for (host, expected) in [
            ("localhost", "direct"),
            ("LOCALHOST:8443", "direct"),
            ("localhost.", "direct"),
            ("dex.localhost", "direct"),
            ("127.0.0.1", "direct"),
            ("127.9.9.9:9", "direct"),
            ("[::1]:9", "direct"),
            ("[::ffff:127.0.0.1]", "direct"),
            ("localhost.example", "proxy"),
            ("10.0.0.1", "proxy"),
            ("[::2]", "proxy"),
        ] {
            for scheme in ["http", "https"] {
                let found = chosen(&variables, &format!("{scheme}://{host}/"));
                assert_eq!(found == "direct", expected == "direct", "{scheme}://{host}: {found}");
            }
        }
    }

    #[test]
    fn no_proxy_has_the_forms_that_go_knows() {
        for (no_proxy, url, is_direct) in [
            ("*", "https://id.example", true),
            ("other,*", "https://id.example", true),
            ("example", "https://id.example", true),
            ("id.example", "https://id.example", true),
            ("ID.Example", "https://id.example", true),
            (" id.example , x", "https://id.example", true),
            ("example.com", "https://notexample.com", false),
            (".example", "https://id.example", true),
            (".id.example", "https://id.example", false),
            ("*.example", "https://id.example", true),
            ("*.id.example", "https://id.example", false),
            ("id.example:443", "https://id.example", true),
            ("id.example:443", "https://id.example:8443", false),
            (".example:8443", "https://id.example:8443", true),
            ("10.0.0.0/8", "https://10.1.2.3", true),
            ("10.0.0.0/8", "https://11.1.2.3", false),
            ("0.0.0.0/0", "https://11.1.2.3", true),
            ("10.1.2.3", "https://10.1.2.3:6443", true),
            ("10.1.2.3:6443", "https://10.1.2.3:6443", true),
            ("10.1.2.3:6443", "https://10.1.2.3", false),
            ("fd00::/8", "https://[fd00::1]", true),
            ("fd00::1", "https://[fd00::1]:6443", true),
            ("[fd00::1]:6443", "https://[fd00::1]:6443", true),
            ("[fd00::1]:6443", "https://[fd00::1]", false),
            ("bücher.example", "https://bücher.example", true),
            ("id.example other", "https://id.example", false),
            (",,", "https://id.example", false),
            (":443", "https://id.example", false),
        ] {
            let variables = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", no_proxy)];
            assert_eq!(chosen(&variables, url) == "direct", is_direct, "{no_proxy} {url}");
            let lower = [("HTTPS_PROXY", "http://p:1"), ("no_proxy", no_proxy)];
            assert_eq!(chosen(&lower, url) == "direct", is_direct, "{no_proxy} {url}");
        }
    }

    #[test]
    fn credentials_of_a_proxy_are_not_shown() {
        let proxy = Proxy::parse("http://me:hunter2@p:3128", "HTTPS_PROXY").unwrap();
        assert_eq!(proxy.shown(), "http://p:3128");
        assert_eq!(proxy.url.password(), Some("hunter2"));
    }
}
