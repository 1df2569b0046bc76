//! Runs asynchronous work to its end, or until a signal comes.
//! Never on the cached path.

use std::{future::Future, io, time::Duration};

use thiserror::Error;

use super::signals;
use crate::report::{Fault, Reported};

/// Why there is no result.
#[derive(Debug, Error)]
pub enum NotRun {
    /// This machine gives no runtime.
    #[error("could not start")]
    Start(#[source] io::Error),
    /// Ctrl-C or a request to terminate.
    #[error("cancelled")]
    Cancelled,
}

impl Reported for NotRun {
    fn fault(&self) -> Fault {
        Fault::Refused
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

/// The result of `work`; after a signal it has `grace` to end by itself.
pub fn block_on_with_grace<T>(
    work: impl Future<Output = T>,
    grace: impl FnOnce() -> Duration,
) -> Result<T, NotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(NotRun::Start)?;
    let _listening = signals::Listening::begin();
    let outcome = runtime.block_on(async {
        tokio::pin!(work);
        tokio::select! {
            biased;
            outcome = &mut work => Ok(outcome),
            () = signals::cancelled() => {
                tokio::time::timeout(grace(), work).await.map_err(|_| NotRun::Cancelled)
            }
        }
    });
    runtime.shutdown_background();
    outcome
}

/// The result of `work`, unless a signal comes first.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, NotRun> {
    block_on_with_grace(work, || Duration::ZERO)
}
