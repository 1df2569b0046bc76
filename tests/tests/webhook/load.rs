//! Requests without a pause while something changes: none of them may fail.
//! Never continues after the first failure.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use login_tests::wait;

const PATIENCE: Duration = Duration::from_mins(1);

/// How many requests have been answered.
pub(crate) struct Progress {
    count: AtomicUsize,
    over: AtomicBool,
}

impl Progress {
    /// Waits until that many more requests have been answered.
    pub(crate) fn more(&self, requests: usize) -> Result<()> {
        let goal = self.count.load(Ordering::SeqCst) + requests;
        wait::until("more requests", PATIENCE, || {
            if self.over.load(Ordering::SeqCst) {
                bail!("a request failed");
            }
            Ok((self.count.load(Ordering::SeqCst) >= goal).then_some(()))
        })
    }
}

/// Sends requests, one after the other, until the change is done.
pub(crate) fn under_load(
    request: impl Fn() -> Result<()> + Sync,
    change: impl FnOnce(&Progress) -> Result<()>,
) -> Result<()> {
    let progress = Progress { count: AtomicUsize::new(0), over: AtomicBool::new(false) };
    thread::scope(|scope| {
        let requests = scope.spawn(|| {
            let outcome = loop {
                if progress.over.load(Ordering::SeqCst) {
                    break Ok(());
                }
                if let Err(error) = request() {
                    break Err(error);
                }
                progress.count.fetch_add(1, Ordering::SeqCst);
            };
            progress.over.store(true, Ordering::SeqCst);
            outcome
        });
        let changed = change(&progress);
        progress.over.store(true, Ordering::SeqCst);
        let requests = requests.join().map_err(|_| anyhow!("the requests panicked"))?;
        let count = progress.count.load(Ordering::SeqCst);
        requests.with_context(|| format!("after {count} good requests"))?;
        changed
    })
}
