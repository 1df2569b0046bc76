//! Explains why no answer came, in words that an operator can act on.
//! Never repeats a library's description of itself, and never shows a token or a URL.

use std::error::Error;

use login_common::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use thiserror::Error;
use webpki::Error as PathError;

use super::trust::AuthorityOutOfTime;

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The other side was not reached: what was asked is not the reason.
    Connecting,
    /// The other side was reached, perhaps by the whole request: what was asked may be the reason.
    Asking,
}

/// A request without an answer: the explanation, and how far it came.
#[derive(Debug, Error)]
#[error("{words}")]
pub(crate) struct TransportFault {
    words: String,
    progress: Progress,
}

impl TransportFault {
    /// How far the request came.
    pub(crate) const fn progress(&self) -> Progress {
        self.progress
    }
}

impl From<reqwest::Error> for TransportFault {
    fn from(error: reqwest::Error) -> Self {
        let is_connecting = error.is_connect() || error.is_builder();
        let progress = if is_connecting { Progress::Connecting } else { Progress::Asking };
        Self { words: words(&error), progress }
    }
}

/// The explanation of `error`.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut cause: &(dyn Error + 'static) = error;
    loop {
        if let Some(tls) = cause.downcast_ref() {
            return of_tls(tls);
        }
        // `io::Error::source` skips the wrapped error and returns that error's source.
        let wrapped = cause.downcast_ref().and_then(std::io::Error::get_ref);
        let next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static));
        let Some(next) = next.or_else(|| cause.source()) else { break };
        cause = next;
    }
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection came about in time".to_owned(),
        (true, false) => "no whole answer came in time".to_owned(),
        (false, _) if error.is_dns() => format!("its name does not resolve ({cause})"),
        (false, _) => cause.to_string(),
    }
}

pub(super) fn of_tls(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(fault) => of_certificate(fault),
        TlsError::InvalidMessage(_) => "it does not speak TLS there".to_owned(),
        TlsError::PeerIncompatible(_) | TlsError::NoApplicationProtocol => {
            NOTHING_IN_COMMON.to_owned()
        }
        TlsError::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                "it demands a certificate of its clients, and this server has none for it"
            }
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol => NOTHING_IN_COMMON,
            AlertDescription::UnrecognisedName => "it does not know the name by which it is asked",
            _ => "it broke off the TLS handshake",
        }
        .to_owned(),
        TlsError::General(reason) if reason.contains("No CA certificates") => {
            "this machine has no certificate authorities: install its bundle of them (often the \
             package `ca-certificates`), or configure those of the other side"
                .to_owned()
        }
        _ => "the TLS handshake failed".to_owned(),
    }
}

const NOTHING_IN_COMMON: &str =
    "it offers no TLS 1.2 or 1.3 with a cipher suite and a key exchange that count as secure";

fn of_certificate(fault: &CertificateError) -> String {
    let text = match fault {
        CertificateError::ExpiredContext { time, not_after } => {
            let (now, end) = (moment(*time), moment(*not_after));
            return format!("its certificate expired at {end}, and the clock here says {now}");
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let (now, begin) = (moment(*time), moment(*not_before));
            return format!(
                "its certificate counts from {begin} on, and the clock here says {now}"
            );
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            if presented.is_empty() {
                return format!(
                    "its certificate has no alternative name, so not `{expected}` either (a common \
                     name does not count)"
                );
            }
            let presented: Vec<String> = presented.iter().map(|name| bare(name)).collect();
            return format!(
                "its certificate is for {}, not for `{expected}`",
                presented.join(", ")
            );
        }
        CertificateError::Expired => "its certificate has expired",
        CertificateError::NotValidYet => "its certificate does not count yet",
        CertificateError::NotValidForName => "its certificate is for another host",
        CertificateError::UnknownIssuer => {
            "no certificate authority that is trusted for it signed its certificate: those that \
             are configured for it, or those of the system if none are"
        }
        CertificateError::BadSignature => {
            "its certificate bears the name of a trusted authority, and another key signed it"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not for servers (extended key usage)"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed in a way that is not supported (SHA-1, or RSA with fewer \
             than 2048 bits, for example)"
        }
        CertificateError::UnhandledCriticalExtension => {
            "its certificate has a critical extension that is not supported"
        }
        CertificateError::Revoked => "its certificate is revoked",
        CertificateError::BadEncoding => "its certificate is malformed",
        CertificateError::Other(other) => {
            if other.0.is::<AuthorityOutOfTime>() {
                "the certificate authority that signed its certificate has expired, or does not \
                 count yet"
            } else {
                other.0.downcast_ref().map_or(UNACCEPTABLE, of_path)
            }
        }
        _ => UNACCEPTABLE,
    };
    text.to_owned()
}

const UNACCEPTABLE: &str = "its certificate is not acceptable";

fn of_path(fault: &PathError) -> &'static str {
    match fault {
        PathError::CaUsedAsEndEntity => {
            "its certificate is that of a certificate authority, and is not itself among those that \
             are trusted for it"
        }
        PathError::EndEntityUsedAsCa => {
            "its certificate is signed by a certificate that is no authority's"
        }
        PathError::NameConstraintViolation => {
            "an authority above its certificate may not sign for this host (name constraints)"
        }
        PathError::PathLenConstraintViolated => {
            "there are more authorities above its certificate than one of them allows (path length)"
        }
        PathError::UnsupportedCertVersion => "its certificate is not of X.509 version 3",
        _ => UNACCEPTABLE,
    }
}

fn moment(time: rustls::pki_types::UnixTime) -> UnixTime {
    UnixTime::from_seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// The name in `DnsName("a")`, as the library writes it.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    format!("`{}`", inner.unwrap_or(name).trim_matches('"'))
}

#[cfg(test)]
mod tests;
