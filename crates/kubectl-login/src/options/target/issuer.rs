//! Checks the options of the connection to the issuer, and of how the client authenticates to it.
//! Never reads a key or a secret: only stores where they are.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_cache::digest::digest_of;
use login_common::Secret;

use super::values::{both, command, expanded, pairs, path, text, wrong};
use crate::{
    options::{fault::OptionError, layers::Settings, program::ProgramLine, table::Name},
    system::environment::Environment,
};

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// In the options.
    Literal(Secret),
    /// In a file.
    File(PathBuf),
    /// The output of this program.
    Command(ProgramLine),
}

/// An authority that may sign the issuer's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateAuthority {
    /// A PEM file.
    File(PathBuf),
    /// PEM text.
    Pem(Vec<u8>),
}

/// The key that signs the client's assertions (OpenID Connect Core §9 `private_key_jwt`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionKey {
    /// PEM or JWK.
    pub file: PathBuf,
    /// The `kid` under which the issuer knows it.
    pub key_id: Option<String>,
}

/// The client's TLS certificate and key (RFC 8705).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// A PEM chain, leaf first.
    pub certificate: PathBuf,
    /// Its PEM key.
    pub key: PathBuf,
}

/// How requests to the issuer are made.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// In addition to the system's.
    pub certificate_authorities: Vec<CertificateAuthority>,
    /// Accept any certificate.
    pub insecure_skip_tls_verify: bool,
    /// Further headers, sorted by name.
    pub request_headers: Vec<(String, Secret)>,
    /// The client's TLS certificate.
    pub client_certificate: Option<ClientCertificate>,
}

impl Connection {
    pub(super) fn check(
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self, OptionError> {
        let mut certificate_authorities: Vec<CertificateAuthority> = settings
            .each(Name::CertificateAuthority)
            .into_iter()
            .map(|file| CertificateAuthority::File(expanded(file, environment)))
            .collect();
        for data in settings.each(Name::CertificateAuthorityData) {
            // Base64 is often wrapped.
            let packed: String = data.split_whitespace().collect();
            let pem = STANDARD.decode(packed).map_err(|_| {
                wrong(settings, Name::CertificateAuthorityData, "it is not base64 of a PEM text")
            })?;
            certificate_authorities.push(CertificateAuthority::Pem(pem));
        }
        let client_certificate =
            both(settings, (Name::ClientCertificate, Name::ClientKey), environment)?
                .map(|(certificate, key)| ClientCertificate { certificate, key });
        Ok(Self {
            certificate_authorities,
            insecure_skip_tls_verify: settings.switch(Name::InsecureSkipTlsVerify)?,
            request_headers: request_headers(settings)?,
            client_certificate,
        })
    }

    /// Which authorities identify the issuer, sorted; empty for the system's. Files are named by
    /// path, as their owner may replace them.
    pub fn trust(&self) -> Vec<String> {
        if self.insecure_skip_tls_verify {
            return vec!["anybody".to_owned()];
        }
        let mut trust: Vec<String> = self
            .certificate_authorities
            .iter()
            .map(|authority| match authority {
                CertificateAuthority::File(path) => {
                    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                    ["file ", &path.to_string_lossy()].concat()
                }
                CertificateAuthority::Pem(pem) => format!("pem {}", digest_of(pem)),
            })
            .collect();
        trust.sort_unstable();
        trust.dedup();
        trust
    }
}

fn request_headers(settings: &Settings) -> Result<Vec<(String, Secret)>, OptionError> {
    let mut headers = Vec::new();
    for (name, value) in pairs(settings, Name::RequestHeader)? {
        let fits = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
            && http::HeaderValue::from_str(&value).is_ok();
        if !fits {
            return Err(wrong(settings, Name::RequestHeader, "a part of it is no HTTP header"));
        }
        headers.push((name, Secret::new(value)));
    }
    Ok(headers)
}

pub(super) fn client_secret(
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<Option<SecretSource>, OptionError> {
    let literal = text(settings, Name::ClientSecret).map(|text| SecretSource::Literal(text.into()));
    let file = path(settings, Name::ClientSecretFile, environment).map(SecretSource::File);
    let command = command(settings, Name::ClientSecretCommand, environment)?;
    let command = command.map(SecretSource::Command);
    let mut given = [literal, file, command].into_iter().flatten();
    let first = given.next();
    if given.next().is_some() {
        return Err(wrong(
            settings,
            Name::ClientSecretFile,
            "the client's secret is given in more than one way",
        ));
    }
    Ok(first)
}

pub(super) fn assertion_key(
    settings: &Settings,
    environment: &dyn Environment,
) -> Option<AssertionKey> {
    path(settings, Name::ClientAssertionKey, environment)
        .map(|file| AssertionKey { file, key_id: text(settings, Name::ClientAssertionKeyId) })
}
