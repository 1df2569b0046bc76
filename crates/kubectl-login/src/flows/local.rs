//! Reads what options name on this host: files, command output, secrets.
//! Never shows their content.

use std::{io, path::Path};

use login_common::Secret;
use zeroize::Zeroizing;

use super::{FlowError, LocalError};
use crate::{
    options::target::{CertificateAuthority, Connection, SecretSource},
    system::{command, file, http::HttpOptions},
};

/// Longest file that an option may name.
const MAX_FILE: u64 = 1024 * 1024;

/// The secret, read from its source.
pub async fn secret(source: &SecretSource) -> Result<Secret, LocalError> {
    match source {
        SecretSource::Literal(secret) => Ok(secret.clone()),
        SecretSource::File(path) => read_secret(path),
        SecretSource::Command(line) => Ok(command::output(line).await?),
    }
}

/// The HTTP client's options.
pub fn http_options(connection: &Connection) -> Result<HttpOptions, FlowError> {
    let mut authorities = Vec::new();
    for authority in &connection.certificate_authorities {
        authorities.push(match authority {
            CertificateAuthority::Pem(pem) => pem.clone(),
            CertificateAuthority::File(path) => {
                read(path).map_err(FlowError::CertificateAuthority)?
            }
        });
    }
    let client_certificate = match &connection.client_certificate {
        None => None,
        Some(files) => {
            let mut pem = read(&files.certificate).map_err(FlowError::ClientCertificate)?;
            pem.push(b'\n');
            let key = Zeroizing::new(read(&files.key).map_err(FlowError::ClientCertificate)?);
            pem.extend_from_slice(&key);
            Some(Zeroizing::new(pem))
        }
    };
    Ok(HttpOptions {
        authorities,
        insecure_skip_tls_verify: connection.insecure_skip_tls_verify,
        headers: connection.request_headers.clone(),
        client_certificate,
    })
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, LocalError> {
    let mut content = file::read(path, MAX_FILE).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => LocalError::Content(path.to_owned()),
        _ => LocalError::File { path: path.to_owned(), source },
    })?;
    Ok(std::mem::take(&mut *content))
}

fn read_secret(path: &Path) -> Result<Secret, LocalError> {
    let text = String::from_utf8(read(path)?)
        .map(Zeroizing::new)
        .map_err(|_| LocalError::Content(path.to_owned()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(LocalError::Content(path.to_owned()));
    }
    Ok(Secret::new(secret))
}
