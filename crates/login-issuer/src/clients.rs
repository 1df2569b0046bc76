//! Programs that may ask for tokens: the built-in public client, and machines with a secret.
//! Never keeps a client secret, only its digest.

use login_common::{UnixTime, names::ClientId};

/// The public client everybody's `kubectl-login` uses. It is built in and cannot be deleted.
pub const PUBLIC_CLIENT_ID: &str = "kubectl-login";

/// A machine client as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `sub` of its tokens; `preferred_username` is `client:` and this.
    pub id: ClientId,
    /// `groups` of its tokens.
    pub groups: Vec<String>,
    /// When the operator added it.
    pub created_at: UnixTime,
}

/// A machine client to be added.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Not [`PUBLIC_CLIENT_ID`], not one that exists.
    pub id: ClientId,
    /// 1 to 256 characters each, without control characters.
    pub groups: Vec<String>,
}
