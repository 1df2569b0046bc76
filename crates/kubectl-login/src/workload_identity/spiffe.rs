//! SPIFFE: a JWT-SVID that an agent (spiffe-helper or similar) renews in a file.
//! Never speaks the Workload API: the agent owns its socket and chooses the audiences.

use super::{IdentityError, IdentityToken, token::Fault};

/// JWT-SVID §3.1: `sub` is the SPIFFE ID.
pub(super) fn checked(token: IdentityToken) -> Result<IdentityToken, IdentityError> {
    if token.subject().is_some_and(|subject| subject.starts_with("spiffe://")) {
        Ok(token)
    } else {
        Err(IdentityError::Unusable { place: token.place, source: Fault::NoSpiffeId })
    }
}
