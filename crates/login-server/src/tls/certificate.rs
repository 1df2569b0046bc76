//! What a certificate says about itself: until when it counts, and whose it is.
//! Never judges a signature: rustls has done that, or does it later.

use std::net::IpAddr;

use login_common::UnixTime;
use rustls_pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// From when to when a certificate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`.
    pub from: UnixTime,
    /// `notAfter`.
    pub until: UnixTime,
}

/// The validity; none if the certificate cannot be read.
pub fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let validity = parsed.validity();
    Some(Validity {
        from: UnixTime::from_seconds(validity.not_before.timestamp()),
        until: UnixTime::from_seconds(validity.not_after.timestamp()),
    })
}

/// The common name and every alternative name (RFC 5280 §4.2.1.6).
pub fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let mut names: Vec<String> = common.map(str::to_owned).collect();
    if let Ok(Some(alternative)) = parsed.subject_alternative_name() {
        names.extend(alternative.value.general_names.iter().filter_map(text));
    }
    names
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    #[test]
    fn names_and_validity_are_read() {
        let mut params = CertificateParams::new(vec!["login.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2025, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let expected = Validity {
            from: UnixTime::from_seconds(1_704_067_200),
            until: UnixTime::from_seconds(1_735_689_600),
        };
        assert_eq!(validity(certificate.der()), Some(expected));
        assert_eq!(names(certificate.der()), ["kube-apiserver", "login.example", "127.0.0.1"]);
    }

    #[test]
    fn what_is_no_certificate_has_neither() {
        let garbage = CertificateDer::from(&b"\x30\x03garbage"[..]);
        assert_eq!((validity(&garbage), names(&garbage)), (None, Vec::new()));
    }
}
