//! The user that a token belongs to, in Kubernetes' terms.
//! Never validates names: those rules are in `login-review`.

use std::collections::BTreeMap;

/// The user of a TokenReview (Kubernetes `authentication/v1.UserInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name that RBAC and the audit log see.
    pub username: String,
    /// Stable when the name changes; never reused for another user.
    pub uid: String,
    /// Groups that RBAC sees, without duplicates.
    pub groups: Vec<String>,
    /// Additional attributes; keys are lower case and prefixed by a domain.
    pub extra: BTreeMap<String, Vec<String>>,
}
