//! Where the browser comes back to: the addresses to listen on, and the redirect URI.
//! Never opens a port.

use url::Url;

use crate::{
    options::target::{Callback, KUBELOGIN_PORTS},
    system::loopback::is_loopback,
};

/// The path of the redirect URI when the port is ours to choose. It cannot be random: only the port
/// of a loopback redirect URI may differ from what is registered (RFC 8252 §7.3), and issuers
/// compare the path exactly. `state`, the proof key and `iss` give the protection that it would.
const PATH: &str = "/callback";

/// The addresses to listen on, in order of preference.
pub fn listen_on(callback: &Callback) -> Vec<(String, u16)> {
    if !callback.listen_addresses.is_empty() {
        return callback.listen_addresses.clone();
    }
    let here = |port| ("127.0.0.1".to_owned(), port);
    match callback.redirect_url.as_deref().and_then(|text| Url::parse(text).ok()) {
        Some(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) if is_loopback(host.trim_matches(['[', ']'])) => {
                vec![(host.trim_matches(['[', ']']).to_owned(), port)]
            }
            // A proxy in front of us forwards to a port that it must know.
            _ => KUBELOGIN_PORTS.map(here).to_vec(),
        },
        // An https redirect URI is registered with its port: RFC 8252 lets only http ones vary.
        None if callback.certificate.is_some() => KUBELOGIN_PORTS.map(here).to_vec(),
        None => vec![here(0)],
    }
}

/// The redirect URI sent to the issuer when listening on `port`.
pub fn redirect_uri(callback: &Callback, port: u16) -> String {
    if let Some(url) = &callback.redirect_url {
        return url.clone();
    }
    let scheme = if callback.certificate.is_some() { "https" } else { "http" };
    let named = callback.redirect_host.as_deref();
    if callback.listen_addresses.is_empty() && callback.certificate.is_none() {
        // RFC 8252 §8.3: an address, since a name may resolve to another one.
        return format!("{scheme}://{}:{port}{PATH}", named.unwrap_or("127.0.0.1"));
    }
    // int128/kubelogin's redirect URI, as it is registered at issuers: no path.
    format!("{scheme}://{}:{port}", named.unwrap_or("localhost"))
}

/// The first address that other hosts can connect to.
pub fn exposed(addresses: &[(String, u16)]) -> Option<&str> {
    addresses.iter().map(|(host, _)| host.as_str()).find(|host| !is_loopback(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listened_on_and_what_the_issuer_is_told_belong_together() {
        let none = || Callback {
            listen_addresses: Vec::new(),
            redirect_url: None,
            redirect_host: None,
            certificate: None,
            open_url_after: None,
            parameters: Vec::new(),
            proof_key: true,
        };
        let at = |host: &str, port| vec![(host.to_owned(), port)];
        let to = |url: &str| Callback { redirect_url: Some(url.to_owned()), ..none() };
        let tls = Some(("c".into(), "k".into()));
        for (callback, listened, told) in [
            (none(), "127.0.0.1:0", "http://127.0.0.1:7/callback"),
            (
                Callback { redirect_host: Some("localhost".to_owned()), ..none() },
                "127.0.0.1:0",
                "http://localhost:7/callback",
            ),
            (
                Callback { listen_addresses: at("127.0.0.1", 8000), ..none() },
                "127.0.0.1:8000",
                "http://localhost:7",
            ),
            (
                Callback {
                    listen_addresses: at("127.0.0.1", 8000),
                    redirect_host: Some("dev.local".to_owned()),
                    certificate: tls.clone(),
                    ..none()
                },
                "127.0.0.1:8000",
                "https://dev.local:7",
            ),
            (
                Callback { certificate: tls, ..none() },
                "127.0.0.1:8000 127.0.0.1:18000",
                "https://localhost:7",
            ),
            (to("http://localhost:9/back"), "localhost:9", "http://localhost:9/back"),
            (to("http://[::1]:9"), "::1:9", "http://[::1]:9"),
            (
                to("https://jump.example/back"),
                "127.0.0.1:8000 127.0.0.1:18000",
                "https://jump.example/back",
            ),
            (
                Callback { listen_addresses: at("0.0.0.0", 80), ..to("https://jump.example/b") },
                "0.0.0.0:80",
                "https://jump.example/b",
            ),
        ] {
            let addresses = listen_on(&callback);
            let shown: Vec<String> =
                addresses.iter().map(|(host, port)| format!("{host}:{port}")).collect();
            assert_eq!(shown.join(" "), listened, "{told}");
            assert_eq!(redirect_uri(&callback, 7), told);
            assert_eq!(exposed(&addresses).is_some(), listened.starts_with("0.0.0.0"));
        }
    }
}
