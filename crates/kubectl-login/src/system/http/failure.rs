//! Errors of HTTP requests: what failed and whose fault it was, in our own words.
//! Never repeat a library's text if there is a term for it; never show a proxy's credentials.

use std::{error::Error, io, time::Duration};

use login_common::{
    pem::PemFault,
    proxy::{ProxyFault, Route},
};
use login_protocols::oidc::redirect::RedirectFault;
use thiserror::Error;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError};
use url::Url;

use super::limits::REQUEST_TIMEOUT;

/// Why there is no response.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The PEM text has no usable certificate.
    #[error("the certificate authority is no PEM text with certificates")]
    CertificateAuthority,
    /// A part of the PEM text would be ignored.
    #[error("the PEM text of the certificate authority cannot be used: {0}")]
    CertificateAuthorityText(PemFault),
    /// The PEM text has no certificate with its key.
    #[error("the client certificate or its key cannot be used: {0}")]
    ClientCertificate(String),
    /// The TLS library failed.
    #[error("could not prepare connections: {0}")]
    Client(String),
    /// The host has no root certificates.
    #[error("this machine has no certificate authorities")]
    NoAuthorities,
    /// A variable or a kubeconfig names an unusable proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    /// The URL would send secrets unencrypted.
    #[error("`{0}` is not `https://`")]
    NotConfidential(String),
    /// No response in time.
    #[error("no answer from `{from}` within {} seconds", within.as_secs())]
    Timeout {
        /// Host and port, or the issuer.
        from: String,
        /// The time limit.
        within: Duration,
    },
    /// No connection, or it broke.
    #[error("no connection to `{host}`: {reason}")]
    Connection {
        /// Host and port.
        host: String,
        /// The innermost reason.
        reason: String,
        /// Whether the request certainly did not arrive: there never was a connection.
        unsent: bool,
    },
    /// The proxy did not open a connection.
    #[error(transparent)]
    ByProxy(Box<ProxyRefusal>),
    /// The server's certificate is not trusted or not valid.
    #[error("no trusted connection to `{host}`: {fault}")]
    Certificate {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// The response exceeds the limit.
    #[error("the answer of `{0}` is too long")]
    TooLong(String),
    /// A redirect that is not followed.
    #[error(transparent)]
    Redirect(Box<RedirectFault>),
    /// The response has a content coding that was not requested.
    #[error("the answer of `{host}` is compressed as {coding}, which was not asked for")]
    Coding {
        /// Host and port.
        host: String,
        /// The coding, with its name quoted.
        coding: String,
    },
}

/// A proxy did not open a connection.
#[derive(Debug, Error)]
#[error("the proxy `{proxy}` (from `{named_by}`) gave no connection to `{host}`: {reason}")]
pub struct ProxyRefusal {
    /// The proxy, without credentials.
    pub proxy: String,
    /// The variable or key that names it.
    pub named_by: String,
    /// Host and port of the destination.
    pub host: String,
    /// The innermost reason.
    pub reason: String,
    /// What is wrong with the proxy's own certificate, if that is the reason.
    pub fault: Option<CertificateFault>,
}

impl From<RedirectFault> for HttpError {
    fn from(fault: RedirectFault) -> Self {
        Self::Redirect(Box::new(fault))
    }
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateFault {
    /// The issuing authority is not trusted here.
    #[error("its certificate is signed by an authority that is not trusted here")]
    UnknownAuthority,
    /// It has expired, or this host's clock is ahead.
    #[error("its certificate has expired")]
    Expired,
    /// It is not valid yet, or this host's clock is behind.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// It is for another name.
    #[error("its certificate is for another name")]
    OtherName,
    /// Any other fault, in the library's words.
    #[error("its certificate cannot be used: {0}")]
    Unusable(String),
}

impl CertificateFault {
    fn is_of_trust(&self) -> bool {
        matches!(self, Self::UnknownAuthority | Self::Unusable(_))
    }

    fn of(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            other => Self::Unusable(other.to_string()),
        }
    }
}

impl HttpError {
    /// Whether the server's certificate would be valid with another authority.
    pub fn is_untrusted(&self) -> bool {
        matches!(self, Self::Certificate { fault, .. } if fault.is_of_trust())
    }

    /// The same, for the proxy's certificate as well.
    pub(super) fn may_be_trusted_by_others(&self) -> bool {
        let of_proxy = |refusal: &ProxyRefusal| {
            refusal.fault.as_ref().is_some_and(CertificateFault::is_of_trust)
        };
        self.is_untrusted() || matches!(self, Self::ByProxy(refusal) if of_proxy(refusal))
    }

    /// Whether a repeated request may succeed: the network failed, not the request or the response.
    pub fn is_of_the_network(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Connection { .. } | Self::ByProxy(_))
    }

    /// Whether the request certainly did not arrive: no connection was opened. A proxy's refusal
    /// counts as a response.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Connection { unsent: true, .. })
    }

    /// What the user can do, if that does not depend on which server was contacted.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAuthorities => Some(
                "install its bundle of them (often the package `ca-certificates`), or name the \
                 authority of the other side"
                    .to_owned(),
            ),
            Self::Proxy(fault) => Some(format!("correct `{}`", fault.named_by)),
            Self::ByProxy(refusal) => Some(format!(
                "check the proxy that `{}` names; `NO_PROXY` may list `{}` if no proxy is needed",
                refusal.named_by,
                refusal.host.rsplit_once(':').map_or(refusal.host.as_str(), |(name, _)| name)
            )),
            Self::Certificate { fault, .. } => match fault {
                CertificateFault::Expired => Some(
                    "the operator of that host has to renew its certificate, unless this machine's \
                     clock is ahead"
                        .to_owned(),
                ),
                CertificateFault::NotYetValid => Some("check this machine's clock".to_owned()),
                CertificateFault::OtherName => Some(
                    "use a name that stands in the certificate, or have one issued for this name"
                        .to_owned(),
                ),
                CertificateFault::UnknownAuthority | CertificateFault::Unusable(_) => None,
            },
            _ => None,
        }
    }

    /// An HTTP client could not be built.
    pub(in crate::system) fn client(error: &reqwest::Error) -> Self {
        let reason = innermost(error);
        if reason.contains("No CA certificates") {
            Self::NoAuthorities
        } else {
            Self::Client(reason)
        }
    }

    /// A request to `url` on `route` failed.
    pub(super) fn of(error: &reqwest::Error, url: &Url, route: &Route) -> Self {
        let host = host(url);
        let tls = tls_error(error);
        let fault = match tls {
            Some(rustls::Error::InvalidCertificate(error)) => Some(CertificateFault::of(error)),
            _ => None,
        };
        match route {
            // Once there is a tunnel, TLS is between us and the host.
            Route::Through(proxy)
                if error.is_connect() && (tls.is_none() || is_before_tunnel(error)) =>
            {
                Self::ByProxy(Box::new(ProxyRefusal {
                    proxy: proxy.shown(),
                    named_by: proxy.named_by.clone(),
                    host,
                    reason: match &fault {
                        Some(fault) => fault.to_string(),
                        None if error.is_timeout() => "it did not answer".to_owned(),
                        None => words(error, tls),
                    },
                    fault,
                }))
            }
            _ => match fault {
                Some(fault) => Self::Certificate { host, fault },
                None if error.is_timeout() => Self::Timeout { from: host, within: REQUEST_TIMEOUT },
                None => {
                    let reason = words(error, tls);
                    Self::Connection { host, reason, unsent: error.is_connect() }
                }
            },
        }
    }
}

/// Whether there was no connection to the proxy itself, by the text of an error of `hyper-util`
/// whose type is not public.
fn is_before_tunnel(error: &reqwest::Error) -> bool {
    const WORDS: &str = "tunnel error: failed to create underlying connection";
    let mut next = error.source();
    while let Some(source) = next {
        if source.to_string() == WORDS {
            return true;
        }
        next = source.source();
    }
    false
}

/// TLS errors are wrapped in I/O errors, sometimes in several, whose `source` skips the wrapped
/// error.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match held {
        Some(held) => tls_error(held),
        None => tls_error(error.source()?),
    }
}

/// The reason for a failure, in words that say what to check.
fn words(error: &reqwest::Error, tls: Option<&rustls::Error>) -> String {
    let known = tls.map(of_tls);
    known.map_or_else(|| translated(innermost(error)), ToOwned::to_owned)
}

/// A library's error, in words that say what to check.
fn translated(reason: String) -> String {
    const KNOWN: [(&str, &str); 4] = [
        ("authorization required", "it wants credentials (407), which belong into its URL"),
        ("tunnel error: unsuccessful", "it refused to connect"),
        ("failed to create underlying connection", "there is no connection to it"),
        ("invalid HTTP version", "it does not speak HTTP there"),
    ];
    let known = KNOWN.iter().find(|(said, _)| reason.contains(said));
    known.map_or(reason, |(_, means)| (*means).to_owned())
}

/// Why the handshake failed, apart from certificates.
fn of_tls(error: &rustls::Error) -> &'static str {
    const NOTHING_IN_COMMON: &str =
        "it offers no TLS 1.2 or 1.3 with a cipher suite and a key exchange that count as secure";
    match error {
        rustls::Error::InvalidMessage(_) => "it does not speak TLS there",
        rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => {
            NOTHING_IN_COMMON
        }
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                "it demands a certificate of its clients, and none was shown"
            }
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol => NOTHING_IN_COMMON,
            AlertDescription::UnrecognisedName => "it does not know the name by which it is asked",
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown => {
                "it does not take the certificate of this client"
            }
            _ => "it broke off the TLS handshake",
        },
        _ => "the TLS handshake failed",
    }
}

/// Host and port, for messages.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// The innermost reason.
pub(in crate::system) fn innermost(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        reason = source.to_string();
        next = source.source();
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_blamed_for_what_is_wrong_with_it() {
        for (error, fault, is_untrusted) in [
            (CertificateError::UnknownIssuer, CertificateFault::UnknownAuthority, true),
            (CertificateError::Expired, CertificateFault::Expired, false),
            (CertificateError::NotValidYet, CertificateFault::NotYetValid, false),
            (CertificateError::NotValidForName, CertificateFault::OtherName, false),
        ] {
            let found = CertificateFault::of(&error);
            assert_eq!(found, fault);
            let error = HttpError::Certificate { host: "id.example".to_owned(), fault: found };
            assert_eq!(error.is_untrusted(), is_untrusted, "{error}");
            // For an unknown authority, the hint depends on the options.
            assert_eq!(error.hint().is_some(), !is_untrusted, "{error}");
        }
    }

    #[test]
    fn a_library_is_translated() {
        for (said, means) in [
            ("tunnel error: unsuccessful", "it refused to connect"),
            ("SOCKS error: failed to create underlying connection", "there is no connection to it"),
            ("invalid HTTP version parsed", "it does not speak HTTP there"),
            ("Connection refused (os error 111)", "Connection refused (os error 111)"),
        ] {
            assert_eq!(translated(said.to_owned()), means);
        }
        let alert = |alert| of_tls(&rustls::Error::AlertReceived(alert));
        assert!(alert(AlertDescription::CertificateRequired).contains("none was shown"));
        assert!(alert(AlertDescription::UnknownCA).contains("of this client"));
        assert!(alert(AlertDescription::ProtocolVersion).contains("no TLS 1.2"));
        assert!(alert(AlertDescription::InternalError).contains("broke off"));
        assert!(HttpError::NoAuthorities.hint().unwrap().contains("`ca-certificates`"));
    }

    /// A server without TLS at an https URL.
    #[tokio::test]
    async fn what_speaks_no_tls_is_said_not_to() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        use super::super::{HttpClient, HttpOptions};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let client =
            HttpClient::new(HttpOptions::default(), login_common::proxy::Proxies::default())
                .unwrap();
        let error = client.fetch(&url, 100).await.err().unwrap();
        assert!(error.to_string().ends_with("it does not speak TLS there"), "{error}");
        assert!(error.is_unsent());
    }

    #[test]
    fn a_proxy_is_named_as_what_refused() {
        let error = HttpError::ByProxy(Box::new(ProxyRefusal {
            proxy: "http://p:3128".to_owned(),
            named_by: "HTTPS_PROXY".to_owned(),
            host: "id.example:8443".to_owned(),
            reason: translated("tunnel error: proxy authorization required".to_owned()),
            fault: None,
        }));
        assert!(error.to_string().starts_with("the proxy `http://p:3128` (from `HTTPS_PROXY`)"));
        let hint = error.hint().unwrap();
        assert!(hint.contains("`NO_PROXY` may list `id.example`"), "{hint}");
        assert!(!error.is_unsent() && error.is_of_the_network());
    }

    /// What a test proxy does with a connection.
    #[derive(Clone, Copy, Debug)]
    enum Manner {
        /// Speaks TLS itself, with an untrusted certificate.
        UnknownItself,
        /// Connects to a host with an untrusted certificate.
        ToUnknownHost,
        /// Connects to a host that fails every handshake (RFC 8446 §6.2 `handshake_failure`).
        ToHostWithoutTls,
        /// Refuses to connect.
        Refuses,
    }

    async fn proxy_that(manner: Manner) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "id.invalid".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let tls = crate::system::loopback::tls(
            certificate.pem().as_bytes(),
            key.serialize_pem().as_bytes(),
        )
        .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                if matches!(manner, Manner::UnknownItself) {
                    let _ = tls.accept(stream).await;
                    continue;
                }
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let status = if matches!(manner, Manner::Refuses) { "502 -" } else { "200 -" };
                let answer = format!("HTTP/1.1 {status}\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                match manner {
                    Manner::ToUnknownHost => drop(tls.accept(stream).await),
                    Manner::ToHostWithoutTls => {
                        let _ = stream.read(&mut [0; 4096]).await;
                        stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.unwrap();
                    }
                    Manner::UnknownItself | Manner::Refuses => {}
                }
            }
        });
        let scheme = if matches!(manner, Manner::UnknownItself) { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    #[tokio::test]
    async fn behind_a_proxy_the_one_who_failed_is_blamed() {
        use login_common::proxy::Proxies;

        use super::super::{HttpClient, HttpOptions};

        let url = Url::parse("https://id.invalid/").unwrap();
        for (manner, blames_proxy, words) in [
            (Manner::UnknownItself, true, "not trusted here"),
            (Manner::ToUnknownHost, false, "not trusted here"),
            (
                Manner::ToHostWithoutTls,
                false,
                "no connection to `id.invalid`: it offers no TLS 1.2",
            ),
            (Manner::Refuses, true, "it refused to connect"),
        ] {
            let proxy = proxy_that(manner).await;
            let proxies =
                Proxies::from_variables(|name| (name == "HTTPS_PROXY").then(|| proxy.clone()));
            let client = HttpClient::new(HttpOptions::default(), proxies).unwrap();
            let error = client.fetch(&url, 100).await.err().unwrap();
            let text = error.to_string();
            assert!(text.contains(words), "{manner:?}: {text}");
            assert_eq!(text.starts_with("the proxy `"), blames_proxy, "{manner:?}: {text}");
            assert_eq!(error.may_be_trusted_by_others(), words.contains("trusted"), "{text}");
        }
    }
}
