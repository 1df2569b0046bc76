//! The webhook behind a real kube-apiserver: outages, changes under load, and who may ask what.
//! Never stands in for the caller where a real one can be had.
#![expect(clippy::disallowed_methods, reason = "tokens are made for the time that it is")]
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod keys;
mod load;
mod questions;
mod reload;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(keys::CASES)
        .cases(reload::CASES)
        .cases(questions::CASES)
        .run()
}
