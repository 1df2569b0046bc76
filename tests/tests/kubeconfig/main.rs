//! Kubeconfigs that our commands write, with real kubectl, kube-apiserver and issuers.
//! Never checks how a file is written, only what kubectl does with it.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod conversion;
mod locks;
mod server_address;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(server_address::CASES)
        .cases(conversion::CASES)
        .cases(locks::CASES)
        .run()
}
