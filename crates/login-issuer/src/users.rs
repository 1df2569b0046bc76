//! People who may sign in: names, passwords, groups.
//! Never keeps a password, never tells an unknown name from a wrong password by answer or by time.

use login_common::{Secret, UnixTime};

/// A person as the operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `sub` of their tokens: stays when the name is given to somebody else.
    pub id: String,
    /// What they type; `preferred_username` of their tokens.
    pub name: String,
    /// `groups` of their tokens.
    pub groups: Vec<String>,
    /// When the operator added them.
    pub created_at: UnixTime,
}

/// A person to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// 1 to 128 ASCII letters, digits and `._@+-`; unique without regard to case.
    pub name: String,
    /// At least as long as the policy asks, at most 1024 bytes.
    pub password: Secret,
    /// 1 to 256 characters each, without control characters.
    pub groups: Vec<String>,
}
