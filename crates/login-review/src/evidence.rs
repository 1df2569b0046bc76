//! What a verdict depends on besides the token: what was gathered, and what is still needed.
//! Never fetches; the caller gathers, and asks again.

use kubernetes_cel::Patience;
use login_common::Secret;
use login_protocols::{jose::KeySet, oauth2::introspection::Introspection};
use url::Url;

use crate::{
    policy::{IntrospectorIndex, IssuerIndex},
    revocations::EndedSessions,
    verdict::{Reason, Verdict},
};

/// What the evidence allows to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The end.
    Verdict(Verdict),
    /// Gather this, add it to the evidence, and ask again. Nothing is asked for that the evidence
    /// has, except keys: a second wish for fresh ones means that they did not help.
    Need(Need),
}

/// What a verdict depends on and only the network knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The key set of this issuer; if there is none, [`crate::Outage::KeysUnavailable`].
    Keys(IssuerIndex),
    /// A newer key set of this issuer: no key of the set verifies the token, or the JWT that holds
    /// its groups. The key that does may be new, or have taken the place of another of its name.
    /// If a set of which the issuer was asked after the token was there does not verify it either,
    /// it is refused for this reason; if the issuer may not be asked again yet, the verdict is
    /// [`crate::Outage::KeyUnconfirmed`]; if it cannot be reached,
    /// [`crate::Outage::KeysUnavailable`].
    FreshKeys(IssuerIndex, Reason),
    /// What the introspection endpoint says about the token
    /// ([`ParsedToken::introspected`]); else [`crate::Outage::IntrospectionUnavailable`].
    Introspection(IntrospectorIndex),
    /// The JWT that holds the user's groups; [`crate::Reason::GroupsElsewhere`] if they are not
    /// given for this token, else [`crate::Outage::GroupsUnavailable`].
    Groups(GroupsSource),
}

/// Where the groups of one user are kept (OpenID Connect Core §5.6.2).
#[derive(Clone, Debug)]
pub struct GroupsSource {
    /// Who sent us there; its certificate authorities are trusted for the endpoint.
    pub issuer: IssuerIndex,
    /// One of those that the operator allows.
    pub endpoint: Url,
    /// Shown there, if the token gave one.
    pub access_token: Option<Secret>,
}

impl PartialEq for GroupsSource {
    fn eq(&self, other: &Self) -> bool {
        let same_token = match (&self.access_token, &other.access_token) {
            (Some(token), Some(other)) => token.same_as(other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same_token && self.issuer == other.issuer && self.endpoint == other.endpoint
    }
}

impl Eq for GroupsSource {}

/// What was gathered for one token so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'e> {
    /// Key sets: that of the token's issuer, and that of the issuer of its groups.
    pub keys: [Option<(IssuerIndex, &'e KeySet)>; 2],
    /// What the introspection endpoint said.
    pub introspection: Option<&'e Introspection>,
    /// The JWT from [`GroupsSource::endpoint`].
    pub groups: Option<&'e str>,
    /// Sessions that the embedded issuer ended before their time.
    pub ended_sessions: Option<&'e EndedSessions>,
    /// How long expressions may take; where it ends, the verdict is
    /// [`crate::Outage::DeadlineExceeded`].
    pub patience: Option<&'e Patience>,
}

impl<'e> Evidence<'e> {
    /// One key set.
    pub const fn of_keys(issuer: IssuerIndex, keys: &'e KeySet) -> Self {
        Self {
            keys: [Some((issuer, keys)), None],
            introspection: None,
            groups: None,
            ended_sessions: None,
            patience: None,
        }
    }

    pub(crate) fn keys_of(&self, issuer: IssuerIndex) -> Option<&'e KeySet> {
        let mut known = self.keys.iter().flatten();
        known.find(|(index, _)| *index == issuer).map(|(_, keys)| *keys)
    }
}
