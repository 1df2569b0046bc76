//! Sends requests to kube-apiserver, connected as the kubeconfig says.
//! Never trusts authorities that kubectl would not trust; never uses these settings for an issuer.

use std::net::SocketAddr;

use login_common::{
    Secret,
    proxy::{Proxies, Proxy, Route},
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::http::{self, HttpError, Response, route};

/// How a cluster is reached.
#[derive(Clone, Debug, Default)]
pub struct ClusterConnection {
    /// PEM; if given, only these authorities are trusted.
    pub authorities: Option<Vec<u8>>,
    /// Accept any certificate.
    pub insecure: bool,
    /// The name in the certificate, if it is not the host's.
    pub server_name: Option<String>,
    /// `proxy-url`; if missing, the environment variables apply.
    pub proxy: Option<String>,
}

/// A client for one cluster.
pub struct ClusterClient {
    client: reqwest::Client,
    route: Route,
    server: Url,
    /// The `Host` header, if the URL has another host for the sake of TLS.
    host: Option<String>,
}

impl ClusterClient {
    /// A client for the cluster at `server`; `proxies` applies if its kubeconfig names no proxy.
    pub fn new(
        server: &Url,
        connection: &ClusterConnection,
        proxies: &Proxies,
    ) -> Result<Self, HttpError> {
        let route = match &connection.proxy {
            // Like client-go: `NO_PROXY` does not apply here, and loopback is no exception.
            Some(proxy) => Route::Through(Proxy::parse(proxy, "proxy-url")?),
            None => proxies.route(server)?,
        };
        let mut builder =
            route::builder(&route)?.tls_danger_accept_invalid_certs(connection.insecure);
        if let Some(pem) = &connection.authorities {
            builder = builder.tls_certs_only(http::certificates(pem)?);
        }
        let (mut server, mut host_header) = (server.clone(), None);
        if let Some(name) = &connection.server_name {
            if let Route::Through(proxy) = &route {
                // The proxy would be sent that name instead of the host.
                return Err(HttpError::Client(format!(
                    "`tls-server-name` together with a proxy (from `{}`) is more than this command \
                     can do; `kubectl auth whoami` can",
                    proxy.named_by
                )));
            }
            // The library checks certificates against the URL's host: the URL gets the
            // certificate's name, which then resolves to the addresses of the real host.
            let host = server.host_str().unwrap_or_default();
            let real = host.trim_matches(['[', ']']).to_owned();
            builder = builder.dns_resolver(Leading { to: real });
            host_header =
                Some(server.port().map_or(host.to_owned(), |port| format!("{host}:{port}")));
            server.set_host(Some(name)).map_err(|error| HttpError::Client(error.to_string()))?;
        }
        let client = builder.build().map_err(|error| HttpError::client(&error))?;
        Ok(Self { client, route, server, host: host_header })
    }

    /// Sends JSON by POST to `path` below the server's own path.
    pub async fn post_json(
        &self,
        path: &str,
        token: &Secret,
        json: &str,
        limit: usize,
    ) -> Result<Response, HttpError> {
        let mut url = self.server.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let bearer = Secret::new(format!("Bearer {}", token.expose()));
        let mut request = self
            .client
            .post(url.clone())
            .header("authorization", http::sensitive(&bearer)?)
            .header("content-type", "application/json")
            .body(json.to_owned());
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        http::send(request, &url, &self.route, limit).await
    }
}

/// Resolves every name to the addresses of one host, within the connection's time limit.
struct Leading {
    to: String,
}

impl Resolve for Leading {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.to.clone();
        Box::pin(async move {
            // The port comes from the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
