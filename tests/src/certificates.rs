//! A certificate authority of the rig, and what it signs.
//! Never shared between worlds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use serde_json::{Value, json};

use crate::scratch::{Scratch, read};

/// A certificate authority with its certificate in a file.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: PathBuf,
}

/// A certificate and its private key, in PEM files.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority whose certificate is `NAME.crt` in the scratch folder.
    pub fn new(scratch: &Scratch, name: &str) -> Result<Self> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().context("could not make a key")?;
        let certificate = parameters.self_signed(&key)?;
        let certificate = scratch.file(&format!("{name}.crt"), certificate.pem())?;
        Ok(Self { issuer: Issuer::new(parameters, key), certificate })
    }

    /// The file with the authority's certificate.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The authority's certificate in PEM.
    pub fn pem(&self) -> Result<String> {
        read(&self.certificate)
    }

    /// A server certificate for this machine: `127.0.0.1`, `::1` and `localhost`.
    pub fn server(&self, scratch: &Scratch, name: &str) -> Result<Pair> {
        let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(scratch, name, parameters)
    }

    /// A client certificate: Kubernetes reads the common name as user and the organization as group.
    pub fn client(&self, scratch: &Scratch, user: &str, group: &str) -> Result<Pair> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.distinguished_name.push(DnType::CommonName, user);
        parameters.distinguished_name.push(DnType::OrganizationName, group);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(scratch, user, parameters)
    }

    fn sign(&self, scratch: &Scratch, name: &str, mut of: CertificateParams) -> Result<Pair> {
        of.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        of.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().context("could not make a key")?;
        let certificate = of.signed_by(&key, &self.issuer)?;
        Ok(Pair {
            certificate: scratch.file(&format!("{name}.crt"), certificate.pem())?,
            key: scratch.file(&format!("{name}.key"), key.serialize_pem())?,
        })
    }
}

/// A key that signs assertions (ES256): the private key's file, and the public one as a JWK.
pub fn assertion_key(scratch: &Scratch, name: &str) -> Result<(PathBuf, Value)> {
    let key = KeyPair::generate().context("could not make a key")?;
    // SEC 1 §2.3.3: 4, then both coordinates.
    let point = key.public_key_raw();
    let coordinates = point.strip_prefix(&[4]).context("a compressed point")?;
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": name,
        "x": BASE64_URL_SAFE_NO_PAD.encode(x),
        "y": BASE64_URL_SAFE_NO_PAD.encode(y),
    });
    Ok((scratch.file(&format!("{name}.key"), key.serialize_pem())?, jwk))
}

/// A key pair for signing service account tokens: the private key and the public one.
pub fn signing_keys(scratch: &Scratch) -> Result<Pair> {
    let key = KeyPair::generate().context("could not make a key")?;
    Ok(Pair {
        certificate: scratch.file("service-accounts.pub", key.public_key_pem())?,
        key: scratch.file("service-accounts.key", key.serialize_pem())?,
    })
}
