//! The key sets of all issuers, in the order of the policy, renewed in the background.
//! Never lets one issuer's outage touch another's tokens.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use login_common::UnixTime;
use login_protocols::jose::KeySet;
use login_review::{IssuerIndex, IssuerPolicy, KeySource, Policy, Reason};

use super::{fetch::Fetcher, persisted::Persisted, slot::Slot};
pub use super::{
    pace::{Circuit, KeySetPace},
    slot::{FetchCounts, Origin, Renewal, Snapshot},
};
use crate::system::clock;

/// One slot per issuer.
#[derive(Debug)]
pub struct KeySets {
    slots: Vec<(String, Arc<Slot>)>,
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
    /// Tokens that named a key which was not in the set in use.
    pub unknown_key_ids: u64,
    /// The issuer's clock minus ours, in seconds.
    pub clock_skew: Option<i64>,
}

impl KeySets {
    /// Creates a slot for each issuer of the policy. `local` is the embedded issuer and its keys;
    /// key sets are stored in `folder` across restarts.
    pub fn new(
        policy: &Policy,
        local: Option<(&str, KeySet)>,
        folder: Option<&Path>,
        pace: KeySetPace,
    ) -> Self {
        Self { slots: Vec::new() }.succeed(policy, local, folder, pace)
    }

    /// The same without any request: only keys that are given or stored are used.
    pub fn stored_only(
        policy: &Policy,
        local: Option<(&str, KeySet)>,
        folder: Option<&Path>,
        pace: KeySetPace,
    ) -> Self {
        let Self { slots } = Self::new(policy, local, folder, pace);
        let never_asking = |(issuer, slot): (String, Arc<Slot>)| {
            let slot =
                Arc::try_unwrap(slot).map(Slot::never_asking).map_or_else(|slot| slot, Arc::new);
            (issuer, slot)
        };
        Self { slots: slots.into_iter().map(never_asking).collect() }
    }

    /// Returns the key sets for another policy. Issuers with the same address and authorities keep
    /// their keys, pace and state; the others start anew, and removed ones end with the last
    /// request that uses them.
    #[must_use]
    pub fn succeed(
        &self,
        policy: &Policy,
        local: Option<(&str, KeySet)>,
        folder: Option<&Path>,
        pace: KeySetPace,
    ) -> Self {
        let slot = |issuer: &IssuerPolicy| {
            let name = issuer.issuer.as_str();
            let slot = match (&local, &issuer.key_source) {
                (Some((local, keys)), _) if *local == name => {
                    Arc::new(Slot::given(Origin::Embedded, keys.clone()))
                }
                (_, KeySource::Inline(keys)) => {
                    Arc::new(Slot::given(Origin::Offline, keys.clone()))
                }
                (_, KeySource::Discovery) => self.continued_or_new(issuer, folder, pace),
            };
            (name.to_owned(), slot)
        };
        Self { slots: policy.issuers().iter().map(slot).collect() }
    }

    fn continued_or_new(
        &self,
        issuer: &IssuerPolicy,
        folder: Option<&Path>,
        pace: KeySetPace,
    ) -> Arc<Slot> {
        let fetcher = Fetcher::new(
            issuer.issuer.clone(),
            issuer.discovery_url.clone(),
            issuer.certificate_authority_pem.clone(),
            pace.timeout,
        );
        let continued = self.slots.iter().find(|(_, slot)| slot.continues(&fetcher, &pace));
        if let Some((_, slot)) = continued {
            slot.set_max_age(issuer.key_set_max_age);
            return Arc::clone(slot);
        }
        let persisted = folder.map(|folder| Persisted::in_folder(folder, &fetcher));
        let max_age = issuer.key_set_max_age;
        Arc::new(Slot::remote(fetcher, persisted, pace, max_age, clock::now()))
    }

    /// Returns the key set in use; if there is none, tries once to fetch it.
    pub async fn current_or_fetched(&self, issuer: IssuerIndex) -> Option<Arc<Snapshot>> {
        let slot = self.slot(issuer)?;
        match slot.current() {
            Some(current) => Some(current),
            None => slot.first().await,
        }
    }

    /// Returns what is known about a token that no key in use verifies; asks the issuer at its
    /// pace. `parts` is what was presented: the token, and the JWT with its groups; `reason` is the
    /// refusal reason if the issuer has no other keys.
    pub async fn confirm(&self, issuer: IssuerIndex, parts: &[&str], reason: Reason) -> Renewal {
        let Some(slot) = self.slot(issuer) else { return Renewal::Unavailable };
        if reason == Reason::UnknownKey {
            slot.unknown_key_ids.fetch_add(1, Ordering::Relaxed);
        }
        slot.confirm(parts).await
    }

    /// The generation of the key set in use; an answer that rests on another one is stale.
    pub fn generation(&self, issuer: IssuerIndex) -> Option<u64> {
        self.slot(issuer)?.generation()
    }

    /// The issuer's URL, for log lines.
    pub fn issuer(&self, issuer: IssuerIndex) -> &str {
        self.slots.get(issuer.as_usize()).map_or("", |(name, _)| name)
    }

    /// Whether each issuer's tokens can be judged.
    pub fn readiness(&self) -> impl Iterator<Item = IssuerReadiness<'_>> {
        self.slots.iter().map(|(issuer, slot)| {
            let (failures, _, trouble) = slot.trouble();
            let fault = trouble.map(|trouble| trouble.kind);
            IssuerReadiness { issuer, has_keys: slot.generation().is_some(), failures, fault }
        })
    }

    /// The state of every issuer.
    pub fn report(&self) -> impl Iterator<Item = IssuerReport<'_>> {
        self.slots.iter().map(|(issuer, slot)| {
            let current = slot.current();
            let (failures, circuit, trouble) = slot.trouble();
            let confirmed = slot.confirmed();
            IssuerReport {
                issuer,
                origin: slot.origin,
                keys: current.as_ref().map(|snapshot| snapshot.keys.len()),
                skipped: current.as_ref().map_or(0, |snapshot| snapshot.keys.skipped()),
                left_out: current
                    .as_ref()
                    .map(|snapshot| snapshot.keys.left_out_in_words())
                    .unwrap_or_default(),
                confirmed_at: confirmed.map(|(at, _)| at),
                age: confirmed.map(|(_, age)| age),
                fetches: slot.counts(),
                failures,
                circuit,
                last_error: trouble.map(|trouble| trouble.error),
                unknown_key_ids: slot.unknown_key_ids.load(Ordering::Relaxed),
                clock_skew: slot.clock_skew(),
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
        for (_, slot) in &self.slots {
            slot.keep_fresh();
        }
    }

    fn slot(&self, issuer: IssuerIndex) -> Option<&Arc<Slot>> {
        self.slots.get(issuer.as_usize()).map(|(_, slot)| slot)
    }
}
