//! The contract of exec plugins with real kubectl and a real kube-apiserver.
//! Never stands in for the host.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod host;
mod on_a_terminal;
mod refused;
mod storms;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use login_tests::suite::Suite;

const LIMIT: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(host::CASES)
        .cases(on_a_terminal::CASES)
        .cases(storms::CASES)
        .cases(refused::CASES)
        .run()
}
