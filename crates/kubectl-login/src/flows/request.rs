//! The secrets of one sign-in with an authorization code.
//! Never used for a second one.

use login_protocols::oauth2::{
    authorization::{Nonce, State},
    pkce::Verifier,
};

use super::FlowError;
use crate::system::random;

/// The secrets of one sign-in. Made here, so that no flow can do without them.
pub struct Request {
    /// Ties the callback to us.
    pub state: State,
    /// Ties the ID token to us.
    pub nonce: Nonce,
    /// Ties the exchange to us.
    pub verifier: Verifier,
}

impl Request {
    pub(super) fn new() -> Result<Self, FlowError> {
        Ok(Self {
            state: State::from_random(random::bytes()?),
            nonce: Nonce::from_random(random::bytes()?),
            verifier: Verifier::from_random(random::bytes()?),
        })
    }
}
