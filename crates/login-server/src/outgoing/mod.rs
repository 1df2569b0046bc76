//! Builds every HTTP client of this server; there is no other way out.
//! Never sends a request for this host through a proxy, or one for another host without TLS; never
//! follows a redirect, and never waits without a bound.

mod fault;
mod trust;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use login_common::{
    names::is_confidential,
    proxy::{Proxies, ProxyFault, Route},
};
use reqwest::{dns::Resolve, redirect::Policy};
use thiserror::Error;
use url::Url;

pub(crate) use self::fault::{Progress, TransportFault};
use self::trust::TrustError;
use crate::system::environment;

/// How to reach one party.
pub(crate) struct Outgoing {
    certificate_authority_pem: Option<String>,
    timeout: Duration,
    resolver: Option<Arc<dyn Resolve>>,
    connections: Connections,
    // Built on first use: loading the system's roots takes milliseconds, and some hosts have none.
    clients: [OnceLock<reqwest::Client>; 3],
}

/// Whether requests may share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Requests share a connection where the other side speaks HTTP/2.
    Shared,
    /// Requests never share a connection: what one of them provokes, such as a firewall that cuts
    /// the connection, does not end the others.
    OneEach,
}

/// Why there is no client for a URL.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// The URL is neither https nor on this host.
    #[error("`{0}` is neither https nor on this machine")]
    NotConfidential(Url),
    /// The proxy of the environment is not usable.
    #[error(transparent)]
    Proxy(ProxyFault),
    /// The certificate authorities that the operator named are not usable.
    #[error("could not use the certificate authorities")]
    Authorities(#[source] TrustError),
    /// The TLS library or the system's certificate authorities failed.
    #[error("could not prepare TLS ({0})")]
    Library(String),
}

/// The route to `url`. Requests for this host never go through a proxy, which would see them, or
/// answer them itself, and for which `localhost` is another host.
fn route(url: &Url, proxies: &Proxies) -> Result<Route, ClientError> {
    match url.scheme() {
        "http" if is_confidential(url) => Ok(Route::Direct),
        "https" => proxies.route(url).map_err(ClientError::Proxy),
        _ => Err(ClientError::NotConfidential(url.clone())),
    }
}

impl Outgoing {
    /// Trusts `certificate_authority_pem`, or the authorities of the system if there is none.
    /// `timeout` is for the whole exchange, from connect to the last byte.
    pub(crate) const fn new(
        certificate_authority_pem: Option<String>,
        timeout: Duration,
        connections: Connections,
    ) -> Self {
        let clients = [const { OnceLock::new() }; 3];
        Self { certificate_authority_pem, timeout, resolver: None, connections, clients }
    }

    /// Resolves names with `resolver`, not with the system alone.
    pub(crate) fn resolving_by(self, resolver: impl Resolve + 'static) -> Self {
        Self { resolver: Some(Arc::new(resolver)), ..self }
    }

    /// The client for requests to `url`. Other URLs may need another client.
    pub(crate) fn client(&self, url: &Url) -> Result<&reqwest::Client, ClientError> {
        self.client_by(url, environment::proxies())
    }

    fn client_by(&self, url: &Url, proxies: &Proxies) -> Result<&reqwest::Client, ClientError> {
        let route = route(url, proxies)?;
        let is_in_the_clear = url.scheme() == "http";
        let [in_the_clear, direct, proxied] = &self.clients;
        let place = match route {
            Route::Direct if is_in_the_clear => in_the_clear,
            Route::Direct => direct,
            // The variables name one proxy for https.
            Route::Through(_) | Route::System => proxied,
        };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let client = self.built(&route, is_in_the_clear)?;
        Ok(place.get_or_init(|| client))
    }

    fn built(&self, route: &Route, is_in_the_clear: bool) -> Result<reqwest::Client, ClientError> {
        let library = |error: reqwest::Error| ClientError::Library(fault::words(&error));
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            // Shorter than the whole timeout, so that a failure to connect is recognised as one.
            .connect_timeout(self.timeout.mul_f32(0.7))
            .timeout(self.timeout)
            .user_agent(concat!("login-server/", env!("CARGO_PKG_VERSION")));
        builder = match route {
            Route::Direct => builder.no_proxy(),
            Route::System => builder,
            Route::Through(proxy) => {
                let proxy = reqwest::Proxy::all(proxy.resolving_url()).map_err(library)?;
                builder.no_proxy().proxy(proxy)
            }
        };
        if let Some(resolver) = &self.resolver {
            builder = builder.dns_resolver(Arc::clone(resolver));
        }
        if self.connections == Connections::OneEach {
            builder = builder.http1_only();
        }
        if is_in_the_clear {
            builder = builder.tls_certs_only([]);
        } else if let Some(pem) = &self.certificate_authority_pem {
            let protocols: &[&[u8]] = match self.connections {
                Connections::Shared => &[b"h2", b"http/1.1"],
                Connections::OneEach => &[b"http/1.1"],
            };
            let tls = trust::only(pem, protocols).map_err(ClientError::Authorities)?;
            builder = builder.tls_backend_preconfigured(tls);
        }
        builder.build().map_err(library)
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("certificate_authority_pem", &self.certificate_authority_pem)
            .field("timeout", &self.timeout)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_machine_goes_by_no_proxy_and_nothing_else_goes_in_the_clear() {
        let proxies = Proxies::from_variables(|_| Some("http://p:1".to_owned()));
        for (url, expected) in [
            ("http://127.0.0.1:8080/introspect", "direct"),
            ("http://127.8.9.1/introspect", "direct"),
            ("http://[::1]/introspect", "direct"),
            ("http://localhost/introspect", "direct"),
            ("http://LOCALHOST/introspect", "direct"),
            ("https://127.0.0.1:8443/keys", "direct"),
            ("https://0x7f.1/keys", "direct"),
            ("https://[::1]/keys", "direct"),
            ("https://[::ffff:127.0.0.1]/keys", "direct"),
            ("https://localhost/keys", "direct"),
            ("https://localhost.example/keys", "proxied"),
            ("https://10.0.0.1/keys", "proxied"),
            ("https://id.example/keys", "proxied"),
            ("http://id.example/keys", "refused"),
            ("http://10.0.0.1/keys", "refused"),
            ("ftp://127.0.0.1/keys", "refused"),
        ] {
            let chosen = match route(&Url::parse(url).unwrap(), &proxies) {
                Ok(Route::Direct) => "direct",
                Ok(Route::Through(_) | Route::System) => "proxied",
                Err(_) => "refused",
            };
            assert_eq!(chosen, expected, "{url}");
        }
    }

    #[test]
    fn proxies_are_those_of_the_client() {
        let cases = include_str!("../../../../tests/vectors/proxies.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        for case in cases {
            let variable = |name: &str| case["variables"][name].as_str().map(str::to_owned);
            let url = Url::parse(case["url"].as_str().unwrap()).unwrap();
            let chosen = match route(&url, &Proxies::from_variables(variable)) {
                Ok(Route::Direct | Route::System) => "direct".to_owned(),
                Ok(Route::Through(proxy)) => format!("{} by {}", proxy.shown(), proxy.named_by),
                Err(ClientError::NotConfidential(_)) if url.scheme() == "http" => continue,
                Err(fault) => fault.to_string(),
            };
            assert_eq!(chosen, case["expected"], "{case}");
        }
    }

    #[test]
    fn one_client_is_built_for_each_way_and_none_for_what_is_not_confidential() {
        let pem = trust::tests::authority_pem();
        let outgoing = Outgoing::new(Some(pem), Duration::from_secs(1), Connections::OneEach);
        let proxies = Proxies::from_variables(|name| {
            (name == "HTTPS_PROXY").then(|| "socks5://p:1".to_owned())
        });
        let client = |url: &str| {
            outgoing.client_by(&Url::parse(url).unwrap(), &proxies).map(std::ptr::from_ref)
        };
        let first = client("https://id.example/a").unwrap();
        assert_eq!(client("https://other.example/b").unwrap(), first);
        assert_ne!(client("https://127.0.0.1/a").unwrap(), first);
        assert_ne!(client("http://127.0.0.1/a").unwrap(), first);
        assert!(matches!(client("http://id.example/a"), Err(ClientError::NotConfidential(_))));
    }
}
