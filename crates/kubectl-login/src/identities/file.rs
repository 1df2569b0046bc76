//! Any file that holds an identity token, and nothing else.
//! Never keeps what it read: whoever writes the file replaces it before the token expires.

use std::path::Path;

use super::{IdentityError, IdentityToken, Place, token::Fault};
use crate::{
    flows::issued::Moments,
    options::target::{IdentityOptions, SourceKind},
    system::{System, file},
};

/// Longest file that is read; white space around a token is allowed for.
const MAX_FILE: u64 = 64 * 1024;

pub(super) fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, IdentityError> {
    read(system, SourceKind::File, options.file.as_deref().unwrap_or(Path::new("")))
}

/// The token in the file at `path`.
pub(super) fn read(
    system: &System<'_>,
    kind: SourceKind,
    path: &Path,
) -> Result<IdentityToken, IdentityError> {
    let content = file::read(path, MAX_FILE).map_err(|source| IdentityError::File {
        kind,
        path: path.to_owned(),
        source,
    })?;
    let place = Place::File(path.to_owned());
    let moments = Moments { requested_at: system.clock.now(), issuer_date: None };
    match std::str::from_utf8(&content) {
        Ok(text) => IdentityToken::read(text, place, moments),
        Err(_) => Err(IdentityError::Unusable { place, source: Fault::NoText }),
    }
}
