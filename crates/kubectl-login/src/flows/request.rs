//! The secrets of one sign-in with an authorization code.
//! Never used for a second sign-in.

use login_protocols::oauth2::{
    authorization::{Nonce, State},
    pkce::Verifier,
};

use super::FlowError;
use crate::system::random;

/// The secrets of one sign-in. Created here, so that no flow can omit one.
pub struct Request {
    /// Ties the callback to this sign-in.
    pub state: State,
    /// Ties the ID token to this sign-in.
    pub nonce: Nonce,
    /// Ties the exchange to this sign-in.
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
