//! What a reload replaces as a whole: one configuration, and the state of the issuers and endpoints
//! that it names.
//! Never changes after it came into force.

use std::sync::Arc;

use bytes::Bytes;
use login_review::Policy;

use crate::evidence::{DistributedGroups, KeySets, RemoteAuthenticators};

/// One configuration, as read from its files.
pub struct InForce {
    /// Counts the configurations of this process; an answer based on another generation is out of
    /// date, and an `IssuerIndex` of another one is invalid.
    pub generation: u64,
    /// The policy: issuers, guard, revocations.
    pub policy: Policy,
    /// Every issuer's keys, in the order of the policy.
    pub keys: Arc<KeySets>,
    /// Fetches distributed groups, which a token only references.
    pub groups: Arc<DistributedGroups>,
    /// The parties that the remote authenticators ask, in the order of the policy.
    pub remotes: Arc<RemoteAuthenticators>,
    /// The published client, rendered, if there is one.
    pub published_client: Option<Bytes>,
}
