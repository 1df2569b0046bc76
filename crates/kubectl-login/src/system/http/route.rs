//! Chooses the route to a host, and builds every HTTP client of this program: the issuer's, the
//! cluster's, a CI system's.
//! Never uses a proxy for loopback, nor one that was not configured.

use login_common::proxy::{self, Proxies, Proxy};
use url::Url;

use super::{HttpError, limits::REQUEST_TIMEOUT};
use crate::system::environment::Environment;

/// The proxies that the variables of `environment` name.
pub fn proxies(environment: &dyn Environment) -> Proxies {
    Proxies::from_variables(|name| environment.variable(name)?.into_string().ok())
}

/// The route of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::system) enum Route {
    /// A direct connection.
    Direct,
    /// A proxy that a variable or a kubeconfig names.
    Through(Proxy),
    /// The system's proxy settings, if no variable names a proxy: Windows and macOS have some.
    System,
}

impl Route {
    /// The route to `url`.
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

    /// The common settings of every connection on this route.
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
                // Go lets the proxy resolve names for both schemes: they may be known only there.
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
