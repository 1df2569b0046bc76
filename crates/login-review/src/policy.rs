//! The policy: which issuers, for which audiences, and how their claims map to a user.
//! Never changes after it was built; a new configuration is a new policy.

pub mod static_tokens;

use std::{sync::Arc, time::Duration};

use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::{
    jose::{Algorithm, DEFAULT_TOKEN_LENGTH, KeySet},
    oidc::Claims,
};
use url::Url;

use self::static_tokens::StaticTokens;
use crate::{
    claims::{
        mapping::ClaimMapping,
        rules::{RequiredClaim, Rule},
    },
    guard::Guard,
    remote::{RemoteAuthenticator, RemoteKind},
    revocations::{EndedSessions, Revocations},
};

/// Validated configuration: every issuer whose tokens are accepted, the other authenticators, and
/// the guard over all of them.
#[derive(Clone, Debug)]
pub struct Policy {
    issuers: Vec<IssuerPolicy>,
    guard: Guard,
    remotes: Vec<RemoteAuthenticator>,
    static_tokens: Option<StaticTokens>,
    revocations: Arc<Revocations>,
    max_token_length: usize,
}

/// An issuer of one [`Policy`]; invalid with another policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerIndex(usize);

impl IssuerIndex {
    /// The position in [`Policy::issuers`].
    pub const fn as_usize(self) -> usize {
        self.0
    }
}

/// A remote authenticator of one [`Policy`]; invalid with another policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteIndex(usize);

impl RemoteIndex {
    /// The position in [`Policy::remotes`].
    pub const fn as_usize(self) -> usize {
        self.0
    }
}

impl Policy {
    /// A policy of these issuers. Of two entries with the same issuer the first one applies; the
    /// parser already refuses such a file.
    pub fn new(issuers: Vec<IssuerPolicy>, guard: Guard) -> Self {
        Self {
            issuers,
            guard,
            remotes: Vec::new(),
            static_tokens: None,
            revocations: Arc::default(),
            max_token_length: DEFAULT_TOKEN_LENGTH,
        }
    }

    /// Sets the maximum token length in bytes.
    #[must_use]
    pub const fn with_max_token_length(mut self, length: usize) -> Self {
        self.max_token_length = length;
        self
    }

    /// The maximum token length in bytes.
    pub const fn max_token_length(&self) -> usize {
        self.max_token_length
    }

    /// Adds authenticators that ask another party.
    #[must_use]
    pub fn with_remotes(mut self, remotes: Vec<RemoteAuthenticator>) -> Self {
        self.remotes = remotes;
        self
    }

    /// Adds static tokens, which are looked up before any party is asked.
    #[must_use]
    pub fn with_static_tokens(mut self, tokens: StaticTokens) -> Self {
        self.static_tokens = Some(tokens);
        self
    }

    /// Sets the list of revocations.
    #[must_use]
    pub fn with_revocations(mut self, revocations: impl Into<Arc<Revocations>>) -> Self {
        self.revocations = revocations.into();
        self
    }

    /// All issuers; an [`IssuerIndex`] is a position in this list.
    pub fn issuers(&self) -> &[IssuerPolicy] {
        &self.issuers
    }

    /// The issuer that a token's `iss` names.
    pub fn named(&self, text: &str) -> Option<IssuerIndex> {
        self.find(text)
    }

    /// Changes one issuer, to explain what a different setting would do; never for a review.
    pub fn suppose(&mut self, index: IssuerIndex, change: impl FnOnce(&mut IssuerPolicy)) {
        if let Some(issuer) = self.issuers.get_mut(index.0) {
            change(issuer);
        }
    }

    /// The issuer at `index`; `None` if it comes from another policy.
    pub fn issuer(&self, index: IssuerIndex) -> Option<&IssuerPolicy> {
        self.issuers.get(index.0)
    }

    /// All remote authenticators; a [`RemoteIndex`] is a position in this list.
    pub fn remotes(&self) -> &[RemoteAuthenticator] {
        &self.remotes
    }

    /// Whether any opaque token can be accepted.
    pub const fn accepts_opaque_tokens(&self) -> bool {
        self.static_tokens.is_some() || !self.remotes.is_empty()
    }

    /// The remote authenticator at `index`; `None` if it comes from another policy.
    pub fn remote(&self, index: RemoteIndex) -> Option<&RemoteAuthenticator> {
        self.remotes.get(index.0)
    }

    /// The static tokens, if they are configured.
    pub const fn static_tokens(&self) -> Option<&StaticTokens> {
        self.static_tokens.as_ref()
    }

    /// The revocations. They may stay while the rest of a policy changes.
    pub const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// Whether the token with these verified `claims` of `issuer` is revoked.
    pub(crate) fn is_revoked(
        &self,
        ended_sessions: Option<&EndedSessions>,
        issuer: &str,
        claims: &Claims,
        now: UnixTime,
    ) -> bool {
        self.revocations.find(issuer, claims, now).is_some()
            || ended_sessions.is_some_and(|ended| ended.contain(issuer, claims))
    }

    /// The first remote authenticator whose prefix is such a one.
    pub(crate) fn remote_by_prefix(
        &self,
        fits: impl Fn(&str) -> bool,
    ) -> Option<(RemoteIndex, RemoteKind)> {
        let place = self.remotes.iter().position(|remote| fits(&remote.token_prefix))?;
        Some((RemoteIndex(place), self.remotes.get(place)?.rules.kind()))
    }

    /// The guard with the reserved names that are allowed.
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The issuer that `text` names.
    pub(crate) fn find(&self, text: &str) -> Option<IssuerIndex> {
        self.issuers.iter().position(|entry| entry.issuer.is_named_by(text)).map(IssuerIndex)
    }
}

/// One issuer: what its tokens must contain, and how they map to a user.
#[derive(Clone, Debug)]
pub struct IssuerPolicy {
    /// Must equal the discovery document's `issuer` exactly, and match `iss`.
    pub issuer: IssuerUrl,
    /// The exact URL of the discovery document, if it is not below the issuer.
    pub discovery_url: Option<Url>,
    /// Authorities trusted for this issuer's TLS, as PEM; `None` means those of the system.
    pub certificate_authority_pem: Option<String>,
    /// One of these must be in `aud`. Never empty, or no token is accepted.
    pub audiences: Vec<String>,
    /// How claims map to a user.
    pub mapping: ClaimMapping,
    /// Claims that must be present with exactly this text.
    pub required_claims: Vec<RequiredClaim>,
    /// Rules over the claims.
    pub claim_rules: Vec<Rule>,
    /// Rules over the mapped user.
    pub user_rules: Vec<Rule>,
    /// Signature algorithms accepted from this issuer.
    pub algorithms: Vec<Algorithm>,
    /// One of these must be `azp` (OpenID Connect Core §2); empty means no condition.
    pub authorized_parties: Vec<String>,
    /// Maximum time from `iat` to `exp`; `None` means no condition.
    pub max_token_lifetime: Option<Duration>,
    /// Endpoints from which distributed groups may be fetched (OpenID Connect Core §5.6.2).
    pub distributed_claims_endpoints: Vec<Url>,
    /// The source of its keys.
    pub key_source: KeySource,
    /// Maximum age of a fetched key set while the issuer is unreachable.
    pub key_set_max_age: Duration,
}

/// The source of an issuer's keys.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// From the `jwks_uri` of its discovery document.
    Discovery,
    /// The configuration, or a file that it names; the issuer is never asked.
    Inline(KeySet),
}

/// [`IssuerPolicy::key_set_max_age`] unless configured.
pub const DEFAULT_KEY_SET_MAX_AGE: Duration = Duration::from_hours(24);

impl IssuerPolicy {
    /// A policy without further conditions: discovery below the issuer, the system's authorities,
    /// every algorithm that kube-apiserver accepts.
    pub fn new(issuer: IssuerUrl, audiences: Vec<String>, mapping: ClaimMapping) -> Self {
        Self {
            issuer,
            discovery_url: None,
            certificate_authority_pem: None,
            audiences,
            mapping,
            required_claims: Vec::new(),
            claim_rules: Vec::new(),
            user_rules: Vec::new(),
            algorithms: Algorithm::ALL.to_vec(),
            authorized_parties: Vec::new(),
            max_token_lifetime: None,
            distributed_claims_endpoints: Vec::new(),
            key_source: KeySource::Discovery,
            key_set_max_age: DEFAULT_KEY_SET_MAX_AGE,
        }
    }
}
