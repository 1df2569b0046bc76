//! What a reload replaces as a whole: one configuration, and the parties that it names.
//! Never changes after it came into force.

use std::sync::Arc;

use bytes::Bytes;
use login_review::Policy;

use crate::evidence::{DistributedGroups, Introspectors, KeySets};

/// One configuration, as it came from its files. A reload replaces it as a whole.
pub struct InForce {
    /// Counts the configurations of this process; an answer that rests on another one is out of
    /// date, and an `IssuerIndex` of another one points nowhere.
    pub generation: u64,
    /// What is allowed.
    pub policy: Policy,
    /// Every issuer's keys, in the order of the policy.
    pub keys: Arc<KeySets>,
    /// Where groups are fetched that a token keeps elsewhere.
    pub groups: Arc<DistributedGroups>,
    /// Who is asked about opaque tokens, in the order of the policy.
    pub introspectors: Arc<Introspectors>,
    /// The published client, rendered, if there is one.
    pub published_client: Option<Bytes>,
}
