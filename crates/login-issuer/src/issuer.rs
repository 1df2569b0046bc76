//! The embedded issuer: its state and its start.
//! Never answers a request: that is `endpoints`.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
};

use login_common::UnixTime;

use crate::{
    IssuerSettings,
    keys::{Keys, OpenError},
    opaque,
    store::{Store, StoreError},
    throttle::{Limits, Throttle},
    ticket::Seal,
    users::PasswordCheck,
};

/// Minimum seconds between two purges of expired records.
const TIDY_INTERVAL: i64 = 60;

/// The embedded OpenID provider. Shared by all threads.
pub struct Issuer {
    pub(crate) settings: IssuerSettings,
    pub(crate) store: Box<dyn Store>,
    pub(crate) keys: Keys,
    pub(crate) seal: Seal,
    pub(crate) passwords: PasswordCheck,
    pub(crate) user_codes: Throttle,
    tidied_at: AtomicI64,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Starts on `store`; creates the signing key if there is none.
    pub fn open(
        settings: IssuerSettings,
        store: Box<dyn Store>,
        now: UnixTime,
    ) -> Result<Self, OpenError> {
        let keys = Keys::load(&*store, now)?;
        let sealing_key = store.sealing_key_or(&opaque::random_bytes::<32>()?)?;
        Ok(Self {
            seal: Seal::new(&sealing_key, &settings)?,
            passwords: PasswordCheck::new(settings.passwords)?,
            user_codes: Throttle::new(Limits::USER_CODE),
            tidied_at: AtomicI64::new(0),
            settings,
            store,
            keys,
        })
    }

    /// The settings that it was started with.
    pub fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// Purges expired records, at most once a minute. Part of every call that adds a record.
    pub(crate) fn tidy(&self, now: UnixTime) -> Result<(), StoreError> {
        let now_seconds = now.as_seconds();
        let last = self.tidied_at.load(Ordering::Relaxed);
        let due = now_seconds.saturating_sub(last) >= TIDY_INTERVAL || now_seconds < last;
        let mine = due
            && self
                .tidied_at
                .compare_exchange(last, now_seconds, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine { self.store.purge(now) } else { Ok(()) }
    }
}
