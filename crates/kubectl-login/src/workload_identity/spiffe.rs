//! SPIFFE: a JWT-SVID that an agent (spiffe-helper or similar) renews in a file.
//! Never speaks the Workload API: the agent owns its socket and chooses the audiences.

use super::{
    IdentityError, IdentityToken, file,
    source::{Read, Source, no_hint},
    token::Fault,
};
use crate::options::target::SourceKind;

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::Spiffe,
    offer: None,
    read: Read::Token {
        take: |_, options| file::take(SourceKind::Spiffe, options),
        check: checked,
    },
    hint: no_hint,
};

/// JWT-SVID §3.1: `sub` is the SPIFFE ID.
fn checked(token: IdentityToken) -> Result<IdentityToken, IdentityError> {
    if token.subject().is_some_and(|subject| subject.starts_with("spiffe://")) {
        Ok(token)
    } else {
        Err(IdentityError::Unusable { place: token.place, source: Fault::NoSpiffeId })
    }
}
