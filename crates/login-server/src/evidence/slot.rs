//! One issuer's key set: the one in use, and the pace at which a newer one may be asked for.
//! Never replaces a good key set by nothing, and never fetches twice at the same time.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use login_protocols::jose::KeySet;
use tokio::{sync::watch, time::Instant};

use super::{fetch::Fetcher, persisted::Persisted};
use crate::telemetry::chain;

/// A key set in use. `generation` changes when, and only when, its bytes do.
#[derive(Debug)]
pub struct Snapshot {
    /// The keys, ready for verification.
    pub keys: KeySet,
    /// Counts the different sets this process has seen for the issuer.
    pub generation: u64,
    document: Vec<u8>,
}

/// How a wish for newer keys ended.
#[derive(Debug)]
pub enum Renewal {
    /// The issuer answered just now; the set may be the same as before.
    Fetched(Arc<Snapshot>),
    /// The issuer was asked less than an interval ago, so it is not asked again.
    TooSoon {
        /// Whether that earlier answer was a usable key set.
        last_succeeded: bool,
    },
    /// The issuer did not give a usable key set.
    Failed,
}

#[derive(Debug)]
pub(crate) struct Slot {
    fetcher: Option<Fetcher>,
    persisted: Option<Persisted>,
    current: ArcSwapOption<Snapshot>,
    generations: AtomicU64,
    interval: Duration,
    pacing: Mutex<Pacing>,
    /// Counts finished fetches; whoever waits for one watches this.
    finished: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Pacing {
    fetching: bool,
    last_started: Option<Instant>,
    last_succeeded: bool,
    failures: u32,
}

impl Slot {
    /// An issuer in this process: its keys are given, nothing is ever fetched.
    pub(crate) fn local(keys: KeySet) -> Self {
        let slot = Self::empty(None, None, Duration::ZERO);
        slot.replace(keys, Vec::new());
        slot
    }

    /// An issuer elsewhere. What an earlier process stored is used at once.
    pub(crate) fn remote(
        fetcher: Fetcher,
        persisted: Option<Persisted>,
        interval: Duration,
    ) -> Self {
        let stored = persisted.as_ref().and_then(|file| file.load(fetcher.issuer()));
        let slot = Self::empty(Some(fetcher), persisted, interval);
        if let Some((keys, document)) = stored {
            slot.replace(keys, document);
        }
        slot
    }

    fn empty(fetcher: Option<Fetcher>, persisted: Option<Persisted>, interval: Duration) -> Self {
        Self {
            fetcher,
            persisted,
            current: ArcSwapOption::empty(),
            generations: AtomicU64::new(0),
            interval,
            pacing: Mutex::default(),
            finished: watch::Sender::new(0),
        }
    }

    pub(crate) const fn is_remote(&self) -> bool {
        self.fetcher.is_some()
    }

    pub(crate) fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    pub(crate) fn generation(&self) -> Option<u64> {
        self.current.load().as_ref().map(|snapshot| snapshot.generation)
    }

    /// How many fetches have failed since the last good one.
    pub(crate) fn failures(&self) -> u32 {
        self.lock().failures
    }

    /// Asks the issuer, unless it was asked within the interval. Everybody who wants newer keys
    /// at the same moment waits for one fetch; it goes on when those who wait have given up.
    pub(crate) async fn renew(self: &Arc<Self>) -> Renewal {
        // Watch before looking at the pace, so that the end of a fetch cannot be missed.
        let mut finished = self.finished.subscribe();
        match self.begin() {
            Begin::Mine => {
                let slot = Arc::clone(self);
                tokio::spawn(slot.fetch());
            }
            Begin::Others => {}
            Begin::TooSoon { last_succeeded } => return Renewal::TooSoon { last_succeeded },
        }
        if finished.changed().await.is_err() || !self.lock().last_succeeded {
            return Renewal::Failed;
        }
        self.current().map_or(Renewal::Failed, Renewal::Fetched)
    }

    fn begin(&self) -> Begin {
        let mut pacing = self.lock();
        if pacing.fetching {
            return Begin::Others;
        }
        let now = Instant::now();
        let is_too_soon = pacing.last_started.is_some_and(|started| now < started + self.interval);
        if is_too_soon || self.fetcher.is_none() {
            return Begin::TooSoon { last_succeeded: pacing.last_succeeded };
        }
        pacing.fetching = true;
        pacing.last_started = Some(now);
        Begin::Mine
    }

    async fn fetch(self: Arc<Self>) {
        let Some(fetcher) = &self.fetcher else { return };
        let mut attempt = Attempt { slot: &self, succeeded: false };
        let issuer = fetcher.issuer().as_str();
        match fetcher.fetch().await {
            Ok(fetched) => {
                let skipped = fetched.keys.skipped();
                if skipped > 0 {
                    tracing::warn!(issuer, skipped, "the key set has keys that cannot be used");
                }
                if self.replace(fetched.keys, fetched.document) {
                    tracing::info!(issuer, "key set is new or has changed");
                    let slot = Arc::clone(&self);
                    // Nobody waits for the disk; the keys are in force already.
                    tokio::task::spawn_blocking(move || slot.persist());
                }
                attempt.succeeded = true;
            }
            Err(fault) => {
                let serving_stale = self.current.load().is_some();
                let error = chain(&fault);
                tracing::warn!(issuer, error, serving_stale, "could not renew the key set");
            }
        }
    }

    fn persist(&self) {
        let (Some(persisted), Some(fetcher), Some(snapshot)) =
            (&self.persisted, &self.fetcher, self.current())
        else {
            return;
        };
        if let Err(fault) = persisted.store(fetcher.issuer(), &snapshot.document) {
            let (issuer, error) = (fetcher.issuer().as_str(), chain(&fault));
            tracing::warn!(issuer, error, "could not store the key set; it is in use all the same");
        }
    }

    /// Puts `keys` in force; false when they are the ones already in force.
    fn replace(&self, keys: KeySet, document: Vec<u8>) -> bool {
        let is_same =
            self.current.load().as_ref().is_some_and(|current| current.document == document);
        if is_same {
            return false;
        }
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        self.current.store(Some(Arc::new(Snapshot { keys, generation, document })));
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pacing> {
        self.pacing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch under way. However it ends, others may fetch again and those who wait are told.
struct Attempt<'s> {
    slot: &'s Slot,
    succeeded: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        {
            let mut pacing = self.slot.lock();
            pacing.fetching = false;
            pacing.last_succeeded = self.succeeded;
            pacing.failures = if self.succeeded { 0 } else { pacing.failures.saturating_add(1) };
        }
        self.slot.finished.send_modify(|count| *count += 1);
    }
}

enum Begin {
    Mine,
    Others,
    TooSoon { last_succeeded: bool },
}
