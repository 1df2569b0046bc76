//! The facts about a sign-in that revocations outside the store match on.
//! Never contains a token, only the sign-in that tokens come from.

use login_common::UnixTime;

/// A sign-in that may still yield tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantFacts<'g> {
    /// `sid` of its tokens.
    pub session_id: &'g str,
    /// `sub` of its tokens.
    pub subject: &'g str,
    /// When the user signed in.
    pub began_at: UnixTime,
}

/// Whether a sign-in is revoked. Called under the store's lock, so it must only read memory.
pub type IsRevoked<'r> = dyn Fn(&GrantFacts<'_>) -> bool + 'r;

impl GrantFacts<'_> {
    /// The prefix of `jti` in this session's tokens, and in no others: no session id contains a
    /// dot. So the `jti` of a token identifies its session.
    pub fn token_id_prefix(&self) -> String {
        token_id_prefix(self.session_id)
    }
}

pub(crate) fn token_id_prefix(session_id: &str) -> String {
    format!("{session_id}.")
}
