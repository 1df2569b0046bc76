//! Sign-ins by a user with a real browser, at the embedded issuer and at another one.
//! Never accepts an unusable page: script errors and requests to other hosts fail the case.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod browser;
mod device;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start).cases(browser::CASES).cases(device::CASES).run()
}
