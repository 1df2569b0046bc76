//! Parses what a certificate says about itself: its validity and its common name.
//! Never verifies a signature: rustls does.

use login_common::UnixTime;
use rustls_pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// The time in which a certificate is valid.
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

/// The common name; of several the last one, as Go reads a subject.
pub fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = parsed.subject().iter_common_name().last()?.as_str().ok()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    #[test]
    fn the_common_name_and_the_validity_are_read() {
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
        assert_eq!(common_name(certificate.der()).as_deref(), Some("kube-apiserver"));
    }

    #[test]
    fn an_alternative_name_is_no_common_name() {
        let mut params = CertificateParams::new(vec!["kube-apiserver".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        let key = KeyPair::generate().unwrap();
        assert_eq!(common_name(params.self_signed(&key).unwrap().der()), None);
        params.distinguished_name.push(DnType::CommonName, "");
        assert_eq!(common_name(params.self_signed(&key).unwrap().der()), None);
    }

    #[test]
    fn what_is_no_certificate_has_neither() {
        let garbage = CertificateDer::from(&b"\x30\x03garbage"[..]);
        assert_eq!((validity(&garbage), common_name(&garbage)), (None, None));
    }
}
