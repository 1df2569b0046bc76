//! Creates a certificate authority for one host, and the server's certificate signed by it.
//! Never issues for any name but this host's.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use zeroize::Zeroizing;

use crate::{
    report::Failure,
    system::files::{self, FileError, Readers},
};

const MAX_FILE: u64 = 64 * 1024;

/// The files for the server's TLS.
pub(super) struct Certificates {
    pub(super) authority: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Uses the authority in `folder`, or creates one. The server's certificate is created at each
/// start, so that it fits the address and does not expire.
pub(super) fn prepare(folder: &Path, address: IpAddr) -> Result<Certificates, Failure> {
    let place = |name: &str| folder.join(name);
    let (authority_file, authority_key_file) = (place("ca.crt"), place("ca.key"));
    let params = authority_params();
    let authority_key = match files::read_text(&authority_key_file, MAX_FILE) {
        Ok(pem) if authority_file.exists() => {
            KeyPair::from_pem(&Zeroizing::new(pem)).map_err(|fault| {
                failed(&fault).hint(format!(
                    "remove `{}` to get a new authority",
                    authority_key_file.display()
                ))
            })?
        }
        Ok(_) | Err(_) => {
            let key = KeyPair::generate().map_err(|fault| failed(&fault))?;
            let certificate = params.self_signed(&key).map_err(|fault| failed(&fault))?;
            let pem = Zeroizing::new(key.serialize_pem());
            files::write(&authority_key_file, pem.as_bytes(), Readers::OwnerOnly)
                .and_then(|()| {
                    files::write(&authority_file, certificate.pem().as_bytes(), Readers::Everyone)
                })
                .map_err(|fault: FileError| failed(&fault))?;
            key
        }
    };
    let authority = Issuer::new(params, authority_key);
    let key = KeyPair::generate().map_err(|fault| failed(&fault))?;
    let certificate =
        server_params(address).signed_by(&key, &authority).map_err(|fault| failed(&fault))?;
    let certificates = Certificates {
        authority: authority_file,
        certificate: place("server.crt"),
        key: place("server.key"),
    };
    let pem = Zeroizing::new(key.serialize_pem());
    files::write(&certificates.key, pem.as_bytes(), Readers::OwnerOnly)
        .and_then(|()| {
            files::write(&certificates.certificate, certificate.pem().as_bytes(), Readers::Everyone)
        })
        .map_err(|fault: FileError| failed(&fault))?;
    Ok(certificates)
}

/// The same at every start: a certificate identifies its issuer by this name and the key.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("login-server dev authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn server_params(address: IpAddr) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("login-server dev");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    if !addresses.contains(&address) {
        addresses.push(address);
    }
    params.subject_alt_names = addresses.into_iter().map(SanType::IpAddress).collect();
    if let Ok(localhost) = "localhost".try_into() {
        params.subject_alt_names.push(SanType::DnsName(localhost));
    }
    params
}

fn name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn failed(fault: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::runtime("could not prepare the certificates").because(fault)
}
