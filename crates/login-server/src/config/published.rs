//! The client that a server publishes: the configured one, or that of the embedded issuer.
//! Never a confidential client: the document is public, so it cannot hold a secret.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::{
    causes,
    client_configuration::ClientConfiguration,
    names::{ClientId, IssuerUrl},
};
use login_issuer::PUBLIC_CLIENT_ID;
use login_review::config::Problem;

use super::{
    authenticators::authorities,
    document::{Document, NamedFile},
};
use crate::system::tracked_files::TrackedFiles;

/// A chain of a few certificates. Its base64 becomes one argument of a program, which Linux limits
/// to 128 KiB.
const MAX_CERTIFICATES: u64 = 64 * 1024;

/// The document to publish according to the configuration in `file`, if any.
pub(super) fn client(
    document: &Document,
    file: &Path,
    files: &TrackedFiles,
) -> Result<Option<ClientConfiguration>, Problem> {
    let Some(section) = &document.published_client else {
        return Ok(document
            .issuer
            .as_ref()
            .and_then(|section| of_embedded(&section.settings.issuer)));
    };
    let problem = |line: u64, key: &str, message: String| Problem {
        file: file.display().to_string(),
        line: Some(line),
        key: key.to_owned(),
        message,
    };
    let embedded = document.issuer.as_ref().map(|section| &section.settings.issuer);
    let issuer = section.issuer.as_ref().or(embedded).ok_or_else(|| {
        problem(
            section.line,
            "publishedClient.issuerURL",
            "is required without an embedded issuer".to_owned(),
        )
    })?;
    let client_id = match &section.client_id {
        Some(client_id) => Some(client_id.clone()),
        None if Some(issuer) == embedded => ClientId::parse(PUBLIC_CLIENT_ID).ok(),
        None => None,
    };
    let client_id = client_id.ok_or_else(|| {
        problem(
            section.line,
            "publishedClient.clientID",
            "is required for another issuer".to_owned(),
        )
    })?;
    let certificate_authority_data = match &section.certificate_authority {
        None => None,
        Some(NamedFile { path, key, line }) => {
            let fault = |message| problem(*line, key, message);
            Some(authority(path, files).map_err(fault)?)
        }
    };
    Ok(Some(ClientConfiguration {
        issuer: issuer.clone(),
        client_id,
        scopes: section.scopes.clone(),
        certificate_authority_data,
    }))
}

/// What is published for the embedded issuer at `issuer` without configuration.
pub fn of_embedded(issuer: &IssuerUrl) -> Option<ClientConfiguration> {
    Some(ClientConfiguration {
        issuer: issuer.clone(),
        client_id: ClientId::parse(PUBLIC_CLIENT_ID).ok()?,
        scopes: Vec::new(),
        certificate_authority_data: None,
    })
}

/// Returns the certificates of a PEM file, as base64 of PEM. A file that also holds a private key
/// is refused, since the key would be published.
pub fn authority(path: &Path, files: &TrackedFiles) -> Result<String, String> {
    let text = files.read_text(path, MAX_CERTIFICATES).map_err(|fault| causes::one_line(&fault))?;
    if text.contains("PRIVATE KEY") {
        return Err(format!("`{}` holds a private key", path.display()));
    }
    authorities(path, &text)?;
    Ok(STANDARD.encode(text))
}
