//! Verifies client certificates with those authorities that are valid at that moment.
//! Never lets a verification outlive a certificate of the chain.
//!
//! rustls reduces an authority to a name and a key, whatever the validity of its certificate.
//! kube-apiserver and OpenSSL refuse what an expired one has signed.

use std::sync::Arc;

use login_common::UnixTime;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::CertificateDer;

use super::{
    ClientCertificate,
    certificate::{self, Validity},
};

/// The number of moments at which a chain is verified, to find its end.
const MAX_MOMENTS: usize = 8;

/// The authorities of the client CA file.
#[derive(Debug)]
pub struct ClientAuthorities {
    authorities: Vec<(Validity, Arc<dyn ClientCertVerifier>)>,
    /// All of them in one verifier, which is faster.
    together: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    pub(super) fn new(
        certificates: Vec<CertificateDer<'static>>,
        demand: ClientCertificate,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let verifier = |roots: RootCertStore| {
            let builder =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            let builder = match demand {
                ClientCertificate::RequiredForReviews => builder.allow_unauthenticated(),
                ClientCertificate::Required | ClientCertificate::NotAsked => builder,
            };
            builder.build().map_err(|fault| fault.to_string())
        };
        let mut all = RootCertStore::empty();
        let mut authorities = Vec::new();
        for certificate in certificates {
            let validity = certificate::validity(&certificate).ok_or_else(|| {
                "the time in which a certificate counts cannot be read".to_owned()
            })?;
            let mut alone = RootCertStore::empty();
            alone.add(certificate.clone()).map_err(|fault| fault.to_string())?;
            all.add(certificate).map_err(|fault| fault.to_string())?;
            authorities.push((validity, verifier(alone)? as Arc<dyn ClientCertVerifier>));
        }
        Ok(Self { authorities, together: verifier(all)? })
    }

    fn verify(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: rustls_pki_types::UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let at = UnixTime::from_seconds(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let counts = |validity: &Validity| validity.from <= at && at <= validity.until;
        if self.authorities.iter().all(|(validity, _)| counts(validity)) {
            return self.together.verify_client_cert(shown, intermediates, now);
        }
        let mut ending = Error::InvalidCertificate(CertificateError::Expired);
        for (_, authority) in self.authorities.iter().filter(|(validity, _)| counts(validity)) {
            match authority.verify_client_cert(shown, intermediates, now) {
                Ok(verified) => return Ok(verified),
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(fault) => ending = fault,
            }
        }
        Err(ending)
    }

    /// Until when this chain is valid, the client's own certificate first; none if it is not valid
    /// now.
    pub fn count_until(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Option<UnixTime> {
        let (shown, intermediates) = chain.split_first()?;
        let is_good = |at: UnixTime| {
            let seconds = u64::try_from(at.as_seconds()).unwrap_or(0);
            let at = rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                seconds,
            ));
            self.verify(shown, intermediates, at).is_ok()
        };
        if !is_good(now) {
            return None;
        }
        let own = certificate::validity(shown)?.until;
        let others = intermediates.iter().filter_map(certificate::validity);
        let ends = others.chain(self.authorities.iter().map(|(validity, _)| *validity));
        let mut ends: Vec<_> = ends.map(|validity| validity.until).chain([own]).collect();
        ends.retain(|end| now <= *end && *end <= own);
        ends.sort_unstable_by(|a, b| b.cmp(a));
        ends.dedup();
        // The latest end at which it is still valid; there may be several chains to an authority.
        Some(ends.into_iter().take(MAX_MOMENTS).find(|end| is_good(*end)).unwrap_or(now))
    }
}

impl ClientCertVerifier for ClientAuthorities {
    fn offer_client_auth(&self) -> bool {
        self.together.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.together.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.together.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: rustls_pki_types::UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.together.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.together.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.together.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    fn params(from: i32, until: i32) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params
    }

    fn authority(
        key: KeyPair,
        from: i32,
        until: i32,
    ) -> (CertificateDer<'static>, Issuer<'static, KeyPair>) {
        let mut params = params(from, until);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        (certificate, Issuer::new(params, key))
    }

    fn year(year: i32) -> UnixTime {
        UnixTime::from_seconds(date_time_ymd(year, 1, 1).unix_timestamp())
    }

    fn authorities(certificates: &[&CertificateDer<'static>]) -> ClientAuthorities {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certificates = certificates.iter().copied().cloned().collect();
        ClientAuthorities::new(certificates, ClientCertificate::Required, &provider).unwrap()
    }

    #[test]
    fn what_an_authority_signed_counts_while_both_do() {
        let key = KeyPair::generate().unwrap();
        let again = KeyPair::from_pem(&key.serialize_pem()).unwrap();
        let (old, issuer) = authority(key, 2010, 2020);
        // The same authority, renewed.
        let (new, _) = authority(again, 2018, 2040);
        let (other, _) = authority(KeyPair::generate().unwrap(), 2010, 2040);
        let leaf = |from, until| {
            let key = KeyPair::generate().unwrap();
            [params(from, until).signed_by(&key, &issuer).unwrap().der().clone()]
        };
        let (long, short) = (leaf(2010, 2060), leaf(2012, 2016));
        for (roots, chain, now, expected) in [
            (&[&old][..], &long, 2015, Some(2020)),
            (&[&old], &short, 2015, Some(2016)),
            (&[&old], &short, 2017, None),
            (&[&old], &short, 2011, None),
            (&[&old], &long, 2025, None),
            (&[&old, &other], &long, 2025, None),
            (&[&new], &long, 2015, None),
            (&[&old, &new], &long, 2025, Some(2040)),
            (&[&old, &new], &long, 2019, Some(2040)),
            (&[&other], &long, 2015, None),
        ] {
            let until = authorities(roots).count_until(chain, year(now));
            assert_eq!(until, expected.map(year), "{expected:?} in {now}");
        }
        assert_eq!(authorities(&[&old]).count_until(&[], year(2015)), None);
    }
}
