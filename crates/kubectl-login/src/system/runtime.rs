//! Runs asynchronous work to its end, or until a signal comes.
//! Never on the cached path.

use std::{future::Future, io};

use super::signals;

/// Why there is no result.
#[derive(Debug)]
pub enum NotRun {
    /// This machine gives no runtime.
    Start(io::Error),
    /// Ctrl-C or a request to terminate.
    Cancelled,
}

/// The result of `work`.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, NotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(NotRun::Start)?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => Ok(outcome),
            () = signals::cancelled() => Err(NotRun::Cancelled),
        }
    });
    runtime.shutdown_background();
    outcome
}
