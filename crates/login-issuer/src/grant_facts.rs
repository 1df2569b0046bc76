//! What an operator may have revoked of a sign-in, outside of the store.
//! Never a token: it is about what tokens come from.

use login_common::UnixTime;

/// A sign-in from which tokens may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantFacts<'g> {
    /// `sid` of its tokens.
    pub session_id: &'g str,
    /// `sub` of its tokens.
    pub subject: &'g str,
    /// When the person signed in.
    pub began_at: UnixTime,
}

/// Says whether nothing may come from a sign-in any more. It is asked under the store's lock, so it
/// looks at what is in memory.
pub type IsRevoked<'r> = dyn Fn(&GrantFacts<'_>) -> bool + 'r;

impl GrantFacts<'_> {
    /// What `jti` of its tokens begins with, and that of no others: no session has a dot in its
    /// name. So a token that is named by its `jti` alone names its session.
    pub fn token_id_prefix(&self) -> String {
        token_id_prefix(self.session_id)
    }
}

pub(crate) fn token_id_prefix(session_id: &str) -> String {
    format!("{session_id}.")
}
