//! `kubectl-login get-token` against a certified OpenID provider: cache, renewal, many processes.
//! Never needs a cluster.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod cache;
mod clock;
mod disk;
mod keyring;
mod machines;
mod network;
mod output;
mod processes;
mod renewal;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use login_tests::components::Components;
use login_tests::suite::Suite;

/// A case of this suite. Each starts a provider with its own settings.
type Case = (&'static str, fn(&Arc<Components>) -> Result<()>);

fn main() -> ExitCode {
    Suite::new(|components: &Arc<Components>| Ok(Arc::clone(components)))
        // The longest cases first.
        .cases(renewal::CASES)
        .cases(network::CASES)
        .cases(processes::CASES)
        .cases(disk::CASES)
        .cases(clock::CASES)
        .cases(keyring::CASES)
        .cases(machines::CASES)
        .cases(cache::CASES)
        .cases(output::CASES)
        .run()
}
