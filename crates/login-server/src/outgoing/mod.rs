//! The one way out: every HTTP client with which this server asks another party is built here.
//! Never sends through a proxy what stays on this machine, never in the clear what leaves it,
//! never follows a redirect, and never waits without a bound.

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

/// How one party is reached.
pub(crate) struct Outgoing {
    certificate_authority_pem: Option<String>,
    timeout: Duration,
    resolver: Option<Arc<dyn Resolve>>,
    connections: Connections,
    // Built when they are needed: loading the system's roots takes milliseconds, and not every
    // machine has some.
    clients: [OnceLock<reqwest::Client>; 3],
}

/// Who travels together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Requests share a connection where the other side speaks HTTP/2.
    Shared,
    /// No request shares a connection with another: what one of them provokes, such as a firewall
    /// that cuts the connection, does not end the others.
    OneEach,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// Neither https nor to this machine.
    #[error("`{0}` is neither https nor on this machine")]
    NotConfidential(Url),
    /// The certificate authorities that the operator named.
    #[error("could not use the certificate authorities")]
    Authorities(#[source] TrustError),
    /// The library, or the system's certificate authorities.
    #[error("could not prepare TLS ({0})")]
    Library(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Without TLS, on this machine.
    InTheClear,
    /// With TLS, on this machine.
    Direct,
    /// By the proxy of the environment, if there is one for the host.
    Proxied,
}

impl Way {
    /// As Go's `httpproxy` decides: what stays on this machine never goes through a proxy, which
    /// would see it, or answer in its place, and has another idea of `localhost`.
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

    /// Names are resolved by `resolver`, not by the system alone.
    pub(crate) fn resolving_by(self, resolver: impl Resolve + 'static) -> Self {
        Self { resolver: Some(Arc::new(resolver)), ..self }
    }

    /// The client for requests to `url`. It is not the one for every other URL.
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
            // Whether it was reached at all is known before the whole time is over.
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
