//! What a reload replaces as a whole: one configuration, and the state of the issuers and endpoints
//! that it names.
//! Never changes after it came into force.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use login_protocols::jose::KeySet;
use login_review::{Policy, Revocations};

use crate::{
    config::Bundle,
    evidence::{DistributedGroups, KeySets, RemoteAuthenticators, key_sets::KeySetIntervals},
};

/// One configuration, as read from its files.
#[derive(Clone)]
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

/// Where keys come from besides the issuers that a configuration names; only a restart changes it.
pub struct KeyPlaces {
    /// Where key sets are stored across restarts.
    pub folder: Option<PathBuf>,
    /// How often issuers are asked.
    pub intervals: KeySetIntervals,
}

impl InForce {
    /// The first configuration of a process. Sends no request.
    pub fn first(bundle: Bundle, local: Option<(&str, KeySet)>, places: &KeyPlaces) -> Self {
        let nothing = (&KeySets::default(), &DistributedGroups::default());
        Self::built(0, bundle, local, places, nothing, &RemoteAuthenticators::default())
    }

    /// The configuration after this one. Issuers and endpoints that do not change keep their state.
    #[must_use]
    pub fn successor(
        &self,
        bundle: Bundle,
        local: Option<(&str, KeySet)>,
        places: &KeyPlaces,
    ) -> Self {
        let earlier = (&*self.keys, &*self.groups);
        Self::built(self.generation + 1, bundle, local, places, earlier, &self.remotes)
    }

    fn built(
        generation: u64,
        Bundle { policy, remotes, published_client }: Bundle,
        local: Option<(&str, KeySet)>,
        KeyPlaces { folder, intervals }: &KeyPlaces,
        (keys, groups): (&KeySets, &DistributedGroups),
        parties: &RemoteAuthenticators,
    ) -> Self {
        Self {
            generation,
            keys: Arc::new(keys.succeed(&policy, local, folder.as_deref(), *intervals)),
            groups: Arc::new(groups.succeed(&policy)),
            remotes: Arc::new(parties.succeed(remotes)),
            published_client: published_client.map(|client| Bytes::from(client.render())),
            policy,
        }
    }

    /// The same with another list of revocations. It is a new configuration, so no cached answer of
    /// this one is returned.
    #[must_use]
    pub fn with_revocations(&self, list: Revocations) -> Self {
        Self {
            generation: self.generation + 1,
            policy: self.policy.clone().with_revocations(list),
            ..self.clone()
        }
    }
}
