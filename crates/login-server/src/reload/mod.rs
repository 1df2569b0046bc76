//! Replaces what is in force when the files that it came from change.
//! Never puts in force what did not validate, and never lets a fault in one group block another.
//!
//! `watched_group` notices changes to one group of files and replaces it; `sources` defines the groups;
//! `status` is for `/readyz` and metrics; `expiry` warns before certificates expire.

mod expiry;
#[cfg(test)]
mod model;
mod sources;
mod status;
mod watched;
mod watched_group;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use login_common::names::IssuerUrl;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use self::{
    expiry::ExpiryWarnings,
    sources::{CallerTokenSource, TlsSource},
    watched_group::{Look, Looking, WatchedGroup},
};
pub use self::{
    status::{Kind, Reloads, Status},
    watched::{ConfigurationFiles, PollInterval, Watched},
};
use crate::{callers::Callers, in_force::Configurations, system::clock::Clock, tls::ServingTls};

/// What reloads replace, and where they report.
pub struct Replaced {
    /// The configuration in force, and the list of revocations in it.
    pub configurations: Arc<Configurations>,
    /// The callers that may ask for reviews, by token.
    pub callers: Arc<Callers>,
    /// The certificates that handshakes use.
    pub tls: Option<ServingTls>,
    /// The embedded issuer, whose pages are reached under these certificates.
    pub issuer: Option<IssuerUrl>,
    /// The results of the latest reloads.
    pub reloads: Arc<Reloads>,
    /// The time by which certificates count.
    pub clock: Clock,
}

/// Checks the files for as long as `drive` runs.
pub(crate) struct Reloader {
    tls: Option<ServingTls>,
    reloads: Arc<Reloads>,
    subjects: Arc<Mutex<Vec<Box<dyn Looking>>>>,
    expiry: ExpiryWarnings,
    clock: Clock,
    interval: PollInterval,
}

impl Reloader {
    /// Watches `watched`, from which `replaced` was built.
    pub(crate) fn new(replaced: Replaced, watched: Watched) -> Self {
        let Replaced { configurations, callers, tls, issuer, reloads, clock } = replaced;
        let now = clock.now();
        let mut subjects: Vec<Box<dyn Looking>> = Vec::new();
        let mut watch = |subject: Box<dyn Looking>| {
            if let Some(stream) = subject.stream() {
                let file = stream.display();
                tracing::warn!(%file, "is no regular file; it and its group are read only at start");
            } else {
                subjects.push(subject);
            }
        };
        if let Some(files) = watched.configuration {
            let ((configuration, seen), (revocations, list)) = files.sources(&configurations);
            watch(Box::new(WatchedGroup::new(configuration, seen, &reloads, now)));
            // After the configuration, which says where the list is.
            watch(Box::new(WatchedGroup::new(revocations, list, &reloads, now)));
        }
        if let (Some((files, seen)), Some(serving)) = (watched.tls, &tls) {
            let source = TlsSource { files, serving: serving.clone(), issuer, clock };
            watch(Box::new(WatchedGroup::new(source, seen, &reloads, now)));
        }
        if let Some((file, seen)) = watched.caller_tokens {
            let source = CallerTokenSource { file, callers };
            watch(Box::new(WatchedGroup::new(source, seen, &reloads, now)));
        }
        Self {
            tls,
            reloads,
            subjects: Arc::new(Mutex::new(subjects)),
            expiry: ExpiryWarnings::default(),
            clock,
            interval: watched.interval,
        }
    }

    /// Every watched file.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        subjects.iter().flat_map(|subject| subject.files()).map(PathBuf::from).collect()
    }

    /// Checks the files until the server ends; at once and thoroughly when `wanted` increases.
    pub(crate) async fn drive(mut self, mut wanted: watch::Receiver<u64>) {
        let mut read_at = Instant::now() + self.interval.read;
        loop {
            if let Some(tls) = &self.tls {
                self.expiry.warn(&tls.current().validity, self.clock.now());
            }
            let glance_at = Instant::now() + self.interval.glance;
            let is_wanted = match timeout_at(glance_at, wanted.changed()).await {
                Ok(Ok(())) => true,
                // The server is shutting down.
                Ok(Err(_)) => return,
                Err(_) => false,
            };
            let look = if is_wanted || read_at <= Instant::now() {
                read_at = Instant::now() + self.interval.read;
                Look::Read
            } else {
                Look::Glance
            };
            let (reloads, subjects) = (Arc::clone(&self.reloads), Arc::clone(&self.subjects));
            let clock = self.clock;
            // A file system may be slow, and a configuration may be long.
            let looked = tokio::task::spawn_blocking(move || {
                let mut subjects = subjects.lock().unwrap_or_else(PoisonError::into_inner);
                for subject in subjects.iter_mut() {
                    subject.look(look, &reloads, clock.now());
                }
            });
            if looked.await.is_err() {
                tracing::error!("the check of the files panicked; the earlier ones stay in force");
            }
        }
    }
}
