//! The inputs of a verdict besides the token: what was gathered, and what is still needed.
//! Never fetches: the caller gathers the evidence and calls again.

use kubernetes_cel::Patience;
use login_common::Secret;
use login_protocols::{jose::KeySet, oidc::Statement};
use url::Url;

use crate::{
    policy::{IssuerIndex, RemoteIndex},
    revocations::EndedSessions,
    verdict::{Reason, Verdict},
};

/// The result of a review step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The final verdict.
    Verdict(Verdict),
    /// Gather this, add it to the evidence, and call again. Evidence that is present is never
    /// requested, except keys: a second request for fresh ones means that the first did not help.
    Need(Need),
}

/// Evidence that only the network has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The key set of this issuer; if there is none, [`crate::Outage::KeysUnavailable`].
    Keys(IssuerIndex),
    /// A newer key set of this issuer: no key of the set verifies the token, or the JWT with its
    /// groups. The right key may be new, or have replaced another of the same name. If a set that
    /// was requested after the token arrived does not verify it either, it is refused for this
    /// reason; if the issuer may not be asked again yet, the verdict is
    /// [`crate::Outage::KeyUnconfirmed`]; if it is unreachable, [`crate::Outage::KeysUnavailable`].
    FreshKeys(IssuerIndex, Reason),
    /// What this authenticator's party states about the token ([`crate::ParsedToken::remote`]); if
    /// there is no statement, [`crate::RemoteKind::outage`].
    Statement(RemoteIndex),
    /// The JWT with the user's groups; [`crate::Reason::GroupsElsewhere`] if the endpoint refuses
    /// them for this token, [`crate::Outage::GroupsUnavailable`] if it does not answer.
    Groups(GroupsSource),
}

/// Where to fetch the groups of one user (OpenID Connect Core §5.6.2).
#[derive(Clone, Debug)]
pub struct GroupsSource {
    /// The issuer of the token; its certificate authorities are trusted for the endpoint.
    pub issuer: IssuerIndex,
    /// On the issuer's own host, or allowed by the operator.
    pub endpoint: Url,
    /// Sent to the endpoint, if the token contains one.
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

/// The evidence for one token so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'e> {
    /// Key sets: of the token's issuer, and of the issuer of its groups.
    pub keys: [Option<(IssuerIndex, &'e KeySet)>; 2],
    /// The statement of the token's party.
    pub statement: Option<&'e Statement>,
    /// The JWT from [`GroupsSource::endpoint`].
    pub groups: Option<&'e str>,
    /// Sessions that the embedded issuer ended early.
    pub ended_sessions: Option<&'e EndedSessions>,
    /// The time limit of expressions; when it is exceeded, the verdict is
    /// [`crate::Outage::DeadlineExceeded`].
    pub patience: Option<&'e Patience>,
}

impl<'e> Evidence<'e> {
    /// Evidence with one key set.
    pub const fn of_keys(issuer: IssuerIndex, keys: &'e KeySet) -> Self {
        Self {
            keys: [Some((issuer, keys)), None],
            statement: None,
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
