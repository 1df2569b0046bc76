//! Builds every HTTP client of this program, for the route to a host: the issuer's, the cluster's, a
//! CI system's.
//! Never uses a proxy that was not configured.

use login_common::proxy::{Proxies, Route};

use super::{HttpError, limits::REQUEST_TIMEOUT};
use crate::system::environment::Environment;

/// The proxies that the variables of `environment` name.
pub fn proxies(environment: &dyn Environment) -> Proxies {
    Proxies::from_variables(|name| environment.variable(name)?.into_string().ok())
}

/// The common settings of every connection on `route`.
pub(in crate::system) fn builder(route: &Route) -> Result<reqwest::ClientBuilder, HttpError> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(REQUEST_TIMEOUT)
        .user_agent(concat!("kubectl-login/", env!("CARGO_PKG_VERSION")));
    Ok(match route {
        Route::Direct => builder.no_proxy(),
        Route::System => builder,
        Route::Through(proxy) => {
            let proxy = reqwest::Proxy::all(proxy.resolving_url());
            builder.no_proxy().proxy(proxy.map_err(|error| HttpError::client(&error))?)
        }
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    #[test]
    fn the_variables_of_an_exec_entry_count() {
        let variables = [("HTTPS_PROXY".to_owned(), "socks5://p:1080".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let proxies = proxies(&environment);
        let route = |url: &str| proxies.route(&Url::parse(url).unwrap()).unwrap();
        assert!(matches!(route("https://id.example"), Route::Through(_)));
        assert_eq!(route("https://localhost:8443"), Route::Direct);
        assert_eq!(route("http://127.0.0.1:8080"), Route::Direct);
        builder(&route("https://id.example")).unwrap().build().unwrap();
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
        let error = HttpError::from(proxies(&environment).route(&url).unwrap_err());
        assert!(error.to_string().contains("`https_proxy`"), "{error}");
        let here = Url::parse("https://localhost").unwrap();
        assert!(proxies(&environment).route(&here).is_ok());
    }
}
