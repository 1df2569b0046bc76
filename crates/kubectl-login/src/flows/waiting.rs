//! What a terminal shows while a user signs in.
//! Never without a bound: the caller sets it.

use std::{future::Future, time::Duration};

use super::issuer_client::IssuerClient;
use crate::system::terminal::Terminal;

/// Does `work`, which waits for a user, and shows at a terminal how much of `bound` is left.
pub async fn while_waiting<T>(
    issuer_client: &IssuerClient<'_>,
    bound: Duration,
    work: impl Future<Output = T>,
) -> T {
    let terminal = issuer_client.system.terminal;
    if !terminal.is_watched() {
        return work.await;
    }
    // Also removes the line when a signal ends the wait.
    let _line = ProgressLine(terminal);
    let show = async {
        let mut left = bound;
        loop {
            let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
            terminal.progress(&format!(
                "Waiting for the sign-in, {minutes}:{seconds:02} left; Ctrl-C cancels it"
            ));
            tokio::time::sleep(Duration::from_secs(1)).await;
            left = left.saturating_sub(Duration::from_secs(1));
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = show => std::future::pending().await,
    }
}

/// Erases the line when dropped.
struct ProgressLine<'a>(&'a dyn Terminal);

impl Drop for ProgressLine<'_> {
    fn drop(&mut self) {
        self.0.progress("");
    }
}
