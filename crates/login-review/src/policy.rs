//! What is allowed: which issuers, for which audiences, and how their claims become a user.
//! Never changes after it was built; a new configuration is a new policy.

use std::time::Duration;

use login_common::names::IssuerUrl;
use login_protocols::jose::{Algorithm, KeySet};
use url::Url;

use crate::{claims::mapping::ClaimMapping, guard::Guard};

/// Checked configuration: every issuer whose tokens are accepted, and the guard over all of them.
#[derive(Clone, Debug)]
pub struct Policy {
    issuers: Vec<IssuerPolicy>,
    guard: Guard,
}

/// Which issuer of one [`Policy`] is meant; worthless with another policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerIndex(usize);

impl IssuerIndex {
    /// The position in [`Policy::issuers`].
    pub const fn as_usize(self) -> usize {
        self.0
    }
}

impl Policy {
    /// The policy of these issuers. Of two entries with the same issuer the first one counts;
    /// a configuration file with two is refused before it comes here.
    pub fn new(issuers: Vec<IssuerPolicy>, guard: Guard) -> Self {
        Self { issuers, guard }
    }

    /// Every issuer; an [`IssuerIndex`] points into this.
    pub fn issuers(&self) -> &[IssuerPolicy] {
        &self.issuers
    }

    /// What `index` points at; none if it comes from another policy.
    pub fn issuer(&self, index: IssuerIndex) -> Option<&IssuerPolicy> {
        self.issuers.get(index.0)
    }

    /// Which names may begin with `system:`.
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The issuer whose name is `text`, byte for byte.
    pub(crate) fn find(&self, text: &str) -> Option<IssuerIndex> {
        self.issuers.iter().position(|entry| entry.issuer.as_str() == text).map(IssuerIndex)
    }
}

/// One issuer: what its tokens must say, and what that means in Kubernetes.
#[derive(Clone, Debug)]
pub struct IssuerPolicy {
    /// Must equal `iss` and the discovery document's `issuer` exactly.
    pub issuer: IssuerUrl,
    /// Where the discovery document is read instead of below the issuer; fetched exactly so.
    pub discovery_url: Option<Url>,
    /// Authorities trusted for this issuer's TLS, as PEM; none means those of the system.
    pub certificate_authority_pem: Option<String>,
    /// One of these must stand in `aud`. Never empty, or no token is accepted.
    pub audiences: Vec<String>,
    /// How claims become a user.
    pub mapping: ClaimMapping,
    /// Claims that must be there with exactly this text.
    pub required_claims: Vec<RequiredClaim>,
    /// Signature algorithms accepted from this issuer.
    pub algorithms: Vec<Algorithm>,
    /// One of these must be `azp` (OpenID Connect Core §2); empty asks nothing of it.
    pub authorized_parties: Vec<String>,
    /// How long after `iat` a token may end; none asks nothing of it.
    pub max_token_lifetime: Option<Duration>,
    /// Where the groups of a distributed claim may be fetched (OpenID Connect Core §5.6.2).
    pub distributed_claims_endpoints: Vec<Url>,
    /// Where its keys come from.
    pub key_source: KeySource,
    /// How old a fetched key set may become while the issuer does not answer.
    pub key_set_max_age: Duration,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// From the `jwks_uri` of its discovery document.
    Discovery,
    /// From the configuration or a file that it names; the issuer is never asked.
    Inline(KeySet),
}

/// [`IssuerPolicy::key_set_max_age`] unless configured.
pub const DEFAULT_KEY_SET_MAX_AGE: Duration = Duration::from_hours(24);

/// A claim that must be a JSON string equal to `value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The name of a claim at the top level.
    pub claim: String,
    /// The text it must have.
    pub value: String,
}

impl IssuerPolicy {
    /// A policy without further conditions: discovery below the issuer, the system's
    /// authorities, every algorithm kube-apiserver accepts.
    pub fn new(issuer: IssuerUrl, audiences: Vec<String>, mapping: ClaimMapping) -> Self {
        Self {
            issuer,
            discovery_url: None,
            certificate_authority_pem: None,
            audiences,
            mapping,
            required_claims: Vec::new(),
            algorithms: Algorithm::ALL.to_vec(),
            authorized_parties: Vec::new(),
            max_token_lifetime: None,
            distributed_claims_endpoints: Vec::new(),
            key_source: KeySource::Discovery,
            key_set_max_age: DEFAULT_KEY_SET_MAX_AGE,
        }
    }
}
