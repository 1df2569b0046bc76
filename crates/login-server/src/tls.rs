//! The server's side of TLS: certificate, key, and the client CA.
//! Never negotiates TLS 1.1 or older, and never uses another crypto library than aws-lc-rs.

pub mod certificate;
mod client_authorities;
mod serving;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use login_common::UnixTime;
use login_common::pem;
use rustls::{ServerConfig, server::NoServerSessionStorage};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use thiserror::Error;

use self::certificate::Validity;
pub use self::{
    client_authorities::ClientAuthorities,
    serving::{ServingTls, ShownCertificate},
};
use crate::system::{files::FileError, tracked_files::TrackedFiles};

/// Maximum size of a file with a certificate, a key or CA bundle, in bytes.
const MAX_PEM_FILE: u64 = 1024 * 1024;

/// The client certificate that `/authenticate` requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// Nothing: no client CA is configured.
    NotAsked,
    /// Every client of this listener needs one; the handshake fails without.
    Required,
    /// Browsers and `kubectl-login` reach the embedded issuer without one; `/authenticate`
    /// answers 401 without.
    RequiredForReviews,
}

/// Why TLS cannot be served.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file is missing or unreadable.
    #[error(transparent)]
    File(#[from] FileError),
    /// The PEM text is broken or holds something else.
    #[error("`{path}` has no usable {what} in PEM form")]
    Pem {
        /// The file.
        path: String,
        /// Such as `private key`.
        what: &'static str,
        /// The parser's error.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Something in the PEM text looks like a certificate but cannot be parsed.
    #[error("`{path}` has certificates that cannot be read")]
    Certificates {
        /// The file.
        path: String,
        /// The position, and the reason.
        #[source]
        source: pem::PemFault,
    },
    /// No `CERTIFICATE` block at all.
    #[error("`{path}` holds no certificate")]
    NoCertificate {
        /// The file.
        path: String,
    },
    /// Key and certificate do not belong together, or the key is of an unsupported kind.
    #[error("certificate `{certificate}` and key `{key}` do not work together")]
    Mismatch {
        /// The certificate file.
        certificate: String,
        /// The key file.
        key: String,
        /// The error of rustls.
        #[source]
        source: rustls::Error,
    },
    /// The client CA cannot verify any client.
    #[error("client CA file `{path}` is not usable: {reason}")]
    ClientAuthority {
        /// The file.
        path: String,
        /// The error of rustls.
        reason: String,
    },
}

/// The paths of all files for TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The client CA, and which clients need a certificate.
    pub client_authority: Option<(PathBuf, ClientCertificate)>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateUse {
    /// Shown to clients.
    Serving,
    /// Verifies the certificates of clients.
    ClientAuthority,
}

impl CertificateUse {
    /// A stable name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving certificate",
            Self::ClientAuthority => "client CA",
        }
    }
}

/// The TLS settings, read and checked.
pub struct Prepared {
    /// The configuration of handshakes.
    pub config: Arc<ServerConfig>,
    /// The client CA, if one is configured.
    pub client_authorities: Option<Arc<ClientAuthorities>>,
    /// The time in which each use works: a chain for as long as all of its certificates are valid,
    /// several authorities for as long as one of them is.
    pub validity: Vec<(CertificateUse, Validity)>,
    /// The server's own certificate.
    pub shown: Option<CertificateDer<'static>>,
}

impl Prepared {
    /// Whether each use works at `now`: not expired, and valid already.
    pub fn is_usable(&self, now: UnixTime) -> bool {
        self.validity.iter().all(|(_, validity)| validity.from <= now && now <= validity.until)
    }
}

/// Reads the files and prepares TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1 by ALPN.
pub fn prepare(place: &TlsFiles, files: &TrackedFiles) -> Result<Prepared, TlsError> {
    let chain = certificates(&place.certificate, files)?;
    let key_pem = zeroize::Zeroizing::new(files.read(&place.key, MAX_PEM_FILE)?);
    files.mark_secret(&place.key);
    let key = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|source| TlsError::Pem {
        path: place.key.display().to_string(),
        what: "private key",
        source,
    })?;
    let mismatch = |source| TlsError::Mismatch {
        certificate: place.certificate.display().to_string(),
        key: place.key.display().to_string(),
        source,
    };
    let mut validity = Vec::new();
    let of_chain = chain.iter().filter_map(certificate::validity);
    validity.extend(
        of_chain
            .reduce(|a, b| Validity { from: a.from.max(b.from), until: a.until.min(b.until) })
            .map(|validity| (CertificateUse::Serving, validity)),
    );
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(mismatch)?;
    let client_authorities = match &place.client_authority {
        None | Some((_, ClientCertificate::NotAsked)) => None,
        Some((path, demand)) => {
            let unusable = |reason: String| TlsError::ClientAuthority {
                path: path.display().to_string(),
                reason,
            };
            let authorities = certificates(path, files)?;
            let of_authorities = authorities.iter().filter_map(certificate::validity);
            validity.extend(
                of_authorities
                    .reduce(|a, b| Validity {
                        from: a.from.min(b.from),
                        until: a.until.max(b.until),
                    })
                    .map(|validity| (CertificateUse::ClientAuthority, validity)),
            );
            let known = ClientAuthorities::new(authorities, *demand, &provider);
            Some(Arc::new(known.map_err(unusable)?))
        }
    };
    let builder = match &client_authorities {
        None => builder.with_no_client_auth(),
        Some(known) => builder.with_client_cert_verifier(Arc::clone(known) as _),
    };
    let shown = chain.first().cloned();
    let mut config = builder.with_single_cert(chain, key).map_err(mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if client_authorities.is_some() {
        // A resumed session would not check the certificate again, which may have expired since.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Prepared { config: Arc::new(config), client_authorities, validity, shown })
}

fn certificates(
    path: &Path,
    files: &TrackedFiles,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = files.read(path, MAX_PEM_FILE)?;
    let path = || path.display().to_string();
    let found = pem::certificates(&text)
        .map_err(|source| TlsError::Certificates { path: path(), source })?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate { path: path() });
    }
    Ok(found.into_iter().map(|(_, certificate)| certificate).collect())
}
