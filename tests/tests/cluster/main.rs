//! The whole scenario on a real kube-apiserver: webhook, rights, kubeconfig, outage.
//! Never writes by hand what `login-server print` writes.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod anonymous;
mod development;
mod exec_entry;
mod renewal;
mod replicas;
mod rights;
mod webhook;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(webhook::CASES)
        .cases(anonymous::CASES)
        .cases(rights::CASES)
        .cases(exec_entry::CASES)
        .cases(renewal::CASES)
        .cases(development::CASES)
        .cases(replicas::CASES)
        .run()
}
