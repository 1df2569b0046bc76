//! Which certificates are trusted, compared with Go's `crypto/x509` and curl for the same ones.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};

use super::*;
use crate::outgoing::fault::of_tls;

/// 2026-02-01.
const NOW: u64 = 1_769_904_000;

/// An authority for tests that need one.
pub(crate) fn authority_pem() -> String {
    Party::new(AUTHORITY).pem()
}

/// A certificate and its key.
struct Party {
    params: CertificateParams,
    key: KeyPair,
    certificate: rcgen::Certificate,
}

const AUTHORITY: fn(&mut CertificateParams) = |params| {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
};
const SERVER: fn(&mut CertificateParams) = |_| {};

fn params(change: impl Fn(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["id.example".to_owned()]).unwrap();
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::from([127, 0, 0, 1])));
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    change(&mut params);
    params
}

impl Party {
    fn new(change: impl Fn(&mut CertificateParams)) -> Self {
        let (params, key) = (params(change), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        Self { params, key, certificate }
    }

    fn by(authority: &Self, change: impl Fn(&mut CertificateParams)) -> Self {
        let (params, key) = (params(change), KeyPair::generate().unwrap());
        let issuer = Issuer::from_params(&authority.params, &authority.key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Self { params, key, certificate }
    }

    fn pem(&self) -> String {
        self.certificate.pem()
    }
}

fn named(name: &str) -> impl Fn(&mut CertificateParams) {
    move |params| {
        AUTHORITY(params);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
    }
}

/// The verifier's result for `shown` under `authorities`, in words.
fn verdict(shown: &Party, above: &[&Party], authorities: &str, name: &str) -> String {
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let verifier = Verifier::new(authorities, algorithms).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let above: Vec<_> = above.iter().map(|party| party.certificate.der().clone()).collect();
    let said = verifier.verify_server_cert(shown.certificate.der(), &above, &name, &[], now);
    said.map_or_else(|fault| of_tls(&fault), |_| "good".to_owned())
}

#[test]
fn a_certificate_counts_if_an_authority_vouches_for_it_or_if_it_is_one_itself() {
    let (root, other) = (Party::new(named("root")), Party::new(named("other")));
    let middle = Party::by(&root, named("middle"));
    let by_root = Party::by(&root, SERVER);
    let by_middle = Party::by(&middle, SERVER);
    let (own, own_authority) = (Party::new(SERVER), Party::new(AUTHORITY));
    let authority_by_root = Party::by(&root, named("leaf"));
    let no_authority = "no certificate authority that is trusted for it signed its certificate";
    let both = format!("{}{}", other.pem(), root.pem());
    for (what, shown, above, authorities, expected) in [
        ("by a root", &by_root, &[][..], root.pem(), "good"),
        ("by one root of two", &by_root, &[], both, "good"),
        ("by an intermediate", &by_middle, &[&middle], root.pem(), "good"),
        ("by an intermediate that is trusted itself", &by_middle, &[], middle.pem(), "good"),
        ("by an intermediate that is missing", &by_middle, &[], root.pem(), no_authority),
        ("by another", &by_root, &[], other.pem(), no_authority),
        ("self-signed", &own, &[], own.pem(), "good"),
        ("self-signed, of an authority", &own_authority, &[], own_authority.pem(), "good"),
        ("a leaf that is trusted itself", &by_root, &[], by_root.pem(), "good"),
        ("an authority's leaf, trusted", &authority_by_root, &[], authority_by_root.pem(), "good"),
        ("self-signed, not trusted", &own_authority, &[], root.pem(), "its certificate is that of"),
        ("another of the same name", &Party::new(AUTHORITY), &[], own_authority.pem(), "its cert"),
    ] {
        for name in ["id.example", "127.0.0.1"] {
            let said = verdict(shown, above, &authorities, name);
            assert!(said.starts_with(expected), "{what}: {said}");
        }
    }
}

#[test]
fn host_time_and_purpose_are_checked_of_what_is_trusted_itself_too() {
    let root = Party::new(named("root"));
    let late = |params: &mut CertificateParams| params.not_after = date_time_ymd(2026, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2026, 3, 1);
    let client = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let any = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    };
    let nameless = |params: &mut CertificateParams| params.subject_alt_names.clear();
    let pairs = |change: &dyn Fn(&mut CertificateParams)| {
        let as_authority = |params: &mut CertificateParams| {
            AUTHORITY(params);
            change(params);
        };
        let (plain, authority) = (Party::new(change), Party::new(as_authority));
        let pems = [plain.pem(), authority.pem()];
        [(plain, pems[0].clone()), (authority, pems[1].clone())]
    };
    for (change, name, expected) in [
        (&SERVER as &dyn Fn(&mut CertificateParams), "id.example", "good"),
        (&any, "id.example", "good"),
        (
            &SERVER,
            "other.example",
            "its certificate is for `id.example`, `127.0.0.1`, not for `other.example`",
        ),
        (&nameless, "id.example", "its certificate has no alternative name, so not `id.example`"),
        (
            &late,
            "id.example",
            "its certificate expired at 2026-01-01T00:00:00Z, and the clock here says \
             2026-02-01T00:00:00Z",
        ),
        (&early, "id.example", "its certificate counts from 2026-03-01T00:00:00Z on"),
        (&client, "id.example", "its certificate is not for servers"),
    ] {
        for (shown, authorities) in pairs(change) {
            let said = verdict(&shown, &[], &authorities, name);
            assert!(said.starts_with(expected), "{said}");
        }
    }
    for (change, expected) in [
        (&late as &dyn Fn(&mut CertificateParams), "its certificate expired"),
        (&client, "its certificate is not for servers"),
        (&SERVER, "good"),
    ] {
        let said = verdict(&Party::by(&root, change), &[], &root.pem(), "id.example");
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn an_authority_that_has_expired_vouches_for_nothing() {
    let late = |params: &mut CertificateParams| {
        named("root")(params);
        params.not_after = date_time_ymd(2026, 1, 1);
    };
    let (expired, good) = (Party::new(late), Party::new(named("other")));
    let expected = "the certificate authority that signed its certificate has expired";
    let both = format!("{}{}", expired.pem(), good.pem());
    for authorities in [expired.pem(), both.clone()] {
        let said = verdict(&Party::by(&expired, SERVER), &[], &authorities, "id.example");
        assert!(said.starts_with(expected), "{said}");
    }
    assert_eq!(verdict(&Party::by(&good, SERVER), &[], &both, "id.example"), "good");
}

#[test]
fn what_is_no_list_of_certificates_is_refused() {
    let good = authority_pem();
    let garbage = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    for (pem, expected) in [
        (String::new(), "there is no certificate among them"),
        ("words".to_owned(), "there is no certificate among them"),
        (format!("{good}{garbage}"), "number 2 of them is not an X.509 certificate"),
        (garbage.replace("MAMC", "%"), "they are not certificates in PEM form"),
    ] {
        assert_eq!(only(&pem, &[]).unwrap_err().to_string(), expected);
    }
    assert!(only(&good, &[b"h2"]).is_ok());
}
