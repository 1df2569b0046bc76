//! SPIFFE: a JWT-SVID that an agent (spiffe-helper and its like) keeps fresh in a file.
//! Never speaks the Workload API: its socket and its audiences belong to the agent.

use super::{IdentityError, IdentityToken, token::Fault};

/// JWT-SVID §3.1: `sub` is the SPIFFE ID.
pub(super) fn checked(token: IdentityToken) -> Result<IdentityToken, IdentityError> {
    if token.subject().is_some_and(|subject| subject.starts_with("spiffe://")) {
        Ok(token)
    } else {
        Err(IdentityError::Unusable { place: token.place, source: Fault::NoSpiffeId })
    }
}
