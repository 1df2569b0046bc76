//! The key sets of all issuers, in the order of the policy, renewed in the background.
//! Never lets one issuer's outage touch another's tokens.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use login_common::UnixTime;
use login_issuer::Issuer;
use login_protocols::jose::KeySet;
use login_review::{IssuerIndex, IssuerPolicy, KeySource, Policy, Reason};

use super::{fetch::Fetcher, issuer_keys::IssuerKeys, persisted::Persisted};
pub use super::{
    issuer_keys::{FetchCounts, Origin, Renewal, Snapshot},
    refresh_schedule::{Circuit, KeySetIntervals},
};
use crate::system::clock::Clock;

/// The keys of each issuer.
#[derive(Debug, Default)]
pub struct KeySets {
    issuers: Vec<(String, Arc<IssuerKeys>)>,
}

/// What `/readyz` says about one issuer.
#[derive(Debug, PartialEq, Eq)]
pub struct IssuerReadiness<'a> {
    /// Its URL.
    pub issuer: &'a str,
    /// There are keys to verify with, fresh or stale.
    pub has_keys: bool,
    /// Fetches that failed since the last good one.
    pub failures: u32,
    /// Why the last fetch failed, in few words.
    pub fault: Option<&'static str>,
}

/// Everything known about one issuer's keys, for metrics, `/readyz` and `explain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerReport<'a> {
    /// Its URL.
    pub issuer: &'a str,
    /// Where its keys come from.
    pub origin: Origin,
    /// Usable keys of the set in use; `None` when there is no set.
    pub keys: Option<usize>,
    /// Keys of the set in use that cannot be used.
    pub skipped: usize,
    /// Why they cannot be used, key by key; empty if there are none.
    pub left_out: String,
    /// When the issuer last confirmed the set, here or in an earlier process.
    pub confirmed_at: Option<UnixTime>,
    /// How long ago that was.
    pub age: Option<Duration>,
    /// How fetches ended.
    pub fetches: FetchCounts,
    /// Fetches that failed since the last good one.
    pub failures: u32,
    /// Whether requests go to the issuer at the moment.
    pub circuit: Circuit,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<String>,
    /// Tokens whose `kid` was not in the key set in use.
    pub unknown_key_ids: u64,
    /// The issuer's clock minus ours, in seconds.
    pub clock_skew: Option<i64>,
}

/// Where keys come from, besides the issuers themselves, and how often those are asked.
#[derive(Debug)]
pub struct KeySources {
    /// The URL and the public keys of the embedded issuer.
    pub embedded: Option<(String, KeySet)>,
    /// Where key sets are stored across restarts.
    pub folder: Option<PathBuf>,
    /// How often issuers are asked for keys.
    pub intervals: KeySetIntervals,
    /// The time by which stored sets are too old, and issuers' clocks are wrong.
    pub clock: Clock,
}

impl KeySources {
    /// The sources of a server with this embedded issuer and this state folder.
    pub fn new(
        issuer: Option<&Issuer>,
        state_dir: Option<&Path>,
        intervals: KeySetIntervals,
        clock: Clock,
    ) -> Self {
        let keys = |issuer: &Issuer| {
            (issuer.settings().issuer.as_str().to_owned(), KeySet::clone(&issuer.key_set()))
        };
        let folder = state_dir.map(|folder| folder.join("key-sets"));
        Self { embedded: issuer.map(keys), folder, intervals, clock }
    }
}

impl KeySets {
    /// The keys of each issuer of the policy.
    pub fn new(policy: &Policy, sources: &KeySources) -> Self {
        Self::default().succeed(policy, sources)
    }

    /// The same without any request: only keys that are given or stored are used.
    pub fn stored_only(policy: &Policy, sources: &KeySources) -> Self {
        let Self { issuers } = Self::new(policy, sources);
        let never_asking = |(issuer, issuer_keys): (String, Arc<IssuerKeys>)| {
            let issuer_keys = Arc::try_unwrap(issuer_keys)
                .map(IssuerKeys::never_asking)
                .map_or_else(|issuer_keys| issuer_keys, Arc::new);
            (issuer, issuer_keys)
        };
        Self { issuers: issuers.into_iter().map(never_asking).collect() }
    }

    /// Returns the key sets for another policy. Issuers with the same address and authorities keep
    /// their keys, pace and state; the others start anew, and removed ones end with the last
    /// request that uses them.
    #[must_use]
    pub fn succeed(&self, policy: &Policy, sources: &KeySources) -> Self {
        let issuer_keys = |issuer: &IssuerPolicy| {
            let name = issuer.issuer.as_str();
            let issuer_keys = match (&sources.embedded, &issuer.key_source) {
                (Some((embedded, keys)), _) if embedded == name => {
                    Arc::new(IssuerKeys::given(Origin::Embedded, keys.clone(), sources.clock))
                }
                (_, KeySource::Inline(keys)) => {
                    Arc::new(IssuerKeys::given(Origin::Offline, keys.clone(), sources.clock))
                }
                (_, KeySource::Discovery) => self.continued_or_new(issuer, sources),
            };
            (name.to_owned(), issuer_keys)
        };
        Self { issuers: policy.issuers().iter().map(issuer_keys).collect() }
    }

    fn continued_or_new(&self, issuer: &IssuerPolicy, sources: &KeySources) -> Arc<IssuerKeys> {
        let KeySources { intervals, clock, .. } = *sources;
        let fetcher = Fetcher::new(
            issuer.issuer.clone(),
            issuer.discovery_url.clone(),
            issuer.certificate_authority_pem.clone(),
            intervals.timeout,
        );
        let continued = self
            .issuers
            .iter()
            .find(|(_, issuer_keys)| issuer_keys.continues(&fetcher, &intervals));
        if let Some((_, issuer_keys)) = continued {
            issuer_keys.set_max_age(issuer.key_set_max_age);
            return Arc::clone(issuer_keys);
        }
        let persisted =
            sources.folder.as_deref().map(|folder| Persisted::in_folder(folder, &fetcher));
        let max_age = issuer.key_set_max_age;
        Arc::new(IssuerKeys::remote(fetcher, persisted, intervals, max_age, clock))
    }

    /// Returns the key set in use; if there is none, tries once to fetch it.
    pub async fn current_or_fetched(&self, issuer: IssuerIndex) -> Option<Arc<Snapshot>> {
        let issuer_keys = self.issuer_keys(issuer)?;
        match issuer_keys.current() {
            Some(current) => Some(current),
            None => issuer_keys.first().await,
        }
    }

    /// Returns what is known about a token that no key in use verifies; asks the issuer at its
    /// pace. `parts` is what was presented: the token, and the JWT with its groups; `reason` is the
    /// refusal reason if the issuer has no other keys.
    pub async fn confirm(&self, issuer: IssuerIndex, parts: &[&str], reason: Reason) -> Renewal {
        let Some(issuer_keys) = self.issuer_keys(issuer) else { return Renewal::Unavailable };
        if reason == Reason::UnknownKey {
            issuer_keys.unknown_key_ids.fetch_add(1, Ordering::Relaxed);
        }
        issuer_keys.confirm(parts).await
    }

    /// The generation of the key set in use; an answer that rests on another one is stale.
    pub fn generation(&self, issuer: IssuerIndex) -> Option<u64> {
        self.issuer_keys(issuer)?.generation()
    }

    /// The issuer's URL, for log lines.
    pub fn issuer(&self, issuer: IssuerIndex) -> &str {
        self.issuers.get(issuer.as_usize()).map_or("", |(name, _)| name)
    }

    /// Whether each issuer's tokens can be judged.
    pub fn readiness(&self) -> impl Iterator<Item = IssuerReadiness<'_>> {
        self.issuers.iter().map(|(issuer, issuer_keys)| {
            let (failures, _, trouble) = issuer_keys.trouble();
            let fault = trouble.map(|trouble| trouble.kind);
            IssuerReadiness {
                issuer,
                has_keys: issuer_keys.generation().is_some(),
                failures,
                fault,
            }
        })
    }

    /// The state of every issuer.
    pub fn report(&self) -> impl Iterator<Item = IssuerReport<'_>> {
        self.issuers.iter().map(|(issuer, issuer_keys)| {
            let current = issuer_keys.current();
            let (failures, circuit, trouble) = issuer_keys.trouble();
            let confirmed = issuer_keys.confirmed();
            IssuerReport {
                issuer,
                origin: issuer_keys.origin,
                keys: current.as_ref().map(|snapshot| snapshot.keys.len()),
                skipped: current.as_ref().map_or(0, |snapshot| snapshot.keys.skipped()),
                left_out: current
                    .as_ref()
                    .map(|snapshot| snapshot.keys.left_out_in_words())
                    .unwrap_or_default(),
                confirmed_at: confirmed.map(|(at, _)| at),
                age: confirmed.map(|(_, age)| age),
                fetches: issuer_keys.counts(),
                failures,
                circuit,
                last_error: trouble.map(|trouble| trouble.error),
                unknown_key_ids: issuer_keys.unknown_key_ids.load(Ordering::Relaxed),
                clock_skew: issuer_keys.clock_skew(),
            }
        })
    }

    /// The state of one issuer.
    pub fn report_of(&self, issuer: IssuerIndex) -> Option<IssuerReport<'_>> {
        self.report().nth(issuer.as_usize())
    }

    /// Keeps every fetched key set fresh for as long as it is in use. Slots that are kept fresh
    /// already are not changed.
    pub fn keep_fresh(&self) {
        for (_, issuer_keys) in &self.issuers {
            issuer_keys.keep_fresh();
        }
    }

    fn issuer_keys(&self, issuer: IssuerIndex) -> Option<&Arc<IssuerKeys>> {
        self.issuers.get(issuer.as_usize()).map(|(_, issuer_keys)| issuer_keys)
    }
}
