//! A file that holds an identity token and nothing else.
//! Never caches the token: its writer replaces the file before the token expires.

use std::path::Path;

use super::{
    IdentityError, Place, Taken,
    source::{Read, Source, no_hint},
    token::Fault,
};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::file,
};

/// Longest file that is read; leaves room for white space around a token.
const MAX_FILE: u64 = 256 * 1024;

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::File,
    offer: None,
    read: Read::Token { take: |_, options| take(SourceKind::File, options), check: Ok },
    hint: no_hint,
};

pub(super) fn take(
    kind: SourceKind,
    options: &IdentityOptions,
) -> Result<Option<Taken>, IdentityError> {
    read(kind, options.file.as_deref().unwrap_or(Path::new(""))).map(Some)
}

/// The token in the file at `path`.
pub(super) fn read(kind: SourceKind, path: &Path) -> Result<Taken, IdentityError> {
    let content = file::read(path, MAX_FILE).map_err(|source| IdentityError::File {
        kind,
        path: path.to_owned(),
        source,
    })?;
    let place = Place::File(path.to_owned());
    match std::str::from_utf8(&content) {
        Ok(text) => Ok(Taken::token(kind, text, place)),
        Err(_) => Err(IdentityError::Unusable { place, source: Fault::NoText }),
    }
}
