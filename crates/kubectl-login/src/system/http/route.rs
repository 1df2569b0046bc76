//! The way to a host, and the one builder of every client of this program: the issuer's, the
//! cluster's, a CI system's.
//! Never a proxy for what stays on this machine, and never one that nobody named.

use login_common::proxy::{self, Proxies, Proxy};
use url::Url;

use super::{HttpError, limits::REQUEST_TIMEOUT};
use crate::system::environment::Environment;

/// What the variables of `environment` say about proxies.
pub fn proxies(environment: &dyn Environment) -> Proxies {
    Proxies::from_variables(|name| environment.variable(name)?.into_string().ok())
}

/// The way of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::system) enum Route {
    /// Straight to the host.
    Direct,
    /// Through a proxy that a variable or a kubeconfig names.
    Through(Proxy),
    /// As the system's settings say, where no variable does: Windows and macOS have some.
    System,
}

impl Route {
    /// The way to `url`.
    pub(in crate::system) fn to(url: &Url, proxies: &Proxies) -> Result<Self, HttpError> {
        match proxies.for_url(url) {
            Some(Ok(proxy)) => Ok(Self::Through(proxy.clone())),
            Some(Err(fault)) => Err(HttpError::Proxy(fault.clone())),
            None if cfg!(any(windows, target_os = "macos"))
                && proxies.is_empty()
                && !proxy::is_loopback(url) =>
            {
                Ok(Self::System)
            }
            None => Ok(Self::Direct),
        }
    }

    /// What every connection has in common, on this way.
    pub(in crate::system) fn builder(&self) -> Result<reqwest::ClientBuilder, HttpError> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("kubectl-login/", env!("CARGO_PKG_VERSION")));
        Ok(match self {
            Self::Direct => builder.no_proxy(),
            Self::System => builder,
            Self::Through(proxy) => {
                let mut url = proxy.url.clone();
                // Go lets the proxy resolve names for both: they may be known there only.
                if url.scheme() == "socks5" {
                    let text = url.as_str().replacen("socks5:", "socks5h:", 1);
                    url = Url::parse(&text).unwrap_or(url);
                }
                let proxy = reqwest::Proxy::all(url).map_err(|error| HttpError::client(&error))?;
                builder.no_proxy().proxy(proxy)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    #[test]
    fn the_variables_of_an_exec_entry_count() {
        let variables = [("HTTPS_PROXY".to_owned(), "socks5://p:1080".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let proxies = proxies(&environment);
        let route = |url: &str| Route::to(&Url::parse(url).unwrap(), &proxies).unwrap();
        assert!(matches!(route("https://id.example"), Route::Through(_)));
        assert_eq!(route("https://localhost:8443"), Route::Direct);
        assert_eq!(route("http://127.0.0.1:8080"), Route::Direct);
        route("https://id.example").builder().unwrap().build().unwrap();
    }

    #[test]
    fn nothing_else_builds_a_client() {
        let mut folders =
            vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut builders = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                if ["builder", "new"].iter().any(|name| text.contains(&format!("Client::{name}()")))
                {
                    builders.push(path);
                }
            }
        }
        assert_eq!(builders.len(), 1, "{builders:?}");
        assert!(builders.iter().all(|path| path.ends_with("system/http/route.rs")));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named() {
        let variables = [("https_proxy".to_owned(), "ftp://p".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let url = Url::parse("https://id.example").unwrap();
        let error = Route::to(&url, &proxies(&environment)).unwrap_err();
        assert!(error.to_string().contains("`https_proxy`"), "{error}");
        let here = Url::parse("https://localhost").unwrap();
        assert!(Route::to(&here, &proxies(&environment)).is_ok());
    }
}
