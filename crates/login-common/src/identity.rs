//! Who a token belongs to, in Kubernetes' terms.
//! Never judges: the rules for names live in `login-review`.

use std::collections::BTreeMap;

/// The user of a TokenReview (Kubernetes `authentication/v1.UserInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name that RBAC and the audit log see.
    pub username: String,
    /// Stays the same when the name changes; never given to somebody else.
    pub uid: String,
    /// Groups that RBAC sees, without duplicates.
    pub groups: Vec<String>,
    /// Further facts; keys are lower case and prefixed by a domain.
    pub extra: BTreeMap<String, Vec<String>>,
}
