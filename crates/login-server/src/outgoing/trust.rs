//! Verifies the server certificate of another party, where the operator named authorities.
//! Never accepts an expired certificate, one for another host, or one that another key signed.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ExtendedKeyPurpose, OtherError,
    RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{
        WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use thiserror::Error as ThisError;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// Why the authorities that the operator named cannot be used.
#[derive(Debug, ThisError)]
pub(crate) enum TrustError {
    /// The text is not PEM.
    #[error("they are not certificates in PEM form")]
    Pem,
    /// The text contains no certificate.
    #[error("there is no certificate among them")]
    None,
    /// One is not an X.509 certificate.
    #[error("number {0} of them is not an X.509 certificate")]
    Certificate(usize),
    /// The error of rustls.
    #[error("TLS cannot be prepared with them")]
    Library(#[source] Error),
}

/// The authority that issued a certificate has expired, or is not valid yet.
#[derive(Debug, ThisError)]
#[error("an authority that vouches for it has expired, or does not count yet")]
pub(super) struct AuthorityOutOfTime;

/// TLS 1.2 and 1.3 with the authorities in `pem` and no others.
pub(super) fn only(pem: &str, protocols: &[&[u8]]) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new(pem, provider.signature_verification_algorithms)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Library)?;
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    // A resumed session is not verified again, and would outlive the certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// As Go's `crypto/x509`: a certificate is trusted if one of `authorities` issued it, or if it is
/// one of them itself, whether it is that of an authority or not.
#[derive(Debug)]
struct Verifier {
    authorities: Vec<Authority>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    /// `notBefore` and `notAfter`, in seconds.
    validity: (i64, i64),
}

impl Verifier {
    fn new(pem: &str, algorithms: WebPkiSupportedAlgorithms) -> Result<Self, TrustError> {
        let mut authorities = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| TrustError::Pem)?;
            let malformed = || TrustError::Certificate(authorities.len() + 1);
            RootCertStore::empty().add(certificate.clone()).map_err(|_| malformed())?;
            let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|_| malformed())?;
            let validity = parsed.validity();
            let validity = (validity.not_before.timestamp(), validity.not_after.timestamp());
            authorities.push(Authority { certificate, validity });
        }
        if authorities.is_empty() {
            return Err(TrustError::None);
        }
        Ok(Self { authorities, algorithms })
    }

    /// Whether a chain leads from the certificate to an authority that is valid now.
    fn is_vouched_for(
        &self,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let counts = |authority: &&Authority| {
            authority.validity.0 <= seconds && seconds <= authority.validity.1
        };
        let algorithms = self.algorithms.all;
        let leads_to = |authorities: &mut dyn Iterator<Item = &Authority>| {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority.certificate.clone())?;
            }
            verify_server_cert_signed_by_trust_anchor(
                parsed,
                &roots,
                intermediates,
                now,
                algorithms,
            )
        };
        leads_to(&mut self.authorities.iter().filter(counts)).map_err(|fault| {
            let leads_to_another = leads_to(&mut self.authorities.iter()).is_ok();
            let out_of_time = || OtherError(Arc::new(AuthorityOutOfTime));
            if leads_to_another { CertificateError::Other(out_of_time()).into() } else { fault }
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        if self.authorities.iter().any(|own| own.certificate == *end_entity) {
            stands_for_itself(end_entity, now)?;
        } else {
            self.is_vouched_for(&parsed, intermediates, now)?;
        }
        verify_server_name(&parsed, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The remaining checks of a certificate that the operator named itself: its validity, and that it
/// is for servers, if it says what it is for (RFC 5280 §4.2.1.12).
fn stands_for_itself(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let malformed = || Error::from(CertificateError::BadEncoding);
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| malformed())?;
    let moment = |seconds: i64| {
        let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        UnixTime::since_unix_epoch(since)
    };
    let validity = parsed.validity();
    let not_before = moment(validity.not_before.timestamp());
    let not_after = moment(validity.not_after.timestamp());
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if not_after < now {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    let usage = parsed.extended_key_usage().map_err(|_| malformed())?;
    if usage.is_some_and(|usage| !usage.value.any && !usage.value.server_auth) {
        let required = ExtendedKeyPurpose::ServerAuth;
        let presented = Vec::new();
        return Err(CertificateError::InvalidPurposeContext { required, presented }.into());
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
