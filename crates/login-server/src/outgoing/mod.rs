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

use login_common::names::{is_confidential, is_on_this_machine};
use reqwest::{dns::Resolve, redirect::Policy};
use thiserror::Error;
use url::Url;

pub(crate) use self::fault::{Stage, TransportFault};
use self::trust::TrustError;

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
    /// The certificate authorities that the operator named are not usable.
    #[error("could not use the certificate authorities")]
    Authorities(#[source] TrustError),
    /// The TLS library or the system's certificate authorities failed.
    #[error("could not prepare TLS ({0})")]
    Library(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Without TLS, to this host.
    InTheClear,
    /// With TLS, to this host.
    Direct,
    /// Through the proxy of the environment, if there is one for the URL's host.
    Proxied,
}

impl Way {
    /// As Go's `httpproxy` decides: requests for this host never go through a proxy, which would
    /// see them, or answer them itself, and for which `localhost` is another host.
    fn to(url: &Url) -> Option<Self> {
        match url.scheme() {
            "http" if is_confidential(url) => Some(Self::InTheClear),
            "https" if is_on_this_machine(url) => Some(Self::Direct),
            "https" => Some(Self::Proxied),
            _ => None,
        }
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
        let way = Way::to(url).ok_or_else(|| ClientError::NotConfidential(url.clone()))?;
        let [in_the_clear, direct, proxied] = &self.clients;
        let place = match way {
            Way::InTheClear => in_the_clear,
            Way::Direct => direct,
            Way::Proxied => proxied,
        };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let client = self.built(way)?;
        Ok(place.get_or_init(|| client))
    }

    fn built(&self, way: Way) -> Result<reqwest::Client, ClientError> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            // Shorter than the whole timeout, so that a failure to connect is recognised as one.
            .connect_timeout(self.timeout.mul_f32(0.7))
            .timeout(self.timeout)
            .user_agent(concat!("login-server/", env!("CARGO_PKG_VERSION")));
        builder = match way {
            Way::InTheClear => builder.no_proxy().tls_certs_only([]),
            Way::Direct => builder.no_proxy(),
            Way::Proxied => builder,
        };
        if let Some(resolver) = &self.resolver {
            builder = builder.dns_resolver(Arc::clone(resolver));
        }
        if self.connections == Connections::OneEach {
            builder = builder.http1_only();
        }
        if way != Way::InTheClear
            && let Some(pem) = &self.certificate_authority_pem
        {
            let protocols: &[&[u8]] = match self.connections {
                Connections::Shared => &[b"h2", b"http/1.1"],
                Connections::OneEach => &[b"http/1.1"],
            };
            let tls = trust::only(pem, protocols).map_err(ClientError::Authorities)?;
            builder = builder.tls_backend_preconfigured(tls);
        }
        builder.build().map_err(|error| ClientError::Library(fault::words(&error)))
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
        for (url, way) in [
            ("http://127.0.0.1:8080/introspect", Some(Way::InTheClear)),
            ("http://127.8.9.1/introspect", Some(Way::InTheClear)),
            ("http://[::1]/introspect", Some(Way::InTheClear)),
            ("http://localhost/introspect", Some(Way::InTheClear)),
            ("http://LOCALHOST/introspect", Some(Way::InTheClear)),
            ("https://127.0.0.1:8443/keys", Some(Way::Direct)),
            ("https://0x7f.1/keys", Some(Way::Direct)),
            ("https://[::1]/keys", Some(Way::Direct)),
            ("https://[::ffff:127.0.0.1]/keys", Some(Way::Direct)),
            ("https://localhost/keys", Some(Way::Direct)),
            ("https://localhost.example/keys", Some(Way::Proxied)),
            ("https://10.0.0.1/keys", Some(Way::Proxied)),
            ("https://id.example/keys", Some(Way::Proxied)),
            ("http://id.example/keys", None),
            ("http://10.0.0.1/keys", None),
            ("ftp://127.0.0.1/keys", None),
        ] {
            assert_eq!(Way::to(&Url::parse(url).unwrap()), way, "{url}");
        }
    }

    #[test]
    fn one_client_is_built_for_each_way_and_none_for_what_is_not_confidential() {
        let pem = trust::tests::authority_pem();
        let outgoing = Outgoing::new(Some(pem), Duration::from_secs(1), Connections::OneEach);
        let client = |url: &str| outgoing.client(&Url::parse(url).unwrap()).map(std::ptr::from_ref);
        let first = client("https://id.example/a").unwrap();
        assert_eq!(client("https://other.example/b").unwrap(), first);
        assert_ne!(client("https://127.0.0.1/a").unwrap(), first);
        assert_ne!(client("http://127.0.0.1/a").unwrap(), first);
        assert!(matches!(client("http://id.example/a"), Err(ClientError::NotConfidential(_))));
    }
}
