//! Runs asynchronous work until it ends or a signal arrives.
//! Never used on the cached path.

use std::{future::Future, io, time::Duration};

use thiserror::Error;

use super::signals;
use crate::report::{Fault, Reported};

/// Why there is no result.
#[derive(Debug, Error)]
pub enum NotRun {
    /// The async runtime could not be started.
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

/// Runs `work`; after a signal it has `grace` to finish.
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

/// Runs `work` until it ends or a signal arrives.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, NotRun> {
    block_on_with_grace(work, || Duration::ZERO)
}
