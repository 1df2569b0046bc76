//! Warns about how a server is exposed: which callers may ask, and which names its certificate has.
//! Never refuses anything: a proxy in front may make it right.

use std::net::SocketAddr;

use login_common::names::IssuerUrl;
use rustls::{client::verify_server_name, server::ParsedCertificate};
use rustls_pki_types::{CertificateDer, ServerName};
use url::Url;

/// Warns if every client that reaches `listen` may ask for reviews. `is_guarded` means that callers
/// need a certificate or a token.
pub fn open_to_everybody(listen: SocketAddr, is_guarded: bool) -> Option<String> {
    (!is_guarded && !listen.ip().is_loopback()).then(|| {
        format!(
            "`/authenticate` is open to every client that reaches `{listen}`: it can try tokens \
             there, and load the server; give `--client-ca-file` or `--caller-token-file`"
        )
    })
}

/// Warns if `shown`, this server's certificate, does not cover the host of `issuer`.
pub fn not_covered(issuer: &IssuerUrl, shown: &CertificateDer<'_>) -> Option<String> {
    let url = Url::parse(issuer.as_str()).ok().filter(|url| url.scheme() == "https")?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host).ok()?;
    let certificate = ParsedCertificate::try_from(shown).ok()?;
    verify_server_name(&certificate, &name).is_err().then(|| {
        format!(
            "the certificate does not name `{host}`, the host of `issuer.url`; who signs in there \
             sees a warning that the connection is not safe, unless a proxy shows another certificate"
        )
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    #[test]
    fn only_an_address_that_others_reach_is_told_and_only_when_nothing_is_asked_for() {
        for (listen, is_guarded, expected) in [
            ("127.0.0.1:8443", false, false),
            ("[::1]:8443", false, false),
            ("0.0.0.0:8443", false, true),
            ("[::]:8443", false, true),
            ("10.0.0.5:8443", false, true),
            ("0.0.0.0:8443", true, false),
        ] {
            let told = open_to_everybody(listen.parse().unwrap(), is_guarded);
            assert_eq!(told.is_some(), expected, "{listen} {is_guarded}: {told:?}");
        }
    }

    #[test]
    fn a_certificate_is_for_the_issuer_as_clients_would_see_it() {
        let names = ["login.example.com", "*.apps.example.com"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.subject_alt_names.push(SanType::IpAddress([10, 0, 0, 5].into()));
        params.subject_alt_names.push(SanType::IpAddress([0, 0, 0, 0, 0, 0, 0, 1_u16].into()));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for (issuer, expected) in [
            ("https://login.example.com", None),
            ("https://LOGIN.example.com:8443/path", None),
            ("https://id.apps.example.com", None),
            ("https://10.0.0.5:8443", None),
            ("https://[::1]:8443", None),
            // Plain HTTP on loopback uses no certificate.
            ("http://127.0.0.1:8080", None),
            ("https://id.example.com", Some("id.example.com")),
            ("https://a.b.apps.example.com", Some("a.b.apps.example.com")),
            ("https://10.0.0.6", Some("10.0.0.6")),
        ] {
            let told = not_covered(&IssuerUrl::parse(issuer).unwrap(), certificate.der());
            assert_eq!(told.is_some(), expected.is_some(), "{issuer}: {told:?}");
            if let Some(host) = expected {
                assert!(told.unwrap().contains(&format!("`{host}`")), "{issuer}");
            }
        }
    }
}
