//! What a reload replaces as a whole: one configuration, and the state of the issuers and endpoints
//! that it names.
//! Never changes after it came into force.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use login_review::{Policy, Revocations};

use crate::{
    config::Bundle,
    evidence::{DistributedGroups, KeySets, RemoteAuthenticators, key_sets::KeySources},
};

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
    /// The parties of the policy's remote authenticators, in its order.
    pub remotes: Arc<RemoteAuthenticators>,
    /// The published client, rendered, if there is one.
    pub published_client: Option<Bytes>,
}

impl InForce {
    /// Builds what `bundle` describes, at the start and at each reload. What does not change keeps
    /// the state that it has in `before`.
    pub fn new(bundle: Bundle, before: Option<&Self>, sources: &KeySources) -> Self {
        let Bundle { policy, remotes, published_client } = bundle;
        let (keys, groups, known) = before.map_or_else(Default::default, |before| {
            let (keys, groups) = (Arc::clone(&before.keys), Arc::clone(&before.groups));
            (keys, groups, Arc::clone(&before.remotes))
        });
        Self {
            generation: before.map_or(0, |before| before.generation + 1),
            keys: Arc::new(keys.succeed(&policy, sources)),
            groups: Arc::new(groups.succeed(&policy)),
            remotes: Arc::new(known.succeed(remotes)),
            policy,
            published_client: published_client.map(|client| Bytes::from(client.render())),
        }
    }

    /// The same at the start, but nothing of it ever sends a request.
    pub fn offline(policy: Policy, sources: &KeySources) -> Self {
        Self {
            generation: 0,
            keys: Arc::new(KeySets::stored_only(&policy, sources)),
            groups: Arc::default(),
            remotes: Arc::default(),
            policy,
            published_client: None,
        }
    }
}

/// The place of the configuration in force.
pub struct Configurations {
    current: ArcSwap<InForce>,
    sources: KeySources,
}

impl Configurations {
    /// Puts the first one in force; sends no request.
    pub fn new(bundle: Bundle, sources: KeySources) -> Self {
        let first = InForce::new(bundle, None, &sources);
        Self { current: ArcSwap::from_pointee(first), sources }
    }

    /// The configuration in force. A request reads it once and uses it to its end.
    pub fn current(&self) -> Arc<InForce> {
        self.current.load_full()
    }

    /// Puts `bundle` in force as a whole; requests under way finish with the configuration they
    /// began with.
    pub fn replace(&self, bundle: Bundle) {
        let new = InForce::new(bundle, Some(&self.current()), &self.sources);
        new.keys.keep_fresh();
        self.current.store(Arc::new(new));
    }

    /// Replaces the list of revocations and nothing else. The result is a new configuration, so no
    /// cached answer of the old one is returned.
    pub fn replace_revocations(&self, list: Revocations) {
        let old = self.current();
        self.current.store(Arc::new(InForce {
            generation: old.generation + 1,
            policy: old.policy.clone().with_revocations(list),
            keys: Arc::clone(&old.keys),
            groups: Arc::clone(&old.groups),
            remotes: Arc::clone(&old.remotes),
            published_client: old.published_client.clone(),
        }));
    }
}
