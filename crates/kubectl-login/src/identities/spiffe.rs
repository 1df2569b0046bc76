//! SPIFFE: a JWT-SVID that an agent (spiffe-helper and its like) keeps fresh in a file.
//! Never speaks the Workload API: its socket and its audiences belong to the agent.

use std::path::Path;

use super::{IdentityError, IdentityToken, file, token::Fault};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::System,
};

pub(super) fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, IdentityError> {
    let path = options.file.as_deref().unwrap_or(Path::new(""));
    let token = file::read(system, SourceKind::Spiffe, path)?;
    // JWT-SVID §3.1: `sub` is the SPIFFE ID.
    if token.subject().is_some_and(|subject| subject.starts_with("spiffe://")) {
        Ok(token)
    } else {
        Err(IdentityError::Unusable { place: token.place, source: Fault::NoSpiffeId })
    }
}
