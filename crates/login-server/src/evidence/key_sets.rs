//! The key sets of all issuers, in the order of the policy, renewed in the background.
//! Never lets one issuer's outage touch another's tokens.

use std::{path::Path, sync::Arc, time::Duration};

use login_protocols::jose::KeySet;
use login_review::{IssuerIndex, IssuerPolicy, Policy};
use tokio::task::JoinSet;

pub use super::slot::{Renewal, Snapshot};
use super::{fetch::Fetcher, persisted::Persisted, slot::Slot};

/// The pace of fetching.
#[derive(Clone, Copy, Debug)]
pub struct KeySetPace {
    /// An unknown key id causes at most one fetch per issuer in this time.
    pub interval: Duration,
    /// A key set in use is asked for again after this time.
    pub refresh: Duration,
    /// The longest pause between two tries while the issuer is down.
    pub longest_back_off: Duration,
    /// One request to an issuer, from connect to the last byte.
    pub timeout: Duration,
}

impl Default for KeySetPace {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            refresh: Duration::from_mins(5),
            longest_back_off: Duration::from_mins(1),
            timeout: Duration::from_secs(10),
        }
    }
}

/// One slot per issuer.
#[derive(Debug)]
pub struct KeySets {
    slots: Vec<(String, Arc<Slot>)>,
    pace: KeySetPace,
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
}

impl KeySets {
    /// A slot for each issuer of the policy. `local` names the embedded issuer and its keys;
    /// `folder` is where key sets survive a restart.
    pub fn new(
        policy: &Policy,
        local: Option<(&str, KeySet)>,
        folder: Option<&Path>,
        pace: KeySetPace,
    ) -> Self {
        let slot = |issuer: &IssuerPolicy| {
            let name = issuer.issuer.as_str();
            let slot = match &local {
                Some((local, keys)) if *local == name => Slot::local(keys.clone()),
                _ => Slot::remote(
                    Fetcher::new(
                        issuer.issuer.clone(),
                        issuer.discovery_url.clone(),
                        issuer.certificate_authority_pem.clone(),
                        pace.timeout,
                    ),
                    folder.map(|folder| Persisted::in_folder(folder, &issuer.issuer)),
                    pace.interval,
                ),
            };
            (name.to_owned(), Arc::new(slot))
        };
        Self { slots: policy.issuers().iter().map(slot).collect(), pace }
    }

    /// The key set in use; when there is none yet, one attempt to get it.
    pub async fn current_or_fetched(&self, issuer: IssuerIndex) -> Option<Arc<Snapshot>> {
        let slot = self.slot(issuer)?;
        if let Some(current) = slot.current() {
            return Some(current);
        }
        match slot.renew().await {
            Renewal::Fetched(snapshot) => Some(snapshot),
            Renewal::TooSoon { .. } | Renewal::Failed => slot.current(),
        }
    }

    /// Asks the issuer for newer keys, at its pace.
    pub async fn renew(&self, issuer: IssuerIndex) -> Renewal {
        match self.slot(issuer) {
            Some(slot) => slot.renew().await,
            None => Renewal::Failed,
        }
    }

    /// Which key set is in use; an answer that rests on another one is out of date.
    pub fn generation(&self, issuer: IssuerIndex) -> Option<u64> {
        self.slot(issuer)?.generation()
    }

    /// The issuer's URL, for log lines.
    pub fn issuer(&self, issuer: IssuerIndex) -> &str {
        self.slots.get(issuer.as_usize()).map_or("", |(name, _)| name)
    }

    /// The state of every issuer.
    pub fn readiness(&self) -> impl Iterator<Item = IssuerReadiness<'_>> {
        self.slots.iter().map(|(issuer, slot)| IssuerReadiness {
            issuer,
            has_keys: slot.generation().is_some(),
            failures: slot.failures(),
        })
    }

    /// Keeps every remote key set fresh until the returned set of tasks is dropped.
    pub fn keep_fresh(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for (number, (_, slot)) in self.slots.iter().enumerate() {
            if slot.is_remote() {
                tasks.spawn(keep_slot_fresh(Arc::clone(slot), self.pace, number));
            }
        }
        tasks
    }

    fn slot(&self, issuer: IssuerIndex) -> Option<&Arc<Slot>> {
        self.slots.get(issuer.as_usize()).map(|(_, slot)| slot)
    }
}

async fn keep_slot_fresh(slot: Arc<Slot>, pace: KeySetPace, number: usize) {
    loop {
        drop(slot.renew().await);
        let failures = slot.failures();
        let pause = if failures == 0 {
            // Issuers are not all asked in the same second.
            let spread = u32::try_from(number % 8).unwrap_or_default();
            pace.refresh + pace.refresh / 64 * spread
        } else {
            // 1 s, 2 s, 4 s … but no faster than an unknown key id may cause a fetch.
            let doubled = Duration::from_secs(1 << failures.saturating_sub(1).min(10));
            doubled.min(pace.longest_back_off).max(pace.interval)
        };
        tokio::time::sleep(pause).await;
    }
}
